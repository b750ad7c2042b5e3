//! The model as a whole: requests in, answers out, time as an argument.

use crate::controller::Controller;
use crate::convert;
use crate::failure::Failure;
use crate::faults::Fault;
use crate::http::{Answer, Head, Method, Request, Response, Target};
use crate::kubelet::Kubelet;
use crate::object;
use crate::options::{Options, Power, Presence};
use crate::resource::Kind;
use crate::review::Tokens;
use crate::route::{Place, Route, Unserved};
use crate::store::{Change, Key, Store, Touch};
use crate::time;
use crate::timers::{Task, Timers};
use crate::watch::Watches;
use serde_json::Value;
use std::collections::VecDeque;

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// Who asked.
    pub user: String,
    /// The method.
    pub method: Method,
    /// Path and query as asked.
    pub path: String,
    /// The status answered; 200 for a watch that was opened.
    pub status: u16,
    /// The bytes that were sent, where [`Options::bodies`] asks for them.
    pub body: Vec<u8>,
}

/// An API server, the agent-sandbox controller, a scheduler, kubelets and the controllers around them.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) options: Options,
    pub(crate) now_ms: u64,
    pub(crate) store: Store,
    pub(crate) timers: Timers,
    pub(crate) watches: Watches,
    pub(crate) controller: Controller,
    pub(crate) kubelet: Kubelet,
    /// The events there are, oldest first, with when each is forgotten.
    pub(crate) events: VecDeque<(u64, Key)>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) webhook: Power,
    /// Tokens given out by this cluster.
    pub(crate) issued: Tokens,
    /// Counts generated names and event names.
    pub(crate) next_suffix: u64,
    log: Vec<Logged>,
}

/// What a handler has to say, before it becomes bytes.
pub(crate) struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into_bytes(), warnings: Vec::new() }
    }
}

impl Cluster {
    /// A cluster with its nodes and namespaces, at the given time.
    #[must_use]
    pub fn new(options: Options, now_ms: u64) -> Self {
        let mut cluster = Self {
            now_ms,
            store: Store::new(options.watch_history.max(1)),
            timers: Timers::default(),
            watches: Watches::default(),
            controller: Controller::new(options.controller),
            kubelet: Kubelet::default(),
            events: VecDeque::new(),
            faults: Vec::new(),
            webhook: Power::Running,
            issued: Tokens::new(),
            next_suffix: 1,
            log: Vec::new(),
            options,
        };
        let nodes = cluster.options.nodes.clone();
        for node in &nodes {
            cluster.add_node(node);
        }
        let named = cluster.options.namespaces.clone();
        for namespace in ["default", "kube-system"] {
            cluster.add_namespace(namespace, &[]);
        }
        for namespace in named {
            // As an operator makes them for sandboxes.
            cluster.add_namespace(&namespace, &[("pod-security.kubernetes.io/enforce", "privileged")]);
        }
        cluster.settle();
        cluster
    }

    /// The model's time: the latest it was told, in milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When [`advance`](Self::advance) next has something to do.
    #[must_use]
    pub fn next_event_at(&self) -> Option<u64> {
        self.timers.next_at()
    }

