//! Opening the tracker for writing: SQLite with every guard on, the proof that
//! the file is ours, the queue, and only then the caller.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::announce::is_announced;
use super::durable::{parent, sweep, sync_dir, write_again};
use super::lock::FileLock;
use super::paths::{database, inspect, refuse_network, sidecar};
use super::read::index_has_no_room;
use super::{close, migrate, schema};
use crate::store::error::{StoreError, from_sqlite};

/// The tracker, open for writing by this process alone. Closes itself when it
/// is dropped.
#[derive(Debug)]
pub struct WriteFile {
    // The lock is let go first: closing writes nothing, and the next writer need not wait for it.
    lock: Option<FileLock>,
    conn: Connection,
    path: PathBuf,
    wait: Duration,
}

/// Opens the database in `lattice_dir` for writing, after every writer that
/// came before, and upgrades it if it is older than this program.
///
/// `lattice_dir` must contain no symbolic link (see [`super::Root`]). `wait`
/// bounds the time in the queue, and again that of each wait for programs that
/// do not queue.
///
/// # Errors
/// `Missing`, `Busy`, `ReadOnly`, `Denied`, `NetworkFileSystem`, `TooNew`,
/// `NotADatabase`, `Foreign`, `SchemaTampered`, `SymlinkRefused`, `UnsafePath`,
/// `Full`, `Io`, `Corrupt`. Nothing is changed then, except by an upgrade that
/// failed after it was saved.
pub fn open_write(lattice_dir: &Path, wait: Duration) -> Result<WriteFile, StoreError> {
    let path = database(lattice_dir);
    inspect(&path)?;
    refuse_network(lattice_dir)?;
    if index_has_no_room(&path) {
        return Err(StoreError::Full);
    }
    let has_log = sidecar(&path, "-wal").symlink_metadata().is_ok();
    let mut prepared = if is_announced(lattice_dir) { None } else { Prepared::open(&path) };
    // Whoever restores has the lock and waits until nobody has the file open: not for us.
    let lock = FileLock::take_with(lattice_dir, wait, || {
        if prepared.is_some() && is_announced(lattice_dir) {
            prepared = None;
        }
    })?;
    let prepared = prepared.and_then(|prepared| prepared.if_unchanged(&path, wait));
    if prepared.is_some() && !has_log {
        // SQLite flushes the folder with the first commit, but does not say if that fails.
        sync_dir(lattice_dir)?;
    }
    if let Some(conn) = prepared {
        return Ok(WriteFile { conn, path, wait, lock: Some(lock) });
    }
    let started = Instant::now();
    let (conn, found) = open_as_ours(&path, wait).map_err(|error| error.after(started.elapsed()))?;
    let mut file = WriteFile { conn, path, wait, lock: Some(lock) };
    if found == schema::SCHEMA_VERSION {
        schema::check(&file.conn, &file.path, found)?;
    } else {
        if file.lock.as_ref().is_some_and(FileLock::is_held) {
            // What a killed upgrade left may be as long as the tracker.
            sweep(lattice_dir)?;
        }
        migrate::upgrade_in_place(&mut file.conn, &file.path, found).inspect_err(|_| file.settle())?;
        file.checkpoint_full()?;
    }
    Ok(file)
}

/// A connection that was opened and proved before its turn in the queue, so that whoever is next
/// has only to look whether anything changed: opening takes as long as writing, and would keep
/// everybody behind waiting.
struct Prepared {
    conn: Connection,
    file: FileId,
    state: State,
}

/// Device and inode: a file that was put in the place of another has others.
pub type FileId = (u64, u64);
/// What changes with every change of the schema, and the schema's version.
type State = (i64, i64);

impl Prepared {
    /// Opens and proves the usual file: in WAL mode, of this program's version, with the known
    /// schema. `None` for any other, and for every failure: these are met again, and named, when
    /// it is our turn.
    fn open(path: &Path) -> Option<Self> {
        let file = file_id(path)?;
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
        conn.busy_timeout(Duration::ZERO).ok()?;
        let found = schema::version(schema::header(&conn).ok()?, path).ok()?;
        conn.execute_batch(DURABLE).ok()?;
        if found != schema::SCHEMA_VERSION || journal_mode(&conn, "PRAGMA journal_mode").ok()? != "wal" {
            return None;
        }
        // Asked before the schema is looked at: a change in between is noticed.
        let state = state(&conn)?;
        schema::check(&conn, path, found).ok()?;
        Some(Self { conn, file, state })
    }

    /// The connection, if the file is still the one that was proved. It stays in WAL mode as long
    /// as a connection that has read it is open.
    fn if_unchanged(self, path: &Path, wait: Duration) -> Option<Connection> {
        self.conn.busy_timeout(wait).ok()?;
        let same = file_id(path)? == self.file && state(&self.conn)? == self.state;
        same.then_some(self.conn)
    }
}

