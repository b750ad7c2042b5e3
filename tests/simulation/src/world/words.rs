//! Calls and answers in the words of the core, of the gateway model, and of people.

use std::sync::Arc;

use crate::driver::contract::messages::compute as pb;
use crate::driver::contract::messages::compute::watch_sandboxes_event::Payload;
use crate::driver::core::grpc_status::{Code as CoreCode, Status};
use crate::driver::core::io::{Reply, Request};

use crate::gateway::ask::{Ask, Code, Existed, Heard, Refusal, Said, Subject};

/// A call as the core takes it.
pub(super) fn request(ask: &Ask) -> Request {
    let get = |subject: &Subject| (subject.id.clone(), subject.name.clone());
    match ask {
        Ask::Capabilities => Request::GetCapabilities(pb::GetCapabilitiesRequest::default()),
        Ask::Listeners => Request::GetGatewayListenerRequirements(pb::GetGatewayListenerRequirementsRequest::default()),
        Ask::Validate(sandbox) => Request::ValidateSandboxCreate(pb::ValidateSandboxCreateRequest { sandbox: Some((**sandbox).clone()) }),
        Ask::Create(sandbox) => Request::CreateSandbox(pb::CreateSandboxRequest { sandbox: Some((**sandbox).clone()) }),
        Ask::Get(subject) => {
            let (sandbox_id, sandbox_name) = get(subject);
            Request::GetSandbox(pb::GetSandboxRequest { sandbox_id, sandbox_name })
        }
        Ask::List => Request::ListSandboxes(pb::ListSandboxesRequest::default()),
        Ask::Stop(subject) => {
            let (sandbox_id, sandbox_name) = get(subject);
            Request::StopSandbox(pb::StopSandboxRequest { sandbox_id, sandbox_name })
        }
        Ask::Start(subject) => {
            let (sandbox_id, sandbox_name) = get(subject);
            Request::StartSandbox(pb::StartSandboxRequest { sandbox_id, sandbox_name, ..pb::StartSandboxRequest::default() })
        }
        Ask::Delete(subject) => {
            let (sandbox_id, sandbox_name) = get(subject);
            Request::DeleteSandbox(pb::DeleteSandboxRequest { sandbox_id, sandbox_name })
        }
        Ask::Watch => Request::WatchSandboxes(pb::WatchSandboxesRequest::default()),
        Ask::EnsureWorkspace(workspace) => Request::EnsureWorkspace(pb::EnsureWorkspaceRequest { workspace: workspace.clone() }),
        Ask::DeleteWorkspace(workspace) => Request::DeleteWorkspace(pb::DeleteWorkspaceRequest { workspace: workspace.clone() }),
    }
}

/// An answer as the gateway hears it.
pub(super) fn heard(reply: Result<Reply, Status>) -> Heard {
    match reply {
        Ok(Reply::GetSandbox(response)) => Ok(Said::Got(response.sandbox.map(Box::new))),
        Ok(Reply::ListSandboxes(response)) => Ok(Said::Listed(response.sandboxes.into_iter().map(Arc::unwrap_or_clone).collect())),
        Ok(Reply::DeleteSandbox(response)) => Ok(Said::Deleted(if response.deleted { Existed::Yes } else { Existed::No })),
        Ok(_) => Ok(Said::Done),
        Err(status) => Err(Refusal {
            code: match status.code {
                CoreCode::InvalidArgument => Code::InvalidArgument,
                CoreCode::DeadlineExceeded => Code::DeadlineExceeded,
                CoreCode::NotFound => Code::NotFound,
                CoreCode::AlreadyExists => Code::AlreadyExists,
                CoreCode::PermissionDenied => Code::PermissionDenied,
                CoreCode::ResourceExhausted => Code::ResourceExhausted,
                CoreCode::FailedPrecondition => Code::FailedPrecondition,
                CoreCode::Aborted => Code::Aborted,
                CoreCode::Unimplemented => Code::Unimplemented,
                CoreCode::Internal => Code::Internal,
                CoreCode::Unavailable => Code::Unavailable,
            },
            message: status.message,
        }),
    }
}

/// What a gateway hears when its driver is gone.
pub(super) fn broken_connection(code: Code) -> Refusal {
    Refusal { code, message: "transport error".into() }
}

/// An answer in a few words.
pub(super) fn told(heard: &Heard) -> String {
    match heard {
        Ok(Said::Done) => "OK".into(),
        Ok(Said::Got(sandbox)) => sandbox.as_ref().map_or("nothing".into(), |sandbox| snapshot_text(sandbox)),
        Ok(Said::Listed(all)) => {
            let ids: Vec<&str> = all.iter().map(|sandbox| tail(&sandbox.id)).collect();
            format!("listed {}", ids.join(" "))
        }
        Ok(Said::Deleted(existed)) => format!("deleted={}", *existed == Existed::Yes),
        Err(refusal) => format!("{:?}: {}", refusal.code, refusal.message),
    }
}

/// An event in a few words.
pub(super) fn event_text(event: &pb::WatchSandboxesEvent) -> String {
    match &event.payload {
        Some(Payload::Sandbox(event)) => event.sandbox.as_ref().map_or("nothing".into(), snapshot_text),
        Some(Payload::Deleted(event)) => format!("deleted {}", tail(&event.sandbox_id)),
        Some(Payload::PlatformEvent(event)) => format!("platform event of {}", tail(&event.sandbox_id)),
        None => "nothing".into(),
    }
}

/// A snapshot in a few words.
pub(super) fn snapshot_text(sandbox: &pb::DriverSandbox) -> String {
    let status = sandbox.status.as_ref();
    let conditions: Vec<String> =
        status.into_iter().flat_map(|s| &s.conditions).map(|c| format!("{}={}/{}", c.r#type, c.status, c.reason)).collect();
    let deleting = if status.is_some_and(|status| status.deleting) { " deleting" } else { "" };
    format!("{} {}/{}{deleting} {}", tail(&sandbox.id), sandbox.workspace, sandbox.name, conditions.join(" "))
}

/// The end of an id, which is enough to tell it from others.
pub(super) fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(4)..).unwrap_or(id)
}
