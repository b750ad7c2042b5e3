//! A gateway's row of a sandbox: its phase, and what a snapshot makes of it (gateway.md §3, gateway-observed.md §6).

use crate::driver::contract::messages::compute as pb;

/// Reasons of `Ready=False` that are not a final failure, whatever their case.
const TRANSIENT: [&str; 8] = [
    "reconcilererror",
    "dependenciesnotready",
    "supervisornotconnected",
    "starting",
    "containerstarting",
    "containercreated",
    "healthcheckstarting",
    "inspectfailed",
];

/// What a gateway takes a sandbox to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Asked for.
    Provisioning,
    /// It runs and its supervisor has called.
    Ready,
    /// Its stop was asked for.
    Stopping,
    /// It is stopped.
    Stopped,
    /// Its start was asked for.
    Starting,
    /// Its deletion was asked for, or seen.
    Deleting,
    /// Lost, for ever.
    Error,
    /// Nothing is known.
    Unknown,
}

/// Whether a supervisor of the sandbox is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// One is.
    Connected,
    /// None is.
    None,
}

/// Why a row is in Error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It is not.
    No,
    /// A snapshot said so.
    BySnapshot,
    /// A sweep missed a stopped one.
    ResourceMissing,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The id.
    pub id: String,
    /// The user's name.
    pub name: String,
    /// The workspace.
    pub workspace: String,
    /// The phase.
    pub phase: Phase,
    /// Why it is lost, if it is.
    pub lost: Lost,
    /// Whether a supervisor is connected.
    pub session: Session,
    /// When it was made.
    pub created_ms: u64,
    /// When it was last written.
    pub updated_ms: u64,
    /// Counts writes.
    pub version: u64,
    /// Whether a deletion was under way when the gateway died: it is not taken up again.
    pub deletion: Deletion,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// None was cut short.
    Whole,
    /// The gateway died while it was under way.
    CutShort,
}

/// What applying a snapshot did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The row was written.
    Written,
    /// The snapshot was left aside.
    Ignored,
    /// It has another name: an error.
    NameChanged,
}

/// The phase a status stands for, before sessions are looked at.
#[must_use]
pub fn derive(status: Option<&pb::DriverSandboxStatus>) -> Phase {
    let Some(status) = status else { return Phase::Unknown };
    if status.deleting {
        return Phase::Deleting;
    }
    let suspended = |c: &pb::DriverCondition| c.r#type.eq_ignore_ascii_case("Suspended") && c.status.eq_ignore_ascii_case("True");
    if status.conditions.iter().any(suspended) {
        return Phase::Stopped;
    }
    let Some(ready) = status.conditions.iter().find(|c| c.r#type == "Ready") else { return Phase::Provisioning };
    if ready.status.eq_ignore_ascii_case("True") {
        Phase::Ready
    } else if ready.status.eq_ignore_ascii_case("False") && !TRANSIENT.contains(&ready.reason.to_ascii_lowercase().as_str()) {
        Phase::Error
    } else {
        Phase::Provisioning
    }
}

fn compose(backend: Phase, session: Session) -> Phase {
    match (backend, session) {
        (Phase::Ready | Phase::Unknown, Session::None) => Phase::Provisioning,
        (Phase::Ready | Phase::Provisioning | Phase::Unknown, Session::Connected) => Phase::Ready,
        (other, _) => other,
    }
}

fn has_false(status: &pb::DriverSandboxStatus, reasons: &[&str]) -> bool {
    let named = |c: &pb::DriverCondition| reasons.iter().any(|reason| c.reason.eq_ignore_ascii_case(reason));
    status.conditions.iter().any(|c| c.status.eq_ignore_ascii_case("False") && named(c))
}

fn is_stopping(status: &pb::DriverSandboxStatus) -> bool {
    let going = |c: &pb::DriverCondition| ["PodTerminating", "PodNotTerminated"].contains(&c.reason.as_str());
    status.conditions.iter().any(|c| c.r#type.eq_ignore_ascii_case("Suspended") && c.status.eq_ignore_ascii_case("False") && going(c))
}

impl Row {
    /// A row of a sandbox that is being created.
    #[must_use]
    pub fn new(sandbox: &pb::DriverSandbox, now_ms: u64) -> Self {
        Self {
            id: sandbox.id.clone(),
            name: sandbox.name.clone(),
            workspace: sandbox.workspace.clone(),
            phase: Phase::Provisioning,
            lost: Lost::No,
            session: Session::None,
            created_ms: now_ms,
            updated_ms: now_ms,
            version: 1,
            deletion: Deletion::Whole,
        }
    }

    /// Writes a phase.
    pub fn write(&mut self, phase: Phase, now_ms: u64) {
        self.phase = phase;
        self.updated_ms = now_ms;
        self.version += 1;
    }

    /// Takes a snapshot.
    pub fn apply(&mut self, snapshot: &pb::DriverSandbox, now_ms: u64) -> Applied {
        if snapshot.name != self.name {
            return Applied::NameChanged;
        }
        if self.phase == Phase::Deleting {
            return Applied::Ignored;
        }
        let next = self.next(snapshot.status.as_ref());
        if next == Phase::Error && self.phase != Phase::Error {
            self.lost = Lost::BySnapshot;
        }
        self.write(next, now_ms);
        Applied::Written
    }

    /// Takes what `GetSandbox` said after a deletion failed: the one thing that brings a row back from Deleting.
    pub fn recover(&mut self, snapshot: &pb::DriverSandbox, now_ms: u64) {
        let next = compose(derive(snapshot.status.as_ref()), self.session);
        if next == Phase::Error {
            self.lost = Lost::BySnapshot;
        }
        self.write(next, now_ms);
    }

    fn next(&self, status: Option<&pb::DriverSandboxStatus>) -> Phase {
        let Some(status) = status else {
            return match self.phase {
                Phase::Provisioning | Phase::Unknown if self.session == Session::Connected => Phase::Ready,
                kept => kept,
            };
        };
        let composed = compose(derive(Some(status)), self.session);
        match self.phase {
            Phase::Error | Phase::Stopped | Phase::Deleting => self.phase,
            Phase::Stopping if composed == Phase::Stopped || has_false(status, &["ContainerExited", "ContainerStopped"]) => Phase::Stopped,
            Phase::Stopping if is_stopping(status) => Phase::Stopping,
            Phase::Stopping if composed == Phase::Error => Phase::Error,
            Phase::Stopping => Phase::Stopping,
            Phase::Starting if matches!(composed, Phase::Ready | Phase::Error) => composed,
            Phase::Starting => Phase::Starting,
            Phase::Provisioning | Phase::Ready | Phase::Unknown => composed,
        }
    }

    /// A supervisor came or went.
    pub fn supervisor(&mut self, session: Session, now_ms: u64) {
        self.session = session;
        match (session, self.phase) {
            (Session::Connected, Phase::Provisioning | Phase::Unknown | Phase::Starting) => self.write(Phase::Ready, now_ms),
            (Session::None, Phase::Ready) => self.write(Phase::Provisioning, now_ms),
            _ => {}
        }
    }
}
