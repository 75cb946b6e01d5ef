//! The decisions: given facts and a wish, which events, or which rejection. Pure.

mod artifacts;
mod branches;
mod comments;
mod conflicts;
mod create;
mod fields;
mod lifecycle;
mod links;
mod redact;
mod resources;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod texts;

pub use fields::split_tags;
pub use resources::declared;
pub use settings::checked_code;

use super::artifact::NewArtifact;
use super::command::{Author, Command};
use super::event::{Event, EventBody};
use super::facts::Facts;
use super::rejection::Rejection;
use super::task::Task;

/// What a command leads to. Without events and artifacts everything is as wished already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The events to append, in order.
    pub events: Vec<EventBody>,
    /// The artifacts to add.
    pub artifacts: Vec<NewArtifact>,
    /// Tombstones to put in the place of their events.
    pub tombstones: Vec<Event>,
}

impl From<Vec<EventBody>> for Decision {
    fn from(events: Vec<EventBody>) -> Self {
        Self { events, ..Self::default() }
    }
}

/// Decides. A command about a task expects `facts.task` to be there, except for creation.
///
/// # Errors
/// [`Rejection`] if a rule says no; nothing happens then.
pub fn decide(facts: &Facts, author: &Author, command: &Command) -> Result<Decision, Rejection> {
    match command {
        Command::Create { id, task, .. } => create::create(facts, id, task).map(Into::into),
        Command::SetContext { body, base } => texts::context(facts, body, base.as_deref()).map(Into::into),
        Command::SetConfig { path, to } => settings::set(facts, path, to).map(Into::into),
        Command::UnsetConfig { path } => settings::unset(facts, path).map(Into::into),
        Command::EditConfig { base, to } => settings::edit(facts, base, to).map(Into::into),
        Command::SetProjectCode { code, force } => {
            settings::project_code(facts, code, *force).map(Into::into)
        }
        Command::SetSubprojectCode { code, force } => {
            settings::subproject_code(facts, code, *force).map(Into::into)
        }
        Command::CreateResource { id, resource, .. } => {
            resources::create(facts, id, resource).map(Into::into)
        }
        Command::AcquireResource { name, fresh, task, force } => {
            resources::acquire(facts, author, name, fresh, task.as_ref(), *force).map(Into::into)
        }
        Command::ReleaseResource { name } => resources::release(facts, author, name).map(Into::into),
        Command::HeartbeatResource { name } => resources::heartbeat(facts, author, name).map(Into::into),
        Command::Redact { reason, .. } => redact::redact(facts, reason),
        Command::Settle { subject, what } => conflicts::settle(facts, subject, what).map(Into::into),
        Command::Archive { .. } => lifecycle::archive(existing(facts, command)?).map(Into::into),
        Command::Unarchive { .. } => lifecycle::unarchive(existing(facts, command)?).map(Into::into),
        Command::Unlink { kind, target, .. } => {
            links::unlink(active(facts, command)?, kind, target.as_str(), facts.target.as_ref())
                .map(Into::into)
        }
        Command::Update { changes, .. } => {
            fields::update(facts, active(facts, command)?, changes).map(Into::into)
        }
        Command::Status { to, force, .. } => {
            status::status(facts, author, active(facts, command)?, to, *force).map(Into::into)
        }
        Command::Assign { to, .. } => Ok(fields::assign(active(facts, command)?, to.as_ref()).into()),
        Command::Claim { .. } => status::claim(facts, author, active(facts, command)?).map(Into::into),
        Command::Comment { body, reply_to, role, .. } => {
            comments::comment(facts, active(facts, command)?, body, reply_to.as_ref(), role.as_deref())
                .map(Into::into)
        }
        Command::CommentEdit { comment, body, role, .. } => {
            comments::edit(facts, active(facts, command)?, comment, body, role.as_deref()).map(Into::into)
        }
        Command::CommentDelete { comment, .. } => {
            comments::delete(facts, active(facts, command)?, comment).map(Into::into)
        }
        Command::React { comment, emoji, .. } => {
            comments::react(facts, author, active(facts, command)?, comment, emoji).map(Into::into)
        }
        Command::Unreact { comment, emoji, .. } => {
            comments::unreact(facts, author, active(facts, command)?, comment, emoji).map(Into::into)
        }
        Command::Link { kind, target, note, .. } => {
            links::link(facts, active(facts, command)?, kind, target.as_str(), note.as_deref())
                .map(Into::into)
        }
        Command::Attach { id, attachment, role, .. } => {
            let task = active(facts, command)?;
            artifacts::attach(facts, author, task, id.as_ref(), attachment, role.as_deref())
        }
        Command::BranchLink { branch, repo, .. } => {
            branches::link(active(facts, command)?, branch, repo.as_deref()).map(Into::into)
        }
        Command::BranchUnlink { branch, repo, .. } => {
            branches::unlink(active(facts, command)?, branch, repo.as_deref()).map(Into::into)
        }
        Command::NameTask { .. } => lifecycle::name(facts, existing(facts, command)?).map(Into::into),
        Command::Renumber { to, .. } => {
            lifecycle::renumber(facts, existing(facts, command)?, to.as_ref()).map(Into::into)
        }
        Command::Complete { review, .. } => status::complete(facts, author, active(facts, command)?, review),
        Command::Custom { kind, data, id, .. } => {
            lifecycle::custom(facts, active(facts, command)?, kind, data, id.as_ref()).map(Into::into)
        }
        Command::SetPlan { body, base, .. } => {
            texts::plan(facts, active(facts, command)?, body, base.as_deref()).map(Into::into)
        }
        Command::SetNotes { body, base, .. } => {
            texts::notes(facts, active(facts, command)?, body, base.as_deref()).map(Into::into)
        }
    }
}

/// The task of the command, archived or not.
fn existing<'a>(facts: &'a Facts, command: &Command) -> Result<&'a Task, Rejection> {
    facts.task.as_ref().ok_or_else(|| Rejection::Invalid {
        what: "task",
        got: command.task().map(ToString::to_string).unwrap_or_default(),
        rule: "must exist",
    })
}

/// The same, refusing an archived one: those are not changed.
fn active<'a>(facts: &'a Facts, command: &Command) -> Result<&'a Task, Rejection> {
    let task = existing(facts, command)?;
    if task.archived {
        return Err(Rejection::Archived { task: task.name() });
    }
    Ok(task)
}

/// Checks a value against a fixed list.
fn one_of(what: &'static str, got: &str, allowed: &[impl AsRef<str>]) -> Result<(), Rejection> {
    if allowed.iter().any(|a| a.as_ref() == got) {
        return Ok(());
    }
    Err(Rejection::NotOneOf {
        what,
        got: got.to_owned(),
        allowed: allowed.iter().map(|a| a.as_ref().to_owned()).collect(),
    })
}
