//! `template.driver_config`: what a caller says to this driver. Schema: gateway.md §4.13, the same as upstream's, so that blocks written for its
//! Kubernetes driver hold here; every level is strict.

use super::fields::Field;
use super::resources::RawResources;
use super::scheduling::{self, Scheduling};
use super::volumes::Volumes;
use crate::config::{CallerVolumes, Config};
use crate::contract::messages::protobuf::Struct;
use crate::core::grpc_status::Status;
use crate::core::names::ObjectName;

const FIELD: &str = "template.driver_config";

/// A checked `driver_config`.
#[derive(Debug, Clone, Default)]
pub struct DriverConfig {
    /// `pod.runtime_class_name`.
    pub runtime_class: Option<ObjectName>,
    /// What `pod` says of nodes.
    pub scheduling: Scheduling,
    /// `containers.agent.resources`.
    pub resources: RawResources,
    /// `volumes`, and `containers.agent.volume_mounts`.
    pub volumes: Volumes,
}

impl DriverConfig {
    /// Checks a `driver_config`; none at all is the empty one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field; `FAILED_PRECONDITION` for volumes where the operator has not allowed them.
    pub fn check(config: &Config, block: Option<&Struct>) -> Result<Self, Status> {
        let mut read = Self::default();
        let Some(block) = block else { return Ok(read) };
        for (key, part) in Field::of(FIELD, block) {
            match key {
                "pod" => read.pod(&part)?,
                "containers" => read.containers(config, &part)?,
                "volumes" => {
                    allowed(config, &part)?;
                    read.volumes.read_claims(&part)?;
                }
                _ => return Err(part.unknown("pod, containers and volumes")),
            }
        }
        read.volumes.agree(&format!("{FIELD}.containers.agent.volume_mounts"))?;
        Ok(read)
    }

    fn pod(&mut self, field: &Field<'_>) -> Result<(), Status> {
        for (key, part) in field.object()? {
            match key {
                "node_selector" => self.scheduling.node_selector = scheduling::node_selector(&part)?,
                "tolerations" => self.scheduling.tolerations = scheduling::tolerations(&part)?,
                "priority_class_name" => self.scheduling.priority_class = scheduling::priority_class(&part)?,
                "runtime_class_name" => self.runtime_class = part.object_name()?,
                _ => return Err(part.unknown("node_selector, tolerations, priority_class_name and runtime_class_name")),
            }
        }
        Ok(())
    }

    fn containers(&mut self, config: &Config, field: &Field<'_>) -> Result<(), Status> {
        for (container, part) in field.object()? {
            if container != "agent" {
                return Err(part.unknown("agent"));
            }
            for (key, part) in part.object()? {
                match key {
                    "resources" => self.resources = RawResources::read(&part)?,
                    "volume_mounts" => {
                        allowed(config, &part)?;
                        self.volumes.read_mounts(config, &part)?;
                    }
                    _ => return Err(part.unknown("resources and volume_mounts")),
                }
            }
        }
        Ok(())
    }
}

/// Whether callers may say anything about volumes; an empty list says nothing.
fn allowed(config: &Config, field: &Field<'_>) -> Result<(), Status> {
    if config.pod.caller_volumes == CallerVolumes::Allowed || field.list()?.next().is_none() {
        return Ok(());
    }
    Err(Status::failed_precondition(format!(
        "{}: callers may not mount volumes here; the driver's operator can allow it with --allow-driver-config-volumes true",
        field.path()
    )))
}
