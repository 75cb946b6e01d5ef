//! The tree as bytes: what a moment of the tracker looks like in files.
//!
//! A pure function of the two sets: neither the order of arrival nor what stands on disk is seen
//! here. One file is held at a time, so the size of the tracker does not matter.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::layout::{self, TaskFile};
use super::prints::Prints;
use crate::app::{Code, Failure, Reader, TextKind};
use crate::domain::fold::Text;
use crate::domain::id::{ArtifactId, EventId};
use crate::domain::json::document;
use crate::domain::{Event, Subject, Task, TaskId, plan};

/// What a file of the tree is, for those who ask whether it may be written over.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// A log of one subject.
    Log(Subject),
    /// The log of all lifecycles.
    Lifecycle,
    /// A plan or notes.
    Text(TaskId, TaskFile),
    /// The plan of a task that nobody wrote one for: it follows from title and description.
    Scaffold(TaskId),
    /// The configuration.
    Config,
    /// The context.
    Context,
    /// Metadata of an artifact.
    Meta(ArtifactId),
    /// What an artifact holds.
    Payload(ArtifactId),
    /// The snapshot of a task.
    Snapshot(Box<Task>),
    /// Anything else that follows from the others.
    Derived,
}

/// A file of the tree.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where it stands.
    pub(super) path: PathBuf,
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// What it is.
    pub(super) source: Source,
}

impl Piece {
    /// Files get their names in this order: payloads, what hands may edit, logs, what follows from
    /// those. A text that is behind its log reads as an edit back to what it says, one that is ahead
    /// as an edit to what the tracker says anyway. A scaffold behind its log is known as one; ahead
    /// of it, it would be a plan that somebody wrote.
    pub(super) fn turn(&self) -> u8 {
        match self.source {
            Source::Payload(_) => 0,
            Source::Text(..) | Source::Config | Source::Context => 1,
            Source::Log(_) | Source::Lifecycle => 2,
            Source::Scaffold(_) | Source::Meta(_) | Source::Snapshot(_) | Source::Derived => 3,
        }
    }
}

/// What to render.
pub(super) struct Rendering<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// The payloads of sensitive artifacts too.
    pub(super) include_sensitive: bool,
    /// The tasks.
    pub(super) tasks: &'a [TaskId],
    /// The log of all lifecycles.
    pub(super) lifecycle: bool,
}

/// Which files are asked for. A file that is not wanted costs next to nothing.
pub(super) type Wanted<'a> = &'a dyn Fn(&Path) -> bool;
type Visit<'a> = &'a mut dyn FnMut(Piece) -> Result<(), Failure>;

/// Hands every wanted file on, and notes what the files of tasks read as.
///
/// # Errors
/// What `visit` fails with, or `STORE_…`.
pub(super) fn render(
    what: &Rendering<'_>,
    wanted: Wanted<'_>,
    prints: &mut Prints,
    visit: Visit<'_>,
) -> Result<(), Failure> {
    let reader = what.reader;
    let mut give = |path: PathBuf, source: Source, bytes: Vec<u8>| {
        prints.note(&source, &bytes);
        visit(Piece { path, bytes, source })
    };
    payloads(reader, what.include_sensitive, wanted, &mut give)?;
    for id in what.tasks {
        files_of(reader, id, wanted, &mut give)?;
    }
    logs(what, wanted, &mut give)?;
    resources(reader, wanted, &mut give)?;
    for artifact in reader.artifacts()? {
        let path = layout::artifact_meta(&artifact.id);
        if wanted(&path) {
            let bytes = document(&Value::Object(artifact.meta().clone())).into_bytes();
            give(path, Source::Meta(artifact.id.clone()), bytes)?;
        }
    }
    index(reader, wanted, &mut give)
}

type Give<'a> = &'a mut dyn FnMut(PathBuf, Source, Vec<u8>) -> Result<(), Failure>;

fn payloads(
    reader: &Reader<'_>,
    include_sensitive: bool,
    wanted: Wanted<'_>,
    give: Give<'_>,
) -> Result<(), Failure> {
    for artifact in reader.artifacts()? {
        let Some(file) = artifact.payload_file().filter(|file| layout::is_payload_of(&artifact.id, file))
        else {
            continue;
        };
        let path = layout::artifact_payload(file);
        if (artifact.is_sensitive() && !include_sensitive) || !wanted(&path) {
            continue;
        }
        if let Some(bytes) = reader.payload(&artifact.id)? {
            give(path, Source::Payload(artifact.id.clone()), bytes)?;
        }
    }
    Ok(())
}

/// Payloads that are in the tree although they are sensitive, for git to leave alone.
///
/// # Errors
/// `STORE_…`.
pub(super) fn sensitive_payloads(reader: &Reader<'_>) -> Result<Vec<PathBuf>, Failure> {
    let artifacts = reader.artifacts()?;
    let sensitive = artifacts.iter().filter(|artifact| artifact.is_sensitive());
    Ok(sensitive
        .filter_map(|a| a.payload_file().filter(|file| layout::is_payload_of(&a.id, file)))
        .map(layout::artifact_payload)
        .collect())
}

