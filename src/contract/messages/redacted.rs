//! What a message with a secret in it prints: names, keys and counts, never a value somebody might want to steal.
//!
//! Each message is taken apart field by field, so that a new field does not compile before somebody decides here.

use super::compute::{AuthenticateSandboxRequest, DriverSandboxSpec, DriverSandboxTemplate, StartSandboxRequest};
use std::{collections::BTreeMap, fmt};

/// Stands for a secret and says only whether there is one.
enum Secret {
    Unset,
    Withheld,
}

impl Secret {
    fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Self::Unset } else { Self::Withheld }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unset => "unset",
            Self::Withheld => "withheld",
        })
    }
}

/// The keys of a map.
struct Keys<'a, V>(&'a BTreeMap<String, V>);

impl<V> fmt::Debug for Keys<'_, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// So many of something.
struct Count(usize, &'static str);

impl fmt::Debug for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.0, self.1)
    }
}

impl fmt::Debug for DriverSandboxSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            log_level,
            environment,
            template,
            policy,
            resource_requirements,
            sandbox_token,
            command,
            tty,
            await_main_process_attachment,
            workload_identity,
            launch_authentication,
        } = self;
        formatter
            .debug_struct("DriverSandboxSpec")
            .field("log_level", log_level)
            .field("environment", &Keys(environment))
            .field("template", template)
            .field("policy", &Count(policy.len(), "bytes"))
            .field("resource_requirements", resource_requirements)
            .field("sandbox_token", &Secret::of(sandbox_token.as_bytes()))
            .field("command", &Count(command.len(), "arguments"))
            .field("tty", tty)
            .field("await_main_process_attachment", await_main_process_attachment)
            .field("workload_identity", workload_identity)
            .field("launch_authentication", &Secret::of(launch_authentication))
            .finish()
    }
}

impl fmt::Debug for DriverSandboxTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, agent_socket_path, labels, environment, resources, platform_config, driver_config, user_namespaces } = self;
        formatter
            .debug_struct("DriverSandboxTemplate")
            .field("image", image)
            .field("agent_socket_path", agent_socket_path)
            .field("labels", labels)
            .field("environment", &Keys(environment))
            .field("resources", resources)
            .field("platform_config", &platform_config.as_ref().map(|config| Keys(&config.fields)))
            .field("driver_config", &driver_config.as_ref().map(|config| Keys(&config.fields)))
            .field("user_namespaces", user_namespaces)
            .finish()
    }
}

impl fmt::Debug for AuthenticateSandboxRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credential } = self;
        formatter.debug_struct("AuthenticateSandboxRequest").field("credential", &Secret::of(credential.as_bytes())).finish()
    }
}

impl fmt::Debug for StartSandboxRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sandbox_id, sandbox_name, launch_authentication, generation_id, expected_runtime_identity } = self;
        formatter
            .debug_struct("StartSandboxRequest")
            .field("sandbox_id", sandbox_id)
            .field("sandbox_name", sandbox_name)
            .field("launch_authentication", &Secret::of(launch_authentication))
            .field("generation_id", generation_id)
            .field("expected_runtime_identity", expected_runtime_identity)
            .finish()
    }
}
