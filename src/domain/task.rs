//! The state of a task, as its history leaves it.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::actor::Actor;
use super::id::{EventId, SortKey, TaskId};
use super::short_id::ShortId;

/// An outgoing relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relationship {
    /// One of [`super::workflow::RELATIONSHIP_TYPES`]; other text in foreign data.
    #[serde(rename = "type")]
    pub kind: String,
    /// The task at the other end, known here or not.
    pub target_task_id: String,
    /// When the relation was made.
    pub created_at: String,
    /// By whom.
    pub created_by: Actor,
    /// What was said about it.
    pub note: Option<String>,
}

/// Something that speaks for the task: a comment or an artifact, with the role that it plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The comment's event id or the artifact's id.
    pub id: String,
    /// What it is evidence of (`review`), if of anything.
    pub role: Option<String>,
    /// `artifact` or `comment`.
    pub source_type: String,
}

/// A git branch that somebody linked by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchLink {
    /// The branch's name.
    pub branch: String,
    /// The repository, `None` for this one.
    pub repo: Option<String>,
    /// When it was linked.
    pub linked_at: String,
    /// By whom.
    pub linked_by: Actor,
}

/// The number that a task claims: its latest, with the place of the event that claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The short id as claimed.
    pub short_id: ShortId,
    /// The claiming event's place in the canonical order.
    pub key: String,
}

/// A task. What a reader of the exported snapshot sees is [`Task::snapshot`]. Its record leaves out what
/// it does not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Or a member whose name is damaged would read as one that is not there.
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the snapshot in docs/data-model.md")]
pub struct Task {
    #[serde(serialize_with = "id_text", deserialize_with = "id_of_text")]
    pub id: TaskId,
    /// What the task shows; derived from the claims of all tasks, so no event of its own says it.
    #[serde(skip)]
    pub short_id: Option<ShortId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    pub title: String,
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complexity: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<Actor>,
    pub created_by: Actor,
    pub created_at: String,
    pub updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status_changed_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relationships_out: Vec<Relationship>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence_refs: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branch_links: Vec<BranchLink>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked_files: Vec<String>,
    /// `{flagged_by, reason, since}` while somebody asks for a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_human: Option<Value>,
    /// Comments that are not deleted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub comment_count: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reopened_count: u64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
    /// Fields that an update set and that Lattice gives no meaning to.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<String>,
    pub last_event_id: String,
    /// The place of the last event in the canonical order.
    pub last_key: String,
    /// The events of the history that no other names as a parent.
    pub heads: Vec<String>,
}

impl Task {
    /// The exported snapshot, members as in `tasks/<id>.json`.
    #[must_use]
    pub fn snapshot(&self) -> Map<String, Value> {
        let mut map = self.extra.clone();
        let members = json!({
            "schema_version": 1,
            "id": self.id.as_str(),
            "title": self.title,
            "status": self.status,
            "priority": self.priority,
            "urgency": self.urgency,
            "complexity": self.complexity,
            "type": self.kind,
            "description": self.description,
            "tags": self.tags,
            "assigned_to": self.assigned_to,
            "created_by": self.created_by,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "done_at": self.done_at,
            "last_status_changed_at": self.last_status_changed_at,
            "relationships_out": self.relationships_out,
            "evidence_refs": self.evidence_refs,
            "branch_links": self.branch_links,
            "comment_count": self.comment_count,
            "reopened_count": self.reopened_count,
            "custom_fields": self.custom_fields,
            "last_event_id": self.last_event_id,
        });
        if let Value::Object(members) = members {
            map.extend(members);
        }
        if let Some(short_id) = &self.short_id {
            map.insert("short_id".into(), json!(short_id.to_string()));
        }
        // Newer members appear only where they say something, so that older trees keep their bytes.
        if !self.linked_files.is_empty() {
            map.insert("linked_files".into(), json!(self.linked_files));
        }
        if let Some(needs_human) = &self.needs_human {
            map.insert("needs_human".into(), needs_human.clone());
        }
        map
    }

    /// The short id if there is one, else the whole id: what people call the task.
    #[must_use]
    pub fn name(&self) -> String {
        self.short_id.as_ref().map_or_else(|| self.id.to_string(), ToString::to_string)
    }

    /// The place of its last event.
    #[must_use]
    pub fn last_key(&self) -> SortKey {
        SortKey::from_stored(self.last_key.clone())
    }

    /// The heads as ids.
    #[must_use]
    pub fn head_ids(&self) -> Vec<EventId> {
        self.heads.iter().filter_map(|id| EventId::parse_foreign(id)).collect()
    }

    /// Whether somebody has to look: by flag, or by the status that says so.
    #[must_use]
    pub fn asks_for_human(&self) -> bool {
        self.needs_human.is_some() || self.status == "needs_human"
    }

    /// What other trackers call it: the texts of custom fields whose names end in `_id`.
    #[must_use]
    pub fn other_names(&self) -> BTreeSet<&str> {
        let is_name = |key: &str| key.to_ascii_lowercase().ends_with("_id");
        let fields = self.custom_fields.iter().filter(|(key, _)| is_name(key));
        fields.filter_map(|(_, value)| value.as_str()).collect()
    }

    /// Whether evidence of this role is there.
    #[must_use]
    pub fn has_evidence(&self, role: &str) -> bool {
        self.evidence_refs.iter().any(|e| e.role.as_deref() == Some(role))
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn id_text<S: Serializer>(id: &TaskId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

fn id_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TaskId, D::Error> {
    let text = String::deserialize(deserializer)?;
    TaskId::parse_foreign(&text).ok_or_else(|| serde::de::Error::custom("not a task id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_leaves_out_is_not_there_and_what_nobody_knows_is_damage() {
        let record = r#"{"id":"task_01ARZ3NDEKTSV4RRFFQ69G5FAV","title":"a","status":"backlog","created_by":"agent:a","created_at":"t","updated_at":"t","last_event_id":"e","last_key":"k","heads":["e"]}"#;
        let task: Task = serde_json::from_str(record).unwrap();
        assert_eq!((task.archived, task.comment_count, &task.tags), (false, 0, &None));
        assert_eq!(serde_json::to_string(&task).unwrap(), record);
        let archived = serde_json::to_string(&Task { archived: true, ..task }).unwrap();
        assert!(archived.contains(r#""archived":true"#));
        for damaged in [archived.replace("archived", "archivee"), archived.replace("heads", "headr")] {
            assert!(serde_json::from_str::<Task>(&damaged).is_err(), "{damaged}");
        }
    }
}
