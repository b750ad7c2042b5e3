//! POST: decoding, admission, validation, storing.

use crate::cluster::{Cluster, Reply};
use crate::convert;
use crate::defaults::default_fields;
use crate::failure::{Cause, Failure};
use crate::http::{Request, Target};
use crate::object::{self, Object};
use crate::resource::Kind;
use crate::route::Place;
use crate::store::Key;
use crate::validate::prune_sandbox;
use crate::view::{MEDIA, View};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What to do about fields the schema does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Ignored,
    Warned,
    Refused,
}

/// Whether a write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Real,
    Dry,
}

impl Unknown {
    pub fn parse(target: &Target) -> Result<Self, Failure> {
        match target.parameter("fieldValidation") {
            Some("Ignore") => Ok(Self::Ignored),
            None | Some("Warn") => Ok(Self::Warned),
            Some("Strict") => Ok(Self::Refused),
            Some(other) => Err(Failure::invalid_options(
                "CreateOptions",
                vec![Cause::unsupported("fieldValidation", &json!(other), &["", "Ignore", "Strict", "Warn"])],
            )),
        }
    }
}

impl Run {
    pub fn parse(target: &Target) -> Result<Self, Failure> {
        match target.parameter("dryRun") {
            None => Ok(Self::Real),
            Some("All") => Ok(Self::Dry),
            Some(other) => Err(Failure::invalid_options("CreateOptions", vec![Cause::unsupported("dryRun", &json!([other]), &["All"])])),
        }
    }
}

impl Cluster {
    pub(crate) fn create_from(&mut self, user: &str, place: &Place, target: &Target, request: &Request) -> Result<Reply, Failure> {
        require_json(request)?;
        let unknown = Unknown::parse(target)?;
        let run = Run::parse(target)?;
        match place.subresource.as_str() {
            "" => {}
            "binding" => return self.bind_from(place, &decode(&request.body)?),
            "eviction" => return self.evict_from(place, &decode(&request.body)?),
            "token" => return self.token_from(place, &decode(&request.body)?),
            _ => return Err(Failure::method_not_allowed(place.kind, "create")),
        }
        if place.kind.is_namespaced() && place.namespace.is_empty() {
            return Err(if place.kind.is_custom() { Failure::NoHandler } else { Failure::method_not_allowed(place.kind, "create") });
        }
        let mut object = decode_object(place, &request.body)?;
        settle_place(place, &mut object)?;
        let mut warnings = Self::decode_fields(place, &mut object, unknown)?;
        let _ = user;
        let created = self.create(place.kind, object, run)?;
        warnings.extend(self.admission_warnings(place.kind, &created));
        let body = self.render(place.kind, &place.version, View::Full, &created).into_bytes();
        Ok(Reply { status: 201, body, warnings })
    }

    /// Stores a new object, given in any version its kind is served in, after admission and validation.
    pub(crate) fn create(&mut self, kind: Kind, mut object: Value, run: Run) -> Result<Object, Failure> {
        self.name_generated(&mut object);
        let key = Key::of(&object);
        self.admit_namespace(kind, &key)?;
        let versioned = !object::resource_version(&object).is_empty();
        self.prepare(kind, &mut object);
        self.admit_pod_defaults(kind, &mut object)?;
        let causes = self.faults_of(kind, &object);
        if !causes.is_empty() {
            return Err(Failure::invalid(kind, &key.name, causes));
        }
        self.admit(kind, &object)?;
        if versioned {
            return Err(Failure::raw("resourceVersion should not be set on objects to be created"));
        }
        check_size(&object)?;
        if let Some(held) = self.store.get(kind, &key) {
            return Err(if object::is_deleting(held) {
                Failure::being_deleted(kind, &key.name)
            } else {
                Failure::already_exists(kind, &key.name)
            });
        }
        let version = object["apiVersion"].clone();
        let mut object = self.mint(kind, object);
        if kind == Kind::Sandbox {
            object["apiVersion"] = version;
            object = convert::convert(&object, self.stored_version(kind));
        }
        Ok(match run {
            Run::Real => self.store.create(kind, object),
            Run::Dry => Object::new(object),
        })
    }

    /// `generateName` gets a suffix when there is no name.
    fn name_generated(&mut self, object: &mut Value) {
        let prefix = object["metadata"]["generateName"].as_str().map(str::to_owned);
        if let (Some(prefix), "") = (prefix, object::name(object)) {
            let name = format!("{prefix}{}", self.suffix());
            object::metadata_mut(object).insert("name".into(), json!(name));
        }
    }

