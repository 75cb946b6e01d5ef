//! What stands beside the logs of tasks: plans and notes that a hand may have changed, snapshots
//! to be compared.

use std::borrow::Borrow;
use std::path::Path;

use serde_json::{Map, Value};

use super::files::{Derived, FILE_LIMIT, Folder};
use super::hand_edits::Base;
use super::histories::Histories;
use super::layout::TaskFile;
use super::lines::{invalid, whole};
use super::skipped::Skipped;
use super::texts::{json_text, text_file, unresolved};
use super::{Disagreement, ReadOptions, TreeReport, many, markers, reconcile, snapshots};
use crate::app::{Failure, Sourced, hex, names_over_time, sha256};
use crate::domain::event::{self, Event, Subject, kind};
use crate::domain::fold::TaskState;
use crate::domain::json::document;
use crate::domain::{Task, TaskId, plan, redact};

/// A task of the tree with what its log says.
struct Found<'a> {
    id: &'a TaskId,
    history: Vec<&'a Event>,
    state: TaskState,
}

impl Found<'_> {
    /// The history by itself, for events that hang on it.
    fn own_history(&self) -> Vec<Event> {
        self.history.iter().map(|event| (*event).clone()).collect()
    }
}

/// Takes in what stands beside the logs that were read: hand edits, and, if asked for, what only snapshots say.
///
/// # Errors
/// `IMPORT_INVALID` where a plan or notes cannot be read.
pub(super) fn read(
    folder: &Folder,
    options: &ReadOptions,
    histories: &mut Histories,
    skipped: Option<&Skipped<'_>>,
    report: &mut TreeReport,
) -> Result<(), Failure> {
    take_in_lone_snapshots(folder, options, histories, skipped, report)?;
    if histories.task_ids().is_empty() {
        return Ok(());
    }
    let shown = histories.shown_short_ids(skipped.into_iter().flat_map(Skipped::claims));
    let (ids, known) = (histories.task_ids(), &*histories);
    let read = many::each(&ids, |id| {
        let history = known.of_task(id);
        let (mut state, _) = TaskState::fold(&history);
        if let Some(task) = &mut state.task {
            task.short_id = shown.get(id).cloned();
        }
        let found = Found { id, history, state };
        let (mut made, mut heard) = (Vec::new(), TreeReport::default());
        for file in [TaskFile::Plan, TaskFile::Notes] {
            made.extend(hand_edits(folder, options, &found, file, &mut heard)?);
        }
        made.extend(compare(folder, options, &found, &mut heard)?);
        Ok::<_, Failure>((made, heard))
    });
    let mut made = Vec::new();
    for read in read {
        let (events, heard) = read?;
        made.extend(events);
        report.append(heard);
    }
    histories.extend(made);
    Ok(())
}

fn subject(id: &TaskId) -> Subject {
    Subject::Task(id.clone())
}

/// Events for a plan or notes that differ from what the log says. Normally there is one copy. Where
/// git left two, because one side moved the task and the other changed the text, the one that
/// belongs there speaks first, unless it is an old version and the other is the current one; the
/// other speaks only if it says what nobody knows.
fn hand_edits(
    folder: &Folder,
    options: &ReadOptions,
    found: &Found<'_>,
    file: TaskFile,
    report: &mut TreeReport,
) -> Result<Vec<Sourced<Event>>, Failure> {
    let archived = found.state.task.as_ref().is_some_and(|task| task.archived);
    let mut copies = Vec::new();
    for at in [archived, !archived] {
        let path = file.path(found.id, at);
        if let Some(text) = text_file(folder, &path, FILE_LIMIT, options.repair, &mut report.notices)? {
            copies.push((at, path, text));
        }
    }
    let versions = Versions::of(found, file);
    let is_current = |text: &str| versions.is_current(text);
    let has_current = copies.iter().any(|(_, _, text)| is_current(text));
    let mut events = Vec::new();
    for (at, path, text) in copies {
        if is_current(&text) || ((at != archived || has_current) && versions.is_known(&text)) {
            continue;
        }
        if let Some(conflict) = markers::conflict(&text) {
            if conflict.sides.as_ref().is_some_and(|sides| sides.iter().all(|side| versions.is_known(side))) {
                report.merged.push(markers::passed_over(&path));
                continue;
            }
            return Err(unresolved(&path, conflict.line));
        }
        let (subject, history) = (subject(found.id), found.own_history());
        let base = Base { subject: &subject, history: &history, origin: 0 };
        let kind = if file == TaskFile::Plan { kind::PLAN_UPDATED } else { kind::NOTES_UPDATED };
        events.push(within_limit(base.text(kind, &text), &path)?);
    }
    Ok(events)
}

