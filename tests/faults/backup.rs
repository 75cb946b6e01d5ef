//! Backup and restore on a failing disk: whole or as before, and the next call completes it.

use rusqlite::Connection;

use crate::flushes::{Flushes, INDEX};
use crate::injector::{Injector, SIGKILL, injector, writes};
use crate::sandbox::{chosen, copy_of, names, say, sound, tracker};
use crate::support::Project;

/// What stands in the way of a restore.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    /// A tracker that holds no more than the backup.
    Whole,
    /// One that holds more.
    Ahead,
    /// One that does not read, with a log beside it.
    Damaged,
}

/// A tracker of one task with `copy.db`, a backup of it.
fn example(before: Before) -> Project {
    let project = tracker();
    project.task("first");
    project.ok(["backup", "copy.db"]);
    match before {
        Before::Whole => {}
        Before::Ahead => drop(project.task("second")),
        Before::Damaged => {
            project.task("second");
            let log = std::fs::read(project.lattice().join("lattice.db-wal")).unwrap();
            assert!(log.len() > 5000);
            std::fs::write(project.database(), vec![7; 20_000]).unwrap();
        }
    }
    project
}

fn copied(original: &Project) -> Project {
    let project = copy_of(original);
    std::fs::copy(original.path().join("copy.db"), project.path().join("copy.db")).unwrap();
    project
}

fn actions(call: &str, number: usize) -> Vec<&'static str> {
    chosen(number, if writes(call) { &["torn"] } else { &[] })
}

fn titles(project: &Project, when: &impl Fn() -> String) -> usize {
    sound(project, when).len()
}