    /// Five characters no other generated name has.
    pub(crate) fn suffix(&mut self) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut number = self.next_suffix;
        self.next_suffix += 1;
        let mut out = String::with_capacity(5);
        for _ in 0..5 {
            let digit = usize::try_from(number % 27).unwrap_or(0);
            out.push(char::from(ALPHABET[digit]));
            number /= 27;
        }
        out
    }

    /// Prunes and defaults a custom resource; what it did not know is refused or told.
    pub(crate) fn decode_fields(place: &Place, object: &mut Value, unknown: Unknown) -> Result<Vec<String>, Failure> {
        if place.kind != Kind::Sandbox {
            return Ok(Vec::new());
        }
        let told = prune_sandbox(&place.version, object);
        match unknown {
            Unknown::Refused if !told.is_empty() => Err(Failure::bad_request(format!(
                "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
                place.kind.resource().kind,
                place.version,
                place.kind.resource().kind,
                told.join(", ")
            ))),
            Unknown::Warned => Ok(told),
            Unknown::Refused | Unknown::Ignored => Ok(Vec::new()),
        }
    }

    /// A new object begins without status, and with its kind's defaults.
    fn prepare(&mut self, kind: Kind, object: &mut Value) {
        let metadata = object::metadata_mut(object);
        for given_by_server in [
            "uid",
            "creationTimestamp",
            "generation",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "managedFields",
        ] {
            metadata.remove(given_by_server);
        }
        tidy_metadata(object);
        if kind.has_status()
            && let Value::Object(fields) = object
        {
            fields.remove("status");
        }
        default_fields(kind, object);
        self.begin_fields(kind, object);
    }
}

impl Failure {
    /// Bad options of a write.
    pub(crate) fn invalid_options(options: &str, causes: Vec<Cause>) -> Self {
        let mut failure = Self::invalid_list_options(causes);
        if let Self::Status(status) = &mut failure {
            status.message = status.message.replacen("ListOptions", options, 1);
            status.details["kind"] = json!(options);
        }
        failure
    }
}

/// The largest object etcd takes, in bytes.
const STORED_BYTES_MAX: usize = 1_572_864;

/// An object that etcd does not take is refused in etcd's words. Small ones, which most are, are not measured to the byte.
pub(crate) fn check_size(object: &Value) -> Result<(), Failure> {
    if weight(object) > STORED_BYTES_MAX / 4 && object.to_string().len() > STORED_BYTES_MAX {
        return Err(Failure::raw("etcdserver: request is too large"));
    }
    Ok(())
}

/// The bytes of an object's texts: what makes an object large.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() + weight(field)).sum(),
        _ => 0,
    }
}

/// Empty lists and maps of metadata are as good as none.
pub(crate) fn tidy_metadata(object: &mut Value) {
    object::metadata_mut(object).retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    });
}

pub(crate) fn require_json(request: &Request) -> Result<(), Failure> {
    let media = request.content_type.as_deref().unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim();
    if matches!(media, "" | "application/json") { Ok(()) } else { Err(Failure::unsupported_media(MEDIA)) }
}

/// What a Go client would be told of text that is not JSON.
pub(crate) fn json_fault(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}

/// A body as JSON.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("couldn't get version/kind; json parse error: {}", json_fault(&error))))
}

/// A body as an object of the kind the path names.
pub(crate) fn decode_object(place: &Place, body: &[u8]) -> Result<Value, Failure> {
    let kind = place.kind.resource().kind;
    let unrecognized = |why: &str| {
        Failure::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({})", summary(body)))
    };
    let object: Value = serde_json::from_slice(body)
        .map_err(|error| unrecognized(&format!("couldn't get version/kind; json parse error: {}", json_fault(&error))))?;
    // A built-in kind's decoder takes null for an object with nothing in it.
    let object = if object.is_null() && !place.kind.is_custom() { json!({}) } else { object };
    if !object.is_object() {
        return Err(unrecognized("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value"));
    }
    if place.kind.is_custom() && object["kind"].as_str().is_none_or(str::is_empty) {
        return Err(unrecognized(&format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(body))));
    }
    check_type(place, &object)?;
    check_shape(place, &object)
        .map_err(|why| Failure::bad_request(format!("{kind} in version \"{}\" cannot be handled as a {kind}: {why}", place.version)))?;
    Ok(object)
}

