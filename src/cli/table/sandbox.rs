//! What sandboxes are made of.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream, variable_only};

group_of! { SANDBOX:
    SANDBOX_IMAGE {
        long: "sandbox-image",
        metavar: "IMAGE",
        takes: Takes::One,
        upstream: upstream("sandbox-image", &["OPENSHELL_SANDBOX_IMAGE"]),
        default: Fallback::Text("ghcr.io/nvidia/openshell-community/sandboxes/base:latest"),
        example: "registry.example.com/sandboxes/base:1.4",
        help: "The image of a sandbox whose request names none. It must contain ip and nsenter, which the supervisor runs. Pin it to a tag or \
               digest of your own, so that what agents start with changes only when you say so.",
    }
    SANDBOX_SERVICE_ACCOUNT {
        long: "sandbox-service-account",
        metavar: "NAME",
        takes: Takes::One,
        upstream: upstream("sandbox-service-account", &["OPENSHELL_K8S_SANDBOX_SERVICE_ACCOUNT"]),
        default: Fallback::Text("default"),
        example: "openshell-sandbox",
        help: "The service account of sandbox pods. It needs no permissions: its token only proves to the gateway which pod is calling, and \
               the API's own token is mounted only with --automount-service-account-token. The gateway must expect the same name (service_account_name in its table \
               [openshell.drivers.kubernetes]).",
    }
    IMAGE_PULL_POLICY {
        long: "image-pull-policy",
        metavar: "POLICY",
        takes: Takes::One,
        upstream: upstream("sandbox-image-pull-policy", &["OPENSHELL_SANDBOX_IMAGE_PULL_POLICY"]),
        default: Fallback::Unset("Kubernetes' rule: Always for the tag latest, otherwise IfNotPresent"),
        example: "IfNotPresent",
        help: "When nodes pull images: Always, IfNotPresent or Never. It holds for the sandbox's image, and for the supervisor's unless \
               --supervisor-image-pull-policy says otherwise. Never suits nodes with preloaded images.",
    }
    IMAGE_PULL_SECRETS {
        long: "image-pull-secrets",
        metavar: "NAMES",
        takes: Takes::List,
        upstream: upstream("sandbox-image-pull-secrets", &["OPENSHELL_SANDBOX_IMAGE_PULL_SECRETS"]),
        default: Fallback::Unset("none"),
        example: "registry-credentials",
        help: "Secrets of type kubernetes.io/dockerconfigjson in the sandboxes' namespace, for registries that ask for credentials.",
    }
    SANDBOX_STORAGE_SIZE {
        long: "sandbox-storage-size",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: variable_only(&["OPENSHELL_K8S_WORKSPACE_DEFAULT_STORAGE_SIZE"]),
        default: Fallback::Text("2Gi"),
        example: "10Gi",
        help: "The size of the volume at /sandbox, which outlives a stop. Every sandbox gets one, stopped ones keep it. A change holds for \
               sandboxes created from then on.",
    }
    SANDBOX_STORAGE_CLASS {
        long: "sandbox-storage-class",
        metavar: "NAME",
        takes: Takes::One,
        upstream: variable_only(&["OPENSHELL_K8S_WORKSPACE_STORAGE_CLASS"]),
        default: Fallback::Unset("the cluster's default class"),
        example: "default",
        help: "The storage class of that volume. Name one where the cluster has no default class, or to choose faster or cheaper disks; it \
               must bind ReadWriteOnce volumes.",
    }
    STOP_TIMEOUT_SECS {
        long: "stop-timeout-secs",
        metavar: "SECONDS",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("30"),
        example: "60",
        help: "How long a stopping sandbox has between SIGTERM and SIGKILL, 1 to 3600. Raise it for workloads that have much to \
               save.",
    }
    TERMINAL_AFTER_SECS {
        long: "terminal-after-secs",
        metavar: "SECONDS",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("a sandbox is waited for as long as it exists"),
        example: "1800",
        help: "After so long, 60 to 604800, a sandbox that is not ready is reported as failed: no node takes it, its image cannot be \
               pulled, its pod is refused, the controller is silent. A gateway never takes that back, however well the sandbox \
               becomes: its user can only delete it. Without this, it stays in Provisioning with the cause in its message.",
    }
    TELEMETRY {
        long: "telemetry",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: variable_only(&["OPENSHELL_TELEMETRY_ENABLED"]),
        default: Fallback::Text("true"),
        example: "false",
        help: "Whether supervisors report how they are used. The driver itself reports nothing to anybody.",
    }
    DISABLE_CLAUDE_TELEMETRY {
        long: "disable-claude-telemetry",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether Claude Code is told in every sandbox to talk to nobody but its model (CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1): no telemetry, \
               error reports or update checks. A request can't take it back.",
    }
}
