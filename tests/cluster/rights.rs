//! The rights that the driver says it needs, given to it and nothing else: `permissions` is asked, as an operator asks it.

use std::collections::{BTreeMap, BTreeSet};

use rig::Outcome;
use rig::driver::Launch;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scene::{Place, until};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// What a driver started so says it needs, a row each.
async fn said(launch: &Launch) -> Outcome<Vec<Value>> {
    let said = Command::new(&launch.binary)
        .args(["permissions", "--output", "json", "--socket"])
        .arg(&launch.socket)
        .args(&launch.flags)
        .env_clear()
        .output()
        .await?;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: Value = serde_json::from_slice(&said.stdout)?;
    Ok(said["permissions"].as_array().cloned().ok_or("no permissions")?)
}

/// Takes from the driver's account what every driver of these tests has, gives it what one started so says it needs, and waits until that holds.
pub async fn exactly(place: &Place, launch: &Launch) -> Outcome<()> {
    // By namespace; what holds everywhere by none.
    let mut rules: BTreeMap<Option<String>, Vec<Value>> = BTreeMap::new();
    for permission in said(launch).await? {
        let mut rule = json!({ "apiGroups": [permission["group"]], "resources": [permission["resource"]], "verbs": permission["verbs"] });
        if permission["name"].is_string() {
            rule["resourceNames"] = json!([permission["name"]]);
        }
        rules.entry(permission["scope"]["namespace"].as_str().map(str::to_owned)).or_default().push(rule);
    }
    place.remove(&format!("{RBAC}/namespaces/{}/rolebindings/openshell-driver", place.namespace)).await?;
    until("what it had is gone", async || Ok(!place.may("list").await?)).await?;
    for (namespace, rules) in rules {
        let (scope, kind) = match &namespace {
            Some(namespace) => (format!("namespaces/{namespace}/"), "Role"),
            None => (String::new(), "ClusterRole"),
        };
        let metadata = json!({ "name": format!("{}-exactly", place.namespace) });
        let plural = kind.to_lowercase();
        place.make(&format!("{RBAC}/{scope}{plural}s"), json!({ "metadata": metadata, "rules": rules })).await?;
        let binding = json!({
            "metadata": metadata,
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": place.user() }],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": metadata["name"] },
        });
        place.make(&format!("{RBAC}/{scope}{plural}bindings"), binding).await?;
    }
    until("it has what it says it needs", async || place.may("list").await).await
}

/// A right on one resource, or on one object of it.
type Right = (String, String, String, String);

fn rights(group: &Value, resource: &Value, name: &Value, verbs: &Value) -> Vec<Right> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verbs = verbs.as_array().into_iter().flatten();
    verbs.map(|verb| (text(group), text(resource), text(name), text(verb))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_driver_of_these_tests_has_the_rights_that_permissions_prints() -> Outcome<()> {
    let place = Place::new("rights").await?;
    let said = said(&place.launch().flag("--gpu-support", "false")).await?;
    let printed: BTreeSet<Right> =
        said.iter().flat_map(|row| rights(&row["group"], &row["resource"], &row["name"], &row["verbs"])).collect();
    let role = place.read(&format!("{RBAC}/namespaces/rights/roles/openshell-driver")).await?;
    let rules = role["rules"].as_array().ok_or("a role without rules")?;
    let granted: BTreeSet<Right> = rules
        .iter()
        .flat_map(|rule| rights(&rule["apiGroups"][0], &rule["resources"][0], &rule["resourceNames"][0], &rule["verbs"]))
        .collect();
    assert_eq!(printed, granted, "printed, and granted");
    Ok(())
}
