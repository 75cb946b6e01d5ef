//! `session`, and who writes under its name.
#![allow(clippy::disallowed_methods, reason = "half a file in a test's folder harms nobody")]

mod support;

use serde_json::{Value, json};
use support::{Project, Run};

fn start(project: &Project, base: &str) -> String {
    let line = ["session", "start", "--model", "m", "--framework", "f", "--name", base, "--quiet"];
    project.ok(line).trim().to_owned()
}

fn last_active(project: &Project, name: &str) -> Value {
    project.json(["session", "show", name])["last_active"].clone()
}

/// Puts a session's last activity into the past.
fn age(project: &Project, name: &str) {
    let file = rusqlite::Connection::open(project.database()).unwrap();
    let sql = "UPDATE sessions SET state = json_set(state, '$.last_active', 'long ago') WHERE name = ?1";
    assert_eq!(file.execute(sql, [name]).unwrap(), 1);
}

#[test]
fn a_session_has_a_life() {
    let project = Project::new();
    let line = ["session", "start", "--model", "m", "--framework", "f", "--agent-type", "reviewer"];
    assert_eq!(project.ok(line), "Session Reviewer-1 begins\nwrite under it with --name Reviewer-1\n");
    assert_eq!(project.ok(["session", "start", "--model", "human", "--name", "Ada", "--quiet"]), "Ada-1\n");
    assert_eq!(project.ok(["session", "list", "--quiet"]), "Ada-1\nReviewer-1\n");
    let shown = project.ok(["session", "show", "Reviewer-1"]);
    assert!(shown.starts_with("Reviewer-1\n  Status: active\n  Model: m\n  Framework: f\n"), "{shown}");
    assert_eq!(project.ok(["session", "end", "Ada-1", "--reason", "lunch"]), "Session Ada-1 is ended\n");
    assert_eq!(project.ok(["session", "list", "--quiet"]), "Reviewer-1\n");
    assert_eq!(project.ok(["session", "list", "--all", "--quiet"]), "Ada-1\nReviewer-1\n");
    let ended = project.json(["session", "show", "Ada-1"]);
    assert_eq!((&ended["status"], &ended["end_reason"]), (&json!("ended"), &json!("lunch")));
    for line in [["session", "end", "Ada-1"], ["session", "end", "Nobody-1"], ["session", "show", "Nobody-1"]]
    {
        let (status, error) = project.refused(line);
        assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")), "{line:?}");
    }
    assert_eq!(project.json(["session", "show", "Ada-1"]), ended);
    let (_, error) = project.refused(["session", "end", "Ada-1"]);
    assert_eq!(error["hint"], "see `lattice session list --all`");
    // A name is never given out twice.
    assert_eq!(start(&project, "Ada"), "Ada-2");
}

#[test]
fn a_session_that_makes_no_sense_is_refused() {
    let project = Project::new();
    for (line, code) in [
        (vec!["--framework", "f"], "USAGE"),
        (vec!["--model", "m"], "VALIDATION_ERROR"),
        (vec!["--model", " ", "--framework", "f"], "VALIDATION_ERROR"),
        (vec!["--model", "m", "--framework", ""], "VALIDATION_ERROR"),
        (vec!["--model", "human", "--name", "a b"], "VALIDATION_ERROR"),
        (vec!["--model", "human", "--name", "../a"], "VALIDATION_ERROR"),
        (vec!["--model", "human", "--name", "Argus-3"], "VALIDATION_ERROR"),
        (vec!["--model", "human", "--name", "agent:a"], "VALIDATION_ERROR"),
        (vec!["--model", "human", "--name", ""], "VALIDATION_ERROR"),
    ] {
        let (_, error) = project.refused(["session", "start"].into_iter().chain(line.iter().copied()));
        assert_eq!(error["code"], code, "{line:?}");
    }
    assert_eq!(project.json(["session", "list", "--all"])["count"], 0);
}

