//! The two files that tell git about `.lattice/`: which files are no business
//! of a repository, and how the event logs are merged.

use std::path::{Path, PathBuf};

use super::durable::replace;
use crate::store::StoreError;

/// The database and its logs, the lock, copies, and unfinished files.
const IGNORE: &[&str] = &[
    "/lattice.db",
    "/lattice.db-wal",
    "/lattice.db-shm",
    "/lattice.db-journal",
    "/lattice.db-seen",
    "/lattice-v*.backup*.db",
    "/lattice-kept-*",
    "/lock",
    "/restoring",
    "new-*.tmp",
    "new-*.tmp-*",
];
/// The tree is compared byte for byte, so git must not touch line ends. The
/// logs are sets of lines: a merge is their union.
pub const GIT_ATTRIBUTES: &[&str] = &[
    "* -text",
    "events/*.jsonl merge=union",
    "archive/events/*.jsonl merge=union",
    "instance.jsonl merge=union",
];

/// A file as it was before it was changed: its content, or None if it was not there.
#[derive(Debug)]
pub(super) struct Before {
    path: PathBuf,
    content: Option<Vec<u8>>,
}

impl Before {
    /// Puts the file back, as well as that can be done.
    pub(super) fn restore(self, dir: &Path) {
        let _ = match self.content {
            Some(content) => replace(dir, &self.path, &content),
            None => std::fs::remove_file(&self.path).map_err(|e| StoreError::from_io(&e, &self.path)),
        };
    }
}

/// Adds the lines that are missing, keeps all others, and notes in `undo` what
/// was changed.
///
/// # Errors
/// Those of writing; `SymlinkRefused` or `UnsafePath` if there is something
/// else than a file.
pub(super) fn write(dir: &Path, undo: &mut Vec<Before>) -> Result<(), StoreError> {
    for (name, lines) in [(".gitignore", IGNORE), (".gitattributes", GIT_ATTRIBUTES)] {
        let path = dir.join(name);
        let content = read(&path)?;
        let Some(completed) = complete(content.as_deref().unwrap_or_default(), lines) else {
            continue;
        };
        undo.push(Before { path: path.clone(), content });
        replace(dir, &path, &completed)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let fail = |error: std::io::Error| StoreError::from_io(&error, path);
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(error)),
        Ok(meta) if meta.is_symlink() => Err(StoreError::SymlinkRefused { path: path.to_path_buf() }),
        Ok(meta) if !meta.is_file() => Err(StoreError::UnsafePath { path: path.to_path_buf() }),
        Ok(_) => std::fs::read(path).map(Some).map_err(fail),
    }
}

/// `content` with the missing `lines` at its end; None if it has them all.
fn complete(content: &[u8], lines: &[&str]) -> Option<Vec<u8>> {
    let has = |line: &&&str| {
        content.split(|byte| *byte == b'\n').any(|found| found.trim_ascii() == line.as_bytes())
    };
    let missing: Vec<_> = lines.iter().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return None;
    }
    let mut completed = content.to_vec();
    if !completed.is_empty() && !completed.ends_with(b"\n") {
        completed.push(b'\n');
    }
    for line in missing {
        completed.extend(line.as_bytes());
        completed.push(b'\n');
    }
    Some(completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once_and_others_are_kept() {
        let first = complete(b"mine\r\n/lock\r\n*.bak", IGNORE).unwrap();
        assert!(first.starts_with(b"mine\r\n/lock\r\n*.bak\n/lattice.db\n"));
        assert_eq!(complete(&first, IGNORE), None);
    }

    #[test]
    fn a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hosts", dir.path().join(".gitignore")).unwrap();
        let result = write(dir.path(), &mut Vec::new());
        assert!(matches!(result, Err(StoreError::SymlinkRefused { .. })), "{result:?}");
    }
}
