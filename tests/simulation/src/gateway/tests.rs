//! The transcripts and tables of gateway-observed.md, replayed against the model, so that it errs on its own account only.

use crate::driver::contract::messages::compute as pb;
use crate::driver::contract::messages::compute::watch_sandboxes_event::Payload;

use super::ask::{Ask, Code, Existed, Heard, Refusal, Said, Ticket};
use super::row::{Lost, Phase, Row, Session, derive};
use super::{Act, Gateway, Lifecycle, Removal, Wish};

/// Every code that was tried (gateway-observed.md §5).
const CODES: [Code; 10] = [
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::Unimplemented,
    Code::Unavailable,
    Code::Internal,
    Code::InvalidArgument,
    Code::ResourceExhausted,
    Code::DeadlineExceeded,
    Code::Aborted,
];

/// A gateway, and the calls of it that wait for an answer.
struct Bench {
    gateway: Gateway,
    now_ms: u64,
    open: Vec<(Ticket, Ask)>,
    timers: Vec<(u64, super::Timer)>,
    removed: Vec<Removal>,
    cancelled: Vec<Ask>,
    exits: usize,
}

/// Type, status and reason of each condition.
type Conditions<'a> = &'a [(&'a str, &'a str, &'a str)];

fn refused(code: Code) -> Heard {
    Err(Refusal { code, message: "why".into() })
}

fn sandbox(id: &str) -> pb::DriverSandbox {
    pb::DriverSandbox { id: id.into(), name: format!("name-{id}"), workspace: "default".into(), ..pb::DriverSandbox::default() }
}

fn with(id: &str, conditions: Conditions<'_>) -> pb::DriverSandbox {
    let condition = |(kind, status, reason): &(&str, &str, &str)| pb::DriverCondition {
        r#type: (*kind).into(),
        status: (*status).into(),
        reason: (*reason).into(),
        ..pb::DriverCondition::default()
    };
    let conditions = conditions.iter().map(condition).collect();
    pb::DriverSandbox { status: Some(pb::DriverSandboxStatus { conditions, ..pb::DriverSandboxStatus::default() }), ..sandbox(id) }
}

fn ready(id: &str) -> pb::DriverSandbox {
    with(id, &[("Ready", "True", "DependenciesReady")])
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside answers that are refusals")]
fn found(snapshot: pb::DriverSandbox) -> Heard {
    Ok(Said::Got(Some(Box::new(snapshot))))
}

impl Bench {
    fn new(lifecycle: Lifecycle) -> Self {
        Self {
            gateway: Gateway::new(1, lifecycle),
            now_ms: 1_000,
            open: Vec::new(),
            timers: Vec::new(),
            removed: Vec::new(),
            cancelled: Vec::new(),
            exits: 0,
        }
    }

    /// A gateway that serves, with nothing in its store.
    fn serving() -> Self {
        let mut bench = Self::new(Lifecycle::StopAndStart);
        bench.start();
        bench.answer("ListSandboxes", Ok(Said::Listed(Vec::new())));
        bench
    }

    fn start(&mut self) {
        self.gateway.start();
        self.collect();
        self.answer("GetCapabilities", Ok(Said::Done));
        self.answer("GetGatewayListenerRequirements", refused(Code::Unimplemented));
    }

    fn collect(&mut self) {
        for act in self.gateway.take_acts() {
            match act {
                Act::Ask { ticket, ask, .. } => self.open.push((ticket, ask)),
                Act::Cancel(ticket) => {
                    let index = self.open.iter().position(|(open, _)| *open == ticket).expect("only what is open is cancelled");
                    self.cancelled.push(self.open.remove(index).1);
                }
                Act::Later { wait_ms, timer } => self.timers.push((self.now_ms + wait_ms, timer)),
                Act::Removed { why, .. } => self.removed.push(why),
                Act::Exit => self.exits += 1,
                Act::Told(..) => {}
            }
        }
    }

    /// The open calls by name, but for the stream.
    fn asked(&self) -> Vec<&'static str> {
        self.open.iter().map(|(_, ask)| ask.name()).filter(|name| *name != "WatchSandboxes").collect()
    }

    fn answer(&mut self, name: &str, heard: Heard) {
        let index = self.open.iter().position(|(_, ask)| ask.name() == name).unwrap_or_else(|| panic!("{name} is not asked"));
        let (ticket, _) = self.open.remove(index);
        self.gateway.answered(self.now_ms, ticket, heard);
        self.collect();
    }

    fn event(&mut self, payload: Payload) {
        let stream = self.open.iter().find(|(_, ask)| *ask == Ask::Watch).map(|(ticket, _)| *ticket);
        let event = pb::WatchSandboxesEvent { payload: Some(payload) };
        self.gateway.event(self.now_ms, stream.expect("a stream is open"), event);
        self.collect();
    }

    fn snapshot(&mut self, snapshot: pb::DriverSandbox) {
        self.event(Payload::Sandbox(pb::WatchSandboxesSandboxEvent { sandbox: Some(snapshot) }));
    }

    fn wish(&mut self, wish: Wish) {
        self.gateway.wish(self.now_ms, wish);
        self.collect();
    }

    /// Lets time pass, and every timer with it.
    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        while let Some(index) = self.timers.iter().position(|(at, _)| *at <= self.now_ms) {
            let (_, timer) = self.timers.remove(index);
            self.gateway.timer(self.now_ms, timer);
            self.collect();
        }
    }

    fn creating(&mut self, id: &str) {
        self.wish(Wish::Create { sandbox: Box::new(sandbox(id)), patience_ms: None });
        self.answer("ValidateSandboxCreate", Ok(Said::Done));
    }

    /// A sandbox that is Ready.
    fn running(&mut self, id: &str) {
        self.creating(id);
        self.answer("CreateSandbox", Ok(Said::Done));
        self.gateway.supervisor(self.now_ms, id, Session::Connected);
        self.snapshot(ready(id));
        assert_eq!(self.phase(id), Some(Phase::Ready));
    }

    fn phase(&self, id: &str) -> Option<Phase> {
        self.gateway.rows().get(id).map(|row| row.phase)
    }
}

#[test]
fn it_exits_when_its_driver_does_not_greet_it() {
    for code in CODES {
        let mut bench = Bench::new(Lifecycle::StopAndStart);
        bench.gateway.start();
        bench.collect();
        bench.answer("GetCapabilities", refused(code));
        assert_eq!((bench.exits, bench.gateway.is_up()), (1, false), "{code:?}");
    }
}

#[test]
fn it_lists_and_watches_and_lists_again_a_minute_after_the_end_of_a_sweep() {
    let mut bench = Bench::serving();
    assert_eq!(bench.asked(), Vec::<&str>::new());
    bench.pass(59_999);
    assert_eq!(bench.asked(), Vec::<&str>::new());
    bench.pass(1);
    assert_eq!(bench.asked(), ["ListSandboxes"]);
}

#[test]
fn a_watch_is_opened_again_after_two_seconds_and_nothing_is_listed_for_it() {
    for end in [Ok(Said::Done), refused(Code::Unimplemented), refused(Code::Unavailable)] {
        let mut bench = Bench::serving();
        bench.answer("WatchSandboxes", end);
        bench.pass(1_999);
        assert!(bench.open.is_empty());
        bench.pass(1);
        assert_eq!(bench.open.iter().map(|(_, ask)| ask.name()).collect::<Vec<_>>(), ["WatchSandboxes"]);
    }
}

#[test]
fn a_failed_create_loses_its_row_whatever_the_code_and_nothing_is_asked_about_it() {
    for code in CODES {
        let mut bench = Bench::serving();
        bench.creating("a");
        assert_eq!(bench.phase("a"), Some(Phase::Provisioning));
        bench.answer("CreateSandbox", refused(code));
        assert_eq!((bench.phase("a"), bench.asked().len()), (None, 0), "{code:?}");
        assert_eq!(bench.removed, [Removal::CreateFailed]);
    }
}

#[test]
fn a_refused_validate_stores_nothing() {
    let mut bench = Bench::serving();
    bench.wish(Wish::Create { sandbox: Box::new(sandbox("a")), patience_ms: None });
    bench.answer("ValidateSandboxCreate", refused(Code::InvalidArgument));
    assert_eq!((bench.phase("a"), bench.asked().len()), (None, 0));
}

#[test]
fn a_name_that_is_taken_is_validated_but_not_created() {
    let mut bench = Bench::serving();
    bench.creating("a");
    let same_name = pb::DriverSandbox { id: "b".into(), ..sandbox("a") };
    bench.wish(Wish::Create { sandbox: Box::new(same_name), patience_ms: None });
    bench.answer("ValidateSandboxCreate", Ok(Said::Done));
    assert_eq!(bench.asked(), ["CreateSandbox"]);
    assert_eq!(bench.phase("b"), None);
}

#[test]
fn who_gives_up_on_a_create_leaves_a_row_and_who_gives_up_on_a_validate_none() {
    for (validated, row) in [(0, None), (1, Some(Phase::Provisioning))] {
        let mut bench = Bench::serving();
        bench.wish(Wish::Create { sandbox: Box::new(sandbox("a")), patience_ms: Some(500) });
        for _ in 0..validated {
            bench.answer("ValidateSandboxCreate", Ok(Said::Done));
        }
        bench.pass(500);
        assert_eq!(bench.cancelled.len(), 1);
        assert_eq!(bench.phase("a"), row);
    }
}

#[test]
fn an_accepted_delete_waits_for_its_event_and_an_absence_does_not() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.wish(Wish::Delete("a".into()));
    bench.answer("DeleteSandbox", Ok(Said::Deleted(Existed::Yes)));
    assert_eq!(bench.phase("a"), Some(Phase::Deleting));
    bench.wish(Wish::Delete("a".into()));
    assert_eq!(bench.asked(), Vec::<&str>::new(), "a second delete does not reach the driver");
    bench.event(Payload::Deleted(pb::WatchSandboxesDeletedEvent { sandbox_id: "a".into() }));
    assert_eq!(bench.phase("a"), None);

    bench.running("b");
    bench.wish(Wish::Delete("b".into()));
    bench.answer("DeleteSandbox", Ok(Said::Deleted(Existed::No)));
    assert_eq!(bench.phase("b"), None);
    assert_eq!(bench.removed, [Removal::DeletedEvent, Removal::WasAbsent]);
}