#[test]
fn sessions_that_begin_at_once_get_names_of_their_own() {
    let project = Project::new();
    let line = ["session", "start", "--model", "m", "--framework", "f", "--name", "Argus", "--quiet"];
    let runs = project.at_once((0..12).map(|_| line.to_vec()));
    let mut serials: Vec<u32> =
        runs.iter().map(|run| run.stdout.trim().strip_prefix("Argus-").unwrap().parse().unwrap()).collect();
    serials.sort_unstable();
    assert_eq!(serials, (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_write_moves_the_last_activity_and_a_read_does_not() {
    let project = Project::new();
    let (task, name) = (project.task("A title"), start(&project, "Argus"));
    age(&project, &name);
    project.ok(["next", "--name", &name]);
    project.ok(["ready", "--name", &name]);
    project.ok(["session", "show", &name]);
    project.tried(["comment", &task, "", "--name", &name]);
    project.ok(["update", &task, "title=A title", "--name", &name]);
    assert_eq!(last_active(&project, &name), "long ago");
    project.ok(["comment", &task, "hello", "--name", &name]);
    assert_ne!(last_active(&project, &name), "long ago");
    age(&project, &name);
    project.planned("Another");
    project.ok(["next", "--claim", "--name", &name]);
    assert_ne!(last_active(&project, &name), "long ago");
}

#[test]
fn only_a_session_that_goes_on_can_write_and_be_given_work() {
    let project = Project::new();
    let (task, name) = (project.task("A title"), start(&project, "Argus"));
    let code = |line: &[&str]| project.refused(line.iter().copied()).1["code"].clone();
    assert_eq!(code(&["comment", &task, "x", "--name", "Nobody-1"]), "SESSION_NOT_FOUND");
    assert_eq!(code(&["assign", &task, "Nobody-1"]), "INVALID_ACTOR");
    let (_, error) = project.refused(["comment", &task, "x", "--actor", &name]);
    assert_eq!(error["code"], "INVALID_ACTOR");
    assert!(error["hint"].as_str().unwrap().contains("--name Argus-1"), "{error}");
    project.ok(["session", "end", &name]);
    assert_eq!(code(&["comment", &task, "x", "--name", &name]), "SESSION_NOT_FOUND");
    assert_eq!(code(&["assign", &task, &name]), "INVALID_ACTOR");
    assert_eq!(code(&["next", "--name", &name]), "SESSION_NOT_FOUND");
    assert_eq!(project.json(["show", &task])["events"].as_array().unwrap().len(), 1);
}

/// Wherever a session acts, people read its name and programs its record.
#[test]
fn a_session_is_shown_by_its_name_everywhere() {
    let project = Project::new();
    let name = start(&project, "Argus");
    let other = start(&project, "Bela");
    let task = project.planned("A title");
    let as_argus = |line: &[&str]| project.ok(line.iter().copied().chain(["--name", &name]));
    let claimed = as_argus(&["next", "--claim"]);
    assert!(claimed.ends_with("assigned to Argus-1\n"), "{claimed}");
    assert!(as_argus(&["next", "--claim"]).starts_with("Go on with LAT-1"));
    as_argus(&["comment", &task, "first"]);
    let comment = project.say(&["comment", &task, "hello", "--name", &name]);
    as_argus(&["comment-edit", &task, &comment, "hello again"]);
    as_argus(&["react", &task, &comment, "ok"]);
    as_argus(&["event", &task, "x_handed", "--data", r#"{"to": {"name": "Argus-1", "session": "sess_x"}}"#]);
    let two = as_argus(&["create", "Two", "--assigned-to", &other, "--quiet"]).trim().to_owned();
    as_argus(&["link", &task, "related_to", &two]);
    as_argus(&["resource", "create", "db"]);
    as_argus(&["resource", "acquire", "db"]);
    as_argus(&["resource", "heartbeat", "db"]);
    as_argus(&["status", &task, "planned", "--force", "--reason", "back"]);
    assert_eq!(project.ok(["assign", &task, &other]), "LAT-1 is assigned to Bela-1\n");
    assert_eq!(project.ok(["assign", &task, &other]), "The task is assigned so already.\n");
    project.ok(["assign", &task, &name]);
    assert_eq!(project.ok(["list", "--assigned", &name, "--quiet"]), "LAT-1\n");
    assert_eq!(project.ok(["ready", "--name", &other, "--quiet"]), format!("{two}\n"));
    let all = "name,assigned_to,created_by,relationships_out,needs_human";
    for line in [
        vec!["show", &task],
        vec!["comments", &task],
        vec!["events"],
        vec!["list"],
        vec!["list", "--fields", all],
        vec!["list", "--fields", all, "--format", "csv"],
        vec!["ready", "--name", &name],
        vec!["plan", &task],
        vec!["resource", "list"],
        vec!["resource", "status", "db"],
        vec!["session", "list"],
        vec!["sql", "SELECT actor FROM events"],
        vec!["sql", "SELECT assigned_to, created_by FROM tasks"],
        vec!["sql", "SELECT author FROM comments"],
        vec!["sql", "SELECT actor FROM reactions"],
        vec!["sql", "SELECT created_by FROM relationships"],
        vec!["sql", "SELECT actor FROM activity"],
    ] {
        let text = project.ok(line.iter());
        assert!(!text.contains("base_name") && !text.contains("sess_"), "{line:?}: {text}");
        assert!(text.contains("Argus-1"), "{line:?}: {text}");
    }
    let shown = project.json(["show", &task]);
    let record = &shown["assigned_to"];
    assert_eq!(
        (&record["name"], &record["base_name"], &record["serial"]),
        (&json!("Argus-1"), &json!("Argus"), &json!(1))
    );
    assert_eq!((&record["model"], &record["framework"]), (&json!("m"), &json!("f")));
    assert_eq!(project.json(["doctor"])["summary"]["errors"], 0);
}

/// Names come in with events, with the sessions of the predecessor's tree, and with its counters.
#[test]
fn a_clone_does_not_give_out_names_that_came_in() {
    let (here, there) = (Project::new(), Project::empty());
    for _ in 0..3 {
        start(&here, "Argus");
    }
    let task = here.task("A title");
    here.ok(["comment", &task, "hello", "--name", "Argus-2"]);
    here.ok(["assign", &task, "Argus-3"]);
    here.ok(["export", "--to", "out"]);
    let out = here.path().join("out");
    std::fs::create_dir_all(out.join("sessions/archive")).unwrap();
    std::fs::write(out.join("sessions/Ada-4.json"), r#"{"name": "Ada-4", "base_name": "Ada", "serial": 4}"#)
        .unwrap();
    std::fs::write(
        out.join("sessions/archive/Bo-9_sess_x.json"),
        r#"{"name": "Bo-9", "ended_at": "2026-01-01T00:00:00Z"}"#,
    )
    .unwrap();
    std::fs::write(out.join("sessions/index.json"), r#"{"serial_counters": {"Cy": 7, "Dee": "x"}}"#).unwrap();
    std::fs::rename(&out, there.lattice()).unwrap();
    there.ok(["init"]);
    for (base, name) in
        [("Argus", "Argus-4"), ("Ada", "Ada-5"), ("Bo", "Bo-10"), ("Cy", "Cy-8"), ("Dee", "Dee-1")]
    {
        assert_eq!(start(&there, base), name);
    }
    // Names that come in later count as well.
    here.ok(["comment", &task, "hi", "--name", &start(&here, "Eve")]);
    start(&here, "Argus");
    here.ok(["comment", &task, "hi", "--name", &start(&here, "Argus")]);
    here.ok(["export", "--to", "out"]);
    there.ok(["import", out.to_str().unwrap()]);
    assert_eq!(start(&there, "Argus"), "Argus-6");
    assert_eq!(start(&there, "Eve"), "Eve-2");
    there.ok(["rebuild", "--all"]);
    assert_eq!(start(&there, "Eve"), "Eve-3");
}

#[test]
fn text_in_a_record_cannot_reach_the_terminal() {
    let project = Project::new();
    let line = ["session", "start", "--model", "\u{1b}[2Jm", "--framework", "f\nx", "--prompt", "\u{7}"];
    let run: Run = project.tried(line);
    assert_eq!(run.status, 0, "{run:?}");
    for line in [vec!["session", "list"], vec!["session", "show", run.stdout.split(' ').nth(1).unwrap()]] {
        let text = project.ok(line);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
}
