//! Watches between a driver and the API server: lines in order, late, cut, or none at all.

use std::collections::VecDeque;

use crate::driver::core::io::{Fault, HttpRequest, Input, Response, WatchEnd, WatchId};
use crate::driver::core::secret::Body;

use super::happening::{Happening, Life};
use super::wire::short;
use super::{EPOCH_MS, World};
use crate::answers;
use crate::books::{END_REQUESTS, LINE_REQUESTS};
use crate::scenario::token;
use crate::shown::Kind;

/// How long a watch may take to be opened.
const OPENING_MS: u64 = 30_000;

/// One watch.
#[derive(Debug, Default)]
pub struct Channel {
    /// The server's side, while it has something to say.
    server: Option<kubesim::WatchId>,
    on_the_way: VecDeque<Item>,
    last_at: u64,
    /// Whether its end is on its way.
    ended: bool,
    /// Lines that have arrived.
    lines: u64,
    reader: Reader,
    kind: Option<Kind>,
}

/// Whether anybody listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reader {
    #[default]
    Listens,
    /// It has aborted; what was on its way may still come.
    Aborted,
}

#[derive(Debug)]
enum Item {
    Line(Body),
    End(WatchEnd),
}

impl World {
    pub(super) fn send_watch(&mut self, life: Life, watch: WatchId, request: HttpRequest) {
        self.summary.requests += 1;
        self.trace.say(self.now_ms, || format!("{life} watches @{}: {}", watch.0, short(&request.path)));
        if let Some((rule, detail)) = self.books.request(self.now_ms, life, &request) {
            return self.broken(rule, || format!("{life}: {detail}"));
        }
        let kind = Kind::of(&request.path);
        self.channels.insert((life, watch), Channel { last_at: self.now_ms, kind, ..Channel::default() });
        let odds = self.scenario.wire.watch_refused;
        if self.storms() && self.chances.watches.happens(odds) {
            let wait = self.way();
            let end = match self.chances.watches.below(4) {
                0 => WatchEnd::Broken(Fault::NotSent("connection refused".into())),
                1 => WatchEnd::Broken(Fault::Unknown("reset".into())),
                2 => {
                    self.summary.fault("watch not answered");
                    return self.after(OPENING_MS, Happening::OpenWatch(life, watch, Box::new(request)));
                }
                _ => WatchEnd::Refused(answers::refusal(&mut self.chances.watches, request.method)),
            };
            self.summary.fault(match &end {
                WatchEnd::Broken(Fault::NotSent(_)) => "watch not connected",
                WatchEnd::Refused(response) if response.status == 410 => "watch refused with 410",
                WatchEnd::Refused(response) if response.status == 429 => "watch refused with 429",
                WatchEnd::Refused(_) => "watch refused with another code",
                WatchEnd::Broken(_) | WatchEnd::Clean => "watch reset before it was open",
            });
            return self.put_after(wait, (life, watch), Item::End(end));
        }
        let wait = self.way();
        self.after(wait, Happening::OpenWatch(life, watch, Box::new(request)));
    }

    pub(super) fn open_watch(&mut self, life: Life, watch: WatchId, request: &HttpRequest) {
        let key = (life, watch);
        if self.channels.get(&key).is_none_or(|channel| channel.ended) {
            return;
        }
        if !self.server_up {
            return self.put_after(0, key, Item::End(WatchEnd::Broken(Fault::NotSent("connection refused".into()))));
        }
        if self.seats[life.driver].locked_out_until_ms > self.now_ms {
            return self.put_after(0, key, Item::End(WatchEnd::Refused(answers::unauthorized())));
        }
        let request = kubesim::Request::get(request.path.clone()).with_bearer(token(life.driver));
        match self.cluster.request(EPOCH_MS + self.now_ms, &request) {
            kubesim::Answer::Watch { id, .. } => {
                if let Some(channel) = self.channels.get_mut(&key) {
                    channel.server = Some(id);
                }
            }
            kubesim::Answer::Response(answer) => {
                let response = Response {
                    status: answer.head.status,
                    content_type: Some(answer.head.content_type.to_owned()),
                    body: Body(answer.body.into()),
                    ..Response::default()
                };
                let wait = self.way();
                self.put_after(wait, key, Item::End(WatchEnd::Refused(response)));
            }
        }
        self.cluster_moved();
    }

    /// Whatever watches have to say is put on its way.
    pub(super) fn pump_channels(&mut self) {
        let with_news: Vec<((Life, WatchId), kubesim::WatchId)> = self
            .channels
            .iter()
            .filter_map(|(key, channel)| Some((*key, channel.server?)))
            .filter(|(_, server)| self.cluster.watch_has_output(*server))
            .collect();
        for (key, server) in with_news {
            let output = self.cluster.watch_output(server, 1_000);
            for line in output.lines {
                if !self.put_line(key, Body(line.into_bytes().into())) {
                    self.cluster.watch_closed_by_client(server);
                    break;
                }
            }
            if output.ended && self.channels.get(&key).is_some_and(|channel| channel.server.is_some()) {
                let wait = self.way();
                self.put_after(wait, key, Item::End(WatchEnd::Clean));
            }
        }
    }

