//! Copies of the whole tracker in one file, each verified before it gets its
//! name.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::durable::{Draft, parent, sync_dir};
use super::read::ReadFile;
use super::schema;
use crate::store::error::{StoreError, from_sqlite};

/// Writes a verified copy of `source` to the new file `target`. Writers need
/// not stop: the copy is one moment of the tracker.
///
/// # Errors
/// `Exists` if there is anything at `target`, which is then not touched;
/// `UnsafePath` if its directory's name is not UTF-8; those of reading and of
/// writing; `Corrupt` if the copy does not verify.
pub fn backup_to(source: &ReadFile, target: &Path) -> Result<(), StoreError> {
    let folder = parent(target);
    let draft = copy(source.conn(), source.path(), &folder)?;
    if !draft.publish(target)? {
        return Err(StoreError::Exists { path: target.to_path_buf() });
    }
    sync_dir(&folder)
}

/// Keeps a copy of the database at `path`, which has schema `version`, beside
/// it. No earlier copy is replaced: the new one takes the first free number.
pub(super) fn before_upgrade(conn: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let folder = parent(path);
    let mut number = 1;
    loop {
        let name = match number {
            1 => format!("lattice-v{version}.backup.db"),
            _ => format!("lattice-v{version}.backup-{number}.db"),
        };
        let target = folder.join(name);
        if target.symlink_metadata().is_err() && copy(conn, path, &folder)?.publish(&target)? {
            return sync_dir(&folder);
        }
        number += 1;
    }
}

fn copy(conn: &Connection, path: &Path, folder: &Path) -> Result<Draft, StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let draft = Draft::new(folder)?;
    let unsafe_path = || StoreError::UnsafePath { path: folder.to_path_buf() };
    let target = draft.path().to_str().ok_or_else(unsafe_path)?;
    let before = events(conn).map_err(failed)?;
    conn.execute("VACUUM INTO ?1", [target]).map_err(failed)?;
    verify(draft.path(), before)?;
    Ok(draft)
}

/// Reads all of the copy and counts its events: at least as many as there were
/// before it was made.
fn verify(copy: &Path, at_least: i64) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, copy);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(copy, flags).map_err(failed)?;
    schema::version(schema::header(&conn).map_err(failed)?, copy)?;
    let verdict: String =
        conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    let count = events(&conn).map_err(failed)?;
    if verdict == "ok" && count >= at_least {
        return Ok(());
    }
    let detail = format!("the copy has {count} of {at_least} events, {verdict}");
    Err(StoreError::Corrupt { detail })
}

fn events(conn: &Connection) -> rusqlite::Result<i64> {
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
        let target = dir.path().join("copy.db");
        let source = open_read(dir.path()).unwrap();
        backup_to(&source, &target).unwrap();
        let conn = Connection::open(&target).unwrap();
        let header = schema::header(&conn).unwrap();
        assert_eq!(schema::version(header, &target).unwrap(), schema::SCHEMA_VERSION);
        schema::check(&conn, &target, schema::SCHEMA_VERSION).unwrap();
        let again = backup_to(&source, &target);
        assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
    }
}
