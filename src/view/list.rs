//! Tasks in lists: whole, compact, or the fields that were asked for.

use serde_json::{Map, Value, json};

use crate::app::Listing;
use crate::domain::{Actor, Task};

/// Fields that a list can be made of, beside `custom_fields.KEY`.
pub const FIELDS: [&str; 30] = [
    "name",
    "id",
    "short_id",
    "title",
    "status",
    "status_name",
    "priority",
    "urgency",
    "complexity",
    "type",
    "description",
    "tags",
    "assigned_to",
    "created_by",
    "created_at",
    "updated_at",
    "done_at",
    "last_status_changed_at",
    "comment_count",
    "reopened_count",
    "relationships_out",
    "evidence_refs",
    "branch_links",
    "linked_files",
    "needs_human",
    "custom_fields",
    "last_event_id",
    "archived",
    "archived_at",
    "schema_version",
];

/// The envelope of a list: `data` is an array; `truncated` and `total` stand beside it.
#[must_use]
pub fn listing(listing: &Listing, rows: Vec<Value>) -> Value {
    let mut envelope = super::envelope(Value::Array(rows));
    if listing.truncated {
        envelope["truncated"] = json!(true);
    }
    if let Some(total) = listing.total {
        envelope["total"] = json!(total);
    }
    envelope
}

/// A whole task in a list: the snapshot, and `archived` where it is.
#[must_use]
pub fn listed(task: &Task) -> Value {
    let mut map = task.snapshot();
    if task.archived {
        map.insert("archived".into(), json!(true));
    }
    Value::Object(map)
}

/// A task in few words.
#[must_use]
pub fn compact(task: &Task) -> Map<String, Value> {
    let mut map = Map::new();
    let members = json!({
        "id": task.id.as_str(),
        "title": task.title,
        "status": task.status,
        "priority": task.priority,
        "urgency": task.urgency,
        "complexity": task.complexity,
        "type": task.kind,
        "assigned_to": task.assigned_to,
        "tags": task.tags,
        "done_at": task.done_at,
        "last_status_changed_at": task.last_status_changed_at,
        "comment_count": task.comment_count,
        "reopened_count": task.reopened_count,
        "relationships_out_count": task.relationships_out.len(),
        "evidence_ref_count": task.evidence_refs.len(),
        "branch_link_count": task.branch_links.len(),
    });
    if let Value::Object(members) = members {
        map.extend(members);
    }
    if let Some(short_id) = &task.short_id {
        map.insert("short_id".into(), json!(short_id.to_string()));
    }
    if task.archived {
        map.insert("archived".into(), json!(true));
    }
    map
}

/// One field of a task, null where it has none.
#[must_use]
pub fn field(task: &Task, status_name: &str, name: &str) -> Value {
    match name {
        "name" => json!(task.name()),
        "status_name" => json!(status_name),
        "archived" => json!(task.archived),
        "archived_at" => json!(task.archived_at),
        "linked_files" => json!(task.linked_files),
        _ => match name.strip_prefix("custom_fields.") {
            Some(key) => task.custom_fields.get(key).cloned().unwrap_or(Value::Null),
            None => task.snapshot().remove(name).unwrap_or(Value::Null),
        },
    }
}

/// The fields of a task by name, all of them there.
#[must_use]
pub fn named_fields(task: &Task, status_name: &str, names: &[String]) -> Value {
    names.iter().map(|name| (name.clone(), field(task, status_name, name))).collect()
}

/// A value as one cell of a table: texts as they are, lists with commas, actors by name.
#[must_use]
pub fn cell(value: &Value) -> String {
    match Actor::by_name(value) {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => crate::domain::json::line(&other),
    }
}
