//! Files that are the old one or the new one, whole, whenever the power goes.
//!
//! A file is written under a temporary name in its own folder, flushed, and then given its name.
//! Many files share one flush of the file system; what is promised is the same.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::mark::Mark;
use crate::app::{Code, Failure};

/// Unfinished files are called `new-`, twelve letters or digits, `.tmp`. `init` puts `new-*.tmp` into
/// `.gitignore`; twelve tell them from unfinished databases, which have ten and are not ours.
const PREFIX: &str = "new-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 12;
/// Up to so many files or folders are flushed one by one; more share one flush where the system
/// has it.
const FEW: usize = 16;

/// Replaces one file so that it is either the old one or the new one, also after power loss.
///
/// # Errors
/// `STORE_FULL`, `STORE_IO`, `STORE_READONLY`, `STORE_DENIED`; the old file stands then, or the hint
/// says that the new one does. A link, a pipe or a device is never replaced.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Ok(meta) = path.symlink_metadata()
        && !meta.is_file()
    {
        return Err(Failure::new(Code::StoreDenied, format!("{} is not a plain file", path.display()))
            .hint("nothing was changed; name a file, or a place where there is none"));
    }
    // Whoever had closed the file to others finds the new one closed too.
    let mode = path.symlink_metadata().ok().map(|meta| meta.permissions());
    let mut batch = Batch::new(parent(path));
    batch.stage_with(0, path, |file| {
        write_whole(file, bytes)?;
        mode.map_or(Ok(()), |mode| file.set_permissions(mode))
    })?;
    batch.commit()
}

/// Makes a folder and those above it that are missing, durably.
///
/// # Errors
/// What the disk says.
pub fn make_folders(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folders(above)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Failure::io(&error, folder)),
        _ => flush_folder(above),
    }
}

/// Makes a file that is not there yet; when it returns, the file is on disk, whole.
///
/// # Errors
/// `CONFLICT` where something has the name already, which stays as it is; else as [`replace_file`].
pub fn create_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(Code::Conflict, format!("{} is there already", path.display()))
                .hint("nothing was changed; choose another name")
        }
        _ => Failure::io(&error, path),
    };
    if path.symlink_metadata().is_ok() {
        return Err(fail(ErrorKind::AlreadyExists.into()));
    }
    let folder = parent(path);
    let mut temporary = unfinished(folder).map_err(fail)?;
    write_whole(temporary.as_file_mut(), bytes).and_then(|()| flush(temporary.as_file())).map_err(fail)?;
    temporary.persist_noclobber(path).map_err(|error| fail(error.error))?;
    flush_folder(folder).map_err(named)
}

/// A failure behind the last step that could be undone: the file has its name by then.
fn named(failure: Failure) -> Failure {
    failure.hint(
        "what was written stands, whole, but a power cut may undo it: mend the disk, then run the system's `sync`",
    )
}

/// Files on their way to their names. Dropping it takes what is unfinished away again.
pub(super) struct Batch {
    root: PathBuf,
    /// Opened before anything is written, so that no failed write goes unreported.
    system: Option<File>,
    /// When it gets its name, what it is called until then, and its name.
    staged: Vec<(u8, TempPath, PathBuf)>,
    unflushed: bool,
    /// Those with names that may not be on disk.
    folders: BTreeSet<PathBuf>,
}