/// An event made of a file, if a log could hold it.
pub(super) fn within_limit(event: Event, path: &Path) -> Result<Sourced<Event>, Failure> {
    let place = whole(path);
    if event.raw().len() > event::MAX_BYTES {
        let what = format!("as an event it has more than {} bytes", event::MAX_BYTES);
        return Err(invalid(&place, &what, "nothing was imported; see the limits in docs/export-format.md"));
    }
    if let Err(error) = Event::parse(event.raw()) {
        let what = format!("cannot be kept as an event: {error}");
        return Err(invalid(&place, &what, "nothing was imported; see the limits in docs/export-format.md"));
    }
    Ok(Sourced { item: event, place })
}

/// What a plan or notes read as, now and before.
pub(super) struct Versions {
    current: Option<String>,
    bodies: Vec<String>,
    /// Titles and descriptions, for plans only.
    scaffold: Option<(Vec<String>, Vec<String>)>,
    redacted: Redacted,
}

/// Hashes of texts that are redacted.
struct Redacted {
    bodies: Vec<String>,
    titles: Vec<String>,
    descriptions: Vec<String>,
}

impl Redacted {
    fn of<E: Borrow<Event>>(history: &[E], kind: &str) -> Self {
        let named = [kind::TASK_CREATED, kind::FIELD_UPDATED];
        let hashes =
            |kinds: &[&str], key: &str| redact::hashes(history.iter().map(Borrow::borrow), kinds, key);
        Self {
            bodies: hashes(&[kind], "body"),
            titles: hashes(&named, "title"),
            descriptions: hashes(&named, "description"),
        }
    }

    fn is_in(hashes: &[String], text: &str) -> bool {
        !hashes.is_empty() && hashes.contains(&hex(&sha256(text.as_bytes())))
    }

    fn is_body(&self, text: &str) -> bool {
        Self::is_in(&self.bodies, text)
    }

    /// Whether a plan is the scaffold of a title or a description that is redacted.
    fn is_scaffold(&self, text: &str, titles: &[String], descriptions: &[String]) -> bool {
        if self.titles.is_empty() && self.descriptions.is_empty() {
            return false;
        }
        plan::is_scaffold_of(
            text,
            |title| {
                Self::is_in(&self.titles, title)
                    || titles.iter().any(|known| plan::title_line(known) == title)
            },
            |body| {
                let known = |known: &String| plan::description_lines(known) == body;
                Self::is_in(&self.descriptions, body) || descriptions.iter().any(known)
            },
        )
    }
}

impl Versions {
    fn of(found: &Found<'_>, file: TaskFile) -> Self {
        let text = if file == TaskFile::Plan { &found.state.plan } else { &found.state.notes };
        Self::new(text.as_ref().map(|text| text.body.clone()), &found.history, file)
    }

    /// The versions of a plan or notes with this history.
    pub(super) fn new<E: Borrow<Event>>(current: Option<String>, history: &[E], file: TaskFile) -> Self {
        let kind = if file == TaskFile::Plan { kind::PLAN_UPDATED } else { kind::NOTES_UPDATED };
        let events = history.iter().map(Borrow::borrow);
        let bodies =
            events.filter(|e| e.kind == kind).filter_map(|e| e.text("body")).map(str::to_owned).collect();
        let scaffold = (file == TaskFile::Plan).then(|| names_over_time(None, history));
        Self { current, bodies, scaffold, redacted: Redacted::of(history, kind) }
    }

    /// Whether the file says what the log says: what stands in no log are scaffolds and nothing.
    fn is_current(&self, text: &str) -> bool {
        match &self.current {
            // A file from before a redaction is no edit of what was left.
            Some(current) => current == text || self.redacted.is_body(text),
            None => text.is_empty() || self.is_scaffold(text),
        }
    }

    /// Whether it says what the log said at some time.
    pub(super) fn is_known(&self, text: &str) -> bool {
        text.is_empty()
            || self.bodies.iter().any(|body| body == text)
            || self.redacted.is_body(text)
            || self.is_scaffold(text)
    }

