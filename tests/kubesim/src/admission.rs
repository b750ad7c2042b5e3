//! What stands between a valid object and the store: namespaces, service accounts, pod security, quota.

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::object;
use crate::pods;
use crate::podsecurity::{self, Level};
use crate::resource::Kind;
use crate::store::Key;
use serde_json::{Value, json};

impl Cluster {
    /// The namespace must be there and must not be going away.
    pub(crate) fn admit_namespace(&self, kind: Kind, key: &Key) -> Result<(), Failure> {
        if !kind.is_namespaced() {
            return Ok(());
        }
        let namespace = self
            .store
            .get(Kind::Namespace, &Key::new("", &key.namespace))
            .ok_or_else(|| Failure::not_found(Kind::Namespace, &key.namespace))?;
        if object::is_deleting(namespace) {
            return Err(Failure::namespace_terminating(kind, &key.name, &key.namespace));
        }
        Ok(())
    }

    /// A pod without a service account gets the default one; the account must be there.
    pub(crate) fn admit_pod_defaults(&self, kind: Kind, pod: &mut Value) -> Result<(), Failure> {
        if kind != Kind::Pod {
            return Ok(());
        }
        let named = pod["spec"]["serviceAccountName"].as_str().unwrap_or_default();
        let account = if named.is_empty() { "default" } else { named }.to_owned();
        pod["spec"]["serviceAccountName"] = json!(account);
        pod["spec"]["serviceAccount"] = json!(account);
        let namespace = object::namespace(pod);
        if self.store.get(Kind::ServiceAccount, &Key::new(namespace, &account)).is_none() {
            let why = format!("error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found");
            return Err(Failure::forbidden(kind, object::name(pod), &why));
        }
        tolerate_lost_nodes(&mut pod["spec"]);
        Ok(())
    }

    /// Pod security, then quota.
    pub(crate) fn admit(&self, kind: Kind, object: &Value) -> Result<(), Failure> {
        if kind == Kind::Pod {
            self.admit_pod_security(object)?;
        }
        self.admit_quota(kind, object)
    }

    fn admit_pod_security(&self, pod: &Value) -> Result<(), Failure> {
        match self.pod_security(pod, "enforce") {
            None => Ok(()),
            Some(violated) => Err(Failure::forbidden(Kind::Pod, object::name(pod), &format!("violates {violated}"))),
        }
    }

    /// What a client is told of an object that is let in all the same.
    pub(crate) fn admission_warnings(&self, kind: Kind, object: &Value) -> Vec<String> {
        let violated = (kind == Kind::Pod).then(|| self.pod_security(object, "warn")).flatten();
        violated.map(|violated| format!("would violate {violated}")).into_iter().collect()
    }

    /// How a pod breaks the level its namespace names for that mode, if it does.
    fn pod_security(&self, pod: &Value, mode: &str) -> Option<String> {
        let namespace = self.store.get(Kind::Namespace, &Key::new("", object::namespace(pod)))?;
        let level = object::label(namespace, &format!("pod-security.kubernetes.io/{mode}")).and_then(Level::parse)?;
        let violations = podsecurity::violations(level, &pod["spec"]);
        let version = object::label(namespace, &format!("pod-security.kubernetes.io/{mode}-version")).unwrap_or("latest");
        (!violations.is_empty()).then(|| format!("PodSecurity \"{}:{version}\": {}", level.as_str(), violations.join(", ")))
    }