#[test]
fn a_failed_delete_is_looked_into() {
    for code in CODES {
        for (look, phase) in [
            (found(ready("a")), Some(Phase::Ready)),
            (refused(Code::NotFound), None),
            (refused(Code::Unavailable), Some(Phase::Ready)),
            (found(sandbox("a")), Some(Phase::Ready)),
        ] {
            let mut bench = Bench::serving();
            bench.running("a");
            bench.wish(Wish::Delete("a".into()));
            bench.answer("DeleteSandbox", refused(code));
            assert_eq!(bench.asked(), ["GetSandbox"]);
            bench.answer("GetSandbox", look);
            assert_eq!(bench.phase("a"), phase, "{code:?}");
        }
    }
}

#[test]
fn a_failed_stop_is_looked_into_and_stays_stopping_where_nothing_is_known() {
    let stopped = with("a", &[("Suspended", "True", "PodTerminated")]);
    let stopping = with("a", &[("Ready", "False", "DependenciesNotReady"), ("Suspended", "False", "PodTerminating")]);
    for (look, phase) in [
        (found(ready("a")), Phase::Ready),
        (found(stopped), Phase::Stopped),
        (found(stopping), Phase::Stopping),
        (refused(Code::NotFound), Phase::Stopping),
        (refused(Code::Unavailable), Phase::Stopping),
        (found(ready("another")), Phase::Stopping),
    ] {
        let mut bench = Bench::serving();
        bench.running("a");
        bench.wish(Wish::Stop("a".into()));
        assert_eq!(bench.phase("a"), Some(Phase::Stopping));
        bench.answer("StopSandbox", refused(Code::Internal));
        bench.answer("GetSandbox", look);
        assert_eq!(bench.phase("a"), Some(phase));
    }
}

