//! What stands in the folder before anything is written: which files differ, which hold something
//! that the tracker does not know, and which are copies of tasks that have moved.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ahead;
use super::files::{FILE_LIMIT, Folder, Kind, PAYLOAD_LIMIT};
use super::hand_edits::{self, Base};
use super::layout::{self, TaskFile};
use super::lines::{self, About};
use super::markers;
use super::prints::Known;
use super::render::{Piece, Source};
use super::tasks::Versions;
use crate::app::{Code, Failure, Reader, Sourced, hex, holding, sha256};
use crate::domain::event::{Event, Subject, kind, strict_json};
use crate::domain::json::line;
use crate::domain::{ArtifactId, Config, TaskId, redact};

/// How the folder compares with the tracker.
pub(super) struct Survey<'a> {
    reader: &'a Reader<'a>,
    folder: &'a Folder,
    known: Option<&'a Known>,
    /// Files of tasks that belong into the tree.
    expected: HashSet<PathBuf>,
    /// Files that are as they should be.
    pub(super) same: HashSet<PathBuf>,
    /// The same with those that need not be looked at.
    pub(super) unchanged: usize,
    /// Whether any file is absent or differs.
    pub(super) differs: bool,
    /// Copies to be taken away once the others are written.
    pub(super) stale: Vec<PathBuf>,
    /// Notes that became empty, to be taken away before the logs say so.
    pub(super) emptied: Vec<PathBuf>,
    /// Files with what the tracker does not know: (file, what).
    pub(super) conflicts: Vec<(PathBuf, String)>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(reader: &'a Reader<'a>, folder: &'a Folder, known: Option<&'a Known>) -> Self {
        Self {
            reader,
            folder,
            known,
            expected: HashSet::new(),
            same: HashSet::new(),
            unchanged: 0,
            differs: false,
            stale: Vec::new(),
            emptied: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    /// Compares one file of the tree with what stands in its place.
    ///
    /// # Errors
    /// `STORE_…`; links and devices are refused.
    pub(super) fn look(&mut self, piece: &Piece) -> Result<(), Failure> {
        if self.is_same(piece)? {
            self.unchanged += 1;
            self.same.insert(piece.path.clone());
        } else {
            if self.folder.kind(&piece.path)?.is_some() {
                let what = self.unknown_in(&piece.path, &piece.source, Some(&piece.bytes))?;
                self.conflicts.extend(what.map(|what| (piece.path.clone(), what)));
            }
            self.differs = true;
        }
        self.expected.insert(piece.path.clone());
        Ok(())
    }

    /// Whether there is no file of any task: a tree that is written for the first time.
    ///
    /// # Errors
    /// As [`Survey::look`].
    pub(super) fn is_empty(&self) -> Result<bool, Failure> {
        for archived in [false, true] {
            for file in TaskFile::ALL {
                if self
                    .folder
                    .list(&file.folder(archived))?
                    .iter()
                    .any(|entry| file.task(&entry.name).is_some())
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Hears of files that belong into the tree and are not there.
    pub(super) fn are_absent(&mut self, files: HashSet<PathBuf>) {
        self.differs |= !files.is_empty();
        self.expected.extend(files);
    }

    fn is_same(&self, piece: &Piece) -> Result<bool, Failure> {
        let Some(mut file) = self.folder.open(&piece.path)? else { return Ok(false) };
        let path = self.folder.path(&piece.path);
        let fail = |error: std::io::Error| Failure::io(&error, &path);
        if file.metadata().map_err(fail)?.len() != piece.bytes.len() as u64 {
            return Ok(false);
        }
        let mut bytes = Vec::with_capacity(piece.bytes.len());
        file.read_to_end(&mut bytes).map_err(fail)?;
        Ok(bytes == piece.bytes)
    }

    /// Looks at files of tasks and resources that are not part of the tree as it should be.
    ///
    /// # Errors
    /// As [`Survey::look`].
    pub(super) fn look_at_others(&mut self) -> Result<(), Failure> {
        self.withheld_artifacts()?;
        for archived in [false, true] {
            for file in TaskFile::ALL {
                let at = file.folder(archived);
                for entry in self.folder.list(&at)?.iter() {
                    let id = file.task(&entry.name);
                    // Of these all files stand where they belong.
                    if id.as_ref().is_some_and(|id| self.known.is_some_and(|known| known.is_settled(id))) {
                        continue;
                    }
                    let path = at.join(&entry.name);
                    if entry.kind != Kind::File || self.expected.contains(&path) {
                        continue;
                    }
                    if let Some(id) = id {
                        self.other(&path, &id, file, archived)?;
                    } else if let Some(id) = layout::resource_of_log(&entry.name)
                        && file == TaskFile::Log
                        && !archived
                    {
                        let what = self.unknown_in(&path, &Source::Log(Subject::Resource(id)), None)?;
                        self.conflicts.extend(what.map(|what| (path, what)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Files of artifacts that went with the events which attached them.
    fn withheld_artifacts(&mut self) -> Result<(), Failure> {
        for id in self.reader.withheld_artifacts()? {
            let Some(id) = ArtifactId::parse_foreign(&id) else { continue };
            for at in [layout::ARTIFACT_META, layout::ARTIFACT_PAYLOAD].map(Path::new) {
                for entry in self.folder.list(at)?.iter() {
                    let path = at.join(&entry.name);
                    let rest = entry.name.strip_prefix(id.as_str());
                    let its = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
                    if entry.kind == Kind::File && its && !self.expected.contains(&path) {
                        self.stale.push(path);
                    }
                }
            }
        }
        Ok(())
    }

    /// A task's file that is not expected: the copy of one that has moved, or somebody else's.
    fn other(&mut self, path: &Path, id: &TaskId, file: TaskFile, archived: bool) -> Result<(), Failure> {
        let moved = self.expected.contains(&file.path(id, !archived));
        let source = match file {
            TaskFile::Log => Source::Log(Subject::Task(id.clone())),
            TaskFile::Snapshot => Source::Derived,
            TaskFile::Plan | TaskFile::Notes => {
                if self.reader.find_task(id)?.is_none() {
                    return Ok(());
                }
                Source::Text(id.clone(), file)
            }
        };
        match self.unknown_in(path, &source, None)? {
            Some(what) => self.conflicts.push((path.to_path_buf(), what)),
            None if moved => self.stale.push(path.to_path_buf()),
            // Notes that became empty have no file in either place.
            None if file == TaskFile::Notes => {
                self.emptied.push(path.to_path_buf());
                self.differs = true;
            }
            None => {}
        }
        Ok(())
    }

    /// What a file holds that the tracker does not know; `None` if it knows all of it.
    fn unknown_in(
        &self,
        path: &Path,
        source: &Source,
        ours: Option<&[u8]>,
    ) -> Result<Option<String>, Failure> {
        Ok(match source {
            Source::Snapshot(_) | Source::Derived => None,
            Source::Log(subject) => self.unknown_events(path, &About::One(subject.clone()))?,
            Source::Lifecycle => self.unknown_events(path, &About::AnyTask)?,
            Source::Text(id, file) => self.unknown_version(path, id, *file)?,
            Source::Scaffold(id) => self.unknown_version(path, id, TaskFile::Plan)?,
            Source::Context => {
                let history = self.reader.instance_history()?;
                let redacted = redact::hashes(&history, &[kind::CONTEXT_UPDATED], "body");
                let known = |text: &str| {
                    history.iter().any(|e| e.kind == kind::CONTEXT_UPDATED && e.text("body") == Some(text))
                        || redacted.contains(&hex(&sha256(text.as_bytes())))
                };
                self.unknown_text(path, &known)?
            }
            Source::Config => {
                let history = self.reader.instance_history()?;
                let beside = instance_log(self.folder);
                let known = |text: &str| self.is_known_config(&history, &beside, text);
                match self.conflicting_config(path, &history)? {
                    true => None,
                    false => self.unknown_text(path, &known)?,
                }
            }
            Source::Meta(id) => {
                let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
                let theirs = self.folder.read(path, FILE_LIMIT)?.and_then(|bytes| value(&bytes));
                let lost = theirs.as_ref().map(line);
                let known = theirs == ours.and_then(value) || self.has_lost(id.as_str(), "artifact", lost)?;
                (!known).then(|| "another artifact under this id".to_owned())
            }
            Source::Payload(id) => {
                let theirs = self.folder.read(path, PAYLOAD_LIMIT)?;
                let lost = theirs.map(|bytes| hex(&sha256(&bytes)));
                let known = self.has_lost(id.as_str(), "payload", lost)?;
                (!known).then(|| "another payload under this name".to_owned())
            }
        })
    }

    /// Whether just this was decided against under the id, and is kept in quarantine.
    fn has_lost(&self, id: &str, what: &str, content: Option<String>) -> Result<bool, Failure> {
        content.map_or(Ok(false), |content| Ok(self.reader.is_quarantined(id, what, &content)?))
    }

    fn unknown_version(&self, path: &Path, id: &TaskId, file: TaskFile) -> Result<Option<String>, Failure> {
        let history = self.reader.history(id)?;
        let versions = Versions::new(None, &history, file);
        let beside = Versions::new(None, &self.old_log(id, &history)?, file);
        self.unknown_text(path, &|text: &str| versions.is_known(text) || beside.is_known(text))
    }

    /// The log of a task as the folder has it, where the tracker's own holds tombstones: it may have
    /// what these stand for, and files beside it say that. Its events are looked at elsewhere.
    fn old_log(&self, id: &TaskId, history: &[Event]) -> Result<Vec<Event>, Failure> {
        let mut events = Vec::new();
        if has_tombstones(history) {
            let about = About::One(Subject::Task(id.clone()));
            for archived in [false, true] {
                let path = TaskFile::Log.path(id, archived);
                match lines::read_log(self.folder, &path, &about, true, &mut Vec::new()) {
                    Ok(log) => events.extend(log.events.into_iter().map(|sourced| sourced.item)),
                    Err(failure) if failure.code == Code::ImportInvalid => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(events)
    }

    /// The first event of a log that the tracker has not, or has with other content.
    fn unknown_events(&self, path: &Path, about: &About) -> Result<Option<String>, Failure> {
        let log = match lines::read_log(self.folder, path, about, true, &mut Vec::new()) {
            Ok(log) => log,
            Err(failure) if failure.code == Code::ImportInvalid => return Ok(Some(failure.message)),
            Err(failure) => return Err(failure),
        };
        for Sourced { item, place } in &log.events {
            match self.reader.find_event(&item.id)? {
                Some(known) if known.raw() == item.raw() => {}
                // What is redacted here is to go from there.
                Some(known) if holding(&known, item).is_some_and(|held| held.raw() == known.raw()) => {}
                // Copies of what stands in the logs of tasks: those count.
                Some(_) if *about == About::AnyTask => {}
                Some(_) if self.has_lost(item.id.as_str(), "event", Some(item.raw().to_owned()))? => {}
                Some(_) => return Ok(Some(format!("{place}: event {} differs from the tracker's", item.id))),
                None => return Ok(Some(format!("{place}: event {} is not in the tracker", item.id))),
            }
        }
        // What is cut off cannot be imported, and is not thrown away unasked either.
        Ok(log
            .cut_off
            .map(|place| format!("{place}: the line is cut off; if it can go, take it out by hand")))
    }

    fn unknown_text(&self, path: &Path, is_known: &dyn Fn(&str) -> bool) -> Result<Option<String>, Failure> {
        let Some(bytes) = self.folder.read(path, FILE_LIMIT)? else { return Ok(None) };
        let Ok(text) = String::from_utf8(bytes) else { return Ok(Some("not UTF-8".to_owned())) };
        if is_known(&text) {
            return Ok(None);
        }
        Ok(match markers::conflict(&text) {
            Some(conflict)
                if conflict.sides.as_ref().is_some_and(|s| s.iter().all(|side| is_known(side))) =>
            {
                None
            }
            Some(conflict) => Some(format!("conflict markers from line {}", conflict.line)),
            None => Some("changed by hand".to_owned()),
        })
    }

    /// Whether git left markers in the configuration, and neither side says what nobody knows.
    fn conflicting_config(&self, path: &Path, history: &[Event]) -> Result<bool, Failure> {
        let bytes = self.folder.read(path, FILE_LIMIT)?.unwrap_or_default();
        let sides = markers::conflict(&String::from_utf8_lossy(&bytes)).and_then(|conflict| conflict.sides);
        Ok(sides.is_some_and(|sides| sides.iter().all(|side| hand_edits::is_side_known(history, side))))
    }

    /// Whether a configuration is one that the tracker had, or one whose events it has: those that
    /// reading the folder would make.
    fn is_known_config(&self, history: &[Event], beside: &[Event], text: &str) -> bool {
        let Ok(value) = strict_json(text) else { return false };
        let without = hand_edits::without_redacted(&value, history);
        if hand_edits::is_known_config(history, &value)
            || (without != value && hand_edits::is_known_config(history, &without))
        {
            return true;
        }
        // The old log beside it may still have what is redacted here.
        if has_tombstones(history) && hand_edits::is_known_config(beside, &value) {
            return true;
        }
        let id = Config::fold(beside).instance_id().map(str::to_owned);
        let id = id.or_else(|| value.get("instance_id").and_then(Value::as_str).map(str::to_owned));
        let base = Base {
            subject: &Subject::Instance,
            history: beside,
            origin: hand_edits::origin(id.as_deref(), None),
        };
        let is_logged = |event: &Event| beside.iter().any(|e| e.raw() == event.raw());
        // What reading would leave out must not keep this from being written.
        let known = |event: &Event| {
            history.iter().any(|e| e.raw() == event.raw()) || ahead::is_said(history, event, is_logged)
        };
        base.config(&value).iter().all(known)
    }
}

fn has_tombstones(history: &[Event]) -> bool {
    history.iter().any(|event| event.redacted.is_some())
}

/// Refuses a folder that holds another tracker's tree. One whose whole history is here is not
/// another's: it is from before two trackers became one.
///
/// # Errors
/// `INSTANCE_MISMATCH`.
pub(super) fn check_instance(reader: &Reader<'_>, folder: &Folder) -> Result<(), Failure> {
    let events = instance_log(folder);
    let mut theirs = Config::fold(&events).instance_id().map(str::to_owned);
    if theirs.is_none() {
        let bytes = folder.read(Path::new(layout::CONFIG), FILE_LIMIT)?.unwrap_or_default();
        let config: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        theirs = config.get("instance_id").and_then(Value::as_str).map(str::to_owned);
    }
    let config = reader.config()?;
    match (theirs, config.instance_id()) {
        (Some(theirs), Some(ours)) if theirs != ours && !is_known(reader, &events)? => Err(Failure::new(
            Code::InstanceMismatch,
            format!("the folder holds the tree of tracker {theirs}, this one is {ours}"),
        )
        .hint("nothing was written; choose another folder")),
        _ => Ok(()),
    }
}

/// Whether the tracker has all of these, and there are any.
fn is_known(reader: &Reader<'_>, events: &[Event]) -> Result<bool, Failure> {
    for event in events {
        if reader.find_event(&event.id)?.is_none() {
            return Ok(false);
        }
    }
    Ok(!events.is_empty())
}

/// The events of the tracker's own log in the folder, as far as they can be read.
fn instance_log(folder: &Folder) -> Vec<Event> {
    let about = About::One(Subject::Instance);
    let read = lines::read_log(folder, Path::new(layout::INSTANCE), &about, true, &mut Vec::new());
    let mut events: Vec<Event> = read.unwrap_or_default().events.into_iter().map(|e| e.item).collect();
    events.sort_by(|a, b| a.key.cmp(&b.key));
    events.dedup_by(|a, b| a.id == b.id);
    events
}
