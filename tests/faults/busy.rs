//! Somebody else has the tracker and does not let go: waiting ends, and nothing has changed.

use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

use crate::injector::Ending;
use crate::sandbox::{sound, tracker};
use crate::support::Project;

const WAIT: Duration = Duration::from_millis(300);
/// Far below what anything waits by itself, far above what a loaded machine needs.
const BOUND: Duration = Duration::from_secs(4);

const WRITES: [&[&str]; 3] = [&["create", "second"], &["status", "LAT-1", "in_planning"], &["export"]];

/// When the database and its log were last written to. Only looks at them: if this process opened
/// and closed them, it would drop the locks that it holds for the test.
fn stamps(project: &Project) -> Vec<(u64, SystemTime)> {
    let path = |suffix| project.lattice().join(format!("lattice.db{suffix}"));
    let metas = ["", "-wal"].map(|suffix| path(suffix).metadata().unwrap());
    metas.iter().map(|meta| (meta.len(), meta.modified().unwrap())).collect()
}

fn refused_in_time(project: &Project, writes: &[&[&str]]) {
    for args in writes {
        let before = stamps(project);
        let started = Instant::now();
        let mut command = project.command(*args);
        command.env("LATTICE_LOCK_TIMEOUT", WAIT.as_secs_f64().to_string()).env("LATTICE_ACTOR", "agent:a");
        let ending = Ending::of(command);
        let waited = started.elapsed();
        assert_eq!((ending.status, ending.code()), (Some(3), Some("STORE_BUSY")), "{args:?}: {ending:?}");
        assert!((WAIT..BOUND).contains(&waited), "{args:?} took {waited:?}");
        assert!(stamps(project) == before, "{args:?} changed something");
    }
}

#[test]
fn a_lock_that_another_process_keeps_is_waited_for_and_no_longer() {
    let project = tracker();
    project.task("first");
    let lock = File::open(project.lattice().join("lock")).unwrap();
    lock.lock().unwrap();
    refused_in_time(&project, &WRITES);
    // Reading asks for no lock.
    assert!(project.ok(["list"]).contains("first"));
    lock.unlock().unwrap();
    project.task("second");
    sound(&project, &|| "unlocked".to_owned());
}

#[test]
fn another_program_in_the_middle_of_writing_is_waited_for_and_no_longer() {
    let project = tracker();
    project.task("first");
    let other = rusqlite::Connection::open(project.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // All but the export, which reads the tracker and writes elsewhere.
    refused_in_time(&project, &WRITES[..2]);
    assert!(project.ok(["list"]).contains("first"));
    other.execute_batch("ROLLBACK").unwrap();
    project.task("second");
}

/// Not even reading is possible then, and it must not take for ever to say so.
#[test]
fn another_program_that_keeps_the_file_to_itself_is_busy_and_not_damage() {
    let meets_it = |args: &[&str]| {
        let project = tracker();
        project.task("first");
        let other = rusqlite::Connection::open(project.database()).unwrap();
        other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;").unwrap();
        let held = other.query_row("SELECT count(*) FROM tasks", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(held, 1);
        let started = Instant::now();
        let mut command = project.command(args);
        let ending = Ending::of({
            command.env("LATTICE_LOCK_TIMEOUT", "0.3").env("LATTICE_ACTOR", "agent:a");
            command
        });
        // `init` only has to see that the tracker is there.
        let allowed = [Some("STORE_BUSY"), if args == ["init"] { None } else { Some("STORE_BUSY") }];
        assert!(allowed.contains(&ending.code()), "{args:?}: {ending:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{args:?}");
        drop(other);
        project.task("second");
    };
    // All they do is wait.
    std::thread::scope(|scope| {
        for args in [&["create", "second"][..], &["list"], &["show", "LAT-1"], &["init"]] {
            scope.spawn(|| meets_it(args));
        }
    });
}

#[test]
fn init_waits_for_another_init_and_no_longer() {
    let project = crate::sandbox::empty();
    std::fs::create_dir(project.lattice()).unwrap();
    let lock = File::create(project.lattice().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut command = project.command(["init"]);
    command.env("LATTICE_LOCK_TIMEOUT", "0.3");
    let ending = Ending::of(command);
    assert_eq!(ending.code(), Some("STORE_BUSY"), "{ending:?}");
    assert_eq!(crate::sandbox::names(&project), ["lock"]);
    drop(lock);
    project.ok(["init"]);
}
