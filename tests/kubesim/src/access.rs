//! Who asks, and what they may do. The one table answers requests and access reviews alike.

use crate::failure::Failure;
use crate::resource::Kind;
use std::collections::BTreeMap;

/// The user of a request without a known token, where any token is accepted.
pub const ANYONE: &str = "kubesim:anyone";

/// Tokens and permissions.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: Tokens,
    grants: Option<Vec<Rule>>,
    denials: Vec<Rule>,
}

#[derive(Clone, Debug)]
enum Tokens {
    Any,
    /// Token to user name.
    These(BTreeMap<String, String>),
}

/// Something a user may do, or must not. `*` in a list means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The user; `None` means every user.
    pub user: Option<String>,
    /// API groups, `""` for the core group.
    pub groups: Vec<String>,
    /// Plurals, `pods/status` for a subresource.
    pub resources: Vec<String>,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verbs: Vec<String>,
    /// One namespace; `None` means the whole cluster.
    pub namespace: Option<String>,
}

impl Rule {
    /// A rule for every user in the whole cluster.
    #[must_use]
    pub fn new(group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self { user: None, groups: vec![group.to_owned()], resources: owned(resources), verbs: owned(verbs), namespace: None }
    }

    /// The same rule, in one namespace only.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// The same rule, for one user only.
    #[must_use]
    pub fn for_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    fn covers(&self, user: &str, act: &Act<'_>) -> bool {
        let listed = |list: &[String], word: &str| list.iter().any(|e| e == "*" || e == word);
        self.user.as_deref().is_none_or(|named| named == user)
            && listed(&self.groups, act.group)
            && listed(&self.resources, &act.resource())
            && listed(&self.verbs, act.verb)
            && self.namespace.as_deref().is_none_or(|namespace| namespace == act.namespace)
    }
}

/// One thing somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    pub plural: &'a str,
    pub subresource: &'a str,
    /// Empty for the whole cluster.
    pub namespace: &'a str,
    pub name: &'a str,
}

impl Act<'_> {
    fn resource(&self) -> String {
        if self.subresource.is_empty() { self.plural.to_owned() } else { format!("{}/{}", self.plural, self.subresource) }
    }
}

/// RBAC's words for what somebody may not do.
fn denial(user: &str, act: &Act<'_>) -> String {
    let place =
        if act.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{}\"", act.namespace) };
    format!("User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {place}", act.verb, act.resource(), act.group)
}

impl Access {
    /// Everyone may do everything.
    #[must_use]
    pub fn open() -> Self {
        Self { tokens: Tokens::Any, grants: None, denials: Vec::new() }
    }

    /// The same, for these tokens only; each names its user.
    #[must_use]
    pub fn with_tokens<'a>(mut self, tokens: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tokens = tokens.into_iter().map(|(token, user)| (token.to_owned(), user.to_owned()));
        self.tokens = Tokens::These(tokens.collect());
        self
    }

    /// The same, with nothing allowed but this.
    #[must_use]
    pub fn with_grants(mut self, grants: Vec<Rule>) -> Self {
        self.grants = Some(grants);
        self
    }

    pub(crate) fn accept(&mut self, token: &str, user: &str) {
        if let Tokens::These(tokens) = &mut self.tokens {
            tokens.insert(token.to_owned(), user.to_owned());
        }
    }

    pub(crate) fn reject(&mut self, token: &str) {
        if let Tokens::These(tokens) = &mut self.tokens {
            tokens.remove(token);
        }
    }

    pub(crate) fn grant(&mut self, rule: Rule) {
        if let Some(grants) = &mut self.grants {
            grants.push(rule);
        }
    }

    pub(crate) fn deny(&mut self, rule: Rule) {
        self.denials.push(rule);
    }

    pub(crate) fn allow_again(&mut self) {
        self.denials.clear();
    }

    /// The user a token belongs to, or a 401.
    pub(crate) fn user_of(&self, token: Option<&str>) -> Result<String, Failure> {
        match (&self.tokens, token) {
            (Tokens::Any, _) => Ok(ANYONE.to_owned()),
            (Tokens::These(tokens), Some(token)) => tokens.get(token).cloned().ok_or_else(Failure::unauthorized),
            (Tokens::These(_), None) => Err(Failure::unauthorized()),
        }
    }

    pub(crate) fn allows(&self, user: &str, act: &Act<'_>) -> bool {
        if self.denials.iter().any(|rule| rule.covers(user, act)) {
            return false;
        }
        self.grants.as_ref().is_none_or(|grants| grants.iter().any(|rule| rule.covers(user, act)))
    }

    /// A 403 in RBAC's words unless it is allowed.
    pub(crate) fn check(&self, user: &str, kind: Kind, act: &Act<'_>) -> Result<(), Failure> {
        if self.allows(user, act) { Ok(()) } else { Err(Failure::forbidden(kind, act.name, &denial(user, act))) }
    }

    /// The same for a resource that nobody serves: what is not allowed is not even said to be absent.
    pub(crate) fn check_unserved(&self, user: &str, act: &Act<'_>) -> Result<(), Failure> {
        if self.allows(user, act) {
            return Ok(());
        }
        Err(Failure::forbidden_resource(act.group, act.plural, act.name, &denial(user, act)))
    }

    /// A 403 unless a path that is no resource may be read: discovery may by everybody, the rest by who may do everything.
    pub(crate) fn check_path(&self, user: &str, verb: &str, path: &str) -> Result<(), Failure> {
        let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
        let open = verb == "get" && matches!(first, "api" | "apis" | "healthz" | "livez" | "openapi" | "readyz" | "version");
        let everything = Act { verb, group: "*", plural: "*", subresource: "", namespace: "", name: "" };
        if open || self.allows(user, &everything) { Ok(()) } else { Err(Failure::forbidden_path(user, verb, path)) }
    }
}