    pub(super) fn is_scaffold(&self, text: &str) -> bool {
        self.scaffold.as_ref().is_some_and(|(titles, descriptions)| {
            plan::is_scaffold(text, titles, descriptions)
                || self.redacted.is_scaffold(text, titles, descriptions)
        })
    }
}

/// Compares the task's snapshot with its log; makes events of the differences if asked to.
fn compare(
    folder: &Folder,
    options: &ReadOptions,
    found: &Found<'_>,
    report: &mut TreeReport,
) -> Result<Vec<Sourced<Event>>, Failure> {
    let archived = found.state.task.as_ref().is_some_and(|task| task.archived);
    for at in [archived, !archived] {
        let path = TaskFile::Snapshot.path(found.id, at);
        let Some(file) = folder.read_derived(&path)? else { continue };
        let as_log = |task: &Task| Derived::Bytes(document(&Value::Object(task.snapshot())).into_bytes());
        if found.state.task.as_ref().is_some_and(|task| as_log(task) == file) {
            return Ok(Vec::new());
        }
        let Some(snapshot) = snapshot(file, &path, report) else { continue };
        let Some(task) = &found.state.task else {
            report.disagreements.push(snapshots::without_log(found.id.as_str()));
            return Ok(Vec::new());
        };
        let mut disagreements: Vec<Disagreement> = snapshots::disagreements(&snapshot, task);
        if disagreements.is_empty() {
            return Ok(Vec::new());
        }
        report.disagreements.append(&mut disagreements);
        if !options.reconcile {
            return Ok(Vec::new());
        }
        // A snapshot from before a redaction would bring back what is gone.
        if found.history.iter().any(|event| event.redacted.is_some()) {
            report.notices.push(format!(
                "{}: the task's history is redacted in part, so its snapshot is not believed",
                path.display()
            ));
            return Ok(Vec::new());
        }
        let (subject, history) = (subject(found.id), found.own_history());
        let base = Base { subject: &subject, history: &history, origin: 0 };
        return reconcile::events(&base, &snapshot, task)
            .into_iter()
            .map(|e| within_limit(e, &path))
            .collect();
    }
    Ok(Vec::new())
}

/// A snapshot, `None` if (with a notice) it cannot be read, or is longer than what it could tell is
/// worth: it is derived.
fn snapshot(file: Derived, path: &Path, report: &mut TreeReport) -> Option<Map<String, Value>> {
    let bytes = match file {
        Derived::Bytes(bytes) if bytes.len() as u64 <= FILE_LIMIT => bytes,
        _ => {
            let what = format!("more than {FILE_LIMIT} bytes, so it was not compared; the log counts");
            report.notices.push(format!("{}: {what}", path.display()));
            return None;
        }
    };
    let text = String::from_utf8(bytes).unwrap_or_default();
    match json_text(&text, path, true, &mut report.notices) {
        Ok(Value::Object(map)) => return Some(map),
        _ if markers::conflict(&text).is_some() => report.merged.push(markers::passed_over(path)),
        _ => {
            let what = "cannot be read and was not compared; the log counts";
            report.notices.push(format!("{}: {what}", path.display()));
        }
    }
    None
}

/// Snapshots of tasks that there is no event of: listed, and taken in if asked to.
fn take_in_lone_snapshots(
    folder: &Folder,
    options: &ReadOptions,
    histories: &mut Histories,
    skipped: Option<&Skipped<'_>>,
    report: &mut TreeReport,
) -> Result<(), Failure> {
    let known: std::collections::HashSet<TaskId> = histories.task_ids().into_iter().collect();
    for archived in [false, true] {
        for entry in folder.list(&TaskFile::Snapshot.folder(archived))?.iter() {
            let Some(id) = TaskFile::Snapshot.task(&entry.name) else { continue };
            if known.contains(&id) || skipped.is_some_and(|skipped| skipped.has(&id)) {
                continue;
            }
            let path = TaskFile::Snapshot.path(&id, archived);
            let Some(file) = folder.read_derived(&path)? else { continue };
            let Some(snapshot) = snapshot(file, &path, report) else { continue };
            report.disagreements.push(snapshots::without_log(id.as_str()));
            if options.reconcile {
                let events = reconcile::history(&id, &snapshot, archived);
                if events.is_empty() {
                    report
                        .notices
                        .push(format!("{}: says neither title nor status; left out", path.display()));
                }
                let events: Result<Vec<_>, _> = events.into_iter().map(|e| within_limit(e, &path)).collect();
                histories.extend(events?);
            }
        }
    }
    Ok(())
}
