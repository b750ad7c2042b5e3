//! `GetCapabilities`: always answered, also while the API server is away; the gateway gives up otherwise.

use crate::config::Config;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;
use crate::core::io::Reply;

/// What the gateway is to call us.
const DRIVER_NAME: &str = "kyma";

/// Answers.
///
/// # Errors
/// `FAILED_PRECONDITION` to a gateway that announces itself: from v0.1 on they expect another sandbox runtime.
pub fn reply(config: &Config, request: &pb::GetCapabilitiesRequest) -> Result<Reply, Status> {
    if let Some(gateway) = &request.gateway {
        let version = if gateway.implementation_version.is_empty() { "v0.1 or later" } else { &gateway.implementation_version };
        return Err(Status::failed_precondition(format!(
            "gateway {version} runs sandboxes in another way than this driver provides; openshell-driver-kyma {} serves gateways v0.0.91 to v0.0.116",
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(Reply::GetCapabilities(pb::GetCapabilitiesResponse {
        driver_name: DRIVER_NAME.into(),
        driver_version: env!("CARGO_PKG_VERSION").into(),
        default_image: config.pod.image.clone(),
        // Otherwise a passing failure of a start would become a final error at the gateway (gateway-observed.md §8).
        gateway_manages_lifecycle: false,
        ..pb::GetCapabilitiesResponse::default()
    }))
}
