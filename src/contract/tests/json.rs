//! The one form messages have in JSON.

use crate::contract::messages::{
    compute::{
        CreateSandboxRequest, DriverCondition, DriverSandboxTemplate, GatewayDefaultRouteInterfaceRequirement, GatewayListenerRequirement,
        WatchSandboxesEvent, gateway_listener_requirement::Selector,
    },
    protobuf::{ListValue, Struct, Timestamp, Value, value::Kind},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use std::fmt::Debug;

/// Reads, writes again, and compares both the JSON and a second reading.
#[track_caller]
fn survives<M>(json: &serde_json::Value) -> M
where
    M: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let message: M = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&message).unwrap(), *json);
    let text = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<M>(&text).unwrap(), message);
    message
}

#[track_caller]
fn refused<M: DeserializeOwned + Debug>(json: &str, because: &str) {
    let error = serde_json::from_str::<M>(json).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn a_create_survives() {
    let request: CreateSandboxRequest = survives(&json!({
        "sandbox": {
            "id": "0b8e",
            "name": "box",
            "workspace": "default",
            "spec": {
                "environment": {"A": "1", "B": ""},
                "template": {
                    "image": "example/image:1",
                    "resources": {"cpu_limit": "2"},
                    "driver_config": {"pod": {"tolerations": [null, true, 1, -2.5, "text", {}, []]}},
                    "user_namespaces": false
                },
                "policy": "CAE=",
                "resource_requirements": {"gpu": {}},
                "sandbox_token": "token",
                "command": ["sleep", "60"],
                "tty": true
            }
        }
    }));
    let spec = request.sandbox.unwrap().spec.unwrap();
    assert_eq!(spec.policy.as_ref(), [0x08, 0x01]);
    assert_eq!(spec.resource_requirements.unwrap().gpu.unwrap().count, None);
    assert_eq!(spec.template.unwrap().user_namespaces, Some(false));
}

#[test]
fn an_event_is_the_object_of_its_kind() {
    survives::<WatchSandboxesEvent>(&json!({"deleted": {"sandbox_id": "0b8e"}}));
    survives::<WatchSandboxesEvent>(&json!({
        "sandbox": {"sandbox": {"id": "0b8e", "status": {
            "sandbox_name": "box",
            "conditions": [{"type": "Ready", "status": "True", "transition_time": "2026-08-17T09:30:00.25Z"}]
        }}}
    }));
    survives::<WatchSandboxesEvent>(&json!({
        "platform_event": {"sandbox_id": "0b8e", "event": {"timestamp_ms": 1_786_959_000_250_i64, "metadata": {"k": "v"}}}
    }));
    refused::<WatchSandboxesEvent>(r#"{"gone": {}}"#, "unknown variant `gone`");
    refused::<WatchSandboxesEvent>(r#"{"deleted": {}, "sandbox": {}}"#, "expected");
}

#[test]
fn a_choice_beside_other_fields_has_its_own_key() {
    let requirement: GatewayListenerRequirement = survives(&json!({"reason": "pods", "selector": {"default_route_interface": {}}}));
    let selector = Selector::DefaultRouteInterface(GatewayDefaultRouteInterfaceRequirement {});
    assert_eq!(requirement.selector, Some(selector));
}

#[test]
fn what_is_unset_is_absent() {
    survives::<CreateSandboxRequest>(&json!({}));
    survives::<CreateSandboxRequest>(&json!({"sandbox": {"spec": {"template": {}}, "status": {}}}));
}

#[test]
fn a_key_that_is_not_in_the_message_is_refused() {
    refused::<CreateSandboxRequest>(r#"{"sandbox": {"spec": {"enviroment": {}}}}"#, "unknown field `enviroment`");
    refused::<DriverCondition>(r#"{"transition_time": {"second": 1}}"#, "unknown field `second`");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    refused::<CreateSandboxRequest>(r#"{"sandbox": {}, "sandbox": {}}"#, "duplicate field");
    refused::<Struct>(r#"{"a": 1, "a": 2}"#, "stands twice");
}

#[test]
fn numbers_stay_what_they_are() {
    let number = |value| Value { kind: Some(Kind::NumberValue(value)) };
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0.0"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (9_007_199_254_740_994.0, "9007199254740994.0"),
    ] {
        assert_eq!(serde_json::to_string(&number(value)).unwrap(), text);
        let back: Value = serde_json::from_str(text).unwrap();
        let Some(Kind::NumberValue(back)) = back.kind else { unreachable!() };
        assert_eq!(back.to_bits(), value.to_bits());
    }
    refused::<Value>("9007199254740993", "beyond 2^53");
    refused::<Value>("18446744073709551615", "beyond 2^53");
    for value in [f64::NAN, f64::INFINITY] {
        assert!(serde_json::to_string(&number(value)).is_err());
    }
}

#[test]
fn a_structure_is_an_object_and_nothing_else() {
    refused::<DriverSandboxTemplate>(r#"{"driver_config": []}"#, "invalid type: sequence");
    refused::<ListValue>("{}", "invalid type: map");
    let unset = serde_json::to_string(&Value { kind: None }).unwrap();
    assert_eq!(unset, "null");
}

#[test]
fn a_moment_without_a_date_is_two_numbers() {
    let timestamp: Timestamp = survives(&json!({"seconds": i64::MIN, "nanos": -1}));
    assert_eq!(timestamp, Timestamp { seconds: i64::MIN, nanos: -1 });
    refused::<DriverCondition>(r#"{"transition_time": "yesterday"}"#, "expected a time such as");
}

#[test]
fn bytes_are_base64() {
    refused::<CreateSandboxRequest>(r#"{"sandbox": {"spec": {"policy": "???"}}}"#, "expected padded base64");
}
