//! What gateways and their callers ask.

use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::core::grpc_status::Code;
use openshell_driver_kyma::core::io::{HttpRequest, Method, Request};
use openshell_driver_kyma::core::kube::version::ServerVersion;
use openshell_driver_kyma::plan::{NoPlan, Outcome, Plan, Question, plan};
use prost::Message;
use serde_json::{Value, json};

use crate::config;

const SERVER: ServerVersion = ServerVersion { major: 1, minor: 34 };

/// Any JSON object as `template.driver_config`.
pub fn driver_config(data: &[u8]) {
    structure(data, "driver_config");
}

/// Any JSON object as `template.platform_config`.
pub fn platform_config(data: &[u8]) {
    structure(data, "platform_config");
}

fn structure(data: &[u8], field: &str) {
    let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(data) else { return };
    let request = json!({ "sandbox": {
        "id": "7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001",
        "name": "demo",
        "workspace": "default",
        "spec": { "template": { "image": "registry.example/sandbox:1", field: value } }
    } });
    if let Ok(request) = serde_json::from_value::<pb::CreateSandboxRequest>(request) {
        create(&request);
    }
}

/// A request is refused by Validate and Create alike, and with codes the gateway can use; or one object is created, which is JSON.
fn create(request: &pb::CreateSandboxRequest) {
    let created = ask(Request::CreateSandbox(request.clone()));
    let validate = pb::ValidateSandboxCreateRequest { sandbox: request.sandbox.clone() };
    let validated = ask(Request::ValidateSandboxCreate(validate));
    match (&created.outcome, &validated.outcome) {
        (Outcome::Reply(_), Outcome::Reply(_)) => {
            let posts: Vec<&HttpRequest> =
                created.requests.iter().map(|planned| &planned.request).filter(|request| request.method == Method::Post).collect();
            let [post] = posts[..] else { panic!("{} objects are created", posts.len()) };
            let object: Value = serde_json::from_slice(&post.body.0).expect("an object is JSON");
            assert_eq!(object["kind"], "Sandbox");
        }
        (Outcome::Refused(create), Outcome::Refused(validate)) => {
            assert!(
                matches!(create.code, Code::FailedPrecondition | Code::Unavailable),
                "Create refuses with {:?}: {}",
                create.code,
                create.message
            );
            assert_eq!(create.message, validate.message);
        }
        // Only Validate looks for a node; only Create knows how large the object is.
        (Outcome::Reply(_), Outcome::Refused(status)) if status.message.starts_with("no node has") => {}
        (Outcome::Refused(status), Outcome::Reply(_)) if status.message.contains("too large") => {}
        (create, validate) => panic!("Create says {create:?}, Validate {validate:?}"),
    }
}

fn ask(request: Request) -> Plan {
    match plan(Question { config: config(), request, given: Vec::new(), server: SERVER }) {
        Ok(plan) => {
            assert!(!matches!(plan.outcome, Outcome::Silence), "nothing is said");
            plan
        }
        Err(NoPlan::Unimaginable(status)) => Plan { assumed: Vec::new(), requests: Vec::new(), outcome: Outcome::Refused(status) },
        Err(other) => panic!("{other}"),
    }
}

/// Any bytes as the message of any method; the first byte says which. A message that is read is written and read again, in both its forms.
pub fn request_messages(data: &[u8]) {
    let Some((method, bytes)) = data.split_first() else { return };
    match method % 6 {
        0 => {
            if let Some(request) = read::<pb::CreateSandboxRequest>(bytes) {
                create(&request);
            }
        }
        1 => drop(read::<pb::DeleteSandboxRequest>(bytes).map(|request| ask(Request::DeleteSandbox(request)))),
        2 => drop(read::<pb::GetSandboxRequest>(bytes).map(|request| ask(Request::GetSandbox(request)))),
        3 => drop(read::<pb::StopSandboxRequest>(bytes).map(|request| ask(Request::StopSandbox(request)))),
        4 => drop(read::<pb::StartSandboxRequest>(bytes).map(|request| ask(Request::StartSandbox(request)))),
        _ => drop(read::<pb::EnsureWorkspaceRequest>(bytes).map(|request| ask(Request::EnsureWorkspace(request)))),
    }
}

fn read<M: Message + Default + PartialEq>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let again = M::decode(message.encode_to_vec().as_slice()).expect("what was written is read");
    assert!(again.encode_to_vec() == message.encode_to_vec(), "it is written the same again");
    Some(message)
}
