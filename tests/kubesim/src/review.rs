//! Access reviews, token reviews and token requests, and the small verbs of pods.

use crate::access::Act;
use crate::cluster::{Cluster, Reply};
use crate::create::{decode, require_json};
use crate::delete::DeleteOptions;
use crate::failure::{Cause, Failure};
use crate::http::{Method, Request};
use crate::object;
use crate::resource::Kind;
use crate::route::{Place, Review};
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A token the cluster gave out.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub namespace: String,
    pub account: String,
    account_uid: String,
    audiences: Vec<String>,
    expires_ms: u64,
    /// Name and UID of the pod it is bound to.
    pod: Option<(String, String)>,
    /// The node of that pod.
    node: Option<String>,
    /// What the token itself is called.
    id: String,
}

/// The audience of tokens for the API server itself.
const OWN_AUDIENCE: &str = "https://kubernetes.default.svc";
/// The most tokens remembered.
const ISSUED_MAX: usize = 4096;
/// The shortest life a token may be asked for.
const LIFE_SECONDS_MIN: u64 = 600;

pub(crate) type Tokens = BTreeMap<String, Issued>;

impl Cluster {
    /// The user behind a bearer token: one the options name, or one the cluster gave out.
    pub(crate) fn user_of(&self, token: Option<&str>) -> Result<String, Failure> {
        if let Some(issued) = token.and_then(|token| self.live_token(token))
            && issued.audiences.iter().any(|audience| audience == OWN_AUDIENCE)
        {
            return Ok(account_user(&issued.namespace, &issued.account));
        }
        self.options.access.user_of(token)
    }

    fn live_token(&self, token: &str) -> Option<&Issued> {
        let issued = self.issued.get(token)?;
        let account = Key::new(&issued.namespace, &issued.account);
        let account = self.store.get(Kind::ServiceAccount, &account)?;
        let pod_lives = issued.pod.as_ref().is_none_or(|(name, uid)| {
            self.store.get(Kind::Pod, &Key::new(&issued.namespace, name)).is_some_and(|pod| object::uid(pod) == uid)
        });
        let lives = issued.expires_ms > self.now_ms && object::uid(account) == issued.account_uid && pod_lives;
        lives.then_some(issued)
    }

    pub(crate) fn check_access(&self, user: &str, place: &Place, verb: &str) -> Result<(), Failure> {
        let resource = place.kind.resource();
        // Asking about a namespace is asking in it.
        let namespace = if place.kind == Kind::Namespace { &place.name } else { &place.namespace };
        let act =
            Act { verb, group: resource.group, plural: resource.plural, subresource: &place.subresource, namespace, name: &place.name };
        self.options.access.check(user, place.kind, &act)
    }

    pub(crate) fn review(&self, user: &str, review: Review, request: &Request) -> Result<Reply, Failure> {
        if request.method != Method::Post {
            return Err(Failure::method_refused());
        }
        require_json(request)?;
        let mut body = decode(&request.body)?;
        if let Some(said) = body["kind"].as_str().filter(|said| *said != review.kind()) {
            let kind = review.kind();
            return Err(Failure::bad_request(format!("{said} in version \"v1\" cannot be handled as a {kind}: unknown conversion")));
        }
        body["metadata"] = json!({});
        match review {
            Review::SelfSubjectAccess => {
                check_question(&body["spec"])?;
                body["status"] = self.self_access(user, &body["spec"]);
            }
            Review::SelfSubject => {
                body["metadata"]["creationTimestamp"] = json!(time::rfc3339(self.now_ms));
                body["status"]["userInfo"] = match request.bearer.as_deref().and_then(|token| self.live_token(token)) {
                    Some(issued) => self.user_info(issued),
                    None => json!({ "username": user, "groups": ["system:authenticated"] }),
                };
            }
            Review::Token => {
                let act = Act {
                    verb: "create",
                    group: "authentication.k8s.io",
                    plural: "tokenreviews",
                    subresource: "",
                    namespace: "",
                    name: "",
                };
                self.options.access.check_unserved(user, &act)?;
                if body["spec"]["token"].as_str().is_none_or(str::is_empty) {
                    return Err(Failure::bad_request("token is required for TokenReview in authentication"));
                }
                body["status"] = self.token_status(&body["spec"]);
            }
        }
        Ok(Reply::json(201, &body))
    }

    fn self_access(&self, user: &str, spec: &Value) -> Value {
        let asked = &spec["resourceAttributes"];
        if asked.is_null() {
            return json!({ "allowed": true });
        }
        let text = |field: &str| asked[field].as_str().unwrap_or_default();
        let act = Act {
            verb: text("verb"),
            group: text("group"),
            plural: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
        };
        if self.options.access.allows(user, &act) {
            json!({ "allowed": true, "reason": "RBAC: allowed by the permission table" })
        } else {
            json!({ "allowed": false })
        }
    }

    fn token_status(&self, spec: &Value) -> Value {
        let token = spec["token"].as_str().unwrap_or_default();
        let asked: Vec<&str> = object::items(&spec["audiences"]).iter().filter_map(Value::as_str).collect();
        let asked = if asked.is_empty() { vec![OWN_AUDIENCE] } else { asked };
        let Some(issued) = self.live_token(token) else {
            return json!({
                "user": {},
                "error": "invalid bearer token",
            });
        };
        let shared: Vec<&str> = asked.iter().copied().filter(|audience| issued.audiences.iter().any(|own| own == audience)).collect();
        if shared.is_empty() {
            return json!({
                "user": {},
                "error": format!("[invalid bearer token, token audiences {:?} is invalid for the target audiences {asked:?}]", issued.audiences),
            });
        }
        json!({ "authenticated": true, "user": self.user_info(issued), "audiences": shared })
    }

