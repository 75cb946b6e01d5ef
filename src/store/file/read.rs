//! Opening the tracker for reading: no lock, no upgrade, nothing touched. It
//! also works where nothing can be touched: in a read-only place and on a full
//! disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempDir;

use super::announce::{give_way, is_announced};
use super::durable::parent;
use super::open::{FileId, connect, file_id, guard};
use super::paths::{SIDECARS, database, inspect, length, open_plain, sidecar};
use super::schema::{self, Header, SCHEMA_VERSION};
use crate::store::error::{StoreError, from_sqlite};

/// How long a read waits for another program that has the file to itself:
/// rusqlite's own default.
const WAIT: Duration = Duration::from_secs(5);
/// How often a copy is tried again while a writer changes the original.
const ATTEMPTS: usize = 5;

/// The tracker, open for reading.
#[derive(Debug)]
pub struct ReadFile {
    // The connection is closed before its private copy is removed.
    conn: Connection,
    path: PathBuf,
    /// Which file had this name before it was opened.
    file: Option<FileId>,
    mode: ReadMode,
    _copy: Option<TempDir>,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadMode {
    /// Beside writers, as always.
    Shared,
    /// Alone, without the shared memory that a full disk has no room for.
    Alone,
    /// As a file that nobody can change, in a read-only place.
    Immutable,
    /// In a private copy, from a read-only place where a log is left that
    /// cannot be read there.
    Copy,
}

/// Opens the database in `lattice_dir` for reading. `lattice_dir` must contain
/// no symbolic link (see [`super::Root`]).
///
/// # Errors
/// `Missing`, `NeedsUpgrade`, `TooNew`, `NotADatabase`, `Foreign`,
/// `SymlinkRefused`, `UnsafePath`, `Denied`, `Busy`, `Full`, `Io`, `Corrupt`.
pub fn open_read(lattice_dir: &Path) -> Result<ReadFile, StoreError> {
    let path = database(lattice_dir);
    inspect(&path)?;
    give_way(lattice_dir);
    let (file, header) = open(path)?;
    let found = schema::version(header, &file.path)?;
    if found < SCHEMA_VERSION {
        return Err(StoreError::NeedsUpgrade { found, known: SCHEMA_VERSION });
    }
    Ok(file)
}

impl ReadFile {
    /// The connection.
    pub fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Leaves the connection to the end of the process, but for a private copy, which has to be taken
    /// away, and for one that has the file alone: whoever opens it next, this process too, would wait.
    pub fn leave(self) {
        if !matches!(self.mode, ReadMode::Copy | ReadMode::Alone) {
            std::mem::forget(self);
        }
    }

    /// The connection, to begin a transaction with.
    pub fn conn_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// The database's path: that of the original, also if a copy is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether another file, or none, has its name by now, or waits for it until nobody has this one
    /// open.
    pub fn is_replaced(&self) -> bool {
        file_id(&self.path) != self.file || is_announced(&parent(&self.path))
    }

    /// How the file is read.
    pub fn mode(&self) -> ReadMode {
        self.mode
    }

    /// The error that SQLite's `error` on this file stands for.
    pub fn error(&self, error: &rusqlite::Error) -> StoreError {
        from_sqlite(error, &self.path).after(WAIT)
    }

    /// Proves that the schema is the known one, so that its views may be used.
    ///
    /// # Errors
    /// `SchemaTampered`, and those of reading.
    pub fn check_schema(&self) -> Result<(), StoreError> {
        schema::check(&self.conn, &self.path, SCHEMA_VERSION)
    }
}

/// Tries the usual way, and the one that fits its failure.
pub(super) fn open(path: PathBuf) -> Result<(ReadFile, Header), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, &path).after(WAIT);
    let file = file_id(&path);
    if index_has_no_room(&path)
        && let Ok((conn, header)) =
            alone(&path).and_then(|conn| schema::header(&conn).map(|header| (conn, header)))
    {
        return Ok((ReadFile { conn, path, file, mode: ReadMode::Alone, _copy: None }, header));
    }
    let (conn, mode, copy) = match shared(&path) {
        Ok((conn, header)) => {
            return Ok((ReadFile { conn, path, file, mode: ReadMode::Shared, _copy: None }, header));
        }
        Err(error) => match way_out(&error, &path) {
            Some(ReadMode::Alone) => (alone(&path).map_err(failed)?, ReadMode::Alone, None),
            Some(ReadMode::Immutable) => (immutable(&path).map_err(failed)?, ReadMode::Immutable, None),
            Some(ReadMode::Copy) => {
                let copy = copy(&path)?;
                (private(&copy).map_err(failed)?, ReadMode::Copy, Some(copy))
            }
            Some(ReadMode::Shared) | None => return Err(failed(error)),
        },
    };
    let header = schema::header(&conn).map_err(failed)?;
    Ok((ReadFile { conn, path, file, mode, _copy: copy }, header))
}

