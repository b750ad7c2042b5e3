//! What befalls a whole cluster: its server restarts, forgets, is restored; its Sandbox API comes, goes, changes version.

use std::time::Duration;

use rig::cluster::Cluster;
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::time::sleep;
use tonic::Code;

use crate::scene::{Place, Play, create, is_final, is_stopped, until, until_within};

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sandboxes.agents.x-k8s.io";
const APISERVER: &str = "/processes/kube-apiserver";
const CONTROLLER: &str = "/processes/agent-sandbox-controller";

/// A place in a cluster in which everything runs, with this release of agent-sandbox, whatever the test before has left.
async fn place(name: &str, version: &str) -> Outcome<Place> {
    let cluster = Cluster::here()?;
    for process in ["etcd", "kube-apiserver", "kube-controller-manager", "agent-sandbox-controller", "kubelet"] {
        match cluster.control(&format!("/processes/{process}/start")).await {
            Err(why) if !why.to_string().contains("runs already") && !why.to_string().contains("no process is called") => return Err(why),
            _ => {}
        }
    }
    cluster.control(&format!("/agent-sandbox/{version}")).await?;
    Place::new(name).await
}

/// How long everybody else may take to find their way back to a server that went, or to a version that came: they pause longer with each try, and
/// the garbage collector looks for new resources twice a minute.
const RECOVERY: Duration = Duration::from_secs(150);

/// How long a deletion is watched that must not come to an end: several times what the garbage collector takes otherwise.
const OVERLOOKED: Duration = Duration::from_secs(5);

/// Waits until a sandbox is ready, and then until that was told on the stream, on which nothing may be called deleted.
async fn until_ready_and_nothing_deleted(play: &mut Play, name: &str) -> Outcome<()> {
    until_within(RECOVERY, &format!("{name} is ready"), async || Ok(sandbox::is_ready(&play.get(name).await?))).await?;
    let id = sandbox::id(name);
    play.events
        .until(|event| {
            assert_eq!(sandbox::deleted(event), None, "nothing was deleted");
            sandbox::snapshot(event).filter(|seen| seen.id == id && sandbox::is_ready(seen)).map(|_| ())
        })
        .await?;
    Ok(())
}

/// Deletes a sandbox, and waits until it is gone and that was told.
async fn delete_and_see_it_go(play: &mut Play, name: &str) -> Outcome<()> {
    assert!(play.delete(name).await?);
    let is_gone = async || match play.get(name).await {
        Err(status) if status.code() == Code::NotFound => Ok(true),
        Err(status) => Err(status.into()),
        Ok(_) => Ok(false),
    };
    until_within(RECOVERY, &format!("{name} is gone"), is_gone).await?;
    play.until_deleted(name).await
}

/// Changes the Sandbox CRD, which ends every watch of Sandboxes.
async fn change_definition(place: &Place, change: impl FnOnce(&mut Value)) -> Outcome<()> {
    let mut definition = place.read(DEFINITION).await?;
    change(&mut definition);
    place.admin.done("PUT", DEFINITION, Some(&definition)).await.map(|_| ())
}

