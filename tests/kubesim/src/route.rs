//! From a path to what it names.

use crate::access::Act;
use crate::resource::{Kind, Scope};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz`
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/{group}`
    Group(String),
    /// `/api/v1` or `/apis/{group}/{version}`
    Resources { group: String, version: String },
    /// A collection, an object or a subresource.
    Place(Place),
    /// `POST …/selfsubjectaccessreviews` and its like.
    Review(Review),
    /// A path in a built-in group and version that names nothing.
    Unknown,
    /// Nothing serves it.
    Nowhere,
}

/// The virtual resources that only answer questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Review {
    SelfSubjectAccess,
    SelfSubject,
    Token,
}

impl Review {
    /// Its kind, as its body must say.
    pub fn kind(self) -> &'static str {
        match self {
            Self::SelfSubjectAccess => "SelfSubjectAccessReview",
            Self::SelfSubject => "SelfSubjectReview",
            Self::Token => "TokenReview",
        }
    }
}

/// Where in the tree of resources a path points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub kind: Kind,
    /// The version in the path.
    pub version: String,
    /// Empty for objects of the cluster and for cluster-wide lists.
    pub namespace: String,
    /// Empty for a collection.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
}

/// What a path would name if somebody served it: permissions are asked about names, not about what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unserved {
    group: String,
    namespace: String,
    plural: String,
    pub name: String,
    subresource: String,
}

impl Unserved {
    /// The names in a path below a group's version; `None` for every other path.
    pub fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        let plural = rest.first()?;
        Some(Self {
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            plural: (*plural).to_owned(),
            name: part(1),
            subresource: part(2),
        })
    }

    pub fn act<'a>(&'a self, verb: &'a str) -> Act<'a> {
        Act { verb, group: &self.group, plural: &self.plural, subresource: &self.subresource, namespace: &self.namespace, name: &self.name }
    }
}

impl Route {
    pub fn parse(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", "v1"] => Self::resources("", "v1"),
            ["api", ..] if parts.get(1) != Some(&"v1") => Self::Unknown,
            ["apis", group, version] => Self::resources(group, version),
            ["api", version, rest @ ..] => Self::place("", version, rest),
            ["apis", group, version, rest @ ..] => Self::place(group, version, rest),
            _ => Self::Nowhere,
        }
    }

    fn resources(group: &str, version: &str) -> Self {
        Self::Resources { group: group.to_owned(), version: version.to_owned() }
    }

    fn place(group: &str, version: &str, rest: &[&str]) -> Self {
        match (group, version, rest) {
            ("authorization.k8s.io", "v1", ["selfsubjectaccessreviews"]) => {
                return Self::Review(Review::SelfSubjectAccess);
            }
            ("authentication.k8s.io", "v1", ["selfsubjectreviews"]) => {
                return Self::Review(Review::SelfSubject);
            }
            ("authentication.k8s.io", "v1", ["tokenreviews"]) => {
                return Self::Review(Review::Token);
            }
            _ => {}
        }
        let (namespace, rest) = match rest {
            // `namespaces/x/status` is the namespace's own; any other third word is a resource in it.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", ""),
            [plural, name] => (*plural, *name, ""),
            [plural, name, subresource] => (*plural, *name, *subresource),
            _ => return Self::Nowhere,
        };
        let known = Kind::ALL.into_iter().find(|kind| {
            let resource = kind.resource();
            resource.group == group && resource.plural == plural
        });
        let built_in = matches!((group, version), ("" | "networking.k8s.io" | "authentication.k8s.io" | "authorization.k8s.io", "v1"));
        let nothing = if built_in { Self::Unknown } else { Self::Nowhere };
        let Some(kind) = known else { return nothing };
        let scoped_right = match kind.resource().scope {
            Scope::Cluster => namespace.is_empty(),
            Scope::Namespaced => !namespace.is_empty() || name.is_empty(),
        };
        if !scoped_right {
            return nothing;
        }
        Self::Place(Place {
            kind,
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        match Route::parse(path) {
            Route::Place(place) => place,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn collections_objects_and_subresources() {
        let all = place("/apis/agents.x-k8s.io/v1beta1/sandboxes");
        assert_eq!((all.kind, all.namespace.as_str(), all.name.as_str()), (Kind::Sandbox, "", ""));
        let one = place("/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes/b/status");
        assert_eq!(one.namespace, "a");
        assert_eq!(one.name, "b");
        assert_eq!(one.subresource, "status");
        assert_eq!(place("/api/v1/namespaces/a").kind, Kind::Namespace);
        assert_eq!(place("/api/v1/namespaces/a/status").subresource, "status");
        assert_eq!(place("/api/v1/namespaces/a/pods").kind, Kind::Pod);
    }

    #[test]
    fn what_nothing_serves() {
        for path in ["/nope", "/apis/x/v1/y", "/apis/agents.x-k8s.io/v1beta1/sandboxes/x"] {
            assert_eq!(Route::parse(path), Route::Nowhere, "{path}");
        }
        for path in ["/api/v1/pods/x", "/api/v1/namespaces/a/nodes", "/api/v1/foos"] {
            assert_eq!(Route::parse(path), Route::Unknown, "{path}");
        }
    }
}
