//! Installations that differ in what matters: each feature that asks for rights, switched on alone and together with others.

use serde_json::{Value, json};

/// A name for it, and its values.
pub type Combination = (&'static str, Value);

/// All of them.
pub fn all() -> Vec<Combination> {
    let apirule = json!({
        "enableApirule": true, "istioInjectSandboxes": true, "apiruleAuth": "jwt",
        "apiruleJwtIssuer": "https://issuer.example", "apiruleJwtJwksUri": "https://issuer.example/keys",
    });
    let with = |base: &Value, more: Value| {
        let mut driver = base.clone();
        driver.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "driver": driver })
    };
    let open = |mut values: Value| {
        values["acknowledge"] = json!(["exposureWithoutAuthentication"]);
        values
    };
    vec![
        ("defaults", json!({})),
        ("without GPUs", json!({ "driver": { "gpuSupport": false } })),
        ("GPUs from zero", json!({ "driver": { "gpuScaleFromZero": true } })),
        ("sandboxes elsewhere", json!({ "driver": { "namespace": "openshell-sandboxes" } })),
        ("token", json!({ "driver": { "sandboxCredential": "token" } })),
        ("both credentials", json!({ "driver": { "sandboxCredential": "both", "gpuSupport": false } })),
        ("pull secrets", json!({ "driver": { "imagePullSecrets": ["registry", "mirror"] } })),
        ("plaintext", json!({ "gateway": { "tls": { "enabled": false } }, "acknowledge": ["plaintextGateway"] })),
        ("no policy", json!({ "driver": { "enableNetworkPolicy": false }, "acknowledge": ["withoutNetworkPolicy"] })),
        ("apirule", with(&apirule, json!({}))),
        ("apirule, domain said", with(&apirule, json!({ "clusterDomain": "c-1a2b3c4.kyma.ondemand.com" }))),
        ("apirule, gateway elsewhere", with(&apirule, json!({ "apiruleGateway": "edge/shared" }))),
        ("virtualservice", open(json!({ "driver": { "exposure": "virtualservice", "apiruleAuth": "none" } }))),
        ("managed", json!({ "driver": { "workspaceMode": "managed" } })),
        ("managed, pull secrets", json!({ "driver": { "workspaceMode": "managed", "imagePullSecrets": ["registry"] } })),
        (
            "managed, nothing more",
            json!({
                "driver": { "workspaceMode": "managed", "sandboxServiceAccount": "default", "enableNetworkPolicy": false, "gpuSupport": false },
                "gateway": { "tls": { "enabled": false } },
                "acknowledge": ["withoutNetworkPolicy", "plaintextGateway"],
            }),
        ),
        ("managed, token", json!({ "driver": { "workspaceMode": "managed", "sandboxCredential": "token" } })),
        ("managed, apirule", with(&apirule, json!({ "workspaceMode": "managed" }))),
        (
            "managed, virtualservice",
            open(json!({ "driver": { "workspaceMode": "managed", "exposure": "virtualservice", "apiruleAuth": "none" } })),
        ),
        (
            "replicas",
            json!({
                "replicas": 3, "podDisruptionBudget": { "enabled": true }, "gateway": { "database": { "secretName": "openshell-db" } },
            }),
        ),
        (
            "a gateway of one's own",
            json!({
                "gateway": { "enabled": false },
                "driver": { "gatewayEndpoint": "http://gateway.agents.svc.cluster.local:9000" },
                "extraContainers": [{
                    "name": "gateway", "image": "registry.example/gateway:1",
                    "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                    "volumeMounts": [{ "name": "driver-socket", "mountPath": "/run/openshell" }],
                }],
            }),
        ),
        (
            "monitored",
            json!({
                "metrics": { "serviceMonitor": { "enabled": true, "labels": { "release": "prometheus" } }, "prometheusRule": { "enabled": true } },
                "networkPolicy": { "metricsFrom": [{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } } }] },
            }),
        ),
        (
            "everything said",
            json!({
                "fullnameOverride": "openshell", "commonLabels": { "team": "security" }, "podLabels": { "a": "b" }, "podAnnotations": { "c": "d" },
                "image": { "repository": "registry.example/driver", "digest": format!("sha256:{}", "0".repeat(64)) },
                "imagePullSecrets": [{ "name": "registry" }], "requireDigests": true,
                "gateway": {
                    "image": { "digest": format!("sha256:{}", "1".repeat(64)) },
                    "oidc": { "issuer": "https://issuer.example", "audience": "openshell", "rolesClaim": "roles", "adminRole": "admin" },
                    "tls": { "serverNames": ["gateway.example"] }, "service": { "type": "LoadBalancer", "annotations": { "e": "f" } },
                    "extraConfig": "[openshell.gateway.otlp]\nendpoint = \"http://collector.observability.svc:4317\"\n",
                    "extraEnv": [{ "name": "SSL_CERT_FILE", "value": "/etc/ca/ca.crt" }],
                    "database": { "storageSize": "5Gi", "storageClassName": "premium" },
                },
                "driver": {
                    "sandboxImage": format!("registry.example/agent@sha256:{}", "2".repeat(64)),
                    "supervisorImage": format!("registry.example/supervisor@sha256:{}", "3".repeat(64)),
                    "sandboxUid": 4_294_967_294_u64, "terminalAfterSecs": 604_800, "sandboxCpu": 1.5, "sandboxMemory": "8Gi",
                    "networkPolicyEgress": ["0.0.0.0/0:443", "monitoring:9090"], "networkPolicyIngress": ["istio-system:8080"],
                    "noProxy": "localhost,.svc", "httpsProxy": "http://proxy.example:3128",
                },
                "serviceAccount": { "name": "gateway-and-driver", "annotations": { "g": "h" } },
                "nodeSelector": { "pool": "system" }, "tolerations": [{ "key": "system", "operator": "Exists" }],
                "affinity": { "nodeAffinity": {} }, "priorityClassName": "system-cluster-critical",
                "topologySpreadConstraints": [{ "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": { "matchLabels": { "app.kubernetes.io/instance": "openshell" } } }],
            }),
        ),
    ]
}
