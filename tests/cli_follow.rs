//! `events --follow`: what comes is printed as it comes, and whoever follows is in nobody's way.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use support::Project;

struct Follower {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    fn start(project: &Project, more: &[&str]) -> Self {
        let mut command = project.command([&["events", "--follow", "--format", "jsonl"], more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Type and task's title or comment of the next event; waits for it.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the follower ended: {}", self.said());
        serde_json::from_str(&line).unwrap()
    }

    fn said(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// The exit status, which has to come by itself.
    fn ends(&mut self) -> i32 {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the follower goes on");
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The place behind all that is there.
fn end(project: &Project) -> String {
    let all = project.ok(["events", "--json"]);
    let last: Value = serde_json::from_str(all.lines().last().unwrap()).unwrap();
    last["cursor"].as_str().unwrap().to_owned()
}

#[test]
fn events_are_printed_as_they_come_from_the_cursor_on() {
    let project = Project::new();
    project.task("Before");
    let mut follower = Follower::start(&project, &["--since", &end(&project)]);
    project.task("First");
    assert_eq!(follower.next()["event"]["data"]["title"], "First");
    project.task("Second");
    let second = follower.next();
    assert_eq!(second["event"]["data"]["title"], "Second");
    assert_eq!(second["cursor"], end(&project));
}

#[test]
fn filters_and_the_limit_hold_for_what_comes_too() {
    let project = Project::new();
    let (one, two) = (project.task("One"), project.task("Two"));
    let filters = ["--task", &one, "--type", "comment_added", "--limit", "2"];
    let mut follower = Follower::start(&project, &filters);
    project.say(&["comment", &two, "elsewhere"]);
    project.say(&["comment", &one, "here"]);
    project.ok(["status", &one, "planned"]);
    assert_eq!(follower.next()["event"]["data"]["body"], "here");
    project.say(&["comment", &one, "again"]);
    assert_eq!(follower.next()["event"]["data"]["body"], "again");
    assert_eq!(follower.ends(), 0);
    assert_eq!(follower.said(), "");
}

#[test]
fn a_reader_that_goes_away_ends_it_though_nothing_happens() {
    let project = Project::new();
    let mut follower = Follower::start(&project, &[]);
    follower.next();
    let Follower { child, lines } = &mut follower;
    // Closes this end of the pipe.
    drop(std::mem::replace(lines, BufReader::new(replacement(child))));
    assert_eq!(follower.ends(), 0);
    assert_eq!(follower.said(), "");
}

/// The standard output of something else, to stand in the place of one that is closed.
fn replacement(_: &Child) -> ChildStdout {
    let mut other = std::process::Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    let out = other.stdout.take().unwrap();
    other.wait().unwrap();
    out
}

#[test]
fn it_holds_nothing_and_survives_what_others_do_to_the_file() {
    let project = Project::new();
    let mut follower = Follower::start(&project, &["--since", &end(&project)]);
    project.task("First");
    follower.next();
    let conn = Connection::open(project.database()).unwrap();
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0, "the log could be emptied");
    conn.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE); BEGIN EXCLUSIVE; COMMIT").unwrap();
    drop(conn);
    project.task("Second");
    assert_eq!(follower.next()["event"]["data"]["title"], "Second");
}

#[test]
fn another_file_in_its_place_ends_it_with_a_code() {
    let (project, other) = (Project::new(), Project::new());
    let mut follower = Follower::start(&project, &["--since", &end(&project)]);
    project.task("First");
    follower.next();
    std::fs::rename(other.database(), project.database()).unwrap();
    assert_eq!(follower.ends(), 1);
    let said = follower.said();
    assert!(said.contains("[CURSOR_EXPIRED]"), "{said}");
}

#[test]
fn another_tracker_written_into_the_same_file_ends_it_too() {
    let project = Project::new();
    let mut follower = Follower::start(&project, &["--since", &end(&project)]);
    project.task("First");
    follower.next();
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch("UPDATE meta SET value = 'another' WHERE key = 'epoch'").unwrap();
    assert_eq!(follower.ends(), 1);
    assert!(follower.said().contains("[CURSOR_EXPIRED]"));
}
