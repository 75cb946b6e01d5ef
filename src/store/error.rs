//! What can go wrong with the tracker file, as data. `Display` is a short fact
//! for logs; the sentences for users are made in `app`. This is also the only
//! place that knows SQLite's result codes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::file::sidecar;

/// A failure of the file, of the disk below it, or of a user's SQL.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was writing for the whole time that the caller allowed.
    #[error("busy for {} ms", waited.as_millis())]
    Busy {
        /// How long this call waited.
        waited: Duration,
    },
    /// The file or its directory cannot be written to.
    #[error("read-only: {}", path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// No room is left: the disk, a quota, or the size limit of the process.
    #[error("no room left")]
    Full,
    /// The bytes of the database contradict themselves, and reading them a
    /// second time gave the same answer.
    #[error("corrupt: {detail}")]
    Corrupt {
        /// What SQLite said.
        detail: String,
    },
    /// What is found of the events is not what there is: an index, a derived row or a page of the log is
    /// damaged.
    #[error("corrupt: the events that are found of {whose} are not those that it has")]
    Incomplete {
        /// A task's id, or whose events they are.
        whose: String,
    },
    /// The file is empty or no SQLite database at all.
    #[error("not a database: {}", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A SQLite database that another program made.
    #[error("a database of another program: {}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer Lattice has changed the schema.
    #[error("schema {found} is newer than {known}")]
    TooNew {
        /// The schema version of the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The schema is older than this program and only a writer may upgrade it:
    /// open the file for writing once, then read again.
    #[error("schema {found} is older than {known}")]
    NeedsUpgrade {
        /// The schema version of the file.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// A table, trigger, view or migration record differs from what this
    /// program made: reading or writing through it would run foreign code.
    #[error("schema object {object} is not the known one")]
    SchemaTampered {
        /// The first object that differs.
        object: String,
    },
    /// The disk failed.
    #[error("input/output error: {detail}")]
    Io {
        /// What the operating system or SQLite said.
        detail: String,
        /// The file concerned, where it is known.
        path: Option<PathBuf>,
    },
    /// A read failed, or gave nonsense that a second look does not find. The same once more may succeed.
    #[error("input/output error: {detail}")]
    Unread {
        /// What SQLite said.
        detail: String,
        /// The file.
        path: PathBuf,
    },
    /// The failure came in the commit itself: the change may or may not be saved.
    #[error("outcome of the commit unknown: {detail}")]
    CommitUnknown {
        /// What SQLite said.
        detail: String,
    },
    /// The directory is on a network file system, whose locks cannot be trusted.
    #[error("network file system {kind}: {}", path.display())]
    NetworkFileSystem {
        /// Its usual name, such as `nfs`.
        kind: &'static str,
        /// The directory.
        path: PathBuf,
    },
    /// The operating system does not let this user in.
    #[error("permission denied: {}", path.display())]
    Denied {
        /// The file or directory.
        path: PathBuf,
    },
    /// A symbolic link where a real file or directory must stand.
    #[error("symbolic link: {}", path.display())]
    SymlinkRefused {
        /// The link.
        path: PathBuf,
    },
    /// Something other than a regular file, or a path that cannot be handed on.
    #[error("not a usable file: {}", path.display())]
    UnsafePath {
        /// The path.
        path: PathBuf,
    },
    /// There is no database, or no directory for it.
    #[error("missing: {}", path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// A file stands where `.lattice/` should be.
    #[error("not a directory: {}", path.display())]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// The place for a new file is taken.
    #[error("exists: {}", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The place for a backup is inside of a tracker.
    #[error("inside of a tracker: {}", path.display())]
    InsideTracker {
        /// The path.
        path: PathBuf,
    },
    /// Something else than a backup is in the place of one.
    #[error("not a backup: {}", path.display())]
    NotABackup {
        /// The path.
        path: PathBuf,
    },
    /// A journal without its database. SQLite would take it for a part of a new
    /// database, and it may hold the only copy of somebody's changes.
    #[error("journal without a database: {}", path.display())]
    StrayJournal {
        /// The journal.
        path: PathBuf,
    },
    /// This operating system has not been tried.
    #[error("unsupported platform {platform}")]
    Unsupported {
        /// Its name.
        platform: &'static str,
    },
    /// A statement of our own failed in a way that has no better name: a bug.
    #[error("unexpected: {detail}")]
    Unexpected {
        /// What SQLite or rusqlite said.
        detail: String,
    },
    /// A failure of SQLite on its way to where the file's path is known.
    #[error("{0}")]
    #[doc(hidden)]
    Unplaced(Box<rusqlite::Error>),
    /// A user's SQL is wrong.
    #[error("sql: {detail}")]
    Sql {
        /// What SQLite said.
        detail: String,
    },
    /// A user's SQL does more than read.
    #[error("sql refused: {what}")]
    SqlRefused {
        /// The first thing in it that is not allowed, such as `ATTACH`.
        what: String,
    },
    /// A user's SQL ran out of time.
    #[error("sql took longer than {} ms", after.as_millis())]
    SqlTimeout {
        /// The limit.
        after: Duration,
    },
    /// A user's SQL needs more memory, or a longer value, than is allowed.
    #[error("sql result too big")]
    SqlTooBig,
}

impl StoreError {
    /// The error that `error`, met at `path`, stands for.
    pub fn from_io(error: &io::Error, path: &Path) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            kind if is_full(kind) => Self::Full,
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Self::SymlinkRefused { path },
            _ => Self::Io { detail: error.to_string(), path: Some(path) },
        }
    }

    /// The same error, with the time that was spent waiting if it is `Busy`.
    pub(in crate::store) fn after(self, waited: Duration) -> Self {
        match self {
            Self::Busy { .. } => Self::Busy { waited },
            other => other,
        }
    }
}

