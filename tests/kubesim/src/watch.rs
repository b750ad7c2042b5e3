//! Watches: a place in a kind's history, what to show of it, and what the server says in between.

use crate::cluster::Cluster;
use crate::failure::{Cause, Failure};
use crate::http::{Answer, Target};
use crate::list::{Selection, parse_version};
use crate::object::{self, Object};
use crate::options::Presence;
use crate::resource::Kind;
use crate::route::Place;
use crate::store::{Change, Entry};
use crate::timers::Task;
use crate::view::View;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Names an open watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchId(pub(crate) u64);

/// Lines of a watch, and whether there will be more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOutput {
    /// JSON documents without their newline.
    pub lines: Vec<String>,
    /// The server closed the stream after these lines.
    pub ended: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Watches {
    open: BTreeMap<WatchId, Watch>,
    opened: u64,
}

#[derive(Debug)]
struct Watch {
    kind: Kind,
    version: String,
    view: View,
    selection: Selection,
    /// Objects to show as ADDED before anything else.
    initial: VecDeque<Object>,
    /// The next entry of the history to look at.
    sequence: u64,
    /// Nothing at or below this version is shown.
    above: u64,
    /// What the server says once the watch has come to a place in the history.
    remarks: VecDeque<(u64, Remark)>,
    bookmarks: Presence,
    /// When it ends, in milliseconds since the epoch.
    ends_ms: u64,
}

#[derive(Clone, Debug)]
enum Remark {
    Bookmark { version: u64 },
    InitialEventsEnd { version: u64 },
    Error(Box<Failure>),
    End,
}

/// How long before its end a watch gets its last bookmark.
const LAST_BOOKMARK_MS: u64 = 2_000;

impl Cluster {
    pub(crate) fn open_watch(&mut self, place: &Place, target: &Target, view: View) -> Result<Answer, Failure> {
        let selection = Selection::parse(place, target)?;
        let wants_initial = target.parameter("sendInitialEvents").map(|_| target.switch("sendInitialEvents"));
        check_initial(target, wants_initial)?;
        let version = match target.parameter("resourceVersion") {
            None | Some("0") => 0,
            Some(version) => parse_version(version).map_err(Failure::raw)?,
        };
        let seconds = match target.parameter("timeoutSeconds") {
            None => None,
            Some(text) => {
                let refused = |_| Failure::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", json!(text)));
                u64::try_from(text.parse::<i64>().map_err(refused)?).ok()
            }
        };
        let table = self.store.table(place.kind);
        let mut watch = Watch {
            kind: place.kind,
            version: place.version.clone(),
            view,
            initial: VecDeque::new(),
            sequence: table.next_sequence(),
            above: version,
            remarks: VecDeque::new(),
            bookmarks: if target.switch("allowWatchBookmarks") { Presence::Present } else { Presence::Absent },
            selection,
            ends_ms: 0,
        };
        let now = self.store.version();
        if wants_initial == Some(true) && self.options.streaming_lists == Presence::Absent {
            watch.say(Remark::Error(Box::new(Failure::raw("RequestWatchProgress is disabled"))));
            watch.say(Remark::End);
        } else if wants_initial == Some(true) || (version == 0 && wants_initial.is_none()) {
            watch.initial = table
                .objects()
                .iter()
                .filter(|(key, object)| watch.selection.matches(key, object))
                .map(|(_, object)| object.clone())
                .collect();
            watch.above = now;
            if wants_initial == Some(true) && watch.bookmarks == Presence::Present {
                watch.say(Remark::InitialEventsEnd { version: now });
            }
        } else if version > 0 && version <= now {
            if let Ok(sequence) = table.sequence_after(version) {
                watch.sequence = sequence;
            } else {
                let oldest = table.forgotten();
                let message = format!("too old resource version: {version} ({oldest})");
                watch.say(Remark::Error(Box::new(Failure::expired(message))));
                watch.say(Remark::End);
            }
        }
        Ok(self.admit_watch(seconds, watch))
    }

