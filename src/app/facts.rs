//! Loading the facts of a decision, inside the transaction that will write.

use std::borrow::Borrow;

use super::failure::Failure;
use super::world::World;
use crate::domain::artifact::KnownArtifact;
use crate::domain::event::kind;
use crate::domain::id::{ArtifactId, TaskId};
use crate::domain::redact::tombstone;
use crate::domain::workflow::review_cycles as review_cycles_of;
use crate::domain::{Command, Config, Event, Facts, ShortId, Subject, Task, concurrent_changes};
use crate::store::{Reader, TextKind, hex, sha256};

/// What deciding this command takes, and no more.
pub(super) fn load(
    reader: &Reader<'_>,
    world: &World,
    config: Config,
    command: &Command,
) -> Result<Facts, Failure> {
    let mut facts = empty(world, config);
    if let Some(id) = command.task().filter(|_| command.fresh_task().is_none()) {
        facts.task = reader.find_task(id)?;
    }
    if let Some(name) = command.resource() {
        facts.resource = reader.find_resource(name)?;
    }
    match command {
        Command::Create { id, chosen, .. } => {
            if *chosen {
                facts.created = creation(reader, id)?;
            }
            facts.next_short_id = next_short_id(reader, &facts.config)?;
        }
        Command::Status { task, .. } => {
            load_plan(reader, task, &mut facts)?;
            facts.review_cycles = review_cycles(reader, &facts)?;
        }
        Command::Claim { task } => load_plan(reader, task, &mut facts)?,
        Command::SetPlan { task, .. } => facts.plan = reader.find_text(TextKind::Plan, task)?.map(|t| t.body),
        Command::SetNotes { task, .. } => {
            facts.notes = reader.find_text(TextKind::Notes, task)?.map(|t| t.body)
        }
        Command::SetContext { .. } => facts.context = reader.context()?,
        Command::Comment { task, reply_to: Some(comment), .. }
        | Command::CommentEdit { task, comment, .. }
        | Command::CommentDelete { task, comment }
        | Command::React { task, comment, .. }
        | Command::Unreact { task, comment, .. } => {
            facts.comment = reader.find_comment(task, comment.as_str())?
        }
        Command::Link { task, kind, target, .. } => {
            facts.target = reader.find_task(target)?;
            facts.way_back = way_back(reader, kind, task, target)?;
        }
        Command::Unlink { target, .. } => facts.target = reader.find_task(target)?,
        Command::Redact { event, subject, .. } => {
            if let Subject::Resource(id) = subject
                && let Some(name) = reader.resource_of_id(id.as_str())?
            {
                facts.resource = reader.find_resource(&name)?;
            }
            facts.same_id = reader.find_event(event)?;
            facts.tombstone = facts.same_id.as_ref().map(|event| tombstone(event, fingerprint));
        }
        Command::Settle { subject, .. } => facts.open = open(reader, subject)?,
        Command::Custom { id: Some(id), .. } => facts.same_id = reader.find_event(id)?,
        Command::CreateResource { id, chosen: true, .. } => {
            facts.name_of_id = reader.resource_of_id(id.as_str())?
        }
        Command::Attach { id: Some(id), attachment, .. } => {
            facts.same_artifact = known_artifact(reader, id, attachment.content.bytes())?
        }
        Command::NameTask { .. } => facts.next_short_id = next_short_id(reader, &facts.config)?,
        Command::Renumber { task, to } => {
            let shown = facts.task.as_ref().and_then(|task| task.short_id.as_ref());
            if let Some(wanted) = to.as_ref().or(shown) {
                facts.is_short_id_taken = reader.is_short_id_taken(wanted, task)?;
            } else {
                facts.next_short_id = next_short_id(reader, &facts.config)?;
            }
        }
        Command::CreateResource { .. }
        | Command::AcquireResource { .. }
        | Command::ReleaseResource { .. }
        | Command::HeartbeatResource { .. }
        | Command::Comment { .. }
        | Command::Attach { .. }
        | Command::BranchLink { .. }
        | Command::BranchUnlink { .. }
        | Command::Custom { .. }
        | Command::Update { .. }
        | Command::Assign { .. }
        | Command::Complete { .. }
        | Command::Archive { .. }
        | Command::Unarchive { .. }
        | Command::SetConfig { .. }
        | Command::UnsetConfig { .. }
        | Command::EditConfig { .. }
        | Command::SetProjectCode { .. }
        | Command::SetSubprojectCode { .. } => {}
    }
    Ok(facts)
}