/// Which file bears this name now; `None` if there is none.
pub fn file_id(path: &Path) -> Option<FileId> {
    path.symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

fn state(conn: &Connection) -> Option<State> {
    let number = |pragma: &str| conn.query_row(pragma, [], |row| row.get(0)).ok();
    Some((number("PRAGMA schema_version")?, number("PRAGMA user_version")?))
}

impl WriteFile {
    /// The connection.
    pub fn conn(&self) -> &Connection {
        &self.conn
    }

    /// The connection, to begin a transaction with.
    pub fn conn_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// The error that SQLite's `error` on this file stands for.
    pub fn error(&self, error: &rusqlite::Error) -> StoreError {
        from_sqlite(error, &self.path).after(self.wait)
    }

    /// Brings the whole log into the database, unless a reader needs the log:
    /// then false. Either way everything committed is on disk.
    ///
    /// # Errors
    /// Those of writing.
    pub fn checkpoint_full(&mut self) -> Result<bool, StoreError> {
        let emptied = close::checkpoint(&self.conn);
        let waits = self.conn.busy_timeout(self.wait);
        emptied.and_then(|emptied| waits.map(|()| emptied)).map_err(|error| self.error(&error))
    }

    /// Empties the log if it has become long, between two of many commits. Best effort.
    pub fn bound_the_log(&self) {
        close::bound_the_log(&self.conn, &self.path);
        let _ = self.conn.busy_timeout(self.wait);
    }

    /// Makes the most of a commit whose flush failed: it may stand in the log, where the next writer
    /// finds it and builds upon it, and yet never reach the disk. Then all that came after it would
    /// be lost with it at a power failure. Best effort: that the commit failed is known already.
    pub fn settle(&self) {
        // Only this keeps programs that do not queue from writing meanwhile.
        if self.conn.execute_batch("BEGIN IMMEDIATE").is_ok() {
            let _ = write_again(&sidecar(&self.path, "-wal"));
            let _ = sync_dir(&parent(&self.path));
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Closes the file and lets the next writer in. Dropping does the same.
    pub fn close(self) {}

    /// The same, but for the connection: it is left to the end of the process, which is as good,
    /// because closing writes nothing, and faster.
    pub fn leave(mut self) {
        close::bound_the_log(&self.conn, &self.path);
        self.lock = None;
        std::mem::forget(self);
    }
}

impl Drop for WriteFile {
    fn drop(&mut self) {
        close::bound_the_log(&self.conn, &self.path);
    }
}

/// A connection to a file of ours in WAL mode, and its schema version.
fn open_as_ours(path: &Path, wait: Duration) -> Result<(Connection, i64), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    // SQLite says "wal" even when it failed to write that down; only a new
    // connection has read what the header says.
    for attempt in 0.. {
        conn.busy_timeout(wait).map_err(failed)?;
        let found = schema::version(schema::header(&conn).map_err(failed)?, path)?;
        conn.execute_batch(DURABLE).map_err(failed)?;
        let mode = journal_mode(&conn, "PRAGMA journal_mode").map_err(failed)?;
        if mode == "wal" {
            return Ok((conn, found));
        }
        if attempt > 0 {
            break;
        }
        // Another program set it back.
        journal_mode(&conn, "PRAGMA journal_mode = WAL").map_err(failed)?;
        drop(conn);
        conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    }
    let detail = "the journal mode could not be set to WAL".into();
    Err(StoreError::Io { detail, path: Some(path.to_path_buf()) })
}

/// EXTRA, because FULL does not flush the directory if the file should be in
/// DELETE mode after all. Checkpoints are made at close.
#[cfg(not(target_os = "macos"))]
const DURABLE: &str = "PRAGMA synchronous = EXTRA; PRAGMA wal_autocheckpoint = 0;";
/// On macOS fsync does not reach the disk unless it is told to.
#[cfg(target_os = "macos")]
const DURABLE: &str = "PRAGMA synchronous = EXTRA; PRAGMA wal_autocheckpoint = 0; \
                       PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;";

/// Prepared statements that a connection keeps: more than any command uses.
const STATEMENTS: usize = 128;

/// Connects with every guard on that a file from a stranger calls for. Reads
/// nothing yet. `path` must be absolute, or `file:` names would be URIs.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let always = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags | always)?;
    guard(&conn)?;
    Ok(conn)
}

/// The guards of a connection; see [`connect`].
pub(super) fn guard(conn: &Connection) -> rusqlite::Result<()> {
    use DbConfig::{
        SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_QPSG, SQLITE_DBCONFIG_ENABLE_TRIGGER,
        SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
    };
    // Otherwise sixteen: making a task takes more, and a batch would prepare each of them each time.
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise SQLite looks at bound values to choose a plan, and prepares a statement anew whenever
    // another value is bound: half of the time of a long batch (decision 0015).
    conn.set_db_config(SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The append-only triggers guard against other programs. Ours never updates
    // or deletes an event, and runs no trigger that came with a file.
    conn.set_db_config(SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    // Nor any view: one in a table's place would run in reads, which do not compare the schema. Those
    // that are made for a question are temporary, and stay.
    conn.set_db_config(SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.set_db_config(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA cell_size_check = ON")
}

/// Runs a `journal_mode` pragma and returns the mode that SQLite then names.
pub(super) fn journal_mode(conn: &Connection, pragma: &str) -> rusqlite::Result<String> {
    conn.query_row(pragma, [], |row| row.get(0))
}

#[cfg(test)]
#[path = "open_tests.rs"]
pub(in crate::store) mod tests;
