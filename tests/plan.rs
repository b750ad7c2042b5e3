//! A plan is what the driver does: the first request of every vector that begins with a call is what `plan` prints for that call.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads vectors from files"
)]

#[allow(dead_code, reason = "it also writes vectors")]
#[path = "vectors/format.rs"]
mod format;
#[allow(dead_code, reason = "it also shortens what it reads")]
#[path = "vectors/library.rs"]
mod library;

use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::core::io::{Input, Request};
use openshell_driver_kyma::core::kube::version::ServerVersion;
use openshell_driver_kyma::plan::print::Format;
use openshell_driver_kyma::plan::{NoPlan, Outcome, Plan, Question, plan};
use serde_json::{Value, json};

use self::format::{Given, VectorFile};
use self::library::{Library, merge};

fn config(library: &Library, changes: &Value) -> Config {
    let mut config = library.config.clone();
    merge(&mut config, changes);
    serde_json::from_value(config).unwrap()
}

fn question(library: &Library, request: &Value, sandboxes: &[Value]) -> Question {
    let (mut request, mut given) = (request.clone(), Value::from(sandboxes));
    library.expand(&mut request);
    library.expand(&mut given);
    Question {
        config: config(library, &json!({})),
        request: serde_json::from_value(request).unwrap(),
        given: serde_json::from_value(given).unwrap(),
        server: ServerVersion { major: 1, minor: 34 },
    }
}

fn first_request(outputs: &[Value], library: &Library) -> Option<Value> {
    outputs.iter().find_map(|output| {
        let mut request = output.get("exchange")?.get("request")?.clone();
        library.expand(&mut request);
        Some(request)
    })
}

/// The call a vector begins with, in a world that was listed.
fn begins_with<'a>(file: &'a VectorFile, library: &Library) -> Option<(&'a Given, Request)> {
    let given = file.vector.given.as_ref()?;
    let step = file.vector.steps.first()?;
    match step.read_input(library, &file.name, 0) {
        Input::Call { request, .. } => Some((given, request)),
        _ => None,
    }
}

#[test]
fn a_plan_begins_as_the_driver_does() {
    let library = Library::read();
    let mut compared = 0;
    for file in VectorFile::all() {
        let Some((given, request)) = begins_with(&file, &library) else { continue };
        let Some(sent) = first_request(&file.vector.steps.first().unwrap().outputs, &library) else { continue };
        let mut sandboxes = Value::Array(given.sandboxes.clone());
        library.expand(&mut sandboxes);
        let (major, minor) = given.server.split_once('.').unwrap();
        let question = Question {
            config: config(&library, &Value::Object(file.vector.config.clone())),
            request,
            given: serde_json::from_value(sandboxes).unwrap(),
            server: ServerVersion { major: major.parse().unwrap(), minor: minor.parse().unwrap() },
        };
        let planned = match plan(question) {
            Ok(planned) => planned,
            // A vector may ask for what is not there; a plan makes it up.
            Err(NoPlan::Unimaginable(_)) => continue,
            Err(error) => panic!("{}: {error}", file.name),
        };
        if !planned.assumed.is_empty() {
            continue;
        }
        let first = planned.requests.first().unwrap_or_else(|| panic!("{}: nothing is planned", file.name));
        assert_eq!(serde_json::to_value(&first.request).unwrap(), sent, "{}", file.name);
        compared += 1;
    }
    assert!(compared >= 50, "only {compared} vectors could be compared");
}

fn planned(library: &Library, request: &Value) -> Plan {
    plan(question(library, request, &[])).unwrap()
}

#[test]
fn a_create_is_one_post_and_ok() {
    let plan = planned(&Library::read(), &json!({ "CreateSandbox": { "sandbox": { "$object": "demo-request" } } }));
    assert_eq!(plan.requests.len(), 1);
    assert!(matches!(plan.outcome, Outcome::Reply(_)));
    let http = plan.print(Format::Http);
    assert!(http.starts_with("POST /apis/agents.x-k8s.io/v1beta1/namespaces/openshell-system/sandboxes?"), "{http}");
    let body = String::from_utf8(plan.requests.first().unwrap().request.body.0.to_vec()).unwrap();
    assert!(http.lines().any(|line| line == body), "the body stands there byte for byte");
    let yaml = plan.print(Format::Yaml);
    assert!(yaml.contains("\nspec:\n  operatingMode: Running\n  podTemplate:\n"), "{yaml}");
}

#[test]
fn a_refusal_is_what_the_gateway_would_be_told() {
    let plan =
        planned(&Library::read(), &json!({ "ValidateSandboxCreate": { "sandbox": { "$object": "demo-request", "name": "Not a name" } } }));
    assert!(plan.requests.is_empty());
    let Outcome::Refused(status) = &plan.outcome else { panic!("{plan:?}") };
    assert!(plan.print(Format::Http).contains(&status.message));
    assert!(plan.print(Format::Json).contains("\"refused\""));
}

#[test]
fn what_must_exist_is_made_up_and_said() {
    let library = Library::read();
    let subject = json!({ "sandbox_id": "7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001", "sandbox_name": "demo" });
    let methods = |plan: &Plan| plan.requests.iter().map(|planned| planned.request.method.as_str()).collect::<Vec<_>>();
    let stop = planned(&library, &json!({ "StopSandbox": subject }));
    assert_eq!((methods(&stop), stop.assumed.len()), (vec!["PATCH", "GET"], 1), "{}", stop.print(Format::Http));
    assert!(matches!(stop.outcome, Outcome::Reply(_)), "{:?}", stop.outcome);
    let start = planned(&library, &json!({ "StartSandbox": subject }));
    assert_eq!(methods(&start), ["PATCH"]);
    let delete = planned(&library, &json!({ "DeleteSandbox": subject }));
    assert_eq!(methods(&delete).first(), Some(&"DELETE"));
    let get = planned(&library, &json!({ "GetSandbox": subject }));
    assert!(get.requests.is_empty() && matches!(get.outcome, Outcome::Reply(_)));
}

#[test]
fn what_is_given_is_not_made_up() {
    let library = Library::read();
    let id = "7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001";
    let question = question(&library, &json!({ "DeleteSandbox": { "sandbox_id": id } }), &[json!({ "$object": "demo-ready" })]);
    let plan = plan(question).unwrap();
    assert!(plan.assumed.is_empty());
    assert!(plan.requests.first().unwrap().request.path.ends_with("/default--demo"));
}

#[test]
fn a_stream_has_no_plan() {
    let library = Library::read();
    assert_eq!(plan(question(&library, &json!({ "WatchSandboxes": {} }), &[])), Err(NoPlan::Stream));
}

#[test]
fn where_somebody_chooses_namespaces_that_of_the_workspace_is_taken_to_be_chosen() {
    let library = Library::read();
    for choice in [json!("listed"), json!({ "labelled": "openshell.ai/workspace=true" })] {
        let request = json!({ "CreateSandbox": { "sandbox": { "$object": "demo-request", "workspace": "team-a" } } });
        let question =
            Question { config: config(&library, &json!({ "workspaces": { "operator": choice } })), ..question(&library, &request, &[]) };
        let plan = plan(question).unwrap();
        assert_eq!(plan.assumed, ["namespace team-a is chosen for its workspace"]);
        let paths: Vec<&str> = plan.requests.iter().map(|planned| planned.request.path.split('?').next().unwrap()).collect();
        assert_eq!(paths, ["/apis/agents.x-k8s.io/v1beta1/namespaces/team-a/sandboxes"]);
    }
}
