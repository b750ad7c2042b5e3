//! What is around sandboxes: the namespaces of workspaces, what exposes a sandbox, nodes with GPUs.

use std::collections::BTreeSet;

use kubesim::Kind;
use serde_json::Value;

use super::World;
use super::happening::Life;
use super::wire::short;
use super::words::tail;
use crate::books::wants_gpus;
use crate::driver::contract::messages::compute as pb;
use crate::driver::core::io::{HttpRequest, Method};
use crate::driver::core::time::Wall;
use crate::gateway::ask::{Ask, Code, Heard, Refusal};
use crate::home::{FORBIDDEN, Home, WORKSPACES, Written};
use crate::rules::Rule;
use crate::scenario::{self, gateway_id};

/// How long a workspace is tried to be prepared.
const PATIENCE_MS: u64 = 59_000;
/// How fine the times are that objects bear.
const SECOND_MS: u64 = 1_000;

impl World {
    /// The objects of a kind where a driver's sandboxes live.
    pub(super) fn own_objects(&self, driver: usize, kind: Kind) -> Vec<Value> {
        let plan = &self.seats[driver].plan;
        let one = if plan.home == Home::Shared { plan.namespace.as_str() } else { "" };
        let mut objects = self.cluster.objects(kind, one);
        objects.retain(|object| plan.holds(object["metadata"]["namespace"].as_str().unwrap_or_default()));
        objects
    }

    /// The namespaces of sandboxes that no driver makes.
    pub(super) fn given_namespaces(&self) -> BTreeSet<String> {
        let plans = self.seats.iter().map(|seat| &seat.plan);
        let given = plans.flat_map(|plan| match plan.home {
            Home::Shared => vec![plan.namespace.clone()],
            Home::Managed => Vec::new(),
            Home::Operator => WORKSPACES.map(str::to_owned).to_vec(),
        });
        given.collect()
    }

    /// A write to something else than a Sandbox reaches the API server: what is wrong with it, should it be carried out.
    pub(super) fn judge_other_write(&self, life: Life, request: &HttpRequest, written: &Written) -> Option<(Rule, String)> {
        let plan = &self.seats[life.driver].plan;
        let body: Value = serde_json::from_slice(&request.body.0).unwrap_or_default();
        let wrong = |rule| Some((rule, format!("{:?} {} with {body}", request.method, short(&request.path))));
        let owned = |object: &Value| {
            let labels = &object["metadata"]["labels"];
            labels["openshell.ai/managed-by"] == "openshell" && labels["openshell.ai/gateway-id"] == gateway_id(plan.gateway).as_str()
        };
        let workspace_of = |namespace: &str| namespace.strip_prefix(&plan.prefix()).unwrap_or_default().to_owned();
        let is_foreign = |namespace: &str| self.cluster.object(Kind::Namespace, "", namespace).is_some_and(|object| !owned(&object));
        match (written, request.method) {
            (Written::NewNamespace, _) => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                let asked = self.books.may_begin(plan.gateway, &workspace_of(name));
                if owned(&body) && asked && plan.holds(name) { None } else { wrong(Rule::OwnNamespace) }
            }
            (Written::Namespace(name), Method::Delete) => {
                let uid = self.cluster.object(Kind::Namespace, "", name).map(|object| object["metadata"]["uid"].clone());
                let named = body["preconditions"]["uid"].is_string();
                let hits = uid.as_ref() == Some(&body["preconditions"]["uid"]);
                let asked = self.books.may_end(plan.gateway, &workspace_of(name));
                if named && asked && !(hits && is_foreign(name)) { None } else { wrong(Rule::OwnNamespace) }
            }
            (Written::Namespace(name), _) if is_foreign(name) => wrong(Rule::OwnNamespace),
            (Written::Piece((namespace, _)), _) if is_foreign(namespace) => wrong(Rule::OwnNamespace),
            (Written::Follower(_), Method::Post) => {
                let owners = body["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
                let known = |owner: &Value| owner["uid"].as_str().is_some_and(|uid| self.truth.was_made(plan.gateway, uid));
                if owners.len() == 1 && owners.iter().all(known) { None } else { wrong(Rule::OwnObjects) }
            }
            (Written::Follower((namespace, name)), _) => {
                let mut kinds = plan.route.iter().flat_map(|route| route.kinds()).copied();
                let ours = kinds.any(|kind| self.cluster.object(kind, namespace, name).is_some_and(|object| owned(&object)));
                if ours { None } else { wrong(Rule::OwnObjects) }
            }
            _ => None,
        }
    }

