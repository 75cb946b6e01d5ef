//! Putting a backup in the place of the tracker, whether the tracker is whole, damaged or gone.
//!
//! The danger is a journal: a write-ahead log that lies beside a database is taken for a part of
//! it, whatever database that is. So no file ever stands beside a log that is not its own. A
//! tracker that is whole is first made one file, by leaving WAL mode, which takes SQLite's word
//! that nobody else has it open; the backup then takes its name in one step. Those of this program
//! who wait or follow let go when they are asked to (see `announce`). Of a damaged one the
//! database is moved away first and its journals after it, and only when that is on disk does the
//! backup get the name: a kill in between leaves no database, which the next `restore` completes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::announce::Announcement;
use super::backup::{copy, sound};
use super::create::{Site, close_in_wal_mode};
use super::durable::{Draft, parent, rename_to_free, sync_dir};
use super::lacking::{Lacking, compare};
use super::open::{connect, journal_mode};
use super::paths::{database, inspect, length, refuse_network, sidecar};
use super::read::{self, ReadFile};
use super::{migrate, schema};
use crate::store::error::{StoreError, from_sqlite};
use crate::store::rows;

/// How long to wait before asking again whether everybody has let go of the file.
const PAUSE: Duration = Duration::from_millis(10);

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Events in the tracker now.
    pub events: i64,
    /// Where the file that was there before is kept; `None` if there was none, or if the backup
    /// holds all of it.
    pub kept: Option<PathBuf>,
    /// What that one holds and the backup does not, as far as it can be read.
    pub lacking: Option<Lacking>,
    /// What is wrong with the file that was there, if it is damaged.
    pub damage: Option<String>,
}

/// Why nothing was restored.
#[derive(Debug)]
pub enum RestoreError {
    /// The backup is not one, or damaged.
    Backup(StoreError),
    /// The tracker's place, or what stands there.
    Tracker(StoreError),
    /// The tracker holds what the backup does not.
    Lacking(Lacking),
    /// Somebody has the tracker open.
    Open {
        /// How long they were waited for.
        waited: Duration,
    },
    /// The backup is the tracker itself.
    Itself,
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Tracker(error)
    }
}

/// Makes the database in `lattice_dir` what `from` is, with a new `epoch`. A tracker that holds
/// more than the backup is refused, unless `replace`: then it is kept aside, as a damaged one
/// always is.
///
/// # Errors
/// [`RestoreError`]; nothing has changed then, but after `CommitUnknown` the change is there and
/// may not outlive a power failure.
pub fn restore(
    lattice_dir: &Path,
    from: &Path,
    wait: Duration,
    replace: bool,
    epoch: &str,
) -> Result<Restored, RestoreError> {
    let project = parent(lattice_dir);
    refuse_network(&project)?;
    let path = database(lattice_dir);
    let id = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    if id(from).is_some() && id(from) == id(&path) {
        return Err(RestoreError::Itself);
    }
    let (backup, version) = open_backup(from).map_err(RestoreError::Backup)?;
    let mut site = Site::enter(lattice_dir, wait)?;
    site.tidy()?;
    let (draft, events) = draft(&backup, version, lattice_dir, epoch)?;
    drop(backup);
    let present = Present::of(&path)?;
    let lacking = present.lacking(&draft)?;
    if let (Present::Sound(_), Some(lacking), false) = (&present, &lacking, replace) {
        return Err(RestoreError::Lacking(lacking.clone()));
    }
    site.tell_git()?;
    let (kept, damage) = match present {
        Present::Sound(whole) => (supersede(whole, draft, &path, wait, lacking.is_some())?, None),
        Present::Missing => (take_the_place(draft, &path)?, None),
        Present::Damaged { detail, conn } => {
            drop(conn);
            (take_the_place(draft, &path)?, Some(detail))
        }
    };
    site.keep();
    let on_disk = sync_dir(lattice_dir).and_then(|()| sync_dir(&project));
    on_disk.map_err(|error| StoreError::CommitUnknown { detail: error.to_string() })?;
    Ok(Restored { events, kept, lacking, damage })
}

/// The backup, proved to be one, and its schema's version.
fn open_backup(from: &Path) -> Result<(ReadFile, i64), StoreError> {
    let real = from.canonicalize().map_err(|e| StoreError::from_io(&e, from))?;
    inspect(&real)?;
    let (file, header) = read::open(real.clone())?;
    let version = schema::version(header, &real)?;
    schema::check(file.conn(), &real, version)?;
    sound(file.conn(), &real)?;
    Ok((file, version))
}

