//! Which rights the vectors' requests need, and whether the table of rights says the same, feature by feature.

use std::collections::BTreeSet;

use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::core::io::{HttpRequest, Method, Output};
use openshell_driver_kyma::preflight::permissions::{Feature, Permission, Scope, needed};
use openshell_driver_kyma::preflight::roles;
use serde_json::Value;

use crate::format::VectorFile;
use crate::play::Played;

/// One right, as RBAC sees a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    verb: &'static str,
    group: String,
    resource: String,
    /// Empty for an object of the cluster, and for a list of it.
    namespace: String,
    /// Empty for a list, and for a create: no name is known to whoever decides about it.
    name: String,
}

impl Use {
    /// What an output asks of the API server; `None` for what every user may ask.
    pub fn of(output: &Output) -> Option<Self> {
        match output {
            Output::Exchange { request, .. } => Self::read(request, "list"),
            Output::Watch { request, .. } => Self::read(request, "watch"),
            _ => None,
        }
    }

    fn read(request: &HttpRequest, of_many: &'static str) -> Option<Self> {
        let path = request.path.split('?').next()?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        // A namespace is an object in itself, for RBAC.
        let (namespace, resource, name) = match rest {
            ["namespaces", namespace] => (*namespace, "namespaces", *namespace),
            ["namespaces", namespace, resource] => (*namespace, *resource, ""),
            ["namespaces", namespace, resource, name] => (*namespace, *resource, *name),
            [resource] => ("", *resource, ""),
            [resource, name] => ("", *resource, *name),
            _ => panic!("a path that names nothing: {path}"),
        };
        let verb = match (request.method, name) {
            (Method::Get, "") => of_many,
            (Method::Get, _) => "get",
            (Method::Post, _) => "create",
            (Method::Patch, _) => "patch",
            (Method::Delete, _) => "delete",
        };
        let owned = str::to_owned;
        Some(Self { verb, group: owned(group), resource: owned(resource), namespace: owned(namespace), name: owned(name) })
    }

    fn is_covered(&self, permission: &Permission) -> bool {
        let in_scope = match &permission.scope {
            Scope::Namespace(namespace) => namespace.as_str() == self.namespace,
            Scope::Cluster => true,
        };
        in_scope
            && permission.group == self.group
            && permission.resource == self.resource
            && permission.verbs.contains(&self.verb)
            && permission.name.as_ref().is_none_or(|name| *name == self.name)
    }
}

/// Each right that rules of RBAC give: group, resource, verb and name.
pub fn rules(rules: &Value) -> BTreeSet<[String; 4]> {
    let words = |rule: &Value, key: &str| -> Vec<String> {
        let list = rule.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut given = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        let mut names = words(rule, "resourceNames");
        if names.is_empty() {
            names.push(String::new());
        }
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for verb in words(rule, "verbs") {
                    given.extend(names.iter().map(|name| [group.clone(), resource.clone(), verb.clone(), name.clone()]));
                }
            }
        }
    }
    given
}

/// The table for these settings, as rules.
pub fn of(config: &Config) -> Value {
    needed(config).iter().map(roles::rule).collect()
}

/// A line of the table, without what settings put into it: names, and whether sandboxes are in one namespace or in many.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    feature: Feature,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    is_named: bool,
}

impl Line {
    fn of(permission: &Permission) -> impl Iterator<Item = Self> {
        let Permission { feature, group, resource, .. } = *permission;
        let is_named = permission.name.is_some();
        permission.verbs.iter().map(move |verb| Self { feature, verb, group, resource, is_named })
    }
}

/// What vectors use and the table does not have, what it has and no vector uses, and what no vector has switched on.
pub fn compare(all: &[(VectorFile, Played)]) -> (Vec<String>, Vec<String>, Vec<Feature>) {
    let (mut lacking, mut listed, mut proven) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (file, played) in all {
        let table = needed(&played.config);
        listed.extend(table.iter().flat_map(Line::of));
        for used in &played.used {
            let covering: Vec<&Permission> = table.iter().filter(|permission| used.is_covered(permission)).collect();
            if covering.is_empty() {
                lacking.push(format!("  {}: {used:?}", file.name));
            }
            proven.extend(covering.into_iter().flat_map(Line::of).filter(|line| line.verb == used.verb));
        }
    }
    let surplus = listed.difference(&proven).map(|line| format!("  {line:?}")).collect();
    let unseen = Feature::ALL.into_iter().filter(|feature| listed.iter().all(|line| line.feature != *feature)).collect();
    (lacking, surplus, unseen)
}
