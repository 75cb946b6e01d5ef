//! Bringing a folder up to date with the tracker.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::durable::{self, Batch};
use super::files::{FILE_LIMIT, Folder, Kind};
use super::layout::{self, TaskFile};
use super::mark::Mark;
use super::prints::{Known, Prints, Seen, WRITER};
use super::render::Rendering;
use super::survey::{self, Survey};
use super::{read, render};
use crate::app::{App, Code, Failure, Reader, TreeUpdate};

/// What to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Write the payloads of sensitive artifacts too.
    pub include_sensitive: bool,
}

/// What an export did. Paths are relative to the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Files that were made or replaced.
    pub written: Vec<PathBuf>,
    /// How many files stood there already as they should.
    pub unchanged: usize,
    /// Copies that were taken away: those of tasks that moved into or out of the archive.
    pub removed: Vec<PathBuf>,
}

/// Writes the tracker's tree into `target`. The caller holds the tracker's file lock.
///
/// # Errors
/// `EXPORT_CONFLICT` where the folder holds what the tracker does not know, `INSTANCE_MISMATCH`,
/// `TREE_TOO_NEW`, `STORE_DENIED` at links: nothing was written then. `STORE_…` where reading or
/// writing fails: every file is the old one or the new one.
pub fn export_tree(app: &App, target: &Path, options: &ExportOptions) -> Result<ExportReport, Failure> {
    export_with(app, target, options, Known::look)
}

/// The same right after the tree was read: what stood there as recorded is not looked at again.
///
/// # Errors
/// As [`export_tree`].
pub fn export_tree_after(
    app: &App,
    target: &Path,
    options: &ExportOptions,
    read: &Seen,
) -> Result<ExportReport, Failure> {
    export_with(app, target, options, |reader, _| read.still_known(reader))
}

fn export_with(
    app: &App,
    target: &Path,
    options: &ExportOptions,
    look: impl FnOnce(&Reader<'_>, &Folder) -> Result<Option<Known>, Failure>,
) -> Result<ExportReport, Failure> {
    // What is relative would be made absolute for every file.
    let target = std::path::absolute(target).map_err(|error| Failure::io(&error, target))?;
    let folder = Folder::to_write(&target);
    app.expect_much()?;
    let (report, update) = app.read(|reader| {
        read::check_format(&folder)?;
        survey::check_instance(reader, &folder)?;
        let known = look(reader, &folder)?;
        export(reader, &folder, options, known.as_ref())
    })?;
    // The files are on disk by now. Without the record the next export looks at more, that is all.
    drop(update.map(|update| app.save_tree_record(WRITER, &update)));
    Ok(report)
}

fn export(
    reader: &Reader<'_>,
    folder: &Folder,
    options: &ExportOptions,
    known: Option<&Known>,
) -> Result<(ExportReport, Option<TreeUpdate>), Failure> {
    let (mut tasks, mut settled) = (reader.task_ids()?, 0);
    let lifecycle = !known.is_some_and(Known::is_lifecycle_settled);
    if let Some(known) = known {
        settled = usize::from(!lifecycle);
        tasks.retain(|id| {
            let is_settled = known.is_settled(id);
            settled += if is_settled { known.files_of(id) } else { 0 };
            !is_settled
        });
    }
    let include_sensitive = options.include_sensitive;
    let what = Rendering { reader, include_sensitive, tasks: &tasks, lifecycle };
    let mut prints = Prints::default();
    let survey = survey(&what, folder, known, &mut prints)?;
    if !survey.conflicts.is_empty() {
        return Err(conflict(&survey.conflicts));
    }
    let Survey { same, unchanged, stale, emptied, differs, .. } = survey;
    let unsettled = sweep(folder)?;
    let mut mark = Mark::new(&folder.path(Path::new("")));
    let mut report =
        ExportReport { written: Vec::new(), unchanged: unchanged + settled, removed: Vec::new() };
    let ignored = if options.include_sensitive { ignore_lines(reader, folder)? } else { None };
    if differs || ignored.is_some() {
        let wanted = |path: &Path| !same.contains(path);
        report.written =
            write(&what, folder, &wanted, &emptied, ignored, &mut prints, &mut mark).map_err(interrupted)?;
    }
    if !stale.is_empty() || !unsettled.is_empty() {
        mark.set().map_err(interrupted)?;
    }
    // Only now: the new copies are on disk.
    let paths: Vec<PathBuf> = stale.iter().map(|path| folder.path(path)).collect();
    durable::remove(&paths).map_err(interrupted)?;
    report.removed = [emptied, stale].concat();
    // What an interrupted export left looks finished, but may be in memory only.
    unsettled.iter().try_for_each(|folder| durable::flush_folder(folder)).map_err(interrupted)?;
    mark.clear();
    Ok((report, prints.update(reader.last_place()?, known)))
}

/// Looks at what stands in the folder. A file that is not there is not rendered for that.
fn survey<'a>(
    what: &Rendering<'a>,
    folder: &'a Folder,
    known: Option<&'a Known>,
    prints: &mut Prints,
) -> Result<Survey<'a>, Failure> {
    let mut survey = Survey::new(what.reader, folder, known);
    let absent = RefCell::new(HashSet::new());
    let failed = RefCell::new(None);
    let is_there = |path: &Path| match folder.kind(path) {
        // Notes need not be part of the tree, so their absence says nothing.
        Ok(None) if !TaskFile::Notes.is_at(path) => {
            absent.borrow_mut().insert(path.to_path_buf());
            false
        }
        Ok(_) => true,
        Err(failure) => {
            failed.borrow_mut().get_or_insert(failure);
            false
        }
    };
    let is_new = survey.is_empty()?;
    let tasks = if is_new { &[] } else { what.tasks };
    survey.differs |= tasks.len() < what.tasks.len();
    render::render(&Rendering { tasks, ..*what }, &is_there, prints, &mut |piece| survey.look(&piece))?;
    if let Some(failure) = failed.into_inner() {
        return Err(failure);
    }
    survey.are_absent(absent.into_inner());
    survey.look_at_others()?;
    Ok(survey)
}

