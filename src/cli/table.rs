//! Every flag, once. The parser, `--help`, the tables of `docs/flags.md` and the advice in errors are all made from this.

/// One flag, and the variables that say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// What stands for its value in `--help`.
    pub metavar: &'static str,
    /// Whether it may be given more than once.
    pub takes: Takes,
    /// What upstream's Kubernetes driver calls it.
    pub upstream: Upstream,
    /// What holds when nobody says anything.
    pub default: Fallback,
    /// A value that would be taken.
    pub example: &'static str,
    /// Where `--help` lists it.
    pub group: Group,
    /// What it does and when to change it, in plain sentences.
    pub help: &'static str,
}

/// How many values a flag has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One; a second is a mistake.
    One,
    /// Any number, separated by commas or by repeating the flag.
    List,
}

/// The same setting of upstream's Kubernetes driver. Its flags are only known so that an error can say what they are called here; its
/// variables are obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upstream {
    /// The flag's name, without the dashes; some settings have only a variable.
    pub flag: Option<&'static str>,
    /// Variables, the first that is set wins.
    pub variables: &'static [&'static str],
}

/// What holds when neither a flag nor a variable is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This value, as if it had been given.
    Text(&'static str),
    /// Nothing; here is what that means.
    Unset(&'static str),
}

/// A heading of `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The process itself.
    Driver,
    /// How supervisors reach the gateway and prove who they are.
    Gateway,
    /// What sandboxes are made of.
    Sandbox,
    /// Where the supervisor comes from.
    Supervisor,
    /// What a sandbox may use.
    Resources,
}

impl Group {
    /// In the order of `--help`.
    pub const ALL: [Self; 5] = [Self::Driver, Self::Gateway, Self::Sandbox, Self::Supervisor, Self::Resources];

    /// The heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Driver => "The driver itself",
            Self::Gateway => "How sandboxes reach the gateway",
            Self::Sandbox => "What sandboxes are made of",
            Self::Supervisor => "Where the supervisor comes from",
            Self::Resources => "What a sandbox gets that asks for nothing",
        }
    }
}

impl Flag {
    /// The flag's own environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("OPENSHELL_DRIVER_{}", self.long.replace('-', "_").to_ascii_uppercase())
    }

    /// Every variable that is read for it, in the order in which they win.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.variable()).chain(self.upstream.variables.iter().map(|&name| name.to_owned()))
    }
}

const NO_COUNTERPART: Upstream = Upstream { flag: None, variables: &[] };

const fn upstream(flag: &'static str, variables: &'static [&'static str]) -> Upstream {
    Upstream { flag: Some(flag), variables }
}

const fn variable_only(variables: &'static [&'static str]) -> Upstream {
    Upstream { flag: None, variables }
}

macro_rules! flags {
    ($($name:ident { $($field:ident: $value:expr,)* })*) => {
        $(pub(super) const $name: Flag = Flag { $($field: $value),* };)*
        /// Every flag, in the order of `--help`.
        pub const FLAGS: &[Flag] = &[$($name),*];
    };
}