/// The beginning of a body that was not understood.
fn summary(body: &[u8]) -> String {
    const MAX: usize = 30;
    let shown = body.get(..MAX).unwrap_or(body);
    let dots = if body.len() > MAX { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{dots}", String::from_utf8_lossy(shown)),
        Some(_) => {
            let mut text = String::new();
            for byte in shown {
                let _ = write!(text, "{byte:02x}");
            }
            text + dots
        }
    }
}

/// The object must be what the path serves.
fn check_type(place: &Place, object: &Value) -> Result<(), Failure> {
    let resource = place.kind.resource();
    let kind = object["kind"].as_str().unwrap_or_default();
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let expected = place.kind.api_version(&place.version);
    let said = !version.is_empty() || place.kind.is_custom();
    if said && version != expected && !place.kind.is_custom() {
        return Err(Failure::bad_request(format!(
            "{0} in version \"{version}\" cannot be handled as a {0}: no kind \"{0}\" is registered for version \"{version}\" in scheme \
             \"pkg/runtime/scheme.go:111\"",
            resource.kind
        )));
    }
    if said && version != expected {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({expected})"
        )));
    }
    if !kind.is_empty() && kind != resource.kind {
        return Err(if place.kind.is_custom() {
            Failure::wrong_kind(place.kind, kind, object::name(object))
        } else {
            Failure::bad_request(format!(
                "{kind} in version \"{}\" cannot be handled as a {}: converting (v1.{kind}) to (core.{}): unknown conversion",
                place.version, resource.kind, resource.kind
            ))
        });
    }
    Ok(())
}

/// The parts every object has must be of their types; the rest of the server relies on it. `Err` is what
/// a Go decoder says.
pub(crate) fn check_shape(place: &Place, object: &Value) -> Result<(), String> {
    let metadata = &object["metadata"];
    if !metadata.is_null() && !metadata.is_object() {
        return Err(format!("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", go_type(metadata)));
    }
    let odd = |value: &Value, field: &str, wanted: &str| {
        Err(format!("json: cannot unmarshal {} into Go struct field {field} of type {wanted}", go_type(value)))
    };
    for field in ["name", "generateName", "namespace", "uid", "resourceVersion"] {
        let value = &metadata[field];
        if !value.is_null() && !value.is_string() {
            return odd(value, &format!("ObjectMeta.{field}"), "string");
        }
    }
    for field in ["labels", "annotations"] {
        let value = &metadata[field];
        match value {
            Value::Null => {}
            Value::Object(map) => {
                if let Some(value) = map.values().find(|value| !value.is_string()) {
                    return odd(value, &format!("ObjectMeta.{field}"), "string");
                }
            }
            _ => return odd(value, &format!("ObjectMeta.{field}"), "map[string]string"),
        }
    }
    if !is_list_of(&metadata["finalizers"], Value::is_string) {
        return odd(&metadata["finalizers"], "ObjectMeta.finalizers", "[]string");
    }
    if !is_list_of(&metadata["ownerReferences"], Value::is_object) {
        return odd(&metadata["ownerReferences"], "ObjectMeta.ownerReferences", "[]v1.OwnerReference");
    }
    if let Some(why) = object.as_object().and_then(|fields| crate::builtin::undecodable(place.kind, fields)) {
        return Err(why);
    }
    if !place.kind.is_custom() {
        let kind = place.kind.resource().kind;
        for part in ["spec", "status"] {
            if !object[part].is_null() && !object[part].is_object() {
                return odd(&object[part], &format!("{kind}.{part}"), &format!("v1.{kind}"));
            }
        }
        if place.kind == Kind::Pod {
            for list in ["initContainers", "containers", "volumes"] {
                let value = &object["spec"][list];
                if !is_list_of(value, Value::is_object) {
                    return odd(value, &format!("PodSpec.spec.{list}"), "[]v1.Container");
                }
            }
        }
    }
    Ok(())
}

/// What a Go decoder calls a JSON value.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_list_of(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.is_null() || value.as_array().is_some_and(|items| items.iter().all(fits))
}

/// The namespace of the path, and the version it names.
pub(crate) fn settle_place(place: &Place, object: &mut Value) -> Result<(), Failure> {
    let held = object::namespace(object);
    if !held.is_empty() && held != place.namespace {
        return Err(Failure::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
    }
    object["apiVersion"] = json!(place.kind.api_version(&place.version));
    object["kind"] = json!(place.kind.resource().kind);
    if place.kind.is_namespaced() {
        object::metadata_mut(object).insert("namespace".into(), json!(place.namespace));
    }
    Ok(())
}
