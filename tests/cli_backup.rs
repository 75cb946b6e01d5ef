//! Transcripts of `backup` and `restore`: the whole tracker in one file, and back.

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Project, Run};

/// A tracker with a task and a comment, and its backup `copy.db`.
fn backed_up() -> Project {
    let project = Project::new();
    project.task("first");
    project.ok(["comment", "LAT-1", "hello"]);
    let answer = project.json(["backup", "copy.db"]);
    assert_eq!((&answer["file"], &answer["events"]), (&json!("copy.db"), &json!(events(&project).len())));
    assert_eq!(answer["bytes"], project.path().join("copy.db").metadata().unwrap().len());
    project
}

fn events(project: &Project) -> Vec<String> {
    let lines = project.ok(["events", "--json"]);
    let id =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"]["id"].as_str().unwrap().to_owned();
    lines.lines().map(id).collect()
}

/// The names in `.lattice/`, without what SQLite keeps beside an open database.
fn names(project: &Project) -> BTreeSet<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let company = ["lattice.db-wal", "lattice.db-shm"];
    std::fs::read_dir(project.lattice())
        .unwrap()
        .map(name)
        .filter(|n| !company.contains(&n.as_str()))
        .collect()
}

/// The tracker is what the backup was, and works.
fn restored(project: &Project, backup: &[String]) {
    assert_eq!(events(project), backup);
    let doctor = project.json(["doctor"]);
    assert_eq!(doctor["summary"]["errors"], 0, "{doctor}");
    assert_eq!(project.task("next"), "LAT-2");
    assert_eq!(
        Connection::open(project.database())
            .unwrap()
            .query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))
            .unwrap(),
        "wal"
    );
}

#[test]
fn what_came_after_the_backup_is_never_lost_by_restoring() {
    let project = backed_up();
    let before = events(&project);
    let cursor = project.ok(["events", "--json"]).lines().last().unwrap().to_owned();
    let cursor = serde_json::from_str::<Value>(&cursor).unwrap()["cursor"].as_str().unwrap().to_owned();
    project.ok(["comment", "LAT-1", "later"]);
    project.task("second");
    let after = events(&project);
    let (status, error) = project.refused(["restore", "copy.db"]);
    assert_eq!((status, &error["code"]), (1, &json!("RESTORE_CONFLICT")), "{error}");
    assert_eq!(error["details"], json!({"lacking": 2, "first": after[before.len()]}));
    assert_eq!(events(&project), after);
    let answer = project.json(["restore", "copy.db", "--force"]);
    assert_eq!((&answer["lacking"], &answer["events"]), (&json!(2), &json!(before.len())));
    let kept = answer["kept"].as_str().unwrap();
    let ids = "SELECT count(*) FROM events";
    let count: i64 = Connection::open(kept).unwrap().query_row(ids, [], |row| row.get(0)).unwrap();
    assert_eq!(count, after.len() as i64);
    // A cursor of the file that was there means nothing in this one.
    assert_eq!(project.refused(["events", "--since", &cursor]).1["code"], "CURSOR_EXPIRED");
    restored(&project, &before);
    // And back again: the kept file is a backup like any other.
    project.ok(["restore", kept, "--force"]);
    assert_eq!(events(&project), after);
}

#[test]
fn a_tracker_that_holds_no_more_is_replaced_without_a_copy() {
    let project = backed_up();
    let before = events(&project);
    let names_before = names(&project);
    let answer = project.json(["restore", "copy.db"]);
    assert_eq!(
        (&answer["kept"], &answer["lacking"], &answer["damage"]),
        (&Value::Null, &json!(0), &Value::Null)
    );
    assert_eq!(names(&project), names_before);
    restored(&project, &before);
    let text = project.ok(["backup", "again.db"]);
    assert!(text.starts_with("Backed up ") && text.trim_end().ends_with("verified"), "{text}");
}

