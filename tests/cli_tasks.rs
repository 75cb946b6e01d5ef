//! Commands that change tasks: what they print, what they refuse, how they end.

mod support;

use serde_json::json;
use support::Project;

#[test]
fn update_changes_fields_and_says_which() {
    let project = Project::new();
    let task = project.task("A title");
    let said =
        project.ok(["update", &task, "priority=high", "title=New", "custom_fields.area=web", "tags=a, b"]);
    assert_eq!(said, "Updated LAT-1: priority, title, custom_fields.area, tags\n");
    let data = project.json(["update", &task, "urgency=low"]);
    assert_eq!(data["priority"], "high");
    assert_eq!(data["title"], "New");
    assert_eq!(data["custom_fields"], json!({"area": "web"}));
    assert_eq!(data["tags"], json!(["a", "b"]));
    assert_eq!(project.ok(["update", &task, "urgency=high", "--quiet"]), "ok\n");
}

#[test]
fn update_without_a_difference_is_no_change() {
    let project = Project::new();
    let task = project.task("A title");
    assert_eq!(project.json(["update", &task, "title=A title"]), json!({"message": "No changes"}));
    assert_eq!(project.ok(["update", &task, "title=A title"]), "No changes\n");
    assert_eq!(project.ok(["update", &task, "title=A title", "--quiet"]), "ok\n");
}

#[test]
fn update_with_no_value_clears_an_optional_field() {
    let project = Project::new();
    let task = project.task("A title");
    project.ok(["update", &task, "description=words = more words", "tags=x", "custom_fields.k=v"]);
    let before = project.json(["update", &task, "complexity=low"]);
    assert_eq!(before["description"], "words = more words");
    let after = project.json(["update", &task, "description=", "tags=", "custom_fields.k=", "complexity="]);
    assert_eq!(after["description"], json!(null));
    assert_eq!(after["tags"], json!(null));
    assert_eq!(after["complexity"], json!(null));
    assert_eq!(after["custom_fields"], json!({}));
}

