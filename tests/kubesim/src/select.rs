//! Label and field selectors, as the API server parses and applies them.

use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use serde_json::{Value, json};

/// One requirement of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    /// The label is present with one of these values.
    In(String, Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    /// The label's value is a number above this one.
    Above(String, i64),
    /// The label's value is a number below this one.
    Below(String, i64),
}

/// A conjunction of requirements; the default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

/// A conjunction of field comparisons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, Comparison, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
}

impl LabelSelector {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let tokens = tokens(text);
        let mut at = 0;
        let mut requirements = Vec::new();
        if let Some(first @ (Token::Sign(')' | '(' | ',') | Token::Equal | Token::NotEqual)) = tokens.first() {
            let found = first.text();
            return Err(Failure::bad_request(format!("found '{found}', expected: !, identifier, or 'end of string'")));
        }
        while at < tokens.len() {
            let (requirement, next) = requirement(&tokens, at).map_err(refused)?;
            requirements.push(requirement);
            at = next;
            match tokens.get(at) {
                None => {}
                Some(Token::Sign(',')) => {
                    at += 1;
                    if !matches!(tokens.get(at), Some(Token::Word(_) | Token::Sign('!'))) {
                        let found = tokens.get(at).map(Token::text).unwrap_or_default();
                        return Err(Failure::bad_request(format!("found '{found}', expected: identifier after ','")));
                    }
                }
                Some(other) => {
                    let found = other.text();
                    return Err(Failure::bad_request(format!("found '{found}', expected: ',' or 'end of string'")));
                }
            }
        }
        Ok(Self(requirements))
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => object::label(object, key).is_some_and(|held| values.iter().any(|v| v == held)),
            Requirement::NotIn(key, values) => object::label(object, key).is_none_or(|held| values.iter().all(|v| v != held)),
            Requirement::Exists(key) => object::label(object, key).is_some(),
            Requirement::Absent(key) => object::label(object, key).is_none(),
            Requirement::Above(key, bound) => number(object, key).is_some_and(|held| held > *bound),
            Requirement::Below(key, bound) => number(object, key).is_some_and(|held| held < *bound),
        })
    }
}

fn number(object: &Value, key: &str) -> Option<i64> {
    object::label(object, key)?.parse().ok()
}

#[expect(clippy::needless_pass_by_value, reason = "the form map_err wants")]
fn refused(why: String) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: {why}"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(char),
    Equal,
    NotEqual,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Sign(sign) => sign.to_string(),
            Self::Equal => "=".to_owned(),
            Self::NotEqual => "!=".to_owned(),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            c if c.is_whitespace() => {}
            '(' | ')' | ',' | '<' | '>' => out.push(Token::Sign(next)),
            '=' => {
                chars.next_if_eq(&'=');
                out.push(Token::Equal);
            }
            '!' => {
                let not_equal = chars.next_if_eq(&'=').is_some();
                out.push(if not_equal { Token::NotEqual } else { Token::Sign('!') });
            }
            first => {
                let mut word = String::from(first);
                while let Some(c) = chars.next_if(|c| !"(),=!<>".contains(*c) && !c.is_whitespace()) {
                    word.push(c);
                }
                out.push(Token::Word(word));
            }
        }
    }
    out
}

