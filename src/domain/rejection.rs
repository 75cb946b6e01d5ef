//! What a rule says no with: data only, the sentences are made elsewhere.

use super::resource::Holder;

/// Why a command was refused. Names of tasks are what people call them (short id, else id).
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub enum Rejection {
    /// A value is not one of those allowed.
    NotOneOf { what: &'static str, got: String, allowed: Vec<String> },
    /// A text that must say something is blank.
    Blank { what: &'static str },
    /// A value breaks a rule that has a name.
    Invalid { what: &'static str, got: String, rule: &'static str },
    /// No such field to update.
    UnknownField { got: String, allowed: Vec<String> },
    /// A field that another command changes.
    OtherCommand { field: String, command: &'static str },
    /// Nothing was named that should change.
    NothingToChange,
    /// Somebody else wrote since the caller read.
    ChangedMeanwhile { what: &'static str },
    /// The same id with other content.
    ContentDiffers { id: String },
    /// The step is not in the workflow.
    InvalidTransition { task: String, from: String, to: String, valid: Vec<String> },
    /// Overriding a rule needs a reason.
    ForceNeedsReason,
    /// The task went back from review too often.
    ReviewCycleLimit { task: String, cycles: u64, limit: u64 },
    /// Evidence or an assignee is missing.
    CompletionBlocked { task: String, to: String, missing_roles: Vec<String>, unassigned: bool },
    /// The plan is still the scaffold.
    PlanRequired { task: String },
    /// The evidence role is none of the configured ones.
    InvalidRole { got: String, allowed: Vec<String> },
    /// The task belongs to somebody else, or is not to be had.
    AlreadyClaimed { task: String, by: Option<String>, status: String },
    /// No such comment on the task.
    NoSuchComment { task: String, comment: String },
    /// The comment was deleted.
    CommentDeleted { comment: String },
    /// A reply to a reply.
    ReplyToReply { comment: String },
    /// The reaction is not there.
    NoSuchReaction { comment: String, emoji: String },
    /// Nobody changed this concurrently, or it is settled.
    NothingOpen { what: String, open: Vec<String> },
    /// A task related to itself.
    SelfLink { task: String },
    /// The relation is there already.
    LinkExists { task: String, kind: String, target: String },
    /// The relation is not there.
    NoSuchLink { task: String, kind: String, target: String },
    /// The relation would close a circle; the path runs from the target back to the task.
    Cycle { kind: String, path: Vec<String> },
    /// An archived task is not changed.
    Archived { task: String },
    /// It is archived already.
    AlreadyArchived { task: String },
    /// It is not archived.
    NotArchived { task: String },
    /// A code is set already.
    CodeExists { what: &'static str, current: String },
    /// There is no code for what needs one.
    NoProjectCode { purpose: &'static str },
    /// Another task claims or shows it.
    ShortIdTaken { short_id: String },
    /// The payload is larger than allowed; the size is `None` where reading stopped at the limit.
    PayloadTooLarge { size: Option<u64>, limit: u64 },
    /// The branch is linked to the task already.
    BranchLinked { task: String, branch: String },
    /// The branch is not linked to the task.
    BranchNotLinked { task: String, branch: String },
    /// The tracker would be another one without the event's content.
    NeededEvent { event: String },
    /// Nothing stands at this path of the configuration.
    NoSuchSetting { path: String },
    /// Neither made nor declared in the configuration.
    NoSuchResource { name: String },
    /// A resource of this name is there already.
    ResourceExists { name: String, id: String },
    /// As many as may hold it do.
    ResourceHeld { name: String, max_holders: i64, holders: Vec<Holder> },
    /// The actor does not hold it.
    NotHeld { name: String, actor: String },
    /// The actor held it, but not long enough.
    HoldExpired { name: String, actor: String, at: String },
    /// Only a person works without a framework.
    NoFramework { model: String },
    /// The session has ended.
    SessionEnded { name: String, at: String },
}
