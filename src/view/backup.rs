//! What `backup` and `restore` answer.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::{Copied, Restored};

/// A backup that was written.
#[must_use]
pub fn backup(file: &Path, copied: &Copied) -> Value {
    json!({"file": file.display().to_string(), "events": copied.events, "bytes": copied.bytes})
}

/// A tracker that was restored.
#[must_use]
pub fn restored(lattice: &Path, file: &Path, restored: &Restored) -> Value {
    let lacking = restored.lacking.as_ref();
    json!({
        "path": lattice.display().to_string(),
        "file": file.display().to_string(),
        "events": restored.events,
        "kept": restored.kept.as_ref().map(|kept| kept.display().to_string()),
        "damage": restored.damage,
        "lacking": lacking.map_or(0, |lacking| lacking.count),
    })
}