    /// Lets everything happen that is due by then, in order, each at its own time.
    pub fn advance(&mut self, now_ms: u64) {
        self.settle();
        while let Some((when_ms, task)) = self.timers.take_due(now_ms) {
            self.now_ms = self.now_ms.max(when_ms);
            self.run(task);
            self.settle();
        }
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// The requests answered so far, oldest first; the oldest are dropped beyond `Options::log`.
    #[must_use]
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// Answers a request. Whatever is due by `now_ms` happens first.
    pub fn request(&mut self, now_ms: u64, request: &Request) -> Answer {
        self.advance(now_ms);
        let (user, answer) = self.answer(request);
        self.settle();
        let status = match &answer {
            Answer::Response(response) => response.head.status,
            Answer::Watch { head, .. } => head.status,
        };
        if self.log.len() >= self.options.log.max(1) * 2 {
            self.log.drain(..self.options.log.max(1));
        }
        let body = if self.options.bodies == Presence::Present { request.body.clone() } else { Vec::new() };
        self.log.push(Logged { at_ms: self.now_ms, user, method: request.method, path: request.path.clone(), status, body });
        answer
    }

    fn answer(&mut self, request: &Request) -> (String, Answer) {
        let user = match self.user_of(request.bearer.as_deref()) {
            Ok(user) => user,
            Err(failure) => return (String::new(), self.refuse(&failure)),
        };
        if let Some(failure) = self.injected(request) {
            return (user, self.refuse(&failure));
        }
        let target = Target::parse(&request.path);
        let route = Route::parse(&target.path);
        let answer = match route {
            Route::Place(place) => {
                let allowed = self.enter(&user, request, &target, &place);
                let is_deprecated = allowed.is_ok() && self.is_deprecated(&place);
                let answer = allowed.and_then(|verb| self.at_place(&user, verb, request, &target, &place));
                let mut answer = answer.unwrap_or_else(|failure| self.refuse(&failure));
                if is_deprecated {
                    answer.head_mut().warnings.insert(0, warning(convert::DEPRECATION));
                }
                Ok(answer)
            }
            Route::Review(review) => self.review(&user, review, request).map(|reply| self.respond(reply)),
            other => self.discover(&user, request, &target, &other),
        };
        let answer = answer.unwrap_or_else(|failure| self.refuse(&failure));
        (user, answer)
    }

    fn discover(&self, user: &str, request: &Request, target: &Target, route: &Route) -> Result<Answer, Failure> {
        let nothing = matches!(route, Route::Nowhere | Route::Unknown);
        match Unserved::parse(&target.path).filter(|_| nothing) {
            Some(asked) => self.options.access.check_unserved(user, &asked.act(verb(request.method, &asked.name, target)))?,
            None => self.options.access.check_path(user, &request.method.as_str().to_lowercase(), &target.path)?,
        }
        if !nothing && request.method != Method::Get {
            return Err(Failure::forbidden_path(user, &request.method.as_str().to_lowercase(), &target.path));
        }
        let document = match route {
            Route::Version => Self::version_document(),
            Route::Health => return Ok(self.plain(200, "ok", None)),
            Route::CoreVersions => Self::core_versions(),
            Route::Groups => self.groups(),
            Route::Group(name) => self.group(name)?,
            Route::Resources { group, version } => self.resources(group, version)?,
            Route::Unknown => return Err(Failure::unknown_path()),
            Route::Place(_) | Route::Review(_) | Route::Nowhere => return Err(Failure::NoHandler),
        };
        Ok(self.respond(Reply::json(200, &document)))
    }

    /// Whether somebody may do this here, and whether here is anything; gives the API's verb.
    fn enter(&self, user: &str, request: &Request, target: &Target, place: &Place) -> Result<&'static str, Failure> {
        let verb = verb(request.method, &place.name, target);
        self.check_access(user, place, verb)?;
        let served = self.served_versions(place.kind).contains(&place.version.as_str());
        if served { Ok(verb) } else { Err(Failure::NoHandler) }
    }

    fn at_place(&mut self, user: &str, verb: &str, request: &Request, target: &Target, place: &Place) -> Result<Answer, Failure> {
        let known = place.subresource.is_empty() || serves_subresource(place.kind, &place.version, &place.subresource);
        if !known {
            return Err(if place.kind.is_custom() { Failure::not_found(place.kind, &place.name) } else { Failure::unknown_path() });
        }
        check_method(request.method, place)?;
        self.check_conversion(place)?;
        let view = crate::view::View::negotiate(place, request.accept.as_deref())?;
        let reply = match verb {
            "watch" => return self.open_watch(place, target, view),
            "list" => self.list(place, target, view)?,
            "get" => self.get(place, view)?,
            "create" => self.create_from(user, place, target, request)?,
            "update" => self.update_from(place, target, request)?,
            "patch" => self.patch_from(place, target, request)?,
            "delete" => self.delete_from(place, target, request)?,
            _ => self.delete_collection(place, target, request)?,
        };
        Ok(self.respond(reply))
    }

