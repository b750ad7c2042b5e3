//! The generated code that is checked in is what `proto/` says.
//!
//! It is generated here again, with a protobuf compiler written in Rust, and compared. `BLESS_PROTO=1` (or
//! `make proto`) writes it instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what is wrong by failing")]
#![expect(clippy::disallowed_methods, reason = "it reads and writes source files")]

use prost_build::{Config, Module};
use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use std::{collections::BTreeMap, env, fs, path::Path};

const PROTO: &str = "openshell/compute/v1/compute_driver.proto";

/// A package and the file its messages go to.
const MESSAGES: [(&str, &str); 3] = [
    ("openshell.compute.v1", "src/contract/messages/openshell/compute/v1.rs"),
    ("openshell.extension.v1", "src/contract/messages/openshell/extension/v1.rs"),
    ("google.protobuf", "src/contract/messages/google/protobuf.rs"),
];

/// The package with the service and the file the service goes to.
const SERVICE: (&str, &str) = ("openshell.compute.v1", "src/contract/service.rs");

/// Files that only mark fields and make no code.
const MARKS: [&str; 2] = ["google/protobuf/descriptor.proto", "openshell/options/v1/options.proto"];

#[test]
fn checked_in_code_is_what_proto_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = generate(root);
    match env::var("BLESS_PROTO") {
        Ok(wish) if !wish.is_empty() => {
            assert!(
                env::var("CI").as_deref() != Ok("true"),
                "BLESS_PROTO is refused where CI=true: run `make proto` and commit what it changes"
            );
            for (path, text) in &generated {
                fs::write(root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        }
        _ => {
            let differences: Vec<String> = generated
                .iter()
                .filter_map(|(path, text)| {
                    let found = fs::read_to_string(root.join(path)).unwrap_or_default();
                    difference(path, &found, text)
                })
                .collect();
            assert!(
                differences.is_empty(),
                "generated code is not what proto/ says; `make proto` rewrites it\n\n{}",
                differences.join("\n")
            );
        }
    }
}

#[test]
fn a_difference_is_shown_where_it_begins() {
    assert_eq!(difference("a.rs", "one\ntwo\n", "one\ntwo\n"), None);
    let shown = difference("a.rs", "one\ntwo\nthree\n", "one\n2\nthree\n").unwrap();
    assert_eq!(shown, "a.rs:2\n  checked in: two\n  generated:  2\n");
    let shown = difference("a.rs", "one\n", "one\ntwo\n").unwrap();
    assert_eq!(shown, "a.rs:2\n  checked in: (end of file)\n  generated:  two\n");
}

/// Path and text of every generated file.
fn generate(root: &Path) -> BTreeMap<&'static str, String> {
    let mut compiler = protox::Compiler::new([root.join("proto")]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(PROTO).unwrap_or_else(|error| panic!("{error:?}"));
    let pool = compiler.descriptor_pool();
    let files: Vec<_> = compiler
        .file_descriptor_set()
        .file
        .into_iter()
        .filter(|file| !MARKS.contains(&file.name()))
        .map(|file| (Module::from_protobuf_package_name(file.package()), file))
        .collect();

    let mut modules = messages(&pool).generate(files.clone()).unwrap();
    let mut generated = BTreeMap::new();
    for (package, path) in MESSAGES {
        let text = modules.remove(&Module::from_protobuf_package_name(package));
        generated.insert(path, text.unwrap_or_else(|| panic!("{package} has no messages")));
    }
    assert!(modules.is_empty(), "packages nobody asked for: {:?}", modules.keys());

    let (package, path) = SERVICE;
    let mut modules = service().generate(files).unwrap();
    let text = modules.remove(&Module::from_protobuf_package_name(package));
    generated.insert(path, text.unwrap_or_else(|| panic!("{package} has no service")));
    assert!(modules.is_empty(), "packages nobody asked for: {:?}", modules.keys());
    generated
}

/// The message that is not generated.
const SHARED: &str = ".openshell.compute.v1.ListSandboxesResponse";

/// Messages without the service.
fn messages(pool: &DescriptorPool) -> Config {
    let mut config = Config::new();
    config.compile_well_known_types().btree_map(["."]).bytes(["."]).disable_comments([".google.protobuf"]);
    // What the gateway is sent of a sandbox has no specification: events and replies stay small.
    config.boxed(".openshell.compute.v1.DriverSandbox.spec");
    // Written by hand: it shares what it lists.
    config.extern_path(SHARED, "super::super::super::shared::ListSandboxesResponse");
    let ours = |message: &MessageDescriptor| {
        MESSAGES.iter().any(|(package, _)| message.package_name() == *package)
            && message.package_name() != "google.protobuf"
            && !message.is_map_entry()
    };
    let mut with_secrets = Vec::new();
    for message in pool.all_messages().filter(ours) {
        json(&mut config, &message);
        if message.fields().any(|field| is_secret(pool, &field)) {
            with_secrets.push(format!(".{}", message.full_name()));
        }
    }
    config.skip_debug(with_secrets);
    config
}

/// The service without messages and without a client.
fn service() -> Config {
    let mut config = Config::new();
    for (package, _) in MESSAGES {
        let module = package.replace('.', "::");
        config.extern_path(format!(".{package}"), format!("crate::contract::messages::{module}"));
    }
    config.extern_path(SHARED, "crate::contract::messages::shared::ListSandboxesResponse");
    config.compile_well_known_types().service_generator(
        tonic_prost_build::configure()
            .build_client(false)
            .build_transport(false)
            .compile_well_known_types(true)
            .codec_path("crate::shell::codec::Codec")
            .service_generator(),
    );
    config
}

/// Says how serde reads and writes a message. A choice beside other fields that is not made is written as `null`:
/// prost-build would put the attribute that leaves it out on every variant, too.
fn json(config: &mut Config, message: &MessageDescriptor) {
    const DERIVE: &str = "#[derive(serde::Serialize, serde::Deserialize)]";
    const SKIP: &str = "#[serde(skip_serializing_if = \"super::super::super::json::is_unset\")]";
    let name = format!(".{}", message.full_name());
    let is_in_oneof = |field: &FieldDescriptor| field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
    let choices: Vec<_> = message.oneofs().filter(|oneof| !oneof.is_synthetic()).collect();
    let is_only_a_choice = choices.len() == 1 && message.fields().all(|field| is_in_oneof(&field));
    for choice in &choices {
        let choice = format!("{name}.{}", choice.name());
        config.enum_attribute(&choice, format!("{DERIVE}\n#[serde(rename_all = \"snake_case\")]"));
    }
    let shape = if is_only_a_choice { "transparent" } else { "default, deny_unknown_fields" };
    config.message_attribute(&name, format!("{DERIVE}\n#[serde({shape})]"));
    for field in message.fields() {
        let path = format!("{name}.{}", field.name());
        if !is_in_oneof(&field) {
            config.field_attribute(&path, SKIP);
        }
        if field.kind() == Kind::Bytes {
            config.field_attribute(&path, "#[serde(with = \"super::super::super::json::base64\")]");
        }
    }
}

fn is_secret(pool: &DescriptorPool, field: &FieldDescriptor) -> bool {
    let secret = pool.get_extension_by_name("openshell.options.v1.secret").expect("options.proto declares it");
    field.options().get_extension(&secret).as_bool() == Some(true)
}

/// The first line that differs, for a reader.
fn difference(path: &str, found: &str, wanted: &str) -> Option<String> {
    if found == wanted {
        return None;
    }
    let (mut found, mut wanted) = (found.lines(), wanted.lines());
    let mut line = 0_usize;
    loop {
        line += 1;
        let end = "(end of file)";
        match (found.next(), wanted.next()) {
            (None, None) => return Some(format!("{path}: line ends differ\n")),
            (a, b) if a == b => {}
            (a, b) => {
                let (a, b) = (a.unwrap_or(end), b.unwrap_or(end));
                return Some(format!("{path}:{line}\n  checked in: {a}\n  generated:  {b}\n"));
            }
        }
    }
}