impl Batch {
    /// For files below `root`, which is there or whose parent is.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            system: File::open(root).ok(),
            staged: Vec::new(),
            unflushed: false,
            folders: BTreeSet::new(),
        }
    }

    /// Writes a file under a temporary name beside its place. Those of an earlier turn get their
    /// names first.
    ///
    /// # Errors
    /// What the disk says; the temporary is gone then.
    pub(super) fn stage(&mut self, turn: u8, target: &Path, bytes: &[u8]) -> Result<(), Failure> {
        self.stage_with(turn, target, |file| write_whole(file, bytes))
    }

    fn stage_with(
        &mut self,
        turn: u8,
        target: &Path,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let folder = parent(target);
        let fail = |error: io::Error| Failure::io(&error, target);
        let flush_now = self.staged.len() < FEW || !cfg!(target_os = "linux") || self.system.is_none();
        let temporary = unfinished(folder).map_err(fail)?;
        let (mut file, path) = temporary.into_parts();
        fill(&mut file).map_err(fail)?;
        if flush_now {
            flush(&file).map_err(fail)?;
        } else {
            self.unflushed = true;
        }
        self.staged.push((turn, path, target.to_path_buf()));
        Ok(())
    }

    /// Makes a folder and those above it, up to the root. The mark says that they are not on disk.
    ///
    /// # Errors
    /// What the disk says; a link or a file on the way is refused.
    pub(super) fn make_folder(&mut self, folder: &Path, mark: &mut Mark) -> Result<(), Failure> {
        match folder.symlink_metadata() {
            Ok(meta) if meta.is_dir() => return Ok(()),
            Ok(_) => return Err(in_the_way(folder)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::io(&error, folder)),
        }
        let above = parent(folder).to_path_buf();
        if folder != self.root && above.starts_with(&self.root) {
            self.make_folder(&above, mark)?;
        }
        if folder != self.root {
            mark.set()?;
        }
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Failure::io(&error, folder));
            }
            _ => {}
        }
        self.folders.insert(above);
        if self.system.is_none() {
            self.system = File::open(&self.root).ok();
        }
        Ok(())
    }

    /// Flushes the root's own name too, which nobody may have done yet.
    pub(super) fn flush_root(&mut self) {
        self.folders.insert(parent(&self.root).to_path_buf());
    }

    /// Gives all files their names, turn by turn in order of staging. What a turn replaces is on disk
    /// before the next begins; what was not there before may come with it. When it returns, all are.
    ///
    /// # Errors
    /// What the disk says. Each file is the old one or the new one, whole.
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        if self.unflushed {
            self.flush_all()?;
        }
        let mut staged = std::mem::take(&mut self.staged);
        staged.sort_by_key(|(turn, ..)| *turn);
        let (mut now, mut replaced) = (0, BTreeSet::new());
        for (turn, temporary, target) in staged {
            if turn > now {
                self.flush_folders(&replaced)?;
                self.folders.retain(|folder| !replaced.contains(folder));
                replaced.clear();
                now = turn;
            }
            let folder = parent(&target);
            if !replaced.contains(folder) && target.symlink_metadata().is_ok() {
                replaced.insert(folder.to_path_buf());
            }
            self.folders.insert(folder.to_path_buf());
            temporary.persist(&target).map_err(|error| Failure::io(&error.error, &target))?;
        }
        self.flush_folders(&self.folders).map_err(named)
    }

    fn flush_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<(), Failure> {
        if folders.len() > FEW && cfg!(target_os = "linux") {
            return self.flush_all();
        }
        folders.iter().try_for_each(|folder| flush_folder(folder))
    }

    #[cfg(target_os = "linux")]
    fn flush_all(&self) -> Result<(), Failure> {
        let sync = || -> io::Result<()> {
            match &self.system {
                Some(file) => again(|| Ok(rustix::fs::syncfs(file)?)),
                None => again(|| Ok(rustix::fs::syncfs(File::open(&self.root)?)?)),
            }
        };
        sync().map_err(|error| Failure::io(&error, &self.root))
    }

    /// Never called: elsewhere every file was flushed when it was written.
    #[cfg(not(target_os = "linux"))]
    fn flush_all(&self) -> Result<(), Failure> {
        self.folders.iter().try_for_each(|folder| flush_folder(folder))
    }
}

