//! Commands: what somebody wants to happen. Ids are resolved before; whether it may happen is
//! decided inside the transaction.

use serde_json::{Map, Value};

use super::actor::Actor;
use super::artifact::Attachment;
use super::event::{Stamp, Subject};
use super::id::{ArtifactId, EventId, ResourceId, TaskId};
use super::short_id::ShortId;

/// Who acts, and what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Author {
    /// The actor that the events will name.
    pub actor: Actor,
    /// Provenance and agent data for the events.
    pub stamp: Stamp,
    /// The model that acts, if the caller says so. Events of a session tell that of the session.
    pub model: Option<String>,
}

impl Author {
    /// The reason given, which overriding a rule needs.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.stamp.provenance.get("reason").and_then(Value::as_str).filter(|r| !r.trim().is_empty())
    }

    /// The model that acts, as the caller or its session says.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let of_session = || match &self.actor {
            Actor::Session(session) => session.get("model").and_then(Value::as_str),
            Actor::Plain(_) => None,
        };
        self.model.as_deref().or_else(of_session)
    }
}

/// A new task. `None` takes the configured default where there is one.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the members are those of a task")]
pub struct NewTask {
    pub title: String,
    pub kind: Option<String>,
    pub priority: Option<String>,
    pub urgency: Option<String>,
    pub complexity: Option<String>,
    pub status: Option<String>,
    pub description: Option<String>,
    pub tags: Vec<String>,
    pub assigned_to: Option<Actor>,
}

/// A new resource. `None` takes what the configuration declares, else the default.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the members are those of a resource")]
pub struct NewResource {
    pub name: String,
    pub description: Option<String>,
    pub max_holders: Option<i64>,
    pub ttl_seconds: Option<i64>,
}

/// One wish.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub enum Command {
    /// Makes a task. `chosen` says that the id came from the caller, who may be trying again.
    Create {
        id: TaskId,
        chosen: bool,
        task: NewTask,
    },
    /// Sets fields, `(name, text)`; empty text clears an optional one.
    Update {
        task: TaskId,
        changes: Vec<(String, String)>,
    },
    /// Moves a task. `force` overrides the workflow's rules and needs a reason.
    Status {
        task: TaskId,
        to: String,
        force: bool,
    },
    /// Gives a task to somebody, or to nobody.
    Assign {
        task: TaskId,
        to: Option<Actor>,
    },
    /// Takes a task: assigns it and walks it to `in_progress`.
    Claim {
        task: TaskId,
    },
    Comment {
        task: TaskId,
        body: String,
        reply_to: Option<EventId>,
        role: Option<String>,
    },
    CommentEdit {
        task: TaskId,
        comment: EventId,
        body: String,
        role: Option<String>,
    },
    CommentDelete {
        task: TaskId,
        comment: EventId,
    },
    React {
        task: TaskId,
        comment: EventId,
        emoji: String,
    },
    Unreact {
        task: TaskId,
        comment: EventId,
        emoji: String,
    },
    Link {
        task: TaskId,
        kind: String,
        target: TaskId,
        note: Option<String>,
    },
    Unlink {
        task: TaskId,
        kind: String,
        target: TaskId,
    },
    /// Adds an artifact and says that it speaks for a task. `id` is one that the caller chose.
    Attach {
        task: TaskId,
        id: Option<ArtifactId>,
        attachment: Attachment,
        role: Option<String>,
    },
    BranchLink {
        task: TaskId,
        branch: String,
        repo: Option<String>,
    },
    BranchUnlink {
        task: TaskId,
        branch: String,
        repo: Option<String>,
    },
    /// Gives a short id to a task that has none.
    NameTask {
        task: TaskId,
    },
    /// Pins the short id that a task shows, or gives it this one.
    Renumber {
        task: TaskId,
        to: Option<ShortId>,
    },
    /// Review and done in one step, with the review as evidence.
    Complete {
        task: TaskId,
        review: String,
    },
    /// An event of the caller's own type (`x_…`).
    Custom {
        task: TaskId,
        kind: String,
        data: Map<String, Value>,
        id: Option<EventId>,
    },
    Archive {
        task: TaskId,
    },
    Unarchive {
        task: TaskId,
    },
    /// `base` is the text that the body was made from, if it was made from one: nothing is
    /// written over what somebody else wrote meanwhile. So for notes and the context.
    SetPlan {
        task: TaskId,
        body: String,
        base: Option<String>,
    },
    SetNotes {
        task: TaskId,
        body: String,
        base: Option<String>,
    },
    SetContext {
        body: String,
        base: Option<String>,
    },
    /// Sets the value at a JSON pointer of the configuration.
    SetConfig {
        path: String,
        to: Value,
    },
    UnsetConfig {
        path: String,
    },
    /// Takes the content of an event away. `subject` is what the event is about.
    Redact {
        event: EventId,
        subject: Subject,
        reason: String,
    },
    /// Leaves as they are things that were changed concurrently: these, or all that are open.
    Settle {
        subject: Subject,
        what: Vec<String>,
    },
    /// Turns the configuration as it was read into another, all or nothing.
    EditConfig {
        base: Value,
        to: Value,
    },
    SetProjectCode {
        code: String,
        force: bool,
    },
    SetSubprojectCode {
        code: String,
        force: bool,
    },
    /// Makes a resource. `chosen` says that the id came from the caller, who may be trying again.
    CreateResource {
        id: ResourceId,
        chosen: bool,
        resource: NewResource,
    },
    /// Takes a hold on a resource, for a task if that is named. `fresh` is its id if it is
    /// declared in the configuration only; `force` takes it from its holders.
    AcquireResource {
        name: String,
        fresh: ResourceId,
        task: Option<TaskId>,
        force: bool,
    },
    ReleaseResource {
        name: String,
    },
    /// Makes a hold last from now on.
    HeartbeatResource {
        name: String,
    },
}

