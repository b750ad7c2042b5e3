//! Which nodes a pod may go to, and before whom. Rules: those of the API server, which a Sandbox's schema does not check: a pod that breaks one is
//! refused long after the create was answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::Field;
use crate::core::grpc_status::Status;
use crate::core::names::{ObjectName, is_label_value, is_qualified_name};

/// What a request says about nodes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Scheduling {
    /// `nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration>,
    /// `priorityClassName`.
    pub priority_class: Option<ObjectName>,
}

impl Scheduling {
    /// What of another one is not said here, after what is.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (key, value) in other.node_selector {
            self.node_selector.entry(key).or_insert(value);
        }
        self.tolerations.extend(other.tolerations);
        self.priority_class = self.priority_class.or(other.priority_class);
        self
    }
}

/// One toleration, as it stands in a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// The taint's key; without one, any taint's.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// How its value is compared.
    operator: Operator,
    /// What it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Which effect is tolerated; without one, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
    /// For how long, in seconds.
    #[serde(rename = "tolerationSeconds", skip_serializing_if = "Option::is_none")]
    seconds: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Operator {
    Equal,
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Effect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

/// Reads a `node_selector`: labels of nodes.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub fn node_selector(field: &Field<'_>) -> Result<BTreeMap<String, String>, Status> {
    field
        .object()?
        .map(|(key, value)| {
            if !is_qualified_name(key) {
                return Err(value.refuse("is not a label key"));
            }
            let text = value.text()?;
            if !text.is_empty() && !is_label_value(text) {
                return Err(value.refuse(format!("{text:?} is not a label value")));
            }
            Ok((key.to_owned(), text.to_owned()))
        })
        .collect()
}

/// Reads a list of tolerations, each written as in a pod.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub fn tolerations(field: &Field<'_>) -> Result<Vec<Toleration>, Status> {
    field.list()?.map(|toleration| self::toleration(&toleration)).collect()
}

fn toleration(field: &Field<'_>) -> Result<Toleration, Status> {
    let mut read = Toleration { key: None, operator: Operator::Equal, value: None, effect: None, seconds: None };
    for (name, part) in field.object()? {
        match name {
            "key" => read.key = some(part.text()?),
            "operator" => {
                read.operator = match part.text()? {
                    "" | "Equal" => Operator::Equal,
                    "Exists" => Operator::Exists,
                    other => return Err(part.refuse(format!("{other:?} is neither Equal nor Exists"))),
                };
            }
            "value" => read.value = some(part.text()?),
            "effect" => {
                read.effect = match part.text()? {
                    "" => None,
                    "NoSchedule" => Some(Effect::NoSchedule),
                    "PreferNoSchedule" => Some(Effect::PreferNoSchedule),
                    "NoExecute" => Some(Effect::NoExecute),
                    other => return Err(part.refuse(format!("{other:?} is none of NoSchedule, PreferNoSchedule and NoExecute"))),
                };
            }
            "tolerationSeconds" => read.seconds = Some(part.whole()?),
            _ => return Err(part.unknown("key, operator, value, effect and tolerationSeconds")),
        }
    }
    agree(field, &read)?;
    Ok(read)
}

/// What of a toleration must fit together.
fn agree(field: &Field<'_>, read: &Toleration) -> Result<(), Status> {
    let refuse = |name: &str, why: &str| Err(Status::invalid_argument(format!("{}.{name}: {why}", field.path())));
    match (&read.key, read.operator) {
        (Some(key), _) if !is_qualified_name(key) => return refuse("key", "is not a taint's key"),
        (None, Operator::Equal) => return refuse("operator", "must be Exists where key is empty"),
        _ => {}
    }
    match (&read.value, read.operator) {
        (Some(_), Operator::Exists) => return refuse("value", "must be empty where operator is Exists"),
        (Some(value), Operator::Equal) if !is_label_value(value) => return refuse("value", "is not a taint's value"),
        _ => {}
    }
    if read.seconds.is_some() && read.effect != Some(Effect::NoExecute) {
        return refuse("tolerationSeconds", "only makes sense where effect is NoExecute");
    }
    Ok(())
}

/// Reads a priority class.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no name, or one of the cluster's own, whose pods push everybody else's aside.
pub fn priority_class(field: &Field<'_>) -> Result<Option<ObjectName>, Status> {
    let class = field.object_name()?;
    match class.filter(|class| class.as_str().starts_with("system-")) {
        Some(class) => {
            Err(field.refuse(format!("{class} is for the cluster's own pods, which push all others aside; use a class of yours")))
        }
        None => field.object_name(),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
