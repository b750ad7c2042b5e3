//! A vector as it stands in its file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openshell_driver_kyma::core::io::Input;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::library::Library;

/// A vector: what is given, then inputs and exactly what comes of each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The rule, in a sentence.
    pub title: String,
    /// What differs from `config.json`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Where the driver is when the first step comes; absent for one that has not been woken yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Instead of that: the state in which a recorded driver was. Made by `replay --as-vector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What must be among the outputs, whatever else changes. Written by people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must: Vec<Rule>,
    /// What must not be among them. Written by people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_not: Vec<Rule>,
}

/// A driver that has listed these and watches.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The Sandboxes that exist.
    pub sandboxes: Vec<Value>,
    /// The pods that exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Value>,
    /// The Events that exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Value>,
    /// The namespaces that are chosen by their labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Value>,
    /// What follows the Sandboxes, by the plural of each kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub following: Map<String, Value>,
    /// The Istio Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Value>,
    /// Single objects that are read before the first step, by path. The namespace of the sandboxes is there in any case, and nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, Value>,
    /// The API server's version as `major.minor`.
    #[serde(default = "server", skip_serializing_if = "is_default_server")]
    pub server: String,
}

const SERVER: &str = "1.34";

fn server() -> String {
    SERVER.into()
}

fn is_default_server(server: &str) -> bool {
    server == SERVER
}

/// One input and everything that comes of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Milliseconds since the driver started; that of the step before when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// What goes in.
    pub input: Value,
    /// What comes out, in order; notes about transitions left out.
    #[serde(default)]
    pub outputs: Vec<Value>,
}

/// A part of an output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The step that must (not) have it, from 0; any step when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What the output must contain: each key given, and for a list each element given.
    pub output: Value,
}

/// A vector and where it comes from.
#[derive(Debug)]
pub struct VectorFile {
    /// Its path below `vectors/`.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// What it says, as written.
    pub vector: Vector,
}

/// `vectors/`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Reads a JSON file.
pub fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The JSON files of a folder, in order of their names.
pub fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

impl VectorFile {
    /// Every vector, in order of its name.
    pub fn all() -> Vec<Self> {
        let mut folders: Vec<PathBuf> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() && !path.ends_with("objects"))
            .collect();
        folders.sort();
        folders
            .iter()
            .flat_map(|folder| json_files(folder))
            .map(|path| Self { name: path.strip_prefix(folder()).unwrap().display().to_string(), vector: read(&path), path })
            .collect()
    }
}

impl Step {
    /// The input, with every reference replaced.
    pub fn read_input(&self, library: &Library, file: &str, index: usize) -> Input {
        let mut input = self.input.clone();
        library.expand(&mut input);
        serde_json::from_value(input).unwrap_or_else(|error| panic!("{file}, step {index}: not an input: {error}"))
    }
}
