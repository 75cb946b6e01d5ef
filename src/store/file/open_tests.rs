//! Opening good, old, foreign and damaged files for writing.

use super::*;
use crate::store::file::create::{Created, create};
use crate::store::file::paths::sidecar;
use crate::store::file::schema::{APPLICATION_ID, SCHEMA_VERSION};

pub(in crate::store) const LONG: Duration = Duration::from_secs(60);

/// A directory that serves as `.lattice/`, with an empty tracker in it, and the
/// path of the database.
pub(in crate::store) fn made() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let created = create(dir.path(), LONG, |_| Ok::<(), StoreError>(())).unwrap();
    assert_eq!(created, Created::Made);
    let path = database(dir.path());
    (dir, path)
}

/// What opening says after `change` was done by another program.
fn after(change: impl FnOnce(&Path)) -> Result<WriteFile, StoreError> {
    let (dir, path) = made();
    change(&path);
    open_write(dir.path(), LONG)
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_new_tracker_opens_and_keeps_what_is_written() {
    let (dir, path) = made();
    let mut file = open_write(dir.path(), LONG).unwrap();
    let transaction = file.conn_mut().transaction().unwrap();
    transaction.execute("INSERT INTO meta VALUES ('a', 'b')", []).unwrap();
    transaction.commit().unwrap();
    file.close();
    let conn = Connection::open(&path).unwrap();
    let value: String = conn.query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
    assert_eq!(value, "b");
}

#[test]
fn every_guard_is_on() {
    let (dir, _path) = made();
    let file = open_write(dir.path(), LONG).unwrap();
    let number = |pragma: &str| -> i64 {
        file.conn().query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(number("synchronous"), 3, "EXTRA");
    assert_eq!(number("wal_autocheckpoint"), 0);
    assert_eq!(number("cell_size_check"), 1);
    assert_eq!(number("trusted_schema"), 0);
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ] {
        assert_eq!(file.conn().db_config(option).unwrap(), on, "{option:?}");
    }
}

/// Versions before 3.51.3 can corrupt a database when its log is reset.
#[test]
fn sqlite_is_new_enough() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn a_directory_without_a_database_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let result = open_write(dir.path(), LONG);
    assert!(matches!(result, Err(StoreError::Missing { .. })), "{result:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn empty_and_text_files_are_refused_and_kept() {
    for content in ["", "x", &"not a database at all\n".repeat(100)] {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path());
        std::fs::write(&path, content).unwrap();
        let result = open_write(dir.path(), LONG);
        assert!(matches!(result, Err(StoreError::NotADatabase { .. })), "{result:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(dir.path());
    sql(&path, "CREATE TABLE t (x)");
    let before = std::fs::read(&path).unwrap();
    let result = open_write(dir.path(), LONG);
    assert!(matches!(result, Err(StoreError::Foreign { .. })), "{result:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_file_is_refused_for_writing_and_for_reading() {
    let (dir, path) = made();
    sql(&path, "PRAGMA user_version = 99");
    let newer = |error| matches!(error, StoreError::TooNew { found: 99, known: SCHEMA_VERSION });
    assert!(open_write(dir.path(), LONG).is_err_and(newer));
    assert!(super::super::read::open_read(dir.path()).is_err_and(newer));
}

#[test]
fn a_version_that_never_was_is_refused() {
    let result = after(|path| sql(path, "PRAGMA user_version = -1"));
    assert!(matches!(result, Err(StoreError::SchemaTampered { .. })), "{result:?}");
}

#[test]
fn a_truncated_file_is_damaged() {
    let result = after(|path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(8192).unwrap();
    });
    assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{result:?}");
}

#[test]
fn a_foreign_trigger_is_found_before_it_could_run() {
    let result = after(|path| {
        sql(path, "CREATE TRIGGER evil AFTER INSERT ON meta BEGIN DELETE FROM meta; END");
    });
    let evil = |error| matches!(error, StoreError::SchemaTampered { object } if object == "evil");
    assert!(result.is_err_and(evil));
}

#[test]
fn wal_mode_is_set_again_where_another_program_left_it() {
    let (dir, path) = made();
    sql(&path, "PRAGMA journal_mode = DELETE");
    assert_eq!(std::fs::read(&path).unwrap()[18..20], [1, 1]);
    open_write(dir.path(), LONG).unwrap().close();
    assert_eq!(std::fs::read(&path).unwrap()[18..20], [2, 2]);
}

#[test]
fn one_writer_at_a_time_and_the_next_waits_no_longer_than_told() {
    let (dir, _path) = made();
    let _first = open_write(dir.path(), LONG).unwrap();
    let second = open_write(dir.path(), Duration::from_millis(20));
    assert!(matches!(second, Err(StoreError::Busy { .. })), "{second:?}");
}

#[test]
fn what_changes_while_a_writer_waits_is_noticed() {
    let changes: [fn(&Path); 3] = [
        |path| sql(path, "CREATE VIEW added AS SELECT 1"),
        |path| sql(path, "PRAGMA user_version = 99"),
        |path| {
            let copy = path.with_extension("copy");
            std::fs::copy(path, &copy).unwrap();
            std::fs::rename(&copy, path).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (_dir, path) = made();
        let prepared = Prepared::open(&path).unwrap();
        change(&path);
        assert!(prepared.if_unchanged(&path, LONG).is_none(), "change {number}");
    }
    let (_dir, path) = made();
    let prepared = Prepared::open(&path).unwrap();
    sql(&path, "INSERT INTO meta VALUES ('c', 'd')");
    assert!(prepared.if_unchanged(&path, LONG).is_some(), "rows may change");
}

#[test]
fn a_database_that_is_a_link_is_refused() {
    let (_dir, path) = made();
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&path, database(other.path())).unwrap();
    let result = open_write(other.path(), LONG);
    assert!(matches!(result, Err(StoreError::SymlinkRefused { .. })), "{result:?}");
}

#[test]
fn an_upgrade_leaves_the_signature_of_this_program() {
    let (_dir, path) = made();
    let conn = Connection::open(&path).unwrap();
    let number = |sql: &str| -> i64 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("PRAGMA application_id"), APPLICATION_ID);
    assert_eq!(number("PRAGMA user_version"), SCHEMA_VERSION);
    assert!(!sidecar(&path, "-journal").exists());
}

#[test]
fn another_value_does_not_prepare_a_statement_again() {
    let (_dir, path) = made();
    let conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = conn.prepare("SELECT 1 FROM events WHERE task_id = ?1 LIMIT ?2").unwrap();
    for value in 1..4 {
        assert!(!statement.exists([value, value]).unwrap());
    }
    assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
}
