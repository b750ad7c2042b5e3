//! What a scenario does things with: it asks, the stage writes down what was asked and answered.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use kubesim::Rule;
use rig::kube::Kube;
use rig::{Failure, Outcome};
use serde_json::{Map, Value, json};

use crate::ask::{self, Ask};
use crate::names::{Names, Versions};
use crate::subject::{Fate, Subject};
use crate::watch::Watch;

/// How long something may take that a scenario waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// A scenario's place: a cluster, a namespace of its own, and its account.
pub struct Stage {
    subject: Arc<Subject>,
    admin: Kube,
    namespace: String,
    names: Names,
    steps: Vec<Value>,
}

/// Somebody with few rights.
#[derive(Clone, Debug)]
pub struct Person {
    client: Kube,
    name: String,
    /// The bearer token.
    pub token: String,
}

/// An answer before anything in it is renamed, for scenarios that go on with it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or text as a JSON string.
    pub body: Value,
    headers: Map<String, Value>,
}

impl Answer {
    /// The text at a JSON pointer, empty if there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The object's UID.
    #[must_use]
    pub fn uid(&self) -> String {
        self.text("/metadata/uid")
    }

    /// The object's or list's version.
    #[must_use]
    pub fn version(&self) -> String {
        self.text("/metadata/resourceVersion")
    }
}

impl Stage {
    /// A place for the scenario of this id, with its namespace made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn new(subject: Arc<Subject>, id: &str) -> Outcome<Self> {
        let admin = subject.admin().await?;
        let namespace = format!("likeness-{id}");
        let mut stage = Self { subject, admin, namespace, names: Names::new(), steps: Vec::new() };
        let namespace = stage.namespace.clone();
        stage.done(ask::post("/api/v1/namespaces", &json!({ "metadata": { "name": namespace } }))).await?;
        stage.until(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"), |answer| answer.status == 200).await?;
        Ok(stage)
    }

    /// What happened.
    #[must_use]
    pub fn account(self) -> Value {
        Value::Array(self.steps)
    }

    /// The scenario's namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A path below the namespace in the core group: `pods`, `secrets/one`.
    #[must_use]
    pub fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// The namespace's Sandboxes; `rest` is empty, `/one` or `?limit=2`.
    #[must_use]
    pub fn sandboxes(&self, rest: &str) -> String {
        format!("/apis/agents.x-k8s.io/v1beta1/namespaces/{}/sandboxes{rest}", self.namespace)
    }

    /// How versions are told apart from now on.
    pub fn versions(&mut self, versions: Versions) {
        self.names.versions(versions);
    }

    /// Calls a text something wherever it occurs in the account.
    pub fn call(&mut self, text: &str, name: &str) {
        self.names.call(text, name);
    }

    /// Asks as the administrator, and writes it down.
    ///
    /// # Errors
    /// When no answer comes; an answer of any status is none.
    pub async fn ask(&mut self, ask: Ask) -> Outcome<Answer> {
        let client = self.admin.clone();
        self.ask_with(&client, None, ask).await
    }

