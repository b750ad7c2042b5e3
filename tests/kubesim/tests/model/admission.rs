//! Pod security, quota, service accounts.

use crate::desk::{Desk, NS, SANDBOXES, sandbox, sandbox_with};
use kubesim::Kind;
use serde_json::json;

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

#[test]
fn a_namespaces_level_refuses_pods_in_the_real_words() {
    let mut desk = Desk::new();
    desk.cluster.add_namespace(NS, &[(ENFORCE, "baseline")]);
    let capable = json!({ "spec": { "podTemplate": { "spec": { "containers": [
        { "name": "agent", "image": "a:1", "securityContext": { "capabilities": { "add": ["SYS_ADMIN", "NET_ADMIN", "CHOWN"] } } },
    ] } } } });
    desk.create(&sandbox_with("one", &capable));
    desk.run(200);
    assert_eq!(
        desk.condition("one", "Ready"),
        "False/ReconcilerError: Error seen: pods \"one\" is forbidden: violates PodSecurity \"baseline:latest\": non-default capabilities \
         (container \"agent\" must not include \"NET_ADMIN\", \"SYS_ADMIN\" in securityContext.capabilities.add)"
    );
    desk.ready("harmless");
    desk.cluster.add_namespace(NS, &[(ENFORCE, "restricted")]);
    desk.create(&sandbox("two"));
    desk.run(200);
    let told = desk.condition("two", "Ready");
    for part in [
        "violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"agent\" must set \
         securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"agent\" must set \
         securityContext.capabilities.drop=[\"ALL\"])",
        "runAsNonRoot != true (pod or container \"agent\" must set securityContext.runAsNonRoot=true)",
        "seccompProfile (pod or container \"agent\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
    ] {
        assert!(told.contains(part), "{told}");
    }
    desk.cluster.add_namespace(NS, &[(ENFORCE, "privileged")]);
    desk.run(20_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready", "tried again, it is let in");
}

#[test]
fn what_reaches_for_the_host_is_told_once_at_either_level() {
    let mut desk = Desk::new();
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": {
        "hostNetwork": true,
        "volumes": [{ "name": "h", "hostPath": { "path": "/" } }],
        "containers": [{ "name": "c", "image": "c:1", "securityContext": { "privileged": true, "runAsUser": 0 } }],
    } });
    let path = format!("/api/v1/namespaces/{NS}/pods");
    desk.cluster.add_namespace(NS, &[(ENFORCE, "baseline")]);
    let (status, body) = desk.post(&path, &pod);
    assert_eq!(status, 403);
    assert_eq!(
        body["message"],
        "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true), hostPath volumes (volume \
         \"h\"), privileged (container \"c\" must not set securityContext.privileged=true)"
    );
    desk.cluster.add_namespace(NS, &[(ENFORCE, "restricted")]);
    let message = desk.post(&path, &pod).1["message"].as_str().unwrap().to_owned();
    assert!(message.contains("\"restricted:latest\": host namespaces (hostNetwork=true), privileged (container"), "{message}");
    assert!(message.contains("restricted volume types (volume \"h\" uses restricted volume type \"hostPath\")"), "{message}");
    assert!(message.contains("runAsUser=0 (container \"c\" must not set runAsUser=0)"), "{message}");
}

#[test]
fn a_quota_refuses_what_exceeds_it() {
    let mut desk = Desk::new();
    desk.cluster.add_quota(NS, "q", &[("count/sandboxes.agents.x-k8s.io", "2"), ("pods", "1")]).unwrap();
    desk.ready("one");
    desk.create(&sandbox("two"));
    desk.run(200);
    assert_eq!(
        desk.condition("two", "Ready"),
        "False/ReconcilerError: Error seen: pods \"two\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
    );
    let (status, body) = desk.post(SANDBOXES, &sandbox("three"));
    assert_eq!((status, body["reason"].as_str()), (403, Some("Forbidden")));
    assert_eq!(
        body["message"],
        "sandboxes.agents.x-k8s.io \"three\" is forbidden: exceeded quota: q, requested: count/sandboxes.agents.x-k8s.io=1, used: \
         count/sandboxes.agents.x-k8s.io=2, limited: count/sandboxes.agents.x-k8s.io=2"
    );
}

#[test]
fn a_quota_of_resources_counts_what_pods_ask_for() {
    let mut desk = Desk::new();
    desk.cluster.add_quota(NS, "q", &[("limits.cpu", "1500m")]).unwrap();
    let asks = json!({ "spec": { "podTemplate": { "spec": { "containers": [
        { "name": "agent", "image": "a:1", "resources": { "limits": { "cpu": "1" } } },
    ] } } } });
    desk.create(&sandbox_with("one", &asks));
    desk.create(&sandbox_with("two", &asks));
    desk.run(1_000);
    assert_eq!(desk.cluster.objects(Kind::Pod, NS).len(), 1);
    assert!(
        desk.condition("two", "Ready")
            .contains("exceeded quota: q, requested: limits.cpu=1, used: limits.cpu=1, limited: limits.cpu=1500m")
    );
}
