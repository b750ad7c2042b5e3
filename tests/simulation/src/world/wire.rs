//! Between a driver and the API server: requests and answers, each with a fate of its own.

use crate::driver::core::io::{ExchangeId, Fault, HttpRequest, Method, Response};
use crate::driver::core::secret::Body;
use crate::driver::core::time::Mono;

use super::happening::{AnswerFate, Errand, Happening, Life, Times};
use super::processes::Sent;
use super::{EPOCH_MS, World};
use crate::answers;
use crate::books::{ANSWER_REQUESTS, Excuse};
use crate::rules::Rule;
use crate::scenario::token;
use crate::shown::Kind;
use crate::truth::Place;

/// How long after its sender gave up a write may still be carried out: an admission webhook may take 30 s, and a driver that gives up on an
/// exchange after 15 s has waited for half of it.
const HELD_MS: u64 = 20_000;

impl World {
    /// A request leaves a driver.
    pub(super) fn send(&mut self, life: Life, exchange: ExchangeId, request: HttpRequest, deadline: Mono) {
        self.summary.requests += 1;
        let Some(process) = self.seats[life.driver].living(life) else { return };
        let deadline_ms = process.at(deadline);
        process.exchanges.insert(exchange, Sent { deadline_ms, path: request.path.clone(), body: request.body.0.clone() });
        let deferred = process.deferred.remove(&(request.path.clone(), request.body.0.clone()));
        self.trace.say(self.now_ms, || format!("{life} asks #{}: {} {}", exchange.0, verb(request.method), short(&request.path)));
        if let Some((rule, detail)) = self.books.request(self.now_ms, life, &request) {
            return self.broken(rule, || format!("{life}: {detail}"));
        }
        if let Some(at) = deferred.filter(|at| *at > self.now_ms && is_one_machines(&request)) {
            let now_ms = self.now_ms;
            return self.broken(Rule::Obeys, || format!("{life} asks for {} {} ms too early", request.path, at - now_ms));
        }
        let odds = self.scenario.wire.clone();
        let storms = self.storms();
        let goes_wrong = |world: &mut Self, odds, what| {
            let happens = storms && world.chances.wire.happens(odds);
            if happens {
                world.summary.fault(what);
            }
            happens
        };
        if goes_wrong(self, odds.not_sent, "request not sent") {
            let wait = self.chances.wire.below(5_000);
            let fault = Fault::NotSent("connection refused".into());
            return self.land_after(wait, life, exchange, deadline_ms, Err(fault));
        }
        if goes_wrong(self, odds.request_lost, "request lost") {
            return self.lose(life, exchange, deadline_ms);
        }
        if storms && self.chances.wire.happens(odds.refused) {
            let response = answers::refusal(&mut self.chances.wire, request.method);
            self.summary.fault(answers::kind(&response));
            let wait = self.way();
            return self.land_after(wait, life, exchange, deadline_ms, Ok(response));
        }
        if request.method != Method::Get && goes_wrong(self, odds.held, "write carried out late") {
            let late = (deadline_ms - self.now_ms) + self.chances.wire.below(HELD_MS);
            let errand = Errand { sent_ms: self.now_ms, request, answer: AnswerFate::Silence, times: Times::Once };
            self.after(late, Happening::Reach(life, exchange, Box::new(errand)));
            return self.land_after(u64::MAX, life, exchange, deadline_ms, Err(Fault::Deadline));
        }
        let answer = if goes_wrong(self, odds.answer_lost, "answer lost") {
            if self.chances.wire.happens(500) { AnswerFate::Breaks } else { AnswerFate::Silence }
        } else if goes_wrong(self, odds.failed_after, "done, and answered 5xx") {
            AnswerFate::Fails
        } else if goes_wrong(self, odds.mangled, "answer spoilt") {
            AnswerFate::Mangled
        } else if goes_wrong(self, odds.too_large, "answer too large") {
            AnswerFate::TooLarge
        } else if goes_wrong(self, odds.trickle, "answer whole at the last moment") {
            AnswerFate::Trickles
        } else {
            AnswerFate::Arrives
        };
        let twice = request.method != Method::Get && goes_wrong(self, odds.repeated, "carried out twice");
        let times = if twice { Times::Twice } else { Times::Once };
        let wait = self.way();
        self.after(wait, Happening::Reach(life, exchange, Box::new(Errand { sent_ms: self.now_ms, request, answer, times })));
        if answer == AnswerFate::Silence {
            self.land_after(u64::MAX, life, exchange, deadline_ms, Err(Fault::Deadline));
        }
    }

