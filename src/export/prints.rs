//! What the files of tasks read as: noted while they are rendered, kept in the tracker, and looked
//! for in a folder. What reads as it did at the last export need not be read into events again,
//! and what would be written as it is need not be written.
//!
//! A file counts by its bytes alone, never by its size or its times.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::files::{Folder, Kind, PAYLOAD_LIMIT};
use super::layout::{self, TaskFile};
use super::render::Source;
use crate::app::{Failure, Reader, TaskPrint, TreeRecord, TreeUpdate, sha256};
use crate::domain::{Subject, TaskId};

/// Who writes: a program that renders otherwise must not take the files for its own. The number is
/// raised where rendering changes within a version.
pub(super) const WRITER: &str = concat!(env!("CARGO_PKG_VERSION"), " 1");

/// What was rendered, as hashes.
#[derive(Debug, Default)]
pub(super) struct Prints {
    tasks: BTreeMap<TaskId, TaskPrint>,
    lifecycle: Option<[u8; 32]>,
}

impl Prints {
    /// Notes a file of the tree.
    pub(super) fn note(&mut self, source: &Source, bytes: &[u8]) {
        let (id, file) = match source {
            Source::Log(Subject::Task(id)) => (id, TaskFile::Log),
            Source::Snapshot(task) => (&task.id, TaskFile::Snapshot),
            Source::Text(id, file) => (id, *file),
            Source::Scaffold(id) => (id, TaskFile::Plan),
            Source::Lifecycle => {
                self.lifecycle = Some(sha256(bytes));
                return;
            }
            _ => return,
        };
        let print = match self.tasks.get_mut(id) {
            Some(print) => print,
            None => self.tasks.entry(id.clone()).or_default(),
        };
        print.files[file as usize] = Some(sha256(bytes));
        match source {
            Source::Log(_) => print.events = bytes.iter().filter(|byte| **byte == b'\n').count(),
            Source::Snapshot(task) => {
                print.archived = task.archived;
                print.short_id = task.short_id.as_ref().map(ToString::to_string);
                let claim = task.claim.as_ref();
                print.claim = claim.map(|claim| (claim.short_id.to_string(), claim.key.clone()));
            }
            _ => {}
        }
    }

    /// What is to be kept of it, `None` if `known` says all of it already.
    pub(super) fn update(self, seq: i64, known: Option<&Known>) -> Option<TreeUpdate> {
        let Some(known) = known else {
            let lifecycle = self.lifecycle?;
            return Some(TreeUpdate { seq, tasks: self.tasks, lifecycle, keeps_others: false });
        };
        let record = &known.record;
        let mut tasks = self.tasks;
        tasks.retain(|id, print| record.tasks.get(id) != Some(print));
        let lifecycle = self.lifecycle.unwrap_or(record.lifecycle);
        let is_news = !tasks.is_empty() || seq != record.seq || lifecycle != record.lifecycle;
        is_news.then_some(TreeUpdate { seq, tasks, lifecycle, keeps_others: true })
    }
}

/// What of a folder was as recorded when it was read.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    seq: i64,
    same: HashSet<TaskId>,
    lifecycle: bool,
}

impl Seen {
    /// The same with the record as it is now, `None` if it is no longer the one that was read by.
    pub(super) fn still_known(&self, reader: &Reader<'_>) -> Result<Option<Known>, Failure> {
        let record = reader.tree_record(WRITER)?.filter(|record| record.seq == self.seq);
        let (same, lifecycle) = (self.same.clone(), self.lifecycle);
        Ok(record.map(|record| Known { record, same, lifecycle }))
    }
}

/// What the record says of a folder.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) record: TreeRecord,
    /// Tasks whose files stand there as recorded, all of them and no others.
    same: HashSet<TaskId>,
    /// Whether the log of all lifecycles stands there as recorded.
    pub(super) lifecycle: bool,
}

/// Set where a file of a task is not as recorded.
const OTHER: u8 = 1 << 7;