/// The facts of a command that nothing else bears on.
pub(super) fn empty(world: &World, config: Config) -> Facts {
    Facts {
        now: world.now(),
        config,
        task: None,
        created: None,
        target: None,
        way_back: None,
        comment: None,
        plan: None,
        notes: None,
        context: None,
        titles: Vec::new(),
        descriptions: Vec::new(),
        review_cycles: 0,
        same_id: None,
        tombstone: None,
        resource: None,
        name_of_id: None,
        next_short_id: None,
        is_short_id_taken: false,
        same_artifact: None,
        open: Vec::new(),
        fresh_artifact: world.artifact_id(),
    }
}

/// What was changed concurrently in the history of this subject.
fn open(reader: &Reader<'_>, subject: &Subject) -> Result<Vec<String>, Failure> {
    let history = match subject {
        Subject::Task(id) => reader.history(id)?,
        Subject::Instance => reader.instance_history()?,
        Subject::Resource(_) => Vec::new(),
    };
    Ok(concurrent_changes(&history).into_iter().map(|open| open.what).collect())
}

/// A SHA-256 as it is written down.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

fn creation(reader: &Reader<'_>, id: &TaskId) -> Result<Option<Event>, Failure> {
    Ok(reader.history(id)?.into_iter().find(|e| e.kind == kind::TASK_CREATED))
}

/// What is there under an id, held against the payload that is to be attached.
fn known_artifact(
    reader: &Reader<'_>,
    id: &ArtifactId,
    payload: Option<&[u8]>,
) -> Result<Option<KnownArtifact>, Failure> {
    let Some(artifact) = reader.find_artifact(id.as_str())? else { return Ok(None) };
    let same_payload = reader.payload_hash(id)? == payload.map(sha256);
    Ok(Some(KnownArtifact { artifact, same_payload }))
}

fn next_short_id(reader: &Reader<'_>, config: &Config) -> Result<Option<ShortId>, Failure> {
    let Some(prefix) = config.short_id_prefix() else { return Ok(None) };
    let number = reader.next_number(&prefix)?;
    Ok(Some(ShortId { prefix, number }))
}

/// The plan, and, where there is one, the titles and descriptions whose scaffold it might be.
fn load_plan(reader: &Reader<'_>, id: &TaskId, facts: &mut Facts) -> Result<(), Failure> {
    let Some(plan) = reader.find_text(TextKind::Plan, id)? else { return Ok(()) };
    facts.plan = Some(plan.body);
    let (titles, descriptions) = names_over_time(facts.task.as_ref(), &reader.history(id)?);
    facts.titles = titles;
    facts.descriptions = descriptions;
    Ok(())
}

/// Titles and descriptions that a task has and had.
#[must_use]
pub fn names_over_time<E: Borrow<Event>>(task: Option<&Task>, history: &[E]) -> (Vec<String>, Vec<String>) {
    let mut titles: Vec<String> = task.map(|t| t.title.clone()).into_iter().collect();
    let mut descriptions: Vec<String> = task.and_then(|t| t.description.clone()).into_iter().collect();
    for event in history.iter().map(Borrow::borrow) {
        match event.kind.as_str() {
            kind::TASK_CREATED => {
                titles.extend(event.text("title").map(str::to_owned));
                descriptions.extend(event.text("description").map(str::to_owned));
            }
            kind::FIELD_UPDATED => match event.text("field") {
                Some("title") => titles.extend(event.text("to").map(str::to_owned)),
                Some("description") => descriptions.extend(event.text("to").map(str::to_owned)),
                _ => {}
            },
            _ => {}
        }
    }
    (titles, descriptions)
}

/// How often the task went from review back to work; asked only where it is in review.
fn review_cycles(reader: &Reader<'_>, facts: &Facts) -> Result<u64, Failure> {
    let Some(task) = facts.task.as_ref().filter(|t| t.status == "review") else { return Ok(0) };
    Ok(review_cycles_of(&reader.history(&task.id)?))
}

/// The way that the new relation would close to a circle, by name, beginning and ending with the
/// same task.
fn way_back(
    reader: &Reader<'_>,
    kind: &str,
    task: &TaskId,
    target: &TaskId,
) -> Result<Option<Vec<String>>, Failure> {
    let (from, to, waits) = match kind {
        "depends_on" => (target, task, true),
        "blocks" => (task, target, true),
        "subtask_of" => (target, task, false),
        _ => return Ok(None),
    };
    let Some(way) = reader.way(from, to, waits)? else { return Ok(None) };
    let mut names = Vec::with_capacity(way.len() + 1);
    for id in way.iter().chain(way.first()) {
        let task = TaskId::parse_foreign(id).map(|id| reader.find_task(&id)).transpose()?.flatten();
        names.push(task.map_or_else(|| id.clone(), |task| task.name()));
    }
    Ok(Some(names))
}
