//! The one write path: facts, decision, events, rows, commit.

use super::App;
use super::code::Code;
use super::failure::Failure;
use super::identity::Identity;
use super::{Due, World, facts, hooks, resolve};
use crate::domain::event::{Event, EventBody, MAX_BYTES, Subject, kind};
use crate::domain::id::{ResourceId, TaskId};
use crate::domain::resource::Resource;
use crate::domain::{Actor, Artifact, Author, Command, Config, Decision, Facts, SortKey, Task, decide};
use crate::store::{ArtifactAdded, Reader, Transaction};

/// What came of a command.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The events that were written; none if all was as wished already.
    pub events: Vec<Event>,
    /// The task that the command was about, as it is now.
    pub task: Option<Task>,
    /// The task as it was before.
    pub before: Option<Task>,
    /// The resource that the command was about, as it is now.
    pub resource: Option<Resource>,
    /// The stored event of an id that the caller chose, where the same was written before.
    pub known: Option<Event>,
    /// The artifact that was attached, now or before.
    pub artifact: Option<Artifact>,
    /// What the caller should know although it worked.
    pub warnings: Vec<String>,
    /// The hooks that the events call, once they are committed.
    pub(super) due: Vec<Due>,
}

/// What a command is built from, inside the transaction: the ids that names mean, and the time.
pub struct Names<'a> {
    reader: &'a Reader<'a>,
    /// The configuration.
    pub config: &'a Config,
    /// Milliseconds since the epoch.
    pub now_millis: u64,
    world: &'a World,
}

/// Words that stand for nobody, in any case.
const NOBODY: [&str; 3] = ["none", "unassigned", "-"];

impl Names<'_> {
    /// An id for a new task.
    #[must_use]
    pub fn fresh_task(&self) -> TaskId {
        self.world.task_id()
    }

    /// An id for a new resource.
    #[must_use]
    pub fn fresh_resource(&self) -> ResourceId {
        self.world.resource_id()
    }

    /// The id of the task that this text means.
    ///
    /// # Errors
    /// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
    pub fn task(&self, text: &str) -> Result<TaskId, Failure> {
        resolve::task(self.reader, text).map(|task| task.id)
    }

    /// The same for the other end of a relation, which need not be here: a merge can bring one
    /// half of two histories.
    ///
    /// # Errors
    /// As [`Names::task`]; a whole id is never `NOT_FOUND`.
    pub fn relation_end(&self, text: &str) -> Result<TaskId, Failure> {
        match self.task(text) {
            Err(failure) if failure.code == Code::NotFound => {
                TaskId::parse_foreign(text.trim()).ok_or(failure)
            }
            found => found,
        }
    }

    /// What people call a task, which need not be here.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn shown(&self, id: &TaskId) -> Result<String, Failure> {
        Ok(self.reader.find_task(id)?.map_or_else(|| id.to_string(), |task| task.name()))
    }

    /// The name of the resource that this text means.
    ///
    /// # Errors
    /// `NOT_FOUND` for an id of no resource.
    pub fn resource(&self, text: &str) -> Result<String, Failure> {
        resolve::resource(self.reader, text)
    }

    /// The event of this id.
    ///
    /// # Errors
    /// `INVALID_ID`, `NOT_FOUND`.
    pub fn event(&self, text: &str) -> Result<Event, Failure> {
        resolve::event(self.reader, text)
    }

    /// The actor or the session that this text names.
    ///
    /// # Errors
    /// `INVALID_ACTOR`.
    pub fn actor(&self, text: &str) -> Result<Actor, Failure> {
        super::identity::actor_or_session(self.reader, text)
    }

    /// The same for whom a task is given to: nobody, if the text says so.
    ///
    /// # Errors
    /// `INVALID_ACTOR`.
    pub fn assignee(&self, text: &str) -> Result<Option<Actor>, Failure> {
        if NOBODY.contains(&text.to_ascii_lowercase().as_str()) {
            Ok(None)
        } else {
            self.actor(text).map(Some)
        }
    }
}

