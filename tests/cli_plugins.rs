//! Plugins, the manual, and what `lattice` alone says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use support::{Project, Run};

fn script(project: &Project, path: &str, body: &str, mode: u32) {
    let path = project.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

fn with_path(project: &Project, path: &str, line: &[&str]) -> Run {
    Run::of(project.command(line).env("PATH", path).output().unwrap())
}

#[test]
fn a_program_on_path_answers_with_its_own_exit_status() {
    let project = Project::new();
    let bin = project.path().join("bin");
    script(
        &project,
        "bin/lattice-hello",
        "echo \"$LATTICE_ROOT\"; echo \"$LATTICE_BIN\"; printf '[%s]' \"$@\"; exit 7",
        0o755,
    );
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let run = with_path(&project, &path, &["hello", "a b", "--json", "-x"]);
    let root = project.path().canonicalize().unwrap();
    let expected = format!("{}\n{}\n[a b][--json][-x]", root.display(), env!("CARGO_BIN_EXE_lattice"));
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (7, expected.as_str(), ""));

    script(
        &project,
        "bin/lattice-asks",
        "\"$LATTICE_BIN\" create 'By the plugin' --actor agent:p --quiet",
        0o755,
    );
    assert_eq!(with_path(&project, &path, &["asks"]).stdout, "LAT-1\n");
    let document: Value =
        serde_json::from_str(&with_path(&project, &path, &["plugins", "--json"]).stdout).unwrap();
    assert_eq!(
        document["data"],
        json!({
            "cli_plugins": [
                {"name": "asks", "value": bin.join("lattice-asks")},
                {"name": "hello", "value": bin.join("lattice-hello")},
            ],
            "template_blocks": [],
        })
    );
}

#[test]
fn what_is_built_in_wins_and_what_is_no_program_does_not_run() {
    let project = Project::new();
    let marker = format!("touch {}", project.path().join("marker").display());
    for name in ["lattice-list", "lattice-help", "lattice--x", "lattice-.x"] {
        script(&project, &format!("bin/{name}"), &marker, 0o755);
    }
    script(&project, "bin/lattice-idle", &marker, 0o644);
    fs::create_dir(project.path().join("bin/lattice-folder")).unwrap();
    script(&project, "lattice-here", &marker, 0o755);
    script(&project, "bin/lattice-dir/inner", &marker, 0o755);
    let path = format!("{}:/usr/bin:/bin", project.path().join("bin").display());
    for line in [["list"], ["help"]] {
        assert_eq!(with_path(&project, &path, &line).status, 0, "{line:?}");
    }
    for line in [["idle"], ["folder"], ["dir/inner"], ["../bin/lattice-list"], ["-x"], [".x"], [""]] {
        assert_eq!(with_path(&project, &path, &line).status, 2, "{line:?}");
    }
    // The folder that one stands in, under all its names.
    for path in ["", ":", ".:/usr/bin", "bin:/usr/bin", ":/usr/bin:"] {
        for name in ["here", "idle"] {
            assert_eq!(with_path(&project, path, &[name]).status, 2, "{path:?}");
        }
    }
    assert!(!project.path().join("marker").exists());
    let listed = with_path(&project, &path, &["plugins"]);
    assert!(listed.stdout.contains("list  ") && listed.stdout.contains("hidden"), "{}", listed.stdout);
    assert!(!listed.stdout.contains("idle") && !listed.stdout.contains("folder"), "{}", listed.stdout);
    assert_eq!(with_path(&project, &path, &["plugins", "--quiet"]).stdout, "");
    assert!(with_path(&project, "/nowhere", &["plugins"]).stdout.starts_with("No plugins"));
}

#[test]
fn an_unknown_command_is_a_usage_error_with_a_suggestion() {
    let run = Project::empty().run(["creat", "x"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("create"), "{}", run.stderr);
}

#[test]
fn a_plugin_works_outside_of_a_project_and_one_that_cannot_start_says_so() {
    let project = Project::empty();
    script(&project, "bin/lattice-root", "echo \"[$LATTICE_ROOT]\"", 0o755);
    let path = format!("{}:/usr/bin:/bin", project.path().join("bin").display());
    assert_eq!(with_path(&project, &path, &["root"]).stdout, "[]\n");
    let broken = project.path().join("bin/lattice-broken");
    fs::write(&broken, "#!/nowhere/at/all\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let run = with_path(&project, &path, &["broken"]);
    assert!(run.status == 1 && run.stderr.contains("[NOT_FOUND]"), "{run:?}");
}

#[test]
fn lattice_alone_says_where_things_stand() {
    let project = Project::new();
    let text = project.ok::<&str>([]);
    assert!(text.contains("/.lattice\nNo tasks yet\n\n  lattice next --claim"), "{text}");
    project.task("First \u{1b}[2J");
    let second = project.planned("Second");
    project.ok(["next", "--claim", "--actor", "agent:test"]);
    let text = project.ok::<&str>([]);
    assert!(text.contains("1 backlog · 1 in progress\n"), "{text}");
    assert!(text.contains(&format!("Next: {second} \"Second\"")), "own work stands first: {text}");
    assert!(project.run::<&str>([]).stdout.contains("Next: LAT-1 \"First \\u{1b}[2J\""));
    let outside = Project::empty();
    let text = outside.ok::<&str>([]);
    assert!(text.contains("lattice init") && text.lines().count() <= 5, "{text}");
    assert!(!outside.lattice().exists());
    fs::write(project.database(), "no database").unwrap();
    let run = project.run::<&str>([]);
    assert!(run.status == 0 && run.stdout.contains("Hint: "), "{run:?}");
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let nowhere = Project::empty();
    let whole = nowhere.ok(["man"]);
    for name in ["lattice", "lattice-create", "lattice-hooks-trust", "lattice-config-get"] {
        assert!(whole.contains(&format!(".TH {name} 1")), "{name}");
    }
    let one = nowhere.ok(["man", "create"]);
    assert!(one.contains("\\-\\-priority") && one.matches(".TH").count() == 1);
    assert_eq!(nowhere.json(["man", "create"]), json!({"manual": one}));
    assert!(nowhere.ok(["man", "hooks", "trust"]).contains(".TH lattice-hooks-trust 1"));
    let (status, error) = nowhere.refused(["man", "nothing"]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    let folder = nowhere.path().join("a/b");
    let files = nowhere.json(["man", "--to", folder.to_str().unwrap()]);
    let names: Vec<String> =
        files["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), whole.matches(".TH").count());
    assert_eq!(fs::read_to_string(folder.join("lattice-create.1")).unwrap(), one);
}
