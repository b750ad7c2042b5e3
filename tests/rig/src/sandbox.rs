//! Sandboxes as a gateway asks for them and sees them.

use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::contract::messages::compute::watch_sandboxes_event::Payload;

/// A create request as the gateway writes it for `name` in the default workspace. Its id is made from the name.
#[must_use]
pub fn wanted(name: &str) -> pb::DriverSandbox {
    pb::DriverSandbox {
        id: id(name),
        name: name.into(),
        workspace: "default".into(),
        spec: Some(Box::new(pb::DriverSandboxSpec {
            command: vec!["/bin/bash".into(), "-l".into()],
            tty: true,
            sandbox_token: format!("token-of-{name}"),
            template: Some(pb::DriverSandboxTemplate::default()),
            ..pb::DriverSandboxSpec::default()
        })),
        status: Some(pb::DriverSandboxStatus::default()),
        ..pb::DriverSandbox::default()
    }
}

/// The id of the sandbox of that name: the same each time, and shaped like the gateway's.
#[must_use]
pub fn id(name: &str) -> String {
    let digest = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("00000000-0000-4000-8000-{:012x}", digest & 0xffff_ffff_ffff)
}

/// A request for the sandbox of that name.
#[must_use]
pub fn get(name: &str) -> pb::GetSandboxRequest {
    pb::GetSandboxRequest { sandbox_id: id(name), sandbox_name: name.into() }
}

/// A condition of a snapshot.
#[must_use]
pub fn condition<'a>(sandbox: &'a pb::DriverSandbox, kind: &str) -> Option<&'a pb::DriverCondition> {
    sandbox.status.as_ref()?.conditions.iter().find(|condition| condition.r#type == kind)
}

/// Whether a snapshot says that the sandbox is ready.
#[must_use]
pub fn is_ready(sandbox: &pb::DriverSandbox) -> bool {
    condition(sandbox, "Ready").is_some_and(|ready| ready.status == "True")
}

/// The snapshot of an event, if it is one.
#[must_use]
pub fn snapshot(event: &Payload) -> Option<&pb::DriverSandbox> {
    match event {
        Payload::Sandbox(event) => event.sandbox.as_ref(),
        Payload::Deleted(_) | Payload::PlatformEvent(_) => None,
    }
}

/// The id that an event says is deleted, if it does.
#[must_use]
pub fn deleted(event: &Payload) -> Option<&str> {
    match event {
        Payload::Deleted(event) => Some(&event.sandbox_id),
        Payload::Sandbox(_) | Payload::PlatformEvent(_) => None,
    }
}

/// What happened to which sandbox, if an event says so.
#[must_use]
pub fn happened(event: &Payload) -> Option<(&str, &pb::DriverPlatformEvent)> {
    match event {
        Payload::PlatformEvent(event) => Some((&event.sandbox_id, event.event.as_ref()?)),
        Payload::Sandbox(_) | Payload::Deleted(_) => None,
    }
}
