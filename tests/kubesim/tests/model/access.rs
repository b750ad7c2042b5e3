//! Tokens, permissions, reviews and troubles on demand.

use crate::desk::{Desk, NS, PODS, SANDBOXES, sandbox};
use kubesim::{Access, Fault, Method, Options, Request, Rule, Trouble};
use serde_json::{Value, json};

const USER: &str = "system:serviceaccount:openshell-system:openshell-driver";

fn guarded() -> Desk {
    let verbs = ["create", "delete", "get", "list", "patch", "watch"];
    let rules = vec![
        Rule::new("agents.x-k8s.io", &["sandboxes"], &verbs).in_namespace(NS).for_user(USER),
        Rule::new("", &["pods"], &["get"]).in_namespace(NS).for_user(USER),
        Rule::new("authentication.k8s.io", &["tokenreviews"], &["create"]).for_user(USER),
        Rule::new("", &["serviceaccounts/token"], &["create"]).for_user(USER),
    ];
    Desk::with(Options { access: Access::open().with_tokens([("good", USER)]).with_grants(rules), ..Options::default() })
}

fn asked(desk: &mut Desk, request: Request) -> (u16, Value) {
    let response = desk.ask(&request.with_bearer("good"));
    (response.status(), response.json())
}

#[test]
fn without_a_known_token_nobody_is_anybody() {
    let mut desk = guarded();
    for request in [Request::get(SANDBOXES), Request::get(SANDBOXES).with_bearer("bad"), Request::get("/version")] {
        let response = desk.ask(&request);
        assert_eq!((response.status(), response.json()["reason"].as_str()), (401, Some("Unauthorized")));
    }
    assert_eq!(asked(&mut desk, Request::get(SANDBOXES)).0, 200);
    desk.cluster.reject_token("good");
    assert_eq!(asked(&mut desk, Request::get(SANDBOXES)).0, 401);
    desk.cluster.accept_token("good", USER);
    assert_eq!(asked(&mut desk, Request::get(SANDBOXES)).0, 200);
}

#[test]
fn what_is_not_granted_is_forbidden_in_rbacs_words() {
    let mut desk = guarded();
    let (status, body) = asked(&mut desk, Request::get("/apis/agents.x-k8s.io/v1beta1/sandboxes"));
    assert_eq!((status, body["reason"].as_str()), (403, Some("Forbidden")));
    assert_eq!(
        body["message"],
        format!(
            "sandboxes.agents.x-k8s.io is forbidden: User \"{USER}\" cannot list resource \"sandboxes\" in API group \"agents.x-k8s.io\" at \
             the cluster scope"
        )
    );
    let (_, body) = asked(&mut desk, Request::delete(format!("{PODS}/x")));
    assert_eq!(
        body["message"],
        format!("pods \"x\" is forbidden: User \"{USER}\" cannot delete resource \"pods\" in API group \"\" in the namespace \"{NS}\"")
    );
    assert_eq!(body["details"], json!({ "name": "x", "kind": "pods" }));
    assert_eq!(asked(&mut desk, Request::get(format!("{SANDBOXES}/x/status"))).0, 403, "a subresource is a permission of its own");
    assert_eq!(asked(&mut desk, Request::get(format!("{PODS}/x"))).0, 404);
    desk.cluster.revoke(Rule::new("agents.x-k8s.io", &["sandboxes"], &["watch"]));
    assert_eq!(asked(&mut desk, Request::get(format!("{SANDBOXES}?watch=1"))).0, 403);
    desk.cluster.restore_permissions();
    assert_eq!(asked(&mut desk, Request::get(SANDBOXES)).0, 200);
}

#[test]
fn a_self_review_answers_from_the_same_table() {
    let mut desk = guarded();
    let mut may = |verb: &str, namespace: &str| {
        let body = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": { "resourceAttributes": {
            "verb": verb, "group": "agents.x-k8s.io", "resource": "sandboxes", "namespace": namespace,
        } } });
        let (status, body) = asked(&mut desk, Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body));
        assert_eq!(status, 201);
        body["status"]["allowed"].as_bool().unwrap()
    };
    assert!(may("list", NS));
    assert!(!may("list", "other"));
    assert!(!may("list", ""));
    assert!(!may("deletecollection", NS));
}

#[test]
fn a_pods_token_is_reviewed_for_its_audience_while_the_pod_lives() {
    let mut desk = guarded();
    asked(&mut desk, Request::post(SANDBOXES, &sandbox("one")));
    desk.run(1_000);
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
        "audiences": ["openshell-gateway"], "expirationSeconds": 600, "boundObjectRef": { "kind": "Pod", "name": "one" },
    } });
    let (status, answer) = asked(&mut desk, Request::post(format!("/api/v1/namespaces/{NS}/serviceaccounts/default/token"), &request));
    assert_eq!(status, 201);
    let token = answer["status"]["token"].as_str().unwrap().to_owned();
    let review = |desk: &mut Desk, audience: &str| {
        let body =
            json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": { "token": token, "audiences": [audience] } });
        asked(desk, Request::post("/apis/authentication.k8s.io/v1/tokenreviews", &body)).1["status"].clone()
    };
    let good = review(&mut desk, "openshell-gateway");
    assert_eq!(good["authenticated"], true);
    assert_eq!(good["user"]["username"], format!("system:serviceaccount:{NS}:default"));
    assert_eq!(good["user"]["extra"]["authentication.kubernetes.io/pod-name"], json!(["one"]));
    assert_eq!(good["audiences"], json!(["openshell-gateway"]));
    assert!(review(&mut desk, "other")["error"].as_str().unwrap().contains("token audiences [\"openshell-gateway\"] is invalid"));
    assert_eq!(desk.ask(&Request::get(SANDBOXES).with_bearer(&token)).status(), 401, "it is not for the API server");
    desk.cluster.force_delete_pod(NS, "one");
    assert_eq!(review(&mut desk, "openshell-gateway")["error"], "invalid bearer token");
}

#[test]
fn troubles_come_when_ordered_as_often_as_ordered() {
    let mut desk = Desk::new();
    let order = |method, trouble| Fault { method, path_contains: "sandboxes".to_owned(), times: 1, trouble };
    desk.cluster.inject(Fault { times: 2, ..order(Some(Method::Post), Trouble::Overloaded { retry_after: Some(7) }) });
    assert_eq!(desk.get(SANDBOXES).0, 200, "another method");
    for _ in 0..2 {
        let response = desk.ask(&Request::post(SANDBOXES, &sandbox("one")));
        assert_eq!((response.status(), response.head.retry_after), (429, Some(7)));
        assert_eq!(response.head.content_type, "text/plain; charset=utf-8");
    }
    assert_eq!(desk.post(SANDBOXES, &sandbox("one")).0, 201, "used up");
    for (trouble, status) in [
        (Trouble::TooManyRequests { retry_after: 3 }, 429),
        (Trouble::Internal("etcdserver: no leader".to_owned()), 500),
        (Trouble::Unavailable("apiserver is shutting down".to_owned()), 503),
        (Trouble::Denied("admission webhook \"x\" denied the request: no".to_owned()), 403),
        (Trouble::Unauthorized, 401),
    ] {
        desk.cluster.inject(order(None, trouble));
        let (got, body) = desk.get(SANDBOXES);
        assert_eq!((got, body["code"].as_u64()), (status, Some(u64::from(status))));
    }
}