    /// The versions in which a kind is served now, the preferred one first; none if it is not.
    pub(crate) fn served_versions(&self, kind: Kind) -> &'static [&'static str] {
        let kyma = matches!(kind, Kind::ApiRule | Kind::VirtualService | Kind::Gateway);
        match kind {
            Kind::Sandbox if self.options.definition == Presence::Absent => &[],
            Kind::Sandbox => convert::served(self.options.release),
            _ if kyma && self.options.kyma == Presence::Absent => &[],
            Kind::ApiRule => &["v2"],
            _ => &["v1"],
        }
    }

    /// The version in which objects of a kind are stored.
    pub(crate) fn stored_version(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Sandbox => convert::stored(self.options.release),
            other => other.resource().version,
        }
    }

    pub(crate) fn is_deprecated(&self, place: &Place) -> bool {
        place.kind == Kind::Sandbox && place.version != self.stored_version(Kind::Sandbox)
    }

    fn check_conversion(&self, place: &Place) -> Result<(), Failure> {
        if self.webhook == Power::Running || !self.is_deprecated(place) {
            return Ok(());
        }
        Err(Failure::raw(
            "conversion webhook for agents.x-k8s.io/v1beta1, Kind=Sandbox failed: Post \
             \"https://agent-sandbox-webhook-service.agent-sandbox-system.svc:443/convert?\
             timeout=30s\": service \"agent-sandbox-webhook-service\" not found",
        ))
    }

    fn respond(&self, reply: Reply) -> Answer {
        let mut head = self.head(reply.status, "application/json");
        head.warnings = reply.warnings.iter().map(|text| warning(text)).collect();
        Answer::Response(Response { head, body: reply.body })
    }

    fn refuse(&self, failure: &Failure) -> Answer {
        match failure {
            Failure::NoHandler => self.plain(404, "404 page not found\n", None),
            Failure::Overloaded { retry_after } => self.plain(429, "Too many requests, please try again later.\n", *retry_after),
            Failure::Status(status) => {
                let mut head = self.head(status.code, "application/json");
                head.retry_after = status.retry_after;
                Answer::Response(Response { head, body: status.to_json().to_string().into_bytes() })
            }
        }
    }

    /// What is answered to a body of more than so many bytes, whoever sends it.
    #[cfg(feature = "serve")]
    pub(crate) fn refuse_body(&self, most: usize) -> Response {
        match self.refuse(&Failure::too_large(most)) {
            Answer::Response(response) => response,
            Answer::Watch { head, .. } => Response { head, body: Vec::new() },
        }
    }

    fn plain(&self, status: u16, text: &str, retry_after: Option<u32>) -> Answer {
        let mut head = self.head(status, "text/plain; charset=utf-8");
        head.retry_after = retry_after;
        Answer::Response(Response { head, body: text.as_bytes().to_vec() })
    }

    pub(crate) fn head(&self, status: u16, content_type: &'static str) -> Head {
        Head { status, content_type, retry_after: None, warnings: Vec::new(), date: time::http_date(self.now_ms) }
    }

    pub(crate) fn after(&mut self, delay_ms: u64, task: Task) {
        self.timers.at(self.now_ms.saturating_add(delay_ms), task);
    }

    fn run(&mut self, task: Task) {
        match task {
            Task::Reconcile(key) => self.reconcile(&key),
            Task::Wake(key) => self.enqueue(&key),
            Task::WriteStatus(write) => self.write_status(*write),
            Task::Pod { key, uid, step, life } if life == self.kubelet.life => self.pod_step(&key, &uid, step),
            Task::Pod { .. } => {}
            Task::EvictLost { node } => self.evict_lost(&node),
            Task::JudgeApiRule(key) => self.judge_api_rule(&key),
            Task::BindClaim(key) => self.bind_claim(&key),
            Task::Collect { kind, key, uid } => self.collect(kind, &key, &uid),
            Task::EmptyNamespace(name) => self.empty_namespace(&name),
            Task::ForgetEvents => self.forget_events(),
            Task::Bookmark(id) => self.bookmark(id),
            Task::EndWatch(id) => self.end_watch(id),
        }
    }

    /// Shows every write to the actors that watch for it.
    pub(crate) fn settle(&mut self) {
        loop {
            let touches = self.store.take_touches();
            if touches.is_empty() {
                return;
            }
            for touch in touches {
                self.notice(&touch);
            }
        }
    }

    fn notice(&mut self, touch: &Touch) {
        match touch.kind {
            Kind::Sandbox => self.enqueue(&touch.key),
            Kind::Pod => {
                self.notice_pod(touch);
                self.enqueue_owner(touch);
            }
            Kind::Service => self.enqueue_owner(touch),
            Kind::PersistentVolumeClaim => self.notice_claim(touch),
            Kind::Namespace => self.notice_namespace(touch),
            Kind::Event => self.notice_event(touch),
            Kind::ApiRule => self.notice_api_rule(touch),
            _ => {}
        }
        if touch.kind != Kind::Event {
            self.notice_for_collection(touch);
        }
    }

    fn notice_event(&mut self, touch: &Touch) {
        if let Change::Added { .. } = touch.change {
            if self.events.is_empty() {
                self.after(self.options.event_ms, Task::ForgetEvents);
            }
            self.events.push_back((self.now_ms.saturating_add(self.options.event_ms), touch.key.clone()));
            if self.events.len() > self.options.events.max(1)
                && let Some((_, oldest)) = self.events.pop_front()
            {
                self.store.remove(Kind::Event, &oldest);
            }
        }
    }

    /// Counts the events there are anew, as if all were written now.
    pub(crate) fn remember_events(&mut self) {
        let keys: Vec<Key> = self.store.table(Kind::Event).objects().keys().cloned().collect();
        let until_ms = self.now_ms.saturating_add(self.options.event_ms);
        if self.events.is_empty() && !keys.is_empty() {
            self.timers.at(until_ms, Task::ForgetEvents);
        }
        self.events = keys.into_iter().map(|key| (until_ms, key)).collect();
    }

    fn forget_events(&mut self) {
        while let Some((until_ms, _)) = self.events.front() {
            if *until_ms > self.now_ms {
                self.timers.at(*until_ms, Task::ForgetEvents);
                return;
            }
            if let Some((_, oldest)) = self.events.pop_front() {
                self.store.remove(Kind::Event, &oldest);
            }
        }
    }

    /// A new object of the cluster's own making, with the metadata the server gives.
    pub(crate) fn mint(&mut self, kind: Kind, mut object: Value) -> Value {
        let version = self.stored_version(kind);
        object["apiVersion"] = kind.api_version(version).into();
        object["kind"] = kind.resource().kind.into();
        let created = time::rfc3339(self.now_ms);
        let uid = self.store.mint_uid();
        let metadata = object::metadata_mut(&mut object);
        metadata.insert("uid".into(), uid.into());
        metadata.insert("creationTimestamp".into(), created.into());
        if kind.has_generation() {
            metadata.insert("generation".into(), 1.into());
        }
        object
    }
}

