//! A batch is one commit: flushed as one command is, and whole or absent whatever ends it.

use std::process::Command;

use crate::injector::{Ending, SIGKILL, injector};
use crate::sandbox::{copy_of, say, soak, sound, tracker};
use crate::support::Project;

fn with_lines(count: usize) -> Project {
    let project = tracker();
    let line =
        |n| format!("{{\"create\":{{\"title\":\"task {n}\",\"description\":\"{}\"}}}}\n", "x".repeat(200));
    project.file("lines", (0..count).map(line).collect::<String>());
    project
}

const BATCH: [&str; 4] = ["batch", "--file", "lines", "--quiet"];

/// A thousand calls flush two thousand times and more.
#[test]
fn a_thousand_creates_flush_as_often_as_a_few() {
    let Some(injector) = injector() else { return };
    let flushes = |count| {
        let project = with_lines(count);
        let calls = injector.calls(&project, BATCH);
        assert_eq!(project.ok(["list", "--quiet"]).lines().count(), count);
        calls.iter().filter(|call| call.contains("sync ")).count()
    };
    let (few, many) = (flushes(3), flushes(1000));
    // A long log is emptied at the end: the log, the database and the folder once more.
    assert!(few <= 3 && many <= few + 3, "{few} flushes for 3, {many} for 1000");
}

#[test]
fn a_batch_that_is_killed_or_fails_is_there_whole_or_not_at_all() {
    let Some(injector) = injector() else { return };
    const LINES: usize = 20;
    let original = with_lines(LINES);
    let fresh = || {
        let project = copy_of(&original);
        std::fs::copy(original.path().join("lines"), project.path().join("lines")).unwrap();
        project
    };
    let calls = injector.calls(&fresh(), BATCH);
    assert!(calls.len() > 30, "{calls:#?}");
    let (mut nothing, mut all) = (0, 0);
    for (number, call) in calls.iter().enumerate() {
        for action in ["kill", "torn", "EIO", "ENOSPC"] {
            let turn = (number % 4) == (action.len() % 4);
            if !(soak() || action == "kill" || turn) || (action == "torn" && !crate::injector::writes(call)) {
                continue;
            }
            let project = fresh();
            let ending = injector.run(&project, &[&format!("*:{action}:{}", number + 1)], BATCH);
            let when = || format!("{action} at {number}, {call}: {ending:?}");
            let count = sound(&project, &when).len();
            assert!(count == 0 || count == LINES, "{count} of {LINES}: {}", when());
            if ending.signal == Some(SIGKILL) {
                (nothing, all) = (nothing + usize::from(count == 0), all + usize::from(count > 0));
            } else {
                match ending.code() {
                    None => assert_eq!(count, LINES, "{}", when()),
                    Some("COMMIT_UNKNOWN") => {}
                    Some(_) => assert_eq!(count, 0, "{}", when()),
                }
            }
            project.task("next");
        }
    }
    assert!(nothing > 10 && all > 0, "{nothing} without, {all} with all");
    say(&format!("batch was killed {nothing} times before its commit and {all} times after it"));
}

/// The log was copied into the database at the end only: 4,000 lines made 300 MB of it.
#[test]
fn many_commits_of_one_process_leave_the_log_short() {
    let project = tracker();
    let lines: String = (0..150).map(|n| format!("{{\"create\":{{\"title\":\"{n}\"}}}}\n")).collect();
    project.file("lines", lines);
    let program = project.command(["list"]);
    let mut command = Command::new("sh");
    // No file may be longer than 2 MiB.
    command.args(["-c", "ulimit -f 4096; exec \"$@\"", "sh"]).arg(program.get_program());
    command.args(["batch", "--keep-going", "--quiet", "--file", "lines"]).current_dir(project.path());
    command.env("LATTICE_ACTOR", "agent:test");
    let ending = Ending::of(command);
    assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{ending:?}");
    assert_eq!(ending.stdout.lines().count(), 150);
}
