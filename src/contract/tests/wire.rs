//! Numbers and types of fields, against bytes made by hand.

use crate::contract::messages::{
    compute::{
        CreateSandboxRequest, DriverCondition, DriverPlatformEvent, DriverSandbox, DriverSandboxSpec, DriverSandboxStatus,
        DriverSandboxTemplate, GetCapabilitiesRequest, GetCapabilitiesResponse, GpuResourceRequirements, ResourceRequirements,
        StartSandboxRequest, WatchSandboxesDeletedEvent, WatchSandboxesEvent, watch_sandboxes_event::Payload,
    },
    extension::{PeerMetadata, ProtocolVersion},
    protobuf::{Struct, Timestamp, Value, value::Kind},
};
use bytes::Bytes;
use prost::Message;
use std::{collections::BTreeMap, fmt::Debug};

fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

/// A number, a boolean or an enum.
fn varint(field: u64, value: u64) -> Vec<u8> {
    [number(field << 3), number(value)].concat()
}

/// A string, bytes or a message.
fn block(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [number(field << 3 | 2), number(content.len() as u64), content.to_vec()].concat()
}

fn entry(field: u64, key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    block(field, [block(1, key), block(2, value)].concat())
}

fn text_map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[track_caller]
fn same<M: Message + Default + PartialEq + Debug>(message: &M, parts: &[Vec<u8>]) {
    let bytes = parts.concat();
    assert_eq!(M::decode(bytes.as_slice()).unwrap(), *message);
    assert_eq!(message.encode_to_vec(), bytes);
}

#[test]
fn sandbox_and_spec() {
    let sandbox = DriverSandbox {
        id: "id".into(),
        name: "name".into(),
        namespace: "ns".into(),
        spec: Some(Box::new(DriverSandboxSpec {
            log_level: "info".into(),
            environment: text_map([("A", "1"), ("B", "2")]),
            template: Some(DriverSandboxTemplate::default()),
            policy: Bytes::from_static(&[0x08, 0x01]),
            resource_requirements: Some(ResourceRequirements { gpu: Some(GpuResourceRequirements { count: Some(0) }) }),
            sandbox_token: "token".into(),
            command: vec!["sleep".into(), "60".into()],
            tty: true,
            await_main_process_attachment: true,
            workload_identity: None,
            launch_authentication: Bytes::from_static(b"\xff"),
        })),
        status: Some(DriverSandboxStatus { sandbox_name: "box".into(), ..Default::default() }),
        workspace: "ws".into(),
    };
    let spec = [
        block(1, "info"),
        entry(5, "A", "1"),
        entry(5, "B", "2"),
        block(6, ""),
        block(7, [0x08, 0x01]),
        block(9, block(1, varint(1, 0))),
        block(11, "token"),
        block(12, "sleep"),
        block(12, "60"),
        varint(13, 1),
        varint(14, 1),
        block(16, b"\xff"),
    ];
    same(&sandbox, &[block(1, "id"), block(2, "name"), block(3, "ns"), block(4, spec.concat()), block(5, block(1, "box")), block(6, "ws")]);
}

#[test]
fn template() {
    let value = Value { kind: Some(Kind::NumberValue(1.5)) };
    let template = DriverSandboxTemplate {
        image: "image".into(),
        agent_socket_path: "/s".into(),
        labels: text_map([("l", "v")]),
        environment: text_map([("E", "v")]),
        driver_config: Some(Struct { fields: [("n".to_owned(), value)].into() }),
        user_namespaces: Some(false),
        ..Default::default()
    };
    let bits = [&[0x11][..], &1.5_f64.to_le_bytes()].concat();
    same(
        &template,
        &[block(1, "image"), block(3, "/s"), entry(4, "l", "v"), entry(6, "E", "v"), block(12, entry(1, "n", bits)), varint(13, 0)],
    );
}

