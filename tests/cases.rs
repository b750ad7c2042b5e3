//! `docs/cases.md` is whole, and what it names exists and is run.
#![allow(clippy::disallowed_methods, reason = "reads a document, and the tests it names")]
#![allow(clippy::print_stdout, reason = "counts the rows for whoever asks with --nocapture")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The tables: the heading each begins under, and the number of its last case.
const SOURCES: [(&str, usize); 3] = [("kubernetes.md §E", 82), ("gateway.md §7.1–7.6", 50), ("gateway-observed.md §9", 10)];

/// The table of the cases that are not tried on a real API server, and why.
const NOT_REAL: &str = "Not on a real API server";

/// Cases that the driver may decide against.
const AGAINST_MAX: usize = 8;

/// A row of a table.
#[derive(Debug)]
struct Case {
    source: &'static str,
    number: usize,
    summary: String,
    held_by: String,
}

/// What a row says of its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Held,
    HeldInPart,
    Owed,
    Against,
}

/// What stands between a pair of backticks in a row's last column.
#[derive(Debug, PartialEq, Eq)]
enum Reference<'a> {
    Vector(&'a str),
    Test { folder: &'a str, name: &'a str },
    Rule(&'a str),
    Owed(&'a str),
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        match text.split_once(": ") {
            Some(("owed", issue)) => Ok(Self::Owed(issue)),
            Some(("tests/simulation", rule)) => Ok(Self::Rule(rule)),
            Some((folder @ ("tests/process" | "tests/cluster"), name)) => Ok(Self::Test { folder, name }),
            None if is_vector(text) => Ok(Self::Vector(text)),
            _ => Err(format!("`{text}` is neither a vector, nor a test, nor a rule, nor owed")),
        }
    }
}

/// Whether a text has the form `folder/name.json`.
fn is_vector(text: &str) -> bool {
    text.strip_suffix(".json").and_then(|path| path.split_once('/')).is_some_and(|(folder, name)| !folder.is_empty() && !name.contains('/'))
}

impl Case {
    fn references(&self) -> Result<Vec<Reference<'_>>, String> {
        if !self.held_by.matches('`').count().is_multiple_of(2) {
            return Err("a backtick has no partner".into());
        }
        self.held_by.split('`').skip(1).step_by(2).map(Reference::parse).collect()
    }

    fn kind(&self) -> Result<Kind, String> {
        let references = self.references()?;
        let owes = references.iter().any(|reference| matches!(reference, Reference::Owed(_)));
        if self.held_by.starts_with("no: ") {
            let rests = references.iter().any(|reference| matches!(reference, Reference::Vector(_))) || self.held_by.contains(".md §");
            return if rests && !owes {
                Ok(Kind::Against)
            } else {
                Err("a reason against must rest on a vector or a section, and owes nothing".into())
            };
        }
        match (self.held_by.starts_with("`owed: "), owes) {
            (true, _) => Ok(Kind::Owed),
            (false, true) => Ok(Kind::HeldInPart),
            (false, false) if references.is_empty() => Err("nothing is named that holds it".into()),
            (false, false) => Ok(Kind::Held),
        }
    }
}

/// The numbers of the cases below [`NOT_REAL`].
fn not_real(document: &str) -> Result<BTreeSet<usize>, String> {
    let mut numbers = BTreeSet::new();
    let lines = document.lines().skip_while(|line| line.strip_prefix("## ") != Some(NOT_REAL)).skip(1);
    for row in lines.take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")) {
        let Some((number, why)) = row.split_once(" | ") else { return Err(format!("this row does not have two cells: {row}")) };
        if number == "case" {
            continue;
        }
        let number = number.parse().map_err(|_| format!("{number:?} is no number of a case"))?;
        if why.split_whitespace().count() < 3 || !numbers.insert(number) {
            return Err(format!("case {number} is there twice, or nothing is said of it"));
        }
    }
    Ok(numbers)
}

/// The case that a test of `tests/cluster` is named after, as in `case_65_delete_existing`.
fn case_of(test: &str) -> Option<usize> {
    test.strip_prefix("case_")?.split('_').next()?.parse().ok()
}

