//! Looking at a folder that somebody else may have filled: no links are followed, nothing but
//! plain files is opened, and nothing is read without a limit.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use crate::app::{Code, Failure, sha256_of};

/// Bytes that a plan, notes or what an artifact says of itself may have.
pub(super) const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Bytes that a payload may have.
pub(super) const PAYLOAD_LIMIT: u64 = 256 * 1024 * 1024;
/// Bytes of a snapshot or an index that are looked at: those of a task have no bound but the sum of its
/// events, and an index grows with every task.
pub(super) const DERIVED_LIMIT: u64 = 256 * 1024 * 1024;
/// So many folders are kept open at most: those of tasks and artifacts, of resources only some.
const KEPT_OPEN: usize = 32;

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

/// What a derived file holds. It is never trusted, so nothing in it may keep the rest of a tree out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than is read.
    TooLong,
}

/// A folder to be read, with the paths in it relative to it. Folders in it are opened one from the
/// other, without following links, and kept open: the way to a file is walked once. Several threads
/// may read from one.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// What a link or a pipe in the tree is refused with.
    refusal: Code,
    open: Mutex<HashMap<PathBuf, Arc<OwnedFd>>>,
    /// What was listed. Whoever reads or surveys a tree looks into each folder several times.
    listed: Mutex<HashMap<PathBuf, Arc<[Entry]>>>,
}

