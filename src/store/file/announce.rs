//! The word of a `restore` that it is about to put another file in the tracker's place. Whoever has
//! the tracker open without being in the middle of something lets go when it hears of it, and whoever
//! comes waits a moment. The word is a locked file, so it ends with the process that gave it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::paths::{RESTORING, plain_flags};

/// How long somebody who wants to read lets a `restore` go first.
const COURTESY: Duration = Duration::from_secs(1);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// The announcement; withdrawn when it is dropped.
#[derive(Debug)]
pub(super) struct Announcement {
    path: PathBuf,
    /// The kernel releases the lock when this is closed.
    _file: File,
}

impl Announcement {
    /// Announces a `restore`. Only for the holder of the file lock. `None` where that cannot be done:
    /// then it takes its chance among the others.
    pub(super) fn make(lattice_dir: &Path) -> Option<Self> {
        let path = lattice_dir.join(RESTORING);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o666).custom_flags(plain_flags());
        let file = options.open(&path).ok()?;
        // Nobody keeps it but for the moment of a look.
        match file.lock() {
            Ok(()) => Some(Self { path, _file: file }),
            Err(_) => {
                remove(&path);
                None
            }
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Whether somebody is about to put another file in the tracker's place. False for the word of a
/// process that was killed.
pub(super) fn is_announced(lattice_dir: &Path) -> bool {
    let opened = OpenOptions::new().read(true).custom_flags(plain_flags()).open(lattice_dir.join(RESTORING));
    opened.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Lets a `restore` go first, for a moment.
pub(super) fn give_way(lattice_dir: &Path) {
    let started = Instant::now();
    while is_announced(lattice_dir) && started.elapsed() < COURTESY {
        std::thread::sleep(PAUSE);
    }
}

fn remove(path: &Path) {
    // Best effort: without a lock on it it says nothing.
    let _: io::Result<()> = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_holds_as_long_as_the_one_who_gave_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_announced(dir.path()));
        let announcement = Announcement::make(dir.path()).unwrap();
        assert!(is_announced(dir.path()));
        drop(announcement);
        assert!(!is_announced(dir.path()));
        assert!(!dir.path().join(RESTORING).exists());
        // A process that was killed leaves the file, but not its lock.
        std::fs::write(dir.path().join(RESTORING), b"").unwrap();
        assert!(!is_announced(dir.path()));
        drop(Announcement::make(dir.path()).unwrap());
        assert!(!dir.path().join(RESTORING).exists());
    }
}