fn requirement(tokens: &[Token], at: usize) -> Result<(Requirement, usize), String> {
    let expected = |place: usize, what: &str| {
        let found = tokens.get(place).map(Token::text).unwrap_or_default();
        format!("found '{found}', expected: {what}")
    };
    if tokens.get(at) == Some(&Token::Sign('!')) {
        let Some(Token::Word(key)) = tokens.get(at + 1) else {
            return Err(expected(at + 1, "identifier"));
        };
        check_key(key)?;
        return Ok((Requirement::Absent(key.clone()), at + 2));
    }
    let Some(Token::Word(key)) = tokens.get(at) else {
        return Err(expected(at, "!, identifier, or 'end of string'"));
    };
    check_key(key)?;
    match tokens.get(at + 1) {
        None | Some(Token::Sign(',')) => Ok((Requirement::Exists(key.clone()), at + 1)),
        Some(operator @ (Token::Equal | Token::NotEqual)) => {
            let (value, next) = match tokens.get(at + 2) {
                Some(Token::Word(value)) => (value.clone(), at + 3),
                None | Some(Token::Sign(',')) => (String::new(), at + 2),
                Some(_) => return Err(expected(at + 2, "identifier")),
            };
            check_value(key, &value, 0)?;
            let values = vec![value];
            let requirement =
                if *operator == Token::Equal { Requirement::In(key.clone(), values) } else { Requirement::NotIn(key.clone(), values) };
            Ok((requirement, next))
        }
        Some(Token::Sign(sign @ ('>' | '<'))) => {
            let Some(Token::Word(value)) = tokens.get(at + 2) else { return Err(expected(at + 2, "identifier")) };
            let bound = value.parse().map_err(|_| {
                format!("values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer", json!(value))
            })?;
            let requirement = if *sign == '>' { Requirement::Above(key.clone(), bound) } else { Requirement::Below(key.clone(), bound) };
            Ok((requirement, at + 3))
        }
        Some(Token::Word(word)) if word == "in" || word == "notin" => {
            let (values, next) = value_set(tokens, at + 2)?;
            for (index, value) in values.iter().enumerate() {
                check_value(key, value, index)?;
            }
            let requirement = if word == "in" { Requirement::In(key.clone(), values) } else { Requirement::NotIn(key.clone(), values) };
            Ok((requirement, next))
        }
        Some(_) => Err(expected(at + 1, "in, notin, =, ==, !=, gt, lt")),
    }
}

/// The values between parentheses, and the place after them.
fn value_set(tokens: &[Token], open: usize) -> Result<(Vec<String>, usize), String> {
    let found = |at: usize| tokens.get(at).map(Token::text).unwrap_or_default();
    if tokens.get(open) != Some(&Token::Sign('(')) {
        return Err(format!("found '{}' expected: '('", found(open)));
    }
    let mut values = Vec::new();
    let mut at = open + 1;
    loop {
        match tokens.get(at) {
            Some(Token::Word(value)) => values.push(value.clone()),
            Some(Token::Sign(',')) => {}
            Some(Token::Sign(')')) => break,
            _ => return Err(format!("found '{}', expected: ',' or ')'", found(at))),
        }
        at += 1;
    }
    if values.is_empty() {
        values.push(String::new());
    }
    values.sort();
    Ok((values, at + 1))
}

fn check_key(key: &str) -> Result<(), String> {
    match qualified_name_fault(key) {
        None => Ok(()),
        Some(why) => Err(format!("<nil>: Invalid value: {}: {why}", json!(key))),
    }
}

fn check_value(key: &str, value: &str, index: usize) -> Result<(), String> {
    match label_value_faults(value).first() {
        None => Ok(()),
        Some(why) => Err(format!("values[{index}][{key}]: Invalid value: {}: {why}", json!(value))),
    }
}

/// Why this cannot be a label's value; nothing if it can.
pub(crate) fn label_value_faults(value: &str) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if value.len() > 63 {
        faults.push("must be no more than 63 bytes");
    }
    if !value.is_empty() && !is_name_part(value) {
        faults.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
             and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation \
             is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        );
    }
    faults
}

