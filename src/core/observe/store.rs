//! Every sandbox observed, by object and by gateway id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::informer::Epoch;
use super::sandbox::{Life, Observed};
use super::snapshot::View;
use super::state::State;
use crate::contract::messages::compute as pb;
use crate::core::kube::meta::ResourceVersion;
use crate::core::names::{NamespacedName, SandboxId, SandboxName, Uid};
use crate::core::territory::ObjectKey;

/// The store. An id belongs to one object, but for the day somebody copies one: then the oldest that is not being deleted speaks for it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Store {
    // Boxed: half of the places in a map's nodes are empty when it was filled in order, as a list fills it.
    objects: BTreeMap<ObjectKey, Box<Observed>>,
    ids: BTreeMap<SandboxId, Claim>,
    /// Observations that changed nothing of what is told.
    unchanged: u64,
}

/// Who claims an id, and what the gateway is told about it.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    /// Ascending, and nearly always one.
    objects: Vec<ObjectKey>,
    chosen: ObjectKey,
    shown: Arc<pb::DriverSandbox>,
}

/// What a change of the store was about.
#[derive(Debug, Default)]
#[must_use = "streams must be told"]
pub struct Touched {
    /// Ids whose snapshot changed or which are gone.
    pub ids: BTreeSet<SandboxId>,
    /// Ids that more than one object claims since this change, with the object that speaks for them.
    pub shared: Vec<(SandboxId, ObjectKey)>,
    /// Sandboxes that were known and are doing something else now.
    pub became: Vec<Became>,
}

/// A sandbox that was known does something else now.
#[derive(Debug)]
pub struct Became {
    /// Which.
    pub id: SandboxId,
    /// The user's name of it.
    pub name: SandboxName,
    /// The object that speaks, or spoke, for it.
    pub object: NamespacedName,
    /// What the gateway was told before.
    pub before: Arc<pb::DriverSandbox>,
    /// What it is told now, unless the sandbox is gone.
    pub now: Option<Arc<pb::DriverSandbox>>,
}

