//! Where the supervisor comes from.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream};

group_of! { SUPERVISOR:
    SUPERVISOR_IMAGE {
        long: "supervisor-image",
        metavar: "IMAGE",
        takes: Takes::One,
        upstream: upstream("supervisor-image", &["OPENSHELL_SUPERVISOR_IMAGE"]),
        default: Fallback::Text("ghcr.io/nvidia/openshell/supervisor:0.0.116"),
        example: "ghcr.io/nvidia/openshell/supervisor:0.0.109",
        help: "The image that holds the supervisor. Use the release of your gateway, at most 0.0.116: it is the last whose supervisor runs \
               inside the sandbox's pod, which is what this driver builds. That is why the default is not latest, which is 0.1 by now. Tags \
               have no leading v.",
    }
    SUPERVISOR_BINARY_PATH {
        long: "supervisor-binary-path",
        metavar: "PATH",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("/openshell-sandbox"),
        example: "/usr/local/bin/openshell-sandbox",
        help: "Where the supervisor is in that image. Change it for an image of your own that has it elsewhere; an init container then \
               copies it, since an image volume shows it only at the image's root.",
    }
    SUPERVISOR_MOUNT_PATH {
        long: "supervisor-mount-path",
        metavar: "PATH",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("/opt/openshell/bin"),
        example: "/opt/openshell/bin",
        help: "The directory of the sandbox container that gets the supervisor; what the image has there is hidden. The supervisor reserves \
               /opt/openshell for itself, so change it only if your image can't do without that directory.",
    }
    SUPERVISOR_SIDELOAD {
        long: "supervisor-sideload",
        metavar: "METHOD",
        takes: Takes::One,
        upstream: upstream("supervisor-sideload-method", &["OPENSHELL_SUPERVISOR_SIDELOAD_METHOD"]),
        default: Fallback::Text("auto"),
        example: "init-container",
        help: "How the supervisor gets into the sandbox: init-container copies it and works on every cluster; image-volume mounts its image, \
               which starts faster but needs Kubernetes 1.35 and a container runtime that can; auto takes the image volume where the API server \
               is new enough. Say init-container if pods fail with image volumes on such a cluster.",
    }
    SUPERVISOR_IMAGE_PULL_POLICY {
        long: "supervisor-image-pull-policy",
        metavar: "POLICY",
        takes: Takes::One,
        upstream: upstream("supervisor-image-pull-policy", &["OPENSHELL_SUPERVISOR_IMAGE_PULL_POLICY"]),
        default: Fallback::Unset("as --image-pull-policy"),
        example: "IfNotPresent",
        help: "When nodes pull that image: Always, IfNotPresent or Never.",
    }
}
