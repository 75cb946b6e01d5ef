//! The fold: what each event does to the state of its task.
//!
//! It never fails and never looks at anything but the state and the event, so the same set of
//! events gives the same state everywhere. What an event says in vain (an edit of a comment that
//! is not there, a second creation) is an [`Oddity`] for `doctor`, never an error.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::actor::Actor;
use super::comment::{Comment, Edit};
use super::event::{Event, heads, kind};
use super::id::TaskId;
use super::short_id::ShortId;
use super::task::{BranchLink, Claim, Evidence, Relationship, Task};
use super::workflow::rank_in_default_order;

/// Fields that only events of their own may change.
pub const PROTECTED_FIELDS: [&str; 17] = [
    "schema_version",
    "id",
    "short_id",
    "created_at",
    "created_by",
    "updated_at",
    "done_at",
    "last_event_id",
    "last_status_changed_at",
    "status",
    "assigned_to",
    "relationships_out",
    "evidence_refs",
    "branch_links",
    "comment_count",
    "reopened_count",
    "custom_fields",
];

/// A plan or notes, as the last update left them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The whole text.
    pub body: String,
    /// When it was written.
    pub updated_at: String,
    /// By whom, by display name.
    pub updated_by: String,
    /// The event that wrote it.
    pub event_id: String,
}

/// What an event said in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The task was created already.
    CreatedAgain,
    /// The task was never created.
    NotCreated,
    /// A member of the data is missing or of the wrong type.
    IllTyped(&'static str),
    /// An update names a field that only other events may change.
    ProtectedField,
    /// The comment is not there, or deleted.
    NoSuchComment,
    /// Nobody knows this type.
    UnknownType,
}

/// Everything that the history of one task says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskState {
    /// The task; `None` as long as nothing created it.
    pub task: Option<Task>,
    /// Its comments by id. For one more event it is enough to hold [`touched_comment`].
    pub comments: BTreeMap<String, Comment>,
    /// The plan, `None` while it is the scaffold.
    pub plan: Option<Text>,
    /// The notes, `None` while there are none.
    pub notes: Option<Text>,
}

/// The comment that must be in [`TaskState::comments`] before this event is applied.
#[must_use]
pub fn touched_comment(event: &Event) -> Option<&str> {
    match event.kind.as_str() {
        kind::COMMENT_EDITED | kind::COMMENT_DELETED | kind::REACTION_ADDED | kind::REACTION_REMOVED => {
            event.text("comment_id")
        }
        _ => None,
    }
}

impl TaskState {
    /// Folds a whole history, given in canonical order. The first creation is folded first,
    /// wherever it stands.
    pub fn fold(history: &[Event]) -> (Self, Vec<(usize, Oddity)>) {
        let mut state = Self::default();
        let mut oddities = Vec::new();
        let first = history.iter().position(|e| e.kind == kind::TASK_CREATED);
        if let Some(first) = first {
            oddities.extend(state.apply(&history[first]).map(|o| (first, o)));
        }
        for (place, event) in history.iter().enumerate() {
            if Some(place) != first {
                oddities.extend(state.apply(event).map(|o| (place, o)));
            }
        }
        if let Some(task) = &mut state.task {
            task.heads = heads(history).iter().map(ToString::to_string).collect();
            if let Some(last) = history.last() {
                task.last_key = last.key.as_str().to_owned();
                task.last_event_id = last.id.to_string();
                task.updated_at.clone_from(&last.ts);
            }
        }
        (state, oddities)
    }