impl App {
    /// Carries out one command in one transaction. `build` makes the command from names.
    ///
    /// # Errors
    /// [`Failure`]; nothing was changed, unless the code says that saving failed at the end.
    pub fn execute(
        &mut self,
        who: &Identity,
        build: impl FnOnce(&Names<'_>) -> Result<Command, Failure>,
    ) -> Result<Outcome, Failure> {
        let world = &self.world;
        let outcome = self.store.write(|tx| Work::begin(tx, world)?.run(who, build))?;
        self.remember_hooks(&outcome);
        Ok(outcome)
    }

    /// Whether a command would be carried out now, without doing it: for those who wait, and must
    /// not queue with the writers each time they look.
    ///
    /// # Errors
    /// What [`App::execute`] would fail with.
    pub fn weigh(
        &self,
        who: &Identity,
        build: impl FnOnce(&Names<'_>) -> Result<Command, Failure>,
    ) -> Result<(), Failure> {
        let world = &self.world;
        self.store.read(|reader| {
            let config = reader.config()?;
            let author = who.author(reader, &config)?;
            let command = build(&names(reader, &config, world))?;
            let facts = facts::load(reader, world, config, &command)?;
            decide(&facts, &author, &command)?;
            Ok(())
        })
    }
}

/// A transaction in which commands are carried out one after the other: each sees what those
/// before it did.
pub(super) struct Work<'t, 'a> {
    tx: &'t Transaction<'a>,
    world: &'t World,
    config: Config,
}

impl<'t, 'a> Work<'t, 'a> {
    /// Begins in a transaction that is open.
    ///
    /// # Errors
    /// [`Failure`] if the configuration cannot be read.
    pub(super) fn begin(tx: &'t Transaction<'a>, world: &'t World) -> Result<Self, Failure> {
        Ok(Self { tx, world, config: tx.config()? })
    }

    /// Carries out one command. After a failure the transaction must not be committed.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn run(
        &mut self,
        who: &Identity,
        build: impl FnOnce(&Names<'_>) -> Result<Command, Failure>,
    ) -> Result<Outcome, Failure> {
        let author = who.author(self.tx, &self.config)?;
        let command = build(&names(self.tx, &self.config, self.world))?;
        let outcome = carry_out(self.tx, self.world, self.config.clone(), &author, &command)?;
        if outcome.events.iter().any(|event| event.subject == Subject::Instance) {
            self.config = self.tx.config()?;
        }
        Ok(outcome)
    }

    /// Takes the next task; see [`App::claim_next`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn claim(
        &mut self,
        who: &Identity,
        statuses: Option<&[String]>,
    ) -> Result<Option<Outcome>, Failure> {
        super::next::claim(self.tx, self.world, &self.config, who, statuses)
    }
}

fn names<'a>(reader: &'a Reader<'a>, config: &'a Config, world: &'a World) -> Names<'a> {
    Names { reader, config, now_millis: world.millis(), world }
}

/// Decides and writes, inside a transaction that is already open.
pub(super) fn carry_out(
    tx: &Transaction<'_>,
    world: &World,
    config: Config,
    author: &Author,
    command: &Command,
) -> Result<Outcome, Failure> {
    let facts = facts::load(tx, world, config, command)?;
    let decision = decide(&facts, author, command)?;
    let artifact = decision.artifacts.last().map(|new| new.artifact.clone());
    command.fresh_task().inspect(|id| tx.made_up(id));
    let events = write(tx, world, &facts, author, decision)?;
    if let (Actor::Session(_), false) = (&author.actor, events.is_empty()) {
        tx.touch_session(author.actor.display(), &facts.now.to_string())?;
    }
    let task = match command.task() {
        Some(_) if events.is_empty() => facts.task.clone(),
        Some(id) => tx.find_task(id)?,
        None => None,
    };
    let warnings = warnings(tx, &facts.config, &events)?;
    let known = facts.same_id.filter(|_| events.is_empty());
    let resource = match command.resource() {
        Some(name) => tx.find_resource(name)?.map(|resource| resource.at(facts.now)),
        None => None,
    };
    let artifact = artifact.or_else(|| facts.same_artifact.map(|known| known.artifact));
    let due = hooks::due(tx, &facts.config, &events)?;
    Ok(Outcome { events, task, before: facts.task, resource, known, artifact, warnings, due })
}

/// Stamps what was decided with ids, time, author and parents, and writes it.
fn write(
    tx: &Transaction<'_>,
    world: &World,
    facts: &Facts,
    author: &Author,
    decision: Decision,
) -> Result<Vec<Event>, Failure> {
    let (now, task, resource) = (facts.now, facts.task.as_ref(), facts.resource.as_ref());
    for artifact in &decision.artifacts {
        if tx.add_artifact(artifact)? == ArtifactAdded::Differs {
            return Err(
                crate::domain::Rejection::ContentDiffers { id: artifact.artifact.id.to_string() }.into()
            );
        }
    }
    tx.redact(&decision.tombstones.iter().collect::<Vec<_>>())?;
    if decision.events.is_empty() {
        return Ok(Vec::new());
    }
    let mut last: Vec<SortKey> = tx.last_key()?.into_iter().chain(task.map(Task::last_key)).collect();
    last.extend(resource.map(Resource::last_key));
    let mut heads = match decision.events.first().map(|e| &e.subject) {
        Some(Subject::Instance) => {
            last.extend(tx.last_instance_key()?);
            tx.instance_heads()?
        }
        Some(Subject::Resource(_)) => resource.map(Resource::head_ids).unwrap_or_default(),
        _ => task.map(Task::head_ids).unwrap_or_default(),
    };
    let mut events = Vec::with_capacity(decision.events.len());
    for body in decision.events {
        let id = body.id.clone().unwrap_or_else(|| world.event_id(&last));
        let kind = body.kind.clone();
        let event = Event::compose(body, id.clone(), now, &author.actor, &author.stamp, heads);
        if event.raw().len() > MAX_BYTES {
            return Err(Failure::new(
                Code::ValidationError,
                format!(
                    "this {kind} would be {} bytes long, and {MAX_BYTES} is the limit",
                    event.raw().len()
                ),
            )
            .hint("keep long material in a file, and write where it is"));
        }
        // What does not read back would make the whole history unreadable, for ever.
        if let Err(error) = event.reads_back() {
            return Err(Failure::new(
                Code::ValidationError,
                format!("this {kind} cannot be stored: {error}"),
            )
            .hint("write it with fewer levels of lists and objects"));
        }
        last = vec![event.key.clone()].into_iter().chain(last).max().into_iter().collect();
        heads = vec![id];
        events.push(event);
    }
    tx.append(&events, &facts.config)?;
    Ok(events)
}

/// Writes events that no decision made, at the beginning of a tracker.
pub(super) fn write_bodies(
    tx: &Transaction<'_>,
    world: &World,
    author: &Author,
    bodies: Vec<EventBody>,
) -> Result<Vec<Event>, Failure> {
    write(tx, world, &facts::empty(world, tx.config()?), author, bodies.into())
}

/// A status that now holds more tasks than it should.
fn warnings(reader: &Reader<'_>, config: &Config, events: &[Event]) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    let last =
        events.iter().rev().find(|e| matches!(e.kind.as_str(), kind::STATUS_CHANGED | kind::TASK_CREATED));
    let to = last.and_then(|e| e.text("to").or(e.text("status")));
    if let Some((status, limit)) = to.and_then(|status| Some((status, config.wip_limit(status)?))) {
        let current = reader.in_status(status)?;
        if current > limit {
            warnings.push(format!("{status} holds {current} tasks, and its limit is {limit}"));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{ImportSet, InitOptions, Merge, Place, Sourced};
    use crate::domain::command::NewTask;

    #[test]
    fn a_relation_to_a_task_that_is_not_here_can_be_ended() {
        let mut app =
            App::in_memory(World::scripted(1_000_000_000_000, 3), &InitOptions::default(), None).unwrap();
        let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
        let made = app.execute(&who, |names| {
            let task = NewTask { title: "here".into(), ..NewTask::default() };
            Ok(Command::Create { id: names.fresh_task(), chosen: false, task })
        });
        let here = made.unwrap().task.unwrap().id;
        let gone = "task_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let event = Event::parse(&format!(
            r#"{{"id":"ev_01DXF6DT00ZZZZZZZZZZZZZZZZ","ts":"2020-01-01T00:00:00Z","type":"relationship_added","actor":"agent:b","task_id":"{here}","data":{{"type":"blocks","target_task_id":"{gone}"}},"parents":[]}}"#
        ));
        let place = Place { file: "log".into(), line: None };
        let set = ImportSet { events: vec![Sourced { item: event.unwrap(), place }], ..ImportSet::default() };
        app.import(&set, &Merge::default(), false, |_| {}).unwrap();
        let mut unlink = || {
            app.execute(&who, |names| {
                let target = names.relation_end(gone)?;
                Ok(Command::Unlink { task: here.clone(), kind: "blocks".into(), target })
            })
        };
        assert!(unlink().unwrap().task.unwrap().relationships_out.is_empty());
        assert_eq!(unlink().unwrap_err().code, Code::NotFound);
    }
}
