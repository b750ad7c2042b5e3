//! Settings that follow from each other, need each other or rule each other out.

use super::super::Run;
use super::super::upstream::{UNSERVED, WhenSet};
use super::{refusal, run};
use crate::config::{Identity, Sideload};
use crate::core::follow::settings::Route;

#[test]
fn nobody_is_let_in_unless_it_is_said_who() -> Result<(), String> {
    let open = ["--exposure", "virtualservice"];
    let text = refusal(&open, &[])?;
    assert!(text.contains("--apirule-auth does not say to whom") && text.contains("none, which lets anybody in"), "{text}");
    let text = refusal(&["--enable-apirule", "true", "--apirule-auth", "none"], &[])?;
    assert!(text.contains("--istio-inject-sandboxes true") && text.contains("--exposure virtualservice"), "{text}");
    let with = |more: &[&'static str]| [&open[..], more].concat();
    for (more, why) in [
        (&["--apirule-auth", "jwt"][..], "needs --apirule-jwt-issuer"),
        (&["--apirule-auth", "jwt", "--apirule-jwt-issuer", "https://a"], "needs --apirule-jwt-jwks-uri"),
        (&["--apirule-auth", "jwt", "--apirule-jwt-issuer", "a"], "is not an http:// or https:// URL"),
        (&["--apirule-auth", "ext-auth"], "needs --apirule-authorizers"),
        (&["--apirule-auth", "ext-auth", "--apirule-authorizers", "a"], "a VirtualService asks nobody who they are"),
        (&["--apirule-auth", "anybody"], "jwt, ext-auth, none"),
        (&["--apirule-auth", "none", "--cluster-domain", "*.example.com"], "is not a domain"),
        (&["--apirule-auth", "none", "--apirule-gateway", "kyma-gateway"], "is not an Istio Gateway"),
        (&["--apirule-auth", "none", "--exposed-port", "0"], "from 1 to 65535"),
    ] {
        let text = refusal(&with(more), &[])?;
        assert!(text.contains(why), "{more:?}: {text}");
    }
    let text = refusal(&["--apirule-auth", "none"], &[])?;
    assert!(text.contains("but they are not: add --enable-apirule true"), "{text}");
    let open = run(&with(&["--apirule-auth", "none", "--cluster-domain", "example.com"]), &[])?;
    let exposure = open.config.exposure.ok_or("nothing is exposed")?;
    assert_eq!(
        (exposure.route, exposure.port.get(), exposure.gateway.to_string()),
        (Route::VirtualService, 8080, "kyma-system/kyma-gateway".into())
    );
    Ok(())
}

#[test]
fn settings_must_agree() -> Result<(), String> {
    let https = ["--gateway-endpoint", "https://gateway:8080"];
    let text = refusal(&https, &[])?;
    assert!(text.contains("--gateway-endpoint is https://gateway:8080, but --client-tls-secret-name is not given"), "{text}");
    assert_eq!(run(&https, &[("OPENSHELL_CLIENT_TLS_SECRET_NAME", "tls")])?.config.gateway_endpoint, "https://gateway:8080");

    let text = refusal(&["--sandbox-cpu-request", "3"], &[])?;
    assert!(text.contains("--sandbox-cpu-request is 3, more than the default of --sandbox-cpu (2)"), "{text}");
    let text = refusal(&[], &[("OPENSHELL_DRIVER_SANDBOX_MEMORY", "256Mi")])?;
    assert!(text.contains("the default of --sandbox-memory-request is 512Mi, more than OPENSHELL_DRIVER_SANDBOX_MEMORY (256Mi)"), "{text}");
    run(&["--sandbox-cpu-request", "2000m"], &[])?;

    for (variable, value) in [("OPENSHELL_DRIVER_KUBE_CONTEXT", "dev"), ("OPENSHELL_DRIVER_KUBE_INSECURE", "true")] {
        let text = refusal(&[], &[(variable, value)])?;
        assert!(text.contains(&format!("{variable} says how to read a kubeconfig, but none is named")), "{text}");
        run(&[], &[(variable, value), ("KUBECONFIG", "/k")])?;
    }

    let text = refusal(&["--terminal-after-secs", "90", "--stop-timeout-secs", "90"], &[])?;
    assert!(text.contains("--terminal-after-secs is 90, no more than --stop-timeout-secs (90)"), "{text}");
    run(&["--terminal-after-secs", "91", "--stop-timeout-secs", "90"], &[])?;

    let elsewhere = ["--supervisor-binary-path", "/bin/supervisor"];
    let text = refusal(&[&elsewhere[..], &["--supervisor-sideload", "image-volume"]].concat(), &[])?;
    assert!(text.contains("--supervisor-sideload is image-volume and --supervisor-binary-path is /bin/supervisor"), "{text}");
    Ok(())
}

#[test]
fn a_proxy_is_told_whole() -> Result<(), String> {
    let beside = ["--https-proxy", "http://proxy:3128", "--topology", "sidecar"];
    let flags = |name, key, insecure| {
        let credential = ["--proxy-auth-secret-name", name, "--proxy-auth-secret-key", key, "--proxy-auth-allow-insecure", insecure];
        run(&[&beside[..], &credential].concat(), &[])
    };
    let proxy = |run: Run| run.config.pod.proxy.and_then(|proxy| proxy.credential).map(|key| (key.secret, key.key));
    let read = Some(("creds".to_owned(), "user".to_owned()));
    assert_eq!(proxy(flags("creds", "user", "true")?), read);
    for names in [
        ["OPENSHELL_DRIVER_PROXY_AUTH_SECRET_NAME", "OPENSHELL_DRIVER_PROXY_AUTH_SECRET_KEY", "OPENSHELL_DRIVER_PROXY_AUTH_ALLOW_INSECURE"],
        [
            "OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_NAME",
            "OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_KEY",
            "OPENSHELL_UPSTREAM_PROXY_AUTH_ALLOW_INSECURE",
        ],
    ] {
        let variables: Vec<(&str, &str)> = names.into_iter().zip(["creds", "user", "true"]).collect();
        assert_eq!(proxy(run(&beside, &variables)?), read, "{names:?}");
    }
    for (arguments, why) in [
        (vec!["--no-proxy", "a"], "--no-proxy belongs to an upstream proxy, but none is named"),
        (vec!["--proxy-connect-by-hostname", "true"], "--proxy-connect-by-hostname belongs to an upstream proxy"),
        (vec!["--proxy-auth-secret-name", "a"], "--proxy-auth-secret-name belongs to an upstream proxy"),
        ([&beside[..], &["--proxy-auth-secret-name", "a"]].concat(), "go together"),
        ([&beside[..], &["--proxy-auth-secret-key", "a"]].concat(), "go together"),
        ([&beside[..], &["--proxy-auth-allow-insecure", "true"]].concat(), "names none"),
        (
            [&beside[..], &["--proxy-auth-secret-name", "a", "--proxy-auth-secret-key", "b"]].concat(),
            "a credential for an http proxy crosses the network unencrypted",
        ),
        (
            vec!["--https-proxy", "http://p:1", "--proxy-auth-secret-name", "a", "--proxy-auth-secret-key", "b"],
            "--proxy-auth-secret-name needs --topology sidecar",
        ),
    ] {
        let text = refusal(&arguments, &[])?;
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
    Ok(())
}

#[test]
fn topologies_have_what_they_can_have() -> Result<(), String> {
    let sidecar = ["--topology", "sidecar"];
    for (more, why) in [
        (["--sandbox-uid", "1337"], "--sandbox-uid are both 1337"),
        (["--sandbox-privileged", "true"], "--sandbox-privileged is true, which excludes the other"),
        (["--istio-inject-sandboxes", "true"], "--istio-inject-sandboxes is true, which excludes the other"),
    ] {
        let text = refusal(&[&sidecar[..], &more].concat(), &[])?;
        assert!(text.contains(why), "{text}");
        run(&more, &[])?;
    }
    let text = refusal(&["--gpu-support", "false", "--gpu-scale-from-zero", "true"], &[])?;
    assert!(text.contains("--gpu-support is false, but --gpu-scale-from-zero says where GPUs come from"), "{text}");
    Ok(())
}

#[test]
fn what_follows_from_another_setting_follows() -> Result<(), String> {
    let config = run(&["--namespace", "agents"], &[])?.config;
    assert_eq!(config.gateway_endpoint, "http://openshell.agents.svc.cluster.local:8080");
    let config = run(&["--client-tls-secret-name", "tls"], &[])?.config;
    assert_eq!(config.gateway_endpoint, "https://openshell.openshell-system.svc.cluster.local:8080");
    let config = run(&["--sandbox-uid", "7"], &[])?.config;
    assert_eq!(config.pod.identity, Identity { uid: 7, gid: 7 });
    // An image volume would not show it there.
    let config = run(&["--supervisor-binary-path", "/bin/supervisor"], &[])?.config;
    assert_eq!(config.pod.supervisor.sideload, Sideload::InitContainer);
    Ok(())
}

#[test]
fn a_setting_that_would_be_missed_stops_the_driver() -> Result<(), String> {
    for setting in UNSERVED {
        match setting.when_set {
            WhenSet::Ignored => assert_eq!(run(&[], &[(setting.variable, "x")])?, run(&[], &[])?, "{}", setting.variable),
            WhenSet::Refused(ours) => {
                let text = refusal(&[], &[(setting.variable, "x")])?;
                assert!(text.starts_with(setting.variable) && text.contains("Unset it to run without"), "{text}");
                run(&[], &[(setting.variable, "")])?;
                for value in ours {
                    run(&[], &[(setting.variable, value)])?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn namespaces_can_be_named_after_the_gateway() -> Result<(), String> {
    let fits = "a".repeat(33);
    assert_eq!(run(&["--workspace-mode", "managed", "--gateway-id", &fits], &[])?.config.gateway_id, fits);
    for (id, why) in
        [("a".repeat(34), "at most 33 are allowed"), ("a.b".into(), "namespaces are named after it"), ("A".into(), "lower-case letters")]
    {
        let text = refusal(&["--workspace-mode", "managed", "--gateway-id", &id], &[])?;
        assert!(text.contains(why), "{text}");
    }
    Ok(())
}

#[test]
fn a_network_policy_finds_the_gateway_or_is_told() -> Result<(), String> {
    let policy = ["--enable-network-policy", "true"];
    let gateway = |arguments: &[&str]| -> Result<Option<String>, String> {
        let rules = run(&[&policy, arguments].concat(), &[])?.config.network;
        Ok(rules.and_then(|rules| rules.gateway).map(|peer| peer.to_string()))
    };
    assert_eq!(gateway(&[])?.as_deref(), Some("openshell-system:8080"));
    assert_eq!(gateway(&["--network-policy-gateway", "gateways:9090"])?.as_deref(), Some("gateways:9090"));
    let outside = ["--gateway-endpoint", "http://gateway.example.com:8080"];
    assert!(refusal(&[&policy, outside.as_slice()].concat(), &[])?.contains("--network-policy-gateway"));
    assert_eq!(gateway(&[outside.as_slice(), &["--network-policy-egress", "192.0.2.0/24"]].concat())?, None);
    assert!(refusal(&[policy.as_slice(), &["--network-policy-egress", "10.0.0.1"]].concat(), &[])?.contains("is no peer"));
    assert!(refusal(&["--network-policy-egress", "192.0.2.0/24"], &[])?.contains("add --enable-network-policy true"));
    Ok(())
}
