//! Exposed sandboxes on a real API server, which knows Istio's kinds as Istio defines them and Kyma's `APIRule` as we understand it
//! (`docs/exceptions.md`). Nobody routes here: what Kyma's controller says of an `APIRule` is said by the test.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};

use crate::rights::exactly;
use crate::scene::{Place, Play, create, until};

const DOMAIN: &str = "c-1a2b3c4.kyma.example.com";
const NAME: &str = "expose-default--one";

/// Kyma's own namespace, with the Gateway by which everything comes in: one for all tests, whichever is first.
async fn kyma(place: &Place) -> Outcome<()> {
    let hosts = json!([format!("*.{DOMAIN}")]);
    let server = |name: &str, number: u16, protocol: &str| json!({ "hosts": hosts, "port": { "name": name, "number": number, "protocol": protocol } });
    let gateway = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "kyma-gateway" },
        "spec": { "selector": { "istio": "ingressgateway" }, "servers": [server("https", 443, "HTTPS"), server("http", 80, "HTTP")] },
    });
    let namespace = json!({ "metadata": { "name": "kyma-system" } });
    let gateways = "/apis/networking.istio.io/v1/namespaces/kyma-system/gateways?fieldValidation=Strict";
    for (path, object) in [("/api/v1/namespaces", namespace), (gateways, gateway)] {
        let answer = place.admin.ask("POST", path, Some(&object)).await?;
        assert!(matches!(answer.status, 201 | 409), "{path}: {}", answer.body);
    }
    Ok(())
}

fn api_rules(place: &Place) -> String {
    format!("/apis/gateway.kyma-project.io/v2/namespaces/{}/apirules", place.namespace)
}

fn services(place: &Place) -> String {
    format!("/api/v1/namespaces/{}/services", place.namespace)
}

/// The flags of a route by `APIRule`; who is let through is to be added.
fn by_api_rule(place: &Place) -> Launch {
    place.launch().flag("--enable-apirule", "true").flag("--istio-inject-sandboxes", "true")
}

/// What a sandbox's condition says of its exposure: status, reason, message.
fn exposed(seen: &pb::DriverSandbox) -> Option<(&str, &str, &str)> {
    sandbox::condition(seen, "Exposed").map(|exposed| (exposed.status.as_str(), exposed.reason.as_str(), exposed.message.as_str()))
}

