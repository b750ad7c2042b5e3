//! What a sandbox may use. Nothing leaves here without limits: a sandbox runs code that nobody has read.

use std::collections::BTreeMap;

use super::platform::RawResources;
use super::quantity::Quantity;
use crate::config::DefaultResources;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;

/// The extended resource a GPU is asked for by.
const GPU: &str = "nvidia.com/gpu";
const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const EPHEMERAL_STORAGE: &str = "ephemeral-storage";

/// Requests and limits of the sandbox container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// By resource name.
    pub requests: BTreeMap<String, Quantity>,
    /// By resource name.
    pub limits: BTreeMap<String, Quantity>,
}

impl Resources {
    /// Merges, in this order: the raw resources of `platform_config`, the typed ones over them, GPUs, and defaults for what is still missing. A
    /// limit without a request is also the request, as with upstream's driver.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, for what is no quantity, for a request above its limit, and for zero GPUs.
    pub fn check(
        defaults: &DefaultResources,
        typed: Option<&pb::DriverResourceRequirements>,
        raw: RawResources,
        gpu: Option<&pb::GpuResourceRequirements>,
    ) -> Result<Self, Status> {
        let mut resources = Self { requests: raw.requests, limits: raw.limits };
        if let Some(typed) = typed {
            put(&mut resources.limits, CPU, "cpu_limit", &typed.cpu_limit)?;
            put(&mut resources.limits, MEMORY, "memory_limit", &typed.memory_limit)?;
            put(&mut resources.requests, CPU, "cpu_request", &typed.cpu_request)?;
            put(&mut resources.requests, MEMORY, "memory_request", &typed.memory_request)?;
        }
        if let Some(gpu) = gpu {
            let count = gpu.count.unwrap_or(1);
            if count == 0 {
                return Err(Status::invalid_argument("resource_requirements.gpu.count must be greater than 0"));
            }
            let count = Quantity::parse(&count.to_string()).map_err(Status::internal)?;
            resources.requests.insert(GPU.into(), count.clone());
            resources.limits.insert(GPU.into(), count);
        }
        resources.fill(CPU, &defaults.cpu_request, &defaults.cpu);
        resources.fill(MEMORY, &defaults.memory_request, &defaults.memory);
        resources.fill(EPHEMERAL_STORAGE, &defaults.ephemeral_storage_request, &defaults.ephemeral_storage);
        resources.equate_extended();
        resources.compare()?;
        Ok(resources)
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
    resource.starts_with("hugepages-") || !is_own
}

fn put(target: &mut BTreeMap<String, Quantity>, resource: &str, field: &str, written: &str) -> Result<(), Status> {
    if !written.is_empty() {
        let quantity =
            Quantity::parse(written).map_err(|error| Status::invalid_argument(format!("template.resources.{field}: {error}")))?;
        target.insert(resource.into(), quantity);
    }
    Ok(())
}
