//! Who asks: the name by which the API server knows us, and as `kubectl` writes it.

use std::fmt;

use serde_json::{Value, json};

use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::secret::Body;

/// Who asks, as `kubectl create rolebinding` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Anybody else.
    User(String),
    /// Who could not be found out.
    Unknown,
}

impl Subject {
    /// From the username the API server knows us by.
    #[must_use]
    pub fn of(username: &str) -> Self {
        let account = username.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) => Self::ServiceAccount { namespace: namespace.into(), name: name.into() },
            None if username.is_empty() => Self::Unknown,
            None => Self::User(username.into()),
        }
    }

    /// From the answer to a [`who_am_i`].
    #[must_use]
    pub fn read(body: &Body) -> Self {
        let review: Value = serde_json::from_slice(&body.0).unwrap_or_default();
        Self::of(review.pointer("/status/userInfo/username").and_then(Value::as_str).unwrap_or_default())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount { namespace, name } => write!(f, "--serviceaccount={namespace}:{name}"),
            Self::User(name) => write!(f, "--user='{}'", name.replace('\'', "'\\''")),
            Self::Unknown => f.write_str("--serviceaccount=<namespace>:<the driver's service account>"),
        }
    }
}

/// Asks the API server by which name it knows us.
#[must_use]
pub fn who_am_i() -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: "/apis/authentication.k8s.io/v1/selfsubjectreviews".into(),
        content_type: Some(ContentType::Json),
        body: Body::json(&json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_shell_takes_for_one_word() {
        assert_eq!(Subject::of("system:serviceaccount:openshell-system:driver").to_string(), "--serviceaccount=openshell-system:driver");
        assert_eq!(Subject::of("o'neil").to_string(), "--user='o'\\''neil'");
        assert_eq!(Subject::of(""), Subject::Unknown);
    }
}
