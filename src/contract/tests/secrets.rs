//! No secret is printed, however deep it lies.

use crate::contract::messages::compute::{
    AuthenticateSandboxRequest, CreateSandboxRequest, StartSandboxRequest, ValidateSandboxCreateRequest, WatchSandboxesEvent,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// Stands in every place where a secret can be.
const SENTINEL: &str = "s3ntinel";
/// The same in base64, for fields of bytes.
const SENTINEL_BASE64: &str = "czNudGluZWw=";

#[track_caller]
fn printed<M: DeserializeOwned + Debug>(json: serde_json::Value) -> String {
    let message: M = serde_json::from_value(json).unwrap();
    let both = format!("{message:?}\n{message:#?}");
    assert!(!both.contains(SENTINEL), "{both}");
    assert!(!both.contains(SENTINEL_BASE64), "{both}");
    let octets = format!("{:?}", SENTINEL.as_bytes());
    assert!(!both.contains(octets.trim_matches(['[', ']'])), "{both}");
    format!("{message:?}")
}

fn sandbox() -> serde_json::Value {
    json!({
        "id": "0b8e",
        "name": "box",
        "spec": {
            "environment": {"API_KEY": SENTINEL},
            "template": {
                "image": "example/image:1",
                "environment": {"TEMPLATE_KEY": SENTINEL},
                "platform_config": {"annotations": {"note": SENTINEL}},
                "driver_config": {"pod": {"note": [SENTINEL]}}
            },
            "policy": SENTINEL_BASE64,
            "sandbox_token": SENTINEL,
            "command": ["run", SENTINEL],
            "launch_authentication": SENTINEL_BASE64
        }
    })
}

#[test]
fn a_create_prints_keys_and_counts() {
    let text = printed::<CreateSandboxRequest>(json!({"sandbox": sandbox()}));
    for shown in [
        r#"id: "0b8e""#,
        r#"environment: {"API_KEY"}"#,
        r#"environment: {"TEMPLATE_KEY"}"#,
        r#"driver_config: Some({"pod"})"#,
        "policy: 8 bytes",
        "sandbox_token: withheld",
        "command: 2 arguments",
        "launch_authentication: withheld",
    ] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
}

#[test]
fn whatever_carries_a_sandbox_keeps_its_secrets() {
    printed::<ValidateSandboxCreateRequest>(json!({"sandbox": sandbox()}));
    printed::<WatchSandboxesEvent>(json!({"sandbox": {"sandbox": sandbox()}}));
}

#[test]
fn credentials_are_withheld_and_their_absence_is_said() {
    let text = printed::<AuthenticateSandboxRequest>(json!({"credential": SENTINEL}));
    assert_eq!(text, "AuthenticateSandboxRequest { credential: withheld }");
    let text = printed::<AuthenticateSandboxRequest>(json!({}));
    assert_eq!(text, "AuthenticateSandboxRequest { credential: unset }");
    let text = printed::<StartSandboxRequest>(json!({"sandbox_id": "0b8e", "launch_authentication": SENTINEL_BASE64}));
    assert!(text.contains(r#"sandbox_id: "0b8e""#) && text.contains("withheld"), "{text}");
}
