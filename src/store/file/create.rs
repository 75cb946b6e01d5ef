//! The one way a tracker comes into being. A database is built under a
//! temporary name and gets its own name only when it is whole and on disk: that
//! name is the commit point. Before it, everything is undone; a killed process
//! leaves only what the next `init` sweeps away.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::ahead::flushed_ahead;
use super::durable::{Draft, parent, sweep, sync_dir};
use super::gitfiles::{self, Before};
use super::lock::FileLock;
use super::open::{connect, journal_mode};
use super::paths::{LOCK, RESTORING, database, inspect, length, refuse_network, sidecar};
use super::read::open_read;
use super::{migrate, schema};
use crate::store::error::{StoreError, from_sqlite, has_no_room};

/// What making a tracker found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The tracker was made.
    Made,
    /// There was one; it was not touched.
    AlreadyThere,
}

/// Makes the tracker in `lattice_dir`, whose parent must exist and contain no
/// symbolic link in its path. `fill` writes the first rows; the database that it
/// gets is nobody else's, so it may take its time. `wait` bounds the time in the
/// queue of others who do the same.
///
/// # Errors
/// Those of `fill`, and: `NotADirectory` if `.lattice` is a file, `SymlinkRefused`,
/// `UnsafePath`, `NotADatabase` or `Foreign` if something else has the
/// database's name, `StrayJournal`, `Busy`, `ReadOnly`, `Denied`, `Full`, `Io`,
/// `NetworkFileSystem`, `Missing` if the parent does not exist. Then nothing has
/// changed. After `CommitUnknown` the tracker is there but may not survive a
/// power failure; calling again settles it.
pub fn create<E: From<StoreError>>(
    lattice_dir: &Path,
    wait: Duration,
    fill: impl FnOnce(&mut Connection) -> Result<(), E>,
) -> Result<Created, E> {
    let project = parent(lattice_dir);
    refuse_network(&project)?;
    if is_there(lattice_dir)? {
        settle(lattice_dir, &project)?;
        return Ok(Created::AlreadyThere);
    }
    let mut site = Site::enter(lattice_dir, wait)?;
    if is_there(lattice_dir)? {
        site.keep();
        settle(lattice_dir, &project)?;
        return Ok(Created::AlreadyThere);
    }
    site.tidy()?;
    site.refuse_journals()?;
    site.tell_git()?;
    let draft = build(lattice_dir, fill)?;
    // Once the database has its name, `init` looks at nothing beside it any more.
    sync_dir(lattice_dir)?;
    let made = draft.publish(&database(lattice_dir))?;
    if !made && !is_there(lattice_dir)? {
        return Err(StoreError::Unexpected { detail: "the database came and went".into() }.into());
    }
    site.keep();
    make_the_log(lattice_dir);
    let on_disk = sync_dir(lattice_dir).and_then(|()| sync_dir(&project));
    on_disk.map_err(|error| StoreError::CommitUnknown { detail: error.to_string() })?;
    Ok(if made { Created::Made } else { Created::AlreadyThere })
}

/// What stands in a folder beside the database and the lock, by name and length; `None` if there is no
/// folder. An attempt that failed and was undone leaves it as it was.
#[must_use]
pub fn traces(lattice_dir: &Path) -> Option<BTreeSet<(OsString, u64)>> {
    let entries = std::fs::read_dir(lattice_dir).ok()?.flatten();
    let working = |name: &str| name.starts_with("lattice.db") || name == LOCK || name == RESTORING;
    let others = entries.filter(|entry| !entry.file_name().to_str().is_some_and(working));
    Some(others.map(|entry| (entry.file_name(), length(&entry.path()))).collect())
}

/// Makes the log, empty, while its name is about to be flushed anyway: SQLite flushes the folder when
/// it makes one, but does not say if that fails. Best effort: SQLite makes it if it is not there.
fn make_the_log(lattice_dir: &Path) {
    let log = sidecar(&database(lattice_dir), "-wal");
    let _ = File::options().append(true).create(true).mode(0o666).open(log);
}

