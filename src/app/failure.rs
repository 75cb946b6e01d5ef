//! Failures as users meet them: a code, a sentence, a next step. One exhaustive match for each
//! kind of cause, so a new cause does not compile until it has words.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::code::Code;
use crate::domain::Rejection;
use crate::domain::resource::Holder;
use crate::store::{RootError, StoreError};

/// What a user is told when something did not work. Nothing was changed, unless the code is
/// [`Code::CommitUnknown`] or [`Code::OutputFailed`].
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The stable name.
    pub code: Code,
    /// What happened, in lower case, naming the thing.
    pub message: String,
    /// The next command to type, or the next thing to do.
    pub hint: Option<String>,
    /// More for programs; keys of `extra` stand beside `code` in the envelope.
    pub extra: Map<String, Value>,
    /// More for programs, under `details`.
    pub details: Option<Value>,
    /// Whether it came of a read that may give something else a second time.
    pub may_pass: bool,
}

impl Failure {
    /// A failure with a sentence.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, extra: Map::new(), details: None, may_pass: false }
    }

    /// The same with a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with details.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The same where something was changed all the same: says this instead.
    #[must_use]
    pub fn although(mut self, changed: &str) -> Self {
        self.hint = self.hint.map(|hint| hint.replacen("nothing was changed", changed, 1));
        self
    }

    /// What the operating system said about a path.
    #[must_use]
    pub fn io(error: &std::io::Error, path: &Path) -> Self {
        StoreError::from_io(error, path).into()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

fn list(allowed: &[String]) -> String {
    allowed.join(", ")
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        use Rejection as R;
        match rejection {
            R::NotOneOf { what, got, allowed } => {
                Self::new(Code::ValidationError, format!("{what} `{got}` is not known")).hint(format!("use one of: {}", list(&allowed)))
            }
            R::Blank { what } => Self::new(Code::ValidationError, format!("the {what} is empty")).hint("give it some text"),
            R::Invalid { what, got, rule } => {
                Self::new(Code::ValidationError, format!("{what} `{got}` is not valid")).hint(rule)
            }
            R::UnknownField { got, allowed } => {
                Self::new(Code::ValidationError, format!("there is no field `{got}` to update")).hint(format!("fields: {}", list(&allowed)))
            }
            R::OtherCommand { field, command } => {
                Self::new(Code::ValidationError, format!("`{field}` is not set by update")).hint(format!("use `lattice {command}`"))
            }
            R::NothingToChange => Self::new(Code::ValidationError, "no change is named").hint("give at least one FIELD=VALUE"),
            R::ChangedMeanwhile { what } => {
                Self::new(Code::Conflict, format!("somebody else changed the {what} in the meantime")).hint("look at it as it is now, then write again")
            }
            R::ContentDiffers { id } => Self::new(Code::Conflict, format!("{id} exists already with other content"))
                .hint("choose another id, or repeat the call exactly as it was"),
            R::InvalidTransition { task, from, to, valid } => {
                let mut failure = Self::new(Code::InvalidTransition, format!("{task} cannot go from {from} to {to}")).hint(format!(
                    "from {from} it can go to: {}; or override: `lattice status {task} {to} --force --reason TEXT`",
                    list(&valid)
                ));
                failure.extra.insert("current_status".into(), json!(from));
                failure.extra.insert("requested_status".into(), json!(to));
                failure.extra.insert("valid_transitions".into(), json!(valid));
                failure
            }
            R::ForceNeedsReason => {
                Self::new(Code::ValidationError, "--force needs a reason").hint("add --reason TEXT; it is kept with the event")
            }
            R::ReviewCycleLimit { task, cycles, limit } => {
                Self::new(Code::ReviewCycleLimit, format!("{task} came back from review {}, and {limit} is the limit", if cycles == 1 { "once".to_owned() } else { format!("{cycles} times") }))
                    .hint(format!("ask a person: `lattice status {task} needs_human`; or override with --force --reason TEXT"))
            }
            R::CompletionBlocked { task, to, missing_roles, unassigned } => {
                let mut missing: Vec<String> = missing_roles.iter().map(|r| format!("evidence of role {r}")).collect();
                if unassigned {
                    missing.push("an assignee".to_owned());
                }
                let next = missing_roles.first().map_or_else(
                    || format!("`lattice assign {task} ACTOR`"),
                    |role| format!("`lattice comment {task} TEXT --role {role}`"),
                );
                Self::new(Code::CompletionBlocked, format!("{task} cannot become {to}: it lacks {}", missing.join(" and ")))
                    .hint(format!("{next}; or override: `lattice status {task} {to} --force --reason TEXT`"))
                    .details(json!({"missing_roles": missing_roles, "unassigned": unassigned}))
            }
            R::PlanRequired { task } => {
                Self::new(Code::PlanRequired, format!("{task} has no plan yet, only its title and description"))
                    .hint(format!("write one: `lattice plan {task} --file FILE` (or `-` for standard input); or override: `lattice status {task} in_progress --force --reason TEXT`"))
            }
            R::InvalidRole { got, allowed } => {
                Self::new(Code::InvalidRole, format!("role `{got}` is not configured")).hint(format!("roles: {}", list(&allowed)))
            }
            R::AlreadyClaimed { task, by, status } => {
                let owner = by.map_or_else(|| format!("is {status}"), |by| format!("belongs to {by} ({status})"));
                Self::new(Code::AlreadyClaimed, format!("{task} {owner}")).hint("take another: `lattice next --claim`")
            }
            R::NoSuchComment { task, comment } => Self::new(Code::ValidationError, format!("{task} has no comment {comment}"))
                .hint(format!("see `lattice comments {task}`")),
            R::CommentDeleted { comment } => {
                Self::new(Code::ValidationError, format!("comment {comment} was deleted")).hint("write a new one")
            }
            R::ReplyToReply { comment } => Self::new(Code::ValidationError, format!("comment {comment} is a reply itself"))
                .hint("reply to the comment that it answers"),
            R::NoSuchReaction { comment, emoji } => {
                Self::new(Code::NotFound, format!("you have no reaction {emoji} on {comment}")).hint("only your own reactions can be taken back")
            }
            R::NothingOpen { what, open } => {
                let hint = match open.is_empty() {
                    true => "`lattice conflicts` lists what is open".to_owned(),
                    false => format!("open here: {}", list(&open)),
                };
                Self::new(Code::NotFound, format!("there is no open conflict about {what}")).hint(hint)
            }
            R::SelfLink { task } => Self::new(Code::ValidationError, format!("{task} cannot be related to itself")).hint("name two tasks"),
            R::LinkExists { task, kind, target } => {
                Self::new(Code::Conflict, format!("{task} {kind} {target} already")).hint(format!("see `lattice show {task}`"))
            }
            R::NoSuchLink { task, kind, target } => {
                Self::new(Code::NotFound, format!("there is no relation {task} {kind} {target}")).hint(format!("see `lattice show {task}`"))
            }
            R::Cycle { kind, path } => Self::new(Code::ValidationError, format!("this {kind} would close a circle: {}", path.join(" → ")))
                .hint("remove one of these relations first, with `lattice unlink`")
                .details(json!({"path": path})),
            R::Archived { task } => {
                Self::new(Code::NotFound, format!("{task} is archived")).hint(format!("bring it back first: `lattice unarchive {task}`"))
            }
            R::AlreadyArchived { task } => {
                Self::new(Code::Conflict, format!("{task} is archived already")).hint(format!("see `lattice show {task}`"))
            }
            R::NotArchived { task } => Self::new(Code::Conflict, format!("{task} is not archived")).hint(format!("see `lattice show {task}`")),
            R::CodeExists { what, current } => Self::new(Code::Conflict, format!("the {what} is {current} already"))
                .hint("--force changes it; short ids given out before stay as they are"),
            R::NoProjectCode { purpose } => Self::new(Code::ValidationError, format!("there is no project code for {purpose}"))
                .hint("`lattice set-project-code CODE` first"),
            R::ShortIdTaken { short_id } => Self::new(Code::Conflict, format!("{short_id} belongs to another task"))
                .hint(format!("see `lattice show {short_id}`, or choose another number")),
            R::PayloadTooLarge { size, limit } => {
                let size = size.map_or_else(|| "more bytes than that".to_owned(), |size| format!("{size} bytes"));
                Self::new(Code::PayloadTooLarge, format!("an artifact may have {limit} bytes, and this has {size}"))
                    .hint("attach a part of it, or its address; or raise the limit: `lattice config set artifacts.max_bytes N`")
            }
            R::BranchLinked { task, branch } => Self::new(Code::Conflict, format!("{task} has the branch {branch} already"))
                .hint(format!("see `lattice show {task}`")),
            R::BranchNotLinked { task, branch } => Self::new(Code::NotFound, format!("{task} has no branch {branch}"))
                .hint(format!("see `lattice show {task}`; name the repository too if it stands there")),
            R::NeededEvent { event } => Self::new(Code::ValidationError, format!("{event} holds the tracker's id and cannot be redacted"))
                .hint("`lattice config set` changes settings; the old value stays in the log: make the secret worthless instead"),
            R::NoSuchSetting { path } => {
                Self::new(Code::NotFound, format!("nothing is set at {path}")).hint("see `lattice config list`")
            }
            R::NoSuchResource { name } => Self::new(Code::NotFound, format!("there is no resource {name}"))
                .hint(format!("`lattice resource list` shows them; `lattice resource create {name}` makes it")),
            R::ResourceExists { name, id } => Self::new(Code::Conflict, format!("the resource {name} is there already, as {id}"))
                .hint(format!("use it as it is: `lattice resource status {name}`")),
            R::ResourceHeld { name, max_holders, holders } => {
                let who: Vec<String> =
                    holders.iter().map(|h| format!("{} until {}", h.actor, h.expires_at)).collect();
                Self::new(Code::ResourceHeld, format!("{name} is held by {}", who.join(", ")))
                    .hint(format!("wait for it: `lattice resource acquire {name} --wait`; --force takes it away from them"))
                    .details(json!({"name": name, "max_holders": max_holders, "holders": holders.iter().map(Holder::value).collect::<Vec<_>>()}))
            }
            R::NotHeld { name, actor } => Self::new(Code::NotHeld, format!("{actor} does not hold {name}"))
                .hint(format!("see `lattice resource status {name}`")),
            R::HoldExpired { name, actor, at } => {
                Self::new(Code::Expired, format!("{actor} held {name} until {at}, and no longer"))
                    .hint(format!("take it again: `lattice resource acquire {name}`"))
            }
            R::NoFramework { model } => {
                Self::new(Code::ValidationError, format!("the model {model} needs a framework that it runs in"))
                    .hint("add --framework NAME, such as claude-code; only the model `human` goes without")
            }
            R::SessionEnded { name, at } => Self::new(Code::NotFound, format!("the session {name} ended at {at}"))
                .hint("see `lattice session list --all`"),
        }
    }
}