/// A new empty file under a temporary name, with the permissions that the umask leaves.
pub(super) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .rand_bytes(RANDOM)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Takes files away, durably.
///
/// # Errors
/// What the disk says. A file that is gone already is no failure.
pub(super) fn remove(files: &[PathBuf]) -> Result<(), Failure> {
    let mut folders = BTreeSet::new();
    for file in files {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Failure::io(&error, file)),
            _ => folders.insert(parent(file)),
        };
    }
    folders.into_iter().try_for_each(flush_folder)
}

/// Whether a name is that of an unfinished file of ours.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Writes all of it: short writes go on, interrupted ones are repeated.
fn write_whole(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

fn again(mut work: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match work() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn flush(file: &File) -> io::Result<()> {
    again(|| file.sync_all())
}

/// Puts the names in a folder on disk.
pub(super) fn flush_folder(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|file| flush(&file)).map_err(|error| Failure::io(&error, folder))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refusal to write through something that is no folder or no plain file.
pub(super) fn in_the_way(path: &Path) -> Failure {
    Failure::new(Code::StoreDenied, format!("{} is not a plain file or folder", path.display())).hint(
        "nothing was written; export follows no links: put a real file or folder there, or take it away",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at most, is interrupted every other time, and fails at the end.
    struct Reluctant {
        taken: Vec<u8>,
        calls: usize,
        room: usize,
    }

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = bytes.len().min(3).min(self.room - self.taken.len());
            if count == 0 {
                return Err(io::Error::from_raw_os_error(28));
            }
            self.taken.extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_and_interrupted_writes_go_on() {
        let mut out = Reluctant { taken: Vec::new(), calls: 0, room: 100 };
        write_whole(&mut out, b"whatever it takes").unwrap();
        assert_eq!(out.taken, b"whatever it takes");
        let mut out = Reluctant { taken: Vec::new(), calls: 0, room: 7 };
        assert_eq!(write_whole(&mut out, b"0123456789").unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn a_failing_disk_leaves_the_old_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        std::fs::write(&target, b"old").unwrap();
        for (number, code) in [(28, Code::StoreFull), (5, Code::StoreIo), (30, Code::StoreReadonly)] {
            let mut batch = Batch::new(dir.path());
            batch.stage(0, &dir.path().join("other"), b"new").unwrap();
            let result = batch.stage_with(0, &target, |file| {
                file.write_all(b"ne")?;
                Err(io::Error::from_raw_os_error(number))
            });
            assert_eq!(result.unwrap_err().code, code);
            drop(batch);
            let names: Vec<_> =
                std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["f"]);
            assert_eq!(std::fs::read(&target).unwrap(), b"old");
        }
    }

    #[test]
    fn many_files_get_their_names_together() {
        let dir = tempfile::tempdir().unwrap();
        let mut batch = Batch::new(dir.path());
        let folder = dir.path().join("a/b");
        batch.make_folder(&folder, &mut Mark::new(dir.path())).unwrap();
        for n in 0..FEW * 3 {
            batch.stage(0, &folder.join(n.to_string()), b"x").unwrap();
        }
        let mut names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.all(|name| is_unfinished(name.to_str().unwrap())));
        batch.commit().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "the folder and the mark");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), FEW * 3);
        assert_eq!(std::fs::read(folder.join("20")).unwrap(), b"x");
    }

    #[test]
    fn links_are_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert_eq!(replace_file(&link, b"x").unwrap_err().code, Code::StoreDenied);
        assert_eq!(replace_file(dir.path(), b"x").unwrap_err().code, Code::StoreDenied);
        let file = dir.path().join("file");
        replace_file(&file, b"x").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        replace_file(&file, b"y").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(&file).unwrap(), b"y");
    }

    #[test]
    fn only_our_own_temporaries_are_known() {
        assert!(is_unfinished("new-0aB345678901.tmp"));
        for name in [
            "new-plan.tmp",
            "new-0aB3456789.tmp",
            "new-0aB34567_901.tmp",
            "new-0aB345678901.tmp.bak",
            ".tmp.abc",
        ] {
            assert!(!is_unfinished(name), "{name}");
        }
    }
}