    /// The server is gone, and with it every connection: nothing that was asked is answered any more.
    pub(super) fn break_exchanges(&mut self) {
        let lives: Vec<Life> = (0..self.seats.len())
            .filter_map(|driver| Some(Life { driver, number: self.seats[driver].process.as_ref()?.number() }))
            .collect();
        for life in lives {
            let Some(process) = self.seats[life.driver].living(life) else { continue };
            let open: Vec<ExchangeId> = process.exchanges.keys().copied().collect();
            for exchange in open {
                let fault = Fault::Unknown("the server went away".into());
                self.after(0, Happening::Land(life, exchange, Box::new(Err(fault))));
            }
        }
    }

    /// How long something is on its way.
    pub(super) fn way(&mut self) -> u64 {
        let odds = self.scenario.wire.slow;
        if self.storms() && self.chances.wire.happens(odds) {
            self.summary.fault("slow way");
            return self.chances.wire.between(500, 20_000);
        }
        let longest = self.scenario.wire.latency_ms;
        self.chances.wire.between(1, longest)
    }

    fn lose(&mut self, life: Life, exchange: ExchangeId, deadline_ms: u64) {
        let wait = if self.chances.wire.happens(500) { self.way() } else { u64::MAX };
        self.land_after(wait, life, exchange, deadline_ms, Err(Fault::Unknown("the connection broke".into())));
    }

    /// Something is told to a driver about an exchange; its deadline, if that is sooner.
    fn land_after(&mut self, wait_ms: u64, life: Life, exchange: ExchangeId, deadline_ms: u64, result: Result<Response, Fault>) {
        let left = deadline_ms.saturating_sub(self.now_ms);
        let (wait, result) = if wait_ms > left { (left, Err(Fault::Deadline)) } else { (wait_ms, result) };
        self.after(wait, Happening::Land(life, exchange, Box::new(result)));
    }

    /// A request reaches the API server, also after the death of its sender.
    pub(super) fn reach(&mut self, life: Life, exchange: ExchangeId, errand: &Errand) {
        let now_ms = self.now_ms;
        let deadline_ms = self.seats[life.driver]
            .living(life)
            .and_then(|process| process.exchanges.get(&exchange))
            .map_or(now_ms, |sent| sent.deadline_ms);
        if errand.sent_ms < self.truth.restored_ms() {
            // The server it was sent to is no more.
            return;
        }
        if !self.server_up {
            let fault =
                if errand.request.method == Method::Get { Fault::NotSent("refused".into()) } else { Fault::Unknown("reset".into()) };
            return self.land_after(0, life, exchange, deadline_ms, Err(fault));
        }
        if self.seats[life.driver].locked_out_until_ms > now_ms {
            return self.land_after(0, life, exchange, deadline_ms, Ok(answers::unauthorized()));
        }
        let wrong = self.judge_write(life, &errand.request);
        let is_create = errand.request.method == Method::Post && is_of_sandboxes(&errand.request);
        if is_create {
            self.note_create(life, errand);
        }
        let request = kubesim::Request {
            method: match errand.request.method {
                Method::Get => kubesim::Method::Get,
                Method::Post => kubesim::Method::Post,
                Method::Patch => kubesim::Method::Patch,
                Method::Delete => kubesim::Method::Delete,
            },
            path: errand.request.path.clone(),
            bearer: Some(token(life.driver)),
            content_type: errand.request.content_type.map(|kind| kind.as_str().to_owned()),
            accept: None,
            body: errand.request.body.0.to_vec(),
        };
        if errand.times == Times::Twice {
            // The proxy keeps the first answer to itself.
            let _ = self.cluster.request(EPOCH_MS + now_ms, &request);
            self.books.met_a_name();
        }
        let answer = self.cluster.request(EPOCH_MS + now_ms, &request);
        let kubesim::Answer::Response(answer) = answer else { return };
        self.trace.say(now_ms, || format!("#{} of {life} is carried out: {}", exchange.0, outcome(&answer)));
        if let Some((rule, detail)) = wrong.filter(|_| answer.head.status < 300) {
            return self.broken(rule, || format!("{life}: {detail}"));
        }
        if is_create && answer.head.status == 201 {
            self.reap(made(&answer));
        }
        if answer.head.status == 409 {
            self.books.met_a_name();
        }
        self.cluster_moved();
        let mut response = Response {
            status: answer.head.status,
            content_type: Some(answer.head.content_type.to_owned()),
            retry_after: answer.head.retry_after.map(|seconds| std::time::Duration::from_secs(seconds.into())),
            warning: answer.head.warnings.first().cloned(),
            date: Some(answer.head.date),
            body: Body(answer.body.into()),
        };
        let mut wait = self.way();
        let result = match errand.answer {
            AnswerFate::Arrives => Ok(response),
            AnswerFate::Trickles => {
                wait = deadline_ms.saturating_sub(now_ms + 1);
                Ok(response)
            }
            AnswerFate::Breaks => Err(Fault::Unknown("the connection broke".into())),
            AnswerFate::Silence => return,
            AnswerFate::Fails => Ok(answers::failure(&mut self.chances.wire)),
            AnswerFate::Mangled => {
                answers::mangle(&mut self.chances.wire, &mut response);
                Ok(response)
            }
            AnswerFate::TooLarge => Err(Fault::TooLarge),
        };
        self.land_after(wait, life, exchange, deadline_ms.max(now_ms), result);
    }

