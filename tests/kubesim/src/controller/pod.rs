//! The controller's pod step: find it, adopt it, create it, or see it gone.

use super::{HASH_LABEL, POD_NAME, Pass, foreign, is_suspended, owned_by, owner_reference, sentence};
use crate::cluster::Cluster;
use crate::create::Run;
use crate::delete::DeleteOptions;
use crate::object::{self, Object};
use crate::options::ControllerRelease;
use crate::resource::Kind;
use crate::store::Key;
use serde_json::{Map, Value, json};

const ADOPTABLE: &str = "agents.x-k8s.io/adoptable";
const CREATED_BY: &str = "agents.x-k8s.io/created-by";
const PROPAGATED_LABELS: &str = "agents.x-k8s.io/propagated-labels";
const PROPAGATED_ANNOTATIONS: &str = "agents.x-k8s.io/propagated-annotations";

/// What the pod step came to.
#[derive(Debug)]
pub(super) enum Found {
    /// The pod that stands for the Sandbox.
    Pod(Object),
    /// No pod, and that is known.
    Nothing,
    /// More than one pod is the Sandbox's own.
    Multiple(usize),
    /// It failed; what is known of the pod is kept.
    Failed { why: String, pod: Option<Object> },
}

impl Found {
    pub fn pod(&self) -> Option<&Value> {
        match self {
            Self::Pod(pod) | Self::Failed { pod: Some(pod), .. } => Some(pod),
            Self::Nothing | Self::Multiple(_) | Self::Failed { pod: None, .. } => None,
        }
    }

    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { why, .. } => Some(why),
            _ => None,
        }
    }

    fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), pod: None }
    }
}

impl Cluster {
    pub(super) fn reconcile_pod(&mut self, pass: &mut Pass, hash: &str) -> Found {
        let annotated = object::annotation(&pass.sandbox, POD_NAME).map(str::to_owned);
        let name = annotated.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| pass.key.name.clone());
        let key = Key::new(&pass.key.namespace, &name);
        let mut pod = self.store.get(Kind::Pod, &key).cloned();
        if pod.is_none() {
            self.clear_pod_name(pass);
        }
        if self.options.release >= ControllerRelease::V0_5_6 {
            let mut owned: Vec<Object> = self
                .store
                .in_namespace(Kind::Pod, &pass.key.namespace)
                .filter(|pod| owned_by(pod, &pass.sandbox))
                .filter(|pod| object::label(pod, HASH_LABEL) == Some(hash) || object::name(pod) == name)
                .cloned()
                .collect();
            if owned.len() > 1 {
                return Found::Multiple(owned.len());
            }
            if let Some(own) = owned.pop()
                && pod.as_ref().is_none_or(|pod| object::name(pod) != object::name(&own))
            {
                self.clear_pod_name(pass);
                pod = Some(own);
            }
        }
        if is_suspended(&pass.sandbox) {
            return self.suspend_pod(pass, pod);
        }
        match pod {
            Some(pod) => self.keep_pod(pass, pod, hash),
            None => self.create_pod(pass, hash),
        }
    }

    fn suspend_pod(&mut self, pass: &mut Pass, pod: Option<Object>) -> Found {
        let waits = self.options.release >= ControllerRelease::V0_5_4;
        if let Some(own) = pod.as_ref().filter(|pod| owned_by(pod, &pass.sandbox)) {
            let key = Key::of(own);
            if !object::is_deleting(own)
                && let Err(failure) = self.delete(Kind::Pod, &key, &DeleteOptions::default())
            {
                let why = format!("failed to delete pod: {}", sentence(&failure));
                return Found::Failed { why, pod };
            }
            if waits {
                // Gone already if nothing of it was running: the controller still holds what it read.
                let held = self.store.get(Kind::Pod, &key).cloned();
                return Found::Pod(held.unwrap_or_else(|| own.clone()));
            }
        }
        self.clear_pod_name(pass);
        match pod {
            Some(pod) if waits => Found::Pod(pod),
            _ => Found::Nothing,
        }
    }

    fn keep_pod(&mut self, pass: &mut Pass, pod: Object, hash: &str) -> Found {
        if object::controller_of(&pod).is_some() && !owned_by(&pod, &pass.sandbox) {
            self.clear_pod_name(pass);
            return Found::failed(foreign("pod", &pod, &pass.sandbox).unwrap_or_default());
        }
        let unowned = object::controller_of(&pod).is_none();
        let adoptable = object::label(&pod, ADOPTABLE) == Some("true")
            || object::label(&pod, HASH_LABEL) == Some(hash)
            || self.options.release == ControllerRelease::V0_4_6;
        if unowned && !adoptable {
            return Found::failed(format!(
                "cannot adopt unowned pod \"{}\": missing required pool authorization label \
                 (\"{ADOPTABLE}\") or sandbox tracking label (\"{HASH_LABEL}\")",
                object::name(&pod)
            ));
        }
        let mut carried = json!({ "metadata": pod["metadata"] });
        if unowned {
            let owners = object::metadata_mut(&mut carried).entry("ownerReferences").or_insert(json!([]));
            if let Value::Array(owners) = owners {
                owners.push(owner_reference(&pass.sandbox));
            }
        }
        carry_metadata(&mut carried, &pass.sandbox, hash, self.options.release);
        let mut kept = None;
        if carried["metadata"] != pod["metadata"] {
            kept = self.change(Kind::Pod, &Key::of(&pod), |pod| pod["metadata"] = carried["metadata"].take());
        }
        self.set_pod_name(pass, object::name(&pod));
        Found::Pod(kept.unwrap_or(pod))
    }

    fn create_pod(&mut self, pass: &mut Pass, hash: &str) -> Found {
        let sandbox = &pass.sandbox;
        let mut pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pass.key.name,
                "namespace": pass.key.namespace,
                "ownerReferences": [owner_reference(sandbox)],
            },
            "spec": sandbox["spec"]["podTemplate"]["spec"],
        });
        carry_metadata(&mut pod, sandbox, hash, self.options.release);
        mount_claims(&mut pod, sandbox);
        match self.create(Kind::Pod, pod, Run::Real) {
            Ok(pod) => {
                self.set_pod_name(pass, object::name(&pod));
                Found::Pod(pod)
            }
            Err(failure) => Found::failed(sentence(&failure)),
        }
    }

    fn set_pod_name(&mut self, pass: &mut Pass, name: &str) {
        if object::annotation(&pass.sandbox, POD_NAME).is_some_and(|held| !held.is_empty()) {
            return;
        }
        let changed = self.change(Kind::Sandbox, &pass.key, |sandbox| {
            object::set_annotation(sandbox, POD_NAME, name);
        });
        pass.sandbox = changed.unwrap_or_else(|| pass.sandbox.clone());
    }

    fn clear_pod_name(&mut self, pass: &mut Pass) {
        if object::annotation(&pass.sandbox, POD_NAME).is_none() {
            return;
        }
        let changed = self.change(Kind::Sandbox, &pass.key, |sandbox| {
            object::remove_annotation(sandbox, POD_NAME);
        });
        pass.sandbox = changed.unwrap_or_else(|| pass.sandbox.clone());
    }
}

