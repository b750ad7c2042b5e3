//! The API server's errors, worded as it words them.

use crate::resource::Kind;
use crate::store::Key;
use serde_json::{Value, json};

/// A refusal: a `Status` object, or the plain text of a path nothing serves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    Status(Box<Status>),
    /// 404 `404 page not found`, as text.
    NoHandler,
    /// 429 from the server's own overload protection, as text.
    Overloaded {
        retry_after: Option<u32>,
    },
}

/// The parts of a failed `Status`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub code: u16,
    /// Empty when the server gives none.
    pub reason: &'static str,
    pub message: String,
    /// An object, or `Null` for none.
    pub details: Value,
    pub retry_after: Option<u32>,
    /// Continue token of an expired list that may be resumed inconsistently.
    pub resume: Option<String>,
}

/// One thing wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub fn required(field: impl Into<String>) -> Self {
        Self::new("FieldValueRequired", "Required value", field)
    }

    /// A validation rule of a definition, which tells no value.
    pub fn broken_rule(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueInvalid", format!("Invalid value: {why}"), field)
    }

    /// Whether a definition's rules are left unchecked because of this.
    pub fn blocks_rules(&self) -> bool {
        matches!(self.reason, "FieldValueNotSupported" | "FieldValueRequired" | "FieldValueTooLong" | "FieldValueTypeInvalid")
    }

    pub fn required_because(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueRequired", format!("Required value: {why}"), field)
    }

    /// `value` as JSON: text is quoted.
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self::new("FieldValueInvalid", format!("Invalid value: {value}: {why}"), field)
    }

    pub fn wrong_type(field: impl Into<String>, found: &str, why: &str) -> Self {
        let found = json!(found);
        Self::new("FieldValueTypeInvalid", format!("Invalid value: {found}: {why}"), field)
    }

    pub fn unsupported(field: impl Into<String>, value: &Value, choices: &[&str]) -> Self {
        let choices: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", choices.join(", "));
        Self::new("FieldValueNotSupported", message, field)
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", format!("Duplicate value: {value}"), field)
    }

    pub fn not_found(field: impl Into<String>, value: &str) -> Self {
        Self::new("FieldValueNotFound", format!("Not found: {}", json!(value)), field)
    }

    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueForbidden", format!("Forbidden: {why}"), field)
    }

    pub fn too_long(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueTooLong", format!("Too long: {why}"), field)
    }

    fn new(reason: &'static str, message: impl Into<String>, field: impl Into<String>) -> Self {
        Self { reason, message: message.into(), field: field.into() }
    }
}

impl Status {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after: None, resume: None }
    }

    fn about(mut self, kind_word: &str, kind: Kind, name: &str) -> Self {
        let mut details = json!({ "kind": kind_word });
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !kind.resource().group.is_empty() {
            details["group"] = json!(kind.resource().group);
        }
        self.details = details;
        self
    }

    fn failure(self) -> Failure {
        Failure::Status(Box::new(self))
    }

    pub fn to_json(&self) -> Value {
        let mut metadata = json!({});
        if let Some(token) = &self.resume {
            metadata["continue"] = json!(token);
        }
        let mut status = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": metadata,
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        if let Some(seconds) = self.retry_after {
            status["details"]["retryAfterSeconds"] = json!(seconds);
        }
        status
    }
}

/// The sentence of the error, as a Go client prints it.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&status.message),
            Self::NoHandler => f.write_str("the server could not find the requested resource"),
            Self::Overloaded { .. } => f.write_str("the server has received too many requests and has asked us to try again later"),
        }
    }
}

fn quoted(kind: Kind, name: &str) -> String {
    format!("{} \"{name}\"", kind.qualified_plural())
}

impl Failure {
    pub fn not_found(kind: Kind, name: &str) -> Self {
        Status::new(404, "NotFound", format!("{} not found", quoted(kind, name))).about(kind.resource().plural, kind, name).failure()
    }

    pub fn already_exists(kind: Kind, name: &str) -> Self {
        Status::new(409, "AlreadyExists", format!("{} already exists", quoted(kind, name)))
            .about(kind.resource().plural, kind, name)
            .failure()
    }

    /// The object of that name is on its way out.
    pub fn being_deleted(kind: Kind, name: &str) -> Self {
        let message = format!("object is being deleted: {} already exists", quoted(kind, name));
        Status::new(409, "AlreadyExists", message).about(kind.resource().plural, kind, name).failure()
    }

    /// A write whose resourceVersion is not the object's.
    pub fn stale(kind: Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version \
                   and try again";
        let message = format!("Operation cannot be fulfilled on {}: {why}", quoted(kind, name));
        Status::new(409, "Conflict", message).about(kind.resource().plural, kind, name).failure()
    }

