//! Reading beside writers, and where nothing can be written.

use super::*;
use crate::store::file::open::open_write;
use crate::store::file::open::tests::{LONG, made};

fn add(dir: &Path, key: &str) {
    let file = open_write(dir, LONG).unwrap();
    file.conn().execute("INSERT INTO meta VALUES (?1, '')", [key]).unwrap();
}

fn rows(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_reader_sees_what_is_committed_and_leaves_nothing_behind() {
    let (dir, _path) = made();
    let file = open_read(dir.path()).unwrap();
    assert_eq!((file.mode(), rows(file.conn())), (ReadMode::Shared, 0));
    add(dir.path(), "a");
    assert_eq!(rows(file.conn()), 1);
    assert!(file.conn().execute("DELETE FROM meta", []).is_err());
}

#[test]
fn an_immutable_reader_finds_files_with_any_name() {
    let (dir, path) = made();
    let odd = dir.path().join("a ?#%&\u{e9}.db");
    std::fs::copy(&path, &odd).unwrap();
    assert_eq!(rows(&immutable(&odd).unwrap()), 0);
}

#[test]
fn a_copy_has_the_log_too_and_goes_away() {
    let (dir, path) = made();
    add(dir.path(), "a");
    let log = length(&sidecar(&path, "-wal"));
    assert!(log > 0);
    let copy = copy(&path).unwrap();
    let place = copy.path().to_path_buf();
    let conn = private(&copy).unwrap();
    let file = ReadFile { conn, path: path.clone(), file: None, mode: ReadMode::Copy, _copy: Some(copy) };
    assert_eq!(rows(file.conn()), 1);
    drop(file);
    assert!(!place.exists());
    assert_eq!(length(&sidecar(&path, "-wal")), log, "the original is not touched");
}

#[test]
fn a_reader_that_is_alone_needs_no_shared_memory() {
    let (dir, path) = made();
    add(dir.path(), "a");
    let shm = sidecar(&path, "-shm");
    std::fs::remove_file(&shm).unwrap();
    let conn = alone(&path).unwrap();
    assert_eq!(rows(&conn), 1);
    assert!(!shm.exists());
}

/// A log that cannot be read in place decides between the two ways out.
#[test]
fn a_left_log_is_never_ignored() {
    let (_dir, path) = made();
    let code = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    for read_only in [ffi::SQLITE_CANTOPEN, ffi::SQLITE_READONLY_DIRECTORY] {
        assert_eq!(way_out(&code(read_only), &path), Some(ReadMode::Immutable));
    }
    std::fs::write(sidecar(&path, "-wal"), "log").unwrap();
    assert_eq!(way_out(&code(ffi::SQLITE_CANTOPEN), &path), Some(ReadMode::Copy));
    assert_eq!(way_out(&code(ffi::SQLITE_IOERR_SHMSIZE), &path), Some(ReadMode::Alone));
    assert_eq!(way_out(&code(ffi::SQLITE_CORRUPT), &path), None);
}