/// Every row below the headings of [`SOURCES`] whose first cell is a number.
fn cases(document: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut source = None;
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            source = SOURCES.iter().map(|(name, _)| *name).find(|name| *name == heading);
            continue;
        }
        let (Some(source), Some(row)) = (source, line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"))) else { continue };
        let cells: Vec<&str> = row.split(" | ").collect();
        let [first, summary, held_by] = cells.as_slice() else {
            return Err(format!("{source}: this row does not have three cells: {line}"));
        };
        if *first == "case" {
            continue;
        }
        let number = first.parse().map_err(|_| format!("{source}: {first:?} is no number of a case"))?;
        cases.push(Case { source, number, summary: (*summary).into(), held_by: (*held_by).into() });
    }
    Ok(cases)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_cases() -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    Ok(cases(&fs::read_to_string(root().join("docs/cases.md"))?)?)
}

/// Every Rust source in or below a folder.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The functions of a source that carry a test attribute.
fn tests_of(source: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        } else {
            let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            found.extend(name.filter(|_| is_test));
            is_test = false;
        }
    }
    found
}

/// The names of the simulation's rules: the variants that have a sentence.
fn rules_of(source: &str) -> BTreeSet<&str> {
    source.lines().filter_map(|line| line.trim_start().strip_prefix("Self::")?.split_once(" => \"")).map(|(name, _)| name).collect()
}

/// What the rows may name.
struct Existing {
    tests: BTreeMap<&'static str, BTreeSet<String>>,
    rules: BTreeSet<String>,
}

impl Existing {
    fn read() -> io::Result<Self> {
        let mut tests = BTreeMap::new();
        for folder in ["tests/process", "tests/cluster"] {
            let mut names = BTreeSet::new();
            for path in sources(&root().join(folder))? {
                names.extend(tests_of(&fs::read_to_string(path)?).into_iter().map(str::to_owned));
            }
            tests.insert(folder, names);
        }
        let rules = fs::read_to_string(root().join("tests/simulation/src/rules.rs"))?;
        Ok(Self { tests, rules: rules_of(&rules).into_iter().map(str::to_owned).collect() })
    }

    /// Why a reference leads nowhere, if it does.
    fn missing(&self, reference: &Reference<'_>) -> Option<String> {
        match *reference {
            // `vectors/objects` is spoken of by vectors, and not run.
            Reference::Vector(path) => {
                let is_run = !path.starts_with("objects/") && root().join("vectors").join(path).is_file();
                (!is_run).then(|| format!("there is no vector {path}"))
            }
            Reference::Test { folder, name } => {
                (!self.tests.get(folder).is_some_and(|names| names.contains(name))).then(|| format!("{folder} has no test {name}"))
            }
            Reference::Rule(name) => (!self.rules.contains(name)).then(|| format!("the simulation has no rule {name}")),
            Reference::Owed(issue) => (!matches!(issue, "B" | "E" | "G")).then(|| format!("issue {issue:?} owes no case")),
        }
    }
}

#[test]
fn every_case_has_one_row() -> Result<(), Box<dyn std::error::Error>> {
    let cases = read_cases()?;
    for (source, last) in SOURCES {
        let numbers: Vec<usize> = cases.iter().filter(|case| case.source == source).map(|case| case.number).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "the rows of {source} are not its cases, each once and in order");
    }
    for case in &cases {
        assert!(case.summary.split_whitespace().count() >= 2, "{} {}: says too little: {:?}", case.source, case.number, case.summary);
    }
    Ok(())
}

