//! The fold: what each event does to the state of its task.
//!
//! It never fails and never looks at anything but the state and the event, so the same set of
//! events gives the same state everywhere. What an event says in vain (an edit of a comment that
//! is not there, a second creation) is an [`Oddity`] for `doctor`, never an error.

mod comments;
mod fields;
mod links;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde_json::json;

use super::comment::Comment;
use super::event::{Event, heads, kind};
use super::task::Task;
use comments::{comment_added, comment_deleted, comment_edited, reaction};
use fields::{archive, assignment_changed, claim, created, field_updated, status_changed};
use links::{
    artifact_attached, branch_linked, branch_unlinked, file_linked, relationship_added, relationship_removed,
};

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
    pub fn fold<E: Borrow<Event>>(history: &[E]) -> (Self, Vec<(usize, Oddity)>) {
        let mut state = Self::default();
        let mut oddities = Vec::new();
        let events = || history.iter().map(Borrow::borrow);
        let first = events().position(|e: &Event| e.kind == kind::TASK_CREATED);
        if let Some(first) = first {
            oddities.extend(state.take(history[first].borrow()).map(|o| (first, o)));
        }
        for (place, event) in events().enumerate() {
            if Some(place) != first {
                oddities.extend(state.take(event).map(|o| (place, o)));
            }
        }
        if let Some(task) = &mut state.task {
            task.heads = heads(events()).iter().map(ToString::to_string).collect();
            if let Some(last) = events().next_back() {
                task.last_key = last.key.as_str().to_owned();
                task.last_event_id = last.id.to_string();
                task.updated_at.clone_from(&last.ts);
            }
        }
        (state, oddities)
    }

    /// Applies one event that comes after all that were applied before.
    pub fn apply(&mut self, event: &Event) -> Option<Oddity> {
        let was_there = self.task.is_some();
        let oddity = self.take(event);
        if let Some(task) = self.task.as_mut().filter(|_| was_there) {
            task.last_event_id = event.id.to_string();
            task.updated_at.clone_from(&event.ts);
            task.last_key = event.key.as_str().to_owned();
            task.heads = vec![event.id.to_string()];
        }
        oddity
    }

    /// What an event says of the task, but for its place behind all others.
    fn take(&mut self, event: &Event) -> Option<Oddity> {
        let Some(task) = &mut self.task else {
            if event.kind != kind::TASK_CREATED {
                return Some(Oddity::NotCreated);
            }
            let Some(id) = event.task() else { return Some(Oddity::IllTyped("task_id")) };
            let (task, oddity) = created(id, event);
            self.task = Some(task);
            return oddity;
        };
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
            kind::GIT_EVENT
            | kind::EVENT_REDACTED
            | kind::CONFLICT_SETTLED
            | "surface_bound"
            | "auto_review_spawned" => None,
            custom if custom.starts_with("x_") => None,
            _ => Some(Oddity::UnknownType),
        }
    }
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
