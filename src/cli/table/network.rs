//! What sandboxes reach, and by which way.

use super::{Fallback, NO_COUNTERPART, Takes, group_of, upstream};

group_of! { NETWORK:
    ISTIO_INJECT_SANDBOXES {
        long: "istio-inject-sandboxes",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether Istio puts its proxy into sandbox pods. false keeps it out, whatever the namespace's label says: the supervisor is a proxy \
               itself, and would start before there is a network. true asks for a proxy that starts first, ends last and takes outgoing traffic only; \
               see docs/pod.md for what follows from that.",
    }
    HTTPS_PROXY {
        long: "https-proxy",
        metavar: "URL",
        takes: Takes::One,
        upstream: upstream("https-proxy", &["OPENSHELL_UPSTREAM_PROXY"]),
        default: Fallback::Unset("sandboxes go to the internet directly"),
        example: "http://proxy.example.com:3128",
        help: "A proxy between the supervisor and the internet: http, host and port, no path and no credentials. What a sandbox may reach is still the \
               supervisor's to say. Not read from HTTPS_PROXY: that would be the driver's own.",
    }
    NO_PROXY {
        long: "no-proxy",
        metavar: "HOSTS",
        takes: Takes::One,
        upstream: upstream("no-proxy", &["OPENSHELL_UPSTREAM_NO_PROXY"]),
        default: Fallback::Unset("nothing is reached without it"),
        example: ".svc.cluster.local,10.0.0.0/8",
        help: "What is reached without --https-proxy, as the supervisor reads it: names, domains and address ranges with commas between.",
    }
    PROXY_AUTH_SECRET_NAME {
        long: "proxy-auth-secret-name",
        metavar: "NAME",
        takes: Takes::One,
        upstream: upstream("proxy-auth-secret-name", &["OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_NAME"]),
        default: Fallback::Unset("the proxy asks for no credential"),
        example: "upstream-proxy",
        help: "A secret in the sandboxes' namespace with user:password for --https-proxy. Only with --topology sidecar: in a shared container \
               the workload's group could read it.",
    }
    PROXY_AUTH_SECRET_KEY {
        long: "proxy-auth-secret-key",
        metavar: "KEY",
        takes: Takes::One,
        upstream: upstream("proxy-auth-secret-key", &["OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_KEY"]),
        default: Fallback::Unset("none"),
        example: "credential",
        help: "Which key of that secret.",
    }
    PROXY_AUTH_ALLOW_INSECURE {
        long: "proxy-auth-allow-insecure",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: upstream("proxy-auth-allow-insecure", &["OPENSHELL_UPSTREAM_PROXY_AUTH_ALLOW_INSECURE"]),
        default: Fallback::Text("false"),
        example: "true",
        help: "Says that the credential may cross the network unencrypted, which it does to an http proxy: needed with --proxy-auth-secret-name.",
    }
    PROXY_CONNECT_BY_HOSTNAME {
        long: "proxy-connect-by-hostname",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: upstream("proxy-connect-by-hostname", &["OPENSHELL_UPSTREAM_PROXY_CONNECT_BY_HOSTNAME"]),
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether the proxy is told a name and resolves it itself, rather than the address the supervisor has found and judged. For proxies \
               that decide by name, or where sandboxes can't resolve names of the internet.",
    }
    HOST_GATEWAY_IP {
        long: "host-gateway-ip",
        metavar: "IP",
        takes: Takes::One,
        upstream: upstream("host-gateway-ip", &["OPENSHELL_HOST_GATEWAY_IP"]),
        default: Fallback::Unset("those names mean nothing"),
        example: "10.0.0.7",
        help: "The address that host.docker.internal and host.openshell.internal stand for in sandboxes.",
    }
}
