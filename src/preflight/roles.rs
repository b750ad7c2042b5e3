//! The table of rights as roles: what an administrator applies, or a program reads. Nothing is asked of a cluster.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::permissions::{Permission, Scope, needed};
use crate::config::Config;
use crate::plan::yaml;

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Roles and `ClusterRoles`, to apply.
    Yaml,
    /// The table itself.
    Json,
}

/// What every role is called.
const NAME: &str = "openshell-driver-kyma";

/// What a driver with these settings may do, and no more.
#[must_use]
pub fn print(config: &Config, format: Format) -> String {
    let permissions = needed(config);
    match format {
        Format::Json => {
            let row = |permission: &Permission| {
                let mut row = json!(permission);
                if let Some(row) = row.as_object_mut() {
                    row.insert("flags".into(), permission.feature.flags().into());
                }
                row
            };
            let rows: Vec<Value> = permissions.iter().map(row).collect();
            serde_json::to_string_pretty(&json!({ "permissions": rows })).unwrap_or_default() + "\n"
        }
        Format::Yaml => {
            let mut scopes: Vec<&Scope> = permissions.iter().map(|permission| &permission.scope).collect();
            scopes.sort_unstable();
            scopes.dedup();
            let roles: Vec<String> = scopes.into_iter().map(|scope| role(scope, &permissions)).collect();
            roles.join("---\n")
        }
    }
}

/// The role of one scope.
fn role(scope: &Scope, permissions: &[Permission]) -> String {
    let (kind, metadata) = match scope {
        Scope::Namespace(namespace) => ("Role", json!({ "name": NAME, "namespace": namespace })),
        Scope::Cluster => ("ClusterRole", json!({ "name": NAME })),
    };
    let mut text = yaml::document(&json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata }));
    text.push_str("rules:\n");
    for permission in permissions.iter().filter(|permission| permission.scope == *scope) {
        // Writing to a String cannot fail.
        let _ = write!(text, "# {} ({})\n{}", permission.because, permission.feature.flags(), yaml::document(&json!([rule(permission)])));
    }
    text
}

/// A permission as a rule of RBAC.
#[must_use]
pub fn rule(permission: &Permission) -> Value {
    let mut rule = json!({ "apiGroups": [permission.group], "resources": [permission.resource], "verbs": permission.verbs });
    if let (Some(rule), Some(name)) = (rule.as_object_mut(), &permission.name) {
        rule.insert("resourceNames".into(), json!([name]));
    }
    rule
}
