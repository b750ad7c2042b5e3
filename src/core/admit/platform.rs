//! `template.platform_config`: what the gateway passes on of a request that only Kubernetes understands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::Field;
use super::is_reserved;
use super::resources::RawResources;
use super::scheduling::{self, Scheduling};
use crate::contract::messages::protobuf::Struct;
use crate::core::grpc_status::Status;
use crate::core::names::{ObjectName, is_qualified_name};

/// A checked `platform_config`.
#[derive(Debug, Clone, Default)]
pub struct Platform {
    /// `runtimeClassName`.
    pub runtime_class: Option<ObjectName>,
    /// Annotations for the pod.
    pub annotations: BTreeMap<String, String>,
    /// Whose user namespace the pod is to have, if the request says so.
    pub users: Option<Users>,
    /// What it says of nodes.
    pub scheduling: Scheduling,
    /// Requests and limits beyond the typed ones.
    pub resources: RawResources,
}

/// `hostUsers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Users {
    /// The node's.
    Host,
    /// The pod's own.
    Namespaced,
}

impl Platform {
    /// Checks a `platform_config`; none at all is the default one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field. An unknown field is refused, because the caller would believe it heeded.
    pub fn check(config: Option<&Struct>) -> Result<Self, Status> {
        let mut platform = Self::default();
        let Some(config) = config else { return Ok(platform) };
        for (key, part) in Field::of("template.platform_config", config) {
            match key {
                "runtime_class_name" => platform.runtime_class = part.object_name()?,
                "annotations" => platform.annotations = annotations(&part)?,
                "host_users" => platform.users = Some(part.either(Users::Host, Users::Namespaced)?),
                "node_selector" => platform.scheduling.node_selector = scheduling::node_selector(&part)?,
                "tolerations" => platform.scheduling.tolerations = scheduling::tolerations(&part)?,
                "resources_raw" => platform.resources = RawResources::read(&part)?,
                _ => {
                    return Err(part.unknown("runtime_class_name, annotations, host_users, node_selector, tolerations and resources_raw"));
                }
            }
        }
        Ok(platform)
    }
}

fn annotations(field: &Field<'_>) -> Result<BTreeMap<String, String>, Status> {
    field
        .object()?
        .map(|(key, value)| {
            if !is_qualified_name(key) {
                return Err(value.refuse("is not an annotation key"));
            }
            if is_reserved(key) {
                return Err(value.refuse("belongs to a domain that is not the caller's to set"));
            }
            Ok((key.to_owned(), value.text()?.to_owned()))
        })
        .collect()
}