/// Template labels and annotations onto the pod, and off it again when the template loses them.
fn carry_metadata(pod: &mut Value, sandbox: &Value, hash: &str, release: ControllerRelease) {
    let template = &sandbox["spec"]["podTemplate"]["metadata"];
    let guarded = release >= ControllerRelease::V0_5_0;
    let created_by = object::label(sandbox, CREATED_BY).map(|by| match by {
        "go-client" | "python-client" | "controller" => by,
        _ => "unknown",
    });
    let held = |annotation: &str| object::annotation(pod, annotation).map(str::to_owned).unwrap_or_default();
    let before = [held(PROPAGATED_LABELS), held(PROPAGATED_ANNOTATIONS)];
    let metadata = object::metadata_mut(pod);
    let labels = carry(metadata, "labels", &template["labels"], &before[0], guarded);
    let annotations = carry(metadata, "annotations", &template["annotations"], &before[1], guarded);
    let carried = object::map_mut(metadata.entry("labels").or_insert(json!({})));
    carried.insert(HASH_LABEL.into(), json!(hash));
    if release >= ControllerRelease::V0_5_3 {
        match created_by {
            Some(by) => carried.insert(CREATED_BY.into(), json!(by)),
            None => carried.remove(CREATED_BY),
        };
    }
    let existed = before.iter().any(|list| !list.is_empty());
    let notes = object::map_mut(metadata.entry("annotations").or_insert(json!({})));
    for (annotation, list) in [(PROPAGATED_LABELS, labels), (PROPAGATED_ANNOTATIONS, annotations)] {
        if !list.is_empty() || (existed && notes.contains_key(annotation)) {
            notes.insert(annotation.into(), json!(list));
        }
    }
    if notes.is_empty() {
        metadata.remove("annotations");
    }
}

/// Carries one map over; returns the sorted keys carried, joined by commas.
fn carry(metadata: &mut Map<String, Value>, field: &str, template: &Value, before: &str, guarded: bool) -> String {
    let reserved = |key: &str| guarded && (key.starts_with("agents.x-k8s.io/") || key.starts_with("extensions.agents.x-k8s.io/"));
    let wanted = template.as_object().cloned().unwrap_or_default();
    let target = object::map_mut(metadata.entry(field).or_insert(json!({})));
    for key in before.split(',').filter(|key| !key.is_empty() && !reserved(key)) {
        if !wanted.contains_key(key) {
            target.remove(key);
        }
    }
    let mut keys = Vec::new();
    for (key, value) in wanted {
        if !reserved(&key) {
            keys.push(key.clone());
            target.insert(key, value);
        }
    }
    keys.join(",")
}

/// A volume for each claim, in the place of a volume of that name.
fn mount_claims(pod: &mut Value, sandbox: &Value) {
    let templates = object::items(&sandbox["spec"]["volumeClaimTemplates"]);
    if templates.is_empty() {
        return;
    }
    let name_of = |template: &Value| template["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut volumes: Vec<Value> = object::items(&pod["spec"]["volumes"])
        .iter()
        .filter(|volume| templates.iter().all(|template| volume["name"] != name_of(template)))
        .cloned()
        .collect();
    for template in templates {
        let name = name_of(template);
        let claim = format!("{name}-{}", object::name(sandbox));
        volumes.push(json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } }));
    }
    pod["spec"]["volumes"] = Value::Array(volumes);
}
