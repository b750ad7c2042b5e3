//! `deploy/kustomize` and `deploy/gateway-with-driver.yaml` are what the chart renders: `make manifests` writes them. The image that is built has what its
//! Dockerfile copies.

use serde_json::Value;

use crate::render::{documents, repository, run, said};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_manifests_are_what_the_chart_renders() {
    let made = std::process::Command::new(repository("deploy/kustomize/generate")).arg("--check").output().unwrap();
    let text = [made.stdout, made.stderr].concat();
    assert!(made.status.success(), "make manifests writes them anew:\n{}", String::from_utf8_lossy(&text));
}

#[test]
fn the_overlay_has_what_kyma_needs() {
    let overlay = said(&run("kubectl", &["kustomize", repository("deploy/kustomize/overlays/kyma").to_str().unwrap()], "")).unwrap();
    let objects = documents(&overlay);
    let namespace = |name: &str| {
        objects
            .iter()
            .find(|object| object["kind"] == "Namespace" && object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no namespace {name}"))
    };
    let labels = &namespace("openshell-system")["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged");
    assert_eq!(labels["istio-injection"], "disabled");
    let reference = documents(&read("deploy/gateway-with-driver.yaml"));
    assert_eq!(reference, objects, "the reference deployment is the overlay");
    assert!(!overlay.contains("helm.sh/"), "nothing of helm is in it");
}

#[test]
fn the_dockerfile_copies_what_is_there_and_pins_what_it_can() {
    let dockerfile = read("Dockerfile");
    let ignored = read(".dockerignore");
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
        let paths: Vec<&str> = line.split_whitespace().collect();
        for path in &paths[..paths.len() - 1] {
            assert!(repository(path).exists(), "COPY {path}: it is not there");
            let let_in = ignored.lines().filter_map(|rule| rule.strip_prefix('!'));
            assert!(
                let_in.into_iter().any(|rule| path == &rule || path.starts_with(&format!("{rule}/"))),
                "COPY {path}: .dockerignore keeps it out"
            );
        }
    }
    // Whatever is not made here comes in by an argument, to be given by digest.
    let mut stages = vec!["scratch".to_owned()];
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        assert!(words[0].starts_with("${") || stages.iter().any(|stage| stage == words[0]), "FROM {}: not an argument", words[0]);
        stages.push(words[2].to_owned());
    }
    for stage in ["scratch", "distroless"] {
        let body = dockerfile
            .split("\nFROM ")
            .find(|body| body.lines().next().is_some_and(|line| line.ends_with(&format!("AS {stage}"))))
            .unwrap();
        assert!(body.contains("\nUSER 65532:65532"), "{stage} runs as nobody in particular");
        assert!(body.contains("\nENTRYPOINT [\"/openshell-driver-kyma\"]") && !body.contains("\nRUN "), "{stage} has no shell");
    }
}

#[test]
fn the_chart_and_the_driver_have_one_version() {
    let chart: Value = serde_yaml_ng::from_str(&read("deploy/helm/openshell-driver-kyma/Chart.yaml")).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