/// Whether a subresource is served below objects of a kind in a version.
pub(crate) fn serves_subresource(kind: Kind, version: &str, subresource: &str) -> bool {
    kind.resource().subresources.contains(&subresource) && (kind != Kind::Sandbox || subresource != "scale" || version == "v1alpha1")
}

/// The API's word for a method on a collection or object that does not take it.
fn verb_word(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

/// The complete `Warning` header of a text.
fn warning(text: &str) -> String {
    format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn verb(method: Method, name: &str, target: &Target) -> &'static str {
    let collection = name.is_empty();
    match method {
        Method::Get if collection && target.switch("watch") => "watch",
        Method::Get if collection => "list",
        Method::Get => "get",
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Delete if collection => "deletecollection",
        Method::Delete => "delete",
    }
}

/// What a place does not take, and how it is told.
fn check_method(method: Method, place: &Place) -> Result<(), Failure> {
    let collection = place.name.is_empty();
    let custom = place.kind.is_custom();
    let plain = place.subresource.is_empty();
    match method {
        Method::Put | Method::Patch if collection && custom => Err(Failure::bad_request("name must be provided")),
        Method::Put | Method::Patch if collection => Err(Failure::method_not_allowed(place.kind, verb_word(method))),
        Method::Post if !collection && plain && !custom => Err(Failure::method_not_allowed(place.kind, "create")),
        Method::Delete if !plain || (collection && place.kind == Kind::Namespace) => Err(Failure::method_not_allowed(place.kind, "delete")),
        _ => Ok(()),
    }
}
