//! Trust in hooks: it goes to what was looked at, to nothing else, and no decision gets lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use support::{Project, terminal};

/// Two commands whose ids begin with the same ten digits.
const HARMLESS: &str = "true #1147917";
const EVIL: &str = "touch marker #999925";
const SHARED: &str = "f3ba928dd8";

fn configured(hooks: &Value) -> Project {
    let project = Project::new();
    assert_eq!(project.tried(["config", "set", "hooks.post_event", &hooks.to_string()]).status, 0);
    project
}

/// How many of the configured hooks have been decided to run.
fn trusted(project: &Project) -> usize {
    let hooks = project.json(["hooks", "list"])["hooks"].clone();
    hooks.as_array().unwrap().iter().filter(|hook| hook["state"] == "trusted").count()
}

#[test]
fn an_id_that_fits_two_hooks_trusts_neither() {
    let project = configured(&json!([HARMLESS, EVIL]));
    for word in ["trust", "untrust"] {
        let (status, error) = project.refused(["hooks", word, SHARED]);
        assert_eq!((status, &error["code"]), (1, &json!("AMBIGUOUS_ID")), "{error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(HARMLESS) && hint.contains(EVIL), "{hint}");
        assert_eq!(error["details"]["candidates"].as_array().unwrap().len(), 2);
    }
    let hooks = project.json(["hooks", "list"])["hooks"].clone();
    assert!(hooks.as_array().unwrap().iter().all(|hook| hook["state"] == "untrusted"), "{hooks}");
    let id = hooks[0]["id"].as_str().unwrap();
    project.refused(["hooks", "trust", id, SHARED]);
    assert_eq!(trusted(&project), 0, "one bad id of two decides nothing");
    assert!(project.ok(["hooks", "trust", id]).contains(&format!("untrusted  hooks.post_event: {EVIL}")));
    assert_eq!(trusted(&project), 1);
}

#[test]
fn an_id_of_a_few_letters_trusts_nothing() {
    let project = configured(&json!([HARMLESS]));
    for short in ["", "f", &SHARED[..7]] {
        let (status, error) = project.refused(["hooks", "trust", short]);
        assert_eq!((status, &error["code"]), (1, &json!("INVALID_ID")), "{error}");
    }
    assert_eq!(trusted(&project), 0);
    project.ok(["hooks", "trust", &SHARED[..8]]);
    assert_eq!(trusted(&project), 1);
}

#[test]
fn ids_are_shown_too_long_to_be_forged() {
    let project = configured(&json!([HARMLESS, EVIL]));
    let ids = project.ok(["hooks", "list", "--quiet"]);
    let ids: Vec<&str> = ids.lines().collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1], "{ids:?}");
    assert!(project.ok(["hooks", "list"]).starts_with(&format!("{}  untrusted", ids[0])));
    project.ok(["hooks", "trust"].into_iter().chain(ids));
    assert_eq!(trusted(&project), 2);
}

#[test]
fn trust_is_not_given_to_what_nobody_looked_at() {
    let project = configured(&json!([HARMLESS, "echo \u{1b}[2J"]));
    let (status, error) = project.refused(["hooks", "trust"]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--all"), "{error}");
    assert_eq!(trusted(&project), 0);
    let said = |typed: &str| terminal::talk(project.command(["hooks", "trust"]), typed);
    for typed in ["n\n", "\n"] {
        let run = said(typed);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stdout.contains(HARMLESS) && run.stdout.contains("echo \\u{1b}[2J"), "{run:?}");
        assert_eq!(trusted(&project), 0, "{run:?}");
    }
    assert_eq!(said("y\n").status, 0);
    assert_eq!(trusted(&project), 2);
    let run = said("");
    assert!(run.status == 0 && !run.stdout.contains('?'), "nothing is left to be asked: {run:?}");
    project.ok(["hooks", "untrust"]);
    assert_eq!(trusted(&project), 0);
    let (status, _) = project.refused(["hooks", "trust", "--all", SHARED]);
    assert_eq!(status, 2);
}

#[test]
fn what_was_declined_is_trusted_by_its_id_only() {
    let project = configured(&json!([HARMLESS, EVIL]));
    project.ok(["hooks", "trust", "--all"]);
    assert_eq!(trusted(&project), 2);
    let ids = project.ok(["hooks", "untrust", "--quiet"]);
    let run = project.run(["hooks", "trust", "--all"]);
    assert_eq!((run.status, trusted(&project)), (0, 0), "{run:?}");
    assert!(run.stderr.starts_with("Warning: still declined: 2 hooks; `lattice hooks trust ID`"), "{run:?}");
    let run = project.run(["hooks", "trust", "--all", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1, "{document}");
    project.ok(["hooks", "trust", ids.lines().next().unwrap()]);
    assert_eq!(trusted(&project), 1);
}

#[test]
fn of_decisions_made_at_once_none_is_lost() {
    const HOOKS: usize = 16;
    let project = configured(&json!((0..HOOKS).map(|n| format!("true {n}")).collect::<Vec<_>>()));
    let ids = project.ok(["hooks", "list", "--quiet"]);
    let runs = project.at_once(ids.lines().map(|id| vec!["hooks", "trust", id]));
    assert!(runs.iter().all(|run| run.status == 0), "{runs:?}");
    assert_eq!(trusted(&project), HOOKS);
}
