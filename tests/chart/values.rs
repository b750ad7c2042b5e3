//! Every flag is a value, what the chart renders is what the driver reads, and what it refuses has a sentence.

use std::collections::{BTreeMap, BTreeSet};

use openshell_driver_kyma::cli::table::{self, Takes};
use rig::scratch::Scratch;
use serde_json::{Map, Value, json};

use crate::combinations;
use crate::render::{RELEASE, chart, documents, render, run, said, try_render, try_render_in};

/// `gateway-id` as values name it.
fn key(long: &str) -> String {
    let mut words = long.split('-');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |key, word| key + &word[..1].to_ascii_uppercase() + &word[1..])
}

/// The arguments by flag.
fn flags(arguments: &[String]) -> BTreeMap<String, String> {
    let pairs = arguments.iter().map(|argument| argument.strip_prefix("--").unwrap().split_once('=').unwrap());
    pairs.map(|(flag, value)| (flag.to_owned(), value.to_owned())).collect()
}

#[test]
fn every_flag_is_a_value_and_every_value_a_flag() {
    let values: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(chart().join("values.yaml")).unwrap()).unwrap();
    let there: BTreeSet<String> = values["driver"].as_object().unwrap().keys().cloned().collect();
    let wanted: BTreeSet<String> = table::flags().map(|flag| key(flag.long)).collect();
    assert_eq!(there, wanted);
}

