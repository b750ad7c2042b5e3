//! The driver itself.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream, variable_only};

group_of! { DRIVER:
    SOCKET {
        long: "socket",
        metavar: "PATH",
        takes: Takes::One,
        upstream: upstream("bind-socket", &["OPENSHELL_COMPUTE_DRIVER_SOCKET"]),
        default: Fallback::Text("/var/run/openshell-driver.sock"),
        example: "/run/openshell/driver/driver.sock",
        help: "The Unix socket the gateway connects to. Only the user the driver runs as can open it: the socket gets mode 0600 and its \
               directory 0700, so give it a directory of its own, which is made if it does not exist. The default works for root only, since \
               nobody else may write to /var/run; beside a gateway in a pod, name a directory inside a volume that both containers mount. The gateway is told the same path \
               by its --compute-driver-socket, or socket_path in its table [openshell.drivers.kyma].",
    }
    ALLOW_UID {
        long: "allow-uid",
        metavar: "UID",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("only the driver's own user"),
        example: "1000",
        help: "Users besides the driver's own who may talk to it. Whoever uses the socket can create privileged pods, so name one only \
               when gateway and driver can't run as the same user. Everybody may then find the socket; the kernel says who is calling.",
    }
    LOG_LEVEL {
        long: "log-level",
        metavar: "LEVEL",
        takes: Takes::One,
        upstream: upstream("log-level", &["OPENSHELL_LOG_LEVEL"]),
        default: Fallback::Text("info"),
        example: "debug",
        help: "How much is logged: off, error, warn, info, debug or trace. RUST_LOG overrides it: a level, or \
               target=level with commas between, where this program's target is openshell_driver_kyma. Other crates are heard from warn \
               upwards only, whatever either asks: below that they print request headers, and those carry tokens.",
    }
    LOG_FORMAT {
        long: "log-format",
        metavar: "FORMAT",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("auto"),
        example: "json",
        help: "What a line of the log looks like: json, one object a line; text, for people; auto, which is text on a terminal and otherwise json. \
               docs/logs.md lists every event.",
    }
    HEALTH_PORT {
        long: "health-port",
        metavar: "PORT",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("9090"),
        example: "9091",
        help: "The TCP port on which /healthz, /readyz and /metrics are answered, for kubelet's probes and for Prometheus: without encryption or \
               credentials, and nothing of it is secret. 0 is any port that is free, which the log then names; off answers nowhere. A port that is taken ends the process. \
               See docs/metrics.md.",
    }
    HEALTH_ADDRESS {
        long: "health-address",
        metavar: "ADDRESS",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("every address, of IPv6 and IPv4"),
        example: "127.0.0.1",
        help: "On which of the machine's IP addresses the health port listens. In a pod leave it alone: kubelet and Prometheus come to the pod's \
               address, not to localhost.",
    }
    RECORDING_DIR {
        long: "recording-dir",
        metavar: "PATH",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("nothing is recorded"),
        example: "/var/lib/openshell-driver",
        help: "Records what goes into the driver's core and what comes out, with every secret masked, keeps the last of it in memory, and writes it to this directory                on SIGUSR1 and when the driver breaks. It must be a volume that the driver can write to, because the root of its container is read-only; the newest eight recordings are kept.                The subcommand replay plays them. See docs/tools.md.",
    }
    RECORDING_ON_EXIT {
        long: "recording-on-exit",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether the recording is also written when the driver ends in good order.",
    }
    KUBECONFIG {
        long: "kubeconfig",
        metavar: "PATH",
        takes: Takes::One,
        upstream: variable_only(&["KUBECONFIG"]),
        default: Fallback::Unset("the pod's service account"),
        example: "/home/me/kubeconfig.json",
        help: "For a driver outside the cluster: a kubeconfig that says where the API server is and who we are, in JSON (kubectl config view --raw \
               --minify --flatten -o json makes it of any other). It wins over the variables of a pod. Tokens, token files and client certificates \
               are served; programs that fetch credentials are not run, and no proxy is used, whatever HTTPS_PROXY says. See \
               docs/kubeconfig.md.",
    }
    KUBE_CONTEXT {
        long: "kube-context",
        metavar: "NAME",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("the kubeconfig's current-context"),
        example: "my-cluster",
        help: "Which context of the kubeconfig to use. Its namespace is not looked at: see --namespace.",
    }
    KUBE_INSECURE {
        long: "kube-insecure",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "What to do with a kubeconfig that says insecure-skip-tls-verify: false does not start; true connects to whoever answers, so that \
               anybody on the way can take the driver's credentials and answer in the server's place. For a cluster of your own on this machine, \
               never for another. Any other kubeconfig is read as without it.",
    }
}
