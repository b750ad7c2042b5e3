//! Kyma's API gateway, as far as an `APIRule`'s author sees it: it says of each what became of it.

use crate::cluster::Cluster;
use crate::object;
use crate::options::ApiGateway;
use crate::resource::Kind;
use crate::store::{Change, Key, Touch};
use crate::timers::Task;
use serde_json::{Value, json};

/// How long it takes to look at a rule.
const JUDGE_MS: u64 = 20;

impl Cluster {
    pub(crate) fn notice_api_rule(&mut self, touch: &Touch) {
        if let Change::Added { .. } | Change::Modified { .. } = touch.change
            && self.options.api_gateway != ApiGateway::Stopped
        {
            self.after(JUDGE_MS, Task::JudgeApiRule(touch.key.clone()));
        }
    }

    /// Says what became of a rule. Version 2 takes none whose pods have no sidecar.
    pub(crate) fn judge_api_rule(&mut self, key: &Key) {
        let Some(rule) = self.store.get(Kind::ApiRule, key) else { return };
        let service = Key::new(&key.namespace, rule["spec"]["service"]["name"].as_str().unwrap_or_default());
        let verdict = match self.options.api_gateway {
            ApiGateway::Stopped => return,
            ApiGateway::Trusting => Ok(()),
            ApiGateway::Strict => self.is_in_mesh(&service),
        };
        let status = match verdict {
            Ok(()) => json!({ "state": "Ready", "description": "Reconciled successfully" }),
            Err(why) => json!({ "state": "Error", "description": why }),
        };
        let said = |rule: &Value| rule["status"]["state"] == status["state"] && rule["status"]["description"] == status["description"];
        if !said(rule) {
            self.change(Kind::ApiRule, key, |rule| rule["status"] = status);
        }
    }

    fn is_in_mesh(&self, service: &Key) -> Result<(), String> {
        let Some(found) = self.store.get(Kind::Service, service) else {
            return Err(format!("Service {} in namespace {} not found", service.name, service.namespace));
        };
        let selector = found["spec"]["selector"].as_object().cloned().unwrap_or_default();
        let selected = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key.as_str()] == *value);
        let without = self.store.in_namespace(Kind::Pod, &service.namespace).find(|pod| {
            let containers = object::items(&pod["spec"]["containers"]).iter().chain(object::items(&pod["spec"]["initContainers"]));
            selected(pod) && !containers.into_iter().any(|container| container["name"] == "istio-proxy")
        });
        match without {
            Some(pod) => Err(format!("Pod {}/{} is not injected with an istio-proxy", service.namespace, object::name(pod))),
            None => Ok(()),
        }
    }
}