    /// A line goes on its way, or something else does. Says whether more can follow.
    fn put_line(&mut self, key: (Life, WatchId), line: Body) -> bool {
        let odds = self.scenario.wire.clone();
        let storms = self.storms();
        let goes_wrong = |world: &mut Self, odds, what| {
            let happens = storms && world.chances.watches.happens(odds);
            if happens {
                world.summary.fault(what);
            }
            happens
        };
        let wait = self.way();
        if goes_wrong(self, odds.watch_hung, "watch gone silent") {
            if let Some(channel) = self.channels.get_mut(&key) {
                channel.server = None;
            }
            return false;
        }
        if storms && self.chances.watches.happens(odds.watch_cut) {
            let (fault, what) = if self.chances.watches.happens(100) {
                (Fault::TooLarge, "watch line too large")
            } else {
                (Fault::Unknown("cut in the middle of a line".into()), "watch cut inside a line")
            };
            self.summary.fault(what);
            self.put_after(wait, key, Item::End(WatchEnd::Broken(fault)));
            return false;
        }
        if goes_wrong(self, odds.watch_garbage, "garbage in a watch") {
            let garbage = answers::garbage(&mut self.chances.watches);
            self.put_after(wait, key, Item::Line(garbage));
        }
        for (odds, code, reason, what) in
            [(odds.watch_gone, 410, "Expired", "watch told 410"), (odds.watch_error, 500, "InternalError", "watch told another error")]
        {
            if goes_wrong(self, odds, what) {
                self.put_after(wait, key, Item::Line(answers::error_line(code, reason)));
                self.put_after(wait, key, Item::End(WatchEnd::Clean));
                return false;
            }
        }
        self.put_after(wait, key, Item::Line(line));
        true
    }

    fn put_after(&mut self, wait_ms: u64, key: (Life, WatchId), item: Item) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if matches!(item, Item::End(_)) {
            channel.server = None;
            channel.ended = true;
        }
        // Never overtaking: what was sent before arrives before.
        channel.last_at = channel.last_at.max(self.now_ms.saturating_add(wait_ms));
        channel.on_the_way.push_back(item);
        let wait = channel.last_at - self.now_ms;
        self.after(wait, Happening::WatchItem(key.0, key.1));
    }

    pub(super) fn watch_item(&mut self, life: Life, watch: WatchId) {
        let key = (life, watch);
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let Some(item) = channel.on_the_way.pop_front() else { return };
        let reason = match item {
            Item::Line(_) => LINE_REQUESTS,
            Item::End(_) if channel.lines > 0 => END_REQUESTS,
            Item::End(_) => 0,
        };
        channel.lines += 1;
        let listened = channel.kind.filter(|_| channel.reader == Reader::Listens);
        if channel.reader == Reader::Aborted {
            if channel.on_the_way.is_empty() {
                self.channels.remove(&key);
            }
            self.summary.fault("line after abort");
        }
        self.books.reason(self.now_ms, life.driver, reason);
        let mut shown = None;
        let input = match item {
            Item::Line(line) => {
                self.trace.say(self.now_ms, || format!("{life} @{}: {}", watch.0, sentence(&line)));
                if let (Some(kind), Some(process)) = (listened, self.seats[life.driver].living(life)) {
                    shown = process.shown.line(self.now_ms, kind, &line.0);
                }
                Input::Line { watch, line }
            }
            Item::End(end) => {
                self.trace.say(self.now_ms, || format!("{life} @{} ends: {}", watch.0, ending(&end)));
                self.channels.remove(&key);
                Input::Closed { watch, end }
            }
        };
        self.feed(life, input);
        if let Some(id) = shown {
            self.judge_told(life, &id);
        }
    }

    pub(super) fn abort_watch(&mut self, life: Life, watch: WatchId) {
        let odds = self.scenario.wire.after_abort;
        let late = self.storms() && self.chances.watches.happens(odds);
        let Some(channel) = self.channels.get_mut(&(life, watch)) else { return };
        if let Some(server) = channel.server.take() {
            self.cluster.watch_closed_by_client(server);
        }
        channel.reader = Reader::Aborted;
        if !late || channel.on_the_way.is_empty() {
            self.channels.remove(&(life, watch));
        }
    }

    /// Every watch of a process that is gone.
    pub(super) fn drop_channels(&mut self, life: Life) {
        let gone: Vec<(Life, WatchId)> = self.channels.keys().filter(|(theirs, _)| *theirs == life).copied().collect();
        for key in gone {
            if let Some(server) = self.channels.remove(&key).and_then(|channel| channel.server) {
                self.cluster.watch_closed_by_client(server);
            }
        }
    }

    /// The server is gone: every watch breaks.
    pub(super) fn break_channels(&mut self) {
        let open: Vec<(Life, WatchId)> = self.channels.iter().filter(|(_, channel)| !channel.ended).map(|(key, _)| *key).collect();
        for key in open {
            self.put_after(0, key, Item::End(WatchEnd::Broken(Fault::Unknown("the server went away".into()))));
        }
    }
}

fn sentence(line: &Body) -> String {
    let event: serde_json::Value = serde_json::from_slice(&line.0).unwrap_or_default();
    let object = &event["object"];
    let metadata = &object["metadata"];
    let kind = event["type"].as_str().unwrap_or("garbage");
    let name = metadata["name"].as_str().or(object["reason"].as_str()).unwrap_or_default();
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let conditions: Vec<String> =
        conditions.map(|c| format!("{}={}/{}", text(&c["type"]), text(&c["status"]), text(&c["reason"]))).collect();
    let leaving = if metadata["deletionTimestamp"].is_null() { "" } else { " leaving" };
    format!("{kind} {name} v{} {}{leaving} {}", text(&metadata["resourceVersion"]), tail(&metadata["uid"]), conditions.join(" "))
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn tail(uid: &serde_json::Value) -> &str {
    let uid = text(uid);
    uid.get(uid.len().saturating_sub(4)..).unwrap_or(uid)
}

fn ending(end: &WatchEnd) -> String {
    match end {
        WatchEnd::Clean => "clean".into(),
        WatchEnd::Refused(response) => format!("refused with {}", response.status),
        WatchEnd::Broken(fault) => format!("{fault:?}"),
    }
}
