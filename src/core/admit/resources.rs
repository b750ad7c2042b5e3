//! What a sandbox may use. Nothing leaves here without limits: a sandbox runs code that nobody has read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::Field;
use super::quantity::Quantity;
use crate::config::{DefaultResources, GpuSupply, Gpus};
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;
use crate::core::names::is_qualified_name;

const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
const HUGE_PAGES: &str = "hugepages-";

/// Requests and limits of the sandbox container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// By resource name.
    pub requests: BTreeMap<String, Quantity>,
    /// By resource name.
    pub limits: BTreeMap<String, Quantity>,
}

/// What a container's `resources` would hold, as a caller wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawResources {
    /// By resource name.
    pub requests: BTreeMap<String, Quantity>,
    /// By resource name.
    pub limits: BTreeMap<String, Quantity>,
}

impl RawResources {
    /// Reads `requests` and `limits`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field.
    pub fn read(field: &Field<'_>) -> Result<Self, Status> {
        let mut raw = Self::default();
        for (section, amounts) in field.object()? {
            let target = match section {
                "requests" => &mut raw.requests,
                "limits" => &mut raw.limits,
                _ => return Err(amounts.unknown("requests and limits")),
            };
            for (resource, amount) in amounts.object()? {
                if !is_qualified_name(resource) {
                    return Err(amount.refuse("is not a resource's name"));
                }
                if !resource.contains('/') && ![CPU, MEMORY, EPHEMERAL_STORAGE].contains(&resource) && !resource.starts_with(HUGE_PAGES) {
                    return Err(amount.refuse(format!("Kubernetes has no resource {resource}; those of others are written domain/name")));
                }
                target.insert(resource.to_owned(), amount.quantity()?);
            }
        }
        Ok(raw)
    }
}

/// Everything a request says of resources, from the strongest voice to the weakest.
#[derive(Debug, Clone, Copy)]
pub struct Wishes<'a> {
    /// `spec.resource_requirements.gpu`.
    pub gpu: Option<&'a pb::GpuResourceRequirements>,
    /// `template.resources`.
    pub typed: Option<&'a pb::DriverResourceRequirements>,
    /// `template.platform_config.resources_raw`.
    pub raw: &'a RawResources,
    /// `template.driver_config.containers.agent.resources`.
    pub fill: &'a RawResources,
}

impl Resources {
    /// Merges, in this order: the raw resources of `platform_config`, the typed ones over them, GPUs, what `driver_config` says of others, and
    /// defaults for what is still missing. A limit without a request is also the request, as with upstream's driver.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, for what is no quantity, for a request above its limit, and for zero GPUs; `FAILED_PRECONDITION` for GPUs
    /// where there are none.
    pub fn check(defaults: &DefaultResources, gpus: &Gpus, wishes: Wishes<'_>) -> Result<Self, Status> {
        let mut resources = Self { requests: wishes.raw.requests.clone(), limits: wishes.raw.limits.clone() };
        if let Some(typed) = wishes.typed {
            put(&mut resources.limits, CPU, "cpu_limit", &typed.cpu_limit)?;
            put(&mut resources.limits, MEMORY, "memory_limit", &typed.memory_limit)?;
            put(&mut resources.requests, CPU, "cpu_request", &typed.cpu_request)?;
            put(&mut resources.requests, MEMORY, "memory_request", &typed.memory_request)?;
        }
        if let Some(gpu) = wishes.gpu {
            let count = gpu.count.unwrap_or(1);
            if count == 0 {
                return Err(Status::invalid_argument("resource_requirements.gpu.count must be greater than 0"));
            }
            let count = Quantity::parse(&count.to_string()).map_err(Status::internal)?;
            resources.requests.insert(gpus.resource.clone(), count.clone());
            resources.limits.insert(gpus.resource.clone(), count);
        }
        resources.complete(wishes.fill);
        resources.fill(CPU, &defaults.cpu_request, &defaults.cpu);
        resources.fill(MEMORY, &defaults.memory_request, &defaults.memory);
        resources.fill(EPHEMERAL_STORAGE, &defaults.ephemeral_storage_request, &defaults.ephemeral_storage);
        resources.equate_extended();
        resources.compare()?;
        if gpus.supply == GpuSupply::None && resources.limits.contains_key(&gpus.resource) {
            return Err(Status::failed_precondition(format!(
                "the sandbox asks for {}, but this driver creates none with GPUs: its operator has set --gpu-support to false",
                gpus.resource
            )));
        }
        Ok(resources)
    }

