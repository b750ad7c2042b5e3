//! A request as a scenario says it.

use bytes::Bytes;
use serde_json::{Value, json};

/// One request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub(crate) method: &'static str,
    /// Path and query, percent-encoded as on the wire.
    pub(crate) path: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) accept: Option<&'static str>,
    pub(crate) body: Bytes,
    /// The body as the record shows it.
    pub(crate) shown: Value,
    /// The part of the answer's body that is compared, by JSON pointer; all of it if `None`.
    pub(crate) only: Option<&'static [&'static str]>,
}

impl Ask {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), content_type: None, accept: None, body: Bytes::new(), shown: Value::Null, only: None }
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, content_type: &'static str, body: &Value) -> Self {
        self.content_type = Some(content_type);
        self.body = Bytes::from(body.to_string());
        self.shown = body.clone();
        self
    }

    /// The same with a body that is text, and perhaps no JSON.
    #[must_use]
    pub fn text(mut self, content_type: &'static str, body: &str) -> Self {
        self.content_type = Some(content_type);
        self.body = Bytes::from(body.to_owned());
        self.shown = json!(body);
        self
    }

    /// The same, its body shown in the record by these words because it is long.
    #[must_use]
    pub fn shown_as(mut self, words: &str) -> Self {
        self.shown = json!(words);
        self
    }

    /// The same with an `Accept` header.
    #[must_use]
    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = Some(accept);
        self
    }

    /// The same, but of the answer's body only these parts are compared: the rest is not a matter of the scenario.
    #[must_use]
    pub fn only(mut self, pointers: &'static [&'static str]) -> Self {
        self.only = Some(pointers);
        self
    }

    pub(crate) fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let content = self.content_type.map(|value| ("content-type", value));
        let accept = self.accept.map(|value| ("accept", value));
        content.into_iter().chain(accept).collect()
    }
}

/// A GET.
pub fn get(path: impl Into<String>) -> Ask {
    Ask::new("GET", path)
}

/// A POST of JSON.
pub fn post(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("POST", path).json("application/json", body)
}

/// A PUT of JSON.
pub fn put(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("PUT", path).json("application/json", body)
}

/// A merge patch.
pub fn merge_patch(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("PATCH", path).json("application/merge-patch+json", body)
}

/// A JSON patch.
pub fn json_patch(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("PATCH", path).json("application/json-patch+json", body)
}

/// A strategic merge patch.
pub fn strategic_patch(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("PATCH", path).json("application/strategic-merge-patch+json", body)
}

/// Server-side apply, of JSON, which is YAML.
pub fn apply_patch(path: impl Into<String>, body: &Value) -> Ask {
    Ask::new("PATCH", path).json("application/apply-patch+yaml", body)
}

/// A DELETE without a body.
pub fn delete(path: impl Into<String>) -> Ask {
    Ask::new("DELETE", path)
}

/// A DELETE with `DeleteOptions`.
pub fn delete_with(path: impl Into<String>, options: &Value) -> Ask {
    let mut body = json!({ "kind": "DeleteOptions", "apiVersion": "v1" });
    if let (Value::Object(body), Value::Object(options)) = (&mut body, options) {
        body.extend(options.clone());
    }
    Ask::new("DELETE", path).json("application/json", &body)
}

/// A DELETE that knows which object it means and what becomes of its dependents.
pub fn delete_by(path: impl Into<String>, policy: &str) -> Ask {
    delete_with(path, &json!({ "propagationPolicy": policy }))
}