impl Store {
    /// Objects in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// An object by its key.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&Observed> {
        self.objects.get(key).map(|observed| &**observed)
    }

    /// The object that speaks for an id.
    #[must_use]
    pub fn find(&self, id: &SandboxId) -> Option<&Observed> {
        self.get(&self.ids.get(id)?.chosen)
    }

    /// Every object that claims an id.
    pub fn claimants(&self, id: &SandboxId) -> impl Iterator<Item = &Observed> {
        let claim = self.ids.get(id);
        claim.into_iter().flat_map(|claim| &claim.objects).filter_map(|key| self.get(key))
    }

    /// What the gateway is told about an id.
    #[must_use]
    pub fn shown(&self, id: &SandboxId) -> Option<&Arc<pb::DriverSandbox>> {
        self.ids.get(id).map(|claim| &claim.shown)
    }

    /// How often an observation changed nothing of what is told.
    #[must_use]
    pub const fn unchanged(&self) -> u64 {
        self.unchanged
    }

    /// How many sandboxes are in each state.
    #[must_use]
    pub fn states(&self) -> BTreeMap<State, usize> {
        let mut states = BTreeMap::new();
        for claim in self.ids.values() {
            *states.entry(State::of(&claim.shown)).or_default() += 1;
        }
        states
    }

    /// Every object, by key.
    pub fn objects(&self) -> impl Iterator<Item = &Observed> {
        self.objects.values().map(|observed| &**observed)
    }

    /// Every object's key.
    #[must_use]
    pub fn keys(&self) -> Vec<ObjectKey> {
        self.objects.keys().cloned().collect()
    }

    /// Every id.
    pub fn ids(&self) -> impl Iterator<Item = &SandboxId> {
        self.ids.keys()
    }

    /// What the gateway is told of every id, by sandbox name and then id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<pb::DriverSandbox>> {
        let mut all: Vec<_> = self.ids.values().map(|claim| Arc::clone(&claim.shown)).collect();
        all.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        all
    }

    /// Takes an observation, unless a later one of the same object is already here. A late word of an object whose name another has taken since
    /// is late too: all versions of one name come from one counter.
    pub fn put(&mut self, observed: Observed, view: View<'_>) -> Touched {
        if self.objects.get(&observed.object).is_some_and(|known| observed.version.older_than(&known.version)) {
            return Touched::default();
        }
        self.force(observed, view)
    }

    /// Takes an observation whatever is known.
    fn force(&mut self, observed: Observed, view: View<'_>) -> Touched {
        let (key, id) = (observed.object.clone(), observed.id.clone());
        let before = self.objects.insert(key.clone(), Box::new(observed));
        let mut touched = Touched::default();
        if let Some(before) = before.filter(|before| before.id != id) {
            self.unclaim(&before, view, &mut touched);
        }
        self.claim(id, key, view, &mut touched);
        touched
    }

    /// Forgets an object, unless another of the same name has taken its place.
    pub fn remove(&mut self, key: &ObjectKey, uid: &Uid, view: View<'_>) -> Touched {
        let mut touched = Touched::default();
        if self.objects.get(key).is_some_and(|known| known.uid == *uid)
            && let Some(gone) = self.objects.remove(key)
        {
            self.unclaim(&gone, view, &mut touched);
        }
        touched
    }

    /// Looks again at what is told of an object, because something beside it has changed.
    pub fn retell(&mut self, key: &ObjectKey, view: View<'_>) -> Touched {
        let mut touched = Touched::default();
        if let Some(id) = self.objects.get(key).map(|observed| observed.id.clone()) {
            self.choose(&id, view, &mut touched);
        }
        touched
    }

    /// Takes a whole list of this version. Says what was touched, and which objects it no longer has: those are not forgotten yet, because a list
    /// shows only what has our labels. What we know is newer than the list only where it is our own write since; otherwise the list is right, also
    /// where it shows an older object: the server was restored then, and has caught up.
    pub fn replace(&mut self, listed: Vec<Observed>, version: &ResourceVersion, epoch: Epoch, view: View<'_>) -> (Touched, Vec<ObjectKey>) {
        let is_since = |known: &Observed| epoch == Epoch::Same && version.older_than(&known.version);
        let keys: BTreeSet<ObjectKey> = listed.iter().map(|observed| observed.object.clone()).collect();
        let vanished = self.objects().filter(|known| !keys.contains(&known.object) && !is_since(known));
        let vanished: Vec<ObjectKey> = vanished.map(|known| known.object.clone()).collect();
        if epoch == Epoch::Reset {
            // Their versions are of a counter that has been set back since: whatever is heard of these names from now on is news.
            for key in &vanished {
                if let Some(known) = self.objects.get_mut(key) {
                    known.version = version.clone();
                }
            }
        }
        let mut all = Touched::default();
        for observed in listed {
            if self.get(&observed.object).is_some_and(is_since) {
                continue;
            }
            let touched = self.force(observed, view);
            all.ids.extend(touched.ids);
            all.shared.extend(touched.shared);
            all.became.extend(touched.became);
        }
        (all, vanished)
    }

    fn claim(&mut self, id: SandboxId, key: ObjectKey, view: View<'_>, touched: &mut Touched) {
        let Some(claim) = self.ids.get_mut(&id) else {
            if let Some(observed) = self.objects.get(&key) {
                let shown = Arc::new(view.snapshot(observed));
                self.ids.insert(id.clone(), Claim { objects: vec![key.clone()], chosen: key, shown });
                touched.ids.insert(id);
            }
            return;
        };
        let place = claim.objects.binary_search(&key);
        if let Err(at) = place {
            claim.objects.insert(at, key);
        }
        self.choose(&id, view, touched);
        if place.is_err()
            && let Some(claim) = self.ids.get(&id)
        {
            touched.shared.push((id, claim.chosen.clone()));
        }
    }

    fn unclaim(&mut self, gone: &Observed, view: View<'_>, touched: &mut Touched) {
        let id = &gone.id;
        let Some(claim) = self.ids.get_mut(id) else { return };
        claim.objects.retain(|key| *key != gone.object);
        if !claim.objects.is_empty() {
            self.choose(id, view, touched);
        } else if let Some(claim) = self.ids.remove(id) {
            let (name, object) = (gone.name.clone(), NamespacedName::from(&gone.object));
            touched.became.push(Became { id: id.clone(), name, object, before: claim.shown, now: None });
            touched.ids.insert(id.clone());
        }
    }

    /// Decides who speaks for an id, and whether that says anything new.
    fn choose(&mut self, id: &SandboxId, view: View<'_>, touched: &mut Touched) {
        let Some(claim) = self.ids.get_mut(id) else { return };
        let claimants = claim.objects.iter().filter_map(|key| self.objects.get(key));
        let Some(chosen) = claimants.min_by(|a, b| a.rank().cmp(&b.rank())) else { return };
        if claim.chosen != chosen.object {
            claim.chosen = chosen.object.clone();
        }
        let snapshot = view.snapshot(chosen);
        if *claim.shown == snapshot {
            self.unchanged += 1;
            return;
        }
        let before = std::mem::replace(&mut claim.shown, Arc::new(snapshot));
        if State::of(&before) != State::of(&claim.shown) {
            let (name, object) = (chosen.name.clone(), NamespacedName::from(&chosen.object));
            touched.became.push(Became { id: id.clone(), name, object, before, now: Some(Arc::clone(&claim.shown)) });
        }
        touched.ids.insert(id.clone());
    }
}

impl Observed {
    /// Of several that claim an id, the lowest speaks for it.
    fn rank(&self) -> (Life, &str, &ObjectKey) {
        (self.life, &self.created, &self.object)
    }
}

const _: () = assert!((Life::Alive as u8) < Life::Deleting as u8, "the living speak first");
