//! Who may reach sandboxes from outside. Nothing is exposed unless it is said, and by whom it may be reached must be said with it.

use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use super::resolve::{read_list, read_optional};
use super::sources::{Given, Sources};
use super::table;
use super::usage::Usage;
use super::values;
use crate::config::Mesh;
use crate::core::follow::settings::{Access, Domain, Exposure, Jwt, MeshGateway, Route};

/// What routes, before who is let through is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ApiRule,
    VirtualService,
}

/// Ports of Istio's own in every pod that has its proxy.
const ISTIO_PORTS: RangeInclusive<u16> = 15_000..=15_100;
/// Ports that nearly every workload calls others on.
const EVERYBODYS_PORTS: [u16; 2] = [80, 443];

/// How sandboxes are exposed, if they are.
pub fn exposure(sources: &Sources<'_>, mesh: Mesh) -> Result<Option<Exposure>, Usage> {
    let by_default =
        sources.value(&table::ENABLE_APIRULE)?.read(|text| values::one_of(text, &[("false", None), ("true", Some(Kind::ApiRule))]))?;
    let gateway = sources.value(&table::APIRULE_GATEWAY)?.read(MeshGateway::parse)?;
    let given_port = sources.value(&table::EXPOSED_PORT)?;
    let port = given_port.read(|text| values::number(text, &(NonZeroU16::MIN..=NonZeroU16::MAX)))?;
    let known = [("apirule", Kind::ApiRule), ("virtualservice", Kind::VirtualService)];
    let route = read_optional(sources, &table::EXPOSURE_ROUTE, |text| values::one_of(text, &known))?;
    let Some(kind) = route.or(by_default) else {
        return idle(sources)?.map_or(Ok(None), |given| Err(pointless(&given)));
    };
    if kind == Kind::ApiRule {
        if mesh == Mesh::Excluded {
            return Err(Usage::Conflict(
                "sandboxes are to be exposed by APIRules, but their pods get no sidecar, and Kyma's APIRule v2 refuses a workload outside the mesh. \
                 Give them one with --istio-inject-sandboxes true, or do without with --exposure virtualservice"
                    .into(),
            ));
        }
        if EVERYBODYS_PORTS.contains(&port.get()) || ISTIO_PORTS.contains(&port.get()) {
            return Err(Usage::invalid(
                &given_port,
                "the sidecar takes whatever a sandbox sends to this port, past the supervisor, or Istio uses it itself: use one that sandboxes call nobody on",
            ));
        }
    }
    Ok(Some(Exposure {
        route: access(sources, kind)?,
        gateway,
        domain: read_optional(sources, &table::CLUSTER_DOMAIN, Domain::parse)?,
        port,
    }))
}

/// Who is let through, before the particulars are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Jwt,
    ExtAuth,
    Anybody,
}

/// Who is let through. It has no default: nobody should find out later.
fn access(sources: &Sources<'_>, kind: Kind) -> Result<Route, Usage> {
    let Some(given) = sources.optional(&table::APIRULE_AUTH)? else {
        return Err(Usage::Conflict(
            "sandboxes are to be exposed, but --apirule-auth does not say to whom: jwt (with --apirule-jwt-issuer and --apirule-jwt-jwks-uri), \
             ext-auth (with --apirule-authorizers), or none, which lets anybody in"
                .into(),
        ));
    };
    let known = [("jwt", Who::Jwt), ("ext-auth", Who::ExtAuth), ("none", Who::Anybody)];
    let access = match given.read(|text| values::one_of(text, &known))? {
        Who::Anybody => Access::Anybody,
        Who::Jwt => Access::Jwt(Jwt {
            issuer: needed(sources, &given, &table::APIRULE_JWT_ISSUER)?.read(values::url)?,
            jwks_uri: needed(sources, &given, &table::APIRULE_JWT_JWKS_URI)?.read(values::url)?,
            audiences: read_list(sources, &table::APIRULE_JWT_AUDIENCES, values::word)?,
            scopes: read_list(sources, &table::APIRULE_JWT_SCOPES, values::word)?,
        }),
        Who::ExtAuth => {
            needed(sources, &given, &table::APIRULE_AUTHORIZERS)?;
            Access::ExtAuth { authorizers: read_list(sources, &table::APIRULE_AUTHORIZERS, values::word)? }
        }
    };
    match (kind, access) {
        (Kind::ApiRule, access) => Ok(Route::ApiRule(access)),
        (Kind::VirtualService, Access::Anybody) => Ok(Route::VirtualService),
        (Kind::VirtualService, Access::Jwt(_) | Access::ExtAuth { .. }) => Err(Usage::Conflict(format!(
            "{} is {}, but a VirtualService asks nobody who they are: say none, and have the ingress gateway ask (docs/exposure.md), or expose by \
             APIRules with --exposure apirule --istio-inject-sandboxes true",
            given.place(),
            given.text()
        ))),
    }
}

fn needed(sources: &Sources<'_>, given: &Given, flag: &'static table::Flag) -> Result<Given, Usage> {
    sources.optional(flag)?.ok_or_else(|| {
        Usage::Conflict(format!("{} is {}, which needs --{}; for example --{2} {}", given.place(), given.text(), flag.long, flag.example))
    })
}

/// A setting of exposure that means nothing, because nothing is exposed. Whoever gives it thinks otherwise.
fn idle(sources: &Sources<'_>) -> Result<Option<Given>, Usage> {
    for flag in [
        &table::APIRULE_AUTH,
        &table::APIRULE_JWT_ISSUER,
        &table::APIRULE_JWT_JWKS_URI,
        &table::APIRULE_JWT_AUDIENCES,
        &table::APIRULE_JWT_SCOPES,
        &table::APIRULE_AUTHORIZERS,
        &table::CLUSTER_DOMAIN,
    ] {
        if let Some(given) = sources.optional(flag)? {
            return Ok(Some(given));
        }
    }
    Ok(None)
}

fn pointless(given: &Given) -> Usage {
    Usage::Conflict(format!(
        "{} says how sandboxes are exposed, but they are not: add --enable-apirule true, or leave it out",
        given.place()
    ))
}
