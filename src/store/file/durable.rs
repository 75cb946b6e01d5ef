//! Files and directory entries that are on disk when the call returns, and the
//! temporary names that every unfinished file carries.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::{NamedTempFile, TempPath};

use super::paths::{SIDECARS, sidecar};
use crate::store::StoreError;

/// Every unfinished file is called `new-`, ten letters or digits, `.tmp`.
const PREFIX: &str = "new-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 10;

/// A file in the making, under a temporary name. Dropping it removes it and
/// whatever SQLite put beside it.
#[derive(Debug)]
pub(super) struct Draft {
    path: TempPath,
}

impl Draft {
    /// A new empty file in `dir`, with the permissions that the umask leaves.
    pub(super) fn new(dir: &Path) -> Result<Self, StoreError> {
        let path = temporary(dir).map_err(|e| StoreError::from_io(&e, dir))?.into_temp_path();
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the content and gives the file its name, unless that name is
    /// taken: then false, and what stands there is not touched. The entry is
    /// on disk only after [`sync_dir`].
    pub(super) fn publish(self, target: &Path) -> Result<bool, StoreError> {
        let flush = || File::open(self.path())?.sync_all();
        flush().map_err(|e| StoreError::from_io(&e, self.path()))?;
        match renameat_with(CWD, self.path(), CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => return Ok(false),
            // Neither every kernel nor every file system has this rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            Err(error) => return Err(StoreError::from_io(&error.into(), target)),
        }
        match std::fs::hard_link(self.path(), target) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(StoreError::from_io(&error, target)),
        }
    }
}

impl Draft {
    /// Flushes the content and puts the file in the place of what has its name, if anything has.
    pub(super) fn replace(self, target: &Path) -> Result<(), StoreError> {
        let flush = || File::open(self.path())?.sync_all();
        flush().map_err(|e| StoreError::from_io(&e, self.path()))?;
        std::fs::rename(self.path(), target).map_err(|e| StoreError::from_io(&e, target))
    }
}

/// Gives a file another name, unless that name is taken: then false. The entry is on disk only
/// after [`sync_dir`].
pub(super) fn rename_to_free(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Neither every kernel nor every file system has this rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if to.symlink_metadata().is_ok() {
                return Ok(false);
            }
            std::fs::rename(from, to).map(|()| true).map_err(|e| StoreError::from_io(&e, from))
        }
        Err(error) => Err(StoreError::from_io(&error.into(), from)),
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for suffix in SIDECARS {
            // Best effort: what stays behind is swept by the next `init`, upgrade or `restore`.
            let _ = std::fs::remove_file(sidecar(&self.path, suffix));
        }
    }
}

/// Removes what killed processes left unfinished in `dir`. Only for the holder
/// of the lock: nobody else's draft may be alive.
pub(super) fn sweep(dir: &Path) -> Result<(), StoreError> {
    let entries = std::fs::read_dir(dir).map_err(|e| StoreError::from_io(&e, dir))?;
    for entry in entries {
        let entry = entry.map_err(|e| StoreError::from_io(&e, dir))?;
        if entry.file_name().to_str().is_some_and(is_draft) {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|e| StoreError::from_io(&e, &path))?;
        }
    }
    Ok(())
}

/// Writes `content` to `path` so that the file is either the old or the new
/// one, whole, whenever the power goes.
pub(super) fn replace(dir: &Path, path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = temporary(dir)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|e| StoreError::from_io(&e, path))
}

/// Writes the bytes of a file once more over themselves, and flushes them. After a flush that failed
/// the system takes what it did not write for written: no later flush would write it.
pub(super) fn write_again(path: &Path) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let file = File::options().read(true).write(true).open(path)?;
        let (mut part, mut at) = (vec![0; 1 << 20], 0);
        loop {
            let count = file.read_at(&mut part, at)?;
            if count == 0 {
                return file.sync_all();
            }
            file.write_all_at(&part[..count], at)?;
            at += count as u64;
        }
    };
    write().map_err(|e| StoreError::from_io(&e, path))
}

/// Puts the entries of `dir` on disk.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| StoreError::from_io(&e, dir))
}

/// The directory that holds `dir`.
pub(super) fn parent(dir: &Path) -> PathBuf {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn temporary(dir: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .rand_bytes(RANDOM)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(dir)
}

fn is_draft(name: &str) -> bool {
    let name = SIDECARS.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_never_replaces_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        std::fs::write(&target, b"old").unwrap();
        assert!(!Draft::new(dir.path()).unwrap().publish(&target).unwrap());
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary is left");
        std::fs::remove_file(&target).unwrap();
        assert!(Draft::new(dir.path()).unwrap().publish(&target).unwrap());
        assert_eq!(std::fs::read(&target).unwrap(), b"");
    }

    #[test]
    fn only_our_own_temporary_names_are_swept() {
        assert!(is_draft("new-0aB3456789.tmp"));
        assert!(is_draft("new-0aB3456789.tmp-wal"));
        for name in ["new-plan.tmp", "new-0aB34567_9.tmp", "new-0aB3456789.tmp.bak", "lattice.db"] {
            assert!(!is_draft(name), "{name}");
        }
    }
}