#[test]
fn a_stop_and_a_start_in_good_order() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.wish(Wish::Stop("a".into()));
    bench.answer("StopSandbox", Ok(Said::Done));
    assert_eq!(bench.phase("a"), Some(Phase::Stopped));
    bench.snapshot(ready("a"));
    assert_eq!(bench.phase("a"), Some(Phase::Stopped), "a snapshot does not wake it");
    bench.wish(Wish::Start("a".into()));
    bench.answer("StartSandbox", Ok(Said::Done));
    assert_eq!(bench.phase("a"), Some(Phase::Starting));
    bench.snapshot(ready("a"));
    assert_eq!(bench.phase("a"), Some(Phase::Ready));
}

#[test]
fn interrupted_transitions_are_taken_up_again_but_deletions_are_not() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.running("b");
    bench.wish(Wish::Stop("a".into()));
    bench.wish(Wish::Delete("b".into()));
    bench.gateway.die();
    bench.collect();
    assert!(bench.open.is_empty());
    bench.start();
    assert_eq!(bench.asked(), ["StopSandbox"], "before anything else");
    bench.answer("StopSandbox", Ok(Said::Done));
    assert_eq!((bench.phase("a"), bench.phase("b")), (Some(Phase::Stopped), Some(Phase::Deleting)));
    assert_eq!(bench.asked(), ["ListSandboxes"]);
}

#[test]
fn a_sweep_gets_each_listed_sandbox_and_forgets_old_ones_that_are_missing() {
    let mut bench = Bench::serving();
    bench.running("listed");
    bench.running("missing");
    bench.pass(240_000);
    bench.answer("ListSandboxes", Ok(Said::Listed(vec![ready("listed"), ready("nobody's")])));
    assert_eq!(bench.asked(), ["GetSandbox"]);
    bench.answer("GetSandbox", refused(Code::NotFound));
    assert_eq!(bench.asked(), Vec::<&str>::new(), "a listed one is kept, and a missing one is too young");
    bench.pass(60_000);
    bench.answer("ListSandboxes", Ok(Said::Listed(vec![ready("listed")])));
    bench.answer("GetSandbox", found(ready("listed")));
    bench.answer("GetSandbox", refused(Code::NotFound));
    assert_eq!((bench.phase("listed"), bench.phase("missing")), (Some(Phase::Ready), None));
    assert_eq!(bench.removed, [Removal::Swept]);
}

