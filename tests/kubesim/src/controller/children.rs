//! The controller's claims and its Service.

use super::{HASH_LABEL, Pass, foreign, owned_by, owner_reference, sentence};
use crate::cluster::Cluster;
use crate::create::Run;
use crate::delete::DeleteOptions;
use crate::object::{self, Object};
use crate::options::ControllerRelease;
use crate::resource::Kind;
use crate::store::Key;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Cluster {
    /// One claim for each template; `Err` is the sentence of the first that cannot be had.
    pub(super) fn reconcile_claims(&mut self, pass: &Pass, hash: &str) -> Result<(), String> {
        for template in object::items(&pass.sandbox["spec"]["volumeClaimTemplates"]) {
            let base = template["metadata"]["name"].as_str().unwrap_or_default();
            let name = format!("{base}-{}", pass.key.name);
            let key = Key::new(&pass.key.namespace, &name);
            if let Some(claim) = self.store.get(Kind::PersistentVolumeClaim, &key).cloned() {
                self.keep_claim(pass, &claim, hash)?;
                continue;
            }
            let mut claim = json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": name,
                    "namespace": pass.key.namespace,
                    "ownerReferences": [owner_reference(&pass.sandbox)],
                },
                "spec": template["spec"],
            });
            for field in ["labels", "annotations"] {
                if template["metadata"][field].is_object() {
                    claim["metadata"][field] = template["metadata"][field].clone();
                }
            }
            claim["metadata"]["labels"][HASH_LABEL] = json!(hash);
            self.create(Kind::PersistentVolumeClaim, claim, Run::Real).map_err(|failure| sentence(&failure))?;
        }
        Ok(())
    }

    fn keep_claim(&mut self, pass: &Pass, claim: &Object, hash: &str) -> Result<(), String> {
        if owned_by(claim, &pass.sandbox) {
            return Ok(());
        }
        if let Some(why) = foreign("PVC", claim, &pass.sandbox) {
            return Err(why);
        }
        let adoptable = object::label(claim, "agents.x-k8s.io/adoptable") == Some("true")
            || object::label(claim, HASH_LABEL) == Some(hash)
            || self.options.release == ControllerRelease::V0_4_6;
        if !adoptable {
            return Err(format!(
                "cannot adopt unowned PVC \"{}\": missing required pool authorization label \
                 (\"agents.x-k8s.io/adoptable\") or sandbox tracking label (\"{HASH_LABEL}\")",
                object::name(claim)
            ));
        }
        let owner = owner_reference(&pass.sandbox);
        self.change(Kind::PersistentVolumeClaim, &Key::of(claim), |claim| {
            claim["metadata"]["ownerReferences"] = json!([owner]);
        });
        Ok(())
    }

    /// The headless Service, when the Sandbox wants one or has one.
    pub(super) fn reconcile_service(&mut self, pass: &mut Pass, hash: &str) -> Result<Option<Object>, String> {
        let wanted = pass.sandbox["spec"]["service"].as_bool();
        let held = self.store.get(Kind::Service, &pass.key).cloned();
        let found = match (held, wanted) {
            (None, Some(true)) => Some(self.create_service(pass, hash)?),
            (None, _) => None,
            (Some(service), Some(false)) => {
                if owned_by(&service, &pass.sandbox) {
                    self.delete(Kind::Service, &pass.key, &DeleteOptions::default())
                        .map_err(|failure| format!("failed to delete service: {}", sentence(&failure)))?;
                }
                None
            }
            (Some(service), _) if owned_by(&service, &pass.sandbox) => Some(service),
            (Some(service), wanted) => match foreign("service", &service, &pass.sandbox) {
                Some(why) => return Err(why),
                None if wanted.is_none() => None,
                None => Some(self.adopt_service(pass, &service, hash)?),
            },
        };
        let status = object::map_mut(&mut pass.status);
        if let Some(service) = &found {
            let name = object::name(service);
            let domain = &self.options.cluster_domain;
            let full = format!("{name}.{}.svc.{domain}", object::namespace(service));
            status.insert("service".into(), json!(name));
            status.insert("serviceFQDN".into(), json!(full));
        } else {
            status.remove("service");
            status.remove("serviceFQDN");
        }
        Ok(found)
    }

    fn create_service(&mut self, pass: &Pass, hash: &str) -> Result<Object, String> {
        let mut spec = json!({ "clusterIP": "None", "selector": { HASH_LABEL: hash } });
        if self.options.release >= ControllerRelease::V0_5_4 {
            let ports = ports(&pass.sandbox["spec"]["podTemplate"]["spec"]);
            if !ports.is_empty() {
                spec["ports"] = Value::Array(ports);
            }
        }
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": pass.key.name,
                "namespace": pass.key.namespace,
                "labels": { HASH_LABEL: hash },
                "ownerReferences": [owner_reference(&pass.sandbox)],
            },
            "spec": spec,
        });
        self.create(Kind::Service, service, Run::Real).map_err(|failure| sentence(&failure))
    }

    fn adopt_service(&mut self, pass: &Pass, service: &Object, hash: &str) -> Result<Object, String> {
        let address = service["spec"]["clusterIP"].as_str().unwrap_or_default();
        if !matches!(address, "" | "None") {
            return Err(format!(
                "cannot adopt service \"{}\": ClusterIP is \"{address}\" (expected \"None\", field is \
                 immutable)",
                object::name(service)
            ));
        }
        let owner = owner_reference(&pass.sandbox);
        let changed = self.change(Kind::Service, &pass.key, |service| {
            service["metadata"]["labels"][HASH_LABEL] = json!(hash);
            service["metadata"]["ownerReferences"] = json!([owner]);
            service["spec"]["selector"] = json!({ HASH_LABEL: hash });
        });
        Ok(changed.unwrap_or_else(|| service.clone()))
    }
}

/// Service ports from the containers and the init containers that keep running.
fn ports(spec: &Value) -> Vec<Value> {
    let mut names: BTreeMap<(u64, String), String> = BTreeMap::new();
    let mut taken: Vec<String> = Vec::new();
    let restarting = object::items(&spec["initContainers"]).iter().filter(|container| container["restartPolicy"] == "Always");
    for container in object::items(&spec["containers"]).iter().chain(restarting) {
        for port in object::items(&container["ports"]) {
            let Some(number) = port["containerPort"].as_u64().filter(|number| *number > 0) else {
                continue;
            };
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
            let name = names.entry((number, protocol)).or_default();
            let own = port["name"].as_str().unwrap_or_default();
            if name.is_empty() && !own.is_empty() && taken.iter().all(|other| other != own) {
                own.clone_into(name);
                taken.push(own.to_owned());
            }
        }
    }
    names
        .into_iter()
        .map(|((number, protocol), name)| {
            let name = if name.is_empty() {
                let base = format!("p-{number}-{}", protocol.to_lowercase());
                let free = |name: &String| !taken.contains(name);
                let numbered = (2_u32..).map(|n| format!("{base}-{n}"));
                std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or(base)
            } else {
                name
            };
            taken.push(name.clone());
            json!({ "name": name, "protocol": protocol, "port": number, "targetPort": number })
        })
        .collect()
}