    /// Asks as somebody, and writes it down.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn ask_as(&mut self, who: &Person, ask: Ask) -> Outcome<Answer> {
        self.ask_with(&who.client, Some(&who.name), ask).await
    }

    /// Asks with a token, or with none, on a connection of its own, and writes it down.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn ask_with_token(&mut self, token: &str, who: &str, ask: Ask) -> Outcome<Answer> {
        let client = self.subject.connect(token).await?;
        self.ask_with(&client, Some(who), ask).await
    }

    async fn ask_with(&mut self, client: &Kube, who: Option<&str>, ask: Ask) -> Outcome<Answer> {
        let answer = exchange(client, &ask).await?;
        let mut step = self.step_of("ask", who, &ask);
        let mut told = answer.headers.clone();
        told.insert("status".to_owned(), json!(answer.status));
        if !answer.body.is_null() {
            let body = self.names.replace(&answer.body);
            let shown = match ask.only {
                Some(pointers) => {
                    pointers.iter().map(|pointer| ((*pointer).to_owned(), body.pointer(pointer).cloned().unwrap_or_default())).collect()
                }
                None => body,
            };
            told.insert("body".to_owned(), shown);
        }
        step.insert("answer".to_owned(), Value::Object(told));
        self.steps.push(Value::Object(step));
        Ok(answer)
    }

    fn step_of(&mut self, word: &str, who: Option<&str>, ask: &Ask) -> Map<String, Value> {
        let mut step = Map::new();
        step.insert(word.to_owned(), json!(self.names.replace_text(&format!("{} {}", ask.method, ask.path))));
        let mut add = |name: &str, value: Value| step.insert(name.to_owned(), value);
        if let Some(who) = who {
            add("as", json!(who));
        }
        if let Some(accept) = ask.accept {
            add("accept", json!(accept));
        }
        if let Some(content) = ask.content_type.filter(|content| *content != "application/json") {
            add("content type", json!(content));
        }
        if !ask.shown.is_null() {
            add("body", self.names.replace(&ask.shown));
        }
        step
    }

    /// Asks as the administrator without writing it down.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn quietly(&mut self, ask: Ask) -> Outcome<Answer> {
        let answer = exchange(&self.admin, &ask).await?;
        self.names.replace(&answer.body);
        Ok(answer)
    }

    /// The same, and takes nothing but success.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn done(&mut self, ask: Ask) -> Outcome<Answer> {
        let said = format!("{} {}", ask.method, ask.path);
        let answer = self.quietly(ask).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(format!("{said}: {} {}", answer.status, answer.body).into()) }
    }

    /// Looks, without writing it down, until what is there is as wanted; gives that.
    ///
    /// # Errors
    /// When it does not become so.
    pub async fn until(&mut self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Outcome<Answer> {
        let looking = async {
            loop {
                let answer = exchange(&self.admin, &ask::get(path)).await?;
                if wanted(&answer) {
                    return Ok::<Answer, Failure>(answer);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let Ok(answer) = tokio::time::timeout(PATIENCE, looking).await else {
            let answer = exchange(&self.admin, &ask::get(path)).await?;
            return Err(format!("{path} did not become what was waited for in {PATIENCE:?}: {} {}", answer.status, answer.body).into());
        };
        let answer = answer?;
        self.names.replace(&answer.body);
        Ok(answer)
    }

    /// Waits until nothing is at a path.
    ///
    /// # Errors
    /// When it stays.
    pub async fn until_gone(&mut self, path: &str) -> Outcome<()> {
        self.until(path, |answer| answer.status == 404).await.map(|_| ())
    }

    /// Opens a watch, and writes down how it was answered.
    ///
    /// # Errors
    /// When it is not opened.
    pub async fn watch(&mut self, path: impl Into<String>) -> Outcome<Watch> {
        self.watch_for(ask::get(path)).await
    }

    /// The same for a request with headers.
    ///
    /// # Errors
    /// When it is not opened.
    pub async fn watch_for(&mut self, ask: Ask) -> Outcome<Watch> {
        let response = self.admin.send(ask.method, &ask.path, &ask.headers(), ask.body.clone()).await?;
        let mut step = self.step_of("watch", None, &ask);
        let mut told = headers(response.headers());
        told.insert("status".to_owned(), json!(response.status().as_u16()));
        step.insert("answer".to_owned(), Value::Object(told));
        let of = self.names.replace_text(&ask.path);
        if !response.status().is_success() {
            let body = response.into_body().collect().await?.to_bytes();
            return Err(format!("{of} is no watch: {}", String::from_utf8_lossy(&body)).into());
        }
        self.steps.push(Value::Object(step));
        Ok(Watch::new(of, response.into_body()))
    }

    /// Writes down the next events of a watch.
    ///
    /// # Errors
    /// When fewer come.
    pub async fn events(&mut self, watch: &mut Watch, count: usize) -> Outcome<Vec<Value>> {
        let mut came = Vec::new();
        while came.len() < count {
            let event =
                watch.next().await?.ok_or_else(|| format!("{} ended after {} of {count} events: {came:?}", watch.of, came.len()))?;
            came.push(event);
        }
        self.write_events(watch, &came, None);
        Ok(came)
    }

    /// Writes down what is left of a watch until the server ends it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn rest(&mut self, mut watch: Watch) -> Outcome<Vec<Value>> {
        let mut came = Vec::new();
        while let Some(event) = watch.next().await? {
            came.push(event);
        }
        self.write_events(&watch, &came, Some("ended by the server"));
        Ok(came)
    }

    /// Writes down that a watch says nothing for a while, or what it says.
    ///
    /// # Errors
    /// When what comes is no line of JSON.
    pub async fn silence(&mut self, watch: &mut Watch) -> Outcome<()> {
        let event = watch.next_within(Duration::from_millis(500)).await?;
        self.write_events(watch, &event.into_iter().collect::<Vec<_>>(), Some("silent for a while"));
        Ok(())
    }

    fn write_events(&mut self, watch: &Watch, came: &[Value], then: Option<&str>) {
        let came: Vec<Value> = came.iter().map(|event| self.names.replace(event)).collect();
        let mut step = json!({ "events of": watch.of, "came": came });
        if let Some(then) = then {
            step["then"] = json!(then);
        }
        self.steps.push(step);
    }

    /// Writes down something worked out from answers.
    pub fn note(&mut self, what: &str, value: &Value) {
        let value = self.names.replace(value);
        self.steps.push(json!({ "note": what, "is": value }));
    }

    /// A service account of the scenario's namespace, with these rights.
    ///
    /// # Errors
    /// When it or its rights cannot be had.
    pub async fn person(&mut self, account: &str, rights: &[Rule]) -> Outcome<Person> {
        self.done(ask::post(self.core("serviceaccounts"), &json!({ "metadata": { "name": account } }))).await?;
        let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let token = self.done(ask::post(self.core(&format!("serviceaccounts/{account}/token")), &request)).await?.text("/status/token");
        let client = self.subject.connect(&token).await?;
        for right in rights {
            self.subject.grant(&self.admin, &self.namespace, account, &client, right).await?;
        }
        Ok(Person { client, name: account.to_owned(), token })
    }

    /// A Sandbox whose pod is to fare so.
    #[must_use]
    pub fn sandbox(&self, name: &str, fate: Fate) -> Value {
        self.subject.fate(&self.namespace, name, fate);
        let mut sandbox = sandbox(name);
        sandbox["spec"]["podTemplate"]["spec"]["containers"][0]["image"] = json!(fate.image());
        sandbox
    }

    /// Forgets all history.
    ///
    /// # Errors
    /// When that is not possible.
    pub async fn compact(&mut self) -> Outcome<()> {
        self.steps.push(json!({ "act": "the past is compacted away" }));
        self.subject.compact().await
    }
}

/// The smallest Sandbox, suspended so that nothing but the API server and the controller's first look has to do with it.
#[must_use]
pub fn resting(name: &str) -> Value {
    let mut sandbox = sandbox(name);
    sandbox["spec"]["operatingMode"] = json!("Suspended");
    sandbox
}

/// The smallest Sandbox.
#[must_use]
pub fn sandbox(name: &str) -> Value {
    json!({
        "apiVersion": "agents.x-k8s.io/v1beta1",
        "kind": "Sandbox",
        "metadata": { "name": name },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "registry.example/agent:1" }] } } },
    })
}

async fn exchange(client: &Kube, ask: &Ask) -> Outcome<Answer> {
    let response = client.send(ask.method, &ask.path, &ask.headers(), ask.body.clone()).await?;
    let status = response.status().as_u16();
    let headers = headers(response.headers());
    let body = tokio::time::timeout(PATIENCE, response.into_body().collect())
        .await
        .map_err(|_| format!("{} {}: the body does not end", ask.method, ask.path))??
        .to_bytes();
    let body =
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))) };
    Ok(Answer { status, body, headers })
}

/// The headers that a client of the API goes by.
fn headers(all: &http::HeaderMap) -> Map<String, Value> {
    let mut told = Map::new();
    for name in ["content-type", "retry-after"] {
        if let Some(value) = all.get(name) {
            told.insert(name.to_owned(), json!(String::from_utf8_lossy(value.as_bytes())));
        }
    }
    let warnings: Vec<Value> = all.get_all("warning").iter().map(|value| json!(String::from_utf8_lossy(value.as_bytes()))).collect();
    if !warnings.is_empty() {
        told.insert("warnings".to_owned(), Value::Array(warnings));
    }
    told
}