#[test]
fn a_backup_is_whole_or_not_there_whatever_fails() {
    let Some(injector) = injector() else { return };
    let original = example(Before::Whole);
    const BACKUP: [&str; 2] = ["backup", "second.db"];
    let calls = injector.calls(&copied(&original), BACKUP);
    let mut there = 0;
    for (number, call) in calls.iter().enumerate() {
        for action in actions(call, number) {
            let project = copied(&original);
            let ending = injector.run(&project, &[&format!("*:{action}:{}", number + 1)], BACKUP);
            let when = || format!("{action} at {number}, {call}: {ending:?}");
            let file = project.path().join("second.db");
            if ending.signal == Some(SIGKILL) {
                // Nobody was told anything.
            } else {
                match ending.code() {
                    None | Some("COMMIT_UNKNOWN") => assert!(file.exists(), "{}", when()),
                    Some(_) => assert!(!file.exists(), "{}", when()),
                }
                let left: Vec<_> =
                    std::fs::read_dir(project.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
                assert!(
                    !left.iter().any(|name| name.to_string_lossy().contains(".tmp")),
                    "{left:?}: {}",
                    when()
                );
            }
            if file.exists() {
                there += 1;
                let elsewhere = crate::sandbox::empty();
                elsewhere.ok(["restore", file.to_str().unwrap()]);
                assert_eq!(titles(&elsewhere, &when), 1, "{}", when());
            }
            assert_eq!(titles(&project, &when), 1, "{}", when());
        }
    }
    assert!(there > 0, "{calls:#?}");
    say(&format!("backup met a fault at each of {} calls", calls.len()));
}

fn restore_sweep(injector: &Injector, before: Before, args: &[&str]) {
    let original = example(before);
    let calls = injector.calls(&copied(&original), args);
    let old = if before == Before::Ahead { 2 } else { 1 };
    let (mut refused, mut killed) = (0, 0);
    for (number, call) in calls.iter().enumerate() {
        for action in actions(call, number) {
            let project = copied(&original);
            let bytes = std::fs::read(project.database()).unwrap();
            let ending = injector.run(&project, &[&format!("*:{action}:{}", number + 1)], args);
            let when = || format!("{before:?}, {action} at {number}, {call}: {ending:?}");
            if ending.signal == Some(SIGKILL) {
                killed += 1;
                settled_after_a_kill(&project, before, old, &when);
            } else {
                match ending.code() {
                    None => assert_eq!(titles(&project, &when), 1, "{}", when()),
                    Some("COMMIT_UNKNOWN") => assert_eq!(titles(&project, &when), 1, "{}", when()),
                    Some(_) if before == Before::Damaged => {
                        refused += 1;
                        assert_eq!(std::fs::read(project.database()).unwrap(), bytes, "{}", when());
                        assert!(project.lattice().join("lattice.db-wal").exists(), "{}", when());
                    }
                    Some(_) => {
                        refused += 1;
                        assert_eq!(titles(&project, &when), old, "{}", when());
                    }
                }
            }
            // Whatever happened, calling again completes it.
            let again = project.run(["restore", "copy.db", "--force"]);
            assert_eq!((again.status, again.stderr.as_str()), (0, ""), "after {}: {again:?}", when());
            assert_eq!(titles(&project, &when), 1, "{}", when());
            let left: Vec<_> = names(&project).into_iter().filter(|name| name.contains(".tmp")).collect();
            assert!(left.is_empty(), "{left:?}: {}", when());
            if before == Before::Ahead {
                assert!(somewhere(&project, 2), "the second task is lost: {}", when());
            }
        }
    }
    assert!(refused > 5 && killed > 5, "{refused} refused, {killed} killed: {calls:#?}");
    say(&format!("restore over {before:?} was refused {refused} and killed {killed} times"));
}

/// The old tracker, the new one, or, of a damaged one, none: never a mixture.
fn settled_after_a_kill(project: &Project, before: Before, old: usize, when: &impl Fn() -> String) {
    let run = project.run(["list", "--quiet"]);
    match (before, run.status) {
        (Before::Damaged, 1) => assert!(run.stderr.contains("NOT_INITIALIZED"), "{run:?}: {}", when()),
        (Before::Damaged, 4) => assert!(run.stderr.contains("NOT_A_DATABASE"), "{run:?}: {}", when()),
        _ => {
            assert_eq!(run.status, 0, "{run:?}: {}", when());
            let found = titles(project, when);
            assert!(found == old || found == 1, "{found} tasks: {}", when());
        }
    }
}

/// Whether the tracker or a kept file holds so many tasks.
fn somewhere(project: &Project, tasks: i64) -> bool {
    let databases = names(project).into_iter().filter(|name| name.ends_with(".db"));
    databases.into_iter().any(|name| {
        let conn = Connection::open(project.lattice().join(name)).unwrap();
        conn.query_row("SELECT count(*) FROM tasks", [], |row| row.get::<_, i64>(0)).is_ok_and(|n| n == tasks)
    })
}

#[test]
fn restoring_over_a_whole_tracker_changes_all_or_nothing() {
    let Some(injector) = injector() else { return };
    restore_sweep(injector, Before::Whole, &["restore", "copy.db"]);
}

#[test]
fn restoring_over_a_tracker_that_holds_more_loses_nothing() {
    let Some(injector) = injector() else { return };
    restore_sweep(injector, Before::Ahead, &["restore", "copy.db", "--force"]);
}

#[test]
fn restoring_over_a_damaged_tracker_can_always_be_completed() {
    let Some(injector) = injector() else { return };
    restore_sweep(injector, Before::Damaged, &["restore", "copy.db"]);
}

#[test]
fn backup_and_restore_flush_every_file_before_its_name_and_the_folder_after() {
    let Some(injector) = injector() else { return };
    for before in [Before::Whole, Before::Ahead, Before::Damaged] {
        let project = example(before);
        if before != Before::Damaged {
            Flushes::of(&injector.calls(&project, ["backup", "second.db"])).all_done(INDEX);
        }
        let calls = injector.calls(&project, ["restore", "copy.db", "--force"]);
        // The old log is gone from beside the name, on disk, before the name is the new file's.
        let is_folder = |call: &String| call.starts_with("fsync ") && call.ends_with("/.lattice");
        let named = calls.iter().rposition(|call| call.starts_with("rename ")).unwrap();
        assert!(calls[..named].iter().any(is_folder) && calls[named..].iter().any(is_folder), "{calls:#?}");
        let log = Some("/.lattice/lattice.db-wal");
        Flushes::of(&calls).all_done(&INDEX.iter().copied().chain(log).collect::<Vec<_>>());
    }
}
