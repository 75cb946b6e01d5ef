//! Looking at a folder that somebody else may have filled: no links are followed, nothing but
//! plain files is opened, and nothing is read without a limit.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use crate::app::{Code, Failure};

/// Bytes that a snapshot, an index, a plan or notes may have.
pub(super) const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Bytes that a payload may have.
pub(super) const PAYLOAD_LIMIT: u64 = 256 * 1024 * 1024;

/// What a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a socket, a device.
    Other,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name; characters that are no Unicode are replaced, so it may only be shown.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
}

/// A folder to be read, with the paths in it relative to it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// What a link or a pipe in the tree is refused with.
    refusal: Code,
}

impl Folder {
    /// A tree to be taken in.
    pub(super) fn to_read(root: &Path) -> Self {
        Self { root: root.to_path_buf(), refusal: Code::ImportInvalid }
    }

    /// A tree to be written over.
    pub(super) fn to_write(root: &Path) -> Self {
        Self { root: root.to_path_buf(), refusal: Code::StoreDenied }
    }

    /// The whole path.
    pub(super) fn path(&self, relative: &Path) -> PathBuf {
        self.root.join(relative)
    }

    fn not_plain(&self, path: &Path) -> Failure {
        Failure::new(
            self.refusal,
            format!("{} is a link, a pipe or a device, not a file or folder of a tree", path.display()),
        )
        .hint("nothing was changed; put the real file or folder there, or take it away")
    }

    /// What stands at a path, `None` if nothing does.
    ///
    /// # Errors
    /// A link on the way is refused: it could lead out of the folder.
    pub(super) fn kind(&self, relative: &Path) -> Result<Option<Kind>, Failure> {
        let mut at = self.root.clone();
        let mut parts = relative.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(part) = part else { return Err(self.not_plain(relative)) };
            at.push(part);
            let found = match at.symlink_metadata() {
                Ok(meta) => kind_of(meta.file_type()),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(None);
                }
                Err(error) => return Err(Failure::io(&error, &at)),
            };
            if parts.peek().is_none() {
                return Ok(Some(found));
            }
            if found != Kind::Folder {
                return Err(self.not_plain(&at));
            }
        }
        Ok(Some(Kind::Folder))
    }

    /// The names in a folder, sorted; none if it is not there.
    ///
    /// # Errors
    /// A link in the place of the folder is refused.
    pub(super) fn list(&self, relative: &Path) -> Result<Vec<Entry>, Failure> {
        match self.kind(relative)? {
            None => return Ok(Vec::new()),
            Some(Kind::Folder) => {}
            Some(_) => return Err(self.not_plain(&self.path(relative))),
        }
        let path = self.path(relative);
        let fail = |error: std::io::Error| Failure::io(&error, &path);
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            let kind = match name.to_str() {
                Some(_) => kind_of(entry.file_type().map_err(fail)?),
                // A name that is no Unicode is none of ours.
                None => Kind::Other,
            };
            entries.push(Entry { name: name.to_string_lossy().into_owned(), kind });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Opens a plain file, `None` if there is none.
    ///
    /// # Errors
    /// Links, pipes and devices are refused without waiting for them.
    pub(super) fn open(&self, relative: &Path) -> Result<Option<File>, Failure> {
        match self.kind(relative)? {
            None => return Ok(None),
            Some(Kind::File) => {}
            Some(_) => return Err(self.not_plain(&self.path(relative))),
        }
        let path = self.path(relative);
        // What was a file a moment ago may be a pipe now; opening must neither follow nor wait.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(|error| Failure::io(&error, &path))?;
        let meta = file.metadata().map_err(|error| Failure::io(&error, &path))?;
        if meta.is_file() { Ok(Some(file)) } else { Err(self.not_plain(&path)) }
    }

    /// All bytes of a plain file, `None` if there is none.
    ///
    /// # Errors
    /// As [`Folder::open`]; a file beyond `limit` bytes is refused before it is read.
    pub(super) fn read(&self, relative: &Path, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some(file) = self.open(relative)? else { return Ok(None) };
        let path = self.path(relative);
        let fail = |error: std::io::Error| Failure::io(&error, &path);
        let size = file.metadata().map_err(fail)?.len();
        if size > limit {
            return Err(too_long(&path, limit));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > limit { Err(too_long(&path, limit)) } else { Ok(Some(bytes)) }
    }
}

fn kind_of(found: std::fs::FileType) -> Kind {
    if found.is_file() {
        Kind::File
    } else if found.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    }
}

fn too_long(path: &Path, limit: u64) -> Failure {
    Failure::new(Code::ImportInvalid, format!("{} has more than {limit} bytes", path.display()))
        .hint("nothing was imported; see the limits in docs/export-format.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_pipes_are_refused_wherever_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::to_read(dir.path());
        std::fs::create_dir(dir.path().join("real")).unwrap();
        std::fs::write(dir.path().join("real/file"), b"x").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("file", dir.path().join("real/link")).unwrap();
        let pipe = dir.path().join("real/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(folder.read(Path::new("real/file"), 1).unwrap().unwrap(), b"x");
        assert_eq!(folder.read(Path::new("real/none"), 1).unwrap(), None);
        for path in ["link/file", "real/link", "real/pipe", "../x"] {
            assert_eq!(folder.read(Path::new(path), 1).unwrap_err().code, Code::ImportInvalid, "{path}");
        }
        assert!(folder.list(Path::new("link")).is_err());
        assert!(folder.list(Path::new("none")).unwrap().is_empty());
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), b"12345").unwrap();
        let folder = Folder::to_read(dir.path());
        assert!(folder.read(Path::new("f"), 4).unwrap_err().message.contains("more than 4 bytes"));
        assert!(folder.read(Path::new("f"), 5).unwrap().is_some());
    }
}
