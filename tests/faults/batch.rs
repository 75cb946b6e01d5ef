//! A batch is one commit, flushed as one command is. What ends it early: see `sweep`.

use crate::injector::injector;
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