fn write(
    what: &Rendering<'_>,
    folder: &Folder,
    wanted: render::Wanted<'_>,
    emptied: &[PathBuf],
    ignored: Option<Vec<u8>>,
    prints: &mut Prints,
    mark: &mut Mark,
) -> Result<Vec<PathBuf>, Failure> {
    let root = folder.path(Path::new(""));
    let mut batch = Batch::new(&root);
    let mut first = Batch::new(&root);
    if wanted(Path::new(layout::FORMAT_FILE)) {
        batch.flush_root();
    }
    let mut written: Vec<(u8, PathBuf)> = Vec::new();
    let mut made: BTreeSet<PathBuf> = BTreeSet::new();
    let mut stage = |path: PathBuf, turn: u8, bytes: &[u8]| {
        let whole = folder.path(&path);
        let above = whole.parent().unwrap_or(&root);
        if !made.contains(above) {
            batch.make_folder(above, mark)?;
            made.insert(above.to_path_buf());
        }
        let is_format = path == Path::new(layout::FORMAT_FILE);
        if is_format { &mut first } else { &mut batch }.stage(turn, &whole, bytes)?;
        written.push((turn, path));
        Ok(())
    };
    if let Some(bytes) = ignored {
        // First: git must not see a sensitive payload before it is told to leave it alone.
        stage(PathBuf::from(GITIGNORE), 0, &bytes)?;
    }
    render::render(what, wanted, prints, &mut |piece| {
        let turn = piece.turn();
        stage(piece.path, turn, &piece.bytes)
    })?;
    mark.set()?;
    // On disk before all else: an index without it is taken for that of a program whose numbers rule
    // others out.
    first.commit()?;
    // Beside a log that says that there are none they would be an edit.
    let emptied: Vec<PathBuf> = emptied.iter().map(|path| folder.path(path)).collect();
    durable::remove(&emptied)?;
    batch.commit()?;
    written.sort_by_key(|(turn, _)| *turn);
    Ok(written.into_iter().map(|(_, path)| path).collect())
}

/// What a user is told about a disk that fails in the middle.
fn interrupted(failure: Failure) -> Failure {
    failure
        .hint("each file of the tree is the old one or the new one, whole; mend the cause and export again")
}

fn conflict(conflicts: &[(PathBuf, String)]) -> Failure {
    const SHOWN: usize = 10;
    let mut list: Vec<String> =
        conflicts.iter().take(SHOWN).map(|(path, what)| format!("{} ({what})", path.display())).collect();
    if conflicts.len() > SHOWN {
        list.push(format!("and {} more", conflicts.len() - SHOWN));
    }
    let files: Vec<String> = conflicts.iter().map(|(path, _)| path.display().to_string()).collect();
    Failure::new(
        Code::ExportConflict,
        format!("the tree holds what the tracker does not know: {}", list.join(", ")),
    )
    .hint("nothing was written; run `lattice import` first")
    .details(serde_json::json!({"files": files}))
}

/// Takes away what killed exports left unfinished. Files of others are not touched. If there was
/// anything, gives the folders that the names of finished files may not be on disk in.
fn sweep(folder: &Folder) -> Result<Vec<PathBuf>, Failure> {
    let root = folder.path(Path::new(""));
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders =
        vec![PathBuf::new(), PathBuf::from(layout::ARTIFACT_META), PathBuf::from(layout::ARTIFACT_PAYLOAD)];
    for file in TaskFile::ALL {
        folders.extend([file.folder(false), file.folder(true)]);
    }
    for entry in folder.list(Path::new(layout::RESOURCES))?.iter() {
        if entry.kind == Kind::Folder {
            folders.push(Path::new(layout::RESOURCES).join(&entry.name));
        }
    }
    let mut left_over = Vec::new();
    for at in &folders {
        for entry in folder.list(at)?.iter() {
            if entry.kind == Kind::File && durable::is_unfinished(&entry.name) {
                left_over.push(folder.path(&at.join(&entry.name)));
            }
        }
    }
    if left_over.is_empty() {
        return Ok(Vec::new());
    }
    durable::remove(&left_over)?;
    let above = root.parent().map(Path::to_path_buf);
    // `artifacts` and `archive` hold folders and no files.
    let folders = folders.iter().flat_map(|at| at.ancestors()).map(|at| folder.path(at)).chain(above);
    let folders: BTreeSet<PathBuf> = folders.filter(|at| at.is_dir()).collect();
    Ok(folders.into_iter().collect())
}

const GITIGNORE: &str = ".gitignore";

/// `.gitignore` with a line for every sensitive payload, `None` if it has them all.
fn ignore_lines(reader: &Reader<'_>, folder: &Folder) -> Result<Option<Vec<u8>>, Failure> {
    let mut bytes = folder.read(Path::new(GITIGNORE), FILE_LIMIT)?.unwrap_or_default();
    let before = bytes.len();
    for path in render::sensitive_payloads(reader)? {
        let line = format!("/{}", pattern(&path.display().to_string()));
        if bytes.split(|byte| *byte == b'\n').any(|found| found.trim_ascii_end() == line.as_bytes()) {
            continue;
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        bytes.extend(line.as_bytes());
        bytes.push(b'\n');
    }
    Ok((bytes.len() > before).then_some(bytes))
}

/// A path as a pattern of git that matches nothing else.
fn pattern(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | ' ') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
