//! What the cluster really holds, and held: the measure of everything a driver says.

use std::collections::{BTreeMap, BTreeSet};

use kubesim::{Answer, Cluster, Kind, Request, WatchId};
use serde_json::Value;

use crate::scenario::{OBSERVER, gateway_id};

/// A sandbox of a gateway: the gateway's number and the sandbox's id.
pub type Sid = (usize, String);

/// Where an object is: namespace and name.
pub type Place = (String, String);

/// The newest version first: an older release serves only the other.
const SANDBOXES: [&str; 2] = ["/apis/agents.x-k8s.io/v1beta1/sandboxes", "/apis/agents.x-k8s.io/v1alpha1/sandboxes"];
const PODS: [&str; 1] = ["/api/v1/pods"];
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// What is there, and when it came and went.
#[derive(Debug, Default)]
pub struct Truth {
    gateways: usize,
    sandboxes: Option<WatchId>,
    pods: Option<WatchId>,
    objects: BTreeMap<Place, Seen>,
    /// Of every sandbox, each object made for it, whatever became of its labels.
    living: BTreeMap<Sid, Presence>,
    /// Of every sandbox, each object that its labels show.
    visible: BTreeMap<Sid, Presence>,
    /// For whom an object was made, by UID.
    made: BTreeMap<String, Sid>,
    /// The sandbox of every pod.
    supervisors: BTreeMap<String, String>,
    /// Of every sandbox, its pods.
    running: BTreeMap<String, Presence>,
    news: Vec<News>,
    restored_ms: Option<u64>,
}

/// An object as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its UID.
    pub uid: String,
    /// Whose it is: by its labels, or else for whom it was made.
    pub sandbox: Option<Sid>,
    /// Whether its labels show it.
    pub visible: Visible,
    /// Whether its deletion was asked for.
    pub leaving: Leaving,
    /// When that was seen.
    pub leaving_since: Option<u64>,
}

/// Whether labels show an object to its gateway's drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// They do.
    Yes,
    /// They do not.
    No,
}

/// Whether an object's deletion was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It was.
    Yes,
    /// It was not.
    No,
}

/// The objects of a sandbox through time.
#[derive(Debug, Default, Clone)]
pub struct Presence {
    now: BTreeSet<String>,
    /// Since when there has been at least one.
    since: Option<u64>,
    /// When the last one went, and how often it happened.
    ended: Option<u64>,
}

/// A supervisor's pod came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The sandbox id in the pod's annotation.
    pub sandbox: String,
    /// The pod's UID.
    pub pod: String,
    /// Which of the two.
    pub what: PodNews,
}

/// What a pod did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodNews {
    /// It is there.
    Came,
    /// It is gone.
    Went,
}

impl Presence {
    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.now.is_empty()
    }

    /// Whether there was none at some moment from `from_ms` on.
    #[must_use]
    pub fn was_absent_since(&self, from_ms: u64) -> bool {
        self.since.is_none_or(|since| since >= from_ms)
    }

    /// Since when there has been one without a gap; `None` while there is none.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        self.since
    }

    /// When the last one went, if one ever did.
    #[must_use]
    pub fn ended(&self) -> Option<u64> {
        self.ended
    }

    fn come(&mut self, uid: &str, now_ms: u64) {
        self.since.get_or_insert(now_ms);
        self.now.insert(uid.to_owned());
    }

    fn go(&mut self, uid: &str, now_ms: u64) {
        if self.now.remove(uid) && self.now.is_empty() {
            self.since = None;
            self.ended = Some(now_ms);
        }
    }
}

impl Truth {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(gateways: usize) -> Self {
        Self { gateways, ..Self::default() }
    }

