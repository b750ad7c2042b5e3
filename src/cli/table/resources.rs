//! What a sandbox gets that asks for nothing.

use super::{Fallback, NO_COUNTERPART, Takes, group_of};

group_of! { RESOURCES:
    SANDBOX_CPU {
        long: "sandbox-cpu",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("2"),
        example: "4",
        help: "CPU limit, in cores. No sandbox is unbounded: it runs code nobody has read.",
    }
    SANDBOX_CPU_REQUEST {
        long: "sandbox-cpu-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("250m"),
        example: "500m",
        help: "CPU reserved on the node. Requests are small so that waiting agents share nodes; raise them where busy ones slow each other down.",
    }
    SANDBOX_MEMORY {
        long: "sandbox-memory",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("4Gi"),
        example: "8Gi",
        help: "Memory limit; above it the kernel kills processes of the sandbox.",
    }
    SANDBOX_MEMORY_REQUEST {
        long: "sandbox-memory-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("512Mi"),
        example: "1Gi",
        help: "Memory reserved on the node. Sandboxes above their request are the first to be evicted when a node runs short.",
    }
    SANDBOX_EPHEMERAL_STORAGE {
        long: "sandbox-ephemeral-storage",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("8Gi"),
        example: "20Gi",
        help: "Limit of what is written outside /sandbox, logs included; above it the pod is evicted, and what is outside /sandbox is lost.",
    }
    SANDBOX_EPHEMERAL_STORAGE_REQUEST {
        long: "sandbox-ephemeral-storage-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("1Gi"),
        example: "2Gi",
        help: "Node disk reserved for that.",
    }
}
