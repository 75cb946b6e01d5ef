//! The mark of an export that is not yet on disk.

use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::durable::unfinished;
use crate::app::Failure;

/// An empty unfinished file in the tree's folder, there as long as names of files and folders in it
/// may not be on disk. An export that finds it flushes all folders: it was left by one
/// that was killed or failed in between, and what that one wrote looks finished.
pub(super) struct Mark {
    root: PathBuf,
    path: Option<TempPath>,
}

impl Mark {
    /// For the tree in `root`; not yet there.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), path: None }
    }

    /// Puts it there. It need not last: after a power failure only what is on disk can be seen.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn set(&mut self) -> Result<(), Failure> {
        if self.path.is_none() {
            let made = unfinished(&self.root).map_err(|error| Failure::io(&error, &self.root))?;
            self.path = Some(made.into_temp_path());
        }
        Ok(())
    }

    /// Takes it away: all names are on disk. Without this it stays.
    pub(super) fn clear(mut self) {
        self.path = None;
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // Best effort: keeping fails nowhere on the systems that Lattice runs on.
            let _ = path.keep();
        }
    }
}
