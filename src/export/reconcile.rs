//! Events for what a snapshot says and its log does not. Made only when somebody asks for it.

use serde_json::{Map, Value, json};

use super::hand_edits::Base;
use super::snapshots;
use crate::domain::event::{Event, Stamp, Subject, kind};
use crate::domain::fold::{PROTECTED_FIELDS, TaskState};
use crate::domain::{Actor, Task, TaskId, Timestamp};

/// Members that are no plain fields beside the protected ones.
const NO_FIELDS: [&str; 4] = ["linked_files", "needs_human", "artifact_refs", "comment_role_refs"];

/// The events after which the task agrees with its snapshot, as far as events can say so.
pub(super) fn events(base: &Base<'_>, snapshot: &Map<String, Value>, task: &Task) -> Vec<Event> {
    let mut wanted: Vec<(&str, Value)> = Vec::new();
    for found in snapshots::disagreements(snapshot, task) {
        let (field, said, told) = (found.field.as_str(), found.snapshot, found.log);
        match field {
            "status" if said.is_string() => {
                wanted.push((kind::STATUS_CHANGED, json!({"from": told, "to": said})));
            }
            "assigned_to" => wanted.push((kind::ASSIGNMENT_CHANGED, json!({"from": told, "to": said}))),
            "short_id" if said.is_string() => {
                wanted.push((kind::SHORT_ID_ASSIGNED, json!({"short_id": said})))
            }
            "custom_fields" => custom_fields(&said, &told, &mut wanted),
            "relationships_out" => {
                let members = ["type", "target_task_id"];
                let kinds = (kind::RELATIONSHIP_ADDED, kind::RELATIONSHIP_REMOVED);
                list(&said, &told, &members, "note", kinds, &mut wanted);
            }
            "branch_links" => {
                let kinds = (kind::BRANCH_LINKED, kind::BRANCH_UNLINKED);
                list(&said, &told, &["branch", "repo"], "", kinds, &mut wanted);
            }
            "evidence_refs" => artifacts(&said, &told, &mut wanted),
            "linked_files" => wanted.push((kind::FILE_LINKED, json!({"paths": said}))),
            "needs_human" if said.is_null() => wanted.push((kind::NEEDS_HUMAN_CLEARED, json!({}))),
            "needs_human" => {
                wanted.push((kind::NEEDS_HUMAN_FLAGGED, json!({"reason": said.get("reason")})));
            }
            _ if PROTECTED_FIELDS.contains(&field) || NO_FIELDS.contains(&field) => {}
            _ => wanted.push((kind::FIELD_UPDATED, json!({"field": field, "from": told, "to": said}))),
        }
    }
    wanted.into_iter().filter_map(|(kind, data)| event(base, kind, data, None)).collect()
}

/// The history of a task of which only a snapshot is left; empty if it says too little.
pub(super) fn history(id: &TaskId, snapshot: &Map<String, Value>, archived: bool) -> Vec<Event> {
    let mut data = Map::new();
    for field in [
        "title",
        "status",
        "type",
        "priority",
        "urgency",
        "complexity",
        "description",
        "tags",
        "assigned_to",
        "short_id",
        "custom_fields",
    ] {
        if let Some(value) = snapshot.get(field).filter(|value| !value.is_null()) {
            data.insert(field.to_owned(), value.clone());
        }
    }
    if !(data.get("title").is_some_and(Value::is_string) && data.get("status").is_some_and(Value::is_string))
    {
        return Vec::new();
    }
    let created_at = snapshot.get("created_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let origin = created_at
        .map(Timestamp::millis)
        .or_else(|| id.value().map(|value| (value >> 80) as u64))
        .unwrap_or_default();
    let subject = Subject::Task(id.clone());
    let author = snapshot.get("created_by").and_then(Actor::from_value);
    let base = Base { subject: &subject, history: &[], origin };
    let mut history: Vec<Event> =
        event(&base, kind::TASK_CREATED, Value::Object(data), author.as_ref()).into_iter().collect();
    let (state, _) = TaskState::fold(&history);
    let base = Base { subject: &subject, history: &history, origin };
    let mut more = state.task.map(|task| events(&base, snapshot, &task)).unwrap_or_default();
    if archived {
        more.extend(event(&base, kind::TASK_ARCHIVED, json!({}), None));
    }
    history.extend(more);
    history
}

fn event(base: &Base<'_>, kind: &str, data: Value, behalf: Option<&Actor>) -> Option<Event> {
    let bytes = crate::domain::json::line(&data);
    let Value::Object(data) = data else { return None };
    let mut stamp = Stamp::default();
    stamp.provenance.insert("reason".to_owned(), json!("taken from the snapshot"));
    if let Some(actor) = behalf {
        stamp.provenance.insert("on_behalf_of".to_owned(), json!(actor.display()));
    }
    Some(base.event_with(kind, data, bytes.as_bytes(), &stamp))
}

fn custom_fields(said: &Value, told: &Value, wanted: &mut Vec<(&str, Value)>) {
    let empty = Map::new();
    let (said, told) = (said.as_object().unwrap_or(&empty), told.as_object().unwrap_or(&empty));
    let keys: std::collections::BTreeSet<&String> = said.keys().chain(told.keys()).collect();
    for key in keys {
        let (from, to) = (told.get(key), said.get(key));
        if from != to {
            let field = format!("custom_fields.{key}");
            wanted.push((kind::FIELD_UPDATED, json!({"field": field, "from": from, "to": to})));
        }
    }
}

/// Entries that one side has and the other has not, told apart by some of their members.
fn list(
    said: &Value,
    told: &Value,
    members: &[&str],
    more: &str,
    (added, removed): (&'static str, &'static str),
    wanted: &mut Vec<(&str, Value)>,
) {
    let key = |entry: &Value| -> Vec<Value> {
        members.iter().map(|member| entry.get(member).cloned().unwrap_or_default()).collect()
    };
    let empty = Vec::new();
    let (said, told) = (said.as_array().unwrap_or(&empty), told.as_array().unwrap_or(&empty));
    let mut change = |kind: &'static str, entry: &Value, more: &str| {
        let mut data = Map::new();
        for member in members.iter().chain([&more]) {
            if let Some(value) = entry.get(*member).filter(|value| !value.is_null()) {
                data.insert((*member).to_owned(), value.clone());
            }
        }
        wanted.push((kind, Value::Object(data)));
    };
    for entry in told.iter().filter(|entry| !said.iter().any(|other| key(other) == key(entry))) {
        change(removed, entry, "");
    }
    for entry in said.iter().filter(|entry| !told.iter().any(|other| key(other) == key(entry))) {
        change(added, entry, more);
    }
}

