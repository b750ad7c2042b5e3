//! What is said in two places is the same in both: the gateway's configuration, the policy of sandboxes, names and ports.

use std::collections::BTreeMap;

use openshell_driver_kyma::core::render::network_policy;
use serde_json::{Value, json};

use crate::combinations;
use crate::render::{RELEASE, Rendered, render};

/// Texts and numbers of a TOML file, by table and key. It reads what the chart writes: a key a line.
fn toml(text: &str) -> BTreeMap<(String, String), String> {
    let mut table = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut table);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line:?} is neither a table nor a key"));
        let twice = found.insert((table.clone(), key.trim().to_owned()), value.trim().trim_matches('"').to_owned());
        assert!(twice.is_none(), "[{table}] has {key} twice");
    }
    found
}

fn gateway_toml(rendered: &Rendered) -> Option<BTreeMap<(String, String), String>> {
    rendered.all("ConfigMap").next().map(|object| toml(object["data"]["gateway.toml"].as_str().unwrap()))
}

#[test]
fn the_gateway_is_told_what_the_driver_is_told() {
    let mut gateways = 0;
    for (name, values) in combinations::all() {
        let rendered = render(&values);
        let run = rendered.run().unwrap();
        let Some(toml) = gateway_toml(&rendered) else { continue };
        gateways += 1;
        let says = |table: &str, key: &str| toml.get(&(format!("openshell.{table}"), key.to_owned())).map(String::as_str);
        assert_eq!(says("gateway", "compute_drivers"), Some("[\"kyma\"]"), "{name}");
        assert_eq!(says("drivers.kyma", "socket_path"), run.socket.to_str(), "{name}");
        assert_eq!(says("gateway.gateway_jwt", "gateway_id"), Some(run.config.gateway_id.as_str()), "{name}");
        assert_eq!(says("drivers.kubernetes", "gateway_id"), Some(run.config.gateway_id.as_str()), "{name}");
        assert_eq!(says("drivers.kubernetes", "namespace"), Some(run.config.namespace.as_str()), "{name}");
        assert_eq!(says("drivers.kubernetes", "service_account_name"), Some(run.config.pod.service_account.as_str()), "{name}");
        let mode = if run.config.workspaces.is_shared() { "shared" } else { "managed" };
        assert_eq!(says("drivers.kubernetes", "workspace_mode"), Some(mode), "{name}");

        // Supervisors come to the service, by the scheme that the gateway speaks, and the certificate is for that name.
        let service = rendered.one("Service", RELEASE);
        let scheme = if says("gateway", "disable_tls") == Some("true") { "http" } else { "https" };
        let host = format!("{RELEASE}.{}.svc.cluster.local", service["metadata"]["namespace"].as_str().unwrap());
        assert_eq!(run.config.gateway_endpoint, format!("{scheme}://{host}:{}", service["spec"]["ports"][0]["port"]), "{name}");
        let certgen = rendered.one("Job", "openshell-certgen")["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
        assert_eq!(certgen.contains(&format!("--server-san={host}\"")), scheme == "https", "{name}");
        if let Some(secret) = &run.config.pod.client_tls_secret {
            assert!(certgen.contains(&format!("--client-secret-name={secret}\"")), "{name}");
        }
        assert_eq!(says("gateway", "bind_address"), Some(format!("0.0.0.0:{}", service["spec"]["ports"][0]["port"]).as_str()), "{name}");
    }
    assert!(gateways > 15);
}

#[test]
fn the_policy_of_sandboxes_is_the_drivers_own() {
    let own = [
        json!({ "networkPolicyEgress": ["0.0.0.0/0:443", "10.0.0.0/8", "monitoring:9090", "[2001:db8::/32]:443", "2001:db8::/32", "192.0.2.7/32:53/udp", "dns:53/tcp"] }),
        json!({ "networkPolicyEgress": ["128.0.0.0/1", "168.0.0.0/6", "169.254.0.0/15", "169.254.0.0/16", "169.254.169.254/32", "170.0.0.0/8"] }),
        json!({ "networkPolicyIngress": ["istio-system:8080", "192.0.2.0/24"], "networkPolicyEgress": "0.0.0.0/0:443,monitoring" }),
        json!({ "networkPolicyGateway": "gateway-system:9443" }),
        json!({ "gatewayEndpoint": "https://192.0.2.9:8443" }),
        json!({ "gatewayEndpoint": "https://[2001:db8::9]" }),
        json!({ "gatewayEndpoint": "https://gateway.other.svc" }),
        json!({ "gatewayEndpoint": "https://gateway.example", "networkPolicyEgress": ["192.0.2.0/24:443"] }),
        json!({ "gatewayId": "another", "namespace": "openshell-sandboxes" }),
    ];
    let cases = own.into_iter().map(|driver| (driver.to_string(), json!({ "driver": driver })));
    let mut compared = 0;
    for (name, values) in combinations::all().into_iter().map(|(name, values)| (name.to_owned(), values)).chain(cases) {
        let rendered = render(&values);
        let config = rendered.config();
        let found =
            rendered.all("NetworkPolicy").find(|policy| policy["metadata"]["name"].as_str().unwrap().starts_with(network_policy::NAME));
        // In managed namespaces the driver writes it.
        let wanted = config.network.as_ref().filter(|_| config.workspaces.is_shared());
        let wanted = wanted.map(|rules| network_policy::object(config.namespace.as_str(), rules, &config.gateway_id));
        // Gateways that share a namespace have a policy each, so another's is called after it.
        let called_alike = |policy: &Value| {
            let mut policy = policy.clone();
            policy["metadata"]["name"] = json!(network_policy::NAME);
            policy
        };
        assert_eq!(found.map(called_alike), wanted, "{name}");
        compared += usize::from(wanted.is_some());
    }
    assert!(compared > 15);
}

#[test]
fn images_of_one_release_go_together() {
    let rendered = render(&json!({ "gateway": { "image": { "tag": "0.0.109" } } }));
    let supervisor = &rendered.config().pod.supervisor.image;
    assert_eq!(supervisor, "ghcr.io/nvidia/openshell/supervisor:0.0.109");
    // The defaults of the chart and of the driver are one release, too.
    let arguments: [std::ffi::OsString; 0] = [];
    let own = openshell_driver_kyma::cli::parse(arguments, &openshell_driver_kyma::cli::Environment::new()).unwrap();
    let openshell_driver_kyma::cli::Command::Run(own) = own else { panic!("no flags run the driver") };
    assert_eq!(render(&json!({})).config().pod.supervisor.image, own.config.pod.supervisor.image);
}

#[test]
fn what_is_referred_to_is_there() {
    for (name, values) in combinations::all() {
        let rendered = render(&values);
        for (maker, pod) in rendered.pods() {
            let spec = &pod["spec"];
            let containers = ["initContainers", "containers"].iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
            let volumes: Vec<&Value> = spec["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
            for mount in containers.flat_map(|container| container["volumeMounts"].as_array().into_iter().flatten()) {
                assert!(volumes.contains(&&mount["name"]), "{name}: {maker} mounts {}", mount["name"]);
            }
            let account = &spec["serviceAccountName"];
            assert!(rendered.all("ServiceAccount").any(|found| found["metadata"]["name"] == *account), "{name}: {maker} runs as {account}");
            let namespaced = |kind: &str, wanted: &Value| rendered.all(kind).any(|found| found["metadata"]["name"] == *wanted);
            for volume in spec["volumes"].as_array().unwrap() {
                if let Some(config) = volume.pointer("/configMap/name") {
                    assert!(namespaced("ConfigMap", config), "{name}: {maker} mounts {config}");
                }
                if let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName") {
                    assert!(namespaced("PersistentVolumeClaim", claim), "{name}: {maker} mounts {claim}");
                }
            }
        }
        // Services and policies find the pod by its labels, at ports that it has.
        let deployment = rendered.one("Deployment", RELEASE);
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["sidecar.istio.io/inject"], "false", "{name}");
        let containers = ["initContainers", "containers"]
            .iter()
            .flat_map(|list| deployment["spec"]["template"]["spec"][list].as_array().into_iter().flatten());
        let ports: Vec<Value> =
            containers.flat_map(|container| container["ports"].as_array().into_iter().flatten()).map(|port| port["name"].clone()).collect();
        for service in rendered.all("Service") {
            for (label, value) in service["spec"]["selector"].as_object().unwrap() {
                assert_eq!(labels[label], *value, "{name}: {}", service["metadata"]["name"]);
            }
            for port in service["spec"]["ports"].as_array().unwrap() {
                assert!(ports.contains(&port["targetPort"]), "{name}: {} leads to {}", service["metadata"]["name"], port["targetPort"]);
            }
        }
    }
}
