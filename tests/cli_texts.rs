//! Plans, notes and the context: shown, written, edited.

mod support;

use serde_json::json;
use support::{Project, Run, terminal};

fn fed(project: &Project, line: &[&str], text: &str) -> String {
    let run = project.fed(line, text.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line:?}");
    run.stdout
}

#[test]
fn a_task_always_has_a_plan() {
    let project = Project::new();
    project.ok(["create", "A title", "--description", "- a bullet\n- another"]);
    assert_eq!(project.ok(["plan", "LAT-1"]), "# LAT-1: A title\n\n- a bullet\n- another\n");
    let data = project.json(["plan", "LAT-1"]);
    let id = data["task_id"].as_str().unwrap();
    let place = project.path().canonicalize().unwrap().join(format!(".lattice/plans/{id}.md"));
    assert_eq!(
        data,
        json!({
            "task_id": id, "plan_path": place.to_str(), "archived": false,
            "content": "# LAT-1: A title\n\n- a bullet\n- another\n",
        })
    );
}

#[test]
fn a_plan_is_written_from_a_file_or_a_pipe_and_reads_back_to_the_byte() {
    let project = Project::new();
    let task = project.task("A title");
    let body = "# Plan\r\n\n\tstep \u{1b}[31mone\u{1b}[0m\n\nno newline at the end";
    project.file("plan.md", body);
    assert_eq!(project.ok(["plan", &task, "--file", "plan.md"]), "Wrote the plan of LAT-1\n");
    assert_eq!(project.ok(["plan", &task]), body);
    assert_eq!(project.ok(["plan", &task, "--quiet"]), body);
    assert_eq!(
        fed(&project, &["plan", &task, "--file", "-"], body),
        "Nothing changed in the plan of LAT-1\n"
    );
    assert_eq!(fed(&project, &["plan", &task, "--file", "-", "--quiet"], "other"), "ok\n");
    let data = project.json(["plan", &task, "--file", "plan.md"]);
    assert_eq!(data["content"], body);
}

#[test]
fn a_plan_opens_the_way_to_work() {
    let project = Project::new();
    let task = project.task("A title");
    project.ok(["status", &task, "planned"]);
    // The scaffold written back is still no plan.
    fed(&project, &["plan", &task, "--file", "-"], "# LAT-1: A title\n");
    let (status, error) = project.refused(["status", &task, "in_progress"]);
    assert_eq!((status, &error["code"]), (1, &json!("PLAN_REQUIRED")));
    fed(&project, &["plan", &task, "--file", "-"], "# LAT-1: A title\n\nBuild it.\n");
    project.ok(["status", &task, "in_progress"]);
}

