//! What the commands around git answer.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::{DRIVER, HookFile};

/// The merge driver; `changed` names what was set up or taken away.
#[must_use]
pub fn setup(repository: &Path, attributes: &Path, changed: &[&str]) -> Value {
    json!({
        "repository": text(repository),
        "attributes": text(attributes),
        "driver": DRIVER.1,
        "changed": changed,
    })
}

/// The hooks as they are now; `changed` names those that were written or taken away.
#[must_use]
pub fn hooks(folder: &Path, hooks: &[(&str, HookFile)], changed: &[&str]) -> Value {
    let hooks: Vec<Value> =
        hooks.iter().map(|(name, file)| json!({"name": name, "state": state(*file)})).collect();
    json!({"folder": text(folder), "hooks": hooks, "changed": changed})
}

fn state(file: HookFile) -> &'static str {
    match file {
        HookFile::Absent => "absent",
        HookFile::Ours => "installed",
        HookFile::Idle => "not executable",
        HookFile::Calls => "called by another",
        HookFile::Foreign => "foreign",
    }
}

/// What a hook did. Paths are relative to the top of the working tree.
#[must_use]
pub fn ran_hook(hook: &str, new_events: usize, staged: &[PathBuf]) -> Value {
    let staged: Vec<String> = staged.iter().map(|path| text(path)).collect();
    json!({"hook": hook, "new_events": new_events, "staged": staged})
}

/// Which side a merge took: `ours`, `theirs` or `both`.
#[must_use]
pub fn merged(path: &Path, taken: &str) -> Value {
    json!({"path": text(path), "taken": taken})
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
