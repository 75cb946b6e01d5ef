//! Commands of all kinds, by lot: what people and agents do to a tracker.

use lattice::app::{App, Code, ExitClass, Failure, Identity, Names, Redaction, TaskFilter};
use lattice::domain::artifact::{Attached, Attachment};
use lattice::domain::command::{NewResource, NewTask};
use lattice::domain::id::EventId;
use lattice::domain::session::NewSession;
use lattice::domain::workflow::{DEFAULT_STATUSES, RELATIONSHIP_TYPES};
use lattice::domain::{Actor, Command, Task};
use serde_json::json;

use crate::cuts::mix;

/// Who does it.
pub fn who() -> Identity {
    let (actor, reason) = (Some("agent:a".into()), Some("because".into()));
    Identity { actor, reason, ..Identity::default() }
}

/// Carries one out. Refused ones are no fault, and nothing happened.
pub fn act(app: &mut App, lot: u64) -> Result<Did, Failure> {
    let result = match lot % 40 {
        0 => redact(app, lot).map(drop),
        1 => app.start_session(&session(lot)).map(drop),
        _ => by_lot(app, lot).and_then(|command| {
            let make = |names: &Names<'_>| Ok(command.unwrap_or_else(|| create(names, lot)));
            app.execute(&who(), make).map(drop)
        }),
    };
    match result {
        Err(failure) if failure.code.exit_class() == ExitClass::Refused => Ok(Did::Nothing),
        result => result.map(|()| Did::It),
    }
}

/// Whether anything was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    It,
    Nothing,
}

/// A new task with a description of some length.
fn create(names: &Names<'_>, lot: u64) -> Command {
    let task = NewTask {
        title: format!("Task {}", lot % 1000),
        description: Some("what it is about ".repeat((lot >> 8) as usize % 20)),
        tags: vec![format!("tag{}", lot % 5)],
        ..NewTask::default()
    };
    Command::Create { id: names.fresh_task(), chosen: false, task }
}

fn session(lot: u64) -> NewSession {
    let name = Some(format!("session{}", lot % 3));
    NewSession { base_name: name, ..NewSession::default() }
}

/// Takes the content of an event away, and then writes the file anew.
fn redact(app: &mut App, lot: u64) -> Result<Redaction, Failure> {
    let ids = crate::tracker::ids(app);
    app.redact(&who(), &ids[lot as usize / 64 % ids.len()])
}

/// A command about the tasks that are there; `None` while there are none.
fn by_lot(app: &App, lot: u64) -> Result<Option<Command>, Failure> {
    let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
    let tasks: Vec<Task> = app.read(|reader| Ok(reader.tasks(&filter)?))?;
    let pick = |n: u64| tasks.get(mix(lot ^ n) as usize % tasks.len().max(1)).map(|task| task.id.clone());
    let (Some(task), Some(target)) = (pick(1), pick(2)) else { return Ok(None) };
    let comments = app.read(|reader| Ok(reader.comments(&task)?))?;
    let comment = comments.first().and_then(|comment| EventId::parse(&comment.id));
    let text = format!("text {} ", lot % 7).repeat(1 + (lot >> 16) as usize % 60);
    let name = format!("resource{}", lot % 2);
    let kind = RELATIONSHIP_TYPES[(lot >> 8) as usize % 3].to_owned();
    Ok(Some(match (lot % 40, comment) {
        (2..=7, _) => return Ok(None),
        (8..=11, _) => {
            let to = DEFAULT_STATUSES[(lot >> 8) as usize % DEFAULT_STATUSES.len()].to_owned();
            Command::Status { task, to, force: true }
        }
        (12..=13, _) => Command::Assign { task, to: Some(Actor::Plain(format!("agent:{}", lot % 3))) },
        (14..=19, _) => Command::Comment { task, body: text, reply_to: None, role: None },
        (20, Some(comment)) => Command::CommentEdit { task, comment, body: text, role: None },
        (21, Some(comment)) => Command::CommentDelete { task, comment },
        (22, Some(comment)) => Command::React { task, comment, emoji: "+1".into() },
        (23 | 24, _) => Command::Link { task, kind, target, note: None },
        (25, _) => Command::Unlink { task, kind, target },
        (26, _) => Command::Archive { task },
        (27, _) => Command::Unarchive { task },
        (28, _) => Command::SetPlan { task, body: text, base: None },
        (29, _) => Command::SetNotes { task, body: text, base: None },
        (30, _) => Command::SetContext { body: text, base: None },
        (31, _) => Command::SetConfig { path: "/workflow/wip_limits/review".into(), to: json!(lot % 9) },
        (32, _) => {
            let content = Attached::Inline(text.repeat(1 + (lot >> 24) as usize % 8));
            let attachment = Attachment { kind: None, title: None, summary: None, sensitive: false, content };
            Command::Attach { task, id: None, attachment, role: None }
        }
        (33, _) => Command::BranchLink { task, branch: text, repo: None },
        (34 | 35, _) => return Ok(Some(of_resource(name, lot))),
        (36, _) => Command::Claim { task },
        _ => Command::Update { task, changes: vec![("description".into(), text)] },
    }))
}

fn of_resource(name: String, lot: u64) -> Command {
    // Resources have no names that depend on the clock: the same id would do.
    let fresh = lattice::domain::ResourceId::from_value(u128::from(mix(lot)));
    match lot >> 8 & 3 {
        0 => Command::ReleaseResource { name },
        1 => Command::AcquireResource { name, fresh, task: None, force: false },
        _ => {
            let resource =
                NewResource { name, description: None, max_holders: Some(2), ttl_seconds: Some(9999) };
            Command::CreateResource { id: fresh, chosen: false, resource }
        }
    }
}

/// Whether a failure leaves open what happened.
pub fn is_of_the_disk(failure: &Failure) -> bool {
    matches!(failure.code, Code::CommitUnknown | Code::StoreIo | Code::StoreFull | Code::StoreCorrupt)
}
