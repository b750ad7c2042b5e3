//! Every path in a Rust source, `use` groups written out. It knows as much of the language as that takes: comments, literals, names, `::`, braces.

/// What matters of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Colons,
    Other(char),
}

/// The paths of a text, each as its names; a name that stands alone is a path of one.
pub fn paths(text: &str) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let (mut found, mut rest) = (Vec::new(), tokens.as_slice());
    while let Some((token, after)) = rest.split_first() {
        rest = if matches!(token, Token::Name(_)) { path(&[], rest, &mut found) } else { after };
    }
    found
}

/// Reads one path, or one group behind `prefix::`, and returns what comes after it.
fn path<'a>(prefix: &[String], tokens: &'a [Token], found: &mut Vec<Vec<String>>) -> &'a [Token] {
    let (mut names, mut rest) = (prefix.to_vec(), tokens);
    loop {
        match rest {
            [Token::Name(name), Token::Colons, after @ ..] => {
                names.push(name.clone());
                rest = after;
            }
            [Token::Name(name), after @ ..] => {
                names.push(name.clone());
                rest = after;
                break;
            }
            [Token::Other('{'), after @ ..] if names.len() > prefix.len() => {
                rest = group(&names, after, found);
                return rest;
            }
            _ => break,
        }
    }
    if names.len() > prefix.len() {
        found.push(names);
    }
    rest
}

/// Reads a group up to and including its closing brace.
fn group<'a>(prefix: &[String], tokens: &'a [Token], found: &mut Vec<Vec<String>>) -> &'a [Token] {
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = match token {
            Token::Other('}') => return after,
            Token::Name(name) if name == "as" => after.get(1..).unwrap_or_default(),
            Token::Name(_) => path(prefix, rest, found),
            Token::Colons | Token::Other(_) => after,
        };
    }
    rest
}

fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some(after) = skipped(rest) {
            rest = after;
        } else if is_name(first) {
            let (name, after) = split_at_end_of(rest, is_name);
            tokens.push(Token::Name(name.to_owned()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(Token::Colons);
            rest = after;
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Other(first));
            }
            rest = after_first(rest);
        }
    }
    tokens
}

/// What comes after the comment or literal a text begins with, if it begins with one.
fn skipped(text: &str) -> Option<&str> {
    if text.starts_with("//") {
        return Some(text.split_once('\n').map_or("", |(_, after)| after));
    }
    if let Some(comment) = text.strip_prefix("/*") {
        return Some(after_comment(comment));
    }
    let unprefixed = text.strip_prefix(['b', 'c']).unwrap_or(text);
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let (hashes, quoted) = split_at_end_of(raw, |c| c == '#');
        if let Some(inner) = quoted.strip_prefix('"') {
            return Some(inner.split_once(&format!("\"{hashes}")).map_or("", |(_, after)| after));
        }
    }
    if let Some(inner) = unprefixed.strip_prefix('"') {
        return Some(after_quote(inner, '"'));
    }
    let inner = unprefixed.strip_prefix('\'')?;
    // A lifetime or a label has no closing quote behind its first character.
    let is_character = inner.starts_with('\\') || after_first(inner).starts_with('\'');
    is_character.then(|| after_quote(inner, '\''))
}

/// What comes after the end of a comment that has begun; comments nest.
fn after_comment(text: &str) -> &str {
    let (mut rest, mut depth) = (text, 1);
    while depth > 0 && !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("*/") {
            (rest, depth) = (after, depth - 1);
        } else if let Some(after) = rest.strip_prefix("/*") {
            (rest, depth) = (after, depth + 1);
        } else {
            rest = after_first(rest);
        }
    }
    rest
}

/// What comes after the end of a literal that has begun; a backslash takes the next character with it.
fn after_quote(text: &str, quote: char) -> &str {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == quote {
            break;
        }
        if character == '\\' {
            characters.next();
        }
    }
    characters.as_str()
}

fn after_first(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

fn split_at_end_of(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(|c| !belongs(c)).unwrap_or(text.len())).unwrap_or((text, ""))
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