/// The database to be, whole and closed, under a temporary name.
fn draft(
    backup: &ReadFile,
    version: i64,
    lattice_dir: &Path,
    epoch: &str,
) -> Result<(Draft, i64), RestoreError> {
    // A backup that changes or fails while it is copied shows here.
    let (draft, count) = copy(backup.conn(), backup.path(), lattice_dir).map_err(|error| match error {
        StoreError::Corrupt { .. } | StoreError::NotADatabase { .. } => RestoreError::Backup(error),
        other => RestoreError::Tracker(other),
    })?;
    let path = draft.path();
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;").map_err(failed)?;
    if version < schema::SCHEMA_VERSION {
        migrate::upgrade(&mut conn, path, version)?;
    }
    schema::check(&conn, path, schema::SCHEMA_VERSION)?;
    rows::set_meta(&conn, "epoch", epoch).map_err(|error| match error {
        StoreError::Unplaced(error) => failed(*error),
        other => other,
    })?;
    close_in_wal_mode(conn, path)?;
    Ok((draft, count))
}

/// What has the tracker's name.
enum Present {
    Missing,
    Sound(Whole),
    /// Something else; open if that much works.
    Damaged {
        detail: String,
        conn: Option<Connection>,
    },
}

/// A tracker that is whole; open.
struct Whole {
    conn: Connection,
    /// Changes when somebody else writes.
    data_version: i64,
}

fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA data_version", [], |row| row.get(0))
}

impl Present {
    /// # Errors
    /// What is no damage: a newer file, a link, a disk that fails, somebody who writes.
    fn of(path: &Path) -> Result<Self, StoreError> {
        let damaged = |error: &StoreError, conn| Self::Damaged { detail: error.to_string(), conn };
        match inspect(path) {
            Ok(()) => {}
            Err(StoreError::Missing { .. }) => return Ok(Self::Missing),
            Err(error @ StoreError::NotADatabase { .. }) => return Ok(damaged(&error, None)),
            Err(error) => return Err(error),
        }
        let failed = |error: rusqlite::Error| from_sqlite(&error, path);
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        let examined = schema::header(&conn)
            .map_err(failed)
            .and_then(|header| schema::version(header, path))
            .and_then(|version| schema::check(&conn, path, version))
            .and_then(|()| data_version(&conn).map_err(failed))
            .and_then(|before| sound(&conn, path).map(|()| before));
        match examined {
            Ok(data_version) => Ok(Self::Sound(Whole { conn, data_version })),
            Err(
                error @ (StoreError::Corrupt { .. }
                | StoreError::NotADatabase { .. }
                | StoreError::Foreign { .. }
                | StoreError::SchemaTampered { .. }),
            ) => Ok(damaged(&error, Some(conn))),
            Err(error) => Err(error),
        }
    }

    /// What it holds and the draft does not. Of a damaged one as much as can be read.
    fn lacking(&self, draft: &Draft) -> Result<Option<Lacking>, StoreError> {
        let (conn, must_read) = match self {
            Self::Sound(whole) => (&whole.conn, true),
            Self::Damaged { conn: Some(conn), .. } => (conn, false),
            Self::Missing | Self::Damaged { conn: None, .. } => return Ok(None),
        };
        // As a file that nobody changes: no sidecar is left beside the draft.
        let backup = read::immutable(draft.path()).map_err(|error| from_sqlite(&error, draft.path()))?;
        match compare(conn, &backup) {
            Ok(lacking) => Ok(lacking),
            Err(error) if must_read => Err(from_sqlite(&error, draft.path())),
            Err(_) => Ok(None),
        }
    }
}

