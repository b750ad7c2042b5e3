//! How sandboxes are reached from outside the cluster.

use super::{Fallback, NO_COUNTERPART, Takes, group_of};

group_of! { EXPOSURE:
    ENABLE_APIRULE {
        long: "enable-apirule",
        metavar: "BOOL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("false"),
        example: "true",
        help: "Whether every sandbox gets a host of its own below the cluster's domain, by a Service and a route. Who is let through must then be \
               said with --apirule-auth. Kyma's APIRule wants a sidecar in the pod; --exposure virtualservice does without. See docs/exposure.md.",
    }
    EXPOSURE_ROUTE {
        long: "exposure",
        metavar: "ROUTE",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("apirule, where --enable-apirule is true"),
        example: "virtualservice",
        help: "What routes requests to sandboxes: apirule, with --istio-inject-sandboxes, or virtualservice, which Istio's ingress gateway serves \
               without a sidecar and which asks nobody who they are; a NetworkPolicy then lets nobody but that gateway in. Saying it turns exposure on.",
    }
    APIRULE_AUTH {
        long: "apirule-auth",
        metavar: "WHO",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("nothing: without it no sandbox is exposed, and the driver does not start"),
        example: "jwt",
        help: "Who is let through to an exposed sandbox: jwt (whoever shows a token, see --apirule-jwt-issuer), ext-auth (whoever an external \
               authorizer of the mesh lets through, see --apirule-authorizers) or none (anybody who can reach the cluster's ingress; the driver warns \
               about it at every start). A VirtualService can only do the last.",
    }
    APIRULE_JWT_ISSUER {
        long: "apirule-jwt-issuer",
        metavar: "URL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("none; needed with jwt"),
        example: "https://tenant.accounts.ondemand.com",
        help: "Who must have issued a token, as its iss says.",
    }
    APIRULE_JWT_JWKS_URI {
        long: "apirule-jwt-jwks-uri",
        metavar: "URL",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("none; needed with jwt"),
        example: "https://tenant.accounts.ondemand.com/oauth2/certs",
        help: "Where the keys are by which the mesh checks a token.",
    }
    APIRULE_JWT_AUDIENCES {
        long: "apirule-jwt-audiences",
        metavar: "NAMES",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("any"),
        example: "openshell",
        help: "A token must be for one of these. Leave it out only if the issuer gives tokens to nobody else.",
    }
    APIRULE_JWT_SCOPES {
        long: "apirule-jwt-scopes",
        metavar: "NAMES",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("none"),
        example: "sandbox.use",
        help: "A token must have all of these scopes.",
    }
    APIRULE_AUTHORIZERS {
        long: "apirule-authorizers",
        metavar: "NAMES",
        takes: Takes::List,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("none; needed with ext-auth"),
        example: "oauth2-proxy",
        help: "External authorizers, by the names they have in the mesh's configuration (on Kyma, the Istio resource).",
    }
    APIRULE_GATEWAY {
        long: "apirule-gateway",
        metavar: "NAMESPACE/NAME",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("kyma-system/kyma-gateway"),
        example: "kyma-system/kyma-gateway",
        help: "The Istio Gateway by which requests come in. Without --cluster-domain the driver reads the domain from it, and needs the right to get it.",
    }
    CLUSTER_DOMAIN {
        long: "cluster-domain",
        metavar: "DOMAIN",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Unset("what the Istio Gateway serves, where that is one wildcard host"),
        example: "c-1a2b3c4.kyma.ondemand.com",
        help: "The domain below which each sandbox has its host, {workspace}--{name}. The Gateway must serve *.DOMAIN and have a certificate for it.",
    }
    EXPOSED_PORT {
        long: "exposed-port",
        metavar: "PORT",
        takes: Takes::One,
        upstream: NO_COUNTERPART,
        default: Fallback::Text("8080"),
        example: "3000",
        help: "The port on which what runs in a sandbox serves HTTP, 1 to 65535. Every sandbox is exposed on the same one.",
    }
}