impl Known {
    /// Looks through the folder, `None` if there is no record.
    ///
    /// # Errors
    /// `STORE_…`; a folder that is a link is refused. What is wrong with a single file is left to
    /// whoever reads it: the task is not the same then.
    pub(super) fn look(reader: &Reader<'_>, folder: &Folder) -> Result<Option<Self>, Failure> {
        let Some(record) = reader.tree_record(WRITER)? else { return Ok(None) };
        let mut seen: HashMap<&TaskId, u8> = HashMap::with_capacity(record.tasks.len());
        let mut bytes = Vec::new();
        for archived in [false, true] {
            for file in TaskFile::ALL {
                let at = file.folder(archived);
                for entry in folder.list(&at)?.iter() {
                    let Some(id) = file.task(&entry.name) else { continue };
                    let Some((id, print)) = record.tasks.get_key_value(&id) else { continue };
                    let seen = seen.entry(id).or_default();
                    if *seen & OTHER != 0 {
                        continue;
                    }
                    let expected = print.files[file as usize].filter(|_| print.archived == archived);
                    let is_same = expected.is_some_and(|hash| {
                        entry.kind == Kind::File && reads_as(folder, &at.join(&entry.name), &hash, &mut bytes)
                    });
                    *seen |= if is_same { 1 << file as u8 } else { OTHER };
                }
            }
        }
        let all = |print: &TaskPrint| {
            TaskFile::ALL
                .iter()
                .filter(|file| print.files[**file as usize].is_some())
                .fold(0, |all, file| all | 1 << *file as u8)
        };
        let same = seen.into_iter().filter(|(id, seen)| *seen == all(&record.tasks[*id]));
        let same = same.map(|(id, _)| id.clone()).collect();
        let lifecycle = Path::new(layout::LIFECYCLE);
        let lifecycle = folder.kind(lifecycle)? == Some(Kind::File)
            && reads_as(folder, lifecycle, &record.lifecycle, &mut bytes);
        Ok(Some(Self { record, same, lifecycle }))
    }

    /// Whether the task's files are as recorded: they say nothing that the log did not hold then.
    pub(super) fn is_same(&self, id: &TaskId) -> bool {
        self.same.contains(id)
    }

    /// Whether, beyond that, the task's files are as they would be written now.
    pub(super) fn is_settled(&self, id: &TaskId) -> bool {
        self.same.contains(id) && !self.record.changed.contains(id)
    }

    /// The same for the log of all lifecycles.
    pub(super) fn is_lifecycle_settled(&self) -> bool {
        self.lifecycle && !self.record.lifecycle_grew
    }

    /// What of the folder is as recorded, without the record.
    pub(super) fn seen(&self) -> Seen {
        Seen { seq: self.record.seq, same: self.same.clone(), lifecycle: self.lifecycle }
    }

    /// How many files a task has.
    pub(super) fn files_of(&self, id: &TaskId) -> usize {
        self.record.tasks.get(id).map_or(0, |print| print.files.iter().flatten().count())
    }

    /// Tasks that are as recorded, with what is recorded of them.
    pub(super) fn same(&self) -> impl Iterator<Item = (&TaskId, &TaskPrint)> {
        self.record.tasks.iter().filter(|(id, _)| self.same.contains(*id))
    }

    /// Whether all tasks of the record are as recorded.
    pub(super) fn is_all(&self) -> bool {
        self.same.len() == self.record.tasks.len()
    }

    /// Takes a task that has to be read after all out.
    pub(super) fn part_with(&mut self, id: &TaskId) -> bool {
        self.same.remove(id)
    }
}

fn reads_as(folder: &Folder, path: &Path, hash: &[u8; 32], bytes: &mut Vec<u8>) -> bool {
    folder.read_listed(path, PAYLOAD_LIMIT, bytes).is_ok_and(|there| there && sha256(bytes) == *hash)
}