    /// An answer about a workspace.
    pub(super) fn judge_workspace(&mut self, life: Life, began_ms: u64, ask: &Ask, workspace: &str, heard: &Heard) {
        let plan = self.seats[life.driver].plan.clone();
        let namespace = plan.home_of(workspace);
        let object = self.cluster.object(Kind::Namespace, "", &namespace);
        let leaving = object.as_ref().is_some_and(|object| object["status"]["phase"] == "Terminating");
        let wrong = match (plan.home, ask, heard) {
            (Home::Shared | Home::Operator, Ask::DeleteWorkspace(_), Err(_)) | (Home::Shared, _, Err(_)) => Some("it has nothing to do"),
            // The gateway would keep the workspace for ever.
            (_, _, Err(Refusal { code: Code::NotFound, .. })) => Some("there is no such answer"),
            // Otherwise it goes on trying.
            (Home::Managed, Ask::EnsureWorkspace(_), Err(Refusal { code: Code::Unavailable, .. }))
                if self.now_ms < began_ms + PATIENCE_MS =>
            {
                Some("it has not tried for long enough")
            }
            (Home::Managed, Ask::EnsureWorkspace(_), Ok(_)) if object.is_none() && self.is_unmoved(life, began_ms, workspace) => {
                Some("its namespace is not there")
            }
            (Home::Managed, Ask::DeleteWorkspace(_), Ok(_)) if object.is_some() && !leaving => {
                let created = object.as_ref().and_then(|object| object["metadata"]["creationTimestamp"].as_str()).unwrap_or_default();
                let began = super::EPOCH_MS + began_ms.saturating_sub(SECOND_MS);
                let is_older = Wall::parse(created).is_some_and(|created| u64::try_from(created.0).unwrap_or_default() < began);
                (is_older && workspace != FORBIDDEN).then_some("its namespace stays")
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.broken(Rule::Workspaces, || format!("{life} answers {} of {workspace} with {heard:?}: {wrong}", ask.name()));
        }
    }

    /// Whether nobody can have deleted the namespace of a workspace since.
    fn is_unmoved(&self, life: Life, began_ms: u64, workspace: &str) -> bool {
        let gateway = self.seats[life.driver].plan.gateway;
        let others = self.scenario.others.kinds.contains(&scenario::Kind::Namespace) || self.truth.restored_ms() > began_ms;
        !others && !self.books.may_end(gateway, workspace)
    }

    /// An answer to whether a sandbox can be created.
    pub(super) fn judge_capacity(&mut self, life: Life, sandbox: &pb::DriverSandbox, heard: &Heard) {
        let forbidden = sandbox.workspace == FORBIDDEN && self.seats[life.driver].plan.home == Home::Operator;
        let refused = matches!(heard, Err(Refusal { code: Code::FailedPrecondition, .. }));
        let others = self.scenario.others.kinds.contains(&scenario::Kind::Namespace) || self.truth.restored_ms() > 0;
        if (forbidden && heard.is_ok()) || (!forbidden && refused && !others && !wants_gpus(sandbox)) {
            return self.broken(Rule::Workspaces, || format!("{life} answers a wish for workspace {} with {heard:?}", sandbox.workspace));
        }
        if !wants_gpus(sandbox) || forbidden {
            return;
        }
        let requirements = sandbox.spec.as_ref().and_then(|spec| spec.resource_requirements.as_ref());
        let wanted = requirements.and_then(|requirements| requirements.gpu.as_ref()?.count).unwrap_or(1);
        let enough = self.scenario.cluster.gpus >= wanted;
        let wrong = match heard {
            Ok(_) => !enough,
            Err(Refusal { code: Code::FailedPrecondition, message }) => enough && message.starts_with("no node has"),
            Err(_) => false,
        };
        if wrong {
            let gpus = self.scenario.cluster.gpus;
            self.broken(Rule::Capacity, || format!("{life} answers a wish for {wanted} of {gpus} GPUs with {heard:?}"));
        }
    }

    /// Once all is quiet: what exposes a sandbox is there, and is there for nothing else.
    pub(super) fn check_followers(&mut self) {
        for driver in 0..self.seats.len() {
            let Some(route) = self.seats[driver].plan.route else { continue };
            let gateway = self.seats[driver].plan.gateway;
            let alive: BTreeSet<String> = self
                .truth
                .objects()
                .values()
                .filter(|seen| seen.sandbox.as_ref().is_some_and(|(owner, _)| *owner == gateway) && seen.leaving_since.is_none())
                .map(|seen| seen.uid.clone())
                .collect();
            for kind in route.kinds().iter().copied() {
                let followed: BTreeSet<String> = self
                    .own_objects(driver, kind)
                    .iter()
                    .filter(|object| object["metadata"]["labels"]["openshell.ai/gateway-id"] == gateway_id(gateway).as_str())
                    .filter_map(|object| object["metadata"]["ownerReferences"][0]["uid"].as_str().map(str::to_owned))
                    .collect();
                if let Some(uid) = followed.iter().find(|uid| !alive.contains(*uid)) {
                    return self.broken(Rule::Followed, || format!("a {kind:?} of driver {driver} follows {uid}, which is gone"));
                }
                let bare = self.truth.objects().iter().find(|(place, seen)| {
                    let shown = seen.sandbox.as_ref().filter(|sandbox| self.truth.visible(sandbox).is_there());
                    alive.contains(&seen.uid)
                        && seen.visible == crate::truth::Visible::Yes
                        && !followed.contains(&seen.uid)
                        && !self.is_name_taken(driver, place)
                        && shown.is_some_and(|sandbox| !self.books.excused(crate::books::Excuse::Copied, sandbox))
                });
                if let Some((place, _)) = bare {
                    let place = place.clone();
                    return self.broken(Rule::Followed, || format!("{}/{} has no {kind:?}", place.0, place.1));
                }
            }
        }
    }

    /// Whether somebody has deleted a Sandbox of this name and let run on what followed it: that belongs to nobody, and is not taken over.
    fn is_name_taken(&self, driver: usize, place: &crate::truth::Place) -> bool {
        let kinds = self.seats[driver].plan.route.iter().flat_map(|route| route.kinds());
        let mut objects = kinds.filter_map(|kind| self.cluster.object(*kind, &place.0, &format!("expose-{}", place.1)));
        objects.any(|object| object["metadata"]["ownerReferences"].as_array().is_none_or(Vec::is_empty))
    }

    /// Once all is quiet: of what is exposed, that is said.
    pub(super) fn judge_exposed(&mut self, life: Life, snapshot: &pb::DriverSandbox) {
        let Some(status) = snapshot.status.as_ref().filter(|status| !status.deleting) else { return };
        let says = status.conditions.iter().any(|condition| condition.r#type == "Exposed" && condition.status == "True");
        let place = (snapshot.namespace.clone(), status.sandbox_name.clone());
        if self.seats[life.driver].plan.route.is_some() && !says && !self.is_name_taken(life.driver, &place) {
            let id = tail(&snapshot.id).to_owned();
            let conditions = format!("{:?}", status.conditions);
            self.broken(Rule::Followed, || format!("{life} does not say that {id} is exposed: {conditions}"));
        }
    }
}
