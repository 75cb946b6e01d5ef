//! What `init` answers.

use serde_json::{Value, json};

use crate::app::{ImportReport, TreeReport};
use crate::domain::Config;

/// The tracker, whether it was made now, what was taken in from the tree that lay there, and the
/// files for agents that were asked for.
#[must_use]
pub fn init(
    path: &str,
    created: bool,
    config: &Config,
    imported: Option<(&ImportReport, &TreeReport)>,
    files: Vec<Value>,
) -> Value {
    json!({
        "path": path,
        "created": created,
        "instance_id": config.instance_id(),
        "project_code": config.project_code(),
        "files": files,
        "imported": imported.map(|(report, tree)| super::import_summary(report, tree)),
    })
}
