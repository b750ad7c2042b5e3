//! List, then watch from there; when the watch cannot go on, list again. Facts: kubernetes.md §B.5.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::waking::Waking;
use crate::core::io::{ExchangeId, Fault, Lane, Response, WatchEnd, WatchId};
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::kind::{Kind, Watched};
use crate::core::kube::list::Page;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::path::{ApiVersion, Sandboxes};
use crate::core::kube::watch_line::WatchLine;
use crate::core::limits;
use crate::core::note::{Cause, Note};
use crate::core::secret::Body;
use crate::core::territory::Scope;
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// An informer for one kind in one namespace.
#[derive(Debug, Serialize, Deserialize)]
pub struct Informer<T> {
    state: State<T>,
    /// The version up to which everything is known.
    version: ResourceVersion,
    /// The highest version seen, also in answers to requests of our own.
    highest: ResourceVersion,
    /// When something was last heard; `None` before the first whole list.
    heard: Option<Mono>,
    /// Failures in a row.
    failures: u32,
    /// Whether the server is refusing everybody, having just come up.
    waking: Waking,
    /// Why nothing can be heard at the moment.
    trouble: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum State<T> {
    /// Waiting for the timer, then this.
    Waiting(Next),
    /// Pages come in.
    Listing {
        exchange: ExchangeId,
        objects: Vec<T>,
        /// The highest version seen when the list was begun: it shows at least that, unless the server was restored.
        floor: ResourceVersion,
    },
    /// Lines come in.
    Watching { watch: WatchId, since: Mono },
    /// Nothing is wanted, or nothing more.
    Stopped,
}

/// What to do when the timer fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Next {
    List(Cause),
    Watch(Cause),
}

/// Whether versions of a list can be compared with those known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// They can.
    Same,
    /// The server's version went back: it was restored from a backup, and what it says now is right.
    Reset,
}

/// What was learnt.
#[derive(Debug)]
pub enum Heard<T> {
    /// Nothing.
    Nothing,
    /// An object is there and looks like this.
    Changed(Box<T>),
    /// An object is gone, or has lost its labels.
    Removed(Box<T>),
    /// This is all there is.
    Whole {
        /// Every object.
        objects: Vec<T>,
        /// What the list shows.
        version: ResourceVersion,
        /// How its versions relate to those before.
        epoch: Epoch,
    },
    /// The version that was asked for is not served, or another may be.
    VersionInDoubt,
    /// We may not look, and waiting will not change it.
    Unfit(String),
}

impl<T> Default for Informer<T> {
    fn default() -> Self {
        Self {
            state: State::Stopped,
            version: ResourceVersion::default(),
            highest: ResourceVersion::default(),
            heard: None,
            failures: 0,
            waking: Waking::default(),
            trouble: String::new(),
        }
    }
}

impl<T: Watched> Informer<T> {
    const DICE: Dice = match T::KIND {
        Kind::Sandboxes => Dice::Main,
        kind => Dice::Of(kind),
    };

    /// When something was last heard; `None` before the first whole list.
    #[must_use]
    pub const fn heard_at(&self) -> Option<Mono> {
        self.heard
    }

    /// Why nothing can be heard at the moment; empty when all is well.
    #[must_use]
    pub fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Lists everything again, in another version of the resource.
    pub fn restart(&mut self, turn: &mut Turn<'_>, api: &Sandboxes) {
        if let State::Watching { watch, .. } = self.state {
            turn.abort_watch(watch);
        }
        if let State::Listing { exchange, .. } = self.state {
            turn.abort_exchange(exchange);
        }
        self.list(turn, api, Cause::Version);
    }

    /// An answer to a request of our own showed this version.
    pub fn seen(&mut self, version: &ResourceVersion) {
        if self.highest.older_than(version) || !self.highest.is_known() {
            self.highest = version.clone();
        }
    }

    /// Whether it has never been begun.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// Whether it hears of changes as they happen.
    #[must_use]
    pub const fn is_watching(&self) -> bool {
        matches!(self.state, State::Watching { .. })
    }

    /// The version up to which everything is known.
    #[must_use]
    pub const fn version(&self) -> &ResourceVersion {
        &self.version
    }

    /// Whether this is its watch.
    #[must_use]
    pub fn owns(&self, watch: WatchId) -> bool {
        matches!(self.state, State::Watching { watch: ours, .. } if ours == watch)
    }

