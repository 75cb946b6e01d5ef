//! The texts for agents: where they are put, what stays as it was, what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde::Deserialize;
use serde_json::{Value, json};
use support::shapes::Envelope;
use support::{Project, terminal};

const BEGIN: &str = "<!-- lattice:begin -->";

fn read(project: &Project, name: &str) -> String {
    fs::read_to_string(project.path().join(name)).unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: String,
    change: String,
}

fn change(project: &Project, line: &[&str]) -> (String, String) {
    let line: Vec<&str> = line.iter().copied().chain(["--json"]).collect();
    let answer: Envelope<Written> = serde_json::from_str(&project.ok(line)).unwrap();
    (answer.data.change, answer.data.path)
}

#[test]
fn the_block_is_added_once_and_what_stands_around_it_stays() {
    let project = Project::empty();
    let (made, path) = change(&project, &["setup-claude"]);
    let real = project.path().canonicalize().unwrap().join("CLAUDE.md");
    assert_eq!((made.as_str(), path.as_str()), ("created", real.to_str().unwrap()));
    let first = read(&project, "CLAUDE.md");
    assert!(first.starts_with("# lattice-test-") && first.contains("lattice next --claim"), "{first}");
    assert_eq!(change(&project, &["setup-claude"]).0, "unchanged");
    assert_eq!(change(&project, &["setup-claude", "--force"]).0, "unchanged");
    assert_eq!(read(&project, "CLAUDE.md"), first);

    project.file("CLAUDE.md", "# Mine\r\n\nKeep this.");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(change(&project, &["setup-claude"]).0, "added");
    let added = read(&project, "CLAUDE.md");
    assert!(added.starts_with("# Mine\r\n\nKeep this.\n\n<!-- lattice:begin -->\n"), "{added}");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);

    let edited = format!("{}\nAfter.\n", added.replace("lattice next", "lattice never"));
    project.file("CLAUDE.md", &edited);
    assert_eq!(change(&project, &["setup-claude"]).0, "kept");
    assert_eq!(read(&project, "CLAUDE.md"), edited);
    assert!(project.ok(["setup-claude"]).contains("--force"));
    assert_eq!(change(&project, &["setup-claude", "--force"]).0, "replaced");
    assert_eq!(read(&project, "CLAUDE.md"), format!("{added}\nAfter.\n"));
}

#[test]
fn what_is_no_plain_text_is_refused_and_stays() {
    let outside = Project::empty();
    outside.file("theirs", "theirs");
    for name in [
        "a link that leads out",
        "a link to nothing",
        "a folder",
        "a pipe",
        "no text",
        "half a block",
        "two blocks",
    ] {
        let project = Project::empty();
        let file = project.path().join("CLAUDE.md");
        match name {
            "a link that leads out" => symlink(outside.path().join("theirs"), file).unwrap(),
            "a link to nothing" => symlink(project.path().join("gone"), file).unwrap(),
            "a folder" => fs::create_dir(file).unwrap(),
            "a pipe" => {
                assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success());
            }
            "no text" => project.file("CLAUDE.md", b"\xff\xfe"),
            "half a block" => project.file("CLAUDE.md", format!("{BEGIN}\nmine")),
            _ => project.file("CLAUDE.md", format!("{BEGIN}<!-- lattice:end -->").repeat(2)),
        }
        let content = || match name {
            "a pipe" => None,
            _ => fs::read(project.path().join("CLAUDE.md")).ok(),
        };
        let before = content();
        let (status, error) = project.refused(["setup-claude", "--force"]);
        assert!([1, 4].contains(&status) && error["hint"].is_string(), "{name}: {error}");
        assert_eq!(content(), before, "{name}");
        // And `init` finds that before it makes anything.
        project.refused(["init", "--setup-claude"]);
        assert!(!project.lattice().exists(), "{name}");
    }
    assert_eq!(fs::read_to_string(outside.path().join("theirs")).unwrap(), "theirs");
}

#[test]
fn a_link_within_the_project_is_followed() {
    let project = Project::empty();
    project.file("AGENTS.md", "# All\n");
    symlink("AGENTS.md", project.path().join("CLAUDE.md")).unwrap();
    assert_eq!(change(&project, &["setup-claude"]).0, "added");
    assert!(read(&project, "AGENTS.md").contains(BEGIN));
    assert!(project.path().join("CLAUDE.md").is_symlink());
}

#[test]
fn skills_are_written_where_each_agent_looks() {
    let project = Project::empty();
    fs::create_dir(project.home()).unwrap();
    for (line, place) in [
        (vec!["setup-claude-skill"], "home/.claude/skills/lattice/SKILL.md"),
        (vec!["setup-codex"], "home/.agents/skills/lattice/SKILL.md"),
        (vec!["setup-openclaw"], "skills/lattice/SKILL.md"),
        (vec!["setup-openclaw", "--global"], "home/.openclaw/skills/lattice/SKILL.md"),
    ] {
        assert_eq!(change(&project, &line).0, "created");
        assert!(read(&project, place).starts_with("---\nname: lattice\n"), "{place}");
        assert_eq!(change(&project, &line).0, "unchanged");
        project.file(place, "mine");
        assert_eq!(change(&project, &line).0, "kept");
        assert_eq!(read(&project, place), "mine");
        let forced: Vec<&str> = line.iter().copied().chain(["--force"]).collect();
        assert_eq!(change(&project, &forced).0, "replaced");
        assert_eq!(read(&project, place), project.ok(["setup-prompt"]));
    }
    let mut homeless = project.command(["setup-codex", "--json"]);
    let run = support::Run::of(homeless.env_remove("HOME").output().unwrap());
    assert!(run.status == 1 && run.stdout.contains("VALIDATION_ERROR"), "{run:?}");
    assert_eq!(project.refused(["setup-openclaw", "--path", "nowhere"]).0, 2);
    assert_eq!(project.refused(["setup-openclaw", "--path", ".", "--global"]).0, 2);
}

