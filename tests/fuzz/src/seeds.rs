//! What targets begin with: what the vectors show, and what was once found (`fuzz/corpus/<target>/`).

use std::fs;
use std::path::{Path, PathBuf};

use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message;
use serde_json::Value;

use crate::answers::Stage;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The inputs that a target begins with.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = found(target);
    match target {
        "watch_framing" => seeds.extend([b"\x03one\ntwo\n\nthree".to_vec(), b"\x01\n\n\n".to_vec(), b"\xff".to_vec()]),
        "watch_lines" => seeds.extend(objects().map(|object| {
            let kind = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"];
            let lines = kind.map(|kind| serde_json::json!({ "type": kind, "object": object }).to_string());
            lines.join("\n").into_bytes()
        })),
        "list_pages" => seeds.extend(objects().flat_map(|object| {
            let page = serde_json::json!({ "items": [object], "metadata": { "resourceVersion": "1000", "continue": "more" } });
            [page.to_string(), object.to_string()].map(|text| [b"\x00".to_vec(), text.into_bytes()].concat())
        })),
        "driver_config" => seeds.extend(fields("driver_config")),
        "platform_config" => seeds.extend(fields("platform_config")),
        "request_messages" => seeds.extend(creates().map(|request| [vec![0], request.encode_to_vec()].concat())),
        "quantities" => {
            seeds.extend(["500m", "2", "1.5Gi", "1e3", "0", "9Ei", "100n", "+1", ".5", "1E", "1Ei"].map(|text| text.as_bytes().to_vec()));
        }
        "kubeconfig" => seeds.push(KUBECONFIG.as_bytes().to_vec()),
        "recordings" => {
            seeds.push([b"\x00".to_vec(), Stage::recorded_start().into_bytes()].concat());
            seeds.extend(of("list_pages").into_iter().map(|answers| [b"\x80".to_vec(), answers].concat()));
        }
        _ => {}
    }
    assert!(!seeds.is_empty(), "{target} has nothing to begin with");
    seeds
}

const KUBECONFIG: &str = r#"{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"b","user":"c"}}],"clusters":[{"name":"b","cluster":{"server":"https://127.0.0.1:6443","certificate-authority-data":"LS0tLS0="}}],"users":[{"name":"c","user":{"token":"a-token-nobody-may-see","client-certificate-data":"LS0tLS0=","client-key-data":"LS0tLS0="}}]}"#;

/// What was found once.
fn found(target: &str) -> Vec<Vec<u8>> {
    let folder = repository().join("fuzz/corpus").join(target);
    files(&folder).iter().filter_map(|path| fs::read(path).ok()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Every vector.
fn vectors() -> impl Iterator<Item = Value> {
    let folders = files(&repository().join("vectors"));
    folders
        .into_iter()
        .filter(|path| path.is_dir())
        .flat_map(|folder| files(&folder))
        .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
}

/// The vectors' objects.
fn objects() -> impl Iterator<Item = Value> {
    let all = files(&repository().join("vectors/objects"));
    all.into_iter().filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
}

/// What is under this key, anywhere in a vector.
fn fields(key: &str) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for vector in vectors() {
        collect(&vector, key, &mut seeds);
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

fn collect(value: &Value, key: &str, seeds: &mut Vec<Vec<u8>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, seeds)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key && field.is_object() {
                    seeds.push(field.to_string().into_bytes());
                }
                collect(field, key, seeds);
            }
        }
        _ => {}
    }
}

/// Creates that the vectors ask for, where they are written out.
fn creates() -> impl Iterator<Item = pb::CreateSandboxRequest> {
    let whole = objects().filter_map(|object| serde_json::from_value(serde_json::json!({ "sandbox": object })).ok());
    let asked = vectors().flat_map(|vector| {
        let mut texts = Vec::new();
        collect(&vector, "CreateSandbox", &mut texts);
        texts.into_iter().filter_map(|text| serde_json::from_slice(&text).ok()).collect::<Vec<pb::CreateSandboxRequest>>()
    });
    whole.chain(asked)
}