    fn admit_watch(&mut self, seconds: Option<u64>, mut watch: Watch) -> Answer {
        let lives_ms = match seconds {
            Some(seconds) if seconds > 0 => seconds.saturating_mul(1000),
            _ => self.options.watch_ms,
        };
        self.watches.opened += 1;
        let id = WatchId(self.watches.opened);
        watch.ends_ms = self.now_ms.saturating_add(lives_ms);
        if watch.bookmarks == Presence::Present {
            self.next_bookmark(id, watch.ends_ms);
        }
        self.after(lives_ms, Task::EndWatch(id));
        self.watches.open.insert(id, watch);
        Answer::Watch { id, head: self.head(200, "application/json") }
    }

    /// Up to `max` lines the watch has ready. An unknown or finished watch has ended.
    pub fn watch_output(&mut self, id: WatchId, max: usize) -> WatchOutput {
        self.settle();
        let mut output = WatchOutput::default();
        let Some(mut watch) = self.watches.open.remove(&id) else {
            output.ended = true;
            return output;
        };
        while output.lines.len() < max {
            match self.next_line(&mut watch) {
                Next::Line(line) => output.lines.push(line),
                Next::Nothing => break,
                Next::End => {
                    output.ended = true;
                    return output;
                }
            }
        }
        self.watches.open.insert(id, watch);
        output
    }

    /// Whether [`watch_output`](Self::watch_output) would have anything to say.
    #[must_use]
    pub fn watch_has_output(&self, id: WatchId) -> bool {
        let Some(watch) = self.watches.open.get(&id) else { return true };
        if !watch.initial.is_empty() || !watch.remarks.is_empty() {
            return true;
        }
        let table = self.store.table(watch.kind);
        let mut sequence = watch.sequence;
        loop {
            match table.entry(sequence) {
                Err(_) => return true,
                Ok(None) => return false,
                Ok(Some(entry)) if watch.shows(entry).is_some() => return true,
                Ok(Some(_)) => sequence += 1,
            }
        }
    }

    /// The watches open now.
    pub fn open_watches(&self) -> impl Iterator<Item = WatchId> + '_ {
        self.watches.open.keys().copied()
    }

    /// The client went away.
    pub fn watch_closed_by_client(&mut self, id: WatchId) {
        self.watches.open.remove(&id);
    }

    pub(crate) fn end_watch(&mut self, id: WatchId) {
        if let Some(watch) = self.watches.open.get_mut(&id) {
            watch.sequence_end(self.store.table(watch.kind).next_sequence());
        }
    }

    /// Ends every watch of a kind after what it has still to show.
    pub(crate) fn end_watches_of(&mut self, kind: Kind) {
        let end = self.store.table(kind).next_sequence();
        for watch in self.watches.open.values_mut().filter(|watch| watch.kind == kind) {
            watch.sequence_end(end);
        }
    }

    /// Forgets every watch at once, as a server that dies does.
    pub(crate) fn drop_watches(&mut self) {
        self.watches.open.clear();
    }

    /// Every minute or so, and once shortly before the end.
    fn next_bookmark(&mut self, id: WatchId, ends_ms: u64) {
        let regular = self.now_ms + self.options.bookmark_ms.max(1);
        let last = ends_ms.saturating_sub(LAST_BOOKMARK_MS);
        let next = regular.min(last);
        if next > self.now_ms {
            self.timers.at(next, Task::Bookmark(id));
        }
    }

    pub(crate) fn bookmark(&mut self, id: WatchId) {
        let Some(watch) = self.watches.open.get_mut(&id) else { return };
        // Somebody always writes something in a real cluster, leases if nothing else.
        let version = self.store.pass_a_version();
        let place = self.store.table(watch.kind).next_sequence();
        if version > watch.above {
            // A reader that lags needs no more than the latest bookmark.
            if matches!(watch.remarks.back(), Some((_, Remark::Bookmark { .. }))) {
                watch.remarks.pop_back();
            }
            watch.remarks.push_back((place, Remark::Bookmark { version }));
        }
        let ends_ms = watch.ends_ms;
        self.next_bookmark(id, ends_ms);
    }

    fn next_line(&self, watch: &mut Watch) -> Next {
        if let Some(object) = watch.initial.pop_front() {
            return Next::Line(self.event_line("ADDED", watch, &object));
        }
        loop {
            if let Some((place, _)) = watch.remarks.front()
                && *place <= watch.sequence
                && let Some((_, remark)) = watch.remarks.pop_front()
            {
                return remark_line(watch, &remark);
            }
            match self.store.table(watch.kind).entry(watch.sequence) {
                // A reader this far behind is cut off and has to list again.
                Err(_) => return Next::End,
                Ok(None) => return Next::Nothing,
                Ok(Some(entry)) => {
                    watch.sequence += 1;
                    if let Some((word, object)) = watch.shows(entry) {
                        return Next::Line(self.event_line(word, watch, &object));
                    }
                }
            }
        }
    }

    fn event_line(&self, word: &str, watch: &Watch, object: &Object) -> String {
        let body = self.render(watch.kind, &watch.version, watch.view, object);
        format!("{{\"type\":\"{word}\",\"object\":{body}}}")
    }
}

