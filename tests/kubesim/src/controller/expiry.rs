//! A Sandbox whose shutdown time has come.

use super::{Outcome, POD_NAME, Pass, owned_by};
use crate::cluster::Cluster;
use crate::delete::DeleteOptions;
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};

/// When the Sandbox is to be shut down, in milliseconds since the epoch.
pub(super) fn of(sandbox: &Value) -> Option<u64> {
    sandbox["spec"]["shutdownTime"].as_str().and_then(time::parse_rfc3339)
}

impl Cluster {
    /// First says so; a moment later deletes what belongs to it, and by policy itself.
    pub(super) fn expire(&mut self, pass: &mut Pass) -> Outcome {
        let marked = object::items(&pass.status["conditions"])
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["reason"] == "SandboxExpired");
        if !marked {
            self.set_expired(pass);
            return Outcome::Again(1);
        }
        let pod = object::annotation(&pass.sandbox, POD_NAME).unwrap_or(&pass.key.name).to_owned();
        let pod = Key::new(&pass.key.namespace, &pod);
        for (kind, key) in [(Kind::Pod, pod), (Kind::Service, pass.key.clone())] {
            let own = self.store.get(kind, &key).is_some_and(|held| owned_by(held, &pass.sandbox));
            if own {
                // A failure here means it is gone already, which is what was wanted.
                let _ = self.delete(kind, &key, &DeleteOptions::default());
            }
        }
        if pass.sandbox["spec"]["shutdownPolicy"] == "Delete" {
            let _ = self.delete(Kind::Sandbox, &pass.key, &DeleteOptions::default());
            return Outcome::Done;
        }
        pass.status = json!({ "conditions": pass.status["conditions"] });
        self.set_expired(pass);
        Outcome::Done
    }
}