/// Each flag with the value its own table has for an example, all at once: what helm makes of the name and the value is what the flag says. What they
/// mean together is for guards, which this chart, with the same templates, does not have.
#[test]
fn each_value_becomes_its_flag() {
    let bare = Scratch::new().unwrap();
    for folder in ["", "templates"] {
        std::fs::create_dir_all(bare.path().join(folder)).unwrap();
    }
    for file in ["Chart.yaml", "values.yaml", "templates/_names.tpl", "templates/_settings.tpl"] {
        std::fs::copy(chart().join(file), bare.path().join(file)).unwrap();
    }
    let template = "kind: List\nargs:\n{{- include \"openshell.driverArguments\" . | nindent 2 }}\n";
    std::fs::write(bare.path().join("templates/arguments.yaml"), template).unwrap();

    let mut driver = Map::new();
    for flag in table::flags() {
        let number = |text: &str| text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number));
        let value = match flag.takes {
            Takes::List => flag.example.split(',').map(number).collect(),
            Takes::One if flag.metavar == "BOOL" => json!(flag.example.parse::<bool>().unwrap()),
            Takes::One => number(flag.example),
        };
        driver.insert(key(flag.long), value);
    }
    let arguments = ["template", RELEASE, bare.path().to_str().unwrap(), "--values", "-"];
    let text = said(&run("helm", &arguments, &json!({ "driver": driver }).to_string())).unwrap();
    let rendered = documents(&text).remove(0);
    let arguments: Vec<String> =
        rendered["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap().to_owned()).collect();
    let found = flags(&arguments);
    let wanted: BTreeMap<String, String> = table::flags().map(|flag| (flag.long.to_owned(), flag.example.to_owned())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn what_is_rendered_is_what_the_driver_reads() {
    for (name, values) in combinations::all() {
        let rendered = render(&values);
        let run = rendered.run().unwrap_or_else(|why| panic!("{name}: {why}"));
        // What people said is what arrives.
        for (key, value) in values["driver"].as_object().into_iter().flatten() {
            let flag = table::flags().find(|flag| self::key(flag.long) == *key).unwrap();
            let text = match value {
                Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(","),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(flags(&rendered.arguments()).get(flag.long), Some(&text), "{name}: {key}");
        }
        assert_eq!(run.socket.parent().unwrap().parent().unwrap().to_str(), Some("/run/openshell"), "{name}: the volume that both mount");
    }
}

#[test]
fn numbers_arrive_as_they_were_written() {
    let rendered = render(
        &json!({ "driver": { "sandboxUid": 4_294_967_294_u64, "terminalAfterSecs": 604_800, "sandboxCpu": 1.5, "stopTimeoutSecs": 3600 } }),
    );
    let arguments = flags(&rendered.arguments());
    let found = ["sandbox-uid", "terminal-after-secs", "sandbox-cpu", "stop-timeout-secs"].map(|flag| arguments[flag].as_str());
    assert_eq!(found, ["4294967294", "604800", "1.5", "3600"]);
}

#[test]
fn what_is_dangerous_or_contradictory_is_refused_with_a_sentence() {
    let gateway = |more: Value| json!({ "gateway": more });
    let driver = |more: Value| json!({ "driver": more });
    let digest = format!("sha256:{}", "0".repeat(64));
    let refused = [
        (gateway(json!({ "allowUnauthenticatedUsers": true })), "add allowUnauthenticatedUsers to acknowledge"),
        (gateway(json!({ "tls": { "enabled": false } })), "add plaintextGateway to acknowledge"),
        (driver(json!({ "sandboxPrivileged": true })), "add sandboxPrivileged to acknowledge"),
        (driver(json!({ "automountServiceAccountToken": true })), "add automountServiceAccountToken to acknowledge"),
        (driver(json!({ "allowDriverConfigVolumes": true })), "mount any volume claim of openshell-system"),
        (driver(json!({ "allowUid": [1001] })), "add allowUid to acknowledge"),
        (driver(json!({ "kubeInsecure": true })), "add kubeInsecure to acknowledge"),
        (driver(json!({ "enableNetworkPolicy": false })), "add withoutNetworkPolicy to acknowledge"),
        (driver(json!({ "exposure": "virtualservice", "apiruleAuth": "none" })), "add exposureWithoutAuthentication to acknowledge"),
        (json!({ "acknowledge": ["sandboxPrivileged"] }), "nothing asks for it"),
        (json!({ "acknowledge": ["everything"] }), "acknowledge"),
        (gateway(json!({ "enabled": false })), "a driver whom nobody calls"),
        (json!({ "replicas": 2 }), "replicas=2 needs gateway.database.secretName"),
        (json!({ "podDisruptionBudget": { "enabled": true } }), "raise replicas first"),
        (json!({ "serviceAccount": { "create": false } }), "needs serviceAccount.name"),
        (driver(json!({ "sandboxServiceAccount": RELEASE })), "sandboxes would have its rights"),
        (driver(json!({ "namespace": "kube-system" })), "kube-system is a namespace of the system"),
        (driver(json!({ "workspaceMode": "operator" })), "in a pod it is shared or managed"),
        (driver(json!({ "workspaceMode": "managed", "gatewayId": "a.b" })), "a DNS label of at most 33 characters"),
        (driver(json!({ "socket": "/run/openshell/driver.sock" })), "a directory of its own"),
        (driver(json!({ "socket": "/var/run/driver/driver.sock" })), "below /run/openshell"),
        (driver(json!({ "healthPort": "off" })), "without an answer"),
        (driver(json!({ "healthAddress": "127.0.0.1" })), "hide the health port from kubelet"),
        (driver(json!({ "kubeconfig": "/etc/kube/config" })), "which is in no volume"),
        (driver(json!({ "recordingDir": "/var/lib/recordings" })), "such as an emptyDir"),
        (driver(json!({ "healthPort": 8081 })), "must differ"),
        (gateway(json!({ "image": { "tag": "0.1.3" } })), "this driver serves 0.0.91 to 0.0.116"),
        (gateway(json!({ "extraConfig": "[openshell.drivers.kyma]\nsocket_path = \"/tmp/x\"" })), "cannot disagree"),
        (gateway(json!({ "extraEnv": [{ "name": "OPENSHELL_DRIVERS", "value": "kubernetes" }] })), "would win over the configuration"),
        (driver(json!({ "gatewayEndpoint": "http://gateway.example:8080" })), "the gateway speaks TLS"),
        (driver(json!({ "enableApirule": true, "istioInjectSandboxes": true })), "does not say who is let through"),
        (driver(json!({ "enableApirule": true, "apiruleAuth": "jwt" })), "a pod without a sidecar"),
        (driver(json!({ "exposure": "virtualservice", "apiruleAuth": "jwt" })), "asks nobody who they are"),
        (json!({ "requireDigests": true, "image": { "digest": digest } }), "requireDigests is set, and"),
        (json!({ "image": { "digest": "latest" } }), "digest"),
        (driver(json!({ "gatwayId": "typo" })), "gatwayId"),
        (driver(json!({ "gpuSupport": "maybe" })), "gpuSupport"),
        (json!({ "gatway": {} }), "gatway"),
        (json!({ "replicas": -1 }), "replicas"),
    ];
    for (values, sentence) in refused {
        match try_render(&values) {
            Ok(_) => panic!("{values} is taken"),
            Err(why) => assert!(why.contains(sentence), "{values}: {why}"),
        }
    }
    assert!(try_render_in("kube-system", &json!({})).is_err_and(|why| why.contains("namespace of the system")));
}

#[test]
fn helm_lints_every_combination_strictly() {
    for (name, values) in combinations::all() {
        let arguments = ["lint", "--strict", "--quiet", "--namespace", "openshell-system", chart().to_str().unwrap(), "--values", "-"]
            .map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        said(&run("helm", &arguments, &values.to_string())).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

/// What the driver's parser refuses is not silently something else: it gets as far as the check before the install, which then fails.
#[test]
fn what_only_the_driver_can_judge_reaches_it() {
    let rendered = render(&json!({ "driver": { "sandboxCpuRequest": "8", "sandboxCpu": "1" } }));
    assert!(rendered.run().is_err_and(|why| why.contains("can't be promised more than it may use")));
}