    /// Whose a token is.
    fn user_info(&self, issued: &Issued) -> Value {
        let mut extra = json!({ "authentication.kubernetes.io/credential-id": [format!("JTI={}", issued.id)] });
        if let Some((name, uid)) = &issued.pod {
            extra["authentication.kubernetes.io/pod-name"] = json!([name]);
            extra["authentication.kubernetes.io/pod-uid"] = json!([uid]);
        }
        if let Some(node) = issued.node.as_ref().and_then(|name| self.store.get(Kind::Node, &Key::new("", name))) {
            extra["authentication.kubernetes.io/node-name"] = json!([object::name(node)]);
            extra["authentication.kubernetes.io/node-uid"] = json!([object::uid(node)]);
        }
        json!({
            "username": account_user(&issued.namespace, &issued.account),
            "uid": issued.account_uid,
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{}", issued.namespace), "system:authenticated"],
            "extra": extra,
        })
    }

    /// `POST …/serviceaccounts/x/token`
    pub(crate) fn token_from(&mut self, place: &Place, body: &Value) -> Result<Reply, Failure> {
        let account_uid = object::uid(self.find(place)?).to_owned();
        let spec = &body["spec"];
        let audiences: Vec<String> =
            object::items(&spec["audiences"]).iter().filter_map(|audience| audience.as_str().map(str::to_owned)).collect();
        let audiences = if audiences.is_empty() { vec![OWN_AUDIENCE.to_owned()] } else { audiences };
        let seconds = spec["expirationSeconds"].as_u64().unwrap_or(3600);
        if seconds < LIFE_SECONDS_MIN {
            let cause = Cause::invalid("spec.expirationSeconds", &json!(seconds), "may not specify a duration less than 10 minutes");
            return Err(Failure::invalid_question("authentication.k8s.io", "TokenRequest", cause));
        }
        let bound = &spec["boundObjectRef"];
        let pod = match (bound["kind"].as_str(), bound["name"].as_str()) {
            (Some("Pod"), Some(name)) => {
                let key = Key::new(&place.namespace, name);
                let pod = self.store.get(Kind::Pod, &key);
                let pod = pod.ok_or_else(|| Failure::not_found(Kind::Pod, name))?;
                Some((name.to_owned(), object::uid(pod).to_owned()))
            }
            _ => None,
        };
        self.next_suffix += 1;
        let token = format!("kubesim.{}.{}.{}", place.namespace, place.name, self.next_suffix);
        let expires_ms = self.now_ms + seconds * 1000;
        while self.issued.len() >= ISSUED_MAX {
            self.issued.pop_first();
        }
        let issued = Issued {
            namespace: place.namespace.clone(),
            account: place.name.clone(),
            account_uid: account_uid.clone(),
            audiences: audiences.clone(),
            expires_ms,
            node: pod.as_ref().and_then(|(name, _)| self.node_of(&Key::new(&place.namespace, name))),
            pod,
            id: self.store.mint_uid(),
        };
        self.issued.insert(token.clone(), issued);
        let answer = json!({
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": place.name,
                "namespace": place.namespace,
                "uid": account_uid,
                "creationTimestamp": time::rfc3339(self.now_ms),
            },
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": bound,
            },
            "status": { "token": token, "expirationTimestamp": time::rfc3339(expires_ms) },
        });
        Ok(Reply::json(201, &answer))
    }

    fn node_of(&self, pod: &Key) -> Option<String> {
        let node = self.store.get(Kind::Pod, pod)?["spec"]["nodeName"].as_str()?;
        Some(node.to_owned()).filter(|node| !node.is_empty())
    }

    /// `POST …/pods/x/binding`
    pub(crate) fn bind_from(&mut self, place: &Place, body: &Value) -> Result<Reply, Failure> {
        let pod = self.find(place)?.clone();
        let node = body["target"]["name"].as_str().unwrap_or_default();
        self.bind(&pod, node);
        Ok(Reply::json(201, &success()))
    }

    /// `POST …/pods/x/eviction`
    pub(crate) fn evict_from(&mut self, place: &Place, body: &Value) -> Result<Reply, Failure> {
        let options = DeleteOptions { grace_seconds: body["deleteOptions"]["gracePeriodSeconds"].as_u64(), ..DeleteOptions::default() };
        self.delete(Kind::Pod, &Key::new(&place.namespace, &place.name), &options)?;
        Ok(Reply::json(201, &success()))
    }
}

/// An access review asks either about a resource or about a path.
fn check_question(spec: &Value) -> Result<(), Failure> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let cause = match (resource.is_null(), path.is_null()) {
        (true, true) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            Cause::invalid("spec.resourceAttributes", &Value::Null, why)
        }
        (false, false) => {
            let said = json!({ "Path": path["path"], "Verb": path["verb"] });
            Cause::invalid("spec.nonResourceAttributes", &said, "cannot be specified in combination with resourceAttributes")
        }
        _ => return Ok(()),
    };
    Err(Failure::invalid_question("authorization.k8s.io", "", cause))
}

fn success() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 })
}

fn account_user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}
