//! Kubernetes' Events as a gateway shows them to its user. Those that tell of progress say so in their metadata, which keeps the user's command
//! from giving up on a slow image or a node that has yet to be made.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::birth::{SOURCE, progress, step};
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::truncate;
use crate::core::kube::event::Event;
use crate::core::limits;
use crate::core::territory::{ObjectKey, OurNamespace};
use crate::core::time::{Mono, Wall};

/// The container whose image is the user's. Init containers pull images of their own.
const MAIN_CONTAINER: &str = "spec.containers{agent}";

/// Which Events have been told, and which wait for the object they are about.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Heard {
    told: BTreeMap<String, Told>,
    order: VecDeque<String>,
    waiting: VecDeque<(Mono, Event)>,
}

/// What was told of an Event last.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Told {
    count: i64,
    at: Mono,
}

impl Heard {
    /// Whether this says something that has not been told: an Event is told again when it happens again, but not at once. What is left out is
    /// not lost: the next time, it is counted.
    pub fn is_news(&mut self, now: Mono, event: &Event) -> bool {
        let count = count(event);
        let uid = &event.metadata.uid;
        if let Some(told) = self.told.get_mut(uid) {
            let is_news = told.count < count && now.since(told.at) >= limits::EVENT_REPEAT_MIN;
            if is_news {
                *told = Told { count, at: now };
            }
            return is_news;
        }
        self.told.insert(uid.clone(), Told { count, at: now });
        self.order.push_back(uid.clone());
        if self.order.len() > limits::EVENTS_REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        true
    }

    /// Keeps an Event for the object it is about, which may be seen a moment later.
    pub fn keep(&mut self, now: Mono, event: Event) {
        if self.waiting.len() >= limits::EVENTS_WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back((now, event));
    }

