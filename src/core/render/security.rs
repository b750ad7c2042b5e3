//! `securityContext` of the containers that the supervisor runs in.

use serde_json::{Value, json};

use super::sandbox::put_some;
use crate::config::{Config, Profile, Rights};
use crate::core::admit::platform::Users;

/// What the supervisor does with them: mounts and namespaces, a veth pair and its routes, `/proc` of other processes, the kernel log.
const CAPABILITIES: [&str; 4] = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG"];
/// Granted by default on the node's user namespace, but not in one of the pod's own.
const CAPABILITIES_NAMESPACED: [&str; 3] = ["SETUID", "SETGID", "DAC_READ_SEARCH"];

/// The supervisor and the workload in one container: root, to be able to keep the workload in.
#[must_use]
pub fn combined(config: &Config, users: Users) -> Value {
    let mut context = json!({ "runAsUser": 0 });
    match config.pod.isolation.rights {
        Rights::Capabilities => {
            let mut capabilities = CAPABILITIES.to_vec();
            if users == Users::Namespaced {
                capabilities.extend(CAPABILITIES_NAMESPACED);
            }
            put_some(&mut context, "capabilities", Some(json!({ "add": capabilities })));
        }
        Rights::Privileged => put_some(&mut context, "privileged", Some(true.into())),
    }
    with_profiles(config, context)
}

/// A container with the capabilities `add` and no others, as `user`.
#[must_use]
pub fn confined(config: &Config, user: u32, group: Option<u32>, add: &[&str]) -> Value {
    let mut capabilities = json!({ "drop": ["ALL"] });
    put_some(&mut capabilities, "add", (!add.is_empty()).then(|| json!(add)));
    let mut context = json!({ "allowPrivilegeEscalation": false, "capabilities": capabilities, "runAsUser": user });
    put_some(&mut context, "runAsGroup", group.map(Into::into));
    put_some(&mut context, "runAsNonRoot", (user != 0).then(|| true.into()));
    with_profiles(config, context)
}

fn with_profiles(config: &Config, mut context: Value) -> Value {
    let isolation = &config.pod.isolation;
    put_some(&mut context, "appArmorProfile", isolation.app_armor.as_ref().map(profile));
    put_some(&mut context, "seccompProfile", isolation.seccomp.as_ref().map(profile));
    context
}

fn profile(profile: &Profile) -> Value {
    match profile {
        Profile::RuntimeDefault => json!({ "type": "RuntimeDefault" }),
        Profile::Unconfined => json!({ "type": "Unconfined" }),
        Profile::Localhost(name) => json!({ "type": "Localhost", "localhostProfile": name }),
    }
}
