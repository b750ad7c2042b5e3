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
        let key = Key::new("", object::namespace(pod));
        let Some(namespace) = self.store.get(Kind::Namespace, &key) else { return Ok(()) };
        let label = object::label(namespace, "pod-security.kubernetes.io/enforce");
        let Some(level) = label.and_then(Level::parse) else { return Ok(()) };
        let violations = podsecurity::violations(level, &pod["spec"]);
        if violations.is_empty() {
            return Ok(());
        }
        let version = object::label(namespace, "pod-security.kubernetes.io/enforce-version");
        let why = format!("violates PodSecurity \"{}:{}\": {}", level.as_str(), version.unwrap_or("latest"), violations.join(", "));
        Err(Failure::forbidden(Kind::Pod, object::name(pod), &why))
    }

    fn admit_quota(&self, kind: Kind, object: &Value) -> Result<(), Failure> {
        let namespace = object::namespace(object);
        if namespace.is_empty() {
            return Ok(());
        }
        let counted = [kind.resource().plural.to_owned(), format!("count/{}", kind.qualified_plural())];
        for quota in self.store.in_namespace(Kind::ResourceQuota, namespace) {
            let hard = quota["spec"]["hard"].as_object().into_iter().flatten();
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
                    let most = most.as_str().map_or_else(|| most.to_string(), str::to_owned);
                    exceeded.push((resource.as_str(), asked, used, most));
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
        self.store.in_namespace(Kind::Pod, namespace).map(|pod| pod_use(pod, resource)).sum()
    }
}

/// How much of `requests.cpu`, `limits.memory`, … a pod's containers ask for together.
fn pod_use(pod: &Value, resource: &str) -> f64 {
    let (list, name) = resource.split_once('.').unwrap_or(("requests", resource));
    object::items(&pod["spec"]["containers"]).iter().filter_map(|container| pods::amount(&container["resources"][list][name])).sum()
}