enum Next {
    Line(String),
    Nothing,
    End,
}

impl Watch {
    fn say(&mut self, remark: Remark) {
        self.remarks.push_back((self.sequence, remark));
    }

    fn sequence_end(&mut self, sequence: u64) {
        self.remarks.push_back((sequence, Remark::End));
    }

    /// What a write looks like through the selection: an object that leaves it is DELETED.
    fn shows(&self, entry: &Entry) -> Option<(&'static str, Object)> {
        if entry.version <= self.above {
            return None;
        }
        let selected = |object: &Object| self.selection.matches(&entry.key, object);
        match &entry.change {
            Change::Added { object } => selected(object).then(|| ("ADDED", object.clone())),
            Change::Deleted { before, last } => selected(before).then(|| ("DELETED", last.clone())),
            Change::Modified { before, object } => match (selected(before), selected(object)) {
                (true, true) => Some(("MODIFIED", object.clone())),
                (false, true) => Some(("ADDED", object.clone())),
                (true, false) => {
                    let mut left = (**before).clone();
                    let version = json!(object::resource_version(object));
                    object::metadata_mut(&mut left).insert("resourceVersion".into(), version);
                    Some(("DELETED", Object::new(left)))
                }
                (false, false) => None,
            },
        }
    }
}

fn bookmark(watch: &Watch, version: u64, annotations: Option<Value>) -> Value {
    let (api_version, kind) = match watch.view {
        View::Full => (watch.kind.api_version(&watch.version), watch.kind.resource().kind.to_owned()),
        View::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata".to_owned()),
    };
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if let Some(annotations) = annotations {
        metadata["annotations"] = annotations;
    }
    let mut bookmark = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
    if watch.kind == Kind::Pod && watch.view == View::Full {
        bookmark["spec"] = json!({ "containers": null });
        bookmark["status"] = json!({});
    }
    bookmark
}

fn remark_line(watch: &Watch, remark: &Remark) -> Next {
    let (word, object) = match remark {
        Remark::End => return Next::End,
        Remark::Bookmark { version } => ("BOOKMARK", bookmark(watch, *version, None)),
        Remark::InitialEventsEnd { version } => {
            let marks = json!({ "k8s.io/initial-events-end": "true" });
            ("BOOKMARK", bookmark(watch, *version, Some(marks)))
        }
        Remark::Error(failure) => match failure.as_ref() {
            Failure::Status(status) => ("ERROR", status.to_json()),
            other => ("ERROR", json!({ "kind": "Status", "message": other.to_string() })),
        },
    };
    Next::Line(format!("{{\"type\":\"{word}\",\"object\":{object}}}"))
}

fn check_initial(target: &Target, wants_initial: Option<bool>) -> Result<(), Failure> {
    let field = "resourceVersionMatch";
    let rule = target.parameter(field);
    let mut causes = Vec::new();
    if wants_initial.is_some() && rule != Some("NotOlderThan") {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        causes.push(Cause::forbidden(field, why));
    }
    if let Some(rule) = rule {
        if wants_initial.is_none() {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            causes.push(Cause::forbidden(field, why));
        }
        if rule != "NotOlderThan" {
            causes.push(Cause::unsupported(field, &json!(rule), &["NotOlderThan"]));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid_list_options(causes)) }
}
