//! Making a tracker: once, sixteen times at once, and after every accident.

use std::collections::BTreeMap;

use super::*;
use crate::store::file::open::open_write;
use crate::store::file::open::tests::LONG;

fn init(lattice_dir: &Path) -> Result<Created, StoreError> {
    create(lattice_dir, LONG, |conn| {
        conn.execute("INSERT INTO meta VALUES ('made', 'by the test')", []).unwrap();
        Ok(())
    })
}

fn project() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let lattice_dir = dir.path().join(".lattice");
    (dir, lattice_dir)
}

/// The files of a directory and what is in them.
fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let pair = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap_or_default())
    };
    entries.map(pair).collect()
}

#[test]
fn a_new_tracker_is_complete_and_a_second_call_changes_nothing() {
    let (_dir, lattice_dir) = project();
    assert_eq!(init(&lattice_dir).unwrap(), Created::Made);
    let before = content(&lattice_dir);
    let names: Vec<_> = before.keys().map(String::as_str).collect();
    assert_eq!(names, [".gitattributes", ".gitignore", "lattice.db", "lattice.db-wal", "lock"]);
    assert_eq!(init(&lattice_dir).unwrap(), Created::AlreadyThere);
    assert_eq!(content(&lattice_dir)["lattice.db"], before["lattice.db"]);
    let file = open_write(&lattice_dir, LONG).unwrap();
    let value: String = file.conn().query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
    assert_eq!(value, "by the test");
}

#[test]
fn sixteen_at_once_make_one_tracker() {
    let (_dir, lattice_dir) = project();
    let start = std::sync::Barrier::new(16);
    let results: Vec<_> = std::thread::scope(|scope| {
        let attempt = || {
            start.wait();
            init(&lattice_dir).unwrap()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| **result == Created::Made).count(), 1);
    assert!(!content(&lattice_dir).keys().any(|name| name.starts_with("new-")));
}

#[test]
fn an_attempt_that_fails_leaves_nothing_and_the_next_one_works() {
    let (dir, lattice_dir) = project();
    let failing = |_: &mut Connection| Err(StoreError::Full);
    let result = create(&lattice_dir, LONG, failing);
    assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    assert_eq!(content(dir.path()).len(), 0);

    std::fs::create_dir(&lattice_dir).unwrap();
    std::fs::write(lattice_dir.join(".gitignore"), "mine").unwrap();
    std::fs::write(lattice_dir.join("config.json"), "{}").unwrap();
    let before = content(&lattice_dir);
    assert!(create(&lattice_dir, LONG, failing).is_err());
    assert_eq!(content(&lattice_dir), before);

    assert_eq!(init(&lattice_dir).unwrap(), Created::Made);
    let ignored = std::fs::read_to_string(lattice_dir.join(".gitignore")).unwrap();
    assert!(ignored.starts_with("mine\n/lattice.db\n"), "{ignored}");
}

#[test]
fn many_that_fail_beside_one_that_works_do_it_no_harm() {
    let (_dir, lattice_dir) = project();
    let start = std::sync::Barrier::new(9);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let result = create(&lattice_dir, LONG, |_| Err(StoreError::Full));
                assert!(matches!(result, Err(StoreError::Full) | Ok(Created::AlreadyThere)));
            });
        }
        start.wait();
        assert_eq!(init(&lattice_dir).unwrap(), Created::Made);
    });
    open_write(&lattice_dir, LONG).unwrap();
}

#[test]
fn what_a_killed_attempt_left_is_swept_and_nothing_else() {
    let (_dir, lattice_dir) = project();
    std::fs::create_dir(&lattice_dir).unwrap();
    for name in ["new-abcdefghij.tmp", "new-abcdefghij.tmp-wal", "lock", "new-plan.tmp"] {
        std::fs::write(lattice_dir.join(name), "left").unwrap();
    }
    assert_eq!(init(&lattice_dir).unwrap(), Created::Made);
    let names: Vec<_> = content(&lattice_dir).into_keys().collect();
    let expected = [".gitattributes", ".gitignore", "lattice.db", "lattice.db-wal", "lock", "new-plan.tmp"];
    assert_eq!(names, expected);
}

#[test]
fn something_else_under_the_name_of_the_database_is_refused_and_kept() {
    for text in ["", "hello", &"hello\n".repeat(500)] {
        let (_dir, lattice_dir) = project();
        std::fs::create_dir(&lattice_dir).unwrap();
        std::fs::write(database(&lattice_dir), text).unwrap();
        let before = content(&lattice_dir);
        let result = init(&lattice_dir);
        assert!(matches!(result, Err(StoreError::NotADatabase { .. })), "{result:?}");
        assert_eq!(content(&lattice_dir), before);
    }
    let (_dir, lattice_dir) = project();
    std::fs::create_dir(&lattice_dir).unwrap();
    let conn = Connection::open(database(&lattice_dir)).unwrap();
    conn.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(conn);
    let result = init(&lattice_dir);
    assert!(matches!(result, Err(StoreError::Foreign { .. })), "{result:?}");
}

/// SQLite would take the log of another database for that of the new one.
#[test]
fn a_log_without_its_database_is_never_adopted() {
    for suffix in ["-wal", "-journal"] {
        let (_dir, lattice_dir) = project();
        std::fs::create_dir(&lattice_dir).unwrap();
        let stray = sidecar(&database(&lattice_dir), suffix);
        std::fs::write(&stray, "somebody's commits").unwrap();
        match init(&lattice_dir) {
            Err(StoreError::StrayJournal { path }) => assert_eq!(path, stray),
            other => panic!("{other:?}"),
        }
        assert_eq!(content(&lattice_dir).len(), 1);
    }
    let (_dir, lattice_dir) = project();
    std::fs::create_dir(&lattice_dir).unwrap();
    std::fs::write(sidecar(&database(&lattice_dir), "-wal"), "").unwrap();
    std::fs::write(sidecar(&database(&lattice_dir), "-shm"), [7; 32768]).unwrap();
    assert_eq!(init(&lattice_dir).unwrap(), Created::Made);
    open_write(&lattice_dir, LONG).unwrap();
}

#[test]
fn a_file_or_a_link_in_the_place_of_the_directory_is_refused() {
    let (dir, lattice_dir) = project();
    std::fs::write(&lattice_dir, "a file").unwrap();
    let result = init(&lattice_dir);
    assert!(matches!(result, Err(StoreError::NotADirectory { .. })), "{result:?}");
    std::fs::remove_file(&lattice_dir).unwrap();
    std::fs::create_dir(dir.path().join("real")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("real"), &lattice_dir).unwrap();
    let result = init(&lattice_dir);
    assert!(matches!(result, Err(StoreError::SymlinkRefused { .. })), "{result:?}");
    assert_eq!(content(&dir.path().join("real")).len(), 0);
}

#[test]
fn a_missing_parent_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let result = init(&dir.path().join("nowhere/.lattice"));
    assert!(matches!(result, Err(StoreError::Missing { .. })), "{result:?}");
    assert_eq!(content(dir.path()).len(), 0);
}
