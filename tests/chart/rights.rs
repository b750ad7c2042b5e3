//! Rights one by one: a verb on a resource, of one name or of all, in a namespace or everywhere.

use std::collections::BTreeSet;
use std::fmt;

use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::preflight::permissions::{Scope, needed};
use serde_json::Value;

/// One right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The API group; empty for the core one.
    pub group: String,
    /// The plural.
    pub resource: String,
    /// As RBAC writes it.
    pub verb: String,
    /// The only object that is meant, where one is.
    pub name: Option<String>,
    /// The namespace; none for everywhere.
    pub namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb, name, namespace } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, " {name}")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => f.write_str(" in the cluster"),
        }
    }
}

/// A set in which nothing is said twice: what a wider right contains is left out.
pub fn least(rights: impl IntoIterator<Item = Right>) -> BTreeSet<Right> {
    let all: BTreeSet<Right> = rights.into_iter().collect();
    let contains = |wide: &Right, right: &Right| {
        let same = (&wide.group, &wide.resource, &wide.verb) == (&right.group, &right.resource, &right.verb);
        same && wide != right
            && (wide.name.is_none() || wide.name == right.name)
            && (wide.namespace.is_none() || wide.namespace == right.namespace)
    };
    all.iter().filter(|right| !all.iter().any(|wide| contains(wide, right))).cloned().collect()
}

/// What the rules of a `Role` or `ClusterRole` grant.
pub fn of_role(role: &Value) -> Vec<Right> {
    let texts =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect() };
    let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let known = ["apiGroups", "resources", "resourceNames", "verbs"];
        assert!(
            rule.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())),
            "a rule with more than rights of objects: {rule}"
        );
        let names = texts(&rule["resourceNames"]);
        let names: Vec<Option<String>> = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    assert!(![&group, &resource, &verb].iter().any(|text| text.contains('*')), "a wildcard: {rule}");
                    for name in &names {
                        rights.push(Right {
                            group: group.clone(),
                            resource: resource.clone(),
                            verb: verb.clone(),
                            name: name.clone(),
                            namespace: namespace.clone(),
                        });
                    }
                }
            }
        }
    }
    rights
}

/// What the bindings of these objects give to an account.
pub fn granted(objects: &[Value], account: (&str, &str)) -> Vec<Right> {
    let is = |object: &Value, kind: &str| object["kind"].as_str().is_some_and(|found| found == kind);
    let mut rights = Vec::new();
    for binding in objects.iter().filter(|object| is(object, "RoleBinding") || is(object, "ClusterRoleBinding")) {
        let subjects = binding["subjects"].as_array().unwrap();
        let ours = subjects.iter().any(|subject| {
            subject["kind"] == "ServiceAccount"
                && (subject["namespace"].as_str(), subject["name"].as_str()) == (Some(account.0), Some(account.1))
        });
        if !ours {
            continue;
        }
        let (kind, name) = (binding["roleRef"]["kind"].as_str().unwrap(), &binding["roleRef"]["name"]);
        let here = &binding["metadata"]["namespace"];
        let role =
            objects.iter().find(|role| is(role, kind) && role["metadata"]["name"] == *name && role["metadata"]["namespace"] == *here);
        rights.extend(of_role(role.unwrap_or_else(|| panic!("{name} is bound and not there"))));
    }
    rights
}

/// What the driver's table asks for with these settings.
pub fn wanted(config: &Config) -> Vec<Right> {
    let mut rights = Vec::new();
    for permission in needed(config) {
        for verb in permission.verbs {
            rights.push(Right {
                group: permission.group.to_owned(),
                resource: permission.resource.to_owned(),
                verb: (*verb).to_owned(),
                name: permission.name.clone(),
                namespace: match &permission.scope {
                    Scope::Namespace(namespace) => Some(namespace.as_str().to_owned()),
                    Scope::Cluster => None,
                },
            });
        }
    }
    rights
}

/// The difference of two sets, for people: nothing where there is none.
pub fn difference(found: &BTreeSet<Right>, asked: &BTreeSet<Right>) -> String {
    let surplus = found.difference(asked).map(|right| format!("  more than is used: {right}\n"));
    let lack = asked.difference(found).map(|right| format!("  missing: {right}\n"));
    surplus.chain(lack).collect()
}