/// Why this cannot be the key of a label or annotation, if so.
pub(crate) fn qualified_name_fault(key: &str) -> Option<&'static str> {
    let (prefix, part) = match key.split_once('/') {
        Some((prefix, part)) => (Some(prefix), part),
        None => (None, key),
    };
    if part.contains('/') {
        return Some(
            "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
             alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
             '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. \
             'example.com/MyName')",
        );
    }
    if part.is_empty() {
        return Some("name part must be non-empty");
    }
    if part.len() > 63 {
        return Some("name part must be no more than 63 bytes");
    }
    if !is_name_part(part) {
        return Some(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start \
             and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', \
             regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        );
    }
    match prefix {
        Some("") => Some("prefix part must be non-empty"),
        Some(prefix) => crate::names::subdomain_fault(prefix).map(|_| {
            "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
             'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        }),
        None => None,
    }
}

fn is_name_part(text: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    alphanumeric(text.chars().next())
        && alphanumeric(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

impl FieldSelector {
    pub fn parse(kind: Kind, text: &str) -> Result<Self, Failure> {
        let mut comparisons = Vec::new();
        for term in text.split(',').filter(|term| !term.is_empty()) {
            let (path, comparison, value) = if let Some((path, value)) = term.split_once("!=") {
                (path, Comparison::NotEqual, value)
            } else if let Some((path, value)) = term.split_once("==") {
                (path, Comparison::Equal, value)
            } else if let Some((path, value)) = term.split_once('=') {
                (path, Comparison::Equal, value)
            } else {
                return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{term}'")));
            };
            if !is_selectable(kind, path) {
                return Err(Failure::bad_request(format!("field label not supported: {path}")));
            }
            comparisons.push((path.to_owned(), comparison, value.to_owned()));
        }
        Ok(Self(comparisons))
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The name demanded by `metadata.name=…`, if it is.
    pub fn name(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(path, comparison, _)| path == "metadata.name" && *comparison == Comparison::Equal)
            .map(|(_, _, value)| value.as_str())
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(path, comparison, value)| {
            let held = field(object, path);
            (held == value) == (*comparison == Comparison::Equal)
        })
    }
}

fn field<'a>(object: &'a Value, path: &str) -> &'a str {
    let mut at = object;
    for step in path.split('.') {
        at = &at[step];
    }
    match (at.as_str(), path) {
        (Some(text), _) => text,
        (None, "source") => object["source"]["component"].as_str().unwrap_or_default(),
        (None, _) => "",
    }
}

fn is_selectable(kind: Kind, path: &str) -> bool {
    const EVENT: [&str; 11] = [
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ];
    const POD: [&str; 8] = [
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ];
    match path {
        "metadata.name" => true,
        "metadata.namespace" => kind.is_namespaced(),
        _ => match kind {
            Kind::Event => EVENT.contains(&path),
            Kind::Pod => POD.contains(&path),
            Kind::Namespace => path == "status.phase",
            Kind::Secret => path == "type",
            Kind::Node => path == "spec.unschedulable",
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(labels: &Value) -> Value {
        json!({ "metadata": { "labels": labels } })
    }

    #[test]
    fn every_operator_selects_what_it_says() {
        let object = labelled(&json!({ "a": "1", "x.io/b": "two" }));
        for (selector, expected) in [
            ("", true),
            ("a=1", true),
            ("a==1,x.io/b=two", true),
            ("a!=1", false),
            ("c!=1", true),
            ("a in (1, 2)", true),
            ("a in (3)", false),
            ("a notin (1)", false),
            ("c notin (1)", true),
            ("a", true),
            ("c", false),
            ("!c", true),
            ("!a", false),
            ("a=", false),
        ] {
            let parsed = LabelSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(&object), expected, "{selector}");
        }
    }

    #[test]
    fn a_value_of_64_bytes_or_a_broken_term_is_a_bad_request() {
        for selector in [format!("a={}", "x".repeat(64)), "a in 1".into(), "=1".into(), "a,".into()] {
            let failure = LabelSelector::parse(&selector).unwrap_err();
            assert!(matches!(&failure, Failure::Status(status) if status.code == 400), "{selector}");
        }
    }

    #[test]
    fn field_selectors_know_the_fields_of_their_kind() {
        let event = json!({ "involvedObject": { "name": "a", "kind": "Pod" } });
        let both = "involvedObject.name=a,involvedObject.kind!=Sandbox";
        assert!(FieldSelector::parse(Kind::Event, both).unwrap().matches(&event));
        let failure = FieldSelector::parse(Kind::Sandbox, "spec.replicas=1").unwrap_err();
        assert_eq!(failure.to_string(), "field label not supported: spec.replicas");
    }
}
