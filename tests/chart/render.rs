//! helm and kubectl, as tests/cluster builds them, and what they print.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use openshell_driver_kyma::cli::{self, Environment, Run};
use openshell_driver_kyma::config::Config;
use serde::Deserialize as _;
use serde_json::Value;

/// The release that tests render.
pub const RELEASE: &str = "openshell";
/// Its namespace.
pub const NAMESPACE: &str = "openshell-system";

/// The chart's folder.
pub fn chart() -> PathBuf {
    repository("deploy/helm/openshell-driver-kyma")
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a tool with this on its standard input.
pub fn run(tool: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(repository("tests/cluster/tool"))
        .arg(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // What does not read its input has nothing to say about it.
    drop(writer.join());
    output
}

/// What it printed, or what it complained of.
pub fn said(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// A chart with its values filled in.
pub struct Rendered {
    /// Every object.
    pub objects: Vec<Value>,
}

/// Renders the chart, or says why helm refuses.
pub fn try_render(values: &Value) -> Result<Rendered, String> {
    try_render_in(NAMESPACE, values)
}

/// The same in another namespace.
pub fn try_render_in(namespace: &str, values: &Value) -> Result<Rendered, String> {
    let chart = chart();
    let arguments = ["template", RELEASE, chart.to_str().unwrap(), "--namespace", namespace, "--values", "-"];
    let text = said(&run("helm", &arguments, &values.to_string()))?;
    Ok(Rendered { objects: documents(&text) })
}

/// Renders the chart.
pub fn render(values: &Value) -> Rendered {
    try_render(values).unwrap_or_else(|why| panic!("{values}: {why}"))
}

/// The objects of a stream of YAML documents.
pub fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

impl Rendered {
    /// Objects of a kind.
    pub fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The object of this kind and name.
    pub fn one(&self, kind: &str, name: &str) -> &Value {
        self.objects
            .iter()
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The driver's arguments.
    pub fn arguments(&self) -> Vec<String> {
        let container = &self.one("Deployment", RELEASE)["spec"]["template"]["spec"]["initContainers"][0];
        assert_eq!(container["name"], "driver");
        container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap().to_owned()).collect()
    }

    /// What the driver makes of them.
    pub fn run(&self) -> Result<Run, String> {
        let arguments = self.arguments();
        match cli::parse(arguments.iter().map(OsString::from), &Environment::new()) {
            Ok(cli::Command::Run(run)) => Ok(*run),
            Ok(other) => Err(format!("{arguments:?} do not run the driver but {other:?}")),
            Err(usage) => Err(format!("{arguments:?}: {usage}")),
        }
    }

    /// The core's settings.
    pub fn config(&self) -> Config {
        self.run().unwrap().config
    }

    /// Every pod there will be, with the name of what makes it.
    pub fn pods(&self) -> Vec<(String, Value)> {
        let name = |object: &Value| format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let template = |object: &Value| object["spec"]["template"].clone();
        let made = self.all("Deployment").chain(self.all("Job")).map(|object| (name(object), template(object)));
        made.chain(self.all("Pod").map(|pod| (name(pod), pod.clone()))).collect()
    }
}
