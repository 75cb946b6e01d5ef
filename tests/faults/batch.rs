//! A batch is one commit, flushed as one command is. What ends it early: see `sweep`.

use std::process::Command;

use crate::injector::{Ending, injector};
use crate::sandbox::tracker;
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
