//! What the server fills in.

use crate::builtin;
use crate::cluster::Cluster;
use crate::object;
use crate::resource::Kind;
use crate::schema;
use serde_json::{Map, Value, json};

/// Keeps a claim while a pod uses it.
pub(crate) const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";

fn fill(fields: &mut Map<String, Value>, defaults: &[(&str, Value)]) {
    for (name, value) in defaults {
        if fields.get(*name).is_none_or(Value::is_null) {
            fields.insert((*name).to_owned(), value.clone());
        }
    }
}

/// Defaults of a kind; doing it twice changes nothing.
pub(crate) fn default_fields(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Sandbox => {
            let version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
            let version = version.rsplit('/').next().unwrap_or_default();
            schema::sandbox(version).default(object);
        }
        Kind::Pod => default_pod(object),
        Kind::Namespace => {
            let name = object::name(object).to_owned();
            let labels = object::metadata_mut(object).entry("labels").or_insert_with(|| json!({}));
            object::map_mut(labels).insert("kubernetes.io/metadata.name".into(), json!(name));
            fill(object::map_mut(&mut object["status"]), &[("phase", json!("Active"))]);
        }
        Kind::PersistentVolumeClaim => {
            let spec = object::map_mut(&mut object["spec"]);
            fill(spec, &[("volumeMode", json!("Filesystem"))]);
            fill(object::map_mut(&mut object["status"]), &[("phase", json!("Pending"))]);
        }
        Kind::Service => {
            let spec = object::map_mut(&mut object["spec"]);
            fill(
                spec,
                &[
                    ("type", json!("ClusterIP")),
                    ("sessionAffinity", json!("None")),
                    ("internalTrafficPolicy", json!("Cluster")),
                    ("ipFamilyPolicy", json!("SingleStack")),
                    ("ipFamilies", json!(["IPv4"])),
                ],
            );
            fill(object::map_mut(&mut object["status"]), &[("loadBalancer", json!({}))]);
        }
        Kind::Secret => {
            let fields = object::map_mut(object);
            fill(fields, &[("type", json!("Opaque"))]);
            encode_string_data(fields);
        }
        _ => {}
    }
    builtin::default_fields(kind, object);
}

impl Cluster {
    /// What a new object gets once.
    pub(crate) fn begin_fields(&mut self, kind: Kind, object: &mut Value) {
        match kind {
            Kind::Namespace => {
                fill(object::map_mut(&mut object["spec"]), &[("finalizers", json!(["kubernetes"]))]);
            }
            Kind::PersistentVolumeClaim => object::add_finalizer(object, CLAIM_PROTECTION),
            Kind::Service => {
                let address = object["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned();
                let address = if address.is_empty() {
                    self.next_suffix += 1;
                    format!("10.96.{}.{}", self.next_suffix / 250 % 250, self.next_suffix % 250 + 1)
                } else {
                    address
                };
                object["spec"]["clusterIPs"] = json!([address]);
                object["spec"]["clusterIP"] = json!(address);
            }
            _ => {}
        }
    }
}

fn default_pod(pod: &mut Value) {
    let spec = object::map_mut(&mut pod["spec"]);
    fill(
        spec,
        &[
            ("restartPolicy", json!("Always")),
            ("terminationGracePeriodSeconds", json!(30)),
            ("dnsPolicy", json!("ClusterFirst")),
            ("schedulerName", json!("default-scheduler")),
            ("enableServiceLinks", json!(true)),
            ("securityContext", json!({})),
            ("preemptionPolicy", json!("PreemptLowerPriority")),
            ("priority", json!(0)),
        ],
    );
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            let latest = image.ends_with(":latest") || !image.rsplit('/').next().unwrap_or_default().contains([':', '@']);
            let policy = if latest { "Always" } else { "IfNotPresent" };
            fill(
                object::map_mut(container),
                &[
                    ("imagePullPolicy", json!(policy)),
                    ("terminationMessagePath", json!("/dev/termination-log")),
                    ("terminationMessagePolicy", json!("File")),
                    ("resources", json!({})),
                ],
            );
            mirror_limits(container);
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        let volume = object::map_mut(volume);
        if volume.len() == 1 && volume.contains_key("name") {
            volume.insert("emptyDir".into(), json!({}));
        }
    }
    let class = quality_class(spec);
    fill(object::map_mut(&mut pod["status"]), &[("phase", json!("Pending")), ("qosClass", json!(class))]);
}

/// The class a kubelet sorts the pod into when its node runs short.
fn quality_class(spec: &Map<String, Value>) -> &'static str {
    let mut bounded = true;
    let mut asks = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get(list).map_or(&[][..], object::items) {
            let resources = &container["resources"];
            for name in ["cpu", "memory"] {
                asks |= resources["requests"].get(name).is_some() || resources["limits"].get(name).is_some();
                bounded &= resources["limits"].get(name).is_some() && resources["limits"][name] == resources["requests"][name];
            }
        }
    }
    match (asks, bounded) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// A limit without a request is the request too.
fn mirror_limits(container: &mut Value) {
    let limits = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
    if limits.is_empty() {
        return;
    }
    let requests = object::map_mut(&mut container["resources"]["requests"]);
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

/// `stringData` becomes `data`, in base64.
fn encode_string_data(fields: &mut Map<String, Value>) {
    let Some(Value::Object(text)) = fields.remove("stringData") else { return };
    let data = object::map_mut(fields.entry("data").or_insert_with(|| json!({})));
    for (name, value) in text {
        let encoded = base64(value.as_str().unwrap_or_default().as_bytes());
        data.insert(name, json!(encoded));
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place > chunk.len() {
                out.push('=');
            } else {
                let index = group >> (18 - 6 * place) & 63;
                out.push(char::from(ALPHABET[usize::try_from(index).unwrap_or(0)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }
}