#[test]
fn everything_named_exists_and_is_run() -> Result<(), Box<dyn std::error::Error>> {
    let existing = Existing::read()?;
    let mut wrong = Vec::new();
    for case in read_cases()? {
        let place = format!("{} {}", case.source, case.number);
        match case.references() {
            Ok(references) => wrong.extend(references.iter().filter_map(|it| existing.missing(it)).map(|why| format!("{place}: {why}"))),
            Err(why) => wrong.push(format!("{place}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "docs/cases.md names what is not there:\n{}", wrong.join("\n"));
    Ok(())
}

/// Every case of kubernetes.md §E is tried on a real API server, by tests that bear its number, or is said not to be.
#[test]
fn cases_are_tried_on_a_real_server_by_number() -> Result<(), Box<dyn std::error::Error>> {
    let not_real = not_real(&fs::read_to_string(root().join("docs/cases.md"))?)?;
    let existing = Existing::read()?;
    let mut unnamed: BTreeSet<&str> =
        existing.tests.get("tests/cluster").into_iter().flatten().map(String::as_str).filter(|name| case_of(name).is_some()).collect();
    let mut wrong = Vec::new();
    for case in read_cases()?.iter().filter(|case| case.source == "kubernetes.md §E") {
        let references = case.references()?;
        let tests = references.iter().filter_map(|reference| match reference {
            Reference::Test { folder: "tests/cluster", name } => Some(*name),
            _ => None,
        });
        let ours: Vec<&str> = tests.filter(|name| case_of(name) == Some(case.number)).collect();
        if ours.is_empty() != not_real.contains(&case.number) {
            wrong.push(format!("{}: either a test is named after it, or it stands under {NOT_REAL:?}", case.number));
        }
        unnamed.retain(|name| !ours.contains(name));
    }
    wrong.extend(unnamed.iter().map(|name| format!("{name} is not named in the row of its case")));
    assert!(wrong.is_empty(), "docs/cases.md and tests/cluster disagree:\n{}", wrong.join("\n"));
    Ok(())
}

/// Rows of `docs/upstream.md`: number, feature, verdict, how.
fn features(document: &str) -> Vec<Vec<&str>> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect())
        .filter(|cells: &Vec<&str>| cells.first().is_some_and(|first| first.parse::<usize>().is_ok()))
        .collect()
}

#[test]
fn the_table_beside_upstreams_driver_is_whole_and_names_what_exists() -> Result<(), Box<dyn std::error::Error>> {
    /// Features in gateway.md §8.
    const FEATURES: usize = 54;

    let existing = Existing::read()?;
    let document = fs::read_to_string(root().join("docs/upstream.md"))?;
    let features = features(&document);
    let numbers: Vec<String> = features.iter().filter_map(|cells| cells.first().map(|&number| number.to_owned())).collect();
    assert_eq!(numbers, (1..=FEATURES).map(|number| number.to_string()).collect::<Vec<_>>());
    for cells in features {
        let [number, _, verdict, how] = cells.as_slice() else {
            return Err(format!("this row does not have four cells: {cells:?}").into());
        };
        assert!(["yes", "better", "no", "not yet"].contains(verdict), "{number}: {verdict:?} is no verdict");
        let references: Vec<Reference<'_>> = how.split('`').skip(1).step_by(2).filter_map(|text| Reference::parse(text).ok()).collect();
        assert!(!references.is_empty() || matches!(*verdict, "no" | "not yet"), "{number}: nothing shows it");
        let wrong: Vec<String> = references.iter().filter_map(|reference| existing.missing(reference)).collect();
        assert!(wrong.is_empty(), "{number}: {wrong:?}");
    }
    Ok(())
}

#[test]
fn few_cases_are_decided_against() -> Result<(), Box<dyn std::error::Error>> {
    let mut counts = BTreeMap::from([(Kind::Held, 0), (Kind::HeldInPart, 0), (Kind::Owed, 0), (Kind::Against, 0)]);
    for case in read_cases()? {
        let kind = case.kind().map_err(|why| format!("{} {}: {why}", case.source, case.number))?;
        *counts.entry(kind).or_insert(0) += 1;
    }
    println!("rows of docs/cases.md: {counts:?}");
    let against = counts.get(&Kind::Against).copied().unwrap_or_default();
    assert!(against <= AGAINST_MAX, "{against} cases are decided against; at most {AGAINST_MAX} may be");
    Ok(())
}

#[test]
fn a_row_that_names_nothing_known_is_noticed() {
    let row = |held_by: &str| Case { source: "", number: 1, summary: String::new(), held_by: held_by.into() };
    for wrong in [
        "",
        "somebody",
        "`create/one-post`",
        "`a/b/c.json`",
        "`tests/nowhere: x`",
        "`create/one-post.json",
        "no: because",
        "no: see `owed: B`",
    ] {
        assert!(row(wrong).kind().is_err(), "{wrong:?} holds nothing");
    }
    assert_eq!(row("`create/one-post.json`; the rest is `owed: E`").kind(), Ok(Kind::HeldInPart));
    assert_eq!(row("`owed: B`: not done, see `create/one-post.json`").kind(), Ok(Kind::Owed));
    assert_eq!(row("no: gateway-observed.md §5 forbids it").kind(), Ok(Kind::Against));
    assert!(cases("## kubernetes.md §E\n\n| 1 | two cells |\n").is_err());
    let table =
        format!("## {NOT_REAL}\n\n| case | why |\n|---|---|\n| 5 | nobody can do it |\n\n## Another\n| 6 | another table's row |\n");
    assert_eq!(not_real(&table), Ok(BTreeSet::from([5])));
    assert!(not_real(&format!("## {NOT_REAL}\n| 5 | |\n")).is_err());
    assert_eq!((case_of("case_05_a"), case_of("case_x"), case_of("another")), (Some(5), None, None));
    assert_eq!(tests_of("#[tokio::test]\nasync fn a() {\n#[test]\nfn b() {\nfn c() {"), BTreeSet::from(["a", "b"]));
}
