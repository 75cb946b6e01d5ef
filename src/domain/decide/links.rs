//! Relations between tasks.

use serde_json::json;

use super::one_of;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;
use crate::domain::workflow::RELATIONSHIP_TYPES;

pub(super) fn link(
    facts: &Facts,
    task: &Task,
    of: &str,
    target: &str,
    note: Option<&str>,
) -> Result<Vec<EventBody>, Rejection> {
    one_of("relation", of, &RELATIONSHIP_TYPES)?;
    if task.id.as_str() == target {
        return Err(Rejection::SelfLink { task: task.name() });
    }
    let name = facts.target.as_ref().map_or_else(|| target.to_owned(), Task::name);
    if facts.target.as_ref().is_some_and(|t| t.archived) {
        return Err(Rejection::Archived { task: name });
    }
    if task.relationships_out.iter().any(|r| r.kind == of && r.target_task_id == target) {
        return Err(Rejection::LinkExists { task: task.name(), kind: of.to_owned(), target: name });
    }
    if let Some(path) = &facts.way_back {
        return Err(Rejection::Cycle { kind: of.to_owned(), path: path.clone() });
    }
    let mut data = json!({"type": of, "target_task_id": target});
    if let Some(note) = note {
        data["note"] = json!(note);
    }
    Ok(vec![EventBody::of_task(&task.id, kind::RELATIONSHIP_ADDED, data)])
}

pub(super) fn unlink(
    task: &Task,
    of: &str,
    target: &str,
    known: Option<&Task>,
) -> Result<Vec<EventBody>, Rejection> {
    one_of("relation", of, &RELATIONSHIP_TYPES)?;
    if !task.relationships_out.iter().any(|r| r.kind == of && r.target_task_id == target) {
        let name = known.map_or_else(|| target.to_owned(), Task::name);
        return Err(Rejection::NoSuchLink { task: task.name(), kind: of.to_owned(), target: name });
    }
    Ok(vec![EventBody::of_task(
        &task.id,
        kind::RELATIONSHIP_REMOVED,
        json!({"type": of, "target_task_id": target}),
    )])
}