    /// Takes out the Events that wait, without those that have waited too long.
    pub fn take_waiting(&mut self, now: Mono) -> Vec<(Mono, Event)> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter(|(since, _)| now.since(*since) < limits::EVENT_PATIENCE).collect()
    }

    /// Puts back an Event that still waits, with the time it has waited since.
    pub fn keep_since(&mut self, since: Mono, event: Event) {
        self.waiting.push_back((since, event));
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether any Event waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// How often an Event has happened, whichever way its writer counts.
fn count(event: &Event) -> i64 {
    event.series.as_ref().map(|series| series.count).or(event.count).unwrap_or(1)
}

/// When an Event happened last. Each generation of writers fills another field; where none can be read, it is when we heard of it.
fn happened(event: &Event, now: Wall) -> Wall {
    let parse = |text: &Option<String>| text.as_deref().and_then(Wall::parse);
    parse(&event.last_timestamp)
        .or_else(|| event.series.as_ref().and_then(|series| parse(&series.last_observed_time)))
        .or_else(|| parse(&event.event_time))
        .or_else(|| parse(&event.metadata.creation_timestamp))
        .unwrap_or(now)
}

/// Something that this driver has noticed and a person should look at, in the form of an Event.
#[must_use]
pub fn warning(now: Wall, object: &ObjectKey, reason: &str, message: &str) -> pb::DriverPlatformEvent {
    let mut message = message.to_owned();
    truncate(&mut message, limits::CONDITION_MESSAGE_MAX);
    pb::DriverPlatformEvent {
        timestamp_ms: now.0,
        event_time: None,
        source: SOURCE.into(),
        r#type: "Warning".into(),
        reason: reason.into(),
        message,
        metadata: BTreeMap::from([
            ("involved_kind".to_owned(), "Sandbox".to_owned()),
            ("involved_name".to_owned(), object.name().to_string()),
            ("namespace".to_owned(), object.namespace().to_string()),
        ]),
    }
}

/// The Event as the gateway takes it.
#[must_use]
pub fn platform_event(now: Wall, namespace: &OurNamespace, event: &Event) -> pb::DriverPlatformEvent {
    let mut metadata = BTreeMap::from([
        ("involved_kind".to_owned(), event.involved_object.kind.clone()),
        ("involved_name".to_owned(), event.involved_object.name.clone()),
        ("namespace".to_owned(), namespace.to_string()),
        ("count".to_owned(), count(event).to_string()),
    ]);
    for (key, value) in telling(event) {
        metadata.insert(key.to_owned(), value);
    }
    let mut message = event.message.clone();
    truncate(&mut message, limits::CONDITION_MESSAGE_MAX);
    pb::DriverPlatformEvent {
        timestamp_ms: happened(event, now).0,
        event_time: None,
        source: "kubernetes".into(),
        r#type: event.kind.clone(),
        reason: event.reason.clone(),
        message,
        metadata,
    }
}

/// What an Event says about progress.
fn telling(event: &Event) -> Vec<(&'static str, String)> {
    let is_main = event.involved_object.field_path == MAIN_CONTAINER;
    let detail = || {
        let mut detail = event.message.clone();
        truncate(&mut detail, limits::PROGRESS_DETAIL_MAX);
        detail
    };
    match event.reason.as_str() {
        "Scheduled" => vec![
            (progress::COMPLETE_STEP, step::REQUESTING.into()),
            (progress::COMPLETE_LABEL, "Sandbox allocated".into()),
            (progress::ACTIVE_STEP, step::PULLING.into()),
        ],
        "Pulling" => vec![
            (progress::ACTIVE_STEP, step::PULLING.into()),
            (progress::ACTIVE_DETAIL, quoted(&event.message).map_or_else(detail, str::to_owned)),
        ],
        "Pulled" if is_main => vec![
            (progress::COMPLETE_STEP, step::PULLING.into()),
            (progress::COMPLETE_LABEL, pulled(&event.message)),
            (progress::ACTIVE_STEP, step::STARTING.into()),
        ],
        "Created" | "Started" if is_main => vec![(progress::ACTIVE_STEP, step::STARTING.into())],
        "Pulled" | "Created" | "Started" => vec![(progress::ACTIVE_STEP, step::PULLING.into()), (progress::ACTIVE_DETAIL, detail())],
        "FailedScheduling"
        | "TriggeredScaleUp"
        | "NotTriggerScaleUp"
        | "Provisioning"
        | "ExternalProvisioning"
        | "WaitForFirstConsumer"
        | "WaitForPodScheduled"
        | "ProvisioningSucceeded" => {
            vec![(progress::ACTIVE_STEP, step::REQUESTING.into()), (progress::ACTIVE_DETAIL, detail())]
        }
        // The node has been found; kubelet and the attacher try these again until they succeed.
        "SuccessfulAttachVolume" | "FailedAttachVolume" | "FailedMount" | "FailedCreatePodSandBox" | "NetworkNotReady" => {
            vec![(progress::ACTIVE_STEP, step::PULLING.into()), (progress::ACTIVE_DETAIL, detail())]
        }
        _ => Vec::new(),
    }
}

/// What stands between the first two quotation marks.
fn quoted(message: &str) -> Option<&str> {
    message.split('"').nth(1).filter(|text| !text.is_empty())
}

/// "Image pulled", with the size where kubelet says it.
fn pulled(message: &str) -> String {
    let bytes = message.split("Image size: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    bytes.map_or_else(|| "Image pulled".into(), |bytes| format!("Image pulled ({} MB)", bytes.div_ceil(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Result<Event, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_writers_time_is_found() -> Result<(), serde_json::Error> {
        for (fields, at) in [
            (r#""lastTimestamp":"1970-01-01T00:00:01Z","eventTime":"1970-01-01T00:00:09Z""#, 1_000),
            (r#""eventTime":"1970-01-01T00:00:09Z","series":{"count":3,"lastObservedTime":"1970-01-01T00:00:02.5Z"}"#, 2_500),
            (r#""eventTime":"1970-01-01T00:00:03Z""#, 3_000),
            (r#""reason":"x""#, 4_000),
            (r#""lastTimestamp":null,"eventTime":null"#, 4_000),
        ] {
            let event = event(&format!(r#"{{"metadata":{{"uid":"e","creationTimestamp":"1970-01-01T00:00:04Z"}},{fields}}}"#))?;
            assert_eq!(happened(&event, Wall(9_000)), Wall(at), "{fields}");
        }
        assert_eq!(happened(&event(r#"{"metadata":{"uid":"e"},"lastTimestamp":"yesterday"}"#)?, Wall(9_000)), Wall(9_000));
        Ok(())
    }

    fn told(event: &Event) -> BTreeMap<String, String> {
        telling(event).into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    #[test]
    fn only_the_sandboxes_own_image_completes_the_pulling() -> Result<(), serde_json::Error> {
        let pulled = |path: &str| {
            let message = r#"Successfully pulled image \"a\" in 1s (1s including waiting). Image size: 41800000 bytes."#;
            event(&format!(
                r#"{{"metadata":{{"uid":"e"}},"reason":"Pulled","message":"{message}","involvedObject":{{"fieldPath":"{path}"}}}}"#
            ))
        };
        let own = told(&pulled("spec.containers{agent}")?);
        assert_eq!(own.get(progress::COMPLETE_LABEL).map(String::as_str), Some("Image pulled (42 MB)"));
        let init = told(&pulled("spec.initContainers{workspace-init}")?);
        assert!(!init.contains_key(progress::COMPLETE_STEP), "{init:?}");
        Ok(())
    }

    #[test]
    fn an_event_is_news_once_for_each_time_it_happens() -> Result<(), serde_json::Error> {
        let mut heard = Heard::default();
        let steps = [(0, 1, true), (20_000, 1, false), (20_000, 2, true), (29_999, 3, false), (30_000, 3, true), (60_000, 3, false)];
        for (at, count, news) in steps {
            let event = event(&format!(r#"{{"metadata":{{"uid":"e"}},"count":{count}}}"#))?;
            assert_eq!(heard.is_news(Mono(at), &event), news, "{count} at {at}");
        }
        Ok(())
    }
}
