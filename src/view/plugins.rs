//! The shape of plugins.

use std::path::PathBuf;

use serde_json::{Value, json};

/// Plugins by name. The predecessor's plugins could bring blocks for texts too; ours bring none.
#[must_use]
pub fn plugins(found: &[(&String, &PathBuf)]) -> Value {
    let one = |(name, path): &(&String, &PathBuf)| json!({"name": name, "value": path.to_string_lossy()});
    json!({"cli_plugins": found.iter().map(one).collect::<Vec<_>>(), "template_blocks": []})
}
