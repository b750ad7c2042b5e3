//! How the supervisor gets into the sandbox container.

use serde_json::{Value, json};

use super::sandbox::put_some;
use crate::config::{Config, Sideload};
use crate::core::kube::version::ServerVersion;
use crate::core::layout::volume;

/// What the supervisor is called in the sandbox container, whatever it is called in its image.
pub const BINARY: &str = "openshell-sandbox";

/// The way this sandbox gets its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Copied by an init container.
    InitContainer,
    /// Mounted from its image.
    ImageVolume,
}

impl Delivery {
    /// Decides by the setting and, where that leaves it open, by what is known of the API server. The init container works everywhere; an
    /// older API server would drop the `image` field and leave a volume without a source.
    #[must_use]
    pub fn choose(sideload: Sideload, server: Option<ServerVersion>) -> Self {
        match sideload {
            Sideload::ImageVolume => Self::ImageVolume,
            Sideload::Auto if server >= Some(ServerVersion::IMAGE_VOLUMES) => Self::ImageVolume,
            Sideload::InitContainer | Sideload::Auto => Self::InitContainer,
        }
    }

    /// The volume.
    #[must_use]
    pub fn volume(self, config: &Config) -> Value {
        match self {
            // Memory would count against the sandbox; the binary is small and read-only to it.
            Self::InitContainer => json!({ "name": volume::SUPERVISOR, "emptyDir": { "sizeLimit": "256Mi" } }),
            Self::ImageVolume => {
                let mut image = json!({ "reference": config.pod.supervisor.image });
                put_some(&mut image, "pullPolicy", pull_policy(config));
                json!({ "name": volume::SUPERVISOR, "image": image })
            }
        }
    }

    /// The init container that copies the binary, where one does. The image has no shell and no `cp`; the binary copies itself.
    #[must_use]
    pub fn init_container(self, config: &Config) -> Option<Value> {
        let supervisor = &config.pod.supervisor;
        match self {
            Self::ImageVolume => None,
            Self::InitContainer => Some(container(
                config,
                json!({
                    "name": "openshell-supervisor-install",
                    "command": [supervisor.binary_path, "copy-self", path(config)],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": { "drop": ["ALL"] },
                        "readOnlyRootFilesystem": true,
                        "runAsUser": 0,
                    },
                    "resources": {
                        "requests": { "cpu": "10m", "memory": "32Mi" },
                        "limits": { "cpu": "500m", "memory": "128Mi" },
                    },
                    "volumeMounts": [{ "name": volume::SUPERVISOR, "mountPath": supervisor.mount_path }],
                }),
            )),
        }
    }
}

/// A container of the supervisor's own image.
#[must_use]
pub fn container(config: &Config, mut container: Value) -> Value {
    put_some(&mut container, "image", Some(config.pod.supervisor.image.as_str().into()));
    put_some(&mut container, "imagePullPolicy", pull_policy(config));
    container
}

/// When the supervisor's image is pulled, if anybody says so.
fn pull_policy(config: &Config) -> Option<Value> {
    config.pod.supervisor.image_pull_policy.or(config.pod.image_pull_policy).map(|policy| policy.as_str().into())
}

/// Where the supervisor is in the sandbox container.
#[must_use]
pub fn path(config: &Config) -> String {
    format!("{}/{BINARY}", config.pod.supervisor.mount_path)
}
