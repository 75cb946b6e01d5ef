//! Files in the tree's folder that Lattice does not know.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::durable;
use super::files::{Folder, Kind};
use super::layout::{self, TaskFile};
use crate::app::{Failure, Sourced};
use crate::domain::{Event, TaskId, resource};

/// What may stand at the top of the folder beside the tree: the database and its company, git's
/// files, and what the predecessor left.
const COMPANY: [&str; 10] = [
    "lattice.db",
    "lattice.db-wal",
    "lattice.db-shm",
    "lattice.db-journal",
    "lattice.db-seen",
    "lock",
    "locks",
    layout::SESSIONS,
    ".gitignore",
    ".gitattributes",
];
const FILES: [&str; 5] =
    [layout::CONFIG, layout::IDS, layout::CONTEXT, layout::FORMAT_FILE, layout::INSTANCE];
const FOLDERS: [&str; 7] = [
    layout::TASKS,
    layout::EVENTS,
    layout::PLANS,
    layout::NOTES,
    layout::RESOURCES,
    layout::ARCHIVE,
    "artifacts",
];

/// Unknown files and folders, each folder as one. Files of artifacts are looked at elsewhere.
///
/// # Errors
/// `STORE_…` if a folder cannot be listed.
pub(super) fn list(
    folder: &Folder,
    known: &HashSet<TaskId>,
    events: &[Sourced<Event>],
) -> Result<Vec<PathBuf>, Failure> {
    let mut unknown = Vec::new();
    for entry in folder.list(Path::new(""))?.iter() {
        let name = entry.name.as_str();
        let ours = FILES.contains(&name)
            || FOLDERS.contains(&name)
            || COMPANY.contains(&name)
            || name.starts_with("new-") && name.contains(".tmp")
            || name.starts_with("lattice-v") && name.ends_with(".db")
            || name.starts_with("lattice-kept-");
        if !ours {
            unknown.push(PathBuf::from(name));
        }
    }
    for archived in [false, true] {
        for file in TaskFile::ALL {
            let at = file.folder(archived);
            for entry in folder.list(&at)?.iter() {
                let task = file.task(&entry.name).filter(|_| entry.kind == Kind::File);
                let ours = match (file, &task) {
                    // A snapshot without a log is reported as a disagreement.
                    (TaskFile::Snapshot | TaskFile::Log, Some(_)) => true,
                    (_, Some(task)) => known.contains(task),
                    (TaskFile::Log, None) => {
                        let path = at.join(&entry.name);
                        path == Path::new(layout::LIFECYCLE)
                            || (!archived && layout::resource_of_log(&entry.name).is_some())
                    }
                    _ => false,
                };
                if !ours && !durable::is_unfinished(&entry.name) {
                    unknown.push(at.join(&entry.name));
                }
            }
        }
    }
    others_in(folder, Path::new(layout::ARCHIVE), &FOLDERS[..4], &mut unknown)?;
    others_in(folder, Path::new("artifacts"), &["meta", "payload"], &mut unknown)?;
    let names: BTreeSet<&str> = events.iter().filter_map(|e| resource::created_name(&e.item)).collect();
    for entry in folder.list(Path::new(layout::RESOURCES))?.iter() {
        let at = Path::new(layout::RESOURCES).join(&entry.name);
        if names.contains(entry.name.as_str()) && entry.kind == Kind::Folder {
            others_in(folder, &at, &[layout::RESOURCE_FILE], &mut unknown)?;
        } else {
            unknown.push(at);
        }
    }
    Ok(unknown)
}

fn others_in(folder: &Folder, at: &Path, ours: &[&str], unknown: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in folder.list(at)?.iter() {
        if !ours.contains(&entry.name.as_str()) && !durable::is_unfinished(&entry.name) {
            unknown.push(at.join(&entry.name));
        }
    }
    Ok(())
}