#[test]
fn a_stopped_one_that_is_missing_is_lost_at_one_sweep_and_gone_at_the_next() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.wish(Wish::Stop("a".into()));
    bench.answer("StopSandbox", Ok(Said::Done));
    bench.pass(300_000);
    bench.answer("ListSandboxes", Ok(Said::Listed(Vec::new())));
    bench.answer("GetSandbox", refused(Code::NotFound));
    let row: &Row = &bench.gateway.rows()["a"];
    assert_eq!((row.phase, row.lost), (Phase::Error, Lost::ResourceMissing));
    bench.pass(60_000);
    bench.answer("ListSandboxes", Ok(Said::Listed(Vec::new())));
    bench.answer("GetSandbox", refused(Code::NotFound));
    assert_eq!(bench.phase("a"), None);
}

#[test]
fn any_other_error_ends_a_sweep() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.running("b");
    bench.pass(60_000);
    bench.answer("ListSandboxes", Ok(Said::Listed(vec![ready("a"), ready("b")])));
    bench.answer("GetSandbox", refused(Code::Unavailable));
    assert_eq!(bench.asked(), Vec::<&str>::new());
    bench.pass(60_000);
    bench.answer("ListSandboxes", refused(Code::Internal));
    assert_eq!(bench.asked(), Vec::<&str>::new());
}

#[test]
fn a_snapshot_of_another_name_or_of_nobody_is_left_aside() {
    let mut bench = Bench::serving();
    bench.creating("a");
    bench.answer("CreateSandbox", Ok(Said::Done));
    bench.snapshot(pb::DriverSandbox { name: "default--name-a".into(), ..with("a", &[("Ready", "False", "Failed")]) });
    bench.snapshot(ready("nobody's"));
    assert_eq!((bench.phase("a"), bench.gateway.rows().len()), (Some(Phase::Provisioning), 1));
}

#[test]
fn conditions_become_phases_as_observed() {
    let table: [(Conditions<'_>, Phase); 13] = [
        (&[("Ready", "True", "DependenciesReady")], Phase::Provisioning),
        (&[("Ready", "False", "ReconcilerError")], Phase::Provisioning),
        (&[("Ready", "False", "dependenciesnotready")], Phase::Provisioning),
        (&[("Ready", "False", "Starting")], Phase::Provisioning),
        (&[("Ready", "False", "InspectFailed")], Phase::Provisioning),
        (&[("Ready", "False", "Pending")], Phase::Error),
        (&[("Ready", "False", "ContainerCreating")], Phase::Error),
        (&[("Ready", "False", "Unschedulable")], Phase::Error),
        (&[("Ready", "False", "")], Phase::Error),
        (&[("Ready", "Unknown", "Whatever")], Phase::Provisioning),
        (&[], Phase::Provisioning),
        (&[("ready", "False", "Failed")], Phase::Provisioning),
        (&[("Ready", "True", "DependenciesReady"), ("Suspended", "True", "PodTerminated")], Phase::Stopped),
    ];
    for (conditions, phase) in table {
        let mut bench = Bench::serving();
        bench.creating("a");
        bench.answer("CreateSandbox", Ok(Said::Done));
        bench.snapshot(with("a", conditions));
        assert_eq!(bench.phase("a"), Some(phase), "{conditions:?}");
    }
    assert_eq!(derive(None), Phase::Unknown);
    let deleting = pb::DriverSandboxStatus { deleting: true, ..pb::DriverSandboxStatus::default() };
    assert_eq!(derive(Some(&deleting)), Phase::Deleting);
}

#[test]
fn an_error_is_for_ever_and_so_is_deleting() {
    let mut bench = Bench::serving();
    bench.running("a");
    bench.snapshot(with("a", &[("Ready", "False", "Failed")]));
    assert_eq!(bench.phase("a"), Some(Phase::Error));
    bench.snapshot(ready("a"));
    assert_eq!(bench.phase("a"), Some(Phase::Error));
    bench.running("b");
    let mut deleting = ready("b");
    deleting.status.as_mut().unwrap().deleting = true;
    bench.snapshot(deleting);
    bench.snapshot(ready("b"));
    assert_eq!(bench.phase("b"), Some(Phase::Deleting));
}
