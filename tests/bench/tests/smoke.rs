//! A small run on the model cluster: it gives every row, and counts what it must. No time is asserted.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test runs programs and reads files, and fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The driver's binary, built if there is none yet: it is another package's.
fn driver() -> PathBuf {
    let driver = Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name("openshell-driver-kyma");
    if !driver.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "openshell-driver-kyma", "--bins"]).status().unwrap();
        assert!(built.success());
    }
    driver
}

#[test]
fn a_small_run_gives_every_row() {
    let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-smoke");
    let flags = "--sizes 10,40 --rounds 1 --operations 2 --lists 1 --lives 1 --events 20 --starts 1 --idle 1";
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(flags.split(' '))
        .arg("--driver")
        .arg(driver())
        .arg("--output")
        .arg(&output)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let report: Value = serde_json::from_slice(&std::fs::read(output.join("bench.json")).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let key =
        |row: &Value| format!("{} {} {} {}", row["what"].as_str().unwrap(), row["sandboxes"], row["callers"], row["who"].as_str().unwrap());
    let there: BTreeSet<String> = rows.iter().map(key).collect();
    let mut wanted = BTreeSet::new();
    for who in ["floor", "driver"] {
        wanted.extend(["stop to gone 2 1", "start 2 1", "event 40 1"].map(|row| format!("{row} {who}")));
        for callers in [1, 16] {
            wanted.extend(["create", "delete"].map(|what| format!("{what} 0 {callers} {who}")));
            wanted.extend(["get", "list"].into_iter().flat_map(|what| [10, 40].map(|size| format!("{what} {size} {callers} {who}"))));
        }
    }
    wanted.extend(["start up 0", "start whole 0", "start up 40", "start whole 40", "event lag 40"].map(|row| format!("{row} 1 driver")));
    assert_eq!(there, wanted);
    assert!(rows.iter().all(|row| row["times"].as_u64() > Some(0) && row["p50_us"].as_f64() <= row["p99_us"].as_f64()), "{rows:#?}");

    let requests = |what: &str| {
        rows.iter().find(|row| row["what"] == what && row["callers"] == 16 && row["who"] == "driver").unwrap()["requests"].as_f64()
    };
    assert_eq!([requests("create"), requests("get"), requests("list")], [Some(1.0), Some(0.0), Some(0.0)]);
    let facts: BTreeSet<&str> = report["facts"].as_array().unwrap().iter().filter_map(|fact| fact["what"].as_str()).collect();
    for fact in [
        "memory",
        "memory of a new one",
        "peak of its start",
        "memory after a relist",
        "peak of a relist",
        "bytes of a list",
        "bytes sent a create",
        "bytes received a create",
        "bytes sent a delete",
        "bytes received a delete",
        "processor time a minute, idle",
        "wake-ups a minute, idle",
    ] {
        assert!(facts.contains(fact), "{fact}");
    }
    assert!(report["budgets"].as_array().is_some_and(|budgets| budgets.len() > 10));
    let svg = std::fs::read_to_string(output.join("bench.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("ListSandboxes"), "{svg}");
}
