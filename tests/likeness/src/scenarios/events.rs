//! Events, in the old form and the new.

use super::{Scenario, scenario};
use crate::ask::{get, post};
use crate::names::Versions;
use crate::stage::{Answer, Stage};
use crate::subject::Fate;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("event", "An Event is made, and found by the object it is about", |s| Box::pin(made(s))),
    scenario("event-new-form", "An Event of events.k8s.io is the same object in the core group", |s| Box::pin(new_form(s))),
    scenario("event-pull", "A pod whose image cannot be had has Events that say so", |s| Box::pin(pull(s))),
];

fn event(s: &Stage) -> Value {
    json!({
        "metadata": { "name": "one.1" },
        "involvedObject": { "kind": "Pod", "namespace": s.namespace(), "name": "one", "uid": "11111111-1111-1111-1111-111111111111" },
        "reason": "Pulling", "message": "Pulling image", "type": "Normal", "count": 2,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:01Z",
        "source": { "component": "kubelet" },
    })
}

async fn made(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.core("events"), &event(s))).await?;
    s.ask(get(s.core("events?fieldSelector=involvedObject.uid%3D11111111-1111-1111-1111-111111111111,involvedObject.kind%3DPod"))).await?;
    s.ask(get(s.core("events?fieldSelector=involvedObject.kind%3DSandbox")).only(&["/items"])).await?;
    let mut elsewhere = event(s);
    elsewhere["metadata"]["name"] = json!("one.2");
    elsewhere["involvedObject"]["namespace"] = json!("default");
    s.ask(post(s.core("events"), &elsewhere)).await?;
    Ok(())
}

async fn new_form(s: &mut Stage) -> Outcome<()> {
    let object = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "one.3" },
        "regarding": { "kind": "Pod", "namespace": s.namespace(), "name": "one" },
        "eventTime": "2026-01-01T00:00:00.000001Z", "reportingController": "example.com/c", "reportingInstance": "c-0",
        "reason": "FailedScheduling", "note": "no node", "type": "Warning", "action": "Scheduling",
    });
    s.ask(post(format!("/apis/events.k8s.io/v1/namespaces/{}/events", s.namespace()), &object)).await?;
    s.ask(get(s.core("events/one.3"))).await?;
    Ok(())
}

async fn pull(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::PullFails))).await?;
    let reasons = |answer: &Answer| -> Vec<String> {
        let items = answer.body["items"].as_array();
        items
            .into_iter()
            .flatten()
            .filter(|event| event["involvedObject"]["kind"] == "Pod")
            .filter_map(|event| event["reason"].as_str().map(str::to_owned))
            .collect()
    };
    let seen = s.until(&s.core("events"), |answer| reasons(answer).iter().any(|reason| reason == "BackOff")).await?;
    let backoff =
        seen.body["items"].as_array().into_iter().flatten().find(|event| event["reason"] == "BackOff").cloned().unwrap_or_default();
    s.note("the Event", &json!({ "involvedObject": { "kind": backoff["involvedObject"]["kind"], "name": backoff["involvedObject"]["name"] }, "type": backoff["type"], "reason": backoff["reason"], "message": backoff["message"] }));
    Ok(())
}