    /// Applies one event that comes after all that were applied before.
    pub fn apply(&mut self, event: &Event) -> Option<Oddity> {
        let Some(task) = &mut self.task else {
            if event.kind != kind::TASK_CREATED {
                return Some(Oddity::NotCreated);
            }
            let Some(id) = event.task() else { return Some(Oddity::IllTyped("task_id")) };
            let (task, oddity) = created(id, event);
            self.task = Some(task);
            return oddity;
        };
        task.last_event_id = event.id.to_string();
        task.updated_at.clone_from(&event.ts);
        task.last_key = event.key.as_str().to_owned();
        task.heads = vec![event.id.to_string()];
        match event.kind.as_str() {
            kind::TASK_CREATED => Some(Oddity::CreatedAgain),
            kind::TASK_ARCHIVED => archive(task, Some(&event.ts)),
            kind::TASK_UNARCHIVED => archive(task, None),
            kind::SHORT_ID_ASSIGNED => claim(task, event),
            kind::STATUS_CHANGED => status_changed(task, event),
            kind::ASSIGNMENT_CHANGED => assignment_changed(task, event),
            kind::FIELD_UPDATED => field_updated(task, event),
            kind::RELATIONSHIP_ADDED => relationship_added(task, event),
            kind::RELATIONSHIP_REMOVED => relationship_removed(task, event),
            kind::ARTIFACT_ATTACHED => artifact_attached(task, event),
            kind::BRANCH_LINKED => branch_linked(task, event),
            kind::BRANCH_UNLINKED => branch_unlinked(task, event),
            kind::FILE_LINKED => file_linked(task, event),
            kind::NEEDS_HUMAN_FLAGGED => {
                task.needs_human = Some(json!({
                    "flagged_by": event.actor, "reason": event.data.get("reason"), "since": event.ts,
                }));
                None
            }
            kind::NEEDS_HUMAN_CLEARED => {
                task.needs_human = None;
                None
            }
            kind::COMMENT_ADDED => comment_added(task, &mut self.comments, event),
            kind::COMMENT_EDITED => comment_edited(task, &mut self.comments, event),
            kind::COMMENT_DELETED => comment_deleted(task, &mut self.comments, event),
            kind::REACTION_ADDED => reaction(&mut self.comments, event, true),
            kind::REACTION_REMOVED => reaction(&mut self.comments, event, false),
            kind::PLAN_UPDATED => text_updated(&mut self.plan, event),
            kind::NOTES_UPDATED => text_updated(&mut self.notes, event),
            kind::GIT_EVENT | "surface_bound" | "auto_review_spawned" => None,
            custom if custom.starts_with("x_") => None,
            _ => Some(Oddity::UnknownType),
        }
    }
}

fn created(id: &TaskId, event: &Event) -> (Task, Option<Oddity>) {
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

fn tags(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|t| t.as_str().map(str::to_owned)).collect()
}

fn archive(task: &mut Task, at: Option<&String>) -> Option<Oddity> {
    task.archived = at.is_some();
    task.archived_at = at.cloned();
    None
}

fn claim(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(short_id) = event.text("short_id").and_then(ShortId::parse) else {
        return Some(Oddity::IllTyped("short_id"));
    };
    task.short_id = Some(short_id.clone());
    task.claim = Some(Claim { short_id, key: event.key.as_str().to_owned() });
    None
}

fn status_changed(task: &mut Task, event: &Event) -> Option<Oddity> {
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

fn assignment_changed(task: &mut Task, event: &Event) -> Option<Oddity> {
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

fn field_updated(task: &mut Task, event: &Event) -> Option<Oddity> {
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

fn relationship_added(task: &mut Task, event: &Event) -> Option<Oddity> {
    let (Some(kind), Some(target)) = (event.text("type"), event.text("target_task_id")) else {
        return Some(Oddity::IllTyped("target_task_id"));
    };
    if !task.relationships_out.iter().any(|r| r.kind == kind && r.target_task_id == target) {
        task.relationships_out.push(Relationship {
            kind: kind.to_owned(),
            target_task_id: target.to_owned(),
            created_at: event.ts.clone(),
            created_by: event.actor.clone(),
            note: event.text("note").map(str::to_owned),
        });
    }
    None
}

fn relationship_removed(task: &mut Task, event: &Event) -> Option<Oddity> {
    let (Some(kind), Some(target)) = (event.text("type"), event.text("target_task_id")) else {
        return Some(Oddity::IllTyped("target_task_id"));
    };
    task.relationships_out.retain(|r| r.kind != kind || r.target_task_id != target);
    None
}

fn artifact_attached(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(id) = event.text("artifact_id") else { return Some(Oddity::IllTyped("artifact_id")) };
    if !task.evidence_refs.iter().any(|e| e.id == id) {
        task.evidence_refs.push(Evidence {
            id: id.to_owned(),
            role: event.text("role").map(str::to_owned),
            source_type: "artifact".to_owned(),
        });
    }
    None
}

fn branch_linked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(branch) = event.text("branch") else { return Some(Oddity::IllTyped("branch")) };
    let repo = event.text("repo");
    if !task.branch_links.iter().any(|b| b.branch == branch && b.repo.as_deref() == repo) {
        task.branch_links.push(BranchLink {
            branch: branch.to_owned(),
            repo: repo.map(str::to_owned),
            linked_at: event.ts.clone(),
            linked_by: event.actor.clone(),
        });
    }
    None
}

fn branch_unlinked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(branch) = event.text("branch") else { return Some(Oddity::IllTyped("branch")) };
    let repo = event.text("repo");
    task.branch_links.retain(|b| b.branch != branch || b.repo.as_deref() != repo);
    None
}

fn file_linked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(paths) = event.data.get("paths").and_then(tags) else { return Some(Oddity::IllTyped("paths")) };
    for path in paths {
        if !task.linked_files.contains(&path) {
            task.linked_files.push(path);
        }
    }
    None
}

