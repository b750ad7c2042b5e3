//! The process and its likes: restarts, replicas, gateways side by side. kubernetes.md §E, cases 75 and 76.

use std::collections::BTreeSet;

use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use tonic::Code;

use crate::scene::{Place, Play, create};

#[tokio::test(flavor = "multi_thread")]
async fn case_75_a_new_process_knows_everything() -> Outcome<()> {
    let mut play = Play::new("case-75").await?;
    for name in ["one", "two"] {
        play.create_ready(name, "agent").await?;
    }
    play.driver.signal("KILL").await?;
    play.driver.ended().await?;
    let driver = Driver::ready(&play.place.launch()).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut events = gateway.watch().await?;
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let event = events.next().await?;
        assert_eq!(sandbox::deleted(&event), None, "nothing was deleted");
        seen.extend(sandbox::snapshot(&event).map(|seen| seen.name.clone()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_76_told_to_end_it_ends_its_streams() -> Outcome<()> {
    let mut play = Play::new("case-76").await?;
    play.create_ready("one", "agent").await?;
    play.driver.signal("TERM").await?;
    let end = loop {
        if let Err(end) = play.events.next().await {
            break end;
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    assert!(play.driver.ended().await?.success());
    assert!(!play.driver.socket.exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rights_it_ends_with_the_command_that_helps() -> Outcome<()> {
    let place = Place::new("process-rights").await?;
    place.forbid(&["list"]).await?;
    let mut driver = Driver::start(&place.launch())?;
    assert_eq!(driver.ended().await?.code(), Some(3));
    driver.logged("kubectl auth can-i list sandboxes.agents.x-k8s.io").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_in_one_namespace_do_not_touch_each_others_sandboxes() -> Outcome<()> {
    let mut play = Play::new("process-two").await?;
    let other = Driver::ready(&play.place.launch().flag("--gateway-id", "other").at(&play.place.another_socket())).await?;
    let others = Gateway::connect(&other.socket).await?;
    let mut their_events = others.watch().await?;
    play.create_ready("ours", "agent").await?;
    create(&others, sandbox::wanted("theirs")).await?;
    let first = their_events.until(|event| sandbox::snapshot(event).map(|seen| seen.name.clone())).await?;
    assert_eq!(first, "theirs", "they hear nothing of ours");
    assert_eq!(play.list().await?.len(), 1);

    // The same name is taken for both; the other one's sandbox is neither read nor deleted.
    let taken = create(&others, sandbox::wanted("ours")).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists, "{taken}");
    assert_eq!(others.get_sandbox(sandbox::get("ours")).await.unwrap_err().code(), Code::NotFound);
    assert!(!play.delete("theirs").await?);
    assert!(play.place.is_there(&play.place.sandbox("theirs")).await?);
    Ok(())
}