#[test]
fn a_backup_makes_a_tracker_where_there_is_none() {
    let project = backed_up();
    let before = events(&project);
    let elsewhere = Project::empty();
    let file = project.path().join("copy.db");
    elsewhere.ok(["restore", file.to_str().unwrap()]);
    restored(&elsewhere, &before);
    assert_eq!(
        names(&elsewhere),
        BTreeSet::from([".gitattributes", ".gitignore", "lattice.db", "lock"].map(str::to_owned))
    );
    // A tree without its database is completed too.
    std::fs::remove_dir_all(elsewhere.lattice()).unwrap();
    std::fs::create_dir_all(elsewhere.lattice().join("events")).unwrap();
    assert_eq!(elsewhere.refused(["list"]).1["code"], "NOT_INITIALIZED");
    elsewhere.ok(["restore", file.to_str().unwrap()]);
    restored(&elsewhere, &before);
}

/// Damages the database in a way of its own and gives what of it must be kept.
type Damage = fn(&Path);

#[test]
fn damaged_and_missing_trackers_are_restored_and_what_is_left_is_kept() {
    let nonsense = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[4096..12_000].fill(7);
        std::fs::write(path, bytes).unwrap();
    };
    let cases: [(&str, bool, Damage); 6] = [
        ("nonsense in its pages", true, nonsense),
        ("no header", true, |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[..100].fill(0);
            std::fs::write(path, bytes).unwrap();
        }),
        ("empty", true, |path| std::fs::write(path, b"").unwrap()),
        ("cut off", true, |path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("another program's", true, |path| {
            std::fs::remove_file(path).unwrap();
            Connection::open(path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        }),
        ("gone", false, |path| std::fs::remove_file(path).unwrap()),
    ];
    for (what, kept, damage) in cases {
        let project = backed_up();
        let before = events(&project);
        checkpoint(&project);
        for sidecar in ["lattice.db-wal", "lattice.db-shm"] {
            drop(std::fs::remove_file(project.lattice().join(sidecar)));
        }
        damage(&project.database());
        let bytes = std::fs::read(project.database()).ok();
        let answer = project.json(["restore", "copy.db"]);
        assert_eq!(answer["kept"].is_string(), kept, "{what}: {answer}");
        assert_eq!(answer["damage"].is_string(), kept, "{what}: {answer}");
        if kept {
            assert_eq!(std::fs::read(answer["kept"].as_str().unwrap()).ok(), bytes, "{what}");
        }
        restored(&project, &before);
    }
}

