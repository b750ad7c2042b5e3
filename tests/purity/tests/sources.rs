//! What the core's sources name. Comments and strings may say anything; code may not name a way to the world.
#![allow(clippy::disallowed_methods, reason = "reads the sources")]

mod paths;

use std::io;
use std::path::{Path, PathBuf};

use self::paths::paths;

/// What the purity crate compiles.
const SOURCES: [&str; 3] = ["core", "config", "contract/messages"];

/// May not stand anywhere in a path.
const NAMES: [&str; 17] = [
    "HashMap",
    "HashSet",
    "Instant",
    "RandomState",
    "SystemTime",
    "getrandom",
    "hyper",
    "hyper_util",
    "http_body_util",
    "lexopt",
    "rand",
    "rustls",
    "tokio",
    "tokio_rustls",
    "tonic",
    "tonic_prost",
    "tracing",
];

/// Modules of the standard library and of this package that may not be named.
/// `core::net` is none of them: it has addresses, and nothing that reaches one.
const MODULES: [[&str; 2]; 10] = [
    ["std", "env"],
    ["std", "fs"],
    ["std", "net"],
    ["std", "os"],
    ["std", "process"],
    ["std", "thread"],
    ["crate", "cli"],
    ["crate", "shell"],
    ["contract", "service"],
    ["std", "io"],
];

/// What of a text's paths is forbidden.
fn forbidden(text: &str) -> Vec<String> {
    let wrong = |path: &Vec<String>| {
        path.iter().any(|segment| NAMES.contains(&segment.as_str()))
            || path.windows(2).any(|pair| MODULES.iter().any(|module| pair == module.as_slice()))
    };
    paths(text).into_iter().filter(wrong).map(|path| path.join("::")).collect()
}

fn sources() -> io::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src");
    let mut left: Vec<PathBuf> = SOURCES.iter().map(|name| root.join(name)).collect();
    let mut files = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in path.read_dir()? {
                left.push(entry?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn the_core_names_no_way_to_the_world() -> io::Result<()> {
    let mut found = Vec::new();
    let files = sources()?;
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        found.extend(forbidden(&text).into_iter().map(|path| format!("{}: {path}", file.display())));
    }
    assert!(found.is_empty(), "the core is pure; what needs the world belongs in src/shell:\n{}", found.join("\n"));
    for expected in ["src/core/mod.rs", "src/config/mod.rs", "src/contract/messages/mod.rs"] {
        assert!(files.iter().any(|file| file.ends_with(expected)), "{expected} was not read");
    }
    Ok(())
}

#[test]
fn of_ring_only_its_digest_is_named_and_in_one_file() -> io::Result<()> {
    let mut naming = Vec::new();
    for file in sources()? {
        let text = std::fs::read_to_string(&file)?;
        for path in paths(&text).into_iter().filter(|path| path.iter().any(|segment| segment == "ring")) {
            let named: Vec<&str> = path.iter().map(String::as_str).collect();
            assert!(named.starts_with(&["ring", "digest"]), "{}: {}", file.display(), named.join("::"));
            naming.push(file.clone());
        }
    }
    naming.dedup();
    assert!(matches!(naming.as_slice(), [file] if file.ends_with("src/core/digest.rs")), "{naming:?}");
    Ok(())
}

#[test]
fn what_is_forbidden_is_found() {
    for (text, found) in [
        ("use std::collections::HashMap;", "std::collections::HashMap"),
        ("use std::{collections::{BTreeMap, HashSet as Set}, fmt};", "std::collections::HashSet"),
        ("fn f() -> ::std::time::Instant { todo() }", "std::time::Instant"),
        ("let x = std :: env :: var(name);", "std::env::var"),
        ("use std::{fs, fmt};", "std::fs"),
        ("use std::fs as files;", "std::fs"),
        ("use crate::{core::io::Input, shell::main};", "crate::shell::main"),
        ("use crate::contract::{messages, service::Driver};", "contract::service"),
        ("async fn f(s: tokio::net::TcpStream) {}", "tokio::net::TcpStream"),
        ("let c = '\\''; rand::random();", "rand::random"),
        ("let s = r#\"\"#; rand::random();", "rand::random"),
        ("fn f<'a>(x: &'a str) { tracing::info!(x) }", "tracing::info"),
    ] {
        assert!(forbidden(text).iter().any(|path| path.contains(found)), "{text}: {:?}", forbidden(text));
    }
}

#[test]
fn what_only_looks_like_it_is_not() {
    for text in [
        "// use std::fs;",
        "/// Like [`std::time::Instant`], but /* an input */.",
        "/* std::fs /* std::net */ std::env */ fn f() {}",
        "let s = \"std::fs \\\" tokio::spawn\";",
        "let s = r#\"std::fs \" tokio::spawn\"#;",
        "let s = b\"tokio::spawn\";",
        "use crate::core::time::Mono; let instant = operand; fn thread() {}",
        "use std::collections::{BTreeMap, BTreeSet}; use std::fmt;",
        "let hyperbole = environment.fs();",
    ] {
        assert!(forbidden(text).is_empty(), "{text}: {:?}", forbidden(text));
    }
}

#[test]
fn the_crate_depends_on_nothing_else() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let names: Vec<&str> = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    // Of ring only its digest, in one file: see above.
    assert_eq!(names, ["bytes", "prost", "ring", "serde", "serde_json"]);
    assert!(!manifest.contains("[dev-dependencies]") && !manifest.contains("[target"), "no other list of dependencies");
}
