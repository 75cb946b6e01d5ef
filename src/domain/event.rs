//! An event: one fact with an author, its text kept to the letter behind a small typed view.

mod canonical;
mod reading;

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::actor::Actor;
use super::id::{EventId, ResourceId, SortKey, TaskId};
use super::json;
use super::time::Timestamp;

/// Bytes that the canonical text of an event may have. A log with a longer line is not read, so
/// nothing that becomes an event may be longer.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A task's history.
    Task(TaskId),
    /// A resource's history.
    Resource(ResourceId),
    /// The tracker itself: configuration and context.
    Instance,
}

impl Subject {
    /// The id of the task, or that of the resource.
    #[must_use]
    pub fn ids(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Task(task) => (Some(task.as_str()), None),
            Self::Resource(resource) => (None, Some(resource.as_str())),
            Self::Instance => (None, None),
        }
    }
}

/// Types that Lattice writes or gives a meaning to. Any other is kept and means nothing.
pub mod kind {
    #![allow(missing_docs)]
    pub const TASK_CREATED: &str = "task_created";
    pub const TASK_ARCHIVED: &str = "task_archived";
    pub const TASK_UNARCHIVED: &str = "task_unarchived";
    pub const SHORT_ID_ASSIGNED: &str = "task_short_id_assigned";
    pub const STATUS_CHANGED: &str = "status_changed";
    pub const ASSIGNMENT_CHANGED: &str = "assignment_changed";
    pub const FIELD_UPDATED: &str = "field_updated";
    pub const COMMENT_ADDED: &str = "comment_added";
    pub const COMMENT_EDITED: &str = "comment_edited";
    pub const COMMENT_DELETED: &str = "comment_deleted";
    pub const REACTION_ADDED: &str = "reaction_added";
    pub const REACTION_REMOVED: &str = "reaction_removed";
    pub const RELATIONSHIP_ADDED: &str = "relationship_added";
    pub const RELATIONSHIP_REMOVED: &str = "relationship_removed";
    pub const ARTIFACT_ATTACHED: &str = "artifact_attached";
    pub const BRANCH_LINKED: &str = "branch_linked";
    pub const BRANCH_UNLINKED: &str = "branch_unlinked";
    pub const GIT_EVENT: &str = "git_event";
    pub const FILE_LINKED: &str = "file_linked";
    pub const NEEDS_HUMAN_FLAGGED: &str = "needs_human_flagged";
    pub const NEEDS_HUMAN_CLEARED: &str = "needs_human_cleared";
    pub const PLAN_UPDATED: &str = "plan_updated";
    pub const NOTES_UPDATED: &str = "notes_updated";
    pub const CONFIG_CHANGED: &str = "config_changed";
    pub const CONTEXT_UPDATED: &str = "context_updated";
    pub const EVENT_REDACTED: &str = "event_redacted";
    pub const CONFLICT_SETTLED: &str = "conflict_settled";
    pub const RESOURCE_CREATED: &str = "resource_created";
    pub const RESOURCE_ACQUIRED: &str = "resource_acquired";
    pub const RESOURCE_RELEASED: &str = "resource_released";
    pub const RESOURCE_HEARTBEAT: &str = "resource_heartbeat";
    pub const RESOURCE_EXPIRED: &str = "resource_expired";
    pub const RESOURCE_UPDATED: &str = "resource_updated";

    /// All of the above: the types that `lattice event` may not write.
    pub const BUILT_IN: [&str; 33] = [
        TASK_CREATED,
        TASK_ARCHIVED,
        TASK_UNARCHIVED,
        SHORT_ID_ASSIGNED,
        STATUS_CHANGED,
        ASSIGNMENT_CHANGED,
        FIELD_UPDATED,
        COMMENT_ADDED,
        COMMENT_EDITED,
        COMMENT_DELETED,
        REACTION_ADDED,
        REACTION_REMOVED,
        RELATIONSHIP_ADDED,
        RELATIONSHIP_REMOVED,
        ARTIFACT_ATTACHED,
        BRANCH_LINKED,
        BRANCH_UNLINKED,
        GIT_EVENT,
        FILE_LINKED,
        NEEDS_HUMAN_FLAGGED,
        NEEDS_HUMAN_CLEARED,
        PLAN_UPDATED,
        NOTES_UPDATED,
        CONFIG_CHANGED,
        CONTEXT_UPDATED,
        EVENT_REDACTED,
        CONFLICT_SETTLED,
        RESOURCE_CREATED,
        RESOURCE_ACQUIRED,
        RESOURCE_RELEASED,
        RESOURCE_HEARTBEAT,
        RESOURCE_EXPIRED,
        RESOURCE_UPDATED,
    ];
    /// Types that stand in `_lifecycle.jsonl` too.
    pub const LIFECYCLE: [&str; 3] = [TASK_CREATED, TASK_ARCHIVED, TASK_UNARCHIVED];
}

