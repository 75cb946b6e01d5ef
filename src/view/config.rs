//! The shape of settings.

use serde_json::{Value, json};

/// One setting; null if it was removed.
#[must_use]
pub fn setting(path: &str, value: &Value) -> Value {
    json!({"path": path, "value": value})
}

/// The code that new short ids begin with, sub-project included.
#[must_use]
pub fn code(prefix: &str) -> Value {
    json!({"short_id_prefix": prefix})
}