    /// The timer fired: begin, or try again.
    pub fn due(&mut self, turn: &mut Turn<'_>, api: &Sandboxes) {
        match self.state {
            State::Waiting(Next::Watch(because)) => self.watch(turn, api, because),
            State::Waiting(Next::List(because)) => self.list(turn, api, because),
            _ => self.list(turn, api, Cause::Start),
        }
    }

    /// Nothing more is wanted.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        match std::mem::replace(&mut self.state, State::Stopped) {
            State::Listing { exchange, .. } => turn.abort_exchange(exchange),
            State::Watching { watch, .. } => turn.abort_watch(watch),
            State::Waiting(_) | State::Stopped => {}
        }
        turn.unset(&Timer::Informer(T::KIND));
        turn.unset(&Timer::Silence(T::KIND));
    }

    /// The watch said nothing for so long that it is taken for dead. Everything is listed: only that shows that nothing was missed, also on a
    /// server that was restored to an earlier version and stays silent (it would until it has caught up).
    pub fn silent(&mut self, turn: &mut Turn<'_>, api: &Sandboxes) {
        if let State::Watching { watch, .. } = self.state {
            turn.met("informer", "watching", "silence");
            turn.note(Note::WatchSilent { kind: T::KIND, watch });
            turn.abort_watch(watch);
            self.trouble = format!("the watch was silent for {} s", limits::WATCH_SILENCE.as_secs());
            self.list(turn, api, Cause::Silence);
        }
    }

    /// A page came, or did not.
    pub fn page(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, result: Result<Response, Fault>) -> Heard<T> {
        let State::Listing { objects, floor, .. } = std::mem::replace(&mut self.state, State::Stopped) else {
            return Heard::Nothing;
        };
        let verdict = Verdict::of(result);
        turn.met("informer", "listing", verdict.name());
        if !matches!(&verdict, Verdict::Refused(error) if error.status == 403) {
            self.waking.forget();
        }
        match verdict {
            Verdict::Done(response) => self.read_page(turn, api, objects, floor, &response.body),
            // The history of this list is gone: begin anew, never with half of it.
            Verdict::Refused(error) if error.is_expired() => self.fail(turn, error.to_string(), Some(&error), Next::List(Cause::Failed)),
            Verdict::Refused(error) if error.status == 403 && self.heard.is_none() && T::KIND == Kind::Sandboxes => {
                if self.waking.is_over(turn.now().mono, &mut self.failures) {
                    return Heard::Unfit(forbidden(api, &error));
                }
                self.fail(turn, error.to_string(), Some(&error), Next::List(Cause::Failed))
            }
            Verdict::NoApi(error) if T::KIND != Kind::Sandboxes => {
                self.fail(turn, error.to_string(), Some(&error), Next::List(Cause::Failed))
            }
            Verdict::NoApi(_) => {
                self.fail(
                    turn,
                    "the API server does not serve agents.x-k8s.io: install agent-sandbox".into(),
                    None,
                    Next::List(Cause::Failed),
                );
                Heard::VersionInDoubt
            }
            // On a server that has been brought up to date, the old version fails whenever what converts it does.
            Verdict::Unsure(why) if T::KIND == Kind::Sandboxes && api.version() == ApiVersion::V1Alpha1 => {
                self.fail(turn, why, None, Next::List(Cause::Failed));
                Heard::VersionInDoubt
            }
            Verdict::Unsure(why) => self.fail(turn, why, None, Next::List(Cause::Failed)),
            Verdict::NotSent(why) => self.fail(turn, format!("the API server cannot be reached: {why}"), None, Next::List(Cause::Failed)),
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Absent(error)
            | Verdict::NoNamespace(error)
            | Verdict::Unauthorized(error)
            | Verdict::Refused(error)
            | Verdict::Busy(error) => self.fail(turn, error.to_string(), Some(&error), Next::List(Cause::Failed)),
        }
    }

    fn read_page(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, mut objects: Vec<T>, floor: ResourceVersion, body: &Body) -> Heard<T> {
        let page = match Page::<T>::parse(body) {
            Ok(page) => page,
            Err(why) => {
                // A list that is one but for an object in it.
                let what = if Page::<IgnoredAny>::parse(body).is_ok() { "one of the" } else { "the list of" };
                return self.fail(turn, format!("{what} {} cannot be read: {why}", T::KIND), None, Next::List(Cause::Failed));
            }
        };
        objects.extend(page.items);
        if objects.len() > limits::OBJECTS_MAX {
            return self.fail(
                turn,
                format!("there are more than {} {} in {}", limits::OBJECTS_MAX, T::KIND, api.scope()),
                None,
                Next::List(Cause::Failed),
            );
        }
        if !page.metadata.continue_token.is_empty() {
            self.ask(turn, api, Some(&page.metadata.continue_token), objects, floor);
            return Heard::Nothing;
        }
        let epoch = if page.metadata.resource_version.older_than(&floor) { Epoch::Reset } else { Epoch::Same };
        self.version = page.metadata.resource_version;
        match epoch {
            Epoch::Same => self.seen(&self.version.clone()),
            Epoch::Reset => self.highest = self.version.clone(),
        }
        self.hear(turn);
        self.watch(turn, api, Cause::Listed);
        Heard::Whole { objects, version: self.version.clone(), epoch }
    }

    /// A line came.
    pub fn line(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, watch: WatchId, line: &Body) -> Heard<T> {
        if !matches!(self.state, State::Watching { watch: ours, .. } if ours == watch) {
            turn.note(Note::UnknownWatch { watch });
            return Heard::Nothing;
        }
        match WatchLine::<T>::parse(line) {
            Ok(WatchLine::Changed(object)) => {
                self.reached(turn, object.version());
                Heard::Changed(object)
            }
            Ok(WatchLine::Removed(object)) => {
                self.reached(turn, object.version());
                Heard::Removed(object)
            }
            Ok(WatchLine::Bookmark(version)) => {
                self.reached(turn, &version);
                Heard::Nothing
            }
            Ok(WatchLine::Error(error)) => {
                turn.met("informer", "watching", if error.is_expired() { "expired" } else { "error_line" });
                turn.abort_watch(watch);
                self.relist(turn, api, &error, Cause::ErrorLine)
            }
            Err(reason) => {
                turn.met("informer", "watching", "bad_line");
                turn.note(Note::BadLine { kind: T::KIND, reason: reason.clone() });
                turn.abort_watch(watch);
                self.fail(turn, format!("a watch line cannot be read: {reason}"), None, Next::List(Cause::BadLine))
            }
        }
    }

    /// The watch ended.
    pub fn closed(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, watch: WatchId, end: WatchEnd) -> Heard<T> {
        let State::Watching { watch: ours, since } = self.state else {
            turn.note(Note::UnknownWatch { watch });
            return Heard::Nothing;
        };
        if ours != watch {
            turn.note(Note::UnknownWatch { watch });
            return Heard::Nothing;
        }
        match end {
            WatchEnd::Clean if turn.now().mono.since(since) >= limits::WATCH_MIN_LIFE => {
                turn.met("informer", "watching", "clean_end");
                self.watch(turn, api, Cause::CleanEnd);
                Heard::Nothing
            }
            WatchEnd::Clean => {
                turn.met("informer", "watching", "early_end");
                self.fail(turn, "the API server ends watches at once".into(), None, Next::Watch(Cause::EarlyEnd))
            }
            WatchEnd::Broken(fault) => {
                turn.met("informer", "watching", "broken");
                // A server that was restored from a backup breaks its connections, and may have caught up with our version before the next watch
                // begins: then only a list shows what the restore undid.
                self.fail(turn, broken(fault), None, Next::List(Cause::Broken))
            }
            WatchEnd::Refused(response) => {
                let verdict = Verdict::of(Ok(response));
                turn.met("informer", "watching", "refused");
                match verdict {
                    Verdict::Refused(error) => self.relist(turn, api, &error, Cause::Refused),
                    Verdict::Busy(error) => self.fail(turn, error.to_string(), Some(&error), Next::Watch(Cause::Refused)),
                    // It may be that our version is one the server does not have (yet): a list asks for none.
                    Verdict::Unsure(why) | Verdict::NotSent(why) => self.fail(turn, why, None, Next::List(Cause::Refused)),
                    Verdict::Exists(error)
                    | Verdict::Conflict(error)
                    | Verdict::Absent(error)
                    | Verdict::NoNamespace(error)
                    | Verdict::NoApi(error)
                    | Verdict::Unauthorized(error) => self.fail(turn, error.to_string(), Some(&error), Next::List(Cause::Refused)),
                    Verdict::Done(_) => {
                        self.fail(turn, "the API server answered a watch with something else".into(), None, Next::List(Cause::Refused))
                    }
                }
            }
        }
    }

    /// The watch cannot go on from where it was. An expired history is no failure; anything else is not hurried.
    fn relist(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, error: &ApiError, because: Cause) -> Heard<T> {
        let because = if error.is_expired() { Cause::Expired } else { because };
        if error.is_expired() && self.failures == 0 {
            turn.note(Note::Relisting { kind: T::KIND, reason: error.to_string() });
            // Counts until the list is whole, so that a server that always says so is not hurried either.
            self.failures = 1;
            self.list(turn, api, because);
            return Heard::Nothing;
        }
        self.fail(turn, error.to_string(), Some(error), Next::List(because))
    }

    fn list(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, because: Cause) {
        turn.note(Note::Listing { kind: T::KIND, because });
        let floor = self.highest.clone();
        self.ask(turn, api, None, Vec::new(), floor);
    }

    fn ask(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, page: Option<&str>, objects: Vec<T>, floor: ResourceVersion) {
        turn.unset(&Timer::Silence(T::KIND));
        turn.unset(&Timer::Informer(T::KIND));
        let deadline = turn.now().mono.after(limits::LIST_EXCHANGE_TIMEOUT);
        let exchange = turn.exchange(Waiter::List(T::KIND), Lane::Lists, T::list(api, page), deadline);
        self.state = State::Listing { exchange, objects, floor };
    }

    fn watch(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, because: Cause) {
        turn.note(Note::Watching { kind: T::KIND, because });
        let seconds = limits::WATCH_TIMEOUT_SECS + turn.jitter(Self::DICE, limits::WATCH_TIMEOUT_SECS / 2);
        let watch = turn.watch(T::watch(api, &self.version, seconds));
        let now = turn.now().mono;
        turn.set(Timer::Silence(T::KIND), now.after(limits::WATCH_SILENCE));
        self.state = State::Watching { watch, since: now };
    }

    fn reached(&mut self, turn: &mut Turn<'_>, version: &ResourceVersion) {
        if version.is_known() {
            self.version = version.clone();
            self.seen(version);
        }
        self.failures = 0;
        self.hear(turn);
        turn.set(Timer::Silence(T::KIND), turn.now().mono.after(limits::WATCH_SILENCE));
    }

    fn hear(&mut self, turn: &Turn<'_>) {
        self.heard = Some(turn.now().mono);
        self.trouble.clear();
    }

    fn fail(&mut self, turn: &mut Turn<'_>, reason: String, error: Option<&ApiError>, next: Next) -> Heard<T> {
        self.failures = self.failures.saturating_add(1);
        let pause = turn.backoff(Self::DICE, self.failures, limits::INFORMER_BACKOFF_MAX);
        let pause = error.and_then(|error| error.retry_after).map_or(pause, |asked| asked.max(pause));
        let retry_millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        turn.note(Note::NotObserving { kind: T::KIND, reason: reason.clone(), retry_millis });
        turn.unset(&Timer::Silence(T::KIND));
        turn.set(Timer::Informer(T::KIND), turn.now().mono.after(pause));
        self.trouble = reason;
        self.state = State::Waiting(next);
        Heard::Nothing
    }
}

fn broken(fault: Fault) -> String {
    match fault {
        Fault::NotSent(why) => format!("the API server cannot be reached: {why}"),
        Fault::Unknown(why) => format!("the watch broke: {why}"),
        Fault::Deadline => "the watch was not opened in time".into(),
        Fault::TooLarge => "a watch line was too large to read".into(),
    }
}

fn forbidden(api: &Sandboxes, error: &ApiError) -> String {
    let (scope, flag) = (api.scope(), api.scope().flag());
    let (place, role) = match scope {
        Scope::Namespace(namespace) => (format!("namespace {namespace}"), "Role"),
        Scope::Cluster => (scope.to_string(), "ClusterRole"),
    };
    format!(
        "the driver may not list Sandboxes in {place}: {error}\n\
         Give its service account the driver's {role}, then check with:\n  \
         kubectl auth can-i list sandboxes.agents.x-k8s.io {flag} --as system:serviceaccount:<namespace>:<driver's service account>"
    )
}
