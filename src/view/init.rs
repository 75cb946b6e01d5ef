//! What `init` answers.

use serde_json::{Value, json};

use crate::app::ImportReport;
use crate::domain::Config;

/// The tracker, whether it was made now, and what was taken in from the tree that lay there.
#[must_use]
pub fn init(path: &str, created: bool, config: &Config, imported: Option<&ImportReport>) -> Value {
    json!({
        "path": path,
        "created": created,
        "instance_id": config.instance_id(),
        "project_code": config.project_code(),
        "imported": imported.map(|report| json!({"events": report.new_events})),
    })
}
