//! Facts: all that a decision may look at, loaded inside the transaction that will write.

use super::artifact::KnownArtifact;
use super::comment::Comment;
use super::config::Config;
use super::event::Event;
use super::id::ArtifactId;
use super::resource::Resource;
use super::short_id::ShortId;
use super::task::Task;
use super::time::Timestamp;

/// What is known at the moment of deciding. Fields that a command does not need are empty.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Now.
    pub now: Timestamp,
    /// The configuration.
    pub config: Config,
    /// The task that the command names, if it exists.
    pub task: Option<Task>,
    /// The creation of that task, for a caller who tries again.
    pub created: Option<Event>,
    /// The other end of a relation: `None` if it does not exist.
    pub target: Option<Task>,
    /// A way over relations from the target back to the task, by name: the circle to be.
    pub way_back: Option<Vec<String>>,
    /// The comment that the command names.
    pub comment: Option<Comment>,
    /// The plan's text, `None` while it is the scaffold.
    pub plan: Option<String>,
    /// The notes' text.
    pub notes: Option<String>,
    /// The context's text.
    pub context: Option<String>,
    /// Titles that the task has and had, where the plan is in question.
    pub titles: Vec<String>,
    /// Descriptions that the task has and had, where the plan is in question.
    pub descriptions: Vec<String>,
    /// How often the task went from review back to work, where that is in question.
    pub review_cycles: u64,
    /// The stored event of the id that the caller chose.
    pub same_id: Option<Event>,
    /// What would be left of that event if it were redacted.
    pub tombstone: Option<Event>,
    /// The short id that a new task gets.
    pub next_short_id: Option<ShortId>,
    /// Whether another task claims or shows the short id that this one is to get.
    pub is_short_id_taken: bool,
    /// The resource that the command names, if it exists.
    pub resource: Option<Resource>,
    /// The name that was created under the resource's chosen id, if one was.
    pub name_of_id: Option<String>,
    /// The artifact that is there under the id that the caller chose.
    pub same_artifact: Option<KnownArtifact>,
    /// What was changed concurrently and nobody has settled.
    pub open: Vec<String>,
    /// An id for an artifact, should one be made.
    pub fresh_artifact: ArtifactId,
}
