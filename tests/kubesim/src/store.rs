//! The objects, one global resourceVersion, and each kind's recent history.

use crate::object::{self, Object};
use crate::resource::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

/// Where an object is: namespaces sort before names, as in the real store.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Empty for objects of the cluster.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub fn of(object: &Value) -> Self {
        Self::new(object::namespace(object), object::name(object))
    }
}

/// What a write did.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Added {
        object: Object,
    },
    Modified {
        before: Object,
        object: Object,
    },
    /// `last` carries the deletion's resourceVersion.
    Deleted {
        before: Object,
        last: Object,
    },
}

/// One entry of a kind's history.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub version: u64,
    pub key: Key,
    pub change: Change,
}

/// A write not yet seen by the cluster's own actors.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    pub kind: Kind,
    pub key: Key,
    pub change: Change,
}

/// One kind's objects and the writes that led to them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    objects: BTreeMap<Key, Object>,
    history: VecDeque<Entry>,
    /// Sequence number of the history's first entry.
    first: u64,
    /// Versions at or below this one cannot be watched from any more.
    forgotten: u64,
}

impl Table {
    pub fn objects(&self) -> &BTreeMap<Key, Object> {
        &self.objects
    }

    /// The sequence number the next write will get.
    pub fn next_sequence(&self) -> u64 {
        self.first + self.history.len() as u64
    }

    /// The entry with this sequence number; `Err` when it is forgotten already.
    pub fn entry(&self, sequence: u64) -> Result<Option<&Entry>, Forgotten> {
        let offset = sequence.checked_sub(self.first).ok_or(Forgotten)?;
        Ok(usize::try_from(offset).ok().and_then(|index| self.history.get(index)))
    }

    /// The sequence number of the first write after `version`.
    pub fn sequence_after(&self, version: u64) -> Result<u64, Forgotten> {
        if version < self.forgotten {
            return Err(Forgotten);
        }
        let before = self.history.partition_point(|entry| entry.version <= version);
        Ok(self.first + before as u64)
    }

    /// The oldest version a watch may start from.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn remember(&mut self, entry: Entry, limit: usize) {
        self.history.push_back(entry);
        while self.history.len() > limit {
            if let Some(oldest) = self.history.pop_front() {
                self.first += 1;
                self.forgotten = oldest.version;
            }
        }
    }

    fn forget(&mut self, through: u64) {
        self.first = self.next_sequence();
        self.history.clear();
        self.forgotten = self.forgotten.max(through);
    }
}

/// The history asked for has been compacted away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forgotten;

/// All tables.
#[derive(Debug)]
pub(crate) struct Store {
    version: u64,
    history_limit: usize,
    tables: BTreeMap<Kind, Table>,
    touches: Vec<Touch>,
    /// Who has this UID, for owner references.
    by_uid: BTreeMap<String, (Kind, Key)>,
    /// Who names this UID as an owner.
    dependents: BTreeMap<String, BTreeSet<(Kind, Key)>>,
    next_uid: u64,
}

/// The version a fresh store starts at: a real one has written its own objects by then.
const FIRST_VERSION: u64 = 100;

impl Store {
    pub fn new(history_limit: usize) -> Self {
        let tables = Kind::ALL.into_iter().map(|kind| (kind, Table { forgotten: FIRST_VERSION, ..Table::default() })).collect();
        Self {
            version: FIRST_VERSION,
            history_limit,
            tables,
            touches: Vec::new(),
            by_uid: BTreeMap::new(),
            dependents: BTreeMap::new(),
            next_uid: 1,
        }
    }