/// Artifacts that the log does not know. Roles of comments no event could give back.
fn artifacts(said: &Value, told: &Value, wanted: &mut Vec<(&str, Value)>) {
    let empty = Vec::new();
    let (said, told) = (said.as_array().unwrap_or(&empty), told.as_array().unwrap_or(&empty));
    for entry in said.iter().filter(|e| e.get("source_type").and_then(Value::as_str) == Some("artifact")) {
        let Some(id) = entry.get("id").filter(|id| id.is_string()) else { continue };
        if told.iter().any(|other| other.get("id") == Some(id)) {
            continue;
        }
        let mut data = json!({"artifact_id": id});
        if let Some(role) = entry.get("role").filter(|role| role.is_string()) {
            data["role"] = role.clone();
        }
        wanted.push((kind::ARTIFACT_ATTACHED, data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_without_a_log_becomes_a_history_that_agrees_with_it() {
        let id = TaskId::from_value(5);
        let snapshot = json!({
            "id": id.as_str(), "title": "Left over", "status": "review", "type": "bug", "priority": "high",
            "tags": ["a"], "assigned_to": "agent:x", "short_id": "LAT-3", "custom_fields": {"k": 1},
            "created_at": "2026-01-02T03:04:05Z", "created_by": "human:ada", "color": "red",
            "relationships_out": [{"type": "blocks", "target_task_id": "task_x", "note": "n"}],
            "branch_links": [{"branch": "b", "repo": null}], "linked_files": ["f"],
            "needs_human": {"reason": "why"},
            "evidence_refs": [{"id": "art_1", "role": "review", "source_type": "artifact"}],
        });
        let snapshot = snapshot.as_object().unwrap();
        let mut made = history(&id, snapshot, true);
        assert_eq!(made, history(&id, snapshot, true));
        made.sort_by(|a, b| a.key.cmp(&b.key));
        let (state, oddities) = TaskState::fold(&made);
        assert!(oddities.is_empty(), "{oddities:?}");
        let task = state.task.unwrap();
        assert!(task.archived);
        let fields: Vec<String> =
            snapshots::disagreements(snapshot, &task).into_iter().map(|d| d.field).collect();
        // Who did it and when is the import's, and stays so.
        assert_eq!(fields, ["branch_links", "created_by", "needs_human", "relationships_out"]);
        assert_eq!(task.created_at, "2026-01-02T03:04:05Z");
        assert_eq!(task.relationships_out[0].note.as_deref(), Some("n"));
        assert!(history(&id, &Map::new(), false).is_empty());
    }

    #[test]
    fn a_snapshot_that_knows_better_wins() {
        let id = TaskId::from_value(5);
        let said = json!({"title": "A", "status": "backlog", "created_at": "2026-01-02T03:04:05Z"});
        let mut events_made = history(&id, said.as_object().unwrap(), false);
        let (state, _) = TaskState::fold(&events_made);
        let wants = json!({"title": "B", "status": "done", "assigned_to": "agent:y", "comment_count": 9});
        let subject = Subject::Task(id);
        let base = Base { subject: &subject, history: &events_made, origin: 0 };
        let more = events(&base, wants.as_object().unwrap(), &state.task.unwrap());
        assert_eq!(more.len(), 3);
        events_made.extend(more);
        let task = TaskState::fold(&events_made).0.task.unwrap();
        assert_eq!((task.title.as_str(), task.status.as_str()), ("B", "done"));
    }
}