#[test]
fn update_refuses_what_it_cannot_set() {
    let project = Project::new();
    let task = project.task("A title");
    for (change, word) in [
        ("status=done", "lattice status"),
        ("assigned_to=agent:x", "lattice assign"),
        ("colour=red", "custom_fields.<key>"),
        ("priority=huge", "critical, high, medium, low"),
        ("type=epic", "task, bug, spike, chore"),
        ("title=  ", "give it some text"),
        ("priority", "FIELD"),
    ] {
        let (status, error) = project.refused(["update", &task, change]);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{change}");
        assert!(error.to_string().contains(word), "{change}: {error}");
    }
    let (status, error) = project.refused(["update", &task]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")));
    // A refusal of one field keeps the others from being set.
    project.refused(["update", &task, "title=Half", "priority=huge"]);
    assert_eq!(project.json(["update", &task, "urgency=low"])["title"], "A title");
}

#[test]
fn assign_gives_and_takes() {
    let project = Project::new();
    let task = project.task("A title");
    assert_eq!(project.ok(["assign", &task, "agent:bob"]), "LAT-1 is assigned to agent:bob\n");
    let again = project.json(["assign", &task, "agent:bob"]);
    assert!(again["message"].is_string(), "{again}");
    for word in ["none", "UNASSIGNED", "-"] {
        assert_eq!(project.ok(["assign", &task, word]), "LAT-1 is assigned to nobody\n");
        assert_eq!(project.json(["assign", &task, "human:ada"])["assigned_to"], "human:ada");
    }
    let (status, error) = project.refused(["assign", &task, "bob"]);
    assert_eq!((status, &error["code"]), (1, &json!("INVALID_ACTOR")));
}

#[test]
fn a_value_behind_an_option_may_begin_with_a_dash() {
    let project = Project::new();
    let task = project.json(["create", "A title", "--description", "- a bullet", "--tags", "-x"]);
    assert_eq!((&task["description"], &task["tags"]), (&json!("- a bullet"), &json!(["-x"])));
    project.ok(["status", "LAT-1", "planned", "--reason", "--json"]);
    project.ok(["complete", "LAT-1", "--review", "- fine\n- tested", "--quiet"]);
    let (status, error) = project.refused(["comment", "LAT-1", "--rol", "review", "text"]);
    assert_eq!((status, &error["code"]), (2, &json!("USAGE")));
    project.ok(["comment", "LAT-1", "--", "- an item"]);
}

#[test]
fn links_name_the_source_and_refuse_what_makes_no_sense() {
    let project = Project::new();
    let (a, b, c) = (project.task("a"), project.task("b"), project.task("c"));
    assert_eq!(project.ok(["link", &a, "depends_on", &b, "--note", "first"]), "LAT-1 depends_on LAT-2\n");
    let id = project.json(["update", &a, "urgency=low"])["id"].as_str().unwrap().to_owned();
    assert_eq!(project.ok(["link", &a, "related_to", &b, "--quiet"]), format!("{id}\n"));
    let data = project.json(["link", &b, "depends_on", &c]);
    assert_eq!(data["relationships_out"][0]["type"], "depends_on");

    for (line, code, word) in [
        (["link", &a, "likes", &b], "VALIDATION_ERROR", "supersedes"),
        (["link", &a, "blocks", &a], "VALIDATION_ERROR", "itself"),
        (["link", &a, "depends_on", &b], "CONFLICT", "already"),
        (["link", &c, "depends_on", &a], "VALIDATION_ERROR", "LAT-1 → LAT-2 → LAT-3"),
        (["link", &a, "blocks", &c], "VALIDATION_ERROR", "circle"),
        (["link", &a, "blocks", "LAT-9"], "NOT_FOUND", "LAT-9"),
        (["unlink", &a, "blocks", &b], "NOT_FOUND", "LAT-1 blocks LAT-2"),
    ] {
        let (status, error) = project.refused(line);
        assert_eq!((status, error["code"].as_str()), (1, Some(code)), "{line:?}");
        assert!(error.to_string().contains(word), "{line:?}: {error}");
    }
    assert_eq!(project.ok(["unlink", &a, "depends_on", &b, "--quiet"]), format!("{id}\n"));
    project.ok(["archive", &b]);
    let (_, error) = project.refused(["link", &a, "blocks", &b]);
    assert_eq!(error["code"], "NOT_FOUND");
    // Only a new relation needs an active task at the other end.
    assert_eq!(project.ok(["unlink", &a, "related_to", &b]), "LAT-1 no longer related_to LAT-2\n");
}

#[test]
fn complete_leaves_the_review_as_evidence() {
    let project = Project::new();
    let task = project.task("A title");
    let (status, error) = project.refused(["complete", &task, "--review", "fine"]);
    assert_eq!((status, &error["code"]), (1, &json!("INVALID_TRANSITION")));
    project.ok(["status", &task, "planned"]);
    let (_, error) = project.refused(["complete", &task, "--review", " \n"]);
    assert_eq!(error["code"], "VALIDATION_ERROR");
    assert_eq!(project.ok(["complete", &task, "--review", "Looks fine"]), "Completed LAT-1 (4 events)\n");

    let second = project.task("Second");
    project.ok(["status", &second, "planned"]);
    project.ok(["status", &second, "review"]);
    let data = project.json(["complete", &second, "--review", "Fine"]);
    assert_eq!((&data["status"], &data["comment_count"]), (&json!("done"), &json!(1)));
    let roles: Vec<_> =
        data["evidence_refs"].as_array().unwrap().iter().map(|e| (&e["role"], &e["source_type"])).collect();
    assert_eq!(roles, [(&json!("review"), &json!("comment")), (&json!("review"), &json!("artifact"))]);
}

#[test]
fn complete_that_is_blocked_leaves_nothing_behind() {
    let project = Project::new();
    project.ok(["config", "set", "workflow.completion_policies.done", r#"{"require_assigned":true}"#]);
    let task = project.task("A title");
    project.ok(["status", &task, "planned"]);
    let (status, error) = project.refused(["complete", &task, "--review", "fine"]);
    assert_eq!((status, &error["code"]), (1, &json!("COMPLETION_BLOCKED")));
    let after = project.json(["update", &task, "urgency=low"]);
    assert_eq!((&after["status"], &after["comment_count"]), (&json!("planned"), &json!(0)));
}

const EVENT: &str = "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV";

#[test]
fn an_event_of_ones_own_can_be_repeated_under_its_id() {
    let project = Project::new();
    let task = project.task("A title");
    let line = ["event", &task, "x_deployed", "--data", r#"{"build": 1.50}"#, "--id", EVENT];
    assert_eq!(project.ok(line), format!("Recorded x_deployed on LAT-1\n{EVENT}\n"));
    assert_eq!(project.ok(line), format!("Recorded x_deployed on LAT-1 (was there already)\n{EVENT}\n"));
    let event = project.json(line);
    assert_eq!(event["data"].to_string(), r#"{"build":1.50}"#);
    assert_eq!((&event["id"], &event["type"]), (&json!(EVENT), &json!("x_deployed")));
    assert_eq!(project.ok(line.into_iter().chain(["--quiet"])), format!("{EVENT}\n"));

    let other = project.task("Other");
    for line in [
        ["event", &task, "x_deployed", "--data", r#"{"build":2}"#, "--id", EVENT],
        ["event", &task, "x_other", "--data", r#"{"build":1.50}"#, "--id", EVENT],
        ["event", &other, "x_deployed", "--data", r#"{"build":1.50}"#, "--id", EVENT],
    ] {
        let (status, error) = project.refused(line);
        assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")), "{line:?}");
    }
}

#[test]
fn an_event_with_an_old_id_leaves_the_state_as_it_is() {
    let project = Project::new();
    let task = project.task("A title");
    let before = project.json(["update", &task, "priority=high"]);
    project.ok(["event", &task, "x_late", "--id", EVENT]);
    let after = project.json(["assign", &task, "agent:bob"]);
    assert_eq!((&after["priority"], &after["title"]), (&before["priority"], &before["title"]));
    assert_eq!(after["assigned_to"], "agent:bob");
}

#[test]
fn events_that_are_not_ones_own_are_refused() {
    let project = Project::new();
    let task = project.task("A title");
    for (kind, data, id, code) in [
        ("status_changed", "{}", EVENT, "VALIDATION_ERROR"),
        ("deployed", "{}", EVENT, "VALIDATION_ERROR"),
        ("x_a", "[1]", EVENT, "VALIDATION_ERROR"),
        ("x_a", "{", EVENT, "VALIDATION_ERROR"),
        ("x_a", r#"{"a":1,"a":2}"#, EVENT, "VALIDATION_ERROR"),
        ("x_a", "NaN", EVENT, "VALIDATION_ERROR"),
        ("x_a", "{}", "ev_1", "INVALID_ID"),
        ("x_a", "{}", "ev_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "INVALID_ID"),
        ("x_a", "{}", "ev_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "INVALID_ID"),
    ] {
        let (status, error) = project.refused(["event", &task, kind, "--data", data, "--id", id]);
        assert_eq!((status, error["code"].as_str()), (1, Some(code)), "{kind} {data} {id}");
        assert!(error["hint"].is_string());
    }
}

#[test]
fn a_repeated_create_gives_the_task_that_is_there() {
    let project = Project::new();
    let id = "task_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let line = ["create", "Once", "--id", id, "--tags", "a,b", "--urgency", "low"];
    let first = project.json(line);
    project.ok(["comment", id, "meanwhile"]);
    project.ok(["archive", id]);
    let again = project.json(line);
    assert_eq!((&again["id"], &again["short_id"]), (&first["id"], &first["short_id"]));
    let (status, error) = project.refused(["create", "Twice", "--id", id]);
    assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")));
    assert_eq!(project.task("Next"), "LAT-2");
}
