//! Label and field selectors.

use super::{Scenario, scenario};
use crate::ask::{get, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("select-labels", "Every operator of a label selector selects what it says", |s| Box::pin(labels(s))),
    scenario("select-labels-invalid", "A label selector that is none is a 400", |s| Box::pin(labels_invalid(s))),
    scenario("select-labels-long", "A label value of 64 bytes is a 400, not an empty list", |s| Box::pin(labels_long(s))),
    scenario("select-fields", "A field selector knows names, and a kind's own fields", |s| Box::pin(fields(s))),
    scenario("select-fields-invalid", "A field that cannot be selected by is a 400", |s| Box::pin(fields_invalid(s))),
];

const NAMES: &[&str] = &["/items/0/metadata/name", "/items/1/metadata/name", "/items/2/metadata/name"];

async fn labels(s: &mut Stage) -> Outcome<()> {
    for (name, labels) in [("a", json!({ "app": "x", "tier": "1" })), ("b", json!({ "app": "y" })), ("c", json!({ "other": "" }))] {
        s.done(post(s.core("secrets"), &json!({ "metadata": { "name": name, "labels": labels } }))).await?;
    }
    for selector in [
        "app%3Dx",
        "app%3D%3Dx,tier%3D1",
        "app!%3Dx",
        "app%20in%20(x,y)",
        "app%20notin%20(x)",
        "app",
        "!app",
        "other%3D",
        "app%20in%20(x),tier",
        "tier%3E0",
        "tier%3C1",
    ] {
        s.ask(get(s.core(&format!("secrets?labelSelector={selector}"))).only(NAMES)).await?;
    }
    Ok(())
}

async fn labels_invalid(s: &mut Stage) -> Outcome<()> {
    for selector in ["a%20in%201", "%3D1", "a,", "a%3D%3D%3Db", "a%3Db%20c", "a/b/c%3D1", "a%3Dno%2Fslash", "(a)", "a%20in%20()", "a%3Eb"] {
        s.ask(get(s.sandboxes(&format!("?labelSelector={selector}")))).await?;
    }
    Ok(())
}

async fn labels_long(s: &mut Stage) -> Outcome<()> {
    let long = "x".repeat(64);
    s.ask(get(s.sandboxes(&format!("?labelSelector=openshell.ai/sandbox-id%3D{long}")))).await?;
    s.ask(get(s.core(&format!("pods?labelSelector=openshell.ai/sandbox-id%3D{long}")))).await?;
    s.ask(get(s.sandboxes(&format!("?labelSelector={long}%3Da")))).await?;
    s.ask(get(s.sandboxes(&format!("?watch=true&labelSelector=a%3D{long}")))).await?;
    Ok(())
}

async fn fields(s: &mut Stage) -> Outcome<()> {
    for name in ["a", "b"] {
        s.done(post(s.sandboxes(""), &resting(name))).await?;
    }
    s.ask(get(s.sandboxes("?fieldSelector=metadata.name%3Da")).only(NAMES)).await?;
    s.ask(get(s.sandboxes("?fieldSelector=metadata.name!%3Da")).only(NAMES)).await?;
    s.ask(get(s.sandboxes(&format!("?fieldSelector=metadata.namespace%3D{}", s.namespace()))).only(NAMES)).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "typed" }, "type": "example.com/t" }))).await?;
    s.ask(get(s.core("secrets?fieldSelector=type%3Dexample.com/t")).only(NAMES)).await?;
    s.ask(get(s.core("pods?fieldSelector=status.phase%3DRunning,spec.nodeName%3Dnone")).only(NAMES)).await?;
    s.ask(get(s.core("events?fieldSelector=involvedObject.kind%3DPod,involvedObject.name%3Dnone")).only(NAMES)).await?;
    Ok(())
}

async fn fields_invalid(s: &mut Stage) -> Outcome<()> {
    s.ask(get(s.sandboxes("?fieldSelector=spec.operatingMode%3DRunning"))).await?;
    s.ask(get(s.core("pods?fieldSelector=spec.containers%3Dx"))).await?;
    s.ask(get(s.core("pods?fieldSelector=nonsense"))).await?;
    s.ask(get(s.core("secrets?fieldSelector=spec.x%3Dx"))).await?;
    Ok(())
}