fn logs(what: &Rendering<'_>, wanted: Wanted<'_>, give: Give<'_>) -> Result<(), Failure> {
    let reader = what.reader;
    let ids = reader.logged_resources()?;
    let mut paths = ids.iter().map(|id| layout::resource_log(id)).chain([PathBuf::from(layout::INSTANCE)]);
    if paths.any(|path| wanted(&path)) {
        reader.prove_others()?;
    }
    for id in ids {
        let path = layout::resource_log(&id);
        if !wanted(&path) {
            continue;
        }
        let history = reader.resource_history(std::slice::from_ref(&id))?;
        let Some(subject) = history.first().map(|event| event.subject.clone()) else { continue };
        give(path, Source::Log(subject), log(history.iter().map(Event::raw)))?;
    }
    if what.lifecycle && wanted(Path::new(layout::LIFECYCLE)) {
        let bytes = log(reader.lifecycles(i64::MAX)?.iter().map(|(_, text)| text.as_str()));
        give(PathBuf::from(layout::LIFECYCLE), Source::Lifecycle, bytes)?;
    }
    if wanted(Path::new(layout::INSTANCE)) {
        let bytes = log(reader.instance_history()?.iter().map(Event::raw));
        give(PathBuf::from(layout::INSTANCE), Source::Log(Subject::Instance), bytes)?;
    }
    Ok(())
}

fn log<'e>(lines: impl Iterator<Item = &'e str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// A task's log, and beside it snapshot, plan and notes.
fn files_of(reader: &Reader<'_>, id: &TaskId, wanted: Wanted<'_>, give: Give<'_>) -> Result<(), Failure> {
    let task = reader.find_task(id)?;
    // Of events without a creation nothing can be archived.
    let archived = task.as_ref().is_some_and(|task| task.archived);
    let [log_file, snapshot, plan, notes] = TaskFile::ALL.map(|file| file.path(id, archived));
    if wanted(&log_file) {
        let bytes = log(reader.history_texts(id)?.iter().map(String::as_str));
        give(log_file, Source::Log(Subject::Task(id.clone())), bytes)?;
    }
    let Some(task) = task else { return Ok(()) };
    if wanted(&snapshot) {
        let bytes = document(&Value::Object(task.snapshot())).into_bytes();
        give(snapshot, Source::Snapshot(Box::new(task.clone())), bytes)?;
    }
    if wanted(&plan) {
        let (source, body) = match reader.find_text(TextKind::Plan, id)? {
            Some(text) => (Source::Text(id.clone(), TaskFile::Plan), proved(reader, &task, text)?),
            None => (Source::Scaffold(id.clone()), scaffold(&task)),
        };
        give(plan, source, body.into_bytes())?;
    }
    if wanted(&notes)
        && let Some(text) = reader.find_text(TextKind::Notes, id)?
        && !text.body.is_empty()
    {
        let body = proved(reader, &task, text)?;
        give(notes, Source::Text(id.clone(), TaskFile::Notes), body.into_bytes())?;
    }
    Ok(())
}

/// The body of a plan or of notes as the event says it that wrote it: wherever the tree is read,
/// damage would be taken for an edit.
fn proved(reader: &Reader<'_>, task: &Task, text: Text) -> Result<String, Failure> {
    let event =
        EventId::parse_foreign(&text.event_id).map(|id| reader.find_event(&id)).transpose()?.flatten();
    if event.as_ref().and_then(|event| event.text("body")) == Some(&text.body) {
        return Ok(text.body);
    }
    let message = format!("a text of {} is not what event {} says", task.name(), text.event_id);
    Err(Failure::new(Code::StoreCorrupt, message).hint(
        "`lattice doctor` says what is damaged; `lattice doctor --fix` makes the tables anew from the log",
    ))
}

fn scaffold(task: &Task) -> String {
    let short_id = task.short_id.as_ref().map(ToString::to_string);
    plan::scaffold(short_id.as_deref(), &task.title, task.description.as_deref())
}

fn resources(reader: &Reader<'_>, wanted: Wanted<'_>, give: Give<'_>) -> Result<(), Failure> {
    for resource in reader.resources()? {
        let path = layout::resource_snapshot(&resource.name);
        if wanted(&path) {
            give(path, Source::Derived, document(&Value::Object(resource.snapshot())).into_bytes())?;
        }
    }
    Ok(())
}

/// The files that say what the others are.
fn index(reader: &Reader<'_>, wanted: Wanted<'_>, give: Give<'_>) -> Result<(), Failure> {
    if wanted(Path::new(layout::CONFIG)) {
        let bytes = document(reader.config()?.value()).into_bytes();
        give(PathBuf::from(layout::CONFIG), Source::Config, bytes)?;
    }
    if wanted(Path::new(layout::CONTEXT))
        && let Some(context) = reader.context()?
    {
        give(PathBuf::from(layout::CONTEXT), Source::Context, context.into_bytes())?;
    }
    if wanted(Path::new(layout::IDS)) {
        give(PathBuf::from(layout::IDS), Source::Derived, document(&ids(reader)?).into_bytes())?;
    }
    if wanted(Path::new(layout::FORMAT_FILE)) {
        let format = json!({"format": layout::FORMAT, "program": "lattice"});
        give(PathBuf::from(layout::FORMAT_FILE), Source::Derived, document(&format).into_bytes())?;
    }
    Ok(())
}

fn ids(reader: &Reader<'_>) -> Result<Value, Failure> {
    let index = reader.short_id_index()?;
    let next: Map<String, Value> = index.next.into_iter().map(|(prefix, n)| (prefix, json!(n))).collect();
    let map: Map<String, Value> =
        index.shown.into_iter().map(|(short_id, task)| (short_id.to_string(), json!(task))).collect();
    let mut ids = json!({"schema_version": 2, "next_seqs": next, "map": map});
    if !index.floors.is_empty() {
        let floors: Map<String, Value> = index.floors.into_iter().map(|(p, n)| (p, json!(n))).collect();
        ids["floors"] = Value::Object(floors);
    }
    Ok(ids)
}