/// Why a JSON value is no event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EventError {
    /// The text is no JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// The value is no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A member is absent or not of its type.
    #[error("`{0}` is missing or of the wrong type")]
    Member(&'static str),
    /// An id without its prefix and 26 letters or digits.
    #[error("`{member}` is not an id: {text}")]
    Id {
        /// Which member.
        member: &'static str,
        /// What stands there.
        text: String,
    },
    /// An object names one member twice: which of them counts would be a guess.
    #[error("`{0}` appears twice in one object")]
    Duplicate(String),
    /// More levels than [`json::MAX_DEPTH`].
    #[error("more than {} levels deep", json::MAX_DEPTH)]
    TooDeep,
}

/// What a decision wants to be written; time, id, author and parents come later.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBody {
    /// What it is about.
    pub subject: Subject,
    /// The type.
    pub kind: String,
    /// The members of `data`.
    pub data: Map<String, Value>,
    /// An id that the caller chose, `None` for a fresh one.
    pub id: Option<EventId>,
}

impl EventBody {
    /// An event about a task. `data` is an object; anything else counts as an empty one.
    #[must_use]
    pub fn of_task(task: &TaskId, kind: &str, data: Value) -> Self {
        Self::of(Subject::Task(task.clone()), kind, data)
    }

    /// An event about the tracker.
    #[must_use]
    pub fn of_instance(kind: &str, data: Value) -> Self {
        Self::of(Subject::Instance, kind, data)
    }

    /// An event about anything.
    #[must_use]
    pub fn of(subject: Subject, kind: &str, data: Value) -> Self {
        let data = match data {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self { subject, kind: kind.to_owned(), data, id: None }
    }
}

/// Who writes, and what is said about the writing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stamp {
    /// `provenance {triggered_by?, on_behalf_of?, reason?}`, empty if there is none.
    pub provenance: Map<String, Value>,
    /// `agent_meta {model?, session?}`, empty if there is none.
    pub agent_meta: Map<String, Value>,
}

/// A fact. Two events are the same if their canonical texts are.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Its place in the canonical order.
    pub key: SortKey,
    /// When it was written, as found.
    pub ts: String,
    /// Its type.
    pub kind: String,
    /// Who wrote it.
    pub actor: Actor,
    /// What it is about.
    pub subject: Subject,
    /// Its data; an empty object where the data is none.
    pub data: Map<String, Value>,
    /// The heads of the subject's history that the writer knew; `None` in the predecessor's.
    pub parents: Option<Vec<EventId>>,
    /// Of a tombstone the SHA-256 of the text that the event had, in hexadecimal digits.
    pub redacted: Option<String>,
    raw: String,
}

/// An event as it is written down; members in the order of their names.
#[derive(Serialize)]
struct Written<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_meta: Option<&'a Map<String, Value>>,
    data: &'a Map<String, Value>,
    id: &'a str,
    parents: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a str>,
    schema_version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    ts: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl Event {
    /// Makes the event that a decision asked for.
    #[must_use]
    pub fn compose(
        body: EventBody,
        id: EventId,
        at: Timestamp,
        actor: &Actor,
        stamp: &Stamp,
        parents: Vec<EventId>,
    ) -> Self {
        let ts = at.to_string();
        let (task_id, resource_id) = body.subject.ids();
        let some = |map| Some(map).filter(|map: &&Map<String, Value>| !map.is_empty());
        let raw = json::line(&Written {
            actor,
            agent_meta: some(&stamp.agent_meta),
            data: &body.data,
            id: id.as_str(),
            parents: parents.iter().map(EventId::as_str).collect(),
            provenance: some(&stamp.provenance),
            resource_id,
            schema_version: 1,
            task_id,
            ts: &ts,
            kind: &body.kind,
        });
        let key = SortKey::of(&id, &ts, true);
        Self {
            id,
            key,
            ts,
            kind: body.kind,
            actor: actor.clone(),
            subject: body.subject,
            data: body.data,
            parents: Some(parents),
            redacted: None,
            raw,
        }
    }

    /// The canonical text: one line of JSON without its newline.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The whole event as a value.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.raw).unwrap_or(Value::Null)
    }

    /// The task that it is about, if it is about one.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match &self.subject {
            Subject::Task(task) => Some(task),
            _ => None,
        }
    }

    /// Text under a key of `data`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        json::text(&self.data, key)
    }
}

