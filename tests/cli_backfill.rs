//! `lattice backfill-ids`: short ids for tasks that never had one.

mod support;

use serde_json::{Value, json};
use support::Project;

/// A tracker without a project code that holds these tasks, by their ids, oldest first.
fn without_code(titles: &[&str]) -> (Project, Vec<String>) {
    let project = Project::empty();
    project.ok(["init"]);
    let make = |title: &&str| project.json(["create", title])["id"].as_str().unwrap().to_owned();
    let ids = titles.iter().map(make).collect();
    (project, ids)
}

fn short_id(project: &Project, id: &str) -> Value {
    project.json(["show", id])["short_id"].clone()
}

#[test]
fn every_task_without_a_short_id_gets_one_archived_ones_too() {
    let (project, ids) = without_code(&["a", "b", "c"]);
    project.ok(["archive", &ids[1]]);
    let run = project.run(["backfill-ids", "--code", "lat", "--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = json!({"ok": true, "data": {"assigned": 3, "first": "LAT-1", "last": "LAT-3"}});
    assert_eq!((run.status, answer), (0, expected));
    for (id, name) in ids.iter().zip(["LAT-1", "LAT-2", "LAT-3"]) {
        assert_eq!(short_id(&project, id), name);
    }
    let last = project.json(["show", "LAT-2"])["events"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(
        (&last["type"], &last["data"]),
        (&json!("task_short_id_assigned"), &json!({"short_id": "LAT-2"}))
    );
    assert_eq!(last["actor"], "agent:lattice-migration");
    assert_eq!(project.task("d"), "LAT-4");
    let again = project.json(["backfill-ids"]);
    assert_eq!(again, json!({"assigned": 0, "message": "every task has a short id"}));
    assert_eq!(project.ok(["backfill-ids"]), "Every task has a short id\n");
    assert_eq!(project.ok(["backfill-ids", "--quiet"]), "");
    project.ok(["doctor"]);
}

#[test]
fn a_task_that_has_one_keeps_it() {
    let (project, ids) = without_code(&["a", "b"]);
    project.ok(["set-project-code", "OLD"]);
    assert_eq!(project.task("c"), "OLD-1");
    let (_, error) = project.refused(["backfill-ids", "--code", "NEW"]);
    assert_eq!(error["code"], "CONFLICT");
    assert_eq!(short_id(&project, &ids[0]), Value::Null);
    let said = project.ok(["backfill-ids", "--code", "NEW", "--force", "--actor", "human:ada"]);
    assert_eq!(said, "2 tasks got short ids: NEW-1 to NEW-2\n");
    assert_eq!(project.json(["show", "NEW-1"])["events"][1]["actor"], "human:ada");
    assert_eq!(project.json(["show", "OLD-1"])["title"], "c");
    assert_eq!(project.task("d"), "NEW-3");
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let (project, ids) = without_code(&["a"]);
    for (line, code) in [
        (vec![], "VALIDATION_ERROR"),
        (vec!["--code", "much too long"], "VALIDATION_ERROR"),
        (vec!["--code", ""], "VALIDATION_ERROR"),
        (vec!["--code", "LAT", "--actor", "nobody"], "INVALID_ACTOR"),
    ] {
        let (_, error) = project.refused([&["backfill-ids"], &line[..]].concat());
        assert_eq!(error["code"], code, "{line:?}");
    }
    assert_eq!(short_id(&project, &ids[0]), Value::Null);
    assert_eq!(project.json(["config", "list"]).get("project_code"), None);
    let said = project.ok(["backfill-ids", "--code", "LAT"]);
    assert_eq!(said, "1 task got a short id: LAT-1\n");
}

#[test]
fn many_at_once_give_every_task_one_number() {
    let (project, ids) = without_code(&["a", "b", "c", "d"]);
    let runs = project.at_once((0..8).map(|_| vec!["backfill-ids", "--code", "LAT"]));
    assert!(runs.iter().all(|run| run.status == 0), "{runs:?}");
    for (id, name) in ids.iter().zip(["LAT-1", "LAT-2", "LAT-3", "LAT-4"]) {
        assert_eq!(
            (short_id(&project, id), project.json(["show", id])["events"].as_array().unwrap().len()),
            (json!(name), 2)
        );
    }
}
