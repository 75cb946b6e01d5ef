//! Making a task.

use serde_json::{Map, Value, json};

use super::one_of;
use crate::domain::command::NewTask;
use crate::domain::event::{Event, EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::id::TaskId;
use crate::domain::rejection::Rejection;
use crate::domain::workflow::{COMPLEXITIES, PRIORITIES, URGENCIES};

/// One `task_created`; nothing if the same task was created under this id before.
pub(super) fn create(facts: &Facts, id: &TaskId, task: &NewTask) -> Result<Vec<EventBody>, Rejection> {
    let mut data = checked(facts, task)?;
    if let Some(before) = &facts.created {
        return if is_same(before, &data) {
            Ok(Vec::new())
        } else {
            Err(Rejection::ContentDiffers { id: id.to_string() })
        };
    }
    if let Some(short_id) = &facts.next_short_id {
        data.insert("short_id".into(), json!(short_id.to_string()));
    }
    Ok(vec![EventBody::of_task(id, kind::TASK_CREATED, Value::Object(data))])
}

fn checked(facts: &Facts, task: &NewTask) -> Result<Map<String, Value>, Rejection> {
    let config = &facts.config;
    if task.title.trim().is_empty() {
        return Err(Rejection::Blank { what: "title" });
    }
    let priority = task.priority.as_deref().unwrap_or(config.default_priority());
    let status = task.status.as_deref().unwrap_or(config.default_status());
    let kind = task.kind.as_deref().unwrap_or("task");
    one_of("priority", priority, &PRIORITIES)?;
    one_of("status", status, &config.statuses())?;
    one_of("type", kind, &config.task_types())?;
    let mut data = Map::new();
    data.insert("title".into(), json!(task.title));
    data.insert("status".into(), json!(status));
    data.insert("priority".into(), json!(priority));
    data.insert("type".into(), json!(kind));
    if let Some(urgency) = &task.urgency {
        one_of("urgency", urgency, &URGENCIES)?;
        data.insert("urgency".into(), json!(urgency));
    }
    if let Some(complexity) = &task.complexity {
        one_of("complexity", complexity, &COMPLEXITIES)?;
        data.insert("complexity".into(), json!(complexity));
    }
    if let Some(description) = &task.description {
        data.insert("description".into(), json!(description));
    }
    if !task.tags.is_empty() {
        data.insert("tags".into(), json!(task.tags));
    }
    if let Some(actor) = &task.assigned_to {
        data.insert("assigned_to".into(), actor.to_value());
    }
    Ok(data)
}

/// Whether a creation says what this data says; the short id is not the caller's to say.
fn is_same(before: &Event, data: &Map<String, Value>) -> bool {
    let mut known = before.data.clone();
    known.remove("short_id");
    known == *data
}
