//! `resource`: making, holding, waiting, letting go.

mod support;

use std::process::Stdio;

use serde_json::{Value, json};
use support::{Project, Run};

fn codes(runs: &[Run]) -> Vec<String> {
    let code = |run: &Run| {
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        answer["error"]["code"].as_str().unwrap_or("ok").to_owned()
    };
    let mut codes: Vec<String> = runs.iter().map(code).collect();
    codes.sort_unstable();
    codes
}

fn holders(project: &Project, name: &str) -> Vec<String> {
    project.ok(["resource", "status", name, "--quiet"]).lines().map(str::to_owned).collect()
}

fn is_sound(project: &Project) {
    assert_eq!(project.json(["doctor"])["summary"]["errors"], 0);
}

#[test]
fn a_resource_is_taken_and_let_go() {
    let project = Project::new();
    let task = project.task("A title");
    let made = project.ok(["resource", "create", "db", "--description", "the database", "--ttl", "30"]);
    let (first, id) = made.trim_end().split_once('\n').unwrap();
    assert_eq!(first, "Resource db made: 1 holder at most, for 30 s at a time");
    let held = project.ok(["resource", "acquire", "db", "--task", &task]);
    let until = held.trim_end().strip_prefix("agent:test holds db until ").unwrap();
    assert_eq!(
        project.ok(["resource", "status", id]),
        format!(
            "db: 1 of 1 held, for 30 s at a time\n  the database\n  agent:test until {until} for {task}\n"
        )
    );
    let other = project.task("Another");
    for (wanted, kind) in [(&task, "resource_heartbeat"), (&other, "resource_acquired")] {
        project.ok(["resource", "acquire", "db", "--task", wanted]);
        assert!(project.ok(["resource", "status", "db"]).ends_with(&format!(" for {wanted}\n")));
        assert!(project.ok(["events"]).lines().last().unwrap().contains(kind));
    }
    let (status, error) = project.refused(["resource", "acquire", "db", "--actor", "agent:b"]);
    assert_eq!((status, &error["code"]), (1, &json!("RESOURCE_HELD")));
    assert_eq!(error["details"]["holders"][0]["actor"], "agent:test");
    assert!(error["message"].as_str().unwrap().starts_with("db is held by agent:test until "), "{error}");
    assert_eq!(project.ok(["resource", "release", "db", "--quiet"]), format!("{id}\n"));
    let (_, error) = project.refused(["resource", "release", "db"]);
    assert_eq!(error["code"], "NOT_HELD");
    assert!(project.ok(["resource", "acquire", id, "--actor", "agent:b"]).starts_with("agent:b holds db"));
    assert!(project.ok(["resource", "acquire", "db", "--force"]).starts_with("agent:test holds db"));
    assert_eq!(holders(&project, "db"), ["agent:test"]);
    let feed = project.ok(["events", "--type", "resource_expired"]);
    assert!(feed.ends_with("  db  resource_expired  agent:test  agent:b\n"), "{feed}");
    is_sound(&project);
}