    /// A namespace's delete whose UID does not hold: worded by the store.
    pub fn precondition_in_store(kind: Kind, name: &str, asked: &str, held: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {}: Precondition failed: UID in precondition: {asked}, UID in object meta: {held}",
            quoted(kind, name)
        );
        Status::new(409, "Conflict", message).about(kind.resource().plural, kind, name).failure()
    }

    /// A delete whose preconditions do not hold; here the server names the kind, not the resource.
    pub fn precondition(kind: Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified_kind());
        Status::new(409, "Conflict", message).about(kind.resource().kind, kind, name).failure()
    }

    pub fn invalid(kind: Kind, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_as(&kind.qualified_kind(), name, causes, |status| status.about(kind.resource().kind, kind, name))
    }

    /// The same, where the server says the resource instead of the kind.
    pub fn invalid_resource(kind: Kind, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_as(&kind.qualified_plural(), name, causes, |status| status.about(kind.resource().plural, kind, name))
    }

    /// An object that says it is of another kind.
    pub fn wrong_kind(kind: Kind, said: &str, name: &str) -> Self {
        let why = format!("must be {}", kind.resource().kind);
        Self::wrong_type(kind, said, name, Cause::invalid("kind", &json!(said), &why))
    }

    /// An object that says it is of another version.
    pub fn wrong_version(kind: Kind, said: &str, expected: &str, name: &str) -> Self {
        let cause = Cause::invalid("apiVersion", &json!(said), &format!("must be {expected}"));
        Self::wrong_type(kind, kind.resource().kind, name, cause)
    }

    fn wrong_type(kind: Kind, said: &str, name: &str, cause: Cause) -> Self {
        let group = kind.resource().group;
        Self::invalid_as(&format!("{said}.{group}"), name, vec![cause], |mut status| {
            status.details = json!({ "name": name, "group": group, "kind": said });
            status
        })
    }

    /// Bad list options: the server names no object.
    pub fn invalid_list_options(causes: Vec<Cause>) -> Self {
        Self::invalid_as("ListOptions.meta.k8s.io", "", causes, |mut status| {
            status.details = json!({ "group": "meta.k8s.io", "kind": "ListOptions" });
            status
        })
    }

    /// A patched object that does not decode: the cause's field is `patch`.
    pub fn invalid_patch(patched: &str, why: &str) -> Self {
        let cause = Cause::invalid("patch", &json!(patched), why);
        Self::invalid_as("", "", vec![cause], |mut status| {
            status.details = json!({});
            status
        })
    }

    fn invalid_as(kind: &str, name: &str, causes: Vec<Cause>, about: impl FnOnce(Status) -> Status) -> Self {
        let mut sentences: Vec<String> = Vec::new();
        for cause in &causes {
            let sentence = format!("{}: {}", cause.field, cause.message);
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        let said = match sentences.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{kind} \"{name}\" is invalid: {said}");
        let mut status = about(Status::new(422, "Invalid", message));
        status.details["causes"] =
            causes.into_iter().map(|cause| json!({ "reason": cause.reason, "message": cause.message, "field": cause.field })).collect();
        status.failure()
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Status::new(400, "BadRequest", message).failure()
    }

    /// A JSON patch that cannot be applied: the real server says no more than this.
    pub fn patch_failed() -> Self {
        let message = "the server rejected our request due to an error in our request";
        let mut status = Status::new(422, "Invalid", message);
        status.details = json!({});
        status.failure()
    }

    pub fn unauthorized() -> Self {
        Status::new(401, "Unauthorized", "Unauthorized").failure()
    }

    /// `sentence` follows `is forbidden: `.
    pub fn forbidden(kind: Kind, name: &str, sentence: &str) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {sentence}", kind.qualified_plural())
        } else {
            format!("{} is forbidden: {sentence}", quoted(kind, name))
        };
        Status::new(403, "Forbidden", message).about(kind.resource().plural, kind, name).failure()
    }

    /// A denial by an admission webhook, in its own words.
    pub fn denied(message: impl Into<String>) -> Self {
        Status::new(403, "Forbidden", message).failure()
    }

    pub fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        let mut status = Status::new(403, "Forbidden", message);
        status.details = json!({});
        status.failure()
    }

    pub fn namespace_terminating(kind: Kind, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Self::forbidden(kind, name, &why);
        if let Self::Status(status) = &mut failure {
            status.details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        failure
    }

    pub fn unsupported_media(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: \
             {accepted}"
        );
        Status::new(415, "UnsupportedMediaType", message).failure()
    }

    /// Nothing a client accepts can be given of a built-in kind.
    pub fn nothing_acceptable(list: bool) -> Self {
        let streams = if list { ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch" } else { "" };
        let message = format!(
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf{streams}"
        );
        let mut status = Status::new(406, "NotAcceptable", message);
        status.details = json!({});
        status.failure()
    }

    /// A PATCH of a built-in object in no language the server knows.
    pub fn unsupported_patch() -> Self {
        let mut status = Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        status.details = json!({});
        status.failure()
    }

    /// A body of more bytes than the server reads.
    #[cfg(feature = "serve")]
    pub fn too_large(most: usize) -> Self {
        Status::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {most}")).failure()
    }

    /// A PUT of an object that has another UID than the one of that name.
    pub fn other_object(kind: Kind, key: &Key, asked: &str, held: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {}: StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{}, ResourceVersion: 0, \
             AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {held}",
            quoted(kind, &key.name),
            kind.resource().plural,
            key.namespace,
            key.name,
        );
        Status::new(409, "Conflict", message).about(kind.resource().plural, kind, &key.name).failure()
    }

    /// A denial about a resource by its names alone, which nobody need serve.
    pub fn forbidden_resource(group: &str, plural: &str, name: &str, sentence: &str) -> Self {
        let qualified = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let about = if name.is_empty() { qualified } else { format!("{qualified} \"{name}\"") };
        let mut status = Status::new(403, "Forbidden", format!("{about} is forbidden: {sentence}"));
        status.details = json!({ "kind": plural });
        for (field, value) in [("group", group), ("name", name)] {
            if !value.is_empty() {
                status.details[field] = json!(value);
            }
        }
        status.failure()
    }

    pub fn not_acceptable(offered: &str) -> Self {
        let message = format!("only the following media types are accepted: {offered}");
        Status::new(406, "NotAcceptable", message).failure()
    }

    /// `verb` is the API's word: `create`, `update`, …; only custom resources' handlers say it.
    pub fn method_not_allowed(kind: Kind, verb: &str) -> Self {
        if !kind.is_custom() {
            return Self::method_refused();
        }
        let resource = kind.qualified_plural();
        let message = format!("{verb} is not supported on resources of kind \"{resource}\"");
        Status::new(405, "MethodNotAllowed", message).about(kind.resource().plural, kind, "").failure()
    }

    /// The same by whatever is built in.
    pub fn method_refused() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut status = Status::new(405, "MethodNotAllowed", message);
        status.details = json!({});
        status.failure()
    }

    /// A review or a request that asks for what cannot be; `kind` is empty where the server leaves it out.
    pub fn invalid_question(group: &str, kind: &str, cause: Cause) -> Self {
        Self::invalid_as(&format!("{kind}.{group}"), "", vec![cause], |mut status| {
            status.details = json!({ "group": group });
            if !kind.is_empty() {
                status.details["kind"] = json!(kind);
            }
            status
        })
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Status::new(410, "Expired", message).failure()
    }

    /// A continue token whose snapshot is gone; `resume` goes on without consistency.
    pub fn expired_page(resume: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a \
                       new list without the continue parameter, or use the continue token in this response to retrieve \
                       the remainder of the results. Continuing with the provided token results in an inconsistent list \
                       - objects that were created, modified, or deleted between the time the first chunk was returned \
                       and now may show up in the list.";
        let mut status = Status::new(410, "Expired", message);
        status.resume = Some(resume);
        status.failure()
    }

    /// What a built-in group answers for a path it does not know.
    pub fn unknown_path() -> Self {
        let message = "the server could not find the requested resource";
        let mut status = Status::new(404, "NotFound", message);
        status.details = json!({});
        status.failure()
    }

    pub fn version_too_large(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut status = Status::new(504, "Timeout", message);
        status.details = json!({
            "causes": [{
                "reason": "ResourceVersionTooLarge",
                "message": "Too large resource version",
            }],
        });
        status.retry_after = Some(1);
        status.failure()
    }

    pub fn internal(message: impl std::fmt::Display) -> Self {
        let mut status = Status::new(500, "InternalError", format!("Internal error occurred: {message}"));
        status.details = json!({ "causes": [{ "message": message.to_string() }] });
        status.failure()
    }

    /// 500 without a reason: an error the server has no words of its own for.
    pub fn raw(message: impl Into<String>) -> Self {
        Status::new(500, "", message).failure()
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Status::new(503, "ServiceUnavailable", message).failure()
    }

    pub fn too_many_requests(message: impl Into<String>, retry_after: u32) -> Self {
        let mut status = Status::new(429, "TooManyRequests", message);
        status.retry_after = Some(retry_after);
        status.details = json!({});
        status.failure()
    }
}
