//! A cluster on a desk: asked directly, its time moved by hand.

use kubesim::{Answer, Cluster, Kind, Options, Request, Response, WatchId};
use serde_json::{Value, json};

/// 2026-11-23T22:30:14Z
pub const START: u64 = 1_795_473_014_000;
pub const NS: &str = "openshell-system";
pub const SANDBOXES: &str = "/apis/agents.x-k8s.io/v1beta1/namespaces/openshell-system/sandboxes";
pub const OLD_SANDBOXES: &str = "/apis/agents.x-k8s.io/v1alpha1/namespaces/openshell-system/sandboxes";
pub const PODS: &str = "/api/v1/namespaces/openshell-system/pods";

pub struct Desk {
    pub cluster: Cluster,
    pub now: u64,
}

/// A Sandbox with one container.
pub fn sandbox(name: &str) -> Value {
    json!({
        "apiVersion": "agents.x-k8s.io/v1beta1",
        "kind": "Sandbox",
        "metadata": { "name": name },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "a:1" }] } } },
    })
}

/// The same with a change merged in.
pub fn sandbox_with(name: &str, change: &Value) -> Value {
    let mut object = sandbox(name);
    merge(&mut object, change);
    object
}

fn merge(target: &mut Value, change: &Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (name, value) in change {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (target, change) => *target = change.clone(),
    }
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self { cluster: Cluster::new(options, START), now: START }
    }

    pub fn ask(&mut self, request: &Request) -> Response {
        match self.cluster.request(self.now, request) {
            Answer::Response(response) => response,
            Answer::Watch { .. } => panic!("{} is a watch", request.path),
        }
    }

    pub fn get(&mut self, path: &str) -> (u16, Value) {
        let response = self.ask(&Request::get(path));
        (response.status(), response.json())
    }

    /// Asks for what must be there.
    pub fn read(&mut self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.ask(&Request::post(path, body));
        (response.status(), response.json())
    }

    pub fn create(&mut self, object: &Value) -> Value {
        let (status, body) = self.post(SANDBOXES, object);
        assert_eq!(status, 201, "{body}");
        body
    }

    pub fn patch(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.ask(&Request::merge_patch(path, body));
        (response.status(), response.json())
    }

    pub fn delete(&mut self, path: &str, options: &Value) -> (u16, Value) {
        let mut request = Request::delete(path);
        if !options.is_null() {
            request = request.with_body("application/json", options);
        }
        let response = self.ask(&request);
        (response.status(), response.json())
    }

    pub fn run(&mut self, ms: u64) {
        self.now += ms;
        self.cluster.advance(self.now);
    }

    /// A Sandbox that has become ready.
    pub fn ready(&mut self, name: &str) {
        self.create(&sandbox(name));
        self.run(1_000);
        assert_eq!(self.condition(name, "Ready"), "True/DependenciesReady: Pod is Ready");
    }

    /// `status/reason: message` of a Sandbox's condition, or nothing.
    pub fn condition(&self, name: &str, kind: &str) -> String {
        let object = self.cluster.object(Kind::Sandbox, NS, name).unwrap_or_default();
        let empty = Vec::new();
        let conditions = object["status"]["conditions"].as_array().unwrap_or(&empty);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let told = |held: &Value| format!("{}/{}: {}", text(&held["status"]), text(&held["reason"]), text(&held["message"]));
        conditions.iter().find(|held| held["type"] == kind).map(told).unwrap_or_default()
    }

    pub fn watch(&mut self, path: &str) -> WatchId {
        match self.cluster.request(self.now, &Request::get(path)) {
            Answer::Watch { id, head } => {
                assert_eq!(head.status, 200);
                id
            }
            Answer::Response(response) => panic!("{path} is no watch: {}", response.json()),
        }
    }

    /// The lines a watch has ready, decoded.
    pub fn lines(&mut self, id: WatchId) -> Vec<Value> {
        let output = self.cluster.watch_output(id, 10_000);
        output.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `TYPE name` of the lines a watch has ready.
    pub fn events(&mut self, id: WatchId) -> Vec<String> {
        let told = |line: &Value| {
            let name = line["object"]["metadata"]["name"].as_str().unwrap_or("-");
            format!("{} {name}", line["type"].as_str().unwrap())
        };
        self.lines(id).iter().map(told).collect()
    }

    /// A collection's version, to watch from.
    pub fn version(&mut self, path: &str) -> String {
        self.read(path)["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }
}

/// The names of a list's items.
pub fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}
