//! What events of a task's own fields do: creation, status, assignee, single fields.

use serde_json::{Map, Value};

use super::{Oddity, PROTECTED_FIELDS};
use crate::domain::actor::Actor;
use crate::domain::event::Event;
use crate::domain::id::TaskId;
use crate::domain::short_id::ShortId;
use crate::domain::task::{Claim, Task};
use crate::domain::workflow::rank_in_default_order;

pub(super) fn created(id: &TaskId, event: &Event) -> (Task, Option<Oddity>) {
    let data = &event.data;
    let text = |key: &str| event.text(key).map(str::to_owned);
    let mut oddity = None;
    let mut expect = |key: &'static str| {
        text(key).unwrap_or_else(|| {
            oddity = Some(Oddity::IllTyped(key));
            String::new()
        })
    };
    let title = expect("title");
    let status = expect("status");
    let short_id = text("short_id").and_then(|s| ShortId::parse(&s));
    let task = Task {
        id: id.clone(),
        claim: short_id.clone().map(|short_id| Claim { short_id, key: event.key.as_str().to_owned() }),
        short_id,
        title,
        done_at: (status == "done").then(|| event.ts.clone()),
        status,
        priority: text("priority"),
        urgency: text("urgency"),
        complexity: text("complexity"),
        kind: text("type"),
        description: text("description"),
        tags: data.get("tags").and_then(tags),
        assigned_to: data.get("assigned_to").and_then(Actor::from_value),
        created_by: event.actor.clone(),
        created_at: event.ts.clone(),
        updated_at: event.ts.clone(),
        last_status_changed_at: Some(event.ts.clone()),
        relationships_out: Vec::new(),
        evidence_refs: Vec::new(),
        branch_links: Vec::new(),
        linked_files: Vec::new(),
        needs_human: None,
        comment_count: 0,
        reopened_count: 0,
        custom_fields: match data.get("custom_fields") {
            Some(Value::Object(map)) => map.clone(),
            _ => Map::new(),
        },
        extra: Map::new(),
        archived: false,
        archived_at: None,
        last_event_id: event.id.to_string(),
        last_key: event.key.as_str().to_owned(),
        heads: vec![event.id.to_string()],
    };
    (task, oddity)
}

pub(super) fn tags(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|t| t.as_str().map(str::to_owned)).collect()
}

pub(super) fn archive(task: &mut Task, at: Option<&String>) -> Option<Oddity> {
    task.archived = at.is_some();
    task.archived_at = at.cloned();
    None
}

pub(super) fn claim(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(short_id) = event.text("short_id").and_then(ShortId::parse) else {
        return Some(Oddity::IllTyped("short_id"));
    };
    task.short_id = Some(short_id.clone());
    task.claim = Some(Claim { short_id, key: event.key.as_str().to_owned() });
    None
}

pub(super) fn status_changed(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(to) = event.text("to") else { return Some(Oddity::IllTyped("to")) };
    if let (Some(from), Some(target)) =
        (event.text("from").or(Some(&task.status)).and_then(rank_in_default_order), rank_in_default_order(to))
        && target < from
    {
        task.reopened_count += 1;
    }
    task.status = to.to_owned();
    task.last_status_changed_at = Some(event.ts.clone());
    task.done_at = (to == "done").then(|| event.ts.clone());
    None
}

pub(super) fn assignment_changed(task: &mut Task, event: &Event) -> Option<Oddity> {
    match event.data.get("to") {
        Some(Value::Null) => task.assigned_to = None,
        Some(value) => match Actor::from_value(value) {
            Some(actor) => task.assigned_to = Some(actor),
            None => return Some(Oddity::IllTyped("to")),
        },
        None => return Some(Oddity::IllTyped("to")),
    }
    None
}

pub(super) fn field_updated(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(field) = event.text("field") else { return Some(Oddity::IllTyped("field")) };
    let to = event.data.get("to").cloned().unwrap_or(Value::Null);
    if let Some(key) = field.strip_prefix("custom_fields.") {
        // The null of a cleared field leaves no trace in the snapshot.
        if to.is_null() {
            task.custom_fields.remove(key)
        } else {
            task.custom_fields.insert(key.to_owned(), to)
        };
        return None;
    }
    if PROTECTED_FIELDS.contains(&field) {
        return Some(Oddity::ProtectedField);
    }
    let text = match &to {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    };
    let slot = match field {
        "title" => {
            return match text {
                Some(Some(title)) => {
                    task.title = title;
                    None
                }
                _ => Some(Oddity::IllTyped("to")),
            };
        }
        "tags" => {
            match tags(&to) {
                Some(list) => task.tags = Some(list),
                None if to.is_null() => task.tags = None,
                None => return Some(Oddity::IllTyped("to")),
            }
            return None;
        }
        "description" => &mut task.description,
        "priority" => &mut task.priority,
        "urgency" => &mut task.urgency,
        "complexity" => &mut task.complexity,
        "type" => &mut task.kind,
        _ => {
            task.extra.insert(field.to_owned(), to);
            return None;
        }
    };
    match text {
        Some(value) => *slot = value,
        None => return Some(Oddity::IllTyped("to")),
    }
    None
}