/// That an object is owned by the sandbox's.
async fn is_owned(place: &Place, object: &Value) -> Outcome<()> {
    let owner = place.read(&place.sandbox("one")).await?;
    let owners = object["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(matches!(owners, [only] if only["uid"] == owner["metadata"]["uid"]), "{object}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_an_apirule_is_told_and_everything_goes_with_its_sandbox() -> Outcome<()> {
    let place = Place::new("exposure-apirule").await?;
    kyma(&place).await?;
    let launch = |place: &Place, port: &str| {
        let jwt = by_api_rule(place).flag("--apirule-auth", "jwt").flag("--apirule-jwt-issuer", "https://issuer.example");
        jwt.flag("--apirule-jwt-jwks-uri", "https://issuer.example/keys").flag("--exposed-port", port)
    };
    let first = launch(&place, "8080");
    exactly(&place, &first).await?;
    let mut play = place.play_as(first).await?;
    play.create_ready("one", "agent").await?;
    let waits =
        |seen: &pb::DriverSandbox| exposed(seen).is_some_and(|(_, reason, why)| reason == "Pending" && why.contains("Kyma has not looked"));
    until("it waits for Kyma", async || Ok(waits(&play.get("one").await?))).await?;

    let rule = format!("{}/{NAME}", api_rules(&play.place));
    let object = play.place.read(&rule).await?;
    assert_eq!(object["spec"]["hosts"], json!(["default--one"]), "Kyma adds the domain");
    is_owned(&play.place, &object).await?;
    let service = play.place.read(&format!("{}/{NAME}", services(&play.place))).await?;
    assert_eq!(service["spec"]["ports"][0]["port"], 8080);
    is_owned(&play.place, &service).await?;
    let selected = service["spec"]["selector"].as_object().ok_or("a service that selects nothing")?;
    let pod = play.place.read(&play.place.pod("one")).await?;
    assert!(selected.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value), "{selected:?}");

    let says = |state: &str, why: &str| json!({ "status": { "state": state, "description": why } });
    play.place.patch(&format!("{rule}/status"), says("Error", "the workload has no sidecar")).await?;
    let event = play.until_happened("one", "APIRuleError").await?;
    assert!(event.message.contains("the workload has no sidecar"), "{event:?}");
    assert_eq!(event.metadata.get("host"), Some(&format!("default--one.{DOMAIN}")));
    let seen = play.get("one").await?;
    assert!(exposed(&seen).is_some_and(|(status, reason, _)| (status, reason) == ("False", "APIRuleError")), "{seen:?}");
    assert!(sandbox::is_ready(&seen), "it works like any other");

    play.place.patch(&format!("{rule}/status"), says("Ready", "")).await?;
    play.until_happened("one", "APIRuleReady").await?;
    let url = format!("https://default--one.{DOMAIN}");
    assert_eq!(exposed(&play.get("one").await?), Some(("True", "APIRuleReady", url.as_str())));

    // Another port, from the next process on.
    let Play { mut driver, gateway, events, place } = play;
    driver.signal("TERM").await?;
    driver.ended().await?;
    drop((gateway, events));
    let second = launch(&place, "9090");
    let mut play = place.play_as(second).await?;
    let service = format!("{}/{NAME}", services(&play.place));
    until("both have the other port", async || {
        let (rule, service) = (play.place.read(&rule).await?, play.place.read(&service).await?);
        Ok(rule["spec"]["service"]["port"] == 9090
            && service["spec"]["ports"].as_array().is_some_and(|ports| matches!(ports.as_slice(), [only] if only["port"] == 9090)))
    })
    .await?;

    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    for path in [&rule, &service] {
        play.place.until_gone(path).await?;
    }
    let written = play.place.strictly_written()?;
    let expected = ["apirules", "services"].map(|plural| ["create", "patch"].map(|verb| (verb.to_owned(), plural.to_owned())));
    let sandboxes = ("create".to_owned(), "sandboxes".to_owned());
    assert_eq!(written, expected.into_iter().flatten().chain([sandboxes]).collect());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_an_apirule_is_one_that_fits_the_schema() -> Outcome<()> {
    let place = Place::new("exposure-forms").await?;
    kyma(&place).await?;
    let jwt = [
        ("--apirule-auth", "jwt"),
        ("--apirule-jwt-issuer", "https://issuer.example"),
        ("--apirule-jwt-jwks-uri", "https://issuer.example/keys"),
        ("--apirule-jwt-audiences", "one,two"),
        ("--apirule-jwt-scopes", "sandbox.use,sandbox.see"),
    ];
    let authorizers = [("--apirule-auth", "ext-auth"), ("--apirule-authorizers", "oauth2-proxy,other")];
    let anybody = [("--apirule-auth", "none"), ("--cluster-domain", "sandboxes.example.com")];
    // Who is let through asks for no right.
    exactly(&place, &by_api_rule(&place).flag("--apirule-auth", "none")).await?;
    let long = "a".repeat(50);
    for (name, flags, said) in [
        ("tokens", &jwt[..], "/spec/rules/0/jwt/authorizations/0/audiences/1"),
        ("authorizers", &authorizers, "/spec/rules/0/extAuth/authorizers/1"),
        ("anybody", &anybody, "/spec/rules/0/noAuth"),
        (&long, &anybody, "/spec/rules/0/noAuth"),
    ] {
        let launch = flags.iter().fold(by_api_rule(&place), |launch, (flag, value)| launch.flag(flag, value));
        let mut driver = Driver::ready(&launch).await?;
        let gateway = Gateway::connect(&driver.socket).await?;
        create(&gateway, sandbox::wanted(name)).await?;
        let id = sandbox::id(name);
        let has = async || {
            let rules = place.read(&api_rules(&place)).await?;
            let ours = |rule: &&Value| rule["metadata"]["labels"]["openshell.ai/sandbox-id"] == id.as_str();
            Ok(rules["items"].as_array().into_iter().flatten().find(ours).is_some_and(|rule| rule.pointer(said).is_some()))
        };
        until(&format!("there is an APIRule for {name} with {said}"), has).await?;
        driver.signal("TERM").await?;
        driver.ended().await?;
    }
    place.strictly_written()?;

    // The schema is one that refuses.
    let rule = |access: Value| {
        let mut rule = json!({ "path": "/*", "methods": ["GET"] });
        rule.as_object_mut().into_iter().for_each(|rule| rule.extend(access.as_object().cloned().unwrap_or_default()));
        let spec =
            json!({ "hosts": ["a"], "gateway": "kyma-system/kyma-gateway", "service": { "name": "a", "port": 80 }, "rules": [rule] });
        json!({ "apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule", "metadata": { "name": "trial" }, "spec": spec })
    };
    let strictly = format!("{}?dryRun=All&fieldValidation=Strict", api_rules(&place));
    let empty = json!({ "jwt": { "authentications": [] } });
    for (access, status) in [
        (json!({ "noAuth": true }), 201),
        (json!({}), 422),
        (json!({ "noAuth": true, "extAuth": { "authorizers": ["a"] } }), 422),
        (empty, 422),
        (json!({ "noAuth": true, "accessStrategies": [] }), 400),
    ] {
        let answer = place.admin.ask("POST", &strictly, Some(&rule(access.clone()))).await?;
        assert_eq!(answer.status, status, "{access}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtualservice_is_one_that_istio_takes_and_lets_only_the_ingress_in() -> Outcome<()> {
    let place = Place::new("exposure-virtualservice").await?;
    kyma(&place).await?;
    let launch = place.launch().flag("--exposure", "virtualservice").flag("--apirule-auth", "none").flag("--exposed-port", "3000");
    exactly(&place, &launch).await?;
    let mut play = place.play_as(launch).await?;
    play.create("one").await?;
    let event = play.until_happened("one", "Routed").await?;
    let url = format!("https://default--one.{DOMAIN}");
    assert_eq!((event.message.as_str(), event.r#type.as_str()), (url.as_str(), "Normal"));
    until("it is ready", async || Ok(sandbox::is_ready(&play.get("one").await?))).await?;
    assert_eq!(exposed(&play.get("one").await?), Some(("True", "Routed", url.as_str())));

    let namespace = &play.place.namespace;
    let route = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{NAME}");
    let policy = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{NAME}");
    let service = format!("{}/{NAME}", services(&play.place));
    let routed = play.place.read(&route).await?;
    assert_eq!(
        (&routed["spec"]["hosts"], &routed["spec"]["gateways"]),
        (&json!([format!("default--one.{DOMAIN}")]), &json!(["kyma-system/kyma-gateway"]))
    );
    let guarded = play.place.read(&policy).await?;
    assert_eq!(guarded["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"], json!({ "istio": "ingressgateway" }));
    for object in [&routed, &guarded, &play.place.read(&service).await?] {
        is_owned(&play.place, object).await?;
    }

    // Deleted by hand, it comes back.
    play.place.remove(&route).await?;
    let uid = &routed["metadata"]["uid"];
    until("it is there again", async || {
        let answer = play.place.admin.ask("GET", &route, None).await?;
        Ok(answer.status == 200 && answer.body["metadata"]["uid"] != *uid)
    })
    .await?;

    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    for path in [&route, &policy, &service] {
        play.place.until_gone(path).await?;
    }
    let written = play.place.strictly_written()?;
    let expected = ["sandboxes", "services", "networkpolicies", "virtualservices"].map(|plural| ("create".to_owned(), plural.to_owned()));
    assert_eq!(written, expected.into_iter().collect());
    Ok(())
}