    /// The version of the latest write.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A write nobody here looks at moves the version on.
    pub fn pass_a_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[&kind]
    }

    pub fn get(&self, kind: Kind, key: &Key) -> Option<&Object> {
        self.table(kind).objects.get(key)
    }

    /// The objects of a kind in a namespace, in name order.
    pub fn in_namespace(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        let from = Key::new(namespace, "");
        let owned = namespace.to_owned();
        self.table(kind)
            .objects
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(move |(key, _)| key.namespace == owned)
            .map(|(_, object)| object)
    }

    /// A new UID: a counter in the shape of a version 4 UUID.
    pub fn mint_uid(&mut self) -> String {
        let number = self.next_uid;
        self.next_uid += 1;
        format!("00000000-0000-4000-8000-{number:012x}")
    }

    pub fn by_uid(&self, uid: &str) -> Option<&(Kind, Key)> {
        self.by_uid.get(uid)
    }

    pub fn dependents_of(&self, uid: &str) -> Vec<(Kind, Key)> {
        self.dependents.get(uid).map(|set| set.iter().cloned().collect()).unwrap_or_default()
    }

    /// Writes since the last call, oldest first.
    pub fn take_touches(&mut self) -> Vec<Touch> {
        std::mem::take(&mut self.touches)
    }

    /// Stores an object that is not there yet; sets its resourceVersion.
    pub fn create(&mut self, kind: Kind, mut value: Value) -> Object {
        let version = self.stamp(&mut value);
        let key = Key::of(&value);
        let object = Arc::new(value);
        self.by_uid.insert(object::uid(&object).to_owned(), (kind, key.clone()));
        self.link(kind, &key, &object);
        self.record(kind, version, &key, Change::Added { object: object.clone() });
        self.table_mut(kind).objects.insert(key, object.clone());
        object
    }

    /// Replaces an object; sets its resourceVersion.
    pub fn update(&mut self, kind: Kind, key: &Key, mut value: Value) -> Object {
        let version = self.stamp(&mut value);
        let object = Arc::new(value);
        let before = self.table_mut(kind).objects.insert(key.clone(), object.clone());
        let change = match before {
            Some(before) => {
                if before["metadata"]["ownerReferences"] != object["metadata"]["ownerReferences"] {
                    self.unlink(kind, key, &before);
                    self.link(kind, key, &object);
                }
                Change::Modified { before, object: object.clone() }
            }
            None => Change::Added { object: object.clone() },
        };
        self.record(kind, version, key, change);
        object
    }

    /// Removes an object; its last state carries the deletion's version.
    pub fn remove(&mut self, kind: Kind, key: &Key) -> Option<Object> {
        let last = (**self.get(kind, key)?).clone();
        Some(self.remove_as(kind, key, last))
    }

    /// Removes an object whose last state is this.
    pub fn remove_as(&mut self, kind: Kind, key: &Key, mut last: Value) -> Object {
        let version = self.stamp(&mut last);
        let last = Arc::new(last);
        if let Some(before) = self.table_mut(kind).objects.remove(key) {
            self.by_uid.remove(object::uid(&before));
            self.unlink(kind, key, &before);
            self.record(kind, version, key, Change::Deleted { before, last: last.clone() });
        }
        last
    }

    /// Forgets all history: every watch from the past is too old now.
    pub fn compact(&mut self) {
        let version = self.version;
        for table in self.tables.values_mut() {
            table.forget(version);
        }
    }

    /// Forgets one kind's history, as when its definition is installed anew.
    pub fn compact_kind(&mut self, kind: Kind) {
        let version = self.version;
        self.table_mut(kind).forget(version);
    }

    /// Sets the version counter back, as after restoring a backup; history is gone.
    pub fn roll_back(&mut self, version: u64) {
        self.version = version.max(FIRST_VERSION);
        for table in self.tables.values_mut() {
            table.forgotten = 0;
            table.forget(version);
        }
    }

    /// Puts objects in place without history or notice, as a restored backup does.
    pub fn restore(&mut self, kind: Kind, objects: BTreeMap<Key, Object>) {
        let old = std::mem::take(&mut self.table_mut(kind).objects);
        for (key, object) in &old {
            self.by_uid.remove(object::uid(object));
            self.unlink(kind, key, object);
        }
        for (key, object) in &objects {
            self.by_uid.insert(object::uid(object).to_owned(), (kind, key.clone()));
            self.link(kind, key, object);
        }
        self.table_mut(kind).objects = objects;
    }

    /// Replaces every object of a kind in place: the same version, another representation.
    pub fn rewrite(&mut self, kind: Kind, convert: impl Fn(&Value) -> Value) {
        for object in self.table_mut(kind).objects.values_mut() {
            *object = Arc::new(convert(object));
        }
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        self.tables.entry(kind).or_default()
    }

    fn stamp(&mut self, value: &mut Value) -> u64 {
        self.version += 1;
        object::metadata_mut(value).insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        self.version
    }

    fn record(&mut self, kind: Kind, version: u64, key: &Key, change: Change) {
        let limit = self.history_limit;
        self.touches.push(Touch { kind, key: key.clone(), change: change.clone() });
        self.table_mut(kind).remember(Entry { version, key: key.clone(), change }, limit);
    }

    fn link(&mut self, kind: Kind, key: &Key, object: &Value) {
        for owner in object::owner_references(object) {
            if let Some(uid) = owner["uid"].as_str() {
                let set = self.dependents.entry(uid.to_owned()).or_default();
                set.insert((kind, key.clone()));
            }
        }
    }

    fn unlink(&mut self, kind: Kind, key: &Key, object: &Value) {
        for owner in object::owner_references(object) {
            let Some(uid) = owner["uid"].as_str() else { continue };
            if let Some(set) = self.dependents.get_mut(uid) {
                set.remove(&(kind, key.clone()));
                if set.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
    }
}
