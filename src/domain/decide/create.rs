//! Making a task.

use serde_json::{Map, Value, json};

use super::one_of;
use crate::domain::command::NewTask;
use crate::domain::event::{Event, EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::id::TaskId;
use crate::domain::json::same_or_both_empty;
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
    one_of("status", status, &config.known_statuses())?;
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

/// Members of a creation that are the caller's to say; the short id is not.
const SAID: [&str; 9] =
    ["title", "status", "priority", "type", "urgency", "complexity", "description", "tags", "assigned_to"];

/// Whether a creation says what this data says. Older trackers write empty members out.
fn is_same(before: &Event, data: &Map<String, Value>) -> bool {
    let said = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
    SAID.iter().all(|key| same_or_both_empty(&said(&before.data, key), &said(data, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_member_is_as_good_as_none() {
        let event = |data: &str| {
            let text = format!(
                r#"{{"id":"ev_01ARZ3NDEKTSV4RRFFQ69G5FAV","ts":"2026-01-01T00:00:00Z","type":"task_created","actor":"agent:a","task_id":"task_01ARZ3NDEKTSV4RRFFQ69G5FAV","data":{data}}}"#
            );
            Event::parse(&text).unwrap()
        };
        let data = |value: Value| value.as_object().cloned().unwrap();
        let before =
            event(r#"{"title":"a","tags":[],"description":null,"short_id":"LAT-1","custom_fields":{}}"#);
        assert!(is_same(&before, &data(json!({"title": "a"}))));
        assert!(!is_same(&before, &data(json!({"title": "a", "tags": ["x"]}))));
        assert!(!is_same(&before, &data(json!({"title": "b"}))));
    }
}
