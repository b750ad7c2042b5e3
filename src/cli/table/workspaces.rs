//! Where sandboxes live, and whom they may talk to.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream};

group_of! { WORKSPACES:
    NAMESPACE {
        long: "namespace",
        metavar: "NAME",
        takes: Takes::One,
        upstream: upstream("sandbox-namespace", &["OPENSHELL_SANDBOX_NAMESPACE"]),
        default: Fallback::Text("openshell-system"),
        example: "openshell-system",
        help: "The namespace sandboxes live in; nothing outside it is ever written. (With --workspace-mode managed it is where the secrets are that \
               workspaces get copies of, and nothing is written to it.) It must allow privileged pods, because the supervisor \
               needs rights that the baseline and restricted levels refuse, and the gateway must accept service accounts from it (namespace in \
               its table [openshell.drivers.kubernetes]).",
    }
    WORKSPACE_MODE {
        long: "workspace-mode",
        metavar: "MODE",
        takes: Takes::One,
        upstream: upstream("workspace-mode", &["OPENSHELL_WORKSPACE_MODE"]),
        default: Fallback::Text("shared"),
        example: "managed",
        help: "Where the sandboxes of a workspace live. shared: all in --namespace. managed: each workspace in a namespace \
               openshell-GATEWAY_ID-WORKSPACE, which the driver makes, furnishes and deletes; it needs rights in the whole cluster, and the gateway \
               must be told the same (workspace_mode in its table [openshell.drivers.kubernetes]). operator: each workspace in the namespace of its name, \
               which somebody else makes and --operator-namespace-label or --operator-namespace-file chooses; only for a gateway outside the \
               cluster. Don't change it while there are sandboxes. See docs/workspaces.md.",
    }
    OPERATOR_NAMESPACE_LABEL {
        long: "operator-namespace-label",
        metavar: "SELECTOR",
        takes: Takes::One,
        upstream: upstream("operator-namespace-label", &["OPENSHELL_OPERATOR_NAMESPACE_LABEL"]),
        default: Fallback::Unset("none; with --workspace-mode operator either this or --operator-namespace-file is needed"),
        example: "openshell.ai/workspace=true",
        help: "Which namespaces workspaces may have, by their labels: key=value, key!=value, key and !key, with commas between. Labelling a namespace \
               takes effect at once. Only for --workspace-mode operator.",
    }
    OPERATOR_NAMESPACE_FILE {
        long: "operator-namespace-file",
        metavar: "FILE",
        takes: Takes::One,
        upstream: upstream("operator-namespace-file", &["OPENSHELL_OPERATOR_NAMESPACE_FILE"]),
        default: Fallback::Unset("none; with --workspace-mode operator either this or --operator-namespace-label is needed"),
        example: "/etc/openshell/namespaces.json",
        help: "Which namespaces workspaces may have: a file with a JSON array of their names. A change takes effect within two seconds; a file that cannot be \
               read changes nothing. Only for --workspace-mode operator.",
    }
    ENABLE_NETWORK_POLICY {
        long: "enable-network-policy",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether sandboxes are shut in by a network policy: nothing reaches them, and they reach DNS, the gateway and what \
               --network-policy-egress lists. The driver writes it into the namespaces it makes (--workspace-mode managed); in the shared one it \
               writes nothing, and the chart installs the same policy. It needs a network that obeys policies, as Kyma's does.",
    }
    NETWORK_POLICY_GATEWAY {
        long: "network-policy-gateway",
        metavar: "PEER",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("what --gateway-endpoint names: the pods of its service's namespace, or its address, at its port"),
        example: "gateway-system:8080",
        help: "Where the network policy lets sandboxes reach the gateway: a namespace or a range of addresses, and a port. A policy sees the port of \
               the pod, so say it when the gateway's service has another.",
    }
    NETWORK_POLICY_EGRESS {
        long: "network-policy-egress",
        metavar: "PEERS",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("nothing"),
        example: "0.0.0.0/0:443,monitoring:9090",
        help: "What else sandboxes may reach: ranges of addresses or names of namespaces, each with a :PORT or :PORT/udp where not all are meant. A \
               range that contains 169.254.0.0/16 is given without it: there clouds tell a node its credentials. What an agent may ask of whom is \
               the gateway's policy; this is the wall behind it.",
    }
    NETWORK_POLICY_INGRESS {
        long: "network-policy-ingress",
        metavar: "PEERS",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("nothing"),
        example: "istio-system:8080",
        help: "What may reach sandboxes, written like --network-policy-egress. Supervisors dial out, so the gateway needs none.",
    }
}
