//! Writing commands on a failing disk: acknowledged is saved, refused is not, and the next command
//! works.

use serde_json::Value;

use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{copy_of, say, soak, sound, tracker};
use crate::support::{Project, Run};

const CREATE: [&str; 2] = ["create", "second"];

/// What `show` says of a task.
fn shown(project: &Project, task: &str) -> Option<Value> {
    let run = Run::of(project.command(["show", task, "--json"]).output().unwrap());
    let mut document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}"));
    if run.status != 0 {
        assert_eq!((run.status, document["error"]["code"].as_str()), (1, Some("NOT_FOUND")), "{run:?}");
        return None;
    }
    Some(document["data"].take())
}

fn events(project: &Project, task: &str) -> Vec<String> {
    let task = shown(project, task).unwrap();
    let events = task["events"].as_array().unwrap_or_else(|| panic!("{task}"));
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// A tracker with one task. `long`: whose write-ahead log is long and was never brought into the
/// database, because the process that should have done so was killed. So the next command does it.
fn original(injector: &Injector, long: bool) -> Project {
    let project = tracker();
    project.task("first");
    if long {
        let text = "x".repeat(60_000);
        let big = ["comment", "LAT-1", &text];
        // The first write to the database itself, behind the commit, is the checkpoint's.
        let checkpoint = || {
            let calls = injector.calls(&copy_of(&project), big);
            calls.iter().position(|call| call.ends_with("/lattice.db"))
        };
        let place = loop {
            match checkpoint() {
                Some(place) => break place + 1,
                None => drop(project.ok(big)),
            }
        };
        let ending = injector.run(&project, &[&format!("*:kill:{place}")], big);
        assert_eq!(ending.signal, Some(SIGKILL), "{ending:?}");
        let log = project.lattice().join("lattice.db-wal").metadata().unwrap().len();
        assert!(log > 500_000, "{log}");
    }
    project
}

/// Tries one fault on a copy. Returns whether the command failed or was killed.
fn tried(injector: &Injector, original: &Project, fault: &str) -> bool {
    let project = copy_of(original);
    let ending = injector.run(&project, &[fault], CREATE);
    let when = || format!("{fault}: {ending:?}");
    assert!(!ending.fired.is_empty(), "nothing happened: {}", when());
    let there = shown(&project, "LAT-2").is_some();
    if fault.contains("kill") || fault.contains("torn") {
        assert_eq!(ending.signal, Some(SIGKILL), "{}", when());
    } else {
        match ending.code() {
            None => assert!(there, "acknowledged and lost: {}", when()),
            Some("COMMIT_UNKNOWN") => {}
            Some(_) => assert!(!there, "refused and saved: {}", when()),
        }
    }
    let next = Ending::of(project.command(["create", "next", "--actor", "agent:a", "--quiet"]));
    assert_eq!((next.status, next.stderr.as_str()), (Some(0), ""), "after {}: {next:?}", when());
    assert_eq!(sound(&project, &when).len(), 2 + usize::from(there), "{}", when());
    ending.status != Some(0)
}

fn faults_of(call: &str, place: usize) -> Vec<String> {
    let mut actions = vec!["kill", "EIO", "ENOSPC"];
    if writes(call) {
        actions.extend(["short", "torn", "EINTR"]);
    }
    if soak() {
        actions.extend(["EDQUOT", "EROFS", "EACCES"]);
    }
    let mut faults: Vec<_> = actions.iter().map(|action| format!("*:{action}:{place}")).collect();
    if soak() {
        let name = call.split(' ').next().unwrap();
        faults.extend(["EIO", "ENOSPC", "EDQUOT"].map(|action| format!("*:{action}:{place}+")));
        faults.push(format!("{name}:EIO:1+"));
    }
    faults
}

/// Emptying the log comes after the commit: no failure in it is one of the command. Of its many
/// writes some fail, in a soak all.
#[test]
fn emptying_a_long_log_may_fail_anywhere() {
    let Some(injector) = injector() else { return };
    let original = original(injector, true);
    let calls = injector.calls(&copy_of(&original), CREATE);
    let checkpoint = calls.iter().position(|call| call.ends_with("/lattice.db")).unwrap();
    let (mut fired, mut failed) = (0, 0);
    for (number, call) in calls.iter().enumerate().skip(if soak() { 0 } else { checkpoint }) {
        for (turn, fault) in faults_of(call, number + 1).iter().enumerate() {
            let in_turn = number % 7 == 0 && turn == number % 6;
            if soak() || !writes(call) || in_turn {
                fired += 1;
                failed += usize::from(tried(injector, &original, fault));
            }
        }
    }
    assert!(fired > 20 && failed > 2, "{failed} of {fired}");
    say(&format!("create emptied a long log, met {fired} faults and ended early {failed} times"));
}

#[test]
fn a_commit_whose_flush_fails_may_or_may_not_be_saved_and_says_so() {
    let Some(injector) = injector() else { return };
    let original = original(injector, false);
    for error in ["EIO", "ENOSPC", "EDQUOT"] {
        let project = copy_of(&original);
        let ending = injector.run(&project, &[&format!("fsync:{error}:1+:lattice.db-wal")], CREATE);
        // That of the commit, and that of the log written once more.
        assert_eq!(ending.fired.len(), 2, "{ending:?}");
        assert_eq!((ending.status, ending.code()), (Some(4), Some("COMMIT_UNKNOWN")), "{ending:?}");
        assert!(ending.stderr.contains("may or may not be there"), "{ending:?}");
        assert!(ending.stderr.contains("lattice show"), "says how to look: {ending:?}");
    }
}

/// An agent that was killed, or lost its answer, repeats the call with the id that it chose.
#[test]
fn creating_under_a_chosen_id_can_be_repeated_after_a_kill_anywhere() {
    const ID: &str = "task_01J00000000000000000000000";
    const CREATE_IT: [&str; 4] = ["create", "second", "--id", ID];
    let Some(injector) = injector() else { return };
    let original = original(injector, false);
    let calls = injector.calls(&copy_of(&original), CREATE_IT);
    let mut there = 0;
    for place in 1..=calls.len() {
        let project = copy_of(&original);
        let ending = injector.run(&project, &[&format!("*:kill:{place}")], CREATE_IT);
        assert_eq!((ending.signal, ending.fired.len()), (Some(SIGKILL), 1), "{ending:?}");
        let after = shown(&project, ID);
        there += usize::from(after.is_some());
        for _ in 0..2 {
            let task = project.json(CREATE_IT);
            assert_eq!(
                (task["id"].as_str(), task["short_id"].as_str()),
                (Some(ID), Some("LAT-2")),
                "{place}"
            );
        }
        let tasks = sound(&project, &|| format!("killed at {place}, {}", calls[place - 1]));
        assert_eq!(tasks.len(), 2, "killed at {place}, {}", calls[place - 1]);
        assert_eq!(events(&project, ID), ["task_created"]);
    }
    say(&format!("create --id was killed {} times, {there} times after it was saved", calls.len()));
}

/// As after a power failure: what is left of the last command's log is torn.
#[test]
fn a_log_that_ends_in_half_a_write_gives_what_was_committed() {
    let Some(injector) = injector() else { return };
    let original = original(injector, false);
    let log = |project: &Project| project.lattice().join("lattice.db-wal");
    let bytes = std::fs::read(log(&original)).unwrap();
    assert!(bytes.len() > 8000, "{}", bytes.len());
    let steps = if soak() { 97 } else { 1999 };
    for length in (0..bytes.len()).step_by(steps) {
        let project = copy_of(&original);
        std::fs::write(log(&project), &bytes[..length]).unwrap();
        let tasks = sound(&project, &|| format!("{length} of {} bytes", bytes.len()));
        assert_eq!(tasks.len(), 0, "{length}");
        project.task("after");
    }
}