#[test]
fn notes_are_missing_until_somebody_writes_some() {
    let project = Project::new();
    let task = project.task("A title");
    let (status, error) = project.refused(["notes", &task]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    assert!(error["hint"].as_str().unwrap().contains("lattice notes LAT-1 --file"), "{error}");
    assert_eq!(fed(&project, &["notes", &task, "--file", "-"], "noted\n"), "Wrote the notes of LAT-1\n");
    assert_eq!(project.ok(["notes", &task]), "noted\n");
    let data = project.json(["notes", &task]);
    assert!(
        data["notes_path"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/notes/{}.md", data["task_id"].as_str().unwrap()))
    );
}

#[test]
fn the_context_is_shown_and_written() {
    let project = Project::new();
    assert!(project.ok(["context"]).starts_with("# "));
    assert_eq!(fed(&project, &["context", "--file", "-"], "# Ours\n"), "Wrote the context\n");
    assert_eq!(fed(&project, &["context", "--file", "-"], "# Ours\n"), "Nothing changed in the context\n");
    let place = project.path().canonicalize().unwrap().join(".lattice/context.md");
    assert_eq!(project.json(["context"]), json!({"content": "# Ours\n", "context_path": place.to_str()}));
}

#[test]
fn a_text_that_cannot_be_taken_is_refused_by_name() {
    let project = Project::new();
    let task = project.task("A title");
    let at = |name: &str| project.path().join(name);
    std::fs::create_dir(at("folder")).unwrap();
    project.file("latin1", b"caf\xe9");
    project.file("blank", " \n\t\n");
    std::fs::File::create(at("huge")).unwrap().set_len(16 * 1024 * 1024 + 1).unwrap();
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    for (name, code, word) in [
        ("gone", "NOT_FOUND", "gone"),
        ("folder", "VALIDATION_ERROR", "folder is a folder"),
        ("latin1", "VALIDATION_ERROR", "byte 3"),
        ("huge", "VALIDATION_ERROR", "16 MiB"),
        ("pipe", "VALIDATION_ERROR", "--file -"),
        ("blank", "VALIDATION_ERROR", "empty"),
    ] {
        for line in [
            vec!["comment", &task, "--file", name],
            vec!["plan", &task, "--file", name],
            vec!["notes", &task, "--file", name],
            vec!["context", "--file", name],
        ] {
            let (status, error) = project.refused(&line);
            assert_eq!((status, error["code"].as_str()), (1, Some(code)), "{line:?}");
            assert!(error.to_string().contains(word), "{line:?}: {error}");
        }
    }
    let run = project.fed(["plan", &task, "--file", "-", "--json"], b"\xff");
    assert!(run.stdout.contains("standard input is not UTF-8"), "{run:?}");
    assert_eq!(project.json(["plan", &task])["content"], "# LAT-1: A title\n");
}

#[test]
fn an_editor_needs_a_terminal() {
    let project = Project::new();
    let task = project.task("A title");
    for line in [
        vec!["plan", &task, "--edit"],
        vec!["notes", &task, "--edit"],
        vec!["context", "--edit"],
        vec!["config", "edit"],
    ] {
        let (status, error) = project.refused(&line);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{line:?}");
    }
    let (status, error) = project.refused(["plan", &task, "--edit", "--file", "x"]);
    assert_eq!((status, &error["code"]), (2, &json!("USAGE")));
}

/// Runs the program at a terminal with this editor.
fn at_terminal(project: &Project, line: &[&str], editor: &str) -> Run {
    let mut command = project.command(line);
    command
        .env("LATTICE_ACTOR", "agent:test")
        .env("TMPDIR", project.path())
        .env_remove("VISUAL")
        .env("EDITOR", editor);
    terminal::run(command)
}

#[test]
fn an_editor_changes_the_text_that_is_there() {
    let project = Project::new();
    let task = project.task("A title");
    let run = at_terminal(&project, &["plan", &task, "--edit"], "printf 'more\\n' >>");
    assert_eq!((run.status, run.stdout.as_str()), (0, "Wrote the plan of LAT-1\r\n"));
    assert_eq!(project.ok(["plan", &task]), "# LAT-1: A title\nmore\n");
    let run = at_terminal(&project, &["plan", &task, "--edit"], "true");
    assert_eq!((run.status, run.stdout.as_str()), (0, "Nothing changed in the plan of LAT-1\r\n"));
    let run = at_terminal(&project, &["plan", &task, "--edit"], "false");
    assert_eq!(run.status, 1, "{run:?}");
    let run = at_terminal(&project, &["plan", &task, "--edit"], " ");
    assert!(run.stdout.contains("neither VISUAL nor EDITOR"), "{run:?}");
    assert_eq!(at_terminal(&project, &["notes", &task, "--edit"], "echo noted >").status, 0);
    assert_eq!(project.ok(["notes", &task]), "noted\n");
    assert_eq!(at_terminal(&project, &["context", "--edit"], "echo ours >").status, 0);
    assert_eq!(project.ok(["context"]), "ours\n");
}

#[test]
fn an_edit_never_writes_over_what_somebody_else_wrote_meanwhile() {
    let project = Project::new();
    let task = project.task("A title");
    let lattice = env!("CARGO_BIN_EXE_lattice");
    // The editor itself lets somebody else write first.
    let editor = format!("echo theirs | {lattice} plan {task} --file - --quiet && echo mine >");
    let run = at_terminal(&project, &["plan", &task, "--edit"], &editor);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("[CONFLICT]"), "{run:?}");
    assert_eq!(project.ok(["plan", &task]), "theirs\n");
    let kept = run.stdout.split("is kept in ").nth(1).unwrap().trim();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "mine\n");
    std::fs::remove_file(kept).unwrap();
}

#[test]
fn a_terminal_sees_control_characters_instead_of_obeying_them() {
    let project = Project::new();
    let task = project.task("A title");
    fed(&project, &["plan", &task, "--file", "-"], "one\u{1b}]0;owned\u{7}\ntwo\u{202e}\n");
    let run = at_terminal(&project, &["plan", &task], "true");
    assert_eq!(run.stdout, "one\\u{1b}]0;owned\\u{7}\r\ntwo\\u{202e}\r\n");
}

#[test]
fn every_version_of_a_plan_can_be_read_again() {
    let project = Project::new();
    project.task("Versions");
    assert_eq!(project.ok(["history", "LAT-1", "--plan"]), "Nobody has written one yet.\n");
    for body in ["# Versions\n\n- first\n", "# Versions\n\n- second \u{1b}[2J\n"] {
        assert_eq!(
            project.fed(["plan", "LAT-1", "--file", "-", "--actor", "agent:a"], body.as_bytes()).status,
            0
        );
    }
    let versions = project.json(["history", "LAT-1", "--plan"]);
    let versions = versions.as_array().unwrap();
    assert_eq!(
        (versions.len(), &versions[0]["holds"], &versions[1]["holds"]),
        (2, &false.into(), &true.into())
    );
    assert_eq!(versions[0]["body"], "# Versions\n\n- first\n");
    let told = project.ok(["history", "LAT-1", "--plan"]);
    assert!(told.contains("- first") && told.contains("(holds)") && !told.contains('\u{1b}'), "{told}");
    let all = project.ok(["history", "LAT-1"]);
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(all.lines().next().unwrap().contains("task_created"), "{all}");
    assert_eq!(project.ok(["history", "LAT-1", "--quiet"]).lines().count(), 3);
    assert_eq!(project.refused(["history", "LAT-9"]).1["code"], "NOT_FOUND");
}
