//! Changing fields and assignees.

use serde_json::{Value, json};

use super::one_of;
use crate::domain::actor::Actor;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;
use crate::domain::workflow::{COMPLEXITIES, PRIORITIES, URGENCIES};

/// Fields that `update` sets, beside `custom_fields.<key>`.
const FIELDS: [&str; 7] = ["title", "description", "priority", "urgency", "complexity", "type", "tags"];

/// One `field_updated` for each field that changes.
pub(super) fn update(
    facts: &Facts,
    task: &Task,
    changes: &[(String, String)],
) -> Result<Vec<EventBody>, Rejection> {
    if changes.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    let mut now = task.snapshot();
    let mut events = Vec::new();
    for (field, text) in changes {
        let to = value(facts, field, text)?;
        let from = current(&now, field);
        if from == to {
            continue;
        }
        // A field named twice in one call goes through both values.
        match field.strip_prefix("custom_fields.") {
            Some(key) => now["custom_fields"][key] = to.clone(),
            None => drop(now.insert(field.clone(), to.clone())),
        }
        events.push(EventBody::of_task(
            &task.id,
            kind::FIELD_UPDATED,
            json!({"field": field, "from": from, "to": to}),
        ));
    }
    Ok(events)
}

fn current(snapshot: &serde_json::Map<String, Value>, field: &str) -> Value {
    let found = match field.strip_prefix("custom_fields.") {
        Some(key) => snapshot.get("custom_fields").and_then(|c| c.get(key)),
        None => snapshot.get(field),
    };
    found.cloned().unwrap_or(Value::Null)
}

/// The checked value; empty text clears a field that may be empty.
fn value(facts: &Facts, field: &str, text: &str) -> Result<Value, Rejection> {
    if let Some(key) = field.strip_prefix("custom_fields.") {
        if key.trim().is_empty() {
            return Err(Rejection::Blank { what: "custom field's name" });
        }
        return Ok(if text.is_empty() { Value::Null } else { json!(text) });
    }
    match field {
        "status" => Err(Rejection::OtherCommand { field: field.to_owned(), command: "status" }),
        "assigned_to" => Err(Rejection::OtherCommand { field: field.to_owned(), command: "assign" }),
        "title" if text.trim().is_empty() => Err(Rejection::Blank { what: "title" }),
        "title" => Ok(json!(text)),
        "type" => one_of("type", text, &facts.config.task_types()).map(|()| json!(text)),
        "description" | "priority" | "urgency" | "complexity" | "tags" if text.is_empty() => Ok(Value::Null),
        "description" => Ok(json!(text)),
        "priority" => one_of("priority", text, &PRIORITIES).map(|()| json!(text)),
        "urgency" => one_of("urgency", text, &URGENCIES).map(|()| json!(text)),
        "complexity" => one_of("complexity", text, &COMPLEXITIES).map(|()| json!(text)),
        "tags" => Ok(json!(split_tags(text))),
        _ => {
            let mut allowed = FIELDS.map(str::to_owned).to_vec();
            allowed.push("custom_fields.<key>".to_owned());
            Err(Rejection::UnknownField { got: field.to_owned(), allowed })
        }
    }
}

/// Tags of a comma-separated list, blanks left out.
#[must_use]
pub fn split_tags(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// One `assignment_changed`, none if the assignee is the same.
pub(super) fn assign(task: &Task, to: Option<&Actor>) -> Vec<EventBody> {
    let same = match (&task.assigned_to, to) {
        (Some(from), Some(to)) => from.is(to),
        (None, None) => true,
        _ => false,
    };
    if same {
        return Vec::new();
    }
    vec![assignment(task, to)]
}

pub(super) fn assignment(task: &Task, to: Option<&Actor>) -> EventBody {
    EventBody::of_task(&task.id, kind::ASSIGNMENT_CHANGED, json!({"from": task.assigned_to, "to": to}))
}