/// Puts the draft in the place of a tracker that is whole. Says where that is kept, if it is.
fn supersede(
    whole: Whole,
    draft: Draft,
    path: &Path,
    wait: Duration,
    keep: bool,
) -> Result<Option<PathBuf>, RestoreError> {
    let folder = parent(path);
    let conn = whole.conn;
    let _announcement = Announcement::make(&folder);
    alone(&conn, path, wait)?;
    // Programs that do not queue may have written after it was compared.
    if data_version(&conn).map_err(|error| from_sqlite(&error, path))? != whole.data_version {
        return Err(StoreError::Busy { waited: Duration::ZERO }.into());
    }
    let switched = sync_dir(&folder).and_then(|()| {
        let kept = if keep { Some(keep_beside(path, &folder)?) } else { None };
        draft.replace(path).inspect_err(|_| {
            // Best effort: a second name of the file that is still there harms nobody.
            let _ = kept.as_ref().map(std::fs::remove_file);
        })?;
        Ok(kept)
    });
    if switched.is_err() {
        // The next writer does it if this fails.
        let _ =
            conn.execute_batch("ROLLBACK").and_then(|()| journal_mode(&conn, "PRAGMA journal_mode = WAL"));
    }
    Ok(switched?)
}

/// Makes the tracker one file without journals, and keeps everybody out of it.
fn alone(conn: &Connection, path: &Path, wait: Duration) -> Result<(), RestoreError> {
    let started = Instant::now();
    loop {
        let left = wait.saturating_sub(started.elapsed());
        conn.busy_timeout(left).map_err(|error| from_sqlite(&error, path))?;
        let alone = journal_mode(conn, "PRAGMA journal_mode = DELETE")
            .and_then(|mode| conn.execute_batch("BEGIN EXCLUSIVE").map(|()| mode));
        match alone.map_err(|error| from_sqlite(&error, path)) {
            Ok(mode) if mode == "delete" => break,
            Ok(_) => drop(conn.execute_batch("ROLLBACK")),
            Err(StoreError::Busy { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if left.is_zero() {
            return Err(RestoreError::Open { waited: started.elapsed() });
        }
        std::thread::sleep(PAUSE.min(left));
    }
    for suffix in ["-wal", "-journal"] {
        let journal = sidecar(path, suffix);
        if journal.symlink_metadata().is_ok() {
            return Err(StoreError::StrayJournal { path: journal }.into());
        }
    }
    Ok(())
}

/// Gives the file a second name.
fn keep_beside(path: &Path, folder: &Path) -> Result<PathBuf, StoreError> {
    loop {
        let kept = free_name(folder, &[""]);
        match std::fs::hard_link(path, &kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::from_io(&error, &kept)),
        }
    }
}

/// Moves what is left of a tracker away, the database first, and gives its name to the draft.
/// Says where the rest is kept. What fails is undone.
fn take_the_place(draft: Draft, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let folder = parent(path);
    let suffixes: Vec<&str> = ["", "-wal", "-journal"]
        .into_iter()
        .filter(|suffix| sidecar(path, suffix).symlink_metadata().is_ok())
        .collect();
    let base = free_name(&folder, &suffixes);
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let placed =
        move_away(path, &base, &suffixes, &mut moved).and_then(|()| sync_dir(&folder)).and_then(|()| {
            match draft.publish(path)? {
                true => Ok(()),
                false => Err(StoreError::Exists { path: path.to_path_buf() }),
            }
        });
    if placed.is_err() {
        for (from, to) in moved.iter().rev() {
            // What does not go back is still there under the other name.
            let _ = rename_to_free(to, from);
        }
    }
    placed?;
    Ok(moved.into_iter().next().map(|(_, kept)| kept))
}

fn move_away(
    path: &Path,
    base: &Path,
    suffixes: &[&str],
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), StoreError> {
    for suffix in suffixes {
        if !suffix.is_empty() && length(&sidecar(path, suffix)) == 0 {
            remove(&sidecar(path, suffix))?;
            continue;
        }
        let (from, to) = (sidecar(path, suffix), sidecar(base, suffix));
        if !rename_to_free(&from, &to)? {
            return Err(StoreError::Exists { path: to });
        }
        moved.push((from, to));
    }
    // The index of the log holds nothing of its own.
    remove(&sidecar(path, "-shm"))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::from_io(&error, path)),
        _ => Ok(()),
    }
}

/// The first name for a kept file under which none of these stands. Journals that a killed
/// `restore` did not get to so join their database.
fn free_name(folder: &Path, suffixes: &[&str]) -> PathBuf {
    let taken =
        |base: &PathBuf| suffixes.iter().any(|suffix| sidecar(base, suffix).symlink_metadata().is_ok());
    let mut number = 1;
    loop {
        let base = folder.join(format!("lattice-kept-{number}.db"));
        if !taken(&base) {
            return base;
        }
        number += 1;
    }
}
