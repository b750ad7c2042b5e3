//! What stands between a sandbox and its node.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream, variable_only};

group_of! { ISOLATION:
    TOPOLOGY {
        long: "topology",
        metavar: "WHERE",
        takes: Takes::One,
        upstream: upstream("topology", &["OPENSHELL_K8S_TOPOLOGY"]),
        default: Fallback::Text("combined"),
        example: "sidecar",
        help: "Where the supervisor runs. combined: in the sandbox's container, as root with four capabilities, the workload in a network \
               namespace of its own. sidecar: its network half in a container beside, so that the sandbox's runs as --sandbox-uid without any \
               capability; all its traffic passes the sidecar. Of the sidecar's ways neither --sandbox-privileged nor \
               --istio-inject-sandboxes is one.",
    }
    SIDECAR_PROXY_UID {
        long: "sidecar-proxy-uid",
        metavar: "UID",
        takes: Takes::One,
        upstream: upstream("sidecar-proxy-uid", &["OPENSHELL_K8S_SIDECAR_PROXY_UID"]),
        default: Fallback::Text("1337"),
        example: "1500",
        help: "Who the sidecar runs as where it need not be root, 1000 to 4294967294. Never --sandbox-uid: by the user, the packet filter tells the \
               sidecar's traffic from the workload's.",
    }
    SIDECAR_BINARY_AWARE {
        long: "sidecar-process-binary-aware-network-policy",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: upstream(
            "sidecar-process-binary-aware-network-policy",
            &["OPENSHELL_K8S_SIDECAR_PROCESS_BINARY_AWARE_NETWORK_POLICY"],
        ),
        default: Fallback::Text("true"),
        example: "false",
        help: "Whether a sandbox's network rules may name the program that connects. true: the sidecar is root with two capabilities, to look at \
               the workload's processes. false: it is --sidecar-proxy-uid without any, and every program may use what one may.",
    }
    SANDBOX_UID {
        long: "sandbox-uid",
        metavar: "UID",
        takes: Takes::One,
        upstream: upstream("sandbox-uid", &["OPENSHELL_K8S_SANDBOX_UID"]),
        default: Fallback::Text("1000"),
        example: "10001",
        help: "The user workloads run as, 1 to 4294967294; the supervisor calls it sandbox in the container's /etc/passwd. Root is not possible.",
    }
    SANDBOX_GID {
        long: "sandbox-gid",
        metavar: "GID",
        takes: Takes::One,
        upstream: upstream("sandbox-gid", &["OPENSHELL_K8S_SANDBOX_GID"]),
        default: Fallback::Unset("the same number as --sandbox-uid"),
        example: "10001",
        help: "Their group, which also owns the workspace. Kubelet gives files of other writable volumes of the pod to it, too.",
    }
    ENABLE_USER_NAMESPACES {
        long: "enable-user-namespaces",
        metavar: "WHEN",
        takes: Takes::One,
        upstream: upstream("enable-user-namespaces", &["OPENSHELL_ENABLE_USER_NAMESPACES"]),
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether root in a sandbox is nobody on its node (hostUsers: false). false: where a request asks for it. true: unless a request asks \
               for the node's users. required: always, and such a request is refused. Nodes need Linux 6.3 or later and a runtime that can; \
               GPUs often don't work with it.",
    }
    APP_ARMOR_PROFILE {
        long: "app-armor-profile",
        metavar: "PROFILE",
        takes: Takes::One,
        upstream: upstream("app-armor-profile", &["OPENSHELL_K8S_APP_ARMOR_PROFILE"]),
        default: Fallback::Text("Unconfined"),
        example: "Localhost/openshell",
        help: "The AppArmor profile of the containers the supervisor runs in: Unconfined, RuntimeDefault, Localhost/NAME for one that is on every \
               node, or none to say nothing. The default is what Kyma's nodes need: runtimes' own profile forbids the mounts by which the supervisor \
               hides things from the workload. RuntimeDefault and Localhost fail on nodes without AppArmor.",
    }
    SECCOMP_PROFILE {
        long: "seccomp-profile",
        metavar: "PROFILE",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("none"),
        example: "RuntimeDefault",
        help: "Their seccomp profile, likewise: Unconfined, RuntimeDefault, Localhost/NAME, or none to leave it to kubelet. The supervisor puts a \
               filter of its own around the workload in any case.",
    }
    SANDBOX_PRIVILEGED {
        long: "sandbox-privileged",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether the sandbox's container is privileged instead of having four capabilities. Only for container runtimes that refuse the \
               supervisor's mounts otherwise: the node's devices are then one escape from the supervisor closer.",
    }
    DEFAULT_RUNTIME_CLASS_NAME {
        long: "default-runtime-class-name",
        metavar: "NAME",
        takes: Takes::One,
        upstream: variable_only(&["OPENSHELL_K8S_DEFAULT_RUNTIME_CLASS_NAME"]),
        default: Fallback::Unset("the nodes' own runtime"),
        example: "gvisor",
        help: "The runtime class of sandboxes whose request names none. A class named in a request wins.",
    }
    AUTOMOUNT_SERVICE_ACCOUNT_TOKEN {
        long: "automount-service-account-token",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether sandboxes get a token for the Kubernetes API, with all that --sandbox-service-account may do there. What proves a sandbox to \
               its gateway is another token, and is mounted anyway.",
    }
    ALLOW_DRIVER_CONFIG_VOLUMES {
        long: "allow-driver-config-volumes",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether a request may mount volume claims that are in the sandboxes' namespace already. Whoever may create sandboxes can then read every \
               claim there but other sandboxes' workspaces, and write those it asks to write.",
    }
}
