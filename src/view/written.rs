//! The shape of files that were written for agents, and of texts for them.

use std::path::Path;

use serde_json::{Value, json};

/// A file, and what was done to it.
#[must_use]
pub fn written(path: &Path, change: &str) -> Value {
    json!({"path": path.to_string_lossy(), "change": change})
}

/// A text for agents.
#[must_use]
pub fn prompt(text: &str) -> Value {
    json!({"prompt": text})
}
