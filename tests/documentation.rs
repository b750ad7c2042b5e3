//! The parts of `docs/` that are made from something else are what they are made from. `BLESS_DOCS=1` writes them instead.
#![allow(clippy::disallowed_methods, reason = "reads and writes documents, and asks cargo")]

mod documents;

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsString;

use openshell_driver_kyma::cli::{self, Command, Environment, reference};
use openshell_driver_kyma::config::{Binaries, Config, Sidecar, Topology};
use openshell_driver_kyma::core::admit::Admitted;
use openshell_driver_kyma::core::render::network_policy;
use openshell_driver_kyma::core::render::pod;
use openshell_driver_kyma::core::render::supervisor::Delivery;
use openshell_driver_kyma::core::territory::Territory;
use openshell_driver_kyma::shell::{log, ops};

use self::documents::{Document, chart, notices, tree, yaml};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn the_flags_are_those_of_the_parser() -> Outcome {
    Document::read("docs/flags.md")?
        .with("subcommands", &reference::subcommands())?
        .with("flags", &reference::flags())?
        .with("counterparts", &reference::counterparts())?
        .with("unserved", &reference::unserved())?
        .settle()
}

/// The pod template of the smallest request, as YAML.
fn pod(config: &Config) -> Result<String, Box<dyn Error>> {
    let request = serde_json::json!({ "id": "7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001", "name": "demo", "workspace": "default" });
    let admitted =
        Admitted::check(config, &Territory::of(config), Some(&serde_json::from_value(request)?)).map_err(|status| status.to_string())?;
    Ok(format!("```yaml\n{}```\n", yaml::of(&pod::template(config, &admitted, Delivery::InitContainer))))
}

#[test]
fn the_pod_is_the_one_that_is_rendered() -> Outcome {
    let Command::Run(run) = cli::parse([], &Environment::new())? else { return Err("no flags are no command".into()) };
    let combined = run.config;
    let mut sidecar = combined.clone();
    sidecar.pod.topology = Topology::Sidecar(Sidecar { proxy_uid: 1337, binaries: Binaries::Known });
    Document::read("docs/pod.md")?.with("combined", &pod(&combined)?)?.with("sidecar", &pod(&sidecar)?)?.settle()
}

#[test]
fn the_metrics_and_events_are_those_of_their_tables() -> Outcome {
    Document::read("docs/metrics.md")?.with("metrics", &ops::metrics::reference::metrics())?.settle()?;
    Document::read("docs/logs.md")?.with("events", &log::reference::events())?.settle()
}

/// The chart installs this where the driver does not write it itself.
#[test]
fn the_network_policy_is_the_one_the_driver_writes() -> Outcome {
    let flags = ["--enable-network-policy", "true"].map(OsString::from);
    let Ok(Command::Run(run)) = cli::parse(flags, &Environment::new()) else { return Err("the flags are not taken".into()) };
    let config = run.config;
    let rules = config.network.as_ref().ok_or("no rules")?;
    let written = format!("{:#}\n", network_policy::object(config.namespace.as_str(), rules, &config.gateway_id));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/network-policy.json");
    if std::env::var_os("BLESS_DOCS").is_some() {
        std::fs::write(path, &written)?;
    }
    assert_eq!(std::fs::read_to_string(path)?, written, "deploy/network-policy.json: make docs writes it");
    Ok(())
}

#[test]
fn the_chart_has_a_value_for_every_flag() -> Outcome {
    Document::read("deploy/helm/openshell-driver-kyma/values.yaml")?.with("flags", &chart::values())?.settle()?;
    Document::read("docs/configuration.md")?.with("values", &chart::names())?.settle()?;
    let schema = Document::read("deploy/helm/openshell-driver-kyma/values.schema.json")?;
    let mut wanted: serde_json::Value = serde_json::from_str(schema.text())?;
    *wanted.pointer_mut("/properties/driver").ok_or("the schema has no driver")? = chart::schema();
    schema.be(format!("{wanted:#}\n")).settle()
}

/// The chart cannot read what is outside its folder.
#[test]
fn the_alerts_of_the_chart_are_those_of_the_rule_file() -> Outcome {
    let rules = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/observability/prometheusrule.yaml"))?;
    let (_, spec) = rules.split_once("\nspec:\n").ok_or("no spec")?;
    let alerts: Vec<&str> = spec.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    Document::read("deploy/helm/openshell-driver-kyma/files/alerts.yaml")?.be(alerts.join("\n") + "\n").settle()
}

/// Names under `[dependencies]` of the driver's manifest.
fn dependencies() -> BTreeSet<&'static str> {
    let manifest = include_str!("../Cargo.toml");
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    section.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim()).collect()
}

#[test]
fn every_dependency_is_accounted_for_and_none_that_is_gone() {
    let document = include_str!("../docs/dependencies.md");
    let table = document.lines().skip_while(|line| *line != "## What each one saves").skip(1).take_while(|line| !line.starts_with("## "));
    let rows = table.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let mut named = BTreeSet::new();
    for (name, row) in rows {
        assert!(row.split('|').filter(|cell| !cell.trim().is_empty()).count() == 2, "{name}: what it saves, and its features");
        assert!(named.insert(name), "{name} has two rows");
    }
    assert_eq!(named, dependencies(), "rows of docs/dependencies.md, and [dependencies] of Cargo.toml");
}

/// Trees differ between systems: this one is what the driver is shipped for.
#[cfg(target_os = "linux")]
#[test]
fn the_tree_is_as_large_as_it_is_said_to_be() -> Outcome {
    /// More than this is a reason to look for something smaller.
    const CRATES_MAX: usize = 80;

    let tree = tree::read()?;
    assert_eq!(tree.names(), dependencies());
    assert!(tree.total() <= CRATES_MAX, "{} crates are linked; {CRATES_MAX} are allowed", tree.total());
    Document::read("docs/dependencies.md")?
        .with("total", &tree.summary())?
        .with("names", &tree.list())?
        .with("trees", &tree.table())?
        .settle()
}

#[cfg(target_os = "linux")]
#[test]
fn the_notices_are_those_of_what_is_linked() -> Outcome {
    Document::read("THIRD-PARTY-NOTICES")?.be(notices::text()?).settle()
}

/// `cargo deny` says the same, where it is at hand; this needs nothing.
#[cfg(target_os = "linux")]
#[test]
fn every_licence_is_one_that_is_allowed() -> Outcome {
    let rules = include_str!("../deny.toml");
    let (_, list) = rules.split_once("\nallow = [\n").ok_or("deny.toml allows nothing")?;
    let allowed: BTreeSet<&str> = list.lines().take_while(|line| *line != "]").filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(notices::not_covered(&allowed)?, Vec::<String>::new(), "deny.toml does not allow their licences");
    Ok(())
}