flags! {
    SOCKET {
        long: "socket",
        metavar: "PATH",
        takes: Takes::One,
        upstream: upstream("bind-socket", &["OPENSHELL_COMPUTE_DRIVER_SOCKET"]),
        default: Fallback::Text("/var/run/openshell-driver.sock"),
        example: "/run/openshell/driver/driver.sock",
        group: Group::Driver,
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
        group: Group::Driver,
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
        group: Group::Driver,
        help: "How much is logged: off, error, warn, info, debug or trace. RUST_LOG overrides it: a level, or \
               target=level with commas between, where this program's target is openshell_driver_kyma. Other crates are heard from warn \
               upwards only, whatever either asks: below that they print request headers, and those carry tokens.",
    }
    KUBECONFIG {
        long: "kubeconfig",
        metavar: "PATH",
        takes: Takes::One,
        upstream: variable_only(&["KUBECONFIG"]),
        default: Fallback::Unset("the pod's service account"),
        example: "/home/me/kubeconfig.json",
        group: Group::Driver,
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
        group: Group::Driver,
        help: "Which context of the kubeconfig to use. Its namespace is not looked at: see --namespace.",
    }
    KUBE_INSECURE {
        long: "kube-insecure",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        group: Group::Driver,
        help: "What to do with a kubeconfig that says insecure-skip-tls-verify: false does not start; true connects to whoever answers, so that \
               anybody on the way can take the driver's credentials and answer in the server's place. For a cluster of your own on this machine, \
               never for another. Any other kubeconfig is read as without it.",
    }
    NAMESPACE {
        long: "namespace",
        metavar: "NAME",
        takes: Takes::One,
        upstream: upstream("sandbox-namespace", &["OPENSHELL_SANDBOX_NAMESPACE"]),
        default: Fallback::Text("openshell-system"),
        example: "openshell-system",
        group: Group::Sandbox,
        help: "The namespace sandboxes live in; nothing outside it is ever written. It must allow privileged pods, because the supervisor \
               needs rights that the baseline and restricted levels refuse, and the gateway must accept service accounts from it (namespace in \
               its table [openshell.drivers.kubernetes]).",
    }
    SANDBOX_IMAGE {
        long: "sandbox-image",
        metavar: "IMAGE",
        takes: Takes::One,
        upstream: upstream("sandbox-image", &["OPENSHELL_SANDBOX_IMAGE"]),
        default: Fallback::Text("ghcr.io/nvidia/openshell-community/sandboxes/base:latest"),
        example: "registry.example.com/sandboxes/base:1.4",
        group: Group::Sandbox,
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
        group: Group::Sandbox,
        help: "The service account of sandbox pods. It needs no permissions: its token only proves to the gateway which pod is calling, and \
               the API's own token is not mounted. The gateway must expect the same name (service_account_name in its table \
               [openshell.drivers.kubernetes]).",
    }
    IMAGE_PULL_POLICY {
        long: "image-pull-policy",
        metavar: "POLICY",
        takes: Takes::One,
        upstream: upstream("sandbox-image-pull-policy", &["OPENSHELL_SANDBOX_IMAGE_PULL_POLICY"]),
        default: Fallback::Unset("Kubernetes' rule: Always for the tag latest, otherwise IfNotPresent"),
        example: "IfNotPresent",
        group: Group::Sandbox,
        help: "When nodes pull images: Always, IfNotPresent or Never. It holds for the sandbox's image and the supervisor's. Never suits nodes \
               with preloaded images.",
    }
    IMAGE_PULL_SECRETS {
        long: "image-pull-secrets",
        metavar: "NAMES",
        takes: Takes::List,
        upstream: upstream("sandbox-image-pull-secrets", &["OPENSHELL_SANDBOX_IMAGE_PULL_SECRETS"]),
        default: Fallback::Unset("none"),
        example: "registry-credentials",
        group: Group::Sandbox,
        help: "Secrets of type kubernetes.io/dockerconfigjson in the sandboxes' namespace, for registries that ask for credentials.",
    }
    SANDBOX_STORAGE_SIZE {
        long: "sandbox-storage-size",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: variable_only(&["OPENSHELL_K8S_WORKSPACE_DEFAULT_STORAGE_SIZE"]),
        default: Fallback::Text("2Gi"),
        example: "10Gi",
        group: Group::Sandbox,
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
        group: Group::Sandbox,
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
        group: Group::Sandbox,
        help: "How long a stopping sandbox has between SIGTERM and SIGKILL, 1 to 3600. Raise it for workloads that have much to \
               save.",
    }
    GATEWAY_ENDPOINT {
        long: "gateway-endpoint",
        metavar: "URL",
        takes: Takes::One,
        upstream: upstream("grpc-endpoint", &["OPENSHELL_GRPC_ENDPOINT"]),
        default: Fallback::Unset("http://openshell.NAMESPACE.svc.cluster.local:8080, or https with --client-tls-secret-name"),
        example: "https://openshell.gateway-system.svc.cluster.local:8080",
        group: Group::Gateway,
        help: "Where the supervisor in each sandbox finds the gateway: http or https, a host and an optional port, no path and no \
               credentials. The default takes the sandboxes' --namespace for the gateway's own. https needs --client-tls-secret-name, because a \
               supervisor trusts only the authority it is given and must show a certificate.",
    }
    GATEWAY_ID {
        long: "gateway-id",
        metavar: "ID",
        takes: Takes::One,
        upstream: upstream("gateway-id", &["OPENSHELL_GATEWAY_ID"]),
        default: Fallback::Text("openshell"),
        example: "openshell-dev",
        group: Group::Gateway,
        help: "Which gateway's sandboxes these are: a label value, at most 63 letters, digits, '-', '_' and '.'. Give each gateway its own where \
               several share a namespace, and the one gateway_jwt.gateway_id says. Sandboxes labelled with another id are not touched, so don't \
               change it while any exist.",
    }
    CLIENT_TLS_SECRET_NAME {
        long: "client-tls-secret-name",
        metavar: "NAME",
        takes: Takes::One,
        upstream: upstream("client-tls-secret-name", &["OPENSHELL_CLIENT_TLS_SECRET_NAME"]),
        default: Fallback::Unset("none: supervisors speak plain HTTP/2 to the gateway"),
        example: "openshell-client-tls",
        group: Group::Gateway,
        help: "A secret in the sandboxes' namespace with ca.crt, tls.crt and tls.key, mounted into every sandbox. A supervisor trusts this \
               ca.crt and nothing else, no public authority either.",
    }
    SA_TOKEN_TTL_SECS {
        long: "sa-token-ttl-secs",
        metavar: "SECONDS",
        takes: Takes::One,
        upstream: upstream("sa-token-ttl-secs", &["OPENSHELL_K8S_SA_TOKEN_TTL_SECS"]),
        default: Fallback::Text("3600"),
        example: "3600",
        group: Group::Gateway,
        help: "How long the token is valid that a supervisor exchanges with the gateway for its own, 600 to 86400. Kubelet renews it in the \
               running pod, so a short life costs nothing. A value outside is refused; upstream's driver silently uses another.",
    }
    SUPERVISOR_IMAGE {
        long: "supervisor-image",
        metavar: "IMAGE",
        takes: Takes::One,
        upstream: upstream("supervisor-image", &["OPENSHELL_SUPERVISOR_IMAGE"]),
        default: Fallback::Text("ghcr.io/nvidia/openshell/supervisor:0.0.116"),
        example: "ghcr.io/nvidia/openshell/supervisor:0.0.109",
        group: Group::Supervisor,
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
        group: Group::Supervisor,
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
        group: Group::Supervisor,
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
        group: Group::Supervisor,
        help: "How the supervisor gets into the sandbox: init-container copies it and works on every cluster; image-volume mounts its image, \
               which starts faster but needs Kubernetes 1.35 and a container runtime that can; auto takes the image volume where the API server \
               is new enough. Say init-container if pods fail with image volumes on such a cluster.",
    }
    SANDBOX_CPU {
        long: "sandbox-cpu",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("2"),
        example: "4",
        group: Group::Resources,
        help: "CPU limit, in cores. No sandbox is unbounded: it runs code nobody has read.",
    }
    SANDBOX_CPU_REQUEST {
        long: "sandbox-cpu-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("250m"),
        example: "500m",
        group: Group::Resources,
        help: "CPU reserved on the node. Requests are small so that waiting agents share nodes; raise them where busy ones slow each other down.",
    }
    SANDBOX_MEMORY {
        long: "sandbox-memory",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("4Gi"),
        example: "8Gi",
        group: Group::Resources,
        help: "Memory limit; above it the kernel kills processes of the sandbox.",
    }
    SANDBOX_MEMORY_REQUEST {
        long: "sandbox-memory-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("512Mi"),
        example: "1Gi",
        group: Group::Resources,
        help: "Memory reserved on the node. Sandboxes above their request are the first to be evicted when a node runs short.",
    }
    SANDBOX_EPHEMERAL_STORAGE {
        long: "sandbox-ephemeral-storage",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("8Gi"),
        example: "20Gi",
        group: Group::Resources,
        help: "Limit of what is written outside /sandbox, logs included; above it the pod is evicted, and what is outside /sandbox is lost.",
    }
    SANDBOX_EPHEMERAL_STORAGE_REQUEST {
        long: "sandbox-ephemeral-storage-request",
        metavar: "QUANTITY",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("1Gi"),
        example: "2Gi",
        group: Group::Resources,
        help: "Node disk reserved for that.",
    }
}
