//! Bodies that are not what they should be.

use super::{Scenario, scenario};
use crate::ask::{Ask, get, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("body-not-json", "A body that is no JSON, or none, is a 400", |s| Box::pin(not_json(s))),
    scenario("body-media-type", "A body of a media type the server does not read is a 415", |s| Box::pin(media_type(s))),
    scenario("body-too-large", "A body of more than three mebibytes is a 413", |s| Box::pin(too_large(s))),
    scenario("accept", "What a client accepts and the server cannot give is a 406", |s| Box::pin(accept(s))),
    scenario("accept-metadata", "A client that asks for metadata only gets that, of an object and of a list", |s| {
        Box::pin(accept_metadata(s))
    }),
    scenario("body-wrong-types", "A field of another type than its own is refused", |s| Box::pin(wrong_types(s))),
];

async fn not_json(s: &mut Stage) -> Outcome<()> {
    for text in ["", "{", "[]", "null", "{\"a\":}"] {
        s.ask(Ask::new("POST", s.sandboxes("")).text("application/json", text).only(&["/reason", "/code", "/details"])).await?;
        s.ask(Ask::new("POST", s.core("secrets")).text("application/json", text).only(&["/reason", "/code", "/details"])).await?;
    }
    Ok(())
}

async fn media_type(s: &mut Stage) -> Outcome<()> {
    for kind in ["text/plain", "application/xml"] {
        s.ask(Ask::new("POST", s.sandboxes("")).json(kind, &resting("one"))).await?;
        s.ask(Ask::new("POST", s.core("secrets")).json(kind, &json!({ "metadata": { "name": "one" } }))).await?;
    }
    s.ask(Ask::new("PATCH", s.sandboxes("/one")).json("application/json", &json!({}))).await?;
    s.ask(Ask::new("PATCH", s.core("secrets/one")).json("application/json", &json!({}))).await?;
    Ok(())
}

async fn too_large(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("one");
    object["metadata"]["annotations"] = json!({ "example.com/heavy": "x".repeat(3 * 1024 * 1024) });
    s.ask(post(s.sandboxes(""), &object).shown_as("an annotation of 3 MiB")).await?;
    object["metadata"]["annotations"] = json!({});
    object["spec"]["podTemplate"]["spec"]["containers"][0]["args"] = json!(["x".repeat(1_600_000)]);
    s.ask(post(s.sandboxes(""), &object).shown_as("an argument of 1.6 MB")).await?;
    Ok(())
}

async fn accept(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(get(s.sandboxes("/one")).accept("text/html")).await?;
    s.ask(get(s.core("secrets")).accept("text/html")).await?;
    s.ask(get(s.core("secrets/one")).accept("text/html")).await?;
    for accept in ["*/*", "application/*", "text/html, application/json", "application/json;q=0.5"] {
        s.ask(get(s.sandboxes("/one")).accept(accept).only(&["/kind"])).await?;
    }
    Ok(())
}

async fn accept_metadata(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "one", "labels": { "a": "b" } }, "data": { "x": "eA==" } }))).await?;
    s.ask(get(s.core("secrets/one")).accept("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")).await?;
    s.ask(get(s.core("secrets?labelSelector=a")).accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    s.ask(get(s.sandboxes("")).accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")).await?;
    Ok(())
}

async fn wrong_types(s: &mut Stage) -> Outcome<()> {
    let only: &'static [&'static str] = &["/reason", "/code", "/message", "/details"];
    let mut object = resting("one");
    object["metadata"]["labels"] = json!({ "a": 1 });
    s.ask(post(s.sandboxes(""), &object).only(only)).await?;
    let mut object = resting("one");
    object["spec"]["service"] = json!("yes");
    s.ask(post(s.sandboxes(""), &object).only(only)).await?;
    let mut object = resting("one");
    object["spec"]["podTemplate"]["spec"]["containers"] = json!({});
    s.ask(post(s.sandboxes(""), &object).only(only)).await?;
    let mut object = resting("one");
    object["spec"]["podTemplate"]["spec"]["containers"][0]["env"] = json!([{ "name": "A", "value": 1 }]);
    s.ask(post(s.sandboxes(""), &object).only(only)).await?;
    s.ask(post(s.core("secrets"), &json!({ "metadata": { "name": "one" }, "data": [] })).only(&["/reason", "/code"])).await?;
    Ok(())
}
