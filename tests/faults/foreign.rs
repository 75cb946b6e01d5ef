//! Something else in the database's place: it is told apart, and never adopted, run or changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;

use crate::injector::Ending;
use crate::sandbox::{content, empty, names, tracker};
use crate::support::Project;

const COMMANDS: [&[&str]; 8] = [
    &["list"],
    &["show", "LAT-1"],
    &["create", "second"],
    &["export"],
    &["doctor"],
    &["doctor", "--fix"],
    &["sql", "SELECT * FROM tasks"],
    &["init"],
];

/// Every command ends with this code and changes nothing.
fn refused(project: &Project, what: &str, codes: &[&str]) {
    refused_by(project, what, &COMMANDS, codes);
}

fn refused_by(project: &Project, what: &str, commands: &[&[&str]], codes: &[&str]) {
    let before = kept(project);
    for args in commands {
        let mut command = project.command(*args);
        command.env("LATTICE_ACTOR", "agent:test");
        let ending = Ending::of(command);
        let code = ending.code().unwrap_or_else(|| panic!("{what}, {args:?}: {ending:?}"));
        assert!(codes.contains(&code), "{what}, {args:?}: {ending:?}");
        assert_eq!(ending.status, Some(4), "{what}, {args:?}: {ending:?}");
    }
    assert!(kept(project) == before, "{what}: {:?}", names(project));
}

/// What holds anything: not the queue's file, nor the index and the empty log that SQLite makes to
/// look into a database.
fn kept(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = content(&project.lattice());
    files.remove(&project.lattice().join("lock"));
    files.remove(&project.lattice().join("lattice.db-shm"));
    files.retain(|path, bytes| !(path.ends_with("lattice.db-wal") && bytes.is_empty()));
    files
}

/// A folder with these bytes as its database.
fn with(bytes: &[u8]) -> Project {
    let project = empty();
    fs::create_dir(project.lattice()).unwrap();
    fs::write(project.database(), bytes).unwrap();
    project
}

#[test]
fn what_is_no_database_is_not_made_into_one() {
    let mut garbage = vec![0xA5_u8; 8192];
    garbage[..16].copy_from_slice(b"SQLite format 2\0");
    let cases: [(&str, &[u8]); 6] = [
        ("an empty file", b""),
        ("one byte", b"x"),
        ("511 bytes", &[0; 511]),
        ("a page of zeros", &[0; 4096]),
        ("a text", &b"to do: everything\n".repeat(100)),
        ("almost a database", &garbage),
    ];
    for (what, bytes) in cases {
        refused(&with(bytes), what, &["STORE_NOT_A_DATABASE"]);
    }
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let project = with(b"");
    let path = project.database();
    fs::remove_file(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE tasks (id TEXT, title TEXT); INSERT INTO tasks VALUES ('1', 'mine')")
        .unwrap();
    drop(conn);
    refused(&project, "a database of another program", &["STORE_NOT_A_DATABASE"]);
}

#[test]
fn a_newer_tracker_is_not_touched() {
    let project = tracker();
    sql(&project, "PRAGMA user_version = 999");
    refused(&project, "a newer version", &["STORE_TOO_NEW"]);
}

/// An older number brings the migrations into play, and they believe their history table.
#[test]
fn a_history_of_migrations_that_is_not_ours_is_refused() {
    for change in [
        "INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
        "UPDATE refinery_schema_history SET checksum = '1'",
        "UPDATE refinery_schema_history SET applied_on = 'yesterday'",
        "UPDATE refinery_schema_history SET version = -1, name = '../../x' WHERE version = 1",
        "DELETE FROM refinery_schema_history",
        "DROP TABLE refinery_schema_history",
    ] {
        let project = tracker();
        sql(&project, &format!("PRAGMA user_version = 0; {change}"));
        let writes = [&["create", "second"][..], &["doctor", "--fix"]];
        refused_by(&project, change, &writes, &["STORE_TAMPERED"]);
        // Reading does not migrate, and does not believe such a file either.
        refused_by(
            &project,
            change,
            &[&["list"], &["sql", "SELECT 1"]],
            &["STORE_TOO_OLD", "STORE_TAMPERED"],
        );
    }
}

/// A schema is code. None of these may run, in a file that came with a repository.
#[test]
fn a_schema_with_something_added_or_replaced_is_not_written_to() {
    for change in [
        "CREATE TRIGGER evil AFTER INSERT ON tasks BEGIN DELETE FROM events; END",
        "CREATE VIEW evil AS SELECT 1",
        "CREATE TABLE evil (x)",
        "DROP TRIGGER events_are_never_deleted",
        "DROP TABLE plans; CREATE VIEW plans AS SELECT 1 AS id",
        "ALTER TABLE tasks RENAME TO was; CREATE VIEW tasks AS SELECT * FROM was",
        "ALTER TABLE meta RENAME TO was; CREATE TABLE meta (key TEXT, value TEXT, CHECK (0))",
    ] {
        let project = tracker();
        project.task("first");
        sql(&project, change);
        let writes = [&["create", "second"][..], &["status", "LAT-1", "done"], &["doctor", "--fix"]];
        refused_by(&project, change, &writes, &["STORE_TAMPERED"]);
        // Views and functions are part of asking in SQL.
        refused_by(&project, change, &[&["sql", "SELECT * FROM ready"]], &["STORE_TAMPERED"]);
        let conn = Connection::open(project.database()).unwrap();
        let events: i64 = conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        assert!(events >= 3, "{change}: {events}");
    }
}

#[test]
fn links_pipes_and_folders_in_the_databases_place_are_not_opened() {
    let elsewhere = tracker();
    let target = elsewhere.database();
    let before = content(&elsewhere.lattice());
    let project = with(b"");
    let path = project.database();
    fs::remove_file(&path).unwrap();
    for target in [target.as_path(), "/dev/zero".as_ref(), "/etc/passwd".as_ref(), "nowhere".as_ref()] {
        symlink(target, &path).unwrap();
        refused(&project, &format!("a link to {}", target.display()), &["STORE_DENIED"]);
        assert!(path.is_symlink());
        fs::remove_file(&path).unwrap();
    }
    assert!(content(&elsewhere.lattice()) == before);
    fs::create_dir(&path).unwrap();
    refused(&project, "a folder", &["STORE_IO"]);
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused(&project, "a pipe", &["STORE_IO"]);
}

#[test]
fn a_folder_that_is_a_link_is_not_followed() {
    let elsewhere = tracker();
    let project = empty();
    symlink(elsewhere.lattice(), project.lattice()).unwrap();
    let before = content(&elsewhere.lattice());
    for args in COMMANDS {
        let mut command = project.command(args);
        command.env("LATTICE_ACTOR", "agent:test");
        let ending = Ending::of(command);
        assert_eq!(ending.code(), Some("STORE_DENIED"), "{args:?}: {ending:?}");
    }
    assert!(content(&elsewhere.lattice()) == before);
}

/// Changes the file as another program would, past every guard, and leaves no log.
fn sql(project: &Project, text: &str) {
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch(text).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