/// Whether the index of the log would have to be made where a disk has no room for it. SQLite asks
/// for room in steps of 4 KiB, a byte each; where blocks are smaller it finds out by dying of SIGBUS.
pub(super) fn index_has_no_room(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const INDEX: u64 = 32 * 1024;
    let backed = |meta: std::fs::Metadata| meta.len() >= INDEX && meta.blocks() * 512 >= meta.len();
    !sidecar(path, "-shm").symlink_metadata().is_ok_and(backed)
        && rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < INDEX)
}

fn shared(path: &Path) -> rusqlite::Result<(Connection, Header)> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let header = schema::header(&conn)?;
    Ok((conn, header))
}

/// How to read a file whose opening failed with `error`, if there is a way.
fn way_out(error: &rusqlite::Error, path: &Path) -> Option<ReadMode> {
    use ffi::{SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_READONLY};
    use ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE};
    let code = error.sqlite_error()?.extended_code;
    match code {
        // Every command but the first on a full disk has no room for 32 KiB.
        SQLITE_IOERR_SHMSIZE | SQLITE_IOERR_SHMOPEN | SQLITE_IOERR_SHMMAP | SQLITE_FULL => {
            Some(ReadMode::Alone)
        }
        ffi::SQLITE_CANTOPEN_SYMLINK => None,
        _ if matches!(code & 0xff, SQLITE_CANTOPEN | SQLITE_READONLY) => {
            // Reading without the log would show the past.
            let log_is_left = ["-wal", "-journal"].iter().any(|suffix| length(&sidecar(path, suffix)) > 0);
            Some(if log_is_left { ReadMode::Copy } else { ReadMode::Immutable })
        }
        _ => None,
    }
}

/// An exclusive connection keeps the index of the log in its own memory. The
/// lock for that can be had on a writable descriptor only.
fn alone(path: &Path) -> rusqlite::Result<Connection> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA locking_mode = EXCLUSIVE")?;
    Ok(conn)
}

/// The one place that hands SQLite a URI: there is no other way to say it.
pub(super) fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    use std::os::unix::ffi::OsStrExt;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(uri, flags)?;
    guard(&conn)?;
    Ok(conn)
}

/// Opens a copy. Writable, so that SQLite can play back what is in its logs.
fn private(copy: &TempDir) -> rusqlite::Result<Connection> {
    let dir = copy.path().canonicalize().unwrap_or_else(|_| copy.path().to_path_buf());
    connect(&database(&dir), OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Copies the database and its logs into a directory that only this user can
/// enter. Copying is safe here although it drops this process' locks: in a
/// place where SQLite could take none.
fn copy(path: &Path) -> Result<TempDir, StoreError> {
    let temp = std::env::temp_dir();
    for _ in 0..ATTEMPTS {
        let dir = TempDir::new().map_err(|e| StoreError::from_io(&e, &temp))?;
        let before = stamps(path);
        for suffix in ["", SIDECARS[0], SIDECARS[2]] {
            let from = sidecar(path, suffix);
            let to = sidecar(&database(dir.path()), suffix);
            match copy_file(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
                result => result.map_err(|e| StoreError::from_io(&e, &from))?,
            }
        }
        if stamps(path) == before {
            return Ok(dir);
        }
    }
    Err(StoreError::Busy { waited: Duration::ZERO })
}

/// Unlike `fs::copy` this does not copy a read-only mode.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut open_plain(from)?, &mut File::create_new(to)?).map(drop)
}

/// What changes when somebody writes.
fn stamps(path: &Path) -> [Option<(u64, SystemTime)>; 3] {
    ["", SIDECARS[0], SIDECARS[2]].map(|suffix| {
        let meta = sidecar(path, suffix).symlink_metadata().ok()?;
        Some((meta.len(), meta.modified().ok()?))
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
