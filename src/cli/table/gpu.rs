//! GPUs.

use super::{Fallback, NO_COUNTERPART, Takes, group_of};

group_of! { GPU:
    GPU_SUPPORT {
        long: "gpu-support",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("true"),
        example: "false",
        help: "Whether sandboxes may ask for GPUs. With false such requests are refused, and the driver needs no right outside its namespace.",
    }
    GPU_RESOURCE_NAME {
        long: "gpu-resource-name",
        metavar: "NAME",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("nvidia.com/gpu"),
        example: "nvidia.com/mig-1g.5gb",
        help: "The resource a sandbox gets when it asks for GPUs, as nodes offer it.",
    }
    GPU_SCALE_FROM_ZERO {
        long: "gpu-scale-from-zero",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "What is done about a request for more GPUs than any node has. false refuses it at once, for which the driver may list nodes. true \
               creates the sandbox without looking at nodes, for pools in which the autoscaler makes nodes on demand, also the first one.",
    }
}