/// A version of the Sandbox API in its CRD.
fn version<'a>(definition: &'a mut Value, name: &str) -> &'a mut Value {
    let versions = definition["spec"]["versions"].as_array_mut().into_iter().flatten();
    versions.filter(|version| version["name"] == name).last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_08_a_resource_without_the_service_field() -> Outcome<()> {
    let play = place("case-08", "v1beta1").await?.play().await?;
    let field = "/properties/spec/properties";
    let mut taken = Value::Null;
    change_definition(&play.place, |definition| {
        let schema = &mut version(definition, "v1beta1")["schema"]["openAPIV3Schema"];
        taken = schema.pointer_mut(field).and_then(Value::as_object_mut).and_then(|fields| fields.remove("service")).unwrap_or_default();
    })
    .await?;
    assert!(taken.is_object(), "the field was there");
    let trial = json!({ "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "metadata": { "name": "trial" }, "spec": {
        "service": false, "podTemplate": { "spec": { "containers": [{ "name": "agent" }] } } } });
    let strict = format!("{}?dryRun=All&fieldValidation=Strict", play.place.sandboxes());
    until("the field is unknown", async || Ok(play.place.admin.ask("POST", &strict, Some(&trial)).await?.status == 400)).await?;
    play.create("one").await?;
    assert_eq!(play.place.audited("create", "/sandboxes")?, [400, 201], "once more, without it");
    change_definition(&play.place, |definition| {
        version(definition, "v1beta1")["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["service"] = taken;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_14_a_version_that_is_not_served_any_more() -> Outcome<()> {
    let play = place("case-14", "v1beta1").await?.play().await?;
    play.create("before").await?;
    change_definition(&play.place, |definition| version(definition, "v1beta1")["served"] = false.into()).await?;
    let path = play.place.sandboxes();
    until("it is not served", async || Ok(play.place.admin.ask("GET", &path, None).await?.status == 404)).await?;
    // Discovery follows; in between it says that nothing is served at all.
    let only_the_old = |group: &Value| {
        group["versions"].as_array().is_some_and(|served| matches!(served.as_slice(), [only] if only["version"] == "v1alpha1"))
    };
    until("the old one is", async || Ok(only_the_old(&play.place.admin.ask("GET", "/apis/agents.x-k8s.io", None).await?.body))).await?;
    let created = play.create("one").await;
    let found = play.get("before").await;
    let deleted = play.delete("before").await;
    change_definition(&play.place, |definition| version(definition, "v1beta1")["served"] = true.into()).await?;
    until("it is served again", async || Ok(play.place.admin.ask("GET", &path, None).await?.status == 200)).await?;
    created?;
    found?;
    assert!(deleted?);
    assert!(play.place.is_there(&play.place.sandbox("one")).await?);
    // Its controller had lost its resource: a fresh one has it.
    play.place.cluster.control(&format!("{CONTROLLER}/stop")).await?;
    play.place.cluster.control(&format!("{CONTROLLER}/start")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_the_old_version_cannot_be_converted() -> Outcome<()> {
    let mut play = place("case-17", "v1alpha1").await?.play().await?;
    play.create_ready("one", "agent").await?;
    play.place.cluster.control("/agent-sandbox/v1beta1").await?;
    // One that is stored as v1beta1: those before it are not converted as long as they are left alone.
    play.place.make_sandbox(json!({ "name": "newer" })).await?;
    // The webhook is the controller's process.
    play.place.cluster.control(&format!("{CONTROLLER}/stop")).await?;
    let newer = format!("{}/newer", play.place.sandboxes_in("v1alpha1"));
    until("it cannot be converted", async || Ok(play.place.admin.ask("GET", &newer, None).await?.status == 500)).await?;
    let created = play.create("two").await;
    play.place.cluster.control(&format!("{CONTROLLER}/start")).await?;
    created?;
    play.until_ready("two").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_an_object_without_a_status_is_being_made() -> Outcome<()> {
    let mut play = place("case-22", "v1beta1").await?.play().await?;
    play.place.cluster.control(&format!("{CONTROLLER}/stop")).await?;
    play.create("one").await?;
    let seen = play.until_seen("one", |_| true).await?;
    assert!(seen.status.is_none_or(|status| status.conditions.is_empty()), "nothing is known of it yet");
    play.place.cluster.control(&format!("{CONTROLLER}/start")).await?;
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_without_a_controller_nothing_is_the_end() -> Outcome<()> {
    let mut play = place("case-24", "v1beta1").await?.play().await?;
    play.create_ready("before", "agent").await?;
    play.place.cluster.control(&format!("{CONTROLLER}/stop")).await?;
    play.create("one").await?;
    // It is said after half a minute; a stream is listened to for no longer at once.
    let mut warned = play.until_happened("one", "ControllerNotResponding").await;
    if warned.is_err() {
        warned = play.until_happened("one", "ControllerNotResponding").await;
    }
    assert!(warned?.message.contains("kubectl get pods -n agent-sandbox-system"));
    assert!(!is_final(&play.get("one").await?));
    assert!(sandbox::is_ready(&play.get("before").await?), "what was ready is so without a controller");
    play.place.cluster.control(&format!("{CONTROLLER}/start")).await?;
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_26_what_history_has_forgotten_is_told_after_a_new_list() -> Outcome<()> {
    let place = place("case-26", "v1beta1").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    for name in ["gone", "kept"] {
        play.create_ready(name, "agent").await?;
    }
    // A new definition ends every watch; what the driver asks next, a watch from there, does not arrive yet.
    relay.hold(Way::Requests);
    let now = play.place.read(&play.place.sandboxes()).await?["metadata"]["resourceVersion"].take();
    let watch = format!("{}?watch=1&resourceVersion={}", play.place.sandboxes(), now.as_str().ok_or("a list without a version")?);
    let admin = play.place.admin.clone();
    let another_watch = tokio::spawn(async move { admin.ask("GET", &watch, None).await });
    let column = json!({ "name": "Extra", "type": "string", "jsonPath": ".metadata.name" });
    change_definition(&play.place, |definition| {
        if let Some(columns) = version(definition, "v1beta1")["additionalPrinterColumns"].as_array_mut() {
            columns.push(column);
        }
    })
    .await?;
    another_watch.await??;
    let gone = play.place.sandbox("gone");
    play.place.remove(&gone).await?;
    play.place.until_gone(&gone).await?;
    play.place.cluster.control("/etcd/compact").await?;
    relay.release();
    play.until_deleted("gone").await?;
    play.driver.logged("relisting").await?;
    assert_eq!(play.list().await?.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    play.create_ready("new", "agent").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_28_a_server_restored_from_a_backup() -> Outcome<()> {
    let mut play = place("case-28", "v1beta1").await?.play().await?;
    play.create_ready("kept", "agent").await?;
    play.place.cluster.control("/etcd/save").await?;
    until("it is served again", async || Ok(play.list().await.is_ok())).await?;
    until("a create gets through", async || Ok(play.create("lost").await.is_ok())).await?;
    play.until_seen("lost", |_| true).await?;
    play.place.cluster.control("/etcd/restore").await?;
    play.until_deleted("lost").await?;
    assert_eq!(play.list().await?.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    // The others remember a future that never was; after a restore they are restarted.
    for name in ["kube-controller-manager", "agent-sandbox-controller", "kubelet"] {
        play.place.cluster.control(&format!("/processes/{name}/stop")).await?;
        play.place.cluster.control(&format!("/processes/{name}/start")).await?;
    }
    play.create("lost").await?;
    until_within(RECOVERY, "it is ready", async || Ok(sandbox::is_ready(&play.get("lost").await?))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_across_restarts_of_the_server() -> Outcome<()> {
    let mut play = place("case-restart", "v1beta1").await?.play().await?;
    play.create_ready("kept", "agent").await?;
    for end in ["stop", "kill"] {
        let name = format!("made-after-a-{end}");
        play.place.cluster.control(&format!("{APISERVER}/{end}")).await?;
        let refused = create(&play.gateway.waiting(Duration::from_secs(2)), sandbox::wanted(&name)).await.unwrap_err();
        assert!(matches!(refused.code(), Code::Unavailable | Code::DeadlineExceeded), "{refused}");
        play.get("kept").await?;
        play.place.cluster.control(&format!("{APISERVER}/start")).await?;
        // The others pause longer with each try they made; it is the driver whose return is awaited.
        for process in [CONTROLLER, "/processes/kubelet"] {
            play.place.cluster.control(&format!("{process}/stop")).await?;
            play.place.cluster.control(&format!("{process}/start")).await?;
        }
        play.create_with(&name, "agent").await?;
        until_ready_and_nothing_deleted(&mut play, &name).await?;
    }
    delete_and_see_it_go(&mut play, "kept").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_57_controllers_that_never_say_suspended() -> Outcome<()> {
    let mut play = place("case-57", "v1alpha1").await?.play().await?;
    play.create_ready("one", "stops-slowly").await?;
    let object = play.place.read(&format!("{}/default--one", play.place.sandboxes_in("v1alpha1"))).await?;
    assert_eq!(object["apiVersion"], "agents.x-k8s.io/v1alpha1");
    play.stop("one").await?;
    assert!(!play.place.is_there(&play.place.pod("one")).await?, "the pod is there after a stop");
    play.until_seen("one", is_stopped).await?;
    play.start("one").await?;
    let id = sandbox::id("one");
    play.events
        .until(|event| {
            let seen = sandbox::snapshot(event).filter(|seen| seen.id == id)?;
            assert!(!is_final(seen), "{seen:?}");
            (sandbox::is_ready(seen) && !is_stopped(seen)).then_some(())
        })
        .await?;
    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    assert!(!play.place.is_there(&play.place.pod("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_77_without_a_server_the_socket_comes_in_time() -> Outcome<()> {
    let place = place("case-77", "v1beta1").await?;
    place.cluster.control(&format!("{APISERVER}/stop")).await?;
    let launch = place.launch();
    let mut driver = Driver::start(&launch)?;
    let mut gateway = None;
    until("the socket is there", async || {
        gateway = Gateway::connect(&launch.socket).await.ok();
        Ok(gateway.is_some())
    })
    .await?;
    let gateway = gateway.ok_or("no gateway")?;
    let refused = create(&gateway.waiting(Duration::from_secs(2)), sandbox::wanted("one")).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unavailable | Code::DeadlineExceeded), "{refused}");
    place.cluster.control(&format!("{APISERVER}/start")).await?;
    driver.logged("every sandbox is known").await?;
    create(&gateway, sandbox::wanted("one")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_78_agent_sandbox_comes_later() -> Outcome<()> {
    let place = place("case-78", "none").await?;
    let launch = place.launch();
    let mut driver = Driver::start(&launch)?;
    let mut gateway = None;
    until("the socket is there", async || {
        gateway = Gateway::connect(&launch.socket).await.ok();
        Ok(gateway.is_some())
    })
    .await?;
    let gateway = gateway.ok_or("no gateway")?;
    let refused = create(&gateway, sandbox::wanted("one")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("agent-sandbox"), "{refused}");
    place.cluster.control("/agent-sandbox/v1beta1").await?;
    // It looks again every thirty seconds at most.
    let ready = driver.logged("driver ready").await;
    if ready.is_err() {
        driver.logged("driver ready").await?;
    }
    create(&gateway, sandbox::wanted("one")).await?;
    until("it is ready", async || {
        let found = gateway.get_sandbox(sandbox::get("one")).await?.sandbox;
        Ok(found.is_some_and(|seen| sandbox::is_ready(&seen)))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_79_agent_sandbox_changes_under_us_and_back() -> Outcome<()> {
    let mut play = place("case-79", "v1alpha1").await?.play().await?;
    play.create_ready("first", "agent").await?;
    play.create_ready("rests", "agent").await?;
    play.stop("rests").await?;
    let uid = play.place.read(&format!("{}/default--first", play.place.sandboxes_in("v1alpha1"))).await?["metadata"]["uid"].take();
    for version in ["v1beta1", "v1alpha1"] {
        play.place.cluster.control(&format!("/agent-sandbox/{version}")).await?;
        let name = format!("under-{version}");
        until(&format!("a create gets through under {version}"), async || Ok(play.create_with(&name, "agent").await.is_ok())).await?;
        until_ready_and_nothing_deleted(&mut play, &name).await?;
        assert_eq!(play.list().await?.len(), 3, "everything is still there");
        let now = play.place.read(&format!("{}/default--first", play.place.sandboxes_in(version))).await?;
        assert_eq!(now["metadata"]["uid"], uid);
        assert!(is_stopped(&play.get("rests").await?), "what was stopped is stopped under {version}");
        play.stop(&name).await?;
        play.start(&name).await?;
        until("it runs again", async || Ok(sandbox::is_ready(&play.get(&name).await?))).await?;
        // Before the way back: a garbage collector that knows only v1alpha1 cannot follow an owner reference that says v1beta1.
        delete_and_see_it_go(&mut play, &name).await?;
    }
    play.start("rests").await?;
    until("it runs again", async || Ok(sandbox::is_ready(&play.get("rests").await?))).await?;
    for name in ["first", "rests"] {
        delete_and_see_it_go(&mut play, name).await?;
    }
    Ok(())
}

/// The garbage collector asks for an owner in the version that the reference names. After the way back nobody serves that, and what it cannot ask
/// about it leaves alone. `docs/failures.md` says what to do, and this does it.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_way_back_a_deletion_waits_until_owners_are_named_anew() -> Outcome<()> {
    let mut play = place("case-way-back", "v1beta1").await?.play().await?;
    play.create_ready("one", "agent").await?;
    play.place.cluster.control("/agent-sandbox/v1alpha1").await?;
    until_within(RECOVERY, "a delete gets through", async || Ok(play.delete("one").await.unwrap_or(false))).await?;
    let object = format!("{}/default--one", play.place.sandboxes_in("v1alpha1"));
    sleep(OVERLOOKED).await;
    assert!(play.place.read(&object).await?["metadata"]["deletionTimestamp"].is_string(), "it is being deleted");
    assert!(play.place.read(&play.place.pod("one")).await?["metadata"]["deletionTimestamp"].is_null(), "its pod is not");

    for collection in [play.place.pods(), play.place.claims()] {
        let owned = play.place.read(&collection).await?["items"].take();
        for mut item in owned.as_array().cloned().unwrap_or_default() {
            let mut owners = item["metadata"]["ownerReferences"].take();
            owners[0]["apiVersion"] = "agents.x-k8s.io/v1alpha1".into();
            let path = format!("{collection}/{}", item["metadata"]["name"].as_str().unwrap_or_default());
            play.place.patch(&path, json!({ "metadata": { "ownerReferences": owners } })).await?;
        }
    }
    let is_gone = async || Ok(!play.place.is_there(&object).await? && !play.place.is_there(&play.place.pod("one")).await?);
    until_within(RECOVERY, "it is gone, and its pod", is_gone).await?;
    play.until_deleted("one").await
}
