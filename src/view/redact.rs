//! What `redact` answers.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::app::Redaction;

/// A redaction: whether something was taken away now, where the same text still stands, copies of
/// the file that may hold it, and why the file itself may still hold traces.
#[must_use]
pub fn redaction(id: &str, redaction: &Redaction, copies: &[PathBuf]) -> Value {
    json!({
        "event_id": id,
        "redacted": !redaction.outcome.events.is_empty(),
        "also": redaction.also,
        "copies": copies.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "traces": redaction.traces,
    })
}
