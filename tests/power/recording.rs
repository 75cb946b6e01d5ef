//! The log of what a thread does to the disk below one folder. Names are not intercepted: whenever a
//! call arrives, the folders are compared with what was known, so that it does not matter by which
//! way a file was made, renamed or removed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::disk::{Ino, Op};

/// What goes wrong below the program while it is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The number, from 1, of a flush that fails.
    pub flush: Option<usize>,
    /// Whether `PRAGMA synchronous` is made NORMAL, whatever the program asks for.
    pub normal: bool,
}

/// What is recorded.
struct Recording {
    root: PathBuf,
    ops: Vec<Op>,
    /// By path: the file's number in the log, and that of the file system.
    known: BTreeMap<String, (Ino, u64)>,
    files: Ino,
    flushes: usize,
    faults: Faults,
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// What a power cut finds in a tracker's folder that belongs to the database. The index of the log
/// (`-shm`) is made anew by whoever comes first.
fn is_tracked(name: &str) -> bool {
    let ours = name.starts_with("lattice") || name.starts_with("new-");
    ours && !name.ends_with("-shm") || name == ".lattice"
}

/// The files below a project that are tracked, with their paths.
pub fn files(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for (folder, prefix) in [(root.to_path_buf(), ""), (root.join(".lattice"), ".lattice/")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_tracked(&name) {
                found.push((format!("{prefix}{name}"), entry.path()));
            }
        }
    }
    found
}

/// Records what this thread does below `root` from now on. What is there is on disk.
pub fn start(root: &Path, faults: Faults) {
    let root = root.to_path_buf();
    let mut recording =
        Recording { root, ops: Vec::new(), known: BTreeMap::new(), files: 0, flushes: 0, faults };
    recording.look();
    for path in recording.known.keys().cloned().collect::<Vec<_>>() {
        let (ino, _) = recording.known[&path];
        if let Ok(data) = fs::read(recording.root.join(&path)) {
            recording.ops.push(Op::Write { ino, at: 0, data });
        }
        recording.ops.push(Op::Sync { ino });
    }
    for path in ["", ".lattice"] {
        recording.ops.push(Op::SyncFolder { path: path.into() });
    }
    RECORDING.set(Some(recording));
}

/// How many calls were recorded until now.
pub fn length() -> usize {
    RECORDING.with_borrow(|recording| recording.as_ref().map_or(0, |recording| recording.ops.len()))
}

/// Whether SQLite is to be talked into flushing less.
pub fn weakens() -> bool {
    RECORDING.with_borrow(|recording| recording.as_ref().is_some_and(|recording| recording.faults.normal))
}

/// How many flushes there were until now.
pub fn flushes() -> usize {
    RECORDING.with_borrow(|recording| recording.as_ref().map_or(0, |recording| recording.flushes))
}

/// Ends it and gives the calls.
pub fn take() -> Vec<Op> {
    look();
    RECORDING.take().map(|recording| recording.ops).unwrap_or_default()
}

/// Notes what was done.
pub fn note(op: Op) {
    with(|recording| {
        recording.look();
        recording.ops.push(op);
    });
}

/// Notes what happened to names.
pub fn look() {
    with(Recording::look);
}

/// The number of the file at this path, if it is recorded.
pub fn file_at(path: &Path) -> Option<Ino> {
    let mut found = None;
    with(|recording| {
        recording.look();
        found = recording.relative(path).and_then(|path| recording.known.get(&path)).map(|known| known.0);
    });
    found
}

/// A file or folder is about to be flushed. False if that has to fail.
pub fn flush(path: &Path) -> bool {
    let mut succeeds = true;
    with(|recording| {
        let Some(path) = recording.relative(path) else { return };
        recording.look();
        let is_folder = recording.root.join(&path).is_dir();
        let Some(ino) = recording.known.get(&path).map(|known| known.0).or((path.is_empty()).then_some(0))
        else {
            return;
        };
        recording.flushes += 1;
        succeeds = recording.faults.flush != Some(recording.flushes);
        match (is_folder, succeeds) {
            (true, true) => recording.ops.push(Op::SyncFolder { path }),
            (false, true) => recording.ops.push(Op::Sync { ino }),
            (false, false) => recording.ops.push(Op::Forget { ino }),
            (true, false) => {}
        }
    });
    succeeds
}

fn with(work: impl FnOnce(&mut Recording)) {
    RECORDING.with_borrow_mut(|recording| recording.as_mut().map(work));
}

impl Recording {
    fn relative(&self, path: &Path) -> Option<String> {
        Some(path.strip_prefix(&self.root).ok()?.to_str()?.to_owned())
    }

    /// Compares the folders with what is known.
    fn look(&mut self) {
        let mut there = BTreeMap::new();
        for (path, file) in files(&self.root) {
            if let Ok(meta) = file.symlink_metadata() {
                there.insert(path, meta.ino());
            }
        }
        let gone: Vec<String> = self
            .known
            .iter()
            .filter(|(path, known)| there.get(*path) != Some(&known.1))
            .map(|(path, _)| path.clone())
            .collect();
        let mut gone: BTreeMap<u64, (String, Ino)> = gone
            .into_iter()
            .filter_map(|path| self.known.remove(&path).map(|(ino, real)| (real, (path, ino))))
            .collect();
        let fresh: Vec<(String, u64)> =
            there.into_iter().filter(|(path, _)| !self.known.contains_key(path)).collect();
        for (path, real) in fresh {
            let ino = match gone.remove(&real) {
                Some((from, ino)) => {
                    self.ops.push(Op::Rename { from, to: path.clone() });
                    ino
                }
                None => {
                    self.files += 1;
                    self.ops.push(Op::Create { path: path.clone(), ino: self.files });
                    self.files
                }
            };
            self.known.insert(path, (ino, real));
        }
        for (path, _) in gone.into_values() {
            self.ops.push(Op::Unlink { path });
        }
    }
}
