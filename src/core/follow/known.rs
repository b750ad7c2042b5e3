//! What is known of the objects that follow, whichever kind they are of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::kube::dependent::{Dependent, Owner, RouteStatus};
use crate::core::kube::kind::Kind;
use crate::core::kube::meta::ResourceVersion;
use crate::core::names::{ObjectName, Uid};
use crate::core::observe::informer::Epoch;
use crate::core::observe::sandbox::Life;
use crate::core::recording::state::pairs;
use crate::core::territory::{ObjectKey, Territory};

/// What is kept of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its UID.
    pub uid: Uid,
    /// Its version.
    pub version: ResourceVersion,
    /// Whether it is on its way out.
    pub life: Life,
    /// What was rendered.
    pub digest: Option<String>,
    /// What became of it.
    pub status: RouteStatus,
    owners: Vec<Owner>,
    /// Whose it is, where it has no owner.
    belongs_to: Option<String>,
}

impl Seen {
    fn of<K>(object: &Dependent<K>) -> Self {
        let meta = &object.metadata;
        let labels = &meta.labels;
        let gateway = labels.gateway_id.as_ref().map(|gateway| format!("gateway {gateway}"));
        Self {
            uid: Uid::new(meta.uid.clone()),
            version: meta.resource_version.clone(),
            life: if meta.deletion_timestamp.is_some() { Life::Deleting } else { Life::Alive },
            digest: meta.annotations.digest.clone(),
            status: object.status.clone(),
            owners: meta.owner_references.clone(),
            belongs_to: gateway.or_else(|| labels.managed_by.clone()),
        }
    }

    /// Whether the Sandbox of this UID owns it.
    #[must_use]
    pub fn is_owned_by(&self, sandbox: &Uid) -> bool {
        self.owners.iter().any(|owner| owner.uid == sandbox.as_str())
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> String {
        match (self.owners.first(), &self.belongs_to) {
            (Some(owner), _) => format!("{} {} (UID {})", owner.kind, owner.name, owner.uid),
            (None, Some(other)) => other.clone(),
            (None, None) => "nobody we know".into(),
        }
    }
}

/// Every object seen, by kind and key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Known(#[serde(with = "pairs")] BTreeMap<(Kind, ObjectKey), Seen>);

impl Known {
    /// An object.
    #[must_use]
    pub fn get(&self, kind: Kind, key: &ObjectKey) -> Option<&Seen> {
        self.0.get(&(kind, key.clone()))
    }

    /// Takes an object, unless a later word of it is here. Says which it is.
    pub fn put<K>(&mut self, territory: &Territory, kind: Kind, object: &Dependent<K>) -> Option<ObjectKey> {
        let key = key_of(territory, object)?;
        let seen = Seen::of(object);
        let is_late = self.get(kind, &key).is_some_and(|known| seen.version.older_than(&known.version));
        if !is_late {
            self.0.insert((kind, key.clone()), seen);
        }
        Some(key)
    }

    /// Forgets an object, unless another has taken its name. Says which it was.
    pub fn remove<K>(&mut self, territory: &Territory, kind: Kind, object: &Dependent<K>) -> Option<ObjectKey> {
        let key = key_of(territory, object)?;
        self.get(kind, &key).filter(|known| known.uid.as_str() == object.metadata.uid)?;
        self.forget(kind, &key);
        Some(key)
    }

    /// Forgets whatever has this name.
    pub fn forget(&mut self, kind: Kind, key: &ObjectKey) {
        self.0.remove(&(kind, key.clone()));
    }

    /// Takes a whole list. What was written since it was read stays.
    pub fn replace<K>(&mut self, territory: &Territory, kind: Kind, listed: &[Dependent<K>], version: &ResourceVersion, epoch: Epoch) {
        self.0.retain(|(of, _), seen| *of != kind || (epoch == Epoch::Same && version.older_than(&seen.version)));
        for object in listed {
            self.put(territory, kind, object);
        }
    }
}

fn key_of<K>(territory: &Territory, object: &Dependent<K>) -> Option<ObjectKey> {
    territory.recognise(&object.metadata.namespace, ObjectName::parse(&object.metadata.name).ok()?)
}
