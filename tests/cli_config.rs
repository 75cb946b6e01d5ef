//! `config`, the codes of short ids, and completions.

mod support;

use serde_json::{Value, json};
use support::{Project, terminal};

#[test]
fn a_setting_is_read_set_and_removed() {
    let project = Project::new();
    assert_eq!(project.ok(["config", "get", "workflow.wip_limits.review"]), "5\n");
    assert_eq!(
        project.ok(["config", "set", "workflow.wip_limits.review", "7"]),
        "workflow.wip_limits.review = 7\n"
    );
    assert_eq!(
        project.json(["config", "get", "/workflow/wip_limits/review"]),
        json!({"path": "/workflow/wip_limits/review", "value": 7})
    );
    let set = project.json(["config", "set", "default_priority", "high"]);
    assert_eq!(set, json!({"path": "default_priority", "value": "high"}));
    assert_eq!(
        project.ok(["config", "set", "default_priority", "high"]),
        "default_priority is \"high\" already\n"
    );
    assert_eq!(project.ok(["config", "get", "default_priority", "--quiet"]), "high\n");
    assert_eq!(project.json(["create", "A title"])["priority"], "high");
    assert_eq!(
        project.ok(["config", "unset", "workflow.wip_limits.review"]),
        "Removed workflow.wip_limits.review\n"
    );
    for action in ["get", "unset"] {
        let (status, error) = project.refused(["config", action, "workflow.wip_limits.review"]);
        assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    }
}

