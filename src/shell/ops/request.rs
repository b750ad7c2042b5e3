//! What a request to the API server asks for, in the terms of Kubernetes' authorisation: a verb and a resource.

use std::borrow::Cow;

use crate::core::io::{HttpRequest, Method};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shell) struct Asked {
    /// What to do.
    pub(in crate::shell) verb: Verb,
    /// With what: the plural name; of a path that names no resource its first part, such as `version`.
    pub(in crate::shell) resource: Cow<'static, str>,
}

/// A verb of Kubernetes' authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Patch,
    Delete,
}

impl Verb {
    /// Its name.
    pub(in crate::shell) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl Asked {
    /// Of an exchange.
    pub(in crate::shell) fn of(request: &HttpRequest) -> Self {
        let place = Place::of(&request.path);
        let verb = match (request.method, place.named) {
            (Method::Get, Named::One) => Verb::Get,
            (Method::Get, Named::All) => Verb::List,
            (Method::Post, _) => Verb::Create,
            (Method::Patch, _) => Verb::Patch,
            (Method::Delete, _) => Verb::Delete,
        };
        Self { verb, resource: place.resource }
    }

    /// Of a watch.
    pub(in crate::shell) fn watch(request: &HttpRequest) -> Self {
        Self { verb: Verb::Watch, resource: Place::of(&request.path).resource }
    }

    /// Whether one answer ends it.
    pub(in crate::shell) fn is_exchange(&self) -> bool {
        self.verb != Verb::Watch
    }
}

/// Where a path leads.
struct Place {
    resource: Cow<'static, str>,
    named: Named,
}

enum Named {
    /// One object, or what is no resource.
    One,
    /// A collection.
    All,
}

impl Place {
    fn of(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // /api/v1/… and /apis/group/version/…; what follows may be in a namespace, which is a resource itself.
        let rest: &[&str] = match parts.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
            _ => &[],
        };
        let (resource, named) = match rest {
            ["namespaces", _, resource] | [resource] => (*resource, Named::All),
            ["namespaces", _, resource, _, ..] | [resource, _, ..] => (*resource, Named::One),
            [] => (if parts.first() == Some(&"version") { "version" } else { "discovery" }, Named::One),
        };
        Self { resource: known(resource), named }
    }
}

/// The core's paths are built from constants, so there are few; those of every request cost no text of their own.
fn known(resource: &str) -> Cow<'static, str> {
    ["sandboxes", "pods", "events", "version", "discovery"]
        .into_iter()
        .find(|known| *known == resource)
        .map_or_else(|| Cow::Owned(resource.to_owned()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::secret::Body;

    #[test]
    fn a_path_and_a_method_are_a_verb_and_a_resource() {
        for (method, path, verb, resource) in [
            (Method::Get, "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes?limit=500", "list", "sandboxes"),
            (Method::Get, "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes/x", "get", "sandboxes"),
            (Method::Post, "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes", "create", "sandboxes"),
            (Method::Patch, "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes/x", "patch", "sandboxes"),
            (Method::Delete, "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes/x", "delete", "sandboxes"),
            (Method::Get, "/api/v1/namespaces/a/pods/x", "get", "pods"),
            (Method::Get, "/api/v1/namespaces/a", "get", "namespaces"),
            (Method::Get, "/api/v1/nodes", "list", "nodes"),
            (Method::Post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "create", "selfsubjectaccessreviews"),
            (Method::Get, "/apis/agents.x-k8s.io", "get", "discovery"),
            (Method::Get, "/version", "get", "version"),
        ] {
            let request = HttpRequest { method, path: path.into(), content_type: None, body: Body::default() };
            let asked = Asked::of(&request);
            assert_eq!((asked.verb.name(), &*asked.resource), (verb, resource), "{path}");
        }
        let path = "/api/v1/namespaces/a/events?watch=true".into();
        let watch = Asked::watch(&HttpRequest { method: Method::Get, path, content_type: None, body: Body::default() });
        assert_eq!((watch.verb.name(), &*watch.resource), ("watch", "events"));
    }
}
