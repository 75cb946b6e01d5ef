//! Copies of the whole tracker in one file, each verified before it gets its
//! name.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::durable::{Draft, parent, sync_dir};
use super::lacking::compare;
use super::paths::{SIDECARS, inspect, length, sidecar};
use super::read::{ReadFile, immutable};
use super::schema;
use crate::store::error::{StoreError, from_sqlite};
use crate::store::events::broken_links;

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Events in it.
    pub events: i64,
    /// Its length.
    pub bytes: u64,
}

/// Writes a verified copy of `source` to the new file `target`. Writers need
/// not stop: the copy is one moment of the tracker. With `replace` an older
/// backup of that name goes, when the new one is whole; nothing else ever does.
///
/// # Errors
/// `Exists` if there is anything at `target`, which is then not touched;
/// `NotABackup`, `SymlinkRefused`, `UnsafePath` if it is nothing to replace;
/// `InsideTracker`; `UnsafePath` if its directory's name is not UTF-8; those of
/// reading and of writing; `Corrupt` if the copy does not verify.
pub fn backup_to(source: &ReadFile, target: &Path, replace: bool) -> Result<Copied, StoreError> {
    let folder = folder_for(source.path(), target)?;
    check_place(target, replace)?;
    let (draft, events) = copy(source.conn(), source.path(), &folder)?;
    let copied = Copied { events, bytes: length(draft.path()) };
    if replace {
        draft.replace(target)?;
    } else if !draft.publish(target)? {
        return Err(StoreError::Exists { path: target.to_path_buf() });
    }
    // The name is there; whether it outlives a power failure is not known.
    sync_dir(&folder).map_err(|error| StoreError::CommitUnknown { detail: error.to_string() })?;
    Ok(copied)
}

/// The folder of a backup: there, and no tracker's.
fn folder_for(database: &Path, target: &Path) -> Result<PathBuf, StoreError> {
    let folder = parent(target);
    let real = folder.canonicalize().map_err(|e| StoreError::from_io(&e, &folder))?;
    let ours = parent(database).canonicalize().is_ok_and(|lattice| real.starts_with(lattice));
    if ours || real.file_name().is_some_and(|name| name == ".lattice") {
        return Err(StoreError::InsideTracker { path: target.to_path_buf() });
    }
    Ok(folder)
}

/// Nothing may stand in the place of a backup but, if it is to be replaced, an
/// older one; and no journal may lie in wait, because SQLite would take it for
/// the new file's.
fn check_place(target: &Path, replace: bool) -> Result<(), StoreError> {
    for suffix in SIDECARS {
        let journal = sidecar(target, suffix);
        if journal.symlink_metadata().is_ok() {
            return Err(StoreError::Exists { path: journal });
        }
    }
    let path = target.to_path_buf();
    match target.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::from_io(&error, target)),
        Ok(_) if !replace => Err(StoreError::Exists { path }),
        Ok(meta) if meta.is_symlink() => Err(StoreError::SymlinkRefused { path }),
        Ok(meta) if !meta.is_file() => Err(StoreError::UnsafePath { path }),
        Ok(_) if !is_ours(target) => Err(StoreError::NotABackup { path }),
        Ok(_) => Ok(()),
    }
}

/// Whether the header of a file names it as Lattice's.
fn is_ours(path: &Path) -> bool {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut header, 0));
    let [.., a, b, c, d] = header;
    read.is_ok()
        && header.starts_with(b"SQLite format 3\0")
        && i64::from(u32::from_be_bytes([a, b, c, d])) == schema::APPLICATION_ID
}

/// Keeps a copy of the database at `path`, which has schema `version`, beside it. No earlier copy
/// is replaced: the new one takes the first free number. One that holds all of it already, because
/// an upgrade did not get further, is as good.
pub(super) fn before_upgrade(conn: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let folder = parent(path);
    let mut number = 1;
    loop {
        let name = match number {
            1 => format!("lattice-v{version}.backup.db"),
            _ => format!("lattice-v{version}.backup-{number}.db"),
        };
        let target = folder.join(name);
        let kept = match target.symlink_metadata() {
            Ok(_) => holds_all(&target, conn, version),
            Err(_) => copy(conn, path, &folder)?.0.publish(&target)?,
        };
        if kept {
            return sync_dir(&folder);
        }
        number += 1;
    }
}