#[test]
fn a_resource_is_made_once() {
    let project = Project::new();
    let runs = project.at_once((0..8).map(|_| vec!["resource", "create", "db", "--json"]));
    let mut expected = vec!["CONFLICT".to_owned(); 7];
    expected.push("ok".to_owned());
    assert_eq!(codes(&runs), expected);
    let id = "res_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let line = ["resource", "create", "gpu", "--id", id, "--quiet"];
    let runs = project.at_once((0..8).map(|_| line.to_vec()));
    assert!(runs.iter().all(|run| (run.status, run.stdout.trim()) == (0, id)), "{runs:?}");
    let (_, error) = project.refused(["resource", "create", "tpu", "--id", id]);
    assert_eq!(error["code"], "CONFLICT");
    assert_eq!(project.ok(["resource", "list", "--quiet"]), "db\ngpu\n");
    assert_eq!(project.ok(["events", "--type", "resource_created", "--quiet"]).lines().count(), 2);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let project = Project::new();
    let long = "a".repeat(65);
    for (line, code) in [
        (vec!["create", "../x"], "VALIDATION_ERROR"),
        (vec!["create", ""], "VALIDATION_ERROR"),
        (vec!["create", "-x"], "USAGE"),
        (vec!["create", ".x"], "VALIDATION_ERROR"),
        (vec!["create", "a b"], "VALIDATION_ERROR"),
        (vec!["create", &long], "VALIDATION_ERROR"),
        (vec!["create", "res_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "VALIDATION_ERROR"),
        (vec!["create", "a", "--max-holders", "0"], "VALIDATION_ERROR"),
        (vec!["create", "a", "--ttl", "-5"], "VALIDATION_ERROR"),
        (vec!["create", "a", "--ttl", "soon"], "USAGE"),
        (vec!["create", "a", "--id", "res_x"], "INVALID_ID"),
        (vec!["create", "a", "--id", "res_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"], "INVALID_ID"),
        (vec!["acquire", "a"], "NOT_FOUND"),
        (vec!["acquire", "res_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "NOT_FOUND"),
        (vec!["acquire", "a", "--wait", "--timeout", "-1"], "USAGE"),
        (vec!["acquire", "a", "--wait", "--timeout", "nan"], "USAGE"),
        (vec!["acquire", "a", "--task", "LAT-9"], "NOT_FOUND"),
        (vec!["release", "a"], "NOT_FOUND"),
        (vec!["heartbeat", "a"], "NOT_FOUND"),
        (vec!["status", "a"], "NOT_FOUND"),
    ] {
        let (_, error) = project.refused(["resource"].into_iter().chain(line.iter().copied()));
        assert_eq!(error["code"], code, "{line:?}: {error}");
    }
    assert_eq!(project.ok(["resource", "list"]), "No resources.\n");
    assert_eq!(project.ok(["events", "--type", "resource_created"]), "");
    let longest = "a".repeat(64);
    project.ok(["resource", "create", &longest, "--ttl", "31622400"]);
    project.ok(["resource", "acquire", &longest]);
    assert_eq!(holders(&project, &longest), ["agent:test"]);
}

#[test]
fn of_many_at_once_exactly_so_many_get_it() {
    for max_holders in [1, 3] {
        let project = Project::new();
        project.ok(["resource", "create", "db", "--max-holders", &max_holders.to_string()]);
        let runs = project.at_once((0..16).map(|_| vec!["resource", "acquire", "db", "--json"]));
        let codes = codes(&runs);
        let count = |code: &str| codes.iter().filter(|c| *c == code).count();
        assert_eq!((count("ok"), count("RESOURCE_HELD")), (max_holders, 16 - max_holders), "{codes:?}");
        assert_eq!(holders(&project, "db").len(), max_holders);
        is_sound(&project);
    }
}

#[test]
fn a_resource_that_is_only_declared_is_made_by_the_first_who_needs_it() {
    let project = Project::new();
    for (path, value) in [
        ("resources.gpu", "5"),
        ("resources.a b", "{}"),
        ("resources.gpu.max_holders", "0"),
        ("resources", r#"{"gpu": {"ttl_seconds": "long"}}"#),
    ] {
        let (_, error) = project.refused(["config", "set", path, value]);
        assert_eq!(error["code"], "VALIDATION_ERROR", "{path}");
    }
    let declared = r#"{"description": "the card", "max_holders": 2, "ttl_seconds": 5}"#;
    project.ok(["config", "set", "resources.gpu", declared]);
    let listed = &project.json(["resource", "list"])["resources"][0];
    assert_eq!(
        (&listed["id"], &listed["max_holders"], &listed["holders"]),
        (&json!(null), &json!(2), &json!([]))
    );
    assert_eq!(project.ok(["resource", "list"]), "NAME  HELD    TTL  HOLDERS\ngpu   0 of 2  5 s\n");
    let (_, error) = project.refused(["resource", "heartbeat", "gpu"]);
    assert_eq!(error["code"], "NOT_HELD");
    let runs = project.at_once((0..4).map(|_| vec!["resource", "acquire", "gpu", "--json"]));
    assert_eq!(codes(&runs), ["RESOURCE_HELD", "RESOURCE_HELD", "ok", "ok"]);
    assert_eq!(project.ok(["events", "--type", "resource_created", "--quiet"]).lines().count(), 1);
    let made = project.json(["resource", "status", "gpu"]);
    assert_eq!((&made["description"], &made["ttl_seconds"]), (&json!("the card"), &json!(5)));
    is_sound(&project);
}

#[test]
fn who_waits_holds_nobody_up_and_takes_what_comes_free() {
    let project = Project::new();
    project.ok(["resource", "create", "db"]);
    project.ok(["resource", "acquire", "db"]);
    let waiting = ["resource", "acquire", "db", "--wait", "--actor", "agent:b", "--quiet"];
    let mut command = project.command(waiting);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Were the lock held while it waits, this would be busy for a minute.
    let task = project.task("Somebody works meanwhile");
    project.ok(["comment", &task, "and goes on"]);
    assert_eq!(holders(&project, "db"), ["agent:test"]);
    project.ok(["resource", "release", "db"]);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(holders(&project, "db"), ["agent:b"]);
}

#[test]
fn who_waits_in_vain_is_told_for_whom() {
    let project = Project::new();
    project.ok(["resource", "create", "db"]);
    project.ok(["resource", "acquire", "db"]);
    let events = project.ok(["events", "--quiet"]);
    let line = ["resource", "acquire", "db", "--wait", "--timeout", "0.2", "--actor", "agent:b"];
    let (status, error) = project.refused(line);
    assert_eq!((status, &error["code"]), (1, &json!("TIMEOUT")));
    assert_eq!(error["details"]["holders"][0]["actor"], "agent:test");
    assert_eq!(project.ok(["events", "--quiet"]), events);
    let (_, error) = project.refused(["resource", "acquire", "nope", "--wait"]);
    assert_eq!(error["code"], "NOT_FOUND");
}

#[test]
fn a_hold_of_somebody_who_is_gone_ends_by_itself() {
    let project = Project::new();
    project.ok(["resource", "create", "db", "--ttl", "1"]);
    project.ok(["resource", "acquire", "db"]);
    let line = ["resource", "acquire", "db", "--wait", "--actor", "agent:b"];
    assert!(project.ok(line).starts_with("agent:b holds db until "));
    assert_eq!(project.ok(["events", "--type", "resource_expired", "--quiet"]).lines().count(), 1);
    is_sound(&project);
}

/// Two clones made one name without knowing of each other, and both took it.
#[test]
fn clones_that_made_the_same_resource_agree_about_it() {
    let (here, there) = (Project::new(), Project::empty());
    let copy = |from: &Project, to: &std::path::Path| {
        let run = std::process::Command::new("cp").arg("-R").arg(from.path().join("out")).arg(to).status();
        assert!(run.unwrap().success());
    };
    here.ok(["export", "--to", "out"]);
    copy(&here, &there.lattice());
    there.ok(["init"]);
    for (project, actor) in [(&here, "agent:a"), (&there, "agent:b")] {
        project.ok(["resource", "create", "db", "--ttl", "1000"]);
        project.ok(["resource", "acquire", "db", "--actor", actor]);
        project.ok(["export", "--to", "out"]);
    }
    here.ok(["import", there.path().join("out").to_str().unwrap()]);
    there.ok(["import", here.path().join("out").to_str().unwrap()]);
    let status = |project: &Project| project.json(["resource", "status", "db"]);
    assert_eq!(status(&here), status(&there));
    assert_eq!(holders(&here, "db"), ["agent:a", "agent:b"]);
    assert_eq!(here.json(["resource", "list"])["resources"].as_array().unwrap().len(), 1);
    let (_, error) = here.refused(["resource", "acquire", "db", "--actor", "agent:c"]);
    assert_eq!(error["code"], "RESOURCE_HELD");
    // Either id still means the one resource.
    for id in here.ok(["sql", "SELECT id FROM resource_ids", "--quiet"]).lines() {
        here.ok(["resource", "status", id]);
    }
    here.ok(["resource", "release", "db", "--actor", "agent:b"]);
    assert_eq!(holders(&here, "db"), ["agent:a"]);
    is_sound(&here);
    is_sound(&there);
}
