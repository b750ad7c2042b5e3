//! Events as their writers leave them in core/v1: kubelets with times and a count, newer writers with
//! `eventTime` and a series.

use crate::cluster::Cluster;
use crate::defaults::default_fields;
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};

/// What an event says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
    /// `spec.containers{agent}`, or empty for the object as a whole.
    pub field_path: &'a str,
}

impl<'a> Said<'a> {
    pub fn normal(reason: &'a str, message: &'a str) -> Self {
        Self { kind: "Normal", reason, message, field_path: "" }
    }

    pub fn warning(reason: &'a str, message: &'a str) -> Self {
        Self { kind: "Warning", reason, message, field_path: "" }
    }

    pub fn of(mut self, field_path: &'a str) -> Self {
        self.field_path = field_path;
        self
    }
}

impl Cluster {
    /// An event of the node's kubelet; said again, its count goes up.
    pub(super) fn emit_from_kubelet(&mut self, pod: &Value, said: Said<'_>) {
        let now = time::rfc3339(self.now_ms);
        if let Some(key) = self.same_event(pod, said) {
            self.change(Kind::Event, &key, |event| {
                let count = event["count"].as_u64().unwrap_or(1) + 1;
                event["count"] = json!(count);
                event["lastTimestamp"] = json!(now);
            });
            return;
        }
        let node = pod["spec"]["nodeName"].clone();
        let mut event = self.event_about(pod, said);
        event["firstTimestamp"] = json!(now);
        event["lastTimestamp"] = json!(now);
        event["count"] = json!(1);
        event["eventTime"] = Value::Null;
        event["source"] = json!({ "component": "kubelet", "host": node });
        event["reportingComponent"] = json!("kubelet");
        event["reportingInstance"] = node;
        self.remember(pod, said, &event);
        self.store_event(event);
    }

    /// An event of the scheduler; said again, its series goes on.
    pub(super) fn emit_from_scheduler(&mut self, pod: &Value, said: Said<'_>) {
        let now = time::rfc3339_micro(self.now_ms);
        if let Some(key) = self.same_event(pod, said) {
            self.change(Kind::Event, &key, |event| {
                let count = event["series"]["count"].as_u64().unwrap_or(1) + 1;
                event["series"] = json!({ "count": count, "lastObservedTime": now });
            });
            return;
        }
        let action = if said.reason == "Scheduled" { "Binding" } else { "Scheduling" };
        let event = self.event_about(pod, said);
        self.remember(pod, said, &event);
        self.store_event(newer_style(event, &now, "default-scheduler", action));
    }

    /// An event of the agent-sandbox controller.
    pub(crate) fn emit_from_controller(&mut self, sandbox: &Value, kind: &str, reason: &str, message: &str) {
        let said = Said { kind, reason, message, field_path: "" };
        let now = time::rfc3339_micro(self.now_ms);
        let event = self.event_about(sandbox, said);
        self.store_event(newer_style(event, &now, "sandbox-controller", "Reconciling"));
    }

    /// Remembers what may be said again.
    fn remember(&mut self, about: &Value, said: Said<'_>, event: &Value) {
        if let Some(repeat) = repeat(about, said) {
            if self.kubelet.said.len() >= REPEATS_MAX {
                self.kubelet.said.pop_first();
            }
            self.kubelet.said.insert(repeat, Key::of(event));
        }
    }

    fn event_about(&mut self, about: &Value, said: Said<'_>) -> Value {
        self.next_suffix += 1;
        let name = format!("{}.{:016x}", object::name(about), self.next_suffix);
        let mut involved = json!({
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": object::name(about),
            "namespace": object::namespace(about),
            "uid": object::uid(about),
            "resourceVersion": object::resource_version(about),
        });
        if !said.field_path.is_empty() {
            involved["fieldPath"] = json!(said.field_path);
        }
        json!({
            "metadata": { "name": name, "namespace": object::namespace(about) },
            "involvedObject": involved,
            "type": said.kind,
            "reason": said.reason,
            "message": said.message,
        })
    }

    fn store_event(&mut self, event: Value) {
        let mut event = self.mint(Kind::Event, event);
        default_fields(Kind::Event, &mut event);
        // Nothing new is written into a namespace that is going away.
        if self.admit_namespace(Kind::Event, &Key::of(&event)).is_ok() {
            self.store.create(Kind::Event, event);
        }
    }

    /// The event that said this before of this object, if it is still there.
    fn same_event(&self, about: &Value, said: Said<'_>) -> Option<Key> {
        let key = self.kubelet.said.get(&repeat(about, said)?)?;
        self.store.get(Kind::Event, key).map(|_| key.clone())
    }
}

/// What is said over and over about one object.
const REPEATED: [&str; 3] = ["BackOff", "Failed", "FailedScheduling"];
/// The most such sayings remembered.
const REPEATS_MAX: usize = 10_000;

/// What makes a repeated saying the same one: about whom, why, what.
fn repeat(about: &Value, said: Said<'_>) -> Option<(String, String)> {
    let uid = object::uid(about).to_owned();
    REPEATED.contains(&said.reason).then(|| (uid, format!("{}: {}", said.reason, said.message)))
}

fn newer_style(mut event: Value, now: &str, component: &str, action: &str) -> Value {
    event["eventTime"] = json!(now);
    event["firstTimestamp"] = Value::Null;
    event["lastTimestamp"] = Value::Null;
    event["source"] = json!({});
    event["action"] = json!(action);
    event["reportingComponent"] = json!(component);
    event["reportingInstance"] = json!(format!("{component}-kubesim"));
    event
}