/// Whether the file at `copy` is a whole tracker of this version that holds all that `original` does.
fn holds_all(copy: &Path, original: &Connection, version: i64) -> bool {
    let sidecars = SIDECARS.iter().any(|suffix| sidecar(copy, suffix).symlink_metadata().is_ok());
    if sidecars || inspect(copy).is_err() {
        return false;
    }
    let held = immutable(copy).map_err(|error| from_sqlite(&error, copy)).and_then(|conn| {
        let header = schema::header(&conn).map_err(|error| from_sqlite(&error, copy))?;
        let same = schema::version(header, copy)? == version;
        schema::check(&conn, copy, version)?;
        sound(&conn, copy)?;
        Ok(same && matches!(compare(original, &conn), Ok(None)))
    });
    held.unwrap_or(false)
}

/// A verified copy in the making, with the number of its events.
pub(super) fn copy(conn: &Connection, path: &Path, folder: &Path) -> Result<(Draft, i64), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let draft = Draft::new(folder)?;
    let unsafe_path = || StoreError::UnsafePath { path: folder.to_path_buf() };
    let target = draft.path().to_str().ok_or_else(unsafe_path)?;
    let before = events(conn).map_err(failed)?;
    // What fails here is a damaged original, or, far oftener, the place of the copy.
    conn.execute("VACUUM INTO ?1", [target]).map_err(|error| match from_sqlite(&error, path) {
        damaged @ (StoreError::Corrupt { .. } | StoreError::NotADatabase { .. }) => damaged,
        _ => from_sqlite(&error, draft.path()),
    })?;
    let count = verify(draft.path(), before)?;
    Ok((draft, count))
}

/// Reads all of the copy: at least as many events as there were before it was
/// made, every one as it was written.
fn verify(copy: &Path, at_least: i64) -> Result<i64, StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, copy);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(copy, flags).map_err(failed)?;
    schema::version(schema::header(&conn).map_err(failed)?, copy)?;
    sound(&conn, copy)?;
    let count = events(&conn).map_err(failed)?;
    if count >= at_least {
        return Ok(count);
    }
    Err(StoreError::Corrupt { detail: format!("the copy has {count} of {at_least} events") })
}

/// Proves that a database is whole and that every event in it is as it was
/// written.
///
/// # Errors
/// `Corrupt`, and those of reading.
pub(super) fn sound(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let verdict: String =
        conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt { detail: verdict });
    }
    let broken = broken_links(conn).map_err(|error| match error {
        StoreError::Unplaced(error) => failed(*error),
        other => other,
    })?;
    match broken.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Corrupt { detail: format!("event {first} is not what was written") }),
    }
}

pub(super) fn events(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::tests::made;
    use crate::store::file::read::open_read;

    #[test]
    fn a_backup_is_a_tracker_and_replaces_nothing() {
        let (dir, _path) = made();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("copy.db");
        let source = open_read(dir.path()).unwrap();
        backup_to(&source, &target, false).unwrap();
        let conn = Connection::open(&target).unwrap();
        let header = schema::header(&conn).unwrap();
        assert_eq!(schema::version(header, &target).unwrap(), schema::SCHEMA_VERSION);
        schema::check(&conn, &target, schema::SCHEMA_VERSION).unwrap();
        let again = backup_to(&source, &target, false);
        assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
        backup_to(&source, &target, true).unwrap();
        std::fs::write(&target, b"precious").unwrap();
        let other = backup_to(&source, &target, true);
        assert!(matches!(other, Err(StoreError::NotABackup { .. })), "{other:?}");
        let inside = backup_to(&source, &dir.path().join("copy.db"), false);
        assert!(matches!(inside, Err(StoreError::InsideTracker { .. })), "{inside:?}");
    }
}
