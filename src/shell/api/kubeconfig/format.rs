//! The JSON of a kubeconfig, as far as it is read. Nothing here prints: it holds tokens and keys.
//!
//! Go writes `null` for an empty list and leaves out an empty text; both count as not there. What is not named here is skipped.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Config {
    pub kind: Option<String>,
    pub current_context: Option<String>,
    pub contexts: Option<Vec<NamedContext>>,
    pub clusters: Option<Vec<NamedCluster>>,
    pub users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
pub(super) struct NamedContext {
    pub name: String,
    pub context: Context,
}

#[derive(Deserialize)]
pub(super) struct NamedCluster {
    pub name: String,
    pub cluster: Cluster,
}

#[derive(Deserialize)]
pub(super) struct NamedUser {
    pub name: String,
    pub user: User,
}

/// Which user of which cluster.
#[derive(Deserialize)]
pub(super) struct Context {
    pub cluster: Option<String>,
    pub user: Option<String>,
}

/// Where an API server is and what it is trusted by.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Cluster {
    pub server: Option<String>,
    pub tls_server_name: Option<String>,
    pub insecure_skip_tls_verify: Option<bool>,
    pub certificate_authority: Option<String>,
    pub certificate_authority_data: Option<String>,
    pub proxy_url: Option<String>,
}

/// What an API server knows somebody by.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct User {
    pub client_certificate: Option<String>,
    pub client_certificate_data: Option<String>,
    pub client_key: Option<String>,
    pub client_key_data: Option<String>,
    pub token: Option<String>,
    #[serde(rename = "tokenFile")]
    pub token_file: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub exec: Option<IgnoredAny>,
    pub auth_provider: Option<IgnoredAny>,
    #[serde(rename = "as")]
    pub act_as: Option<String>,
    pub as_uid: Option<String>,
    pub as_groups: Option<IgnoredAny>,
    pub as_user_extra: Option<IgnoredAny>,
}

/// An entry of one of the lists.
pub(super) trait Named {
    /// The list, as the file calls it.
    const LIST: &'static str;
    /// What the entry holds.
    type Content;

    fn name(&self) -> &str;
    fn content(self) -> Self::Content;
}

macro_rules! named {
    ($($entry:ident, $list:literal, $field:ident: $content:ident;)*) => {
        $(impl Named for $entry {
            const LIST: &'static str = $list;
            type Content = $content;

            fn name(&self) -> &str {
                &self.name
            }

            fn content(self) -> $content {
                self.$field
            }
        })*
    };
}

named! {
    NamedContext, "contexts", context: Context;
    NamedCluster, "clusters", cluster: Cluster;
    NamedUser, "users", user: User;
}