fn checkpoint(project: &Project) {
    let conn = Connection::open(project.database()).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// A log that SQLite would play into whatever database lies beside it.
#[test]
fn a_log_of_the_old_database_is_never_played_into_the_new_one() {
    for gone in [false, true] {
        let project = backed_up();
        let before = events(&project);
        // The log begins anew and holds all pages of changes that the backup does not know.
        checkpoint(&project);
        let copy = |name: &str| std::fs::read(project.lattice().join(name)).unwrap();
        project.ok(["create", "in the log only"]);
        let log = copy("lattice.db-wal");
        assert!(log.len() > 10_000, "{}", log.len());
        match gone {
            true => std::fs::remove_file(project.database()).unwrap(),
            false => {
                std::fs::write(project.database(), b"not a database, but long enough".repeat(100)).unwrap()
            }
        }
        let answer = project.json(["restore", "copy.db"]);
        assert_eq!(events(&project), before, "gone: {gone}");
        restored(&project, &before);
        let kept = project.lattice().join("lattice-kept-1.db-wal");
        assert_eq!(std::fs::read(kept).unwrap(), log, "{answer}");
    }
}

#[test]
fn what_is_no_whole_backup_is_refused_and_nothing_changes() {
    let project = backed_up();
    let bytes = std::fs::read(project.path().join("copy.db")).unwrap();
    project.file("text", "no database at all");
    project.file("empty", "");
    let mut damaged = bytes.clone();
    let at = bytes.windows(5).position(|window| window == b"hello").unwrap();
    damaged[at] = b'j';
    project.file("damaged.db", &damaged);
    project.file("cut.db", &bytes[..bytes.len() / 2]);
    project.file("trap.db", &bytes);
    Connection::open(project.path().join("trap.db"))
        .unwrap()
        .execute_batch("CREATE TRIGGER trap AFTER INSERT ON meta BEGIN SELECT 1; END")
        .unwrap();
    Connection::open(project.path().join("other.db")).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    let (before, names_before) = (events(&project), names(&project));
    for (file, code) in [
        ("text", "STORE_NOT_A_DATABASE"),
        ("empty", "STORE_NOT_A_DATABASE"),
        ("other.db", "STORE_NOT_A_DATABASE"),
        ("damaged.db", "STORE_CORRUPT"),
        ("cut.db", "STORE_CORRUPT"),
        ("trap.db", "STORE_TAMPERED"),
        ("missing", "NOT_FOUND"),
        (".", "STORE_IO"),
        (".lattice/lattice.db", "VALIDATION_ERROR"),
    ] {
        let (_, error) = project.refused(["restore", file, "--force"]);
        assert_eq!(error["code"], code, "{file}: {error}");
        assert_eq!((events(&project), names(&project)), (before.clone(), names_before.clone()), "{file}");
    }
}

#[test]
fn a_backup_replaces_nothing_but_an_older_backup_that_it_is_told_to() {
    let project = backed_up();
    project.file("precious.db", "mine");
    project.file("used.db-wal", "a log");
    std::fs::create_dir(project.path().join("folder")).unwrap();
    symlink(project.path().join("precious.db"), project.path().join("link.db")).unwrap();
    for (target, flag, code) in [
        ("copy.db", None, "CONFLICT"),
        ("precious.db", Some("--force"), "CONFLICT"),
        ("used.db", None, "CONFLICT"),
        ("folder", Some("--force"), "STORE_IO"),
        ("link.db", Some("--force"), "STORE_DENIED"),
        (".lattice/copy.db", None, "VALIDATION_ERROR"),
        (".lattice/lattice.db", Some("--force"), "VALIDATION_ERROR"),
        ("nowhere/copy.db", None, "STORE_IO"),
    ] {
        let (_, error) = project.refused(["backup", target].into_iter().chain(flag));
        assert_eq!(error["code"], code, "{target}: {error}");
    }
    assert_eq!(std::fs::read(project.path().join("precious.db")).unwrap(), b"mine");
    project.task("second");
    let answer = project.json(["backup", "copy.db", "--force"]);
    assert_eq!(answer["events"], events(&project).len());
    let left: Vec<_> = std::fs::read_dir(project.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("tmp")), "{left:?}");
}

#[test]
fn a_backup_beside_writers_is_one_moment_of_the_tracker() {
    let project = backed_up();
    let creates = |n: usize| ["create".to_owned(), format!("task {n}")].to_vec();
    let backups = |n: usize| ["backup".to_owned(), format!("copy-{n}.db")].to_vec();
    let lines = (0..12).flat_map(|n| [creates(n), backups(n)]);
    for run in project.at_once(lines) {
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    }
    let all = events(&project);
    for n in 0..12 {
        let elsewhere = Project::empty();
        elsewhere.ok(["restore", project.path().join(format!("copy-{n}.db")).to_str().unwrap()]);
        let copied = events(&elsewhere);
        assert_eq!(copied, all[..copied.len()]);
    }
}

/// A program that has the file open would go on with the old one, and could mix the two.
#[test]
fn a_tracker_that_somebody_has_open_is_not_taken_away_under_them() {
    let project = backed_up();
    let reader = Connection::open(project.database()).unwrap();
    let count = |reader: &Connection| {
        reader.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = count(&reader);
    let mut restore = project.command(["restore", "copy.db"]);
    let run = Run::of(restore.env("LATTICE_LOCK_TIMEOUT", "0.1").output().unwrap());
    assert_eq!(run.status, 3, "{run:?}");
    assert!(run.stderr.contains("[STORE_BUSY]"), "{run:?}");
    project.task("second");
    assert_eq!(count(&reader), before + 1, "the reader still reads the tracker");
    drop(reader);
    assert_eq!(project.refused(["restore", "copy.db"]).1["code"], "RESTORE_CONFLICT");
}
