//! What is said about a value, or a name, that cannot be taken.

use super::super::table;
use super::super::{Environment, Usage, parse};
use super::{refusal, run};

#[test]
fn a_wrong_value_is_answered_with_where_it_stands_and_one_that_would_do() -> Result<(), String> {
    for (flag, value, why) in [
        ("socket", "driver.sock", "begin it with '/'"),
        ("socket", "/run/../driver.sock", "can be written shorter"),
        ("socket", "/run/", "can be written shorter"),
        ("socket", "/", "can be written shorter"),
        ("socket", "/run/a\nb", "control character"),
        ("allow-uid", "root", "whole number from 0 to 4294967294"),
        ("allow-uid", "4294967295", "whole number from 0 to 4294967294"),
        ("allow-uid", "1000,-1", "\"-1\" is not a whole number"),
        ("log-level", "loud", "off, error, warn, info, debug or trace"),
        ("namespace", "Sandboxes", "lower-case letters"),
        ("namespace", "a/b", "lower-case letters"),
        ("gateway-id", "a b", "is not a label value"),
        ("workspace-mode", "own", "use shared, managed or operator"),
        ("enable-network-policy", "yes", "neither true nor false"),
        ("gateway-endpoint", "gateway:8080", "has no scheme"),
        ("sandbox-image", "https://registry/image", "without a scheme"),
        ("sandbox-image", "an image", "is no image reference"),
        ("supervisor-image", "-v", "is no image reference"),
        ("sandbox-service-account", "system:serviceaccount:a:b", "is not a name"),
        ("image-pull-policy", "always", "Always, IfNotPresent or Never"),
        ("image-pull-secrets", "a,B", "\"B\" is not a name"),
        ("sandbox-storage-size", "2GB", "is not a quantity"),
        ("sandbox-storage-size", "0Gi", "must be more than 0"),
        ("sandbox-storage-class", "Fast", "is not a name"),
        ("client-tls-secret-name", "../a", "is not a name"),
        ("sa-token-ttl-secs", "599", "from 600 to 86400"),
        ("sa-token-ttl-secs", "86401", "from 600 to 86400"),
        ("sa-token-ttl-secs", "+600", "from 600 to 86400"),
        ("stop-timeout-secs", "0", "from 1 to 3600"),
        ("stop-timeout-secs", "30s", "from 1 to 3600"),
        ("supervisor-binary-path", "openshell-sandbox", "begin it with '/'"),
        ("supervisor-mount-path", "/opt/a:b", "':'"),
        ("supervisor-mount-path", "/sandbox", "overlaps /sandbox"),
        ("supervisor-mount-path", "/sandbox/bin", "overlaps /sandbox"),
        ("supervisor-mount-path", "/var/run/secrets", "overlaps /var/run/secrets/openshell"),
        ("supervisor-mount-path", "/proc", "overlaps /proc"),
        ("supervisor-sideload", "sidecar", "auto, init-container or image-volume"),
        ("sandbox-cpu", "0", "must be more than 0"),
        ("sandbox-memory-request", "much", "is not a quantity"),
        ("topology", "split", "none of combined, sidecar"),
        ("sidecar-proxy-uid", "999", "from 1000 to 4294967294"),
        ("sidecar-process-binary-aware-network-policy", "yes", "neither true nor false"),
        ("sandbox-uid", "0", "from 1 to 4294967294"),
        ("sandbox-gid", "4294967295", "from 1 to 4294967294"),
        ("enable-user-namespaces", "always", "none of false, true, required"),
        ("app-armor-profile", "runtime/default", "Localhost/NAME"),
        ("app-armor-profile", "Localhost/", "Localhost/NAME"),
        ("seccomp-profile", "Localhost/../secret", "Localhost/NAME"),
        ("default-runtime-class-name", "gVisor", "is not a name"),
        ("https-proxy", "http://proxy", "has no port"),
        ("https-proxy", "https://proxy:3128", "does not speak to a proxy"),
        ("https-proxy", "proxy:3128", "has no scheme"),
        ("https-proxy", "http://proxy:3128/x", "something after host and port"),
        ("no-proxy", "a b", "commas between hosts"),
        ("proxy-auth-secret-key", "a/b", "no key of a secret"),
        ("host-gateway-ip", "10.0.0", "no IP address"),
        ("host-gateway-ip", "010.0.0.1", "no IP address"),
        ("gpu-resource-name", "gpu", "write it like nvidia.com/gpu"),
        ("gpu-resource-name", "kubernetes.io/gpu", "write it like nvidia.com/gpu"),
        ("sandbox-credential", "secret", "none of projected, token, both"),
        ("sandbox-ssh-socket-path", "ssh.sock", "begin it with '/'"),
        ("sandbox-ssh-socket-path", "/sandbox/ssh.sock", "in the workspace"),
        ("provider-spiffe-workload-api-socket-path", "/spire.sock", "nothing can be mounted"),
        ("provider-spiffe-workload-api-socket-path", "/sandbox/x/spire.sock", "overlaps /sandbox"),
        ("telemetry", "off", "neither true nor false"),
        ("supervisor-mount-path", "/run/secrets/openshell/x", "overlaps /var/run/secrets/openshell"),
    ] {
        let flag = table::flags().find(|candidate| candidate.long == flag).ok_or(flag)?;
        let (dashed, own) = (format!("--{}", flag.long), flag.variable());
        let text = refusal(&[&dashed, value], &[])?;
        let (start, end) = (format!("{dashed}: "), format!("; for example {dashed} {}\n", flag.example));
        assert!(text.starts_with(&start) && text.contains(why) && text.contains(&end), "{value:?}: {text}");
        for variable in std::iter::once(own.as_str()).chain(flag.upstream.variables.iter().copied()) {
            let text = refusal(&[], &[(variable, value)])?;
            let (start, end) = (format!("{variable}: "), format!("; for example {variable}={}\n", flag.example));
            assert!(text.starts_with(&start) && text.contains(why) && text.contains(&end), "{value:?}: {text}");
        }
    }
    Ok(())
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() -> Result<(), String> {
    for (given, advice) in [
        ("--namespaces", "did you mean --namespace?"),
        ("--sokcet=/x", "did you mean --socket?"),
        ("--grpc-endpoint", "what upstream's driver calls so is --gateway-endpoint here"),
        ("--bind-address", "upstream's driver has it, but here the driver listens on a Unix socket only"),
        ("--nonsense-of-all-kinds", "is no flag\n"),
    ] {
        let text = refusal(&[given, "x"], &[])?;
        assert!(text.contains(advice), "{text}");
    }
    assert!(refusal(&["-n", "x"], &[])?.contains("two dashes"));
    assert!(refusal(&["--namespace"], &[])?.contains("--namespace needs a value; for example --namespace openshell-system"));
    Ok(())
}

#[test]
fn a_password_is_never_repeated() -> Result<(), String> {
    for (arguments, variables) in [
        (&["--gateway-endpoint", "http://root:hunter2@gateway:8080"][..], &[][..]),
        (&[], &[("OPENSHELL_GRPC_ENDPOINT", "http://root:hunter2@gateway:8080")]),
        (&[], &[("OPENSHELL_UPSTREAM_PROXY", "http://root:hunter2@proxy:8080")]),
    ] {
        let text = refusal(arguments, variables)?;
        assert!(!text.contains("hunter2"), "{text}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_refused_only_where_it_is_read() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let broken = || OsString::from_vec(vec![0xff]);
    let with = |name: &str| Environment::from([(name.to_owned(), broken())]);
    assert_eq!(parse([], &with("OPENSHELL_SANDBOX_NAMESPACE")), Err(Usage::NotUnicode("OPENSHELL_SANDBOX_NAMESPACE".into())));
    assert!(parse([], &with("SOMETHING_ELSE")).is_ok());
    assert_eq!(parse(["--namespace".into(), broken()], &Environment::new()), Err(Usage::NotUnicode("--namespace".into())));
}

#[test]
fn a_kubeconfig_is_one_file() -> Result<(), String> {
    let file = |text| run(&[], &[("KUBECONFIG", text)]).map(|run| run.kubeconfig.map(|kubeconfig| kubeconfig.file));
    assert_eq!(file("/k/a.json:")?, Some("/k/a.json".into()), "an empty part is what is left of a variable that was not set");
    assert_eq!(file("")?, None);
    let text = refusal(&[], &[("KUBECONFIG", "/k/a:/k/b")])?;
    assert!(text.contains("several kubeconfigs") && text.contains("kubectl config view --raw --minify --flatten -o json"), "{text}");
    assert!(refusal(&["--kubeconfig", ":"], &[])?.contains("names no file"));
    Ok(())
}
