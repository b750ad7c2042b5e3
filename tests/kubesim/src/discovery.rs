//! What is served, told the way discovery tells it.

use crate::cluster::{Cluster, serves_subresource};
use crate::failure::Failure;
use crate::resource::{Kind, Scope};
use serde_json::{Value, json};

impl Cluster {
    pub(crate) fn version_document() -> Value {
        json!({
            "major": "1",
            "minor": "36",
            "gitVersion": "v1.36.3",
            "gitCommit": "kubesim",
            "gitTreeState": "clean",
            "buildDate": "2026-08-01T00:00:00Z",
            "goVersion": "none",
            "compiler": "none",
            "platform": "linux/amd64",
        })
    }

    pub(crate) fn core_versions() -> Value {
        json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
    }

    pub(crate) fn groups(&self) -> Value {
        let mut names: Vec<&str> = Vec::new();
        for kind in Kind::ALL {
            let group = kind.resource().group;
            let served = !self.served_versions(kind).is_empty();
            if !group.is_empty() && served && !names.contains(&group) {
                names.push(group);
            }
        }
        names.extend(["authentication.k8s.io", "authorization.k8s.io"]);
        let groups: Vec<Value> = names.into_iter().map(|name| self.describe_group(name)).collect();
        json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
    }

    pub(crate) fn group(&self, name: &str) -> Result<Value, Failure> {
        if self.group_versions(name).is_empty() {
            return Err(Failure::NoHandler);
        }
        let mut group = self.describe_group(name);
        group["kind"] = json!("APIGroup");
        group["apiVersion"] = json!("v1");
        Ok(group)
    }

    pub(crate) fn resources(&self, group: &str, version: &str) -> Result<Value, Failure> {
        if !self.group_versions(group).contains(&version) {
            return Err(Failure::NoHandler);
        }
        let mut resources = Vec::new();
        for kind in Kind::ALL {
            let resource = kind.resource();
            if resource.group != group || !self.served_versions(kind).contains(&version) {
                continue;
            }
            let namespaced = resource.scope == Scope::Namespaced;
            let mut verbs = if kind.is_custom() {
                vec!["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
            } else {
                vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
            };
            if kind == Kind::Namespace {
                verbs.retain(|verb| *verb != "deletecollection");
            }
            let mut told = json!({
                "name": resource.plural,
                "singularName": resource.singular,
                "namespaced": namespaced,
                "kind": resource.kind,
                "shortNames": resource.short,
                "verbs": verbs,
            });
            if matches!(kind, Kind::Pod | Kind::Service) {
                told["categories"] = json!(["all"]);
            }
            resources.push(told);
            for subresource in resource.subresources {
                if !serves_subresource(kind, version, subresource) {
                    continue;
                }
                resources.push(describe_subresource(kind, namespaced, subresource));
            }
        }
        match group {
            "authorization.k8s.io" => {
                resources.push(review("selfsubjectaccessreviews", "SelfSubjectAccessReview"));
            }
            "authentication.k8s.io" => {
                resources.push(review("selfsubjectreviews", "SelfSubjectReview"));
                resources.push(review("tokenreviews", "TokenReview"));
            }
            _ => {}
        }
        let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        Ok(json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": group_version,
            "resources": resources,
        }))
    }

    fn group_versions(&self, group: &str) -> Vec<&'static str> {
        if matches!(group, "authentication.k8s.io" | "authorization.k8s.io") {
            return vec!["v1"];
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.resource().group == group && !self.served_versions(*kind).is_empty());
        kind.map(|kind| self.served_versions(kind).to_vec()).unwrap_or_default()
    }

    fn describe_group(&self, name: &str) -> Value {
        let versions: Vec<Value> = self
            .group_versions(name)
            .into_iter()
            .map(|version| json!({ "groupVersion": format!("{name}/{version}"), "version": version }))
            .collect();
        json!({
            "name": name,
            "preferredVersion": versions.first().cloned().unwrap_or_default(),
            "versions": versions,
        })
    }
}

fn describe_subresource(kind: Kind, namespaced: bool, subresource: &str) -> Value {
    let resource = kind.resource();
    let name = format!("{}/{subresource}", resource.plural);
    let (answers, verbs) = match subresource {
        "binding" => ("Binding", json!(["create"])),
        "eviction" => ("Eviction", json!(["create"])),
        "token" => ("TokenRequest", json!(["create"])),
        "finalize" => (resource.kind, json!(["update"])),
        "scale" => ("Scale", json!(["get", "patch", "update"])),
        _ => (resource.kind, json!(["get", "patch", "update"])),
    };
    let mut told = json!({
        "name": name,
        "singularName": "",
        "namespaced": namespaced,
        "kind": answers,
        "verbs": verbs,
    });
    if subresource == "scale" {
        told["group"] = json!("autoscaling");
        told["version"] = json!("v1");
    }
    told
}

fn review(name: &str, kind: &str) -> Value {
    json!({
        "name": name,
        "singularName": kind.to_lowercase(),
        "namespaced": false,
        "kind": kind,
        "verbs": ["create"],
    })
}
