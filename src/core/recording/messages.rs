//! Masks the secrets of a call. Each message that has one is taken apart field by field, so that a new field does not compile before somebody decides
//! here (as for printing: `contract/messages/redacted.rs`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::mask::{Mask, text};
use crate::contract::messages::compute as pb;
use crate::core::admit;
use crate::core::io::{Input, Request};

/// The call as it is recorded: without secrets, and with the digest that can no longer be made of it.
pub fn call(input: &Input, mask: &Mask) -> Input {
    let mut masked = input.clone();
    if let Input::Call { request, digest, .. } = &mut masked {
        if let Request::CreateSandbox(pb::CreateSandboxRequest { sandbox: Some(sandbox) }) = &*request {
            *digest = Some(digest.take().unwrap_or_else(|| mask.digest(&admit::digest(sandbox))));
        }
        self::request(request);
    }
    masked
}

fn request(request: &mut Request) {
    match request {
        Request::CreateSandbox(pb::CreateSandboxRequest { sandbox: message })
        | Request::ValidateSandboxCreate(pb::ValidateSandboxCreateRequest { sandbox: message }) => {
            if let Some(message) = message {
                sandbox(message);
            }
        }
        Request::StartSandbox(message) => {
            let pb::StartSandboxRequest {
                sandbox_id: _,
                sandbox_name: _,
                launch_authentication,
                generation_id: _,
                expected_runtime_identity: _,
            } = message;
            *launch_authentication = zeros(launch_authentication);
        }
        Request::AuthenticateSandbox(pb::AuthenticateSandboxRequest { credential }) => *credential = text(credential),
        // Nothing but names.
        Request::GetCapabilities(_)
        | Request::GetGatewayListenerRequirements(_)
        | Request::GetSandbox(_)
        | Request::ListSandboxes(_)
        | Request::StopSandbox(_)
        | Request::DeleteSandbox(_)
        | Request::EnsureWorkspace(_)
        | Request::DeleteWorkspace(_)
        | Request::WatchSandboxes(_) => {}
    }
}

fn sandbox(sandbox: &mut pb::DriverSandbox) {
    let pb::DriverSandbox { id: _, name: _, namespace: _, spec, status: _, workspace: _ } = sandbox;
    let Some(spec) = spec else { return };
    let pb::DriverSandboxSpec {
        log_level: _,
        environment,
        template,
        policy: _,
        resource_requirements: _,
        sandbox_token,
        command,
        tty: _,
        await_main_process_attachment: _,
        workload_identity: _,
        launch_authentication,
    } = &mut **spec;
    variables(environment);
    *sandbox_token = text(sandbox_token);
    *launch_authentication = zeros(launch_authentication);
    // Arguments may be credentials.
    for argument in command {
        *argument = text(argument);
    }
    if let Some(template) = template {
        let pb::DriverSandboxTemplate {
            image: _,
            agent_socket_path: _,
            labels: _,
            environment,
            resources: _,
            // What the pod is made of; it decides what becomes of the request.
            platform_config: _,
            driver_config: _,
            user_namespaces: _,
        } = template;
        variables(environment);
    }
}

fn variables(environment: &mut BTreeMap<String, String>) {
    for value in environment.values_mut() {
        *value = text(value);
    }
}

fn zeros(secret: &Bytes) -> Bytes {
    vec![0; secret.len()].into()
}
