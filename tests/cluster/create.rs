//! Creates: kubernetes.md §E, cases 1 to 23.

use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;

use crate::scene::{Place, Play, Rights, create, not_ready, says, until, with_image};

/// How long a test lets something go on that must not come to an end.
const A_WHILE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn case_01_a_create_is_one_post() -> Outcome<()> {
    let play = Play::new("case-01").await?;
    play.create("one").await?;
    assert_eq!(play.place.audited("create", "/sandboxes")?, [201]);
    let object = play.place.read(&play.place.sandbox("one")).await?;
    assert_eq!(object["metadata"]["labels"]["openshell.ai/sandbox-id"], sandbox::id("one").as_str());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_02_the_same_create_again_is_the_same_sandbox() -> Outcome<()> {
    let play = Play::new("case-02").await?;
    play.create("one").await?;
    let before = play.place.read(&play.place.sandbox("one")).await?;
    play.create("one").await?;
    let after = play.place.read(&play.place.sandbox("one")).await?;
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(before["spec"], after["spec"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_03_a_name_that_is_a_strangers_is_left_alone() -> Outcome<()> {
    let play = Play::new("case-03").await?;
    let stranger = play.place.make_sandbox(json!({ "name": "default--one" })).await?;
    let refused = play.create("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists, "{refused}");
    let now = play.place.read(&play.place.sandbox("one")).await?;
    assert_eq!((&now["metadata"]["uid"], &now["spec"]), (&stranger["metadata"]["uid"], &stranger["spec"]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_04_a_name_on_its_way_out_is_waited_for() -> Outcome<()> {
    let play = Play::new("case-04").await?;
    let path = play.place.sandbox("one");
    play.place.make_sandbox(json!({ "name": "default--one", "finalizers": ["example.com/hold"] })).await?;
    play.place.remove(&path).await?;

    let hurried = play.gateway.waiting(A_WHILE);
    let late = create(&hurried, sandbox::wanted("one")).await.unwrap_err();
    assert_eq!(late.code(), Code::Unavailable, "{late}");
    assert!(late.message().contains("still being deleted"), "{late}");

    let (created, released) = tokio::join!(play.create("one"), async {
        sleep(A_WHILE).await;
        play.place.patch(&path, json!({ "metadata": { "finalizers": null } })).await
    });
    released?;
    created?;
    let object = play.place.read(&path).await?;
    assert_eq!(object["metadata"]["labels"]["openshell.ai/sandbox-id"], sandbox::id("one").as_str());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_05_a_create_whose_answer_is_lost_is_found() -> Outcome<()> {
    let place = Place::new("case-05").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let play = place.play_through(&relay).await?;
    relay.hold(Way::Answers);
    let (created, lost) = tokio::join!(play.create("one"), async {
        let path = play.place.sandbox("one");
        until("the object is there", async || play.place.is_there(&path).await).await?;
        relay.cut();
        Ok::<_, rig::Failure>(())
    });
    lost?;
    created?;
    assert_eq!(play.place.audited("create", "/sandboxes")?, [201, 201], "it is read back, not posted again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_06_a_caller_that_hangs_up_leaves_its_sandbox() -> Outcome<()> {
    let place = Place::new("case-06").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    let caller = Gateway::connect(&play.driver.socket).await?;
    relay.hold(Way::Answers);
    let path = play.place.sandbox("one");
    tokio::select! {
        created = create(&caller, sandbox::wanted("one")) => return Err(format!("its answer was held, and yet: {created:?}").into()),
        there = until("the object is there", async || play.place.is_there(&path).await) => there?,
    }
    caller.hang_up()?;
    relay.release();
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_07_what_the_server_finds_invalid_is_told_and_not_repeated() -> Outcome<()> {
    let play = Play::new("case-07").await?;
    deny_sandboxes(&play.place, "Invalid").await?;
    let refused = play.create("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("not in this namespace"), "{refused}");
    assert_eq!(play.place.audited("create", "/sandboxes")?, [422], "it is asked once");
    assert!(!play.place.is_there(&play.place.sandbox("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_denies_is_told_and_not_repeated() -> Outcome<()> {
    let play = Play::new("case-admission-policy").await?;
    deny_sandboxes(&play.place, "Forbidden").await?;
    let refused = play.create("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("not in this namespace"), "{refused}");
    assert_eq!(play.place.audited("create", "/sandboxes")?, [403], "it is asked once");
    Ok(())
}

/// Has the API server refuse every Sandbox of a namespace, with this reason, and waits until it does.
async fn deny_sandboxes(place: &Place, reason: &str) -> Outcome<()> {
    let api = "/apis/admissionregistration.k8s.io/v1";
    let name = &place.namespace;
    let policy = json!({ "metadata": { "name": name }, "spec": {
        "matchConstraints": { "resourceRules": [{
            "apiGroups": ["agents.x-k8s.io"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["sandboxes"],
        }] },
        "validations": [{ "expression": "false", "message": "not in this namespace", "reason": reason }],
    } });
    place.make(&format!("{api}/validatingadmissionpolicies"), policy).await?;
    let binding = json!({ "metadata": { "name": name }, "spec": {
        "policyName": name, "validationActions": ["Deny"],
        "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } },
    } });
    place.make(&format!("{api}/validatingadmissionpolicybindings"), binding).await?;
    let trial = json!({
        "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "metadata": { "name": "trial" },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent" }] } } },
    });
    let path = format!("{}?dryRun=All", place.sandboxes());
    until("the policy is in force", async || Ok(place.admin.ask("POST", &path, Some(&trial)).await?.status >= 400)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_09_a_variable_from_several_sides_is_there_once() -> Outcome<()> {
    let play = Play::new("case-09").await?;
    let mut wanted = sandbox::wanted("one");
    let spec = wanted.spec.as_mut().ok_or("a sandbox without a spec")?;
    spec.environment.insert("MINE".into(), "from the request".into());
    spec.environment.insert("OPENSHELL_SANDBOX_ID".into(), "forged".into());
    let template = json!({ "environment": { "MINE": "from the template", "THEIRS": "1" } });
    spec.template = Some(serde_json::from_value(template)?);
    create(&play.gateway, wanted).await?;
    let object = play.place.read(&play.place.sandbox("one")).await?;
    let environment = object["spec"]["podTemplate"]["spec"]["containers"][0]["env"].as_array().ok_or("no environment")?;
    let values = |name: &str| environment.iter().filter(|it| it["name"] == name).map(|it| &it["value"]).collect::<Vec<_>>();
    assert_eq!(values("MINE"), ["from the request"]);
    assert_eq!(values("THEIRS"), ["1"]);
    assert_eq!(values("OPENSHELL_SANDBOX_ID"), [&Value::from(sandbox::id("one"))]);
    Ok(())
}

/// A quota, once the API server goes by it.
async fn limit(place: &Place, hard: Value) -> Outcome<()> {
    let quotas = format!("/api/v1/namespaces/{}/resourcequotas", place.namespace);
    place.make(&quotas, json!({ "metadata": { "name": "team" }, "spec": { "hard": hard } })).await?;
    let path = format!("{quotas}/team");
    until("the quota is counted", async || Ok(place.read(&path).await?["status"]["used"].is_object())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_a_used_up_quota_is_told_with_the_command_to_look() -> Outcome<()> {
    let play = Play::new("case-10").await?;
    limit(&play.place, json!({ "count/sandboxes.agents.x-k8s.io": "1" })).await?;
    play.create("one").await?;
    let refused = play.create("two").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("exceeded quota: team"), "{refused}");
    assert!(refused.message().contains("kubectl describe resourcequota -n case-10"), "{refused}");
    assert_eq!(play.place.audited("create", "/sandboxes")?, [201, 403]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_beyond_the_quota_waits_and_comes_when_there_is_room() -> Outcome<()> {
    let mut play = Play::new("case-pod-quota").await?;
    limit(&play.place, json!({ "pods": "0" })).await?;
    play.create("one").await?;
    play.until_seen("one", |seen| says(seen, "ReconcilerError", "exceeded quota: team")).await?;
    play.place.remove(&format!("/api/v1/namespaces/{}/resourcequotas/team", play.place.namespace)).await?;
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_11_a_missing_right_is_named_and_the_create_not_repeated() -> Outcome<()> {
    let play = Play::new("case-11").await?;
    play.place.forbid(&["create"]).await?;
    let refused = play.create("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("kubectl auth can-i create sandboxes"), "{refused}");
    assert_eq!(play.place.audited("create", "/sandboxes")?, [403]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_a_namespace_on_its_way_out_takes_nothing() -> Outcome<()> {
    let play = Place::with("case-12", Rights::Everywhere).await?.play().await?;
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.com/hold"] } });
    let held_at = format!("/api/v1/namespaces/{}/configmaps", play.place.namespace);
    play.place.make(&held_at, held).await?;
    play.place.remove("/api/v1/namespaces/case-12").await?;
    let refused = play.create("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("being deleted"), "{refused}");
    assert_eq!(play.place.audited("create", "/sandboxes")?, [403]);
    play.place.patch(&format!("{held_at}/held"), json!({ "metadata": { "finalizers": null } })).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_a_missing_namespace_is_named() -> Outcome<()> {
    let play = Place::with("case-13", Rights::Everywhere).await?.play().await?;
    play.place.remove("/api/v1/namespaces/case-13").await?;
    play.place.until_gone("/api/v1/namespaces/case-13").await?;
    // Admission hears of it by a watch of its own, a moment later.
    until("it is missed", async || {
        let refused = play.create("one").await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
        Ok(refused.message().contains("kubectl create namespace case-13"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_15_a_busy_server_is_waited_for() -> Outcome<()> {
    let play = Play::new("case-15").await?;
    let api = "/apis/flowcontrol.apiserver.k8s.io/v1";
    let level = json!({ "metadata": { "name": "case-15" }, "spec": {
        "type": "Limited", "limited": { "nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": { "type": "Reject" } },
    } });
    play.place.make(&format!("{api}/prioritylevelconfigurations"), level).await?;
    let subject = json!({ "kind": "ServiceAccount", "serviceAccount": { "name": "openshell-driver", "namespace": "case-15" } });
    let everything = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true }]);
    let schema = json!({ "metadata": { "name": "case-15" }, "spec": {
        "priorityLevelConfiguration": { "name": "case-15" }, "matchingPrecedence": 10,
        "rules": [{ "subjects": [subject], "resourceRules": everything }],
    } });
    play.place.make(&format!("{api}/flowschemas"), schema).await?;
    // The level has no seats, but an idle one lets a single request in: others of the same user keep it busy.
    let sandboxes = play.place.sandboxes();
    for round in 0..20 {
        let mut others = JoinSet::new();
        for _ in 0..8 {
            let (driver, sandboxes) = (play.place.as_the_driver().await?, sandboxes.clone());
            others.spawn(async move { while driver.ask("GET", &sandboxes, None).await.is_ok() {} });
        }
        let name = format!("n{round}");
        let was_turned_away = async || Ok(play.place.audited("create", "/sandboxes")?.contains(&429));
        let created = play.create(&name);
        tokio::pin!(created);
        tokio::select! {
            early = &mut created => early?,
            turned_away = until("a create was turned away", was_turned_away) => {
                turned_away?;
                others.shutdown().await;
                return Ok(created.await?);
            }
        }
    }
    Err("no create met a busy server".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_create_that_the_server_fails_is_settled() -> Outcome<()> {
    let play = Play::new("case-16").await?;
    let hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    // Nobody listens there, so the API server has an internal error: 500.
    let hook = json!({ "metadata": { "name": "case-16" }, "webhooks": [{
        "name": "nobody.example.com", "clientConfig": { "url": "https://127.0.0.1:1/" }, "failurePolicy": "Fail",
        "rules": [{ "apiGroups": ["agents.x-k8s.io"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["sandboxes"] }],
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "case-16" } },
        "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }] });
    play.place.make(hooks, hook).await?;
    let trial = json!({
        "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "metadata": { "name": "trial" },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent" }] } } },
    });
    let dry = format!("{}?dryRun=All", play.place.sandboxes());
    until("creates fail", async || Ok(play.place.admin.ask("POST", &dry, Some(&trial)).await?.status == 500)).await?;
    let (created, mended) = tokio::join!(play.create("one"), async {
        until("a create has failed", async || Ok(play.place.audited("create", "/sandboxes")?.contains(&500))).await?;
        play.place.remove(&format!("{hooks}/case-16")).await
    });
    mended?;
    created?;
    assert!(play.place.is_there(&play.place.sandbox("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_18_a_name_that_cannot_be_is_refused_without_asking() -> Outcome<()> {
    let play = Play::new("case-18").await?;
    for name in ["Upper", "under_score", &"long".repeat(60)] {
        let wanted = sandbox::wanted(name);
        let request = pb::ValidateSandboxCreateRequest { sandbox: Some(wanted.clone()) };
        let invalid = play.gateway.validate_sandbox_create(request).await.unwrap_err();
        assert_eq!(invalid.code(), Code::InvalidArgument, "{name}: {invalid}");
        let refused = create(&play.gateway, wanted).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{name}: {refused}");
    }
    assert!(play.place.audited("create", "/sandboxes")?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_an_id_that_is_no_label_is_found_again() -> Outcome<()> {
    let play = Play::new("case-19").await?;
    let id = format!("an id with spaces{}", ", and longer than a label may be".repeat(4));
    create(&play.gateway, pb::DriverSandbox { id: id.clone(), ..sandbox::wanted("one") }).await?;
    let request = pb::GetSandboxRequest { sandbox_id: id.clone(), sandbox_name: "one".into() };
    let found = play.gateway.get_sandbox(request).await?.sandbox.ok_or("a reply without a sandbox")?;
    assert_eq!(found.id, id);
    let request = pb::DeleteSandboxRequest { sandbox_id: id, sandbox_name: "one".into() };
    assert!(play.gateway.delete_sandbox(request).await?.deleted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_a_gpu_without_a_count_is_one() -> Outcome<()> {
    let play = Play::new("case-20").await?;
    let with_gpus = |name: &str, count: Option<u32>| {
        let mut wanted = sandbox::wanted(name);
        if let Some(spec) = wanted.spec.as_mut() {
            spec.resource_requirements = Some(pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count }) });
        }
        wanted
    };
    create(&play.gateway, with_gpus("one", None)).await?;
    let object = play.place.read(&play.place.sandbox("one")).await?;
    assert_eq!(object["spec"]["podTemplate"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "1");
    let request = pb::ValidateSandboxCreateRequest { sandbox: Some(with_gpus("none", Some(0))) };
    assert_eq!(play.gateway.validate_sandbox_create(request).await.unwrap_err().code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_21_the_same_create_twice_at_once_is_one_sandbox() -> Outcome<()> {
    let play = Play::new("case-21").await?;
    let (first, second) = tokio::join!(play.create("one"), play.create("one"));
    first?;
    second?;
    // And by another replica of the driver.
    let another = Driver::ready(&play.place.launch().at(&play.place.another_socket())).await?;
    let gateway = Gateway::connect(&another.socket).await?;
    let (first, second) = tokio::join!(play.create("two"), create(&gateway, sandbox::wanted("two")));
    first?;
    second?;
    let listed = play.place.read(&play.place.sandboxes()).await?;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_creates_that_race_for_a_name_one_wins() -> Outcome<()> {
    let play = Play::new("case-race").await?;
    let another = Driver::ready(&play.place.launch().at(&play.place.another_socket())).await?;
    let gateway = Gateway::connect(&another.socket).await?;
    for round in 0..10 {
        let name = format!("race-{round}");
        let rival = pb::DriverSandbox { id: format!("rival-{round}"), ..sandbox::wanted(&name) };
        let (ours, theirs) = tokio::join!(play.create(&name), create(&gateway, rival));
        let lost = match (ours, theirs) {
            (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
            both => return Err(format!("round {round}: not one of two: {both:?}").into()),
        };
        assert_eq!(lost.code(), Code::AlreadyExists, "round {round}: {lost}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_a_pod_that_admission_refuses_waits_and_comes_when_it_may() -> Outcome<()> {
    let mut play = Play::new("case-23").await?;
    let enforce = |level: &str| json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
    play.place.patch("/api/v1/namespaces/case-23", enforce("baseline")).await?;
    create(&play.gateway, with_image("one", "agent")).await?;
    let seen = play.until_seen("one", |seen| says(seen, "ReconcilerError", "violates PodSecurity")).await?;
    assert_eq!(not_ready(&seen), Some("ReconcilerError"));
    play.place.patch("/api/v1/namespaces/case-23", enforce("privileged")).await?;
    play.until_ready("one").await?;
    Ok(())
}