    fn admit_quota(&self, kind: Kind, object: &Value) -> Result<(), Failure> {
        let namespace = object::namespace(object);
        if namespace.is_empty() {
            return Ok(());
        }
        let counted = [kind.resource().plural.to_owned(), format!("count/{}", kind.qualified_plural())];
        for quota in self.store.in_namespace(Kind::ResourceQuota, namespace) {
            let hard = quota["spec"]["hard"].as_object().into_iter().flatten();
            let missing =
                if kind == Kind::Pod { unspecified(object, hard.clone().map(|(resource, _)| resource.as_str())) } else { Vec::new() };
            if !missing.is_empty() {
                let why = format!("failed quota: {}: must specify {}", object::name(quota), missing.join("; "));
                return Err(Failure::forbidden(kind, object::name(object), &why));
            }
            let mut exceeded = Vec::new();
            for (resource, most) in hard {
                let Some(most_amount) = pods::amount(most) else { continue };
                let (asked, used) = if counted.contains(resource) {
                    (1.0, self.count(kind, namespace))
                } else if kind == Kind::Pod {
                    (pod_use(object, resource), self.used(namespace, resource))
                } else {
                    continue;
                };
                if used + asked > most_amount {
                    exceeded.push((resource.as_str(), as_asked(object, resource, asked), used.to_string(), shown(most)));
                }
            }
            if exceeded.is_empty() {
                continue;
            }
            let mut parts = [const { Vec::new() }; 3];
            for (name, asked, used, most) in exceeded {
                parts[0].push(format!("{name}={asked}"));
                parts[1].push(format!("{name}={used}"));
                parts[2].push(format!("{name}={most}"));
            }
            let [requested, used, limited] = parts.map(|part| part.join(","));
            let why = format!("exceeded quota: {}, requested: {requested}, used: {used}, limited: {limited}", object::name(quota));
            return Err(Failure::forbidden(kind, object::name(object), &why));
        }
        Ok(())
    }

    fn count(&self, kind: Kind, namespace: &str) -> f64 {
        let live = self
            .store
            .in_namespace(kind, namespace)
            .filter(|object| kind != Kind::Pod || !matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")));
        f64::from(u32::try_from(live.count()).unwrap_or(u32::MAX))
    }

    fn used(&self, namespace: &str, resource: &str) -> f64 {
        self.store.in_namespace(Kind::Pod, namespace).map(|pod| pod_use(pod, resource)).fold(0.0, |sum, amount| sum + amount)
    }
}

/// A pod stays on a node that is lost for five minutes unless it says otherwise.
fn tolerate_lost_nodes(spec: &mut Value) {
    let spec = object::map_mut(spec);
    let mut tolerations = spec.get("tolerations").map(object::items).unwrap_or_default().to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers = |held: &Value| {
            (held["key"] == key || held["key"].as_str().is_none_or(str::is_empty))
                && (held["effect"] == "NoExecute" || held["effect"].as_str().is_none_or(str::is_empty))
        };
        if !tolerations.iter().any(covers) {
            tolerations.push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }));
        }
    }
    spec.insert("tolerations".into(), Value::Array(tolerations));
}

/// How much of `requests.cpu`, `limits.memory`, … a pod's containers ask for together.
fn pod_use(pod: &Value, resource: &str) -> f64 {
    let (list, name) = resource.split_once('.').unwrap_or(("requests", resource));
    object::items(&pod["spec"]["containers"])
        .iter()
        .filter_map(|container| pods::amount(&container["resources"][list][name]))
        .fold(0.0, |sum, amount| sum + amount)
}

/// What a pod must say because a quota counts it, and which of its containers do not: `limits.memory for: a`.
fn unspecified<'a>(pod: &Value, counted: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut missing = Vec::new();
    for resource in counted {
        let (list, name) = resource.split_once('.').unwrap_or(("requests", resource));
        if !matches!((list, name), ("requests" | "limits", "cpu" | "memory")) {
            continue;
        }
        let silent: Vec<&str> = object::items(&pod["spec"]["containers"])
            .iter()
            .filter(|container| container["resources"][list].get(name).is_none())
            .filter_map(|container| container["name"].as_str())
            .collect();
        if !silent.is_empty() {
            missing.push(format!("{resource} for: {}", silent.join(",")));
        }
    }
    missing
}

/// The amount in the words of the one container that asks for it, or as a number.
fn as_asked(pod: &Value, resource: &str, amount: f64) -> String {
    let (list, name) = resource.split_once('.').unwrap_or(("requests", resource));
    let mut asking = object::items(&pod["spec"]["containers"]).iter().filter_map(|container| container["resources"][list].get(name));
    match (asking.next(), asking.next()) {
        (Some(only), None) => shown(only),
        _ => amount.to_string(),
    }
}

fn shown(quantity: &Value) -> String {
    quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned)
}