    /// A create is carried out. After the death of the driver that sent it nobody who knows of it is left.
    fn note_create(&mut self, life: Life, errand: &Errand) {
        let object: serde_json::Value = serde_json::from_slice(&errand.request.body.0).unwrap_or_default();
        let id = object["metadata"]["annotations"]["openshell.ai/sandbox-id"].as_str().unwrap_or_default().to_owned();
        if errand.answer != AnswerFate::Arrives || errand.times == Times::Twice {
            self.books.unread(id.clone());
        }
        let sandbox = (self.seats[life.driver].plan.gateway, id.clone());
        if self.truth.living(&sandbox).ended().is_some_and(|ended| errand.sent_ms < ended) {
            let why = "a POST that was on its way all the time was carried out after its end";
            self.books.excuse(Excuse::LeftBehind, sandbox.clone(), why);
            self.books.excuse(Excuse::Misjudged, sandbox, why);
        }
        if self.seats[life.driver].living(life).is_some() {
            return;
        }
        let gateway = self.seats[life.driver].plan.gateway;
        let why = "its POST was carried out after its driver's death";
        self.books.excuse(Excuse::LeftBehind, (gateway, id.clone()), why);
        self.books.excuse(Excuse::Misjudged, (gateway, id), why);
    }

    /// An answer reaches a driver; what was aborted meanwhile is dropped, as the shell does it, or now and then not.
    pub(super) fn land(&mut self, life: Life, exchange: ExchangeId, result: Result<Response, Fault>) {
        let odds = self.scenario.wire.after_abort;
        let Some(process) = self.seats[life.driver].living(life) else { return };
        if process.exchanges.contains_key(&exchange) && process.exchanges.keys().next() != Some(&exchange) {
            self.summary.fault("answer overtaken by a later one");
        }
        let sent = process.exchanges.remove(&exchange);
        let shown = sent.as_ref().map(|sent| process.show(self.now_ms, sent, &result)).unwrap_or_default();
        if sent.is_none() {
            if !(self.storms() && self.chances.wire.happens(odds)) {
                return;
            }
            self.summary.fault("answer after abort");
        }
        if matches!(&result, Ok(response) if response.status == 200) {
            self.books.reason(self.now_ms, life.driver, ANSWER_REQUESTS);
        }
        self.trace.say(self.now_ms, || format!("{life} hears of #{}: {}", exchange.0, told(&result)));
        self.feed(life, crate::driver::core::io::Input::Answer { exchange, result });
        for id in shown {
            self.judge_told(life, &id);
        }
    }
}

/// Whether no two machines of a driver ask for the same: what one is told, another does not know.
fn is_one_machines(request: &HttpRequest) -> bool {
    let is_informers = Kind::of(&request.path).is_some() && request.path.contains("limit=") && !request.path.contains("sandbox-id%3D");
    request.method == Method::Post || is_informers
}

/// Whether a request is about Sandboxes.
fn is_of_sandboxes(request: &HttpRequest) -> bool {
    request.path.starts_with("/apis/agents.x-k8s.io/")
}

/// What a create made.
fn made(answer: &kubesim::Response) -> Place {
    let body = answer.json();
    let text = |key: &str| body["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

const fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// A path as a person needs it: what follows the namespace.
pub(super) fn short(path: &str) -> &str {
    path.split_once("/namespaces/").map_or(path, |(_, rest)| rest)
}

fn outcome(answer: &kubesim::Response) -> String {
    let body = answer.json();
    let name = body["metadata"]["name"].as_str().map(|name| format!(" {name}")).unwrap_or_default();
    let reason = body["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
    let items = body["items"].as_array().map(|items| format!(" {} items", items.len())).unwrap_or_default();
    format!("{}{reason}{name}{items}", answer.head.status)
}

fn told(result: &Result<Response, Fault>) -> String {
    match result {
        Ok(response) => format!("{} ({} bytes)", response.status, response.body.len()),
        Err(fault) => format!("{fault:?}"),
    }
}
