//! Many processes at once on one task: nothing is lost, no rule is passed twice.

mod support;

use serde_json::{Value, json};
use support::Project;

#[test]
fn no_comment_of_many_at_once_is_lost() {
    const PROCESSES: usize = 24;
    let project = Project::new();
    let task = project.task("A title");
    let texts: Vec<String> = (0..PROCESSES).map(|n| format!("comment {n}")).collect();
    let runs = project.at_once(texts.iter().map(|text| vec!["comment", &task, text, "--quiet"]));
    assert!(runs.iter().all(|run| (run.status, run.stdout.as_str()) == (0, "ok\n")), "{runs:?}");
    let comments = project.json(["comments", &task]);
    let mut bodies: Vec<&str> =
        comments.as_array().unwrap().iter().map(|c| c["body"].as_str().unwrap()).collect();
    bodies.sort_unstable();
    let mut expected: Vec<&str> = texts.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(bodies, expected);
    assert_eq!(project.json(["update", &task, "urgency=low"])["comment_count"], PROCESSES);
}

#[test]
fn of_two_moves_from_one_status_one_is_refused() {
    let project = Project::new();
    for round in 0..20 {
        let task = project.task(&format!("round {round}"));
        project.ok(["status", &task, "planned"]);
        project.ok(["status", &task, "review"]);
        // From review both are allowed; from either of them the other is not.
        let runs = project.at_once([
            vec!["status", &task, "done", "--json"],
            vec!["status", &task, "in_planning", "--json"],
        ]);
        let mut ends: Vec<(i32, String)> = runs
            .iter()
            .map(|run| {
                let answer: Value = serde_json::from_str(&run.stdout).unwrap();
                (run.status, answer["error"]["code"].as_str().unwrap_or("done").to_owned())
            })
            .collect();
        ends.sort_unstable();
        assert_eq!(ends, [(0, "done".to_owned()), (1, "INVALID_TRANSITION".to_owned())], "round {round}");
    }
}

#[test]
fn a_create_that_is_sent_many_times_makes_one_task() {
    let project = Project::new();
    let line = ["create", "Once", "--id", "task_01ARZ3NDEKTSV4RRFFQ69G5FAV", "--quiet"];
    let runs = project.at_once((0..8).map(|_| line.to_vec()));
    assert!(runs.iter().all(|run| (run.status, run.stdout.as_str()) == (0, "LAT-1\n")), "{runs:?}");
    assert_eq!(project.task("Next"), "LAT-2");
}

#[test]
fn an_event_that_is_sent_many_times_is_recorded_once() {
    let project = Project::new();
    let task = project.task("A title");
    let id = "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let line = vec!["event", &task, "x_deployed", "--data", r#"{"n":1}"#, "--id", id, "--json"];
    let runs = project.at_once((0..8).map(|_| line.clone()));
    let answers: Vec<Value> = runs.iter().map(|run| serde_json::from_str(&run.stdout).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer["data"] == answers[0]["data"]), "{answers:?}");
    assert_eq!(answers[0]["data"]["id"], json!(id));
}

#[test]
fn new_tasks_at_once_get_numbers_of_their_own() {
    let project = Project::new();
    let runs = project
        .at_once((0..16).map(|n| vec!["create".to_owned(), format!("task {n}"), "--quiet".to_owned()]));
    let mut names: Vec<usize> =
        runs.iter().map(|run| run.stdout.trim().strip_prefix("LAT-").unwrap().parse().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, (1..=16).collect::<Vec<_>>());
}

/// The kernel alone gives a lock to whoever asks next, while the one it woke is still waking.
#[cfg(target_os = "linux")]
#[test]
fn who_comes_while_somebody_waits_takes_no_lock_that_is_free() {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::MetadataExt;

    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    let project = Project::new();
    project.ok(["create", "A title"]);
    let lock = OpenOptions::new().read(true).write(true).open(project.lattice().join("lock")).unwrap();
    // Somebody who came a moment ago, and waits: nobody has the lock itself.
    let first = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 1,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&lock, FcntlArg::F_OFD_SETLK(&first)).unwrap();
    let mut command = project.command(["comment", "LAT-1", "Seen", "--quiet"]);
    let mut child = command.env("LATTICE_ACTOR", "agent:test").spawn().unwrap();
    let waits =
        |line: &str| line.contains("->") && line.contains(&format!(":{} ", lock.metadata().unwrap().ino()));
    while !fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
        assert_eq!(child.try_wait().unwrap(), None, "it did not wait");
        std::thread::yield_now();
    }
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert_eq!(project.json(["show", "LAT-1"])["comment_count"], 1);
}
