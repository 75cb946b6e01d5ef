//! The shape of plans, notes and the context.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::Version;
use crate::domain::Task;

/// A task's text. `member` names the place that an export puts it at.
#[must_use]
pub fn of_task(member: &str, task: &Task, place: &Path, content: &str) -> Value {
    json!({
        "task_id": task.id.as_str(),
        member: place.to_string_lossy(),
        "archived": task.archived,
        "content": content,
    })
}

/// The context.
#[must_use]
pub fn context(place: &Path, content: &str) -> Value {
    json!({"context_path": place.to_string_lossy(), "content": content})
}

/// Every version of a plan or of notes, oldest first.
#[must_use]
pub fn versions(versions: &[Version]) -> Value {
    let one = |version: &Version| {
        json!({
            "event_id": version.event.as_str(),
            "ts": version.ts,
            "actor": version.actor,
            "body": version.body,
            "holds": version.holds,
        })
    };
    versions.iter().map(one).collect()
}
