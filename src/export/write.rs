//! Bringing a folder up to date with the tracker.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::durable::{self, Batch};
use super::files::{FILE_LIMIT, Folder, Kind};
use super::layout::{self, TaskFile};
use super::mark::Mark;
use super::survey::{self, Survey};
use super::{read, render};
use crate::app::{App, Code, Failure, Reader};

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
    app.read(|reader| export(reader, target, options))
}

fn export(reader: &Reader<'_>, target: &Path, options: &ExportOptions) -> Result<ExportReport, Failure> {
    let folder = Folder::to_write(target);
    read::check_format(&folder)?;
    survey::check_instance(reader, &folder)?;
    let mut survey = Survey::new(reader, &folder);
    render::render(reader, options.include_sensitive, &|_| true, &mut |piece| survey.look(&piece))?;
    survey.look_at_others()?;
    if !survey.conflicts.is_empty() {
        return Err(conflict(&survey.conflicts));
    }
    let Survey { differing, unchanged, stale, .. } = survey;
    let unsettled = sweep(&folder)?;
    let mut mark = Mark::new(&folder.path(Path::new("")));
    let mut report = ExportReport { written: Vec::new(), unchanged, removed: Vec::new() };
    let ignored = if options.include_sensitive { ignore_lines(reader, &folder)? } else { None };
    if !differing.is_empty() || ignored.is_some() {
        write(reader, &folder, options, &|path| differing.contains(path), ignored, &mut report, &mut mark)
            .map_err(interrupted)?;
    }
    if !stale.is_empty() || !unsettled.is_empty() {
        mark.set().map_err(interrupted)?;
    }
    // Only now: the new copies are on disk.
    let paths: Vec<PathBuf> = stale.iter().map(|path| folder.path(path)).collect();
    durable::remove(&paths).map_err(interrupted)?;
    report.removed = stale;
    // What an interrupted export left looks finished, but may be in memory only.
    unsettled.iter().try_for_each(|folder| durable::flush_folder(folder)).map_err(interrupted)?;
    mark.clear();
    Ok(report)
}

fn write(
    reader: &Reader<'_>,
    folder: &Folder,
    options: &ExportOptions,
    wanted: render::Wanted<'_>,
    ignored: Option<Vec<u8>>,
    report: &mut ExportReport,
    mark: &mut Mark,
) -> Result<(), Failure> {
    let root = folder.path(Path::new(""));
    let mut batch = Batch::new(&root);
    if wanted(Path::new(layout::FORMAT_FILE)) {
        batch.flush_root();
    }
    let mut made: Option<PathBuf> = None;
    let mut stage = |path: PathBuf, bytes: &[u8]| {
        let whole = folder.path(&path);
        let above = whole.parent().unwrap_or(&root).to_path_buf();
        if made.as_ref() != Some(&above) {
            batch.make_folder(&above, mark)?;
            made = Some(above);
        }
        batch.stage(&whole, bytes)?;
        report.written.push(path);
        Ok(())
    };
    if let Some(bytes) = ignored {
        // First: git must not see a sensitive payload before it is told to leave it alone.
        stage(PathBuf::from(GITIGNORE), &bytes)?;
    }
    render::render(reader, options.include_sensitive, wanted, &mut |piece| stage(piece.path, &piece.bytes))?;
    mark.set()?;
    batch.commit()
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
    for entry in folder.list(Path::new(layout::RESOURCES))? {
        if entry.kind == Kind::Folder {
            folders.push(Path::new(layout::RESOURCES).join(entry.name));
        }
    }
    let mut left_over = Vec::new();
    for at in &folders {
        for entry in folder.list(at)? {
            if entry.kind == Kind::File && durable::is_unfinished(&entry.name) {
                left_over.push(folder.path(&at.join(entry.name)));
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