/// Reads JSON and refuses an object that names a member twice: `serde_json` would take the last.
///
/// # Errors
/// [`EventError::Json`] or [`EventError::Duplicate`].
pub fn strict_json(text: &str) -> Result<Value, EventError> {
    super::strict::parse(text)
}

/// The heads of a history: the events that no other names as a parent. An event without
/// `parents` (the predecessor's) stands for the one after its neighbour in canonical order.
#[must_use]
pub fn heads<'a>(history: impl IntoIterator<Item = &'a Event>) -> Vec<EventId> {
    let mut heads: Vec<&EventId> = Vec::new();
    let mut last_unlinked: Option<&EventId> = None;
    // Parents that do not stand right before those who name them.
    let mut named: std::collections::HashSet<&EventId> = std::collections::HashSet::new();
    for event in history {
        let parents = match &event.parents {
            Some(parents) => parents.as_slice(),
            None => last_unlinked.replace(&event.id).map_or(&[][..], std::slice::from_ref),
        };
        for parent in parents {
            // A history is a line with a fork now and then.
            match heads.last() {
                Some(last) if *last == parent => drop(heads.pop()),
                _ => drop(named.insert(parent)),
            }
        }
        heads.push(&event.id);
    }
    heads.retain(|id| !named.contains(id));
    heads.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINE: &str = r#"{"actor":"agent:x","data":{"n":1.50},"future":{"deep":[1e+400]},"id":"ev_01KPH4C22JNABBN4W02JP1GNNS","schema_version":1,"task_id":"task_01KPH4C22FWF63BPQ4SET7E5JG","ts":"2026-04-18T20:26:31Z","type":"x_thing"}"#;

    #[test]
    fn members_that_nobody_knows_are_kept_to_the_letter() {
        let event = Event::parse(LINE).unwrap();
        assert_eq!(event.raw(), LINE);
        assert_eq!(event.parents, None);
    }

    #[test]
    fn a_second_member_of_the_same_name_is_refused() {
        let twice = LINE.replace(r#""n":1.50"#, r#""n":1,"n":2"#);
        assert_eq!(Event::parse(&twice), Err(EventError::Duplicate("n".into())));
    }

    #[test]
    fn a_composed_event_reads_back_as_itself() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let full = Stamp {
            provenance: map(json!({"reason": "x"})),
            agent_meta: map(json!({"session": "s", "model": "m"})),
        };
        let record = Actor::Session(map(json!({"name": "Blot-1", "base_name": "Blot", "session": "s"})));
        let data = json!({"b": 1, "a": null});
        for (body, stamp, actor) in [
            (EventBody::of_task(&TaskId::from_value(1), "x_a", data.clone()), Stamp::default(), record),
            (EventBody::of_instance("x_a", data.clone()), full.clone(), Actor::Plain("human:a".into())),
            (
                EventBody::of(Subject::Resource(ResourceId::from_value(2)), "resource_released", data),
                full,
                Actor::Plain("human:a".into()),
            ),
        ] {
            let at = Timestamp::from_seconds(1_700_000_000);
            let parents = vec![EventId::from_value(6)];
            let made = Event::compose(body, EventId::from_value(7), at, &actor, &stamp, parents);
            assert_eq!(made.raw(), json::line(&made.value()));
            assert_eq!(Event::parse(made.raw()).unwrap(), made);
        }
    }

    #[test]
    fn heads_are_what_nobody_names() {
        let at = Timestamp::from_seconds(1_700_000_000);
        let make = |n: u128, parents: Vec<EventId>| {
            Event::compose(
                EventBody::of_instance("x_a", json!({})),
                EventId::from_value(n),
                at,
                &Actor::Plain("human:a".into()),
                &Stamp::default(),
                parents,
            )
        };
        let first = make(1, vec![]);
        let left = make(2, vec![first.id.clone()]);
        let right = make(3, vec![first.id.clone()]);
        assert_eq!(heads([&first, &left, &right]), vec![left.id.clone(), right.id.clone()]);
        let join = make(4, vec![left.id.clone(), right.id.clone()]);
        assert_eq!(heads([&first, &left, &right, &join]), vec![join.id.clone()]);
        // Whatever the order, and whoever else names them.
        assert_eq!(heads([&join, &first, &right, &left]), vec![join.id.clone()]);
        let late = make(5, vec![first.id.clone()]);
        assert_eq!(heads([&first, &left, &late]), vec![left.id.clone(), late.id.clone()]);
        let itself = make(6, vec![EventId::from_value(6)]);
        assert_eq!(heads([&late, &itself]), vec![late.id.clone()]);
    }
}
