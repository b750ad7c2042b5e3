//! The pod security standards, as far as sandbox pods meet them.

use crate::object::items;
use crate::pods::containers;
use serde_json::Value;

/// A level that forbids something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Baseline,
    Restricted,
}

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const RESTRICTED_VOLUMES: [&str; 9] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

impl Level {
    /// `privileged` and what is no level forbid nothing.
    pub fn parse(label: &str) -> Option<Self> {
        match label {
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// Each violation as `reason (detail)`, in the order the real checks run.
pub(crate) fn violations(level: Level, spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let restricted = level == Level::Restricted;
    found.extend(
        unconfined(spec, "appArmorProfile")
            .map(|who| format!("forbidden AppArmor profile ({who} must not set AppArmor profile type to \"Unconfined\")")),
    );
    if !restricted {
        let (bad, added) = capabilities_beyond(spec, &DEFAULT_CAPABILITIES);
        say(&mut found, "non-default capabilities", &bad, |who| {
            format!("{who} must not include {} in securityContext.capabilities.add", quote(&added))
        });
    }
    let host: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| spec[*field] == true)
        .map(|field| format!("{field}=true"))
        .collect();
    if !host.is_empty() {
        found.push(format!("host namespaces ({})", host.join(", ")));
    }
    if !restricted {
        found.extend(host_paths(spec));
    }
    found.extend(host_ports(spec));
    let bad = containers_where(spec, |c| c["securityContext"]["privileged"] == true);
    say(&mut found, "privileged", &bad, |who| format!("{who} must not set securityContext.privileged=true"));
    if !restricted {
        let bad = unconfined(spec, "seccompProfile");
        found.extend(bad.map(|who| format!("seccompProfile ({who} must not set securityContext.seccompProfile.type to \"Unconfined\")")));
    }
    if restricted {
        let bad = containers_where(spec, |c| c["securityContext"]["allowPrivilegeEscalation"] != Value::Bool(false));
        say(&mut found, "allowPrivilegeEscalation != false", &bad, |who| {
            format!("{who} must set securityContext.allowPrivilegeEscalation=false")
        });
        found.extend(restricted_capabilities(spec));
        found.extend(restricted_volumes(spec));
        if spec["hostUsers"] != false {
            found.extend(root_users(spec));
        }
        found.extend(missing_seccomp(spec));
    }
    found
}

/// Who sets a profile of that name to `Unconfined`, in the words of a refusal.
fn unconfined(spec: &Value, profile: &str) -> Option<String> {
    let is = |context: &Value| context[profile]["type"] == "Unconfined";
    let mut setters = Vec::new();
    if is(&spec["securityContext"]) {
        setters.push("pod".to_owned());
    }
    let bad = containers_where(spec, |container| is(&container["securityContext"]));
    if !bad.is_empty() {
        setters.push(format!("{} {}", plural("container", &bad), quote(&bad)));
    }
    (!setters.is_empty()).then(|| setters.join(" and "))
}

/// Ports of the node; those of a pod in the node's network are.
fn host_ports(spec: &Value) -> Option<String> {
    let host = spec["hostNetwork"] == true;
    let taken =
        |port: &Value| port["hostPort"].as_u64().filter(|number| *number != 0).or_else(|| port["containerPort"].as_u64().filter(|_| host));
    let bad = containers_where(spec, |container| items(&container["ports"]).iter().any(|port| taken(port).is_some()));
    let all = containers(spec).flat_map(|(_, container)| items(&container["ports"]));
    let mut ports: Vec<String> = all.filter_map(taken).map(|number| number.to_string()).collect();
    ports.sort();
    ports.dedup();
    let uses = if bad.len() == 1 { "uses" } else { "use" };
    (!ports.is_empty()).then(|| {
        format!("hostPort ({} {} {uses} {} {})", plural("container", &bad), quote(&bad), plural("hostPort", &ports), ports.join(", "))
    })
}

fn host_paths(spec: &Value) -> Option<String> {
    let paths: Vec<String> = items(&spec["volumes"])
        .iter()
        .filter(|volume| volume.get("hostPath").is_some())
        .map(|volume| volume["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    (!paths.is_empty()).then(|| format!("hostPath volumes ({} {})", plural("volume", &paths), quote(&paths)))
}

fn say(found: &mut Vec<String>, reason: &str, bad: &[String], detail: impl Fn(&str) -> String) {
    if !bad.is_empty() {
        let who = format!("{} {}", plural("container", bad), quote(bad));
        found.push(format!("{reason} ({})", detail(&who)));
    }
}

fn plural(word: &str, many: &[String]) -> String {
    if many.len() == 1 { word.to_owned() } else { format!("{word}s") }
}

fn quote(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn containers_where(spec: &Value, bad: impl Fn(&Value) -> bool) -> Vec<String> {
    containers(spec)
        .filter(|(_, container)| bad(container))
        .map(|(_, container)| container["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The containers that add capabilities not in `allowed`, and those capabilities, sorted.
fn capabilities_beyond(spec: &Value, allowed: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut added: Vec<String> = Vec::new();
    let bad = containers(spec)
        .filter(|(_, container)| {
            let extra: Vec<String> = items(&container["securityContext"]["capabilities"]["add"])
                .iter()
                .filter_map(Value::as_str)
                .filter(|capability| !allowed.contains(capability))
                .map(str::to_owned)
                .collect();
            let any = !extra.is_empty();
            added.extend(extra);
            any
        })
        .map(|(_, container)| container["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    added.sort();
    added.dedup();
    (bad, added)
}

fn restricted_capabilities(spec: &Value) -> Option<String> {
    let keeps =
        containers_where(spec, |container| !items(&container["securityContext"]["capabilities"]["drop"]).iter().any(|c| c == "ALL"));
    let (adds, added) = capabilities_beyond(spec, &["NET_BIND_SERVICE"]);
    let mut details = Vec::new();
    if !keeps.is_empty() {
        details.push(format!("{} {} must set securityContext.capabilities.drop=[\"ALL\"]", plural("container", &keeps), quote(&keeps)));
    }
    if !adds.is_empty() {
        details.push(format!(
            "{} {} must not include {} in securityContext.capabilities.add",
            plural("container", &adds),
            quote(&adds),
            quote(&added)
        ));
    }
    (!details.is_empty()).then(|| format!("unrestricted capabilities ({})", details.join("; ")))
}

fn restricted_volumes(spec: &Value) -> Option<String> {
    let mut types: Vec<String> = Vec::new();
    let mut bad: Vec<String> = Vec::new();
    for volume in items(&spec["volumes"]) {
        let kinds = volume.as_object().into_iter().flatten().map(|(field, _)| field);
        for kind in kinds.filter(|kind| *kind != "name" && !RESTRICTED_VOLUMES.contains(&kind.as_str())) {
            types.push(kind.clone());
            bad.push(volume["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    types.sort();
    types.dedup();
    (!bad.is_empty()).then(|| {
        format!(
            "restricted volume types ({} {} {} {} {})",
            plural("volume", &bad),
            quote(&bad),
            if bad.len() == 1 { "uses" } else { "use" },
            plural("restricted volume type", &types),
            quote(&types)
        )
    })
}

fn root_users(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let pod = &spec["securityContext"];
    let pod_wide = pod["runAsNonRoot"] == true;
    let implicit = containers_where(spec, |container| {
        let own = &container["securityContext"]["runAsNonRoot"];
        own.is_null() && !pod_wide
    });
    let explicit = containers_where(spec, |container| container["securityContext"]["runAsNonRoot"] == false);
    let mut setters = Vec::new();
    if pod["runAsNonRoot"] == false {
        setters.push("pod".to_owned());
    }
    if !explicit.is_empty() {
        setters.push(format!("{} {}", plural("container", &explicit), quote(&explicit)));
    }
    if !setters.is_empty() {
        found.push(format!("runAsNonRoot != true ({} must not set securityContext.runAsNonRoot=false)", setters.join(" and ")));
    } else if !implicit.is_empty() {
        found.push(format!(
            "runAsNonRoot != true (pod or {} {} must set securityContext.runAsNonRoot=true)",
            plural("container", &implicit),
            quote(&implicit)
        ));
    }
    let zero = containers_where(spec, |container| container["securityContext"]["runAsUser"] == 0);
    let mut setters = Vec::new();
    if pod["runAsUser"] == 0 {
        setters.push("pod".to_owned());
    }
    if !zero.is_empty() {
        setters.push(format!("{} {}", plural("container", &zero), quote(&zero)));
    }
    if !setters.is_empty() {
        found.push(format!("runAsUser=0 ({} must not set runAsUser=0)", setters.join(" and ")));
    }
    found
}

fn missing_seccomp(spec: &Value) -> Option<String> {
    let fit = |context: &Value| matches!(context["seccompProfile"]["type"].as_str(), Some("RuntimeDefault" | "Localhost"));
    if fit(&spec["securityContext"]) {
        return None;
    }
    let bad = containers_where(spec, |container| !fit(&container["securityContext"]));
    (!bad.is_empty()).then(|| {
        format!(
            "seccompProfile (pod or {} {} must set securityContext.seccompProfile.type to \
             \"RuntimeDefault\" or \"Localhost\")",
            plural("container", &bad),
            quote(&bad)
        )
    })
}
