//! The shape of files that were written for agents, and of texts for them.

use std::path::{Path, PathBuf};

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

/// The manual as text.
#[must_use]
pub fn manual(text: &str) -> Value {
    json!({"manual": text})
}

/// The manual as files.
#[must_use]
pub fn manual_files(files: &[PathBuf]) -> Value {
    json!({"files": files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>()})
}