/// The error that SQLite's `error` on the database `path` stands for.
///
/// Looks at the file system where the code alone is ambiguous, so it belongs on
/// failure paths only.
pub(in crate::store) fn from_sqlite(error: &rusqlite::Error, path: &Path) -> StoreError {
    let detail = error.to_string();
    let owned = path.to_path_buf();
    let Some(sqlite) = error.sqlite_error() else {
        return match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt { detail },
            rusqlite::Error::NulError(_) | rusqlite::Error::InvalidPath(_) => {
                StoreError::UnsafePath { path: owned }
            }
            _ => StoreError::Unexpected { detail },
        };
    };
    match sqlite.extended_code {
        ffi::SQLITE_CANTOPEN_SYMLINK => return StoreError::SymlinkRefused { path: owned },
        ffi::SQLITE_READONLY_DBMOVED => return StoreError::Io { detail, path: Some(owned) },
        // The last is what SQLite calls EIO of a read.
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS => {
            return StoreError::Unread { detail, path: owned };
        }
        ffi::SQLITE_IOERR_NOMEM => return StoreError::Unexpected { detail },
        _ => {}
    }
    match sqlite.extended_code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => {
            StoreError::Busy { waited: Duration::ZERO }
        }
        ffi::SQLITE_READONLY => StoreError::ReadOnly { path: owned },
        ffi::SQLITE_FULL => StoreError::Full,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB if reads_well_again(path) => {
            StoreError::Unread { detail, path: owned }
        }
        ffi::SQLITE_NOTADB => StoreError::NotADatabase { path: owned },
        ffi::SQLITE_CORRUPT => StoreError::Corrupt { detail },
        // Our own statements take apart only what was stored as JSON.
        ffi::SQLITE_ERROR if detail.contains("malformed JSON") => StoreError::Corrupt { detail },
        // No file of ours has a view (see `guard`), so somebody put one in the place of a table.
        ffi::SQLITE_ERROR if detail.contains("access to view ") => {
            let object = detail.split('"').nth(1).unwrap_or_default().to_owned();
            StoreError::SchemaTampered { object }
        }
        ffi::SQLITE_PERM => StoreError::Denied { path: owned },
        ffi::SQLITE_CANTOPEN => cannot_open(path, detail),
        ffi::SQLITE_IOERR if has_no_room(path) => StoreError::Full,
        ffi::SQLITE_IOERR => StoreError::Io { detail, path: Some(owned) },
        _ => StoreError::Unexpected { detail },
    }
}

/// The error that a failed COMMIT stands for. Busy and full mean that nothing
/// was saved; after anything else the commit record may have reached the disk.
pub(in crate::store) fn from_commit(error: &rusqlite::Error, path: &Path) -> StoreError {
    let code = error.sqlite_error().map(|e| e.extended_code);
    match from_sqlite(error, path) {
        // A failing flush comes after the commit record, full disk or not.
        StoreError::Full if code == Some(ffi::SQLITE_IOERR_FSYNC) => {}
        known @ (StoreError::Busy { .. } | StoreError::Full) => return known,
        _ => {}
    }
    StoreError::CommitUnknown { detail: error.to_string() }
}

/// SQLite says only "unable to open"; the file system says why.
fn cannot_open(path: &Path, detail: String) -> StoreError {
    let owned = path.to_path_buf();
    match path.symlink_metadata() {
        Err(error) => return StoreError::from_io(&error, path),
        Ok(meta) if meta.is_symlink() => return StoreError::SymlinkRefused { path: owned },
        Ok(meta) if !meta.is_file() => return StoreError::UnsafePath { path: owned },
        Ok(_) => {}
    }
    let shut = |path: &PathBuf| access(path, Access::READ_OK) == Err(Errno::ACCESS);
    let files = [owned.clone(), sidecar(path, "-wal"), sidecar(path, "-shm")];
    if let Some(path) = files.into_iter().find(shut) {
        return StoreError::Denied { path };
    }
    match path.parent().map(|folder| access(folder, Access::WRITE_OK)) {
        Some(Err(Errno::ROFS | Errno::ACCESS)) => StoreError::ReadOnly { path: owned },
        _ => StoreError::Io { detail, path: Some(owned) },
    }
}

/// A failing disk can look like a damaged file. Nobody should hear that the
/// data is damaged because of one bad read, so all of it is read once more.
fn reads_well_again(path: &Path) -> bool {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let verdict = Connection::open_with_flags(path, flags)
        .and_then(|conn| conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)));
    match verdict {
        Ok(text) => text == "ok",
        Err(error) => error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure),
    }
}

/// SQLite reports a quota or a size limit as a plain write error and keeps the
/// operating system's number to itself. So write a little where it wrote, into
/// a file without a name, and see; and a byte further on, because what SQLite
/// took back by now may have been longer.
pub(in crate::store) fn has_no_room(path: &Path) -> bool {
    static ENOUGH: [u8; 64 * 1024] = [0; 64 * 1024];
    const FURTHER: u64 = 1024 * 1024;
    let Some(folder) = path.parent() else { return false };
    let length = |path: &Path| path.symlink_metadata().map_or(0, |meta| meta.len());
    let end = length(path).max(length(&sidecar(path, "-wal")));
    let write = |file: File| {
        file.write_all_at(&ENOUGH, end)?;
        file.write_all_at(&[0], end + FURTHER)
    };
    match tempfile::tempfile_in(folder).and_then(write) {
        Ok(()) => false,
        Err(error) => is_full(error.kind()),
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
}
