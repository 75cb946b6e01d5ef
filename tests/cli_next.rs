//! `next`: which task, for whom, and taking it.

mod support;

use serde_json::{Value, json};
use support::{Project, Run};

#[test]
fn no_task_is_an_answer() {
    let project = Project::new();
    for flags in [vec![], vec!["--claim"]] {
        let line = |more: &[&str]| -> Vec<String> {
            ["next"].iter().chain(&flags).chain(more).map(|s| (*s).to_owned()).collect()
        };
        assert_eq!(project.ok(line(&[])), "No tasks available.\n");
        assert_eq!(project.ok(line(&["--quiet"])), "");
        let run = project.ok(line(&["--json"]));
        assert_eq!(run, "{\n  \"data\": null,\n  \"ok\": true\n}\n");
    }
}

#[test]
fn a_claim_needs_a_name_and_never_takes_the_configured_one() {
    let project = Project::new();
    project.planned("A title");
    let run = project.run(["next", "--claim", "--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &answer["error"]["code"]), (1, &json!("VALIDATION_ERROR")));
    assert!(answer["error"]["hint"].is_string());
    // Without a claim nobody has to be named.
    let run = project.run(["next", "--quiet"]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "LAT-1\n", ""));
    let (status, error) = project.refused(["next", "--claim", "--actor", "bob"]);
    assert_eq!((status, &error["code"]), (1, &json!("INVALID_ACTOR")));
    let (status, error) = project.refused(["next", "--claim", "--name", "Argus-3"]);
    assert_eq!((status, &error["code"]), (1, &json!("SESSION_NOT_FOUND")));
}

#[test]
fn the_plan_comes_along_once_there_is_one() {
    let project = Project::new();
    project.task("A title");
    assert_eq!(project.json(["next"])["plan_content"], json!(null));
    let run = project.fed(["plan", "LAT-1", "--file", "-"], b"# Way\n\n1. go\n");
    assert_eq!(run.status, 0, "{run:?}");
    let data = project.json(["next"]);
    assert_eq!((&data["plan_content"], &data["short_id"]), (&json!("# Way\n\n1. go\n"), &json!("LAT-1")));
    assert_eq!(
        project.ok(["next", "--claim"]),
        "Claimed LAT-1 \"A title\"\nin_progress  medium priority  task  assigned to agent:test\n"
    );
    // Who asks again goes on with what was begun.
    assert!(project.ok(["next", "--claim"]).starts_with("Go on with LAT-1"));
    let data = project.json(["next", "--claim"]);
    assert_eq!((&data["status"], &data["plan_content"]), (&json!("in_progress"), &json!("# Way\n\n1. go\n")));
}

#[test]
fn a_task_without_a_plan_is_passed_over() {
    let project = Project::new();
    project.ok(["create", "Unplanned", "--priority", "critical"]);
    let (status, error) = project.refused(["next", "--claim"]);
    assert_eq!((status, &error["code"]), (1, &json!("PLAN_REQUIRED")));
    // Of many the first is named.
    project.ok(["create", "Unplanned too"]);
    let said = project.planned("No plan any more");
    let scaffold = project.ok(["plan", "LAT-2"]).replace("LAT-2", &said);
    let scaffold = scaffold.replace("Unplanned too", "No plan any more");
    let run = project.fed(["plan", &said, "--file", "-"], scaffold.as_bytes());
    assert_eq!(run.status, 0, "{run:?}");
    let (_, error) = project.refused(["next", "--claim"]);
    assert!(error["message"].as_str().unwrap().starts_with("LAT-1 "), "{error}");
    let planned = project.planned("Planned");
    assert_eq!(project.ok(["next", "--quiet"]), "LAT-1\n");
    assert_eq!(project.ok(["next", "--claim", "--quiet"]), format!("{planned}\n"));
}

#[test]
fn begun_work_without_a_plan_gives_way_to_begun_work_with_one() {
    let project = Project::new();
    project.ok([
        "create",
        "Thinking",
        "--priority",
        "critical",
        "--status",
        "in_planning",
        "--assigned-to",
        "agent:test",
    ]);
    project.ok(["create", "Building", "--status", "in_progress", "--assigned-to", "agent:test"]);
    project.planned("Free");
    assert_eq!(project.ok(["next", "--quiet"]), "LAT-1\n");
    assert_eq!(project.ok(["next", "--claim", "--quiet"]), "LAT-2\n");
}

#[test]
fn work_of_others_is_not_taken() {
    let project = Project::new();
    project.ok(["create", "Theirs", "--status", "in_progress"]);
    let (status, error) = project.refused(["next", "--claim", "--status", "in_progress"]);
    assert_eq!((status, &error["code"]), (1, &json!("ALREADY_CLAIMED")));
    let planned = project.planned("Free");
    assert_eq!(
        project.ok(["next", "--claim", "--status", "in_progress, backlog", "--quiet"]),
        format!("{planned}\n")
    );
    project.ok(["create", "Bob's", "--assigned-to", "agent:bob"]);
    assert_eq!(project.ok(["next", "--actor", "agent:ann", "--quiet"]), "");
    assert_eq!(project.ok(["next", "--actor", "agent:bob", "--quiet"]), "LAT-3\n");
}

#[test]
fn what_waits_is_left_out() {
    let project = Project::new();
    let (waiting, first) = (project.planned("Waiting"), project.planned("First"));
    project.ok(["update", &waiting, "priority=critical"]);
    project.ok(["link", &waiting, "depends_on", &first]);
    assert_eq!(project.ok(["next", "--quiet"]), format!("{first}\n"));
    project.ok(["status", &first, "cancelled"]);
    assert_eq!(project.ok(["next", "--quiet"]), format!("{waiting}\n"));
    let parent = project.planned("Parent");
    project.ok(["update", &parent, "priority=critical", "urgency=immediate"]);
    project.ok(["link", &waiting, "subtask_of", &parent]);
    assert_eq!(project.ok(["next", "--quiet"]), format!("{waiting}\n"));
}

/// Agents that claim at once never get the same task, and all of them get one.
#[test]
fn many_claims_at_once_have_as_many_winners() {
    const AGENTS: usize = 32;
    for _ in 0..3 {
        let project = Project::new();
        for n in 0..AGENTS {
            project.planned(&format!("task {n}"));
        }
        let runs = project.at_once((0..AGENTS).map(|_| vec!["next", "--claim", "--quiet"]));
        let mut won: Vec<&str> = runs.iter().map(|run| run.stdout.trim()).collect();
        assert!(runs.iter().all(|run| run.status == 0), "{runs:?}");
        won.sort_unstable();
        won.dedup();
        assert_eq!(won.len(), AGENTS);
        let late: Run = project.run(["next", "--claim", "--actor", "agent:late"]);
        assert_eq!((late.status, late.stdout.as_str()), (0, "No tasks available.\n"));
    }
}
