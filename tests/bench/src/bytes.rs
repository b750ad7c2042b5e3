//! The requests that our driver sends, from its own plan: the floor sends the same bytes.

use openshell_driver_kyma::cli::{self, Command};
use openshell_driver_kyma::core::io::{HttpRequest, Method, Request};
use openshell_driver_kyma::core::kube::version::ServerVersion;
use openshell_driver_kyma::plan::{Question, plan};
use rig::{Failure, Outcome};
use serde_json::{Value, json};

use crate::recorded;
use crate::stage::wanted;

/// The sandbox that is planned with; requests for others differ in name, id, UID and version only, which are as long.
const PLANNED: usize = 1;

/// What our driver sends.
#[derive(Debug, Clone)]
pub struct Requests {
    create: Template,
    delete: Template,
    stop: Template,
    start: Template,
}

#[derive(Debug, Clone)]
struct Template {
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: String,
}

/// A request of the floor's.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// What the driver is started with, beside the socket.
#[must_use]
pub fn flags(namespace: &str) -> Vec<String> {
    ["--namespace", namespace, "--sandbox-image", "registry.example/agent:1"].map(str::to_owned).into()
}

impl Requests {
    /// Plans them for a namespace.
    ///
    /// # Errors
    /// When a call is refused.
    pub fn plan(namespace: &str) -> Outcome<Self> {
        let named = json!({ "sandbox_id": recorded::id(PLANNED), "sandbox_name": recorded::name(PLANNED) });
        let of = |call: &str, message: Value, method| Template::of(namespace, json!({ call: message }), method);
        Ok(Self {
            create: of("CreateSandbox", json!({ "sandbox": wanted(PLANNED) }), Method::Post)?,
            delete: of("DeleteSandbox", named.clone(), Method::Delete)?,
            stop: of("StopSandbox", named.clone(), Method::Patch)?,
            start: of("StartSandbox", named, Method::Patch)?,
        })
    }

    /// Creates a sandbox.
    #[must_use]
    pub fn create(&self, number: usize) -> Raw {
        self.create.fill(number, "", "")
    }

    /// Deletes a sandbox with this UID.
    #[must_use]
    pub fn delete(&self, number: usize, uid: &str) -> Raw {
        self.delete.fill(number, uid, "")
    }

    /// Stops a sandbox that has this version.
    #[must_use]
    pub fn stop(&self, number: usize, version: &str) -> Raw {
        self.stop.fill(number, "", version)
    }

    /// Starts a sandbox that has this version.
    #[must_use]
    pub fn start(&self, number: usize, version: &str) -> Raw {
        self.start.fill(number, "", version)
    }

    /// Where Sandboxes are.
    #[must_use]
    pub fn collection(&self) -> &str {
        self.create.path.split('?').next().unwrap_or_default()
    }
}

impl Template {
    /// The one request with this method that a call causes.
    fn of(namespace: &str, call: Value, method: Method) -> Outcome<Self> {
        let arguments = flags(namespace).into_iter().map(Into::into);
        let Ok(Command::Run(run)) = cli::parse(arguments, &cli::Environment::new()) else {
            return Err("the driver's flags are refused".into());
        };
        let request: Request = serde_json::from_value(call)?;
        let question = Question { config: run.config, request, given: Vec::new(), server: ServerVersion { major: 1, minor: 36 } };
        let plan = plan(question).map_err(|why| Failure::from(why.to_string()))?;
        let requests = plan.requests.into_iter().map(|planned| planned.request);
        let HttpRequest { method, path, content_type, body } =
            requests.into_iter().find(|request| request.method == method).ok_or("a call that asks for nothing")?;
        let content_type = content_type.map_or("", |kind| kind.as_str());
        Ok(Self { method: method.as_str(), path, content_type, body: String::from_utf8(body.0.to_vec())? })
    }

    fn fill(&self, number: usize, uid: &str, version: &str) -> Raw {
        let named = |text: &str| {
            let text = text.replace(&recorded::id(PLANNED), &recorded::id(number));
            text.replace(&recorded::name(PLANNED), &recorded::name(number))
        };
        let mut body = named(&self.body);
        if !uid.is_empty() || !version.is_empty() {
            let mut parsed: Value = serde_json::from_str(&body).unwrap_or_default();
            for (pointer, value) in [("/preconditions/uid", uid), ("/metadata/resourceVersion", version)] {
                if let Some(place) = parsed.pointer_mut(pointer) {
                    *place = value.into();
                }
            }
            body = parsed.to_string();
        }
        Raw { method: self.method, path: named(&self.path), content_type: self.content_type, body }
    }
}