impl From<RootError> for Failure {
    fn from(error: RootError) -> Self {
        match error {
            RootError::NotInitialized { place, tree_found, from_env } => {
                let place = place.display();
                let failure = if from_env {
                    Self::new(
                        Code::NotInitialized,
                        match place.to_string().is_empty() {
                            true => "LATTICE_ROOT is set, but empty".to_owned(),
                            false => format!("LATTICE_ROOT names {place}, where no tracker is"),
                        },
                    )
                    .hint("point LATTICE_ROOT at the folder that contains .lattice/, or unset it")
                } else if tree_found {
                    Self::new(Code::NotInitialized, format!("{place} holds an exported tree but no database"))
                        .hint(format!("`lattice init --path {place}` makes the database from it"))
                } else {
                    Self::new(Code::NotInitialized, format!("there is no tracker in {place} or above"))
                        .hint("`lattice init` makes one here")
                };
                failure.details(json!({"path": place.to_string()}))
            }
            RootError::SymlinkRefused { path } => StoreError::SymlinkRefused { path }.into(),
            RootError::Denied { path } => StoreError::Denied { path }.into(),
            RootError::Io { path, detail } => StoreError::Io { detail, path: Some(path) }.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        use StoreError as S;
        let detail = error.to_string();
        let may_pass = matches!(
            error,
            S::Corrupt { .. } | S::Incomplete { .. } | S::NotADatabase { .. } | S::Unread { .. }
        );
        let failure = match error {
            S::Busy { waited } => Self::new(Code::StoreBusy, format!("another process is writing; waited {:.1} s", waited.as_secs_f64()))
                .hint("nothing was changed; run the command again"),
            S::ReadOnly { path } => Self::new(Code::StoreReadonly, format!("{} cannot be written to", path.display()))
                .hint("nothing was changed; make the folder and its files writable"),
            S::Denied { path } => Self::new(Code::StoreDenied, format!("permission denied: {}", path.display()))
                .hint("nothing was changed; check who owns the folder and its files"),
            S::Full => Self::new(Code::StoreFull, "no room is left on the disk").hint("nothing was changed; free some space and run it again"),
            S::Corrupt { .. } => Self::new(Code::StoreCorrupt, format!("the tracker file is damaged ({detail})"))
                .hint("nothing was changed; keep the file: `lattice restore BACKUP` puts a backup in its place; without one, docs/recovery.md tells how the exported files and what still reads become a tracker again"),
            S::Incomplete { .. } => Self::new(Code::StoreCorrupt, format!("the tracker file is damaged ({detail})"))
                .hint("nothing was changed; `lattice doctor` says what is damaged; if only tables are, `lattice doctor --fix` makes them anew, else see docs/recovery.md"),
            S::SchemaTampered { object } => {
                Self::new(Code::StoreTampered, format!("the tracker file holds `{object}` as Lattice did not make it"))
                    .hint("nothing was changed; do not trust this file, see docs/recovery.md")
            }
            S::NotADatabase { path } | S::Foreign { path } => {
                Self::new(Code::StoreNotADatabase, format!("{} is not a tracker of Lattice", path.display()))
                    .hint("nothing was changed; move it away and run `lattice init`, which imports the exported tree if there is one")
            }
            S::TooNew { found, known } => {
                Self::new(Code::StoreTooNew, format!("the tracker file is of version {found}; this program knows {known}"))
                    .hint("nothing was changed; install a newer lattice")
            }
            S::NeedsUpgrade { found, known } => {
                Self::new(Code::StoreTooOld, format!("the tracker file is of version {found}; this program works with {known}, and reading upgrades nothing"))
                    .hint("run `lattice doctor --fix` once where the file can be written; it keeps a copy of the old file")
            }
            S::NetworkFileSystem { kind, path } => {
                Self::new(Code::StoreUnsupported, format!("{} is on a network file system ({kind}), whose locks cannot be trusted", path.display()))
                    .hint("keep the tracker on a local disk and share the exported tree with git")
            }
            S::Unsupported { .. } => Self::new(Code::StoreUnsupported, detail).hint("Lattice runs on Linux and macOS"),
            S::SymlinkRefused { path } => Self::new(Code::StoreDenied, format!("{} is a symbolic link", path.display()))
                .hint("nothing was changed; put the real folder or file there"),
            S::UnsafePath { path } => Self::new(Code::StoreIo, format!("{} is not a usable file", path.display()))
                .hint("nothing was changed; look at what stands there"),
            S::NotADirectory { path } => Self::new(Code::StoreIo, format!("{} is not a folder", path.display()))
                .hint("nothing was changed; move that file away"),
            S::Missing { path } => Self::new(Code::StoreIo, format!("{} is not there", path.display())).hint("check the path"),
            S::Exists { path } => Self::new(Code::Conflict, format!("{} is there already", path.display())).hint("choose another name"),
            S::InsideTracker { path } => Self::new(Code::ValidationError, format!("{} would stand inside of a tracker", path.display()))
                .hint("keep backups elsewhere, best on another disk"),
            S::NotABackup { path } => Self::new(Code::Conflict, format!("{} is no backup of Lattice, so it is not replaced", path.display()))
                .hint("choose another name"),
            S::StrayJournal { path } => {
                Self::new(Code::StoreCorrupt, format!("{} is left over from a database that is not there", path.display()))
                    .hint("nothing was changed; it may hold work of a deleted database: move it away, then run `lattice init`")
            }
            S::Io { detail, path: Some(path) } | S::Unread { detail, path } => Self::new(Code::StoreIo, format!("the disk or the file failed: {}: {detail}", path.display()))
                .hint("nothing was changed; see `lattice doctor`"),
            S::Io { .. } | S::Unexpected { .. } | S::Unplaced(_) => {
                Self::new(Code::StoreIo, format!("the disk or the file failed: {detail}")).hint("nothing was changed; see `lattice doctor`")
            }
            S::CommitUnknown { .. } => {
                Self::new(Code::CommitUnknown, format!("saving failed at the last step ({detail}): the change may or may not be there"))
                    .hint("look first, with `lattice show` or `lattice events`, before you try again")
            }
            S::Sql { detail } => Self::new(Code::SqlError, detail).hint("`lattice sql --schema` lists tables and views"),
            S::SqlRefused { what } => {
                Self::new(Code::SqlRefused, format!("not allowed here: {what}")).hint("`lattice sql` only reads: one SELECT at a time")
            }
            S::SqlTimeout { after } => Self::new(Code::SqlTimeout, format!("the query ran longer than {} s", after.as_secs_f64()))
                .hint("narrow it, or raise --timeout"),
            S::SqlTooBig => Self::new(Code::SqlTooBig, "the query needs more memory than is allowed").hint("select less, or add a LIMIT"),
        };
        Self { may_pass, ..failure }
    }
}
