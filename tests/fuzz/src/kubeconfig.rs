//! Kubeconfigs.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use openshell_driver_kyma::shell::{ApiServer, Kubeconfig, Unverified};

/// Where the file is: one for each process.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("fuzz-kubeconfig-{}", std::process::id())));

/// Long enough to be told from what else a text may hold.
const TELLING: usize = 12;

/// Whatever a file says, it is used or refused with a reason that does not repeat a secret of it.
pub fn kubeconfig(data: &[u8]) {
    fs::write(&*FILE, data).expect("a file can be written");
    let wanted = Kubeconfig { file: FILE.clone(), context: None, unverified: Unverified::Refused };
    let Err(refused) = ApiServer::from_kubeconfig(&wanted) else { return };
    let text = refused.to_string();
    assert!(!text.is_empty());
    let secrets = serde_json::from_slice(data).map(|value| secrets(&value)).unwrap_or_default();
    for secret in secrets.iter().filter(|secret| secret.len() >= TELLING) {
        assert!(!text.contains(secret.as_str()), "a secret is repeated: {text}");
    }
}

/// Tokens, passwords and keys that a file of the known form holds.
fn secrets(value: &serde_json::Value) -> Vec<String> {
    let users = value.get("users").and_then(serde_json::Value::as_array).into_iter().flatten();
    let fields = users.filter_map(|user| user.get("user")?.as_object()).flatten();
    fields
        .filter(|(name, _)| matches!(name.as_str(), "token" | "password" | "client-key-data"))
        .filter_map(|(_, value)| value.as_str().map(str::to_owned))
        .collect()
}