    /// The object of that name.
    #[must_use]
    pub fn at(&self, namespace: &str, name: &str) -> Option<&Seen> {
        self.objects.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The pods of a sandbox, through time.
    #[must_use]
    pub fn running(&self, id: &str) -> Presence {
        self.running.get(id).cloned().unwrap_or_default()
    }

    /// Every Sandbox.
    #[must_use]
    pub const fn objects(&self) -> &BTreeMap<Place, Seen> {
        &self.objects
    }

    /// The objects made for a sandbox, through time.
    #[must_use]
    pub fn living(&self, sandbox: &Sid) -> Presence {
        self.living.get(sandbox).cloned().unwrap_or_default()
    }

    /// The objects that labels show for a sandbox, through time.
    #[must_use]
    pub fn visible(&self, sandbox: &Sid) -> Presence {
        self.visible.get(sandbox).cloned().unwrap_or_default()
    }

    /// Every sandbox that labels show now.
    pub fn shown(&self) -> impl Iterator<Item = (&Sid, &Presence)> {
        self.visible.iter().filter(|(_, presence)| presence.is_there())
    }

    /// Whether an object of this UID was made for a gateway.
    #[must_use]
    pub fn was_made(&self, gateway: usize, uid: &str) -> bool {
        self.made.get(uid).is_some_and(|(owner, _)| *owner == gateway)
    }

    /// Whether a pod is there.
    #[must_use]
    pub fn has_pod(&self, uid: &str) -> bool {
        self.supervisors.contains_key(uid)
    }

    /// Every pod of a sandbox: its UID and the sandbox's id.
    #[must_use]
    pub const fn pods(&self) -> &BTreeMap<String, String> {
        &self.supervisors
    }

    /// The cluster was set back to a backup.
    pub fn restored(&mut self, now_ms: u64) {
        self.restored_ms = Some(now_ms);
    }

    /// When that was last; 0 for never.
    #[must_use]
    pub fn restored_ms(&self) -> u64 {
        self.restored_ms.unwrap_or_default()
    }

    /// Pods that came and went since this was last asked.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Looks at everything that was written since the last look.
    pub fn look(&mut self, cluster: &mut Cluster, now_ms: u64) {
        if !self.read(cluster, now_ms, Kind::Sandbox) {
            self.look_again(cluster, now_ms, Kind::Sandbox);
        }
        if !self.read(cluster, now_ms, Kind::Pod) {
            self.look_again(cluster, now_ms, Kind::Pod);
        }
    }

    /// Reads what a watch has; `false` when there is none or it has ended.
    fn read(&mut self, cluster: &mut Cluster, now_ms: u64, kind: Kind) -> bool {
        let Some(watch) = (if kind == Kind::Sandbox { self.sandboxes } else { self.pods }) else { return false };
        loop {
            if !cluster.watch_has_output(watch) {
                return true;
            }
            let output = cluster.watch_output(watch, 256);
            for line in &output.lines {
                let event: Value = serde_json::from_str(line).unwrap_or_default();
                match event["type"].as_str() {
                    Some("ADDED" | "MODIFIED") => self.see(kind, &event["object"], now_ms),
                    Some("DELETED") => self.miss(kind, &event["object"], now_ms),
                    Some("ERROR") => return false,
                    _ => {}
                }
            }
            if output.ended {
                return false;
            }
        }
    }

    /// Compares everything with what was known, and watches from here.
    fn look_again(&mut self, cluster: &mut Cluster, now_ms: u64, kind: Kind) {
        let objects = cluster.objects(kind, "");
        let uids: BTreeSet<&str> = objects.iter().filter_map(|object| object["metadata"]["uid"].as_str()).collect();
        if kind == Kind::Sandbox {
            let is_gone = |seen: &Seen| !uids.contains(seen.uid.as_str());
            let gone: Vec<Place> = self.objects.iter().filter(|(_, seen)| is_gone(seen)).map(|(place, _)| place.clone()).collect();
            for place in gone {
                self.forget(&place, now_ms);
            }
        } else {
            let gone: Vec<String> = self.supervisors.keys().filter(|uid| !uids.contains(uid.as_str())).cloned().collect();
            for uid in gone {
                self.lose_pod(&uid, now_ms);
            }
        }
        for object in &objects {
            self.see(kind, object, now_ms);
        }
        let paths: &[&str] = if kind == Kind::Sandbox { &SANDBOXES } else { &PODS };
        let watch = paths.iter().find_map(|path| {
            let request = Request::get(format!("{path}?watch=true")).with_bearer(OBSERVER).with_accept(METADATA);
            match cluster.request(cluster.now_ms(), &request) {
                Answer::Watch { id, .. } => Some(id),
                Answer::Response(_) => None,
            }
        });
        if kind == Kind::Sandbox {
            self.sandboxes = watch;
        } else {
            self.pods = watch;
        }
    }

    fn see(&mut self, kind: Kind, object: &Value, now_ms: u64) {
        let metadata = &object["metadata"];
        if kind == Kind::Pod {
            let (Some(uid), Some(sandbox)) = (metadata["uid"].as_str(), metadata["annotations"]["openshell.io/sandbox-id"].as_str()) else {
                return;
            };
            if self.supervisors.insert(uid.to_owned(), sandbox.to_owned()).is_none() {
                self.running.entry(sandbox.to_owned()).or_default().come(uid, now_ms);
                self.news.push(News { sandbox: sandbox.to_owned(), pod: uid.to_owned(), what: PodNews::Came });
            }
            return;
        }
        let place = place(metadata);
        let uid = text(&metadata["uid"]);
        if self.objects.get(&place).is_some_and(|known| known.uid != uid) {
            self.forget(&place, now_ms);
        }
        let labelled = self.labelled(metadata);
        if let Some(sandbox) = &labelled {
            self.made.entry(uid.clone()).or_insert_with(|| sandbox.clone());
        }
        let sandbox = labelled.clone().or_else(|| self.made.get(&uid).cloned());
        let visible = if labelled.is_some() { Visible::Yes } else { Visible::No };
        let leaving = if metadata["deletionTimestamp"].is_null() { Leaving::No } else { Leaving::Yes };
        let before = self.objects.get(&place).and_then(|known| known.leaving_since);
        let leaving_since = (leaving == Leaving::Yes).then(|| before.unwrap_or(now_ms));
        let seen = Seen { uid: uid.clone(), sandbox: sandbox.clone(), visible, leaving, leaving_since };
        let before = self.objects.insert(place, seen);
        if let Some(before) = before.and_then(|before| before.sandbox) {
            if sandbox.as_ref() != Some(&before) {
                self.living.entry(before.clone()).or_default().go(&uid, now_ms);
            }
            if labelled.as_ref() != Some(&before) {
                self.visible.entry(before).or_default().go(&uid, now_ms);
            }
        }
        if let Some(sandbox) = sandbox {
            self.living.entry(sandbox).or_default().come(&uid, now_ms);
        }
        if let Some(sandbox) = labelled {
            self.visible.entry(sandbox).or_default().come(&uid, now_ms);
        }
    }

    fn miss(&mut self, kind: Kind, object: &Value, now_ms: u64) {
        let metadata = &object["metadata"];
        if kind == Kind::Pod {
            self.lose_pod(&text(&metadata["uid"]), now_ms);
            return;
        }
        self.forget(&place(metadata), now_ms);
    }

    fn lose_pod(&mut self, uid: &str, now_ms: u64) {
        if let Some(sandbox) = self.supervisors.remove(uid) {
            self.running.entry(sandbox.clone()).or_default().go(uid, now_ms);
            self.news.push(News { sandbox, pod: uid.to_owned(), what: PodNews::Went });
        }
    }

    fn forget(&mut self, place: &Place, now_ms: u64) {
        let Some(gone) = self.objects.remove(place) else { return };
        if let Some(sandbox) = gone.sandbox {
            self.living.entry(sandbox.clone()).or_default().go(&gone.uid, now_ms);
            self.visible.entry(sandbox).or_default().go(&gone.uid, now_ms);
        }
    }

    /// The sandbox that an object's labels show it to be.
    fn labelled(&self, metadata: &Value) -> Option<Sid> {
        let (labels, annotations) = (&metadata["labels"], &metadata["annotations"]);
        if labels["openshell.ai/managed-by"] != "openshell" || labels["openshell.ai/sandbox-id"].is_null() {
            return None;
        }
        let gateway = (0..self.gateways).find(|gateway| labels["openshell.ai/gateway-id"] == gateway_id(*gateway).as_str())?;
        let id = annotations["openshell.ai/sandbox-id"].as_str().or(labels["openshell.ai/sandbox-id"].as_str())?;
        Some((gateway, id.to_owned()))
    }
}

fn place(metadata: &Value) -> Place {
    (text(&metadata["namespace"]), text(&metadata["name"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