/// Whether there is a tracker. Something else under its name is an error, never
/// adopted and never removed.
fn is_there(lattice_dir: &Path) -> Result<bool, StoreError> {
    if !is_directory(lattice_dir)? {
        return Ok(false);
    }
    match inspect(&database(lattice_dir)) {
        Err(StoreError::Missing { .. }) => return Ok(false),
        result => result?,
    }
    match open_read(lattice_dir) {
        Ok(_) | Err(StoreError::NeedsUpgrade { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whether `lattice_dir` is there, and a directory.
fn is_directory(lattice_dir: &Path) -> Result<bool, StoreError> {
    let path = || lattice_dir.to_path_buf();
    match lattice_dir.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => Err(StoreError::SymlinkRefused { path: path() }),
        Ok(meta) if !meta.is_dir() => Err(StoreError::NotADirectory { path: path() }),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::from_io(&error, lattice_dir)),
    }
}

/// "Already there" is also an acknowledgement: whoever made the tracker may
/// have been killed before its name was on disk.
fn settle(lattice_dir: &Path, project: &Path) -> Result<(), StoreError> {
    for dir in [lattice_dir, project] {
        match sync_dir(dir) {
            Err(StoreError::Denied { .. } | StoreError::ReadOnly { .. }) => {}
            result => result?,
        }
    }
    Ok(())
}

/// The directory while a tracker is being made in it. Dropping it puts back
/// what was there before, unless [`Site::keep`] was called.
pub(super) struct Site {
    dir: PathBuf,
    made_the_dir: bool,
    lock: Option<FileLock>,
    changed: Vec<Before>,
}

impl Site {
    /// Makes the directory if need be and waits for the lock in it.
    pub(super) fn enter(lattice_dir: &Path, wait: Duration) -> Result<Self, StoreError> {
        let started = Instant::now();
        loop {
            let made_the_dir = match std::fs::create_dir(lattice_dir) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(StoreError::from_io(&error, &parent(lattice_dir))),
            };
            // From here on a failure takes the directory away again.
            let dir = lattice_dir.to_path_buf();
            let mut site = Self { dir, made_the_dir, lock: None, changed: Vec::new() };
            let left = wait.saturating_sub(started.elapsed());
            match FileLock::take(lattice_dir, left) {
                Ok(lock) => {
                    site.lock = Some(lock);
                    return Ok(site);
                }
                // Somebody else's attempt failed and took its directory away.
                Err(StoreError::Missing { .. }) if started.elapsed() <= wait => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Clears what killed attempts left.
    pub(super) fn tidy(&self) -> Result<(), StoreError> {
        if self.lock.as_ref().is_some_and(FileLock::is_held) { sweep(&self.dir) } else { Ok(()) }
    }

    /// Refuses what must not be adopted.
    fn refuse_journals(&self) -> Result<(), StoreError> {
        let path = database(&self.dir);
        for suffix in ["-wal", "-journal"] {
            let journal = sidecar(&path, suffix);
            if length(&journal) > 0 {
                return Err(StoreError::StrayJournal { path: journal });
            }
        }
        Ok(())
    }

    /// Tells git before there is anything to ignore.
    pub(super) fn tell_git(&mut self) -> Result<(), StoreError> {
        gitfiles::write(&self.dir, &mut self.changed)
    }

    /// There is a tracker now: nothing is undone any more.
    pub(super) fn keep(&mut self) {
        self.made_the_dir = false;
        self.changed.clear();
        self.lock = None;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for before in self.changed.drain(..) {
            before.restore(&self.dir);
        }
        if let Some(lock) = self.lock.take()
            && (self.made_the_dir || lock.made_the_file())
        {
            lock.remove();
        }
        if self.made_the_dir {
            // Fails if somebody else has begun to use it, as it should.
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}

/// A whole database under a temporary name, closed.
fn build<E: From<StoreError>>(
    lattice_dir: &Path,
    fill: impl FnOnce(&mut Connection) -> Result<(), E>,
) -> Result<Draft, E> {
    let draft = Draft::new(lattice_dir)?;
    let path = draft.path();
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    // Nobody can see this file, and a crash throws it away: one flush at the
    // end serves as well as one for each transaction.
    let fast = "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;";
    conn.execute_batch(fast).and_then(|()| conn.execute_batch(super::LARGE_CACHE)).map_err(failed)?;
    migrate::make(&mut conn, path)?;
    let (filled, flushed) = flushed_ahead(path, || fill(&mut conn));
    // What was not flushed may read back as anything: then this is what went wrong, whatever `fill` says.
    flushed.map_err(|e| StoreError::from_io(&e, path))?;
    filled?;
    close_in_wal_mode(conn, path)?;
    Ok(draft)
}

/// Closes a database that nobody else can see, so that it is one file, in WAL mode.
pub(super) fn close_in_wal_mode(conn: Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    journal_mode(&conn, "PRAGMA journal_mode = WAL").map_err(failed)?;
    // So that closing takes the log away.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    conn.close().map_err(|(_, error)| failed(error))?;
    // SQLite claims the new mode even if writing it down failed.
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(|e| StoreError::from_io(&e, path))?;
    let [.., a, b, c, d] = header;
    let signed = i64::from(u32::from_be_bytes([a, b, c, d])) == schema::APPLICATION_ID;
    if header[18..20] == [2, 2] && signed && length(&sidecar(path, "-wal")) == 0 {
        return Ok(());
    }
    if has_no_room(path) {
        return Err(StoreError::Full);
    }
    let detail = "the new database is not in WAL mode".into();
    Err(StoreError::Io { detail, path: Some(path.to_path_buf()) })
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