fn comment_added(task: &mut Task, comments: &mut BTreeMap<String, Comment>, event: &Event) -> Option<Oddity> {
    let Some(body) = event.text("body") else { return Some(Oddity::IllTyped("body")) };
    let role = event.text("role").map(str::to_owned);
    task.comment_count += 1;
    if role.is_some() {
        set_evidence(task, event.id.as_str(), role.as_deref());
    }
    comments.insert(
        event.id.to_string(),
        Comment {
            id: event.id.to_string(),
            body: body.to_owned(),
            role,
            author: event.actor.clone(),
            created_at: event.ts.clone(),
            parent_id: event.text("parent_id").map(str::to_owned),
            edit_history: Vec::new(),
            edited_at: None,
            deleted_at: None,
            deleted_by: None,
            reactions: BTreeMap::new(),
        },
    );
    None
}

/// The comment that an event is about, while it is there and not deleted.
fn living<'a>(comments: &'a mut BTreeMap<String, Comment>, event: &Event) -> Option<&'a mut Comment> {
    comments.get_mut(event.text("comment_id")?).filter(|c| !c.is_deleted())
}

fn comment_edited(
    task: &mut Task,
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    let Some(body) = event.text("body") else { return Some(Oddity::IllTyped("body")) };
    let before = std::mem::replace(&mut comment.body, body.to_owned());
    comment.edit_history.push(Edit {
        body: before,
        edited_at: event.ts.clone(),
        edited_by: event.actor.clone(),
    });
    comment.edited_at = Some(event.ts.clone());
    if let Some(role) = event.data.get("role") {
        comment.role = role.as_str().map(str::to_owned);
        let id = comment.id.clone();
        set_evidence(task, &id, role.as_str());
    }
    None
}

fn comment_deleted(
    task: &mut Task,
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    comment.deleted_at = Some(event.ts.clone());
    comment.deleted_by = Some(event.actor.clone());
    task.comment_count = task.comment_count.saturating_sub(1);
    task.evidence_refs.retain(|e| e.id != comment.id);
    None
}

/// Points the evidence of a comment at a role; without a role it is evidence of nothing.
fn set_evidence(task: &mut Task, id: &str, role: Option<&str>) {
    let place = task.evidence_refs.iter().position(|e| e.id == id);
    match (place, role) {
        (Some(place), Some(role)) => task.evidence_refs[place].role = Some(role.to_owned()),
        (Some(place), None) => drop(task.evidence_refs.remove(place)),
        (None, Some(role)) => task.evidence_refs.push(Evidence {
            id: id.to_owned(),
            role: Some(role.to_owned()),
            source_type: "comment".to_owned(),
        }),
        (None, None) => {}
    }
}

fn reaction(comments: &mut BTreeMap<String, Comment>, event: &Event, added: bool) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    let Some(emoji) = event.text("emoji") else { return Some(Oddity::IllTyped("emoji")) };
    if added {
        if !comment.has_reaction(emoji, &event.actor) {
            comment.reactions.entry(emoji.to_owned()).or_default().push(event.actor.clone());
        }
    } else if let Some(who) = comment.reactions.get_mut(emoji) {
        who.retain(|a| !a.is(&event.actor));
        if who.is_empty() {
            comment.reactions.remove(emoji);
        }
    }
    None
}

fn text_updated(slot: &mut Option<Text>, event: &Event) -> Option<Oddity> {
    let Some(body) = event.text("body") else { return Some(Oddity::IllTyped("body")) };
    *slot = Some(Text {
        body: body.to_owned(),
        updated_at: event.ts.clone(),
        updated_by: event.actor.display().to_owned(),
        event_id: event.id.to_string(),
    });
    None
}
