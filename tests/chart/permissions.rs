//! What the chart grants is what the driver's table of rights asks for (`src/preflight/permissions.rs`), for each feature alone and with others. That the
//! table is what the driver does, neither more nor less, `tests/vectors` shows of every vector; so the chart is least, too.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::combinations;
use crate::render::{NAMESPACE, RELEASE, render};
use crate::rights::{Right, difference, granted, least, wanted};

/// What the gateway itself does with the account it shares with the driver: it has tokens reviewed, and looks at pod and Sandbox of the one who calls.
fn gateways(namespace: Option<&str>) -> BTreeSet<Right> {
    let right = |group: &str, resource: &str, verb: &str, namespace: Option<&str>| Right {
        group: group.into(),
        resource: resource.into(),
        verb: verb.into(),
        name: None,
        namespace: namespace.map(str::to_owned),
    };
    BTreeSet::from([
        right("authentication.k8s.io", "tokenreviews", "create", None),
        right("", "pods", "get", namespace),
        right("agents.x-k8s.io", "sandboxes", "get", namespace),
    ])
}

/// The roles of one side: their names end with it.
fn of(objects: &[Value], side: &str) -> Vec<Value> {
    let is_role = |object: &Value| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Role") || kind.ends_with("RoleBinding"));
    let is_ours = |object: &Value| object["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(side));
    objects.iter().filter(|object| is_role(object) && is_ours(object)).cloned().collect()
}

#[test]
fn what_is_granted_is_what_is_used() {
    for (name, values) in combinations::all() {
        let rendered = render(&values);
        let config = rendered.config();
        let account = rendered.one("Deployment", RELEASE)["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();

        let asked = least(wanted(&config));
        let given = least(granted(&of(&rendered.objects, "-driver"), (NAMESPACE, account)));
        assert!(given == asked, "{name}: the driver\n{}", difference(&given, &asked));

        // Before it is installed the check asks with the same.
        let checked = least(granted(&of(&rendered.objects, "-check"), (NAMESPACE, "openshell-check")));
        assert!(checked == asked, "{name}: the check\n{}", difference(&checked, &asked));

        let namespace = rendered.one("Deployment", RELEASE)["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .filter(|image| image.contains("openshell/gateway"))
            .map(|_| config.workspaces.is_shared().then(|| config.namespace.as_str()));
        let theirs = namespace.map(gateways).unwrap_or_default();
        let has = least(granted(&of(&rendered.objects, "-gateway"), (NAMESPACE, account)));
        assert!(has == theirs, "{name}: the gateway\n{}", difference(&has, &theirs));

        // And there is nothing else that gives this account anything.
        let all = least(granted(&rendered.objects, (NAMESPACE, account)));
        let both = least(asked.into_iter().chain(theirs));
        assert!(all == both, "{name}: together\n{}", difference(&all, &both));
    }
}

#[test]
fn sandboxes_have_no_rights_and_no_token() {
    for (name, values) in combinations::all() {
        let rendered = render(&values);
        let account = rendered.config().pod.service_account;
        for namespace in [NAMESPACE, rendered.config().namespace.as_str()] {
            assert!(granted(&rendered.objects, (namespace, &account)).is_empty(), "{name}: sandboxes have rights");
        }
        for object in rendered.all("ServiceAccount") {
            assert_eq!(object["automountServiceAccountToken"], false, "{name}: {}", object["metadata"]["name"]);
        }
    }
}

#[test]
fn a_verb_more_and_a_verb_less_are_noticed() {
    let rendered = render(&json!({}));
    let asked = least(wanted(&rendered.config()));
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut objects = of(&rendered.objects, "-driver");
        let role = objects.iter_mut().find(|object| object["kind"] == "Role").unwrap();
        change(role["rules"][0]["verbs"].as_array_mut().unwrap());
        difference(&least(granted(&objects, (NAMESPACE, RELEASE))), &asked)
    };
    let more = changed(&|verbs| verbs.push(json!("deletecollection")));
    assert_eq!(more, "  more than is used: deletecollection sandboxes.agents.x-k8s.io in openshell-system\n");
    let less = changed(&|verbs| verbs.retain(|verb| verb != "watch"));
    assert_eq!(less, "  missing: watch sandboxes.agents.x-k8s.io in openshell-system\n");
}

/// A reader of the RBAC finds why each rule is there.
#[test]
fn every_rule_has_its_reason() {
    let rights = std::fs::read_to_string(crate::render::chart().join("templates/_rights.tpl")).unwrap();
    let lines: Vec<&str> = rights.lines().collect();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("- apiGroups:")) {
        let before = lines[..index].iter().rev().find(|line| !line.starts_with("{{"));
        let told = before.is_some_and(|line| line.starts_with('#') || line.starts_with("  verbs:"));
        assert!(told, "line {} of _rights.tpl: nobody says why", index + 1);
    }
}
