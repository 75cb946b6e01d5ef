//! `archive` and `unarchive`: one task, several, and what archived tasks refuse.

mod support;

use serde_json::{Value, json};
use support::Project;

#[test]
fn one_task_answers_with_its_event() {
    let project = Project::new();
    let task = project.task("A title");
    let id = project.json(["update", &task, "urgency=low"])["id"].as_str().unwrap().to_owned();
    let event = project.json(["archive", &task]);
    assert_eq!((&event["type"], &event["task_id"]), (&json!("task_archived"), &json!(id)));
    let (status, error) = project.refused(["archive", &task]);
    assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")));
    assert_eq!(project.ok(["unarchive", &task]), "Unarchived LAT-1\n");
    let (status, error) = project.refused(["unarchive", &task]);
    assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")));
    assert_eq!(project.ok(["archive", &task, "--quiet"]), format!("{id}\n"));
    assert_eq!(project.ok(["unarchive", &task, "--quiet"]), format!("{id}\n"));
    assert_eq!(project.ok(["archive", &task]), "Archived LAT-1\n");
    let (status, error) = project.refused(["archive", "LAT-9"]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    let (status, error) = project.refused(["archive"]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")));
}

#[test]
fn several_tasks_are_reported_one_by_one() {
    let project = Project::new();
    for title in ["a", "b", "c", "d"] {
        project.task(title);
    }
    let run = project.tried(["archive", "LAT-1,lat-2", "LAT-9", ",LAT-3,", "--json"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["data"]["archived"], json!(["LAT-1", "lat-2", "LAT-3"]));
    assert_eq!(
        report["data"]["failed"],
        json!([{"id": "LAT-9", "code": "NOT_FOUND", "error": "there is no task LAT-9"}])
    );

    let run = project.tried(["unarchive", "LAT-1", "LAT-4", "LAT-2"]);
    assert_eq!(run.status, 1);
    assert_eq!(run.stdout, "Unarchived LAT-1, LAT-2\n");
    assert!(run.stderr.starts_with("Error: LAT-4 is not archived [CONFLICT]\n"), "{}", run.stderr);

    let report = project.json(["archive", "LAT-1", "LAT-2"]);
    assert_eq!(report, json!({"archived": ["LAT-1", "LAT-2"], "failed": []}));
    let ids = project.ok(["unarchive", "LAT-1", "LAT-2", "--quiet"]);
    assert!(ids.lines().count() == 2 && ids.lines().all(|id| id.starts_with("task_")), "{ids}");
}

#[test]
fn who_is_nobody_archives_nothing() {
    let project = Project::new();
    let (a, b) = (project.task("a"), project.task("b"));
    let run = project.run(["archive", &a, &b, "--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &answer["error"]["code"]), (1, &json!("MISSING_ACTOR")));
    project.ok(["archive", &a, &b]);
}

#[test]
fn nothing_is_stale_on_the_day_it_was_done() {
    let project = Project::new();
    project.ok(["create", "Done today", "--status", "done"]);
    assert_eq!(project.json(["archive", "--stale"]), json!({"archived": [], "failed": []}));
    assert_eq!(project.ok(["archive", "--stale"]), "No task was archived.\n");
    assert_eq!(project.ok(["archive", "--stale", "--quiet"]), "");
    assert_eq!(project.ok(["archive", "--stale", "LAT-1"]), "Archived LAT-1\n");
}

#[test]
fn an_archived_task_is_read_and_not_changed() {
    let project = Project::new();
    let task = project.task("A title");
    let other = project.task("Other");
    let comment = project.say(&["comment", &task, "said"]);
    project.fed(["notes", &task, "--file", "-"], b"noted\n");
    project.ok(["archive", &task]);
    project.file("text", "text");
    for line in [
        vec!["update", &task, "urgency=low"],
        vec!["status", &task, "planned"],
        vec!["assign", &task, "agent:x"],
        vec!["comment", &task, "more"],
        vec!["comment-edit", &task, &comment, "else"],
        vec!["comment-delete", &task, &comment],
        vec!["react", &task, &comment, "eyes"],
        vec!["unreact", &task, &comment, "eyes"],
        vec!["link", &task, "blocks", &other],
        vec!["unlink", &task, "blocks", &other],
        vec!["complete", &task, "--review", "fine"],
        vec!["event", &task, "x_a"],
        vec!["plan", &task, "--file", "text"],
        vec!["notes", &task, "--file", "text"],
    ] {
        let (status, error) = project.refused(&line);
        assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")), "{line:?}");
        assert!(error["hint"].as_str().unwrap().contains("lattice unarchive LAT-1"), "{error}");
    }
    assert!(project.ok(["comments", &task]).contains("said"));
    let notes = project.json(["notes", &task]);
    assert_eq!((&notes["archived"], &notes["content"]), (&json!(true), &json!("noted\n")));
    assert!(notes["notes_path"].as_str().unwrap().contains("/archive/notes/task_"));
    let plan = project.json(["plan", &task]);
    assert_eq!((&plan["archived"], &plan["content"]), (&json!(true), &json!("# LAT-1: A title\n")));
}
