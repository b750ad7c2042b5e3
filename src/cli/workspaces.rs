//! Where workspaces live, and who chooses.

use std::path::PathBuf;

use super::resolve::read_optional;
use super::sources::Sources;
use super::table;
use super::usage::Usage;
use super::values::{self, Mode};
use crate::config::{Choice, WorkspaceMode};

/// The mode, and what it needs.
pub struct Workspaces {
    /// The mode.
    pub mode: WorkspaceMode,
    /// An id from which the mode's namespaces can be named.
    pub gateway_id: String,
    /// The file that lists namespaces, where one does.
    pub file: Option<PathBuf>,
}

/// What every pod has in its environment.
const IN_A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// Reads all of it.
pub fn workspaces(sources: &Sources<'_>) -> Result<Workspaces, Usage> {
    let given = sources.value(&table::WORKSPACE_MODE)?;
    let mode = given.read(values::workspace_mode)?;
    let id = sources.value(&table::GATEWAY_ID)?;
    let (label, file) = (sources.optional(&table::OPERATOR_NAMESPACE_LABEL)?, sources.optional(&table::OPERATOR_NAMESPACE_FILE)?);
    let (mode, gateway_id) = match mode {
        Mode::Shared => (WorkspaceMode::Shared, id.read(values::label_value)?),
        Mode::Managed => (WorkspaceMode::Managed, id.read(values::managed_gateway_id)?),
        Mode::Operator => (WorkspaceMode::Operator(choice(sources)?), id.read(values::label_value)?),
    };
    match (&mode, label.as_ref().or(file.as_ref())) {
        (WorkspaceMode::Operator(_), _) if sources.is_set(IN_A_POD)? => {
            return Err(Usage::Conflict(format!(
                "{} is operator, and this runs in a pod ({IN_A_POD} is set), as its gateway then does: in a cluster a gateway with this mode ends at its start, because only the driver \
                 built into it can tell it which namespaces are chosen. Use managed, which gives each workspace a namespace of its own; or run gateway and driver outside \
                 the cluster, with --kubeconfig",
                given.place()
            )));
        }
        (WorkspaceMode::Operator(_), _) | (_, None) => {}
        (_, Some(idle)) => {
            return Err(Usage::Conflict(format!(
                "{} says which namespaces are chosen for workspaces, which is only asked with --workspace-mode operator",
                idle.place()
            )));
        }
    }
    Ok(Workspaces { mode, gateway_id, file: read_optional(sources, &table::OPERATOR_NAMESPACE_FILE, values::file)? })
}

/// One of the two ways.
fn choice(sources: &Sources<'_>) -> Result<Choice, Usage> {
    let label = read_optional(sources, &table::OPERATOR_NAMESPACE_LABEL, values::selector)?;
    let file = sources.optional(&table::OPERATOR_NAMESPACE_FILE)?;
    match (label, file) {
        (Some(selector), None) => Ok(Choice::Labelled(selector)),
        (None, Some(_)) => Ok(Choice::Listed),
        (Some(_), Some(file)) => Err(Usage::Conflict(format!(
            "{} and --operator-namespace-label both say which namespaces are chosen: leave one of them out",
            file.place()
        ))),
        (None, None) => Err(Usage::Conflict(
            "--workspace-mode operator needs to be told which namespaces workspaces may have: by their labels with --operator-namespace-label, or by a file with \
             --operator-namespace-file"
                .into(),
        )),
    }
}