#[test]
fn a_value_is_json_where_it_reads_as_json() {
    let project = Project::new();
    for (value, flags, stored) in [
        ("7", vec![], json!(7)),
        ("-7", vec![], json!(-7)),
        ("007", vec![], json!("007")),
        ("7", vec!["--text"], json!("7")),
        ("true", vec![], json!(true)),
        ("some words", vec![], json!("some words")),
        ("", vec![], json!("")),
        (r#"{"a":[1,null]}"#, vec![], json!({"a": [1, null]})),
        (r#"{"a":1,"a":2}"#, vec![], json!(r#"{"a":1,"a":2}"#)),
    ] {
        let line: Vec<&str> = ["config", "set", "mine.key", value].into_iter().chain(flags).collect();
        assert_eq!(project.json(line)["value"], stored, "{value}");
        assert_eq!(project.json(["config", "get", "mine.key"])["value"], stored, "{value}");
    }
    project.ok(["config", "set", "/mine/a.b~1c", "1"]);
    assert_eq!(project.json(["config", "get", "mine"])["value"]["a.b/c"], 1);
}

#[test]
fn settings_that_lattice_reads_keep_their_type() {
    let project = Project::new();
    for (path, value) in [
        ("workflow", "7"),
        ("workflow.statuses", "[]"),
        ("workflow.statuses.0", "first"),
        ("workflow.transitions", "[]"),
        ("workflow.wip_limits.review", "many"),
        ("workflow", r#"{"wip_limits":{"review":-1}}"#),
        ("workflow.review_cycle_limit", "-1"),
        ("workflow.completion_policies.done", r#"{"require_roles":"review"}"#),
        ("default_status", "nowhere"),
        ("default_status.deep", "x"),
        ("default_priority", "huge"),
        ("default_actor", "ada"),
        ("project_code", "lat"),
        ("instance_id", "inst_x"),
        ("", "{}"),
        ("/", "{}"),
        ("a..b", "{}"),
        (".", "{}"),
    ] {
        let (status, error) = project.refused(["config", "set", path, value]);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{path} {value}");
        assert!(error["hint"].is_string());
    }
    for path in ["instance_id", "workflow.statuses.0", ""] {
        let (status, error) = project.refused(["config", "unset", path]);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{path}");
    }
    assert_eq!(project.json(["config", "get", "workflow.statuses"])["value"][0], "backlog");
}

#[test]
fn a_list_names_every_setting() {
    let project = Project::new();
    project.ok(["config", "set", "/mine/a.b", "x\u{1b}[2J"]);
    let text = project.ok(["config", "list"]);
    assert!(text.contains("\nworkflow.wip_limits.review = 5\n"), "{text}");
    assert!(text.contains("/mine/a.b = \"x\\u001b[2J\"\n"), "{text}");
    let document = project.json(["config", "list"]);
    assert_eq!(document["workflow"]["wip_limits"]["review"], 5);
    for path in project.ok(["config", "list", "--quiet"]).lines() {
        project.ok(["config", "get", path]);
    }
}

fn edit(project: &Project, editor: &str) -> support::Run {
    let mut command = project.command(["config", "edit"]);
    command
        .env("LATTICE_ACTOR", "agent:test")
        .env("TMPDIR", project.path())
        .env_remove("VISUAL")
        .env("EDITOR", editor);
    terminal::run(command)
}

#[test]
fn an_edit_changes_settings_together_or_not_at_all() {
    let project = Project::new();
    let editor = r#"sed -i -e 's/"default_priority": "medium"/"default_priority": "low"/' -e 's/"default_status": "backlog"/"default_status": "inbox"/' -e 's/^      "backlog",$/      "inbox", "backlog",/'"#;
    let run = edit(&project, editor);
    assert_eq!((run.status, run.stdout.as_str()), (0, "Changed 3 settings\r\n"));
    let task = project.json(["create", "A title"]);
    assert_eq!((&task["status"], &task["priority"]), (&json!("inbox"), &json!("low")));

    let run = edit(
        &project,
        r#"sed -i -e 's/"low"/"high"/' -e 's/"default_status": "inbox"/"default_status": "nowhere"/'"#,
    );
    assert!(run.status == 1 && run.stdout.contains("[VALIDATION_ERROR]"), "{run:?}");
    assert!(run.stdout.contains("is kept in"), "{run:?}");
    assert_eq!(project.ok(["config", "get", "default_priority"]), "low\n");

    let run = edit(&project, "echo '{' >");
    assert!(run.status == 1 && run.stdout.contains("no configuration"), "{run:?}");
    let lattice = env!("CARGO_BIN_EXE_lattice");
    let run = edit(&project, &format!("{lattice} config set mine 1 --quiet && sed -i s/low/high/"));
    assert!(run.status == 1 && run.stdout.contains("[CONFLICT]"), "{run:?}");
    assert_eq!(edit(&project, "true").stdout, "Nothing changed in the configuration\r\n");
}

#[test]
fn codes_name_new_tasks_and_change_only_by_force() {
    let project = Project::new();
    project.task("old");
    // Scripts of before name nobody here.
    let run = project.run(["set-project-code", "lat"]);
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "New tasks are called LAT-1, LAT-2 and so on\n", "")
    );
    let (status, error) = project.refused(["set-project-code", "NEW"]);
    assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")));
    assert_eq!(project.json(["set-project-code", "NEW", "--force"]), json!({"short_id_prefix": "NEW"}));
    assert_eq!(project.ok(["set-subproject-code", "web", "--quiet"]), "ok\n");
    assert_eq!(project.task("new"), "NEW-WEB-1");
    for code in ["", "TOOLONG", "1A", "A-B", "ÄÖ"] {
        let (status, error) = project.refused(["set-project-code", code, "--force"]);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{code}");
    }
    project.ok(["config", "unset", "project_code"]);
    let (status, error) = project.refused(["set-subproject-code", "web"]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")));
}

#[test]
fn completions_know_every_command() {
    let nowhere = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = nowhere.ok(["completions", shell]);
        assert!(script.contains("comment-edit") && script.contains("triggered-by"), "{shell}");
        assert_eq!(nowhere.json(["completions", shell]), json!({"shell": shell, "script": script}));
    }
    let run = nowhere.run(["completions", "nosh", "--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &answer["error"]["code"]), (2, &json!("USAGE")));
    let run = nowhere.run(["config"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("requires a subcommand"), "{}", run.stderr);
}