    /// How many of a resource the sandbox gets.
    #[must_use]
    pub fn count(&self, resource: &str) -> u64 {
        self.limits.get(resource).and_then(Quantity::whole).unwrap_or(0)
    }

    /// Takes over what is said of resources that nothing is said of yet.
    fn complete(&mut self, other: &RawResources) {
        for (own, other) in [(&mut self.requests, &other.requests), (&mut self.limits, &other.limits)] {
            for (resource, amount) in other {
                own.entry(resource.clone()).or_insert_with(|| amount.clone());
            }
        }
    }

    /// Gives a resource what it lacks: the defaults, or of request and limit the one that follows from the other.
    fn fill(&mut self, resource: &str, default_request: &Quantity, default_limit: &Quantity) {
        match (self.requests.get(resource), self.limits.get(resource)) {
            (Some(_), Some(_)) => {}
            (None, Some(limit)) => {
                let limit = limit.clone();
                self.requests.insert(resource.into(), limit);
            }
            (Some(request), None) => {
                let limit = request.max(default_limit).clone();
                self.limits.insert(resource.into(), limit);
            }
            (None, None) => {
                self.requests.insert(resource.into(), default_request.clone());
                self.limits.insert(resource.into(), default_limit.clone());
            }
        }
    }

    /// Of what cannot be overcommitted, request and limit are the same: what is missing follows from the other.
    fn equate_extended(&mut self) {
        for resource in self.requests.keys().chain(self.limits.keys()).filter(|name| is_extended(name)).cloned().collect::<Vec<_>>() {
            if let Some(limit) = self.limits.get(&resource) {
                self.requests.entry(resource).or_insert_with(|| limit.clone());
            } else if let Some(request) = self.requests.get(&resource) {
                self.limits.insert(resource, request.clone());
            }
        }
    }

    fn compare(&self) -> Result<(), Status> {
        for (resource, limit) in &self.limits {
            if limit.is_zero() && matches!(resource.as_str(), CPU | MEMORY | EPHEMERAL_STORAGE) {
                return Err(Status::invalid_argument(format!("resources: the {resource} limit {limit} leaves nothing to run with")));
            }
            if is_extended(resource) && limit.whole().is_none() {
                return Err(Status::invalid_argument(format!("resources: of {resource} there can only be a whole number, not {limit}")));
            }
            if let Some(request) = self.requests.get(resource).filter(|request| is_extended(resource) && *request != limit) {
                return Err(Status::invalid_argument(format!(
                    "resources: of {resource} the request {request} and the limit {limit} must be the same: it cannot be overcommitted"
                )));
            }
            if let Some(request) = self.requests.get(resource).filter(|request| *request > limit) {
                return Err(Status::invalid_argument(format!(
                    "resources: the {resource} request {request} is larger than the limit {limit}"
                )));
            }
        }
        Ok(())
    }
}

/// Whether Kubernetes refuses to overcommit a resource: hugepages, and everything that is not its own.
fn is_extended(resource: &str) -> bool {
    let is_own = resource.split_once('/').is_none_or(|(domain, _)| domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"));
    resource.starts_with(HUGE_PAGES) || !is_own
}

fn put(target: &mut BTreeMap<String, Quantity>, resource: &str, field: &str, written: &str) -> Result<(), Status> {
    if !written.is_empty() {
        let quantity =
            Quantity::parse(written).map_err(|error| Status::invalid_argument(format!("template.resources.{field}: {error}")))?;
        target.insert(resource.into(), quantity);
    }
    Ok(())
}