#[test]
fn condition_has_both_times() {
    let condition = DriverCondition {
        r#type: "Ready".into(),
        status: "True".into(),
        reason: "r".into(),
        message: "m".into(),
        last_transition_time: "1970-01-01T00:00:07Z".into(),
        transition_time: Some(Timestamp { seconds: 7, nanos: 1 }),
    };
    same(
        &condition,
        &[
            block(1, "Ready"),
            block(2, "True"),
            block(3, "r"),
            block(4, "m"),
            block(5, "1970-01-01T00:00:07Z"),
            block(105, [varint(1, 7), varint(2, 1)].concat()),
        ],
    );
}

#[test]
fn platform_event_has_both_times() {
    let event = DriverPlatformEvent {
        timestamp_ms: 7000,
        source: "kubelet".into(),
        r#type: "Warning".into(),
        reason: "r".into(),
        message: "m".into(),
        metadata: text_map([("k", "v")]),
        event_time: Some(Timestamp { seconds: 7, nanos: 0 }),
    };
    same(
        &event,
        &[
            varint(1, 7000),
            block(2, "kubelet"),
            block(3, "Warning"),
            block(4, "r"),
            block(5, "m"),
            entry(6, "k", "v"),
            block(101, varint(1, 7)),
        ],
    );
}

#[test]
fn capabilities() {
    let response = GetCapabilitiesResponse {
        driver_name: "kyma".into(),
        driver_version: "1".into(),
        default_image: "image".into(),
        gateway_manages_lifecycle: true,
        rootfs_tar_max_bytes: 300,
        resource_admission_policy: "p".into(),
        ..Default::default()
    };
    same(&response, &[block(1, "kyma"), block(2, "1"), block(3, "image"), varint(6, 1), varint(11, 300), block(13, "p")]);
    let request = GetCapabilitiesRequest {
        gateway: Some(PeerMetadata {
            protocol_version: Some(ProtocolVersion { major: 1, minor: 2 }),
            implementation_name: "g".into(),
            implementation_version: "v".into(),
            supported_capabilities: vec!["s".into()],
            required_capabilities: vec!["r".into()],
        }),
    };
    let peer = [block(1, [varint(1, 1), varint(2, 2)].concat()), block(2, "g"), block(3, "v"), block(4, "s"), block(5, "r")];
    same(&request, &[block(1, peer.concat())]);
}

#[test]
fn start_and_events() {
    let start = StartSandboxRequest {
        sandbox_id: "id".into(),
        sandbox_name: "name".into(),
        launch_authentication: Bytes::from_static(b"l"),
        generation_id: "g".into(),
        expected_runtime_identity: "e".into(),
    };
    same(&start, &[block(1, "id"), block(2, "name"), block(3, "l"), block(4, "g"), block(5, "e")]);
    let deleted = WatchSandboxesDeletedEvent { sandbox_id: "id".into() };
    let event = WatchSandboxesEvent { payload: Some(Payload::Deleted(deleted)) };
    same(&event, &[block(2, block(1, "id"))]);
}

#[test]
fn a_map_is_encoded_in_the_order_of_its_keys() {
    let forwards = text_map([("A", "1"), ("B", "2"), ("C", "3")]);
    let backwards = text_map([("C", "3"), ("B", "2"), ("A", "1")]);
    let [forwards, backwards] =
        [forwards, backwards].map(|environment| DriverSandboxSpec { environment, ..Default::default() }.encode_to_vec());
    assert_eq!(forwards, backwards);
    let expected = [entry(5, "A", "1"), entry(5, "B", "2"), entry(5, "C", "3")].concat();
    assert_eq!(forwards, expected);
}

#[test]
fn fields_nobody_knows_are_ignored() {
    let bytes = [block(90, "later"), block(2, "name"), varint(91, 1)].concat();
    let expected = DriverSandbox { name: "name".into(), ..Default::default() };
    assert_eq!(DriverSandbox::decode(bytes.as_slice()).unwrap(), expected);
}

#[test]
fn the_old_gpu_flag_does_not_decode_and_says_where() {
    for flag in [0, 1] {
        let bytes = block(1, block(4, varint(9, flag)));
        let error = CreateSandboxRequest::decode(bytes.as_slice()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to decode Protobuf message: DriverSandboxSpec.resource_requirements: \
             DriverSandbox.spec: CreateSandboxRequest.sandbox: invalid wire type: Varint (expected LengthDelimited)"
        );
    }
}
