//! Plans and notes of tasks that the tracker has and the tree has no log of: somebody wrote them
//! beside a tree that was not exported since, or never.

use super::files::{FILE_LIMIT, Folder, Kind};
use super::hand_edits::Base;
use super::layout::TaskFile;
use super::tasks::{Versions, within_limit};
use super::texts::{text_file, unresolved};
use super::{ReadOptions, Tree, markers};
use crate::app::{Failure, Reader, Sourced};
use crate::domain::TaskId;
use crate::domain::event::{Event, Subject, kind};

/// Adds them to a tree that was read from `folder`. Without a log in the tree nothing tells which
/// version somebody had before them, so each text that is no version becomes the latest one. Texts
/// of tasks that nobody knows stay what they are: files of others.
///
/// # Errors
/// As [`super::read_tree`].
pub(super) fn add(
    reader: &Reader<'_>,
    folder: &Folder,
    options: &ReadOptions,
    tree: &mut Tree,
) -> Result<(), Failure> {
    let mut made = Vec::new();
    for archived in [false, true] {
        for file in [TaskFile::Plan, TaskFile::Notes] {
            for entry in folder.list(&file.folder(archived))?.iter() {
                let task =
                    file.task(&entry.name).filter(|id| entry.kind == Kind::File && !tree.logged.contains(id));
                let Some(task) = task else { continue };
                made.extend(text(reader, folder, options, (&task, file, archived), tree)?);
            }
        }
    }
    tree.set.events.extend(made);
    Ok(())
}

fn text(
    reader: &Reader<'_>,
    folder: &Folder,
    options: &ReadOptions,
    (task, file, archived): (&TaskId, TaskFile, bool),
    tree: &mut Tree,
) -> Result<Option<Sourced<Event>>, Failure> {
    if !reader.has_task(task.as_str())? {
        return Ok(None);
    }
    let path = file.path(task, archived);
    let report = &mut tree.report;
    report.unknown_files.retain(|unknown| *unknown != path);
    let Some(text) = text_file(folder, &path, FILE_LIMIT, options.repair, &mut report.notices)? else {
        return Ok(None);
    };
    let history = reader.history(task)?;
    let versions = Versions::new(None, &history, file);
    if versions.is_known(&text) {
        return Ok(None);
    }
    if let Some(conflict) = markers::conflict(&text) {
        return Err(unresolved(&path, conflict.line));
    }
    let kind = if file == TaskFile::Plan { kind::PLAN_UPDATED } else { kind::NOTES_UPDATED };
    let base = Base { subject: &Subject::Task(task.clone()), history: &history, origin: 0 };
    within_limit(base.text(kind, &text), &path).map(Some)
}
