//! How sandboxes reach the gateway.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream};

group_of! { GATEWAY:
    GATEWAY_ENDPOINT {
        long: "gateway-endpoint",
        metavar: "URL",
        takes: Takes::One,
        upstream: upstream("grpc-endpoint", &["OPENSHELL_GRPC_ENDPOINT"]),
        default: Fallback::Unset("http://openshell.NAMESPACE.svc.cluster.local:8080, or https with --client-tls-secret-name"),
        example: "https://openshell.gateway-system.svc.cluster.local:8080",
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
        help: "How long the token is valid that a supervisor exchanges with the gateway for its own, 600 to 86400. Kubelet renews it in the \
               running pod, so a short life costs nothing. A value outside is refused; upstream's driver silently uses another.",
    }
    SANDBOX_CREDENTIAL {
        long: "sandbox-credential",
        metavar: "WHICH",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("projected"),
        example: "projected",
        help: "How a supervisor proves to the gateway which sandbox it is. projected: by a token of its pod, which kubelet renews and the \
               gateway exchanges; it also works after a stop. token: by the one the gateway sent with the create, kept in a secret that goes with \
               the sandbox; for gateways that can't review tokens of this cluster, and only if theirs do not expire. both: by the latter, with \
               the former beside it.",
    }
    SANDBOX_SSH_SOCKET_PATH {
        long: "sandbox-ssh-socket-path",
        metavar: "PATH",
        takes: Takes::One,
        upstream: upstream("sandbox-ssh-socket-path", &["OPENSHELL_SANDBOX_SSH_SOCKET_PATH"]),
        default: Fallback::Text("/run/openshell/ssh.sock"),
        example: "/run/openshell/ssh.sock",
        help: "Where the supervisor's SSH server listens in the sandbox's container. With --topology sidecar it is an abstract socket instead.",
    }
    PROVIDER_SPIFFE_SOCKET {
        long: "provider-spiffe-workload-api-socket-path",
        metavar: "PATH",
        takes: Takes::One,
        upstream: upstream("provider-spiffe-workload-api-socket-path", &["OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET"]),
        default: Fallback::Unset("sandboxes get none"),
        example: "/spiffe-workload-api/spire-agent.sock",
        help: "The socket of the SPIFFE workload API in the sandbox's container, for providers that grant tokens by it. Its directory is mounted by the \
               CSI driver csi.spiffe.io, which the cluster must have.",
    }
}