#[test]
fn a_home_whose_link_leads_out_is_refused() {
    let (project, outside) = (Project::empty(), Project::empty());
    fs::create_dir(project.home()).unwrap();
    symlink(outside.path(), project.home().join(".claude")).unwrap();
    let (status, error) = project.refused(["setup-claude-skill"]);
    assert_eq!((status, &error["code"]), (4, &json!("STORE_DENIED")));
    assert!(!outside.path().join("skills").exists());
}

#[test]
fn the_texts_are_printed_anywhere() {
    let nowhere = Project::empty();
    let skill = nowhere.ok(["setup-prompt"]);
    let block = nowhere.ok(["setup-prompt", "--claude-md"]);
    assert!(skill.contains("next --claim") && block.contains("next --claim") && block.len() < skill.len());
    assert_eq!(nowhere.json(["setup-prompt"]), json!({"prompt": skill}));
}

#[test]
fn init_writes_for_agents_only_what_was_asked_for() {
    let project = Project::empty();
    let data = project.json(["init", "--project-code", "LAT", "--setup-agents", "--setup-claude"]);
    assert_eq!(data["created"], true);
    let files: Vec<&str> =
        data["files"].as_array().unwrap().iter().map(|file| file["change"].as_str().unwrap()).collect();
    assert_eq!(files, ["created", "created"]);
    assert!(read(&project, "agents.md").contains(BEGIN) && read(&project, "CLAUDE.md").contains(BEGIN));
    assert!(project.ok(["init", "--setup-claude"]).contains("Up to date: "));

    let project = Project::empty();
    project.file("AGENTS.md", "# Ours\n");
    let text = project.ok(["init", "--setup-agents", "--no-setup-claude"]);
    assert!(text.contains("Added to ") && text.contains("AGENTS.md"), "{text}");
    assert!(!project.path().join("agents.md").exists() && !project.path().join("CLAUDE.md").exists());
}

#[test]
fn init_makes_example_tasks_that_hold_together() {
    let project = Project::empty();
    assert_eq!(
        project.json(["init", "--project-code", "LAT", "--seed", "--actor", "human:ada"])["files"],
        json!([])
    );
    let tasks = project.json(["list", "--tag", "example"]);
    let statuses: Vec<&str> =
        tasks.as_array().unwrap().iter().map(|task| task["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["backlog", "done", "in_progress", "backlog"]);
    assert!(tasks.as_array().unwrap().iter().all(|task| task["created_by"] == "system:init"));
    let comments: u64 = tasks.as_array().unwrap().iter().map(|t| t["comment_count"].as_u64().unwrap()).sum();
    assert_eq!(comments, 2);
    let waits = project.json(["blocked"]);
    assert!(waits.to_string().contains("LAT-3") && waits.to_string().contains("\"blocks\""), "{waits}");
    assert_eq!(project.run(["doctor"]).status, 0);
    assert_eq!(project.json(["show", "LAT-2"])["valid_transitions"].as_array().unwrap().len(), 2);
}

#[test]
fn example_tasks_that_cannot_be_made_leave_nothing() {
    let project = Project::empty();
    let (status, error) = project.refused(["init", "--seed"]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")));
    assert!(!project.lattice().exists());
    let source = Project::new();
    source.task("Kept");
    source.ok(["export"]);
    for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm"] {
        drop(fs::remove_file(source.lattice().join(name)));
    }
    let (status, error) = source.refused(["init", "--seed"]);
    assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")));
    assert!(!source.database().exists());
}

#[test]
fn init_takes_the_words_of_the_opinionated_workflow() {
    let project = Project::empty();
    project.ok([
        "init",
        "--project-code",
        "LAT",
        "--workflow",
        "Opinionated",
        "--heartbeat",
        "--seed",
        "--quiet",
    ]);
    assert_eq!(project.json(["config", "get", "workflow_preset"])["value"], "opinionated");
    assert_eq!(
        project.json(["config", "get", "heartbeat"])["value"],
        json!({"enabled": true, "max_advances": 10})
    );
    assert!(project.ok(["list"]).contains("shipped"));
    let project = Project::empty();
    project.ok(["init", "--heartbeat", "--no-heartbeat", "--seed", "--no-seed", "--description", "For us."]);
    assert_eq!(project.refused(["config", "get", "heartbeat"]).0, 1);
    assert!(project.ok(["context"]).contains("For us."));
    assert_eq!(project.json(["list"]), Value::Array(Vec::new()));
}

#[test]
fn at_a_terminal_init_asks_for_examples_and_agents() {
    let project = Project::empty();
    let run = terminal::talk(project.command(["init"]), "ada\nSite\nweb\n\ny\n");
    assert!(run.status == 0 && run.stdout.contains("Make example tasks? [Y/n]"), "{}", run.stdout);
    assert_eq!(project.json(["list"]).as_array().unwrap().len(), 4);
    assert!(read(&project, "CLAUDE.md").contains(BEGIN) && read(&project, "agents.md").contains(BEGIN));
}