impl Command {
    /// The task that it makes under an id that was made up for it: nothing can be there about that.
    #[must_use]
    pub fn fresh_task(&self) -> Option<&TaskId> {
        match self {
            Self::Create { id, chosen: false, .. } => Some(id),
            _ => None,
        }
    }

    /// The task that the command is about, if it is about one.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Create { id: task, .. }
            | Self::Update { task, .. }
            | Self::Status { task, .. }
            | Self::Assign { task, .. }
            | Self::Claim { task }
            | Self::Comment { task, .. }
            | Self::CommentEdit { task, .. }
            | Self::CommentDelete { task, .. }
            | Self::React { task, .. }
            | Self::Unreact { task, .. }
            | Self::Link { task, .. }
            | Self::Unlink { task, .. }
            | Self::Attach { task, .. }
            | Self::BranchLink { task, .. }
            | Self::BranchUnlink { task, .. }
            | Self::NameTask { task }
            | Self::Renumber { task, .. }
            | Self::Complete { task, .. }
            | Self::Custom { task, .. }
            | Self::Archive { task }
            | Self::Unarchive { task }
            | Self::SetPlan { task, .. }
            | Self::SetNotes { task, .. } => Some(task),
            Self::Redact { subject, .. } | Self::Settle { subject, .. } => match subject {
                Subject::Task(task) => Some(task),
                _ => None,
            },
            Self::SetContext { .. }
            | Self::SetConfig { .. }
            | Self::UnsetConfig { .. }
            | Self::EditConfig { .. }
            | Self::SetProjectCode { .. }
            | Self::SetSubprojectCode { .. }
            | Self::CreateResource { .. }
            | Self::AcquireResource { .. }
            | Self::ReleaseResource { .. }
            | Self::HeartbeatResource { .. } => None,
        }
    }

    /// The name of the resource that the command is about, if it is about one.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::CreateResource { resource: NewResource { name, .. }, .. }
            | Self::AcquireResource { name, .. }
            | Self::ReleaseResource { name }
            | Self::HeartbeatResource { name } => Some(name),
            _ => None,
        }
    }
}
