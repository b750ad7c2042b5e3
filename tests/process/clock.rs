//! The clock on the wall jumps, and nothing hangs on it.

use std::path::{Path, PathBuf};

use rig::{Outcome, sandbox};
use tokio::process::Command;

use crate::scene::{Scene, create, delete, get, list, start, until_deleted, until_ready};

/// A year, in seconds.
const YEAR: i64 = 31_536_000;

/// A library that puts the clock of a process elsewhere; it is C, since that is what can stand between a process and its clock.
async fn shim(directory: &Path) -> Outcome<PathBuf> {
    let library = directory.join("clock.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/clock.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output().await?;
    if built.status.success() { Ok(library) } else { Err(String::from_utf8_lossy(&built.stderr).into_owned().into()) }
}

#[tokio::test]
async fn a_clock_that_jumps_changes_times_in_the_log_and_nothing_else() -> Outcome<()> {
    let scene = Scene::new().await?;
    let library = shim(scene.scratch.path()).await?;
    let offset = scene.scratch.file("offset", "0")?;
    let launch =
        scene.launch().variable("LD_PRELOAD", &library.display().to_string()).variable("CLOCK_OFFSET", &offset.display().to_string());
    let (mut driver, gateway) = start(&launch).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    let year = |log: &str| log.lines().last().and_then(|line| line.split("\"time\":\"").nth(1)?.get(..4)?.parse::<i64>().ok());
    let before = year(&driver.log()).ok_or("no time in the log")?;

    for (jump, name) in [(2 * YEAR, "grace"), (-2 * YEAR, "edsger"), (0, "barbara")] {
        scene.scratch.file("offset", &jump.to_string())?;
        // Connections are made anew, certificates looked at again, everything listed.
        scene.cluster.drop_connections();
        create(&gateway, name).await?;
        until_ready(&mut events, name).await?;
        get(&gateway, "ada").await?;
        assert!(list(&gateway).await?.contains(&name.to_owned()));
        let seen = driver.log();
        let now = year(&seen).ok_or("no time in the log")?;
        assert_eq!((now - before).signum(), jump.signum(), "the process did not see the jump by {jump} s:\n{seen}");
    }
    assert!(delete(&gateway, "grace").await?);
    until_deleted(&mut events, "grace").await?;
    driver.signal("TERM").await?;
    assert_eq!(driver.ended().await?.code(), Some(0), "{}", driver.log());
    assert_eq!(scene.sandboxes().len(), 3, "{}", sandbox::id("grace"));
    Ok(())
}