impl Folder {
    /// A tree to be taken in.
    pub(super) fn to_read(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            refusal: Code::ImportInvalid,
            open: Mutex::default(),
            listed: Mutex::default(),
        }
    }

    /// A tree to be written over.
    pub(super) fn to_write(root: &Path) -> Self {
        Self { refusal: Code::StoreDenied, ..Self::to_read(root) }
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

    fn failed(&self, errno: Errno, relative: &Path) -> Failure {
        Failure::io(&errno.into(), &self.path(relative))
    }

    /// Opens a folder, `None` if there is none. The root may be a link, nothing in it may.
    fn opened(&self, relative: &Path) -> Result<Option<Arc<OwnedFd>>, Failure> {
        if let Some(open) = held(&self.open).get(relative) {
            return Ok(Some(Arc::clone(open)));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = if relative.as_os_str().is_empty() {
            match openat(CWD, &self.root, flags, Mode::empty()) {
                Err(Errno::NOTDIR) => return Ok(None),
                opened => opened,
            }
        } else {
            let (above, name) = self.split(relative)?;
            let Some(above) = self.opened(above)? else { return Ok(None) };
            openat(&above, name, flags | OFlags::NOFOLLOW, Mode::empty())
        };
        let opened = match opened {
            Ok(opened) => Arc::new(opened),
            Err(Errno::NOENT) => return Ok(None),
            // A link is no folder either where links are not followed.
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(self.not_plain(&self.path(relative))),
            Err(errno) => return Err(self.failed(errno, relative)),
        };
        let mut kept = held(&self.open);
        if kept.len() < KEPT_OPEN {
            kept.insert(relative.to_path_buf(), Arc::clone(&opened));
        }
        Ok(Some(opened))
    }

    /// The folder that a path leads through, and its last name.
    fn split<'a>(&self, relative: &'a Path) -> Result<(&'a Path, &'a Path), Failure> {
        match (relative.parent(), relative.components().next_back()) {
            (Some(above), Some(Component::Normal(name))) => Ok((above, Path::new(name))),
            _ => Err(self.not_plain(relative)),
        }
    }

    /// What stood at a path when its folder was first looked into, `None` if nothing did.
    ///
    /// # Errors
    /// A link on the way is refused: it could lead out of the folder.
    pub(super) fn kind(&self, relative: &Path) -> Result<Option<Kind>, Failure> {
        if relative.as_os_str().is_empty() {
            return Ok(Some(Kind::Folder));
        }
        let (above, name) = self.split(relative)?;
        // Without the root there is nothing.
        if above.as_os_str().is_empty() && self.opened(above)?.is_none() {
            return Ok(None);
        }
        let entries = self.list(above)?;
        let found =
            entries.binary_search_by(|entry| Path::new(&entry.name).as_os_str().cmp(name.as_os_str()));
        Ok(found.ok().and_then(|place| entries.get(place)).map(|entry| entry.kind))
    }

    /// The names in a folder as they were when it was first asked for, sorted; none if it is not
    /// there.
    ///
    /// # Errors
    /// A link in the place of the folder is refused.
    pub(super) fn list(&self, relative: &Path) -> Result<Arc<[Entry]>, Failure> {
        if let Some(listed) = held(&self.listed).get(relative) {
            return Ok(Arc::clone(listed));
        }
        let listed: Arc<[Entry]> = self.entries(relative)?.into();
        // Somebody else may have been first.
        Ok(Arc::clone(held(&self.listed).entry(relative.to_path_buf()).or_insert(listed)))
    }

    fn entries(&self, relative: &Path) -> Result<Vec<Entry>, Failure> {
        let Some(folder) = self.opened(relative)? else {
            // Without the root there is no tree at all.
            let is_root = relative.as_os_str().is_empty();
            return if is_root { Err(self.failed(Errno::NOENT, relative)) } else { Ok(Vec::new()) };
        };
        let fail = |errno| self.failed(errno, relative);
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            let kind = match (name.to_str(), entry.file_type()) {
                (Ok("." | ".."), _) => continue,
                // A name that is no Unicode is none of ours.
                (Err(_), _) => Kind::Other,
                // Not every file system tells.
                (_, FileType::Unknown) => {
                    let stat = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
                    kind_of(FileType::from_raw_mode(stat.st_mode))
                }
                (_, found) => kind_of(found),
            };
            entries.push(Entry { name: name.to_string_lossy().into_owned(), kind });
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Opens a plain file, `None` if there is none.
    ///
    /// # Errors
    /// Links, pipes and devices are refused without waiting for them.
    pub(super) fn open(&self, relative: &Path) -> Result<Option<File>, Failure> {
        match self.kind(relative)? {
            Some(Kind::File) => Ok(self.open_file(relative)?.map(|(file, _)| file)),
            Some(_) => Err(self.not_plain(&self.path(relative))),
            None => Ok(None),
        }
    }

    /// Opens what was a plain file a moment ago, with its size. It may be a pipe now: opening must
    /// neither follow nor wait.
    fn open_file(&self, relative: &Path) -> Result<Option<(File, u64)>, Failure> {
        let (above, name) = self.split(relative)?;
        let Some(above) = self.opened(above)? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fail = |errno| self.failed(errno, relative);
        let file = openat(&above, name, flags, Mode::empty()).map_err(fail)?;
        let stat = fstat(&file).map_err(fail)?;
        if kind_of(FileType::from_raw_mode(stat.st_mode)) != Kind::File {
            return Err(self.not_plain(&self.path(relative)));
        }
        Ok(Some((File::from(file), u64::try_from(stat.st_size).unwrap_or(0))))
    }

    /// All bytes of a plain file, `None` if there is none.
    ///
    /// # Errors
    /// As [`Folder::open`]; a file beyond `limit` bytes is refused before it is read.
    pub(super) fn read(&self, relative: &Path, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        match self.kind(relative)? {
            None => return Ok(None),
            Some(Kind::File) => {}
            Some(_) => return Err(self.not_plain(&self.path(relative))),
        }
        let mut bytes = Vec::new();
        Ok(self.read_listed(relative, limit, &mut bytes)?.then_some(bytes))
    }

    /// The SHA-256 of a plain file, `None` if there is none. The file is never in memory as a whole.
    ///
    /// # Errors
    /// As [`Folder::read`].
    pub(super) fn hash(&self, relative: &Path, limit: u64) -> Result<Option<[u8; 32]>, Failure> {
        let Some(file) = self.open(relative)? else { return Ok(None) };
        let fail = |error| Failure::io(&error, &self.path(relative));
        if file.metadata().map_err(fail)?.len() > limit {
            return Err(too_long(&self.path(relative), limit));
        }
        sha256_of(file.take(limit)).map(Some).map_err(fail)
    }

    /// All bytes of a derived file, `None` if there is none: one beyond [`DERIVED_LIMIT`] is no failure.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub(super) fn read_derived(&self, relative: &Path) -> Result<Option<Derived>, Failure> {
        match self.kind(relative)? {
            None => return Ok(None),
            Some(Kind::File) => {}
            Some(_) => return Err(self.not_plain(&self.path(relative))),
        }
        let Some((file, size)) = self.open_file(relative)? else { return Ok(None) };
        if size > DERIVED_LIMIT {
            return Ok(Some(Derived::TooLong));
        }
        let fail = |error| Failure::io(&error, &self.path(relative));
        let mut bytes = Vec::new();
        // One more, so that the end is seen without asking for room.
        let room = usize::try_from(size).unwrap_or(0) + 1;
        bytes.try_reserve_exact(room).map_err(|_| fail(ErrorKind::OutOfMemory.into()))?;
        file.take(DERIVED_LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
        Ok(Some(if bytes.len() as u64 > DERIVED_LIMIT { Derived::TooLong } else { Derived::Bytes(bytes) }))
    }

    /// Reads a plain file that was just listed, in the place of what `bytes` holds; whether it is
    /// there.
    ///
    /// # Errors
    /// As [`Folder::read`].
    pub(super) fn read_listed(
        &self,
        relative: &Path,
        limit: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        bytes.clear();
        let Some((file, size)) = self.open_file(relative)? else { return Ok(false) };
        let path = || self.path(relative);
        if size > limit {
            return Err(too_long(&path(), limit));
        }
        // One more, so that the end is seen without asking for room.
        bytes.reserve(usize::try_from(size).unwrap_or(0) + 1);
        file.take(limit + 1).read_to_end(bytes).map_err(|error| Failure::io(&error, &path()))?;
        if bytes.len() as u64 > limit { Err(too_long(&path(), limit)) } else { Ok(true) }
    }
}

/// What a lock guards. Nobody leaves it half changed, so one who panicked harms nobody.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kind_of(found: FileType) -> Kind {
    match found {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
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
