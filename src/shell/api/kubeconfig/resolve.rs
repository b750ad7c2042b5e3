//! From a kubeconfig's text to an API server.

use serde_json::error::Category;

use super::format::{Config, Named};
use super::refusal::{Place, Refusal, shown};
use super::{Kubeconfig, cluster, user};
use crate::shell::api::server::ApiServer;

/// Makes of any kubeconfig one that can be read here.
pub(super) const CONVERSION: &str = "kubectl config view --raw --minify --flatten -o json > kubeconfig.json";
/// The same, where a context other than the current one is wanted: `--minify` would drop it.
const CONVERSION_WITH_ALL_CONTEXTS: &str = "kubectl config view --raw --flatten -o json > kubeconfig.json";
/// Names that are listed in an error.
const LISTED: usize = 10;

/// Finds the context, its cluster and its user, and what they say. Reads no other file.
pub(super) fn server(text: &[u8], kubeconfig: &Kubeconfig) -> Result<ApiServer, Refusal> {
    let file = Place::of(&kubeconfig.file);
    let config = parse(text, kubeconfig, &file)?;
    if let Some(kind) = config.kind.filter(|kind| kind != "Config") {
        return Err(file.within("kind").refuse(format!("it is {}, but a kubeconfig is a Config", shown(&kind))));
    }
    let contexts = config.contexts.unwrap_or_default();
    let Some(name) = kubeconfig.context.clone().or_else(|| set(config.current_context)) else {
        return Err(file
            .within("current-context")
            .refuse(format!("it is not set. Name a context with --kube-context; {}", listed(&contexts))));
    };
    let context = pick(contexts, &name, &file)?;
    let here = file.within(format!("context {}", shown(&name)));
    let missing = |field: &str| here.within(field).refuse("it is not set, so the context leads nowhere");
    let cluster_name = set(context.cluster).ok_or_else(|| missing("cluster"))?;
    let user_name = set(context.user).ok_or_else(|| missing("user"))?;
    let cluster = pick(config.clusters.unwrap_or_default(), &cluster_name, &here)?;
    let user = pick(config.users.unwrap_or_default(), &user_name, &here)?;

    let at_cluster = here.within(format!("cluster {}", shown(&cluster_name)));
    let at_user = here.within(format!("user {}", shown(&user_name)));
    let (host, port) = cluster::address(cluster.server.as_deref(), &at_cluster.within("server"))?;
    let tls_name = cluster::tls_name(&cluster, &at_cluster)?;
    let trust = cluster::trust(cluster, kubeconfig.unverified, &at_cluster)?;
    Ok(ApiServer { host, port, tls_name, trust, identity: user::identity(user, &at_user)? })
}

/// Reads JSON. Its errors are told by their place: their texts quote what may be a token.
fn parse(text: &[u8], kubeconfig: &Kubeconfig, file: &Place<'_>) -> Result<Config, Refusal> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(_) => {
            let conversion = if kubeconfig.context.is_some() { CONVERSION_WITH_ALL_CONTEXTS } else { CONVERSION };
            return Err(file.refuse(format!(
                "it is not JSON, and YAML is not read here. Write it once as JSON, and name that file instead: KUBECONFIG={} {conversion}",
                kubeconfig.file.display()
            )));
        }
        None => return Err(file.refuse("it is empty")),
    }
    serde_json::from_slice(text).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "it ends in the middle of the JSON",
            Category::Syntax | Category::Io => "it is no JSON",
            Category::Data => "something else stands there than a kubeconfig has, or the same field twice",
        };
        file.within(format!("line {}, column {}", error.line(), error.column())).refuse(what)
    })
}

/// The one entry of that name.
fn pick<N: Named>(entries: Vec<N>, name: &str, place: &Place<'_>) -> Result<N::Content, Refusal> {
    let list = listed(&entries);
    let mut found = entries.into_iter().filter(|entry| entry.name() == name);
    let Some(entry) = found.next() else {
        return Err(place.within(N::LIST).refuse(format!("there is no {}; {list}", shown(name))));
    };
    if found.next().is_some() {
        return Err(place.within(N::LIST).refuse(format!("there are two called {}", shown(name))));
    }
    Ok(entry.content())
}

/// The names in a list, as far as they can be shown.
fn listed<N: Named>(entries: &[N]) -> String {
    if entries.is_empty() {
        return "the list is empty".into();
    }
    let names: Vec<String> = entries.iter().take(LISTED).map(|entry| shown(entry.name())).collect();
    let more = if entries.len() > LISTED { ", …" } else { "" };
    format!("there is {}{more}", names.join(", "))
}

/// A text that is there.
pub(super) fn set(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
