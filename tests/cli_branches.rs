//! Branches and commits of git: linked by hand, and found by the task's name.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::Project;

fn git(folder: &Path, line: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "commit.gpgSign=false",
    ]);
    command.args(line).env("GIT_CONFIG_GLOBAL", "/dev/null").env_remove("GIT_DIR");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line:?}: {output:?}");
}

fn commit(folder: &Path, message: &str) {
    git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
}

/// A tracker in a repository, with LAT-1 and LAT-2.
fn repository() -> Project {
    let project = Project::new();
    git(project.path(), &["init", "-q", "-b", "main"]);
    project.task("One");
    project.task("Two");
    project
}

fn branches(project: &Project, task: &str) -> Value {
    project.json(["show", task])["auto_detected_branches"].take()
}

fn subjects(project: &Project, task: &str) -> Vec<String> {
    let shown = project.json(["show", task]);
    let commits = shown["auto_detected_commits"].as_array().cloned().unwrap_or_default();
    commits.iter().map(|commit| commit["subject"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_branch_is_linked_and_unlinked() {
    let project = Project::new();
    project.task("One");
    assert_eq!(project.ok(["branch-link", "LAT-1", "feat/x"]), "LAT-1 has the branch feat/x\n");
    let data = project.json(["branch-link", "LAT-1", " feat/x ", "--repo", "web"]);
    let links: Vec<(&Value, &Value)> = data["branch_links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (&link["branch"], &link["repo"]))
        .collect();
    assert_eq!(links, [(&json!("feat/x"), &Value::Null), (&json!("feat/x"), &json!("web"))]);
    assert_eq!(data["branch_links"][0]["linked_by"], "agent:test");
    let id = data["id"].as_str().unwrap();
    let events = project.json(["show", "LAT-1"])["events"].clone();
    assert_eq!(
        (&events[1]["type"], &events[1]["data"]),
        (&json!("branch_linked"), &json!({"branch": "feat/x"}))
    );
    assert_eq!(events[2]["data"], json!({"branch": "feat/x", "repo": "web"}));
    let text = project.ok(["show", "LAT-1"]);
    assert!(text.contains("\n  feat/x in web  ("), "{text}");
    for line in [vec!["feat/x"], vec!["feat/x", "--repo", " "], vec!["feat/x", "--repo", "web"]] {
        let (_, error) = project.refused([&["branch-link", "LAT-1"], &line[..]].concat());
        assert_eq!(error["code"], "CONFLICT", "{line:?}");
    }
    assert_eq!(project.ok(["branch-unlink", "LAT-1", "feat/x"]), "LAT-1 no longer has the branch feat/x\n");
    for line in [vec!["feat/x"], vec!["feat"], vec!["feat/x", "--repo", "app"], vec![" "]] {
        let (_, error) = project.refused([&["branch-unlink", "LAT-1"], &line[..]].concat());
        assert_eq!(error["code"], "NOT_FOUND", "{line:?}");
    }
    assert_eq!(
        project.ok(["branch-unlink", "LAT-1", "feat/x", "--repo", "web", "--quiet"]),
        format!("{id}\n")
    );
    assert_eq!(project.json(["show", "LAT-1"])["branch_links"], json!([]));
    project.ok(["doctor"]);
}

#[test]
fn a_branch_that_git_could_not_have_is_refused() {
    let project = Project::new();
    project.task("One");
    for (line, code) in [
        (vec!["LAT-1", ""], "VALIDATION_ERROR"),
        (vec!["LAT-1", " \t"], "VALIDATION_ERROR"),
        (vec!["LAT-1", "a\nb"], "VALIDATION_ERROR"),
        (vec!["LAT-1", "a\u{1b}[2J"], "VALIDATION_ERROR"),
        (vec!["LAT-1", "a", "--repo", "b\u{7}"], "VALIDATION_ERROR"),
        (vec!["LAT-2", "a"], "NOT_FOUND"),
        (vec!["LAT-1", "a", "--actor", "b"], "INVALID_ACTOR"),
    ] {
        let (status, error) = project.refused([&["branch-link"], &line[..]].concat());
        assert_eq!((status, error["code"].as_str()), (1, Some(code)), "{line:?}");
    }
    let run = project.tried(["branch-link", "LAT-1", "--", "-D"]);
    assert!(run.status == 1 && run.stderr.contains("[VALIDATION_ERROR]"), "{run:?}");
    project.ok(["archive", "LAT-1"]);
    assert_eq!(project.refused(["branch-link", "LAT-1", "a"]).1["code"], "NOT_FOUND");
    assert_eq!(project.json(["show", "LAT-1"])["branch_links"], json!([]));
}

#[test]
fn sixteen_at_once_link_a_branch_once() {
    let project = Project::new();
    project.task("One");
    let runs = project.at_once((0..16).map(|_| vec!["branch-link", "LAT-1", "main"]));
    assert_eq!(runs.iter().filter(|run| run.status == 0).count(), 1);
    assert_eq!(project.json(["show", "LAT-1"])["branch_links"].as_array().unwrap().len(), 1);
}

#[test]
fn branches_and_commits_that_name_the_task_are_found() {
    let project = repository();
    let here = project.path();
    for message in
        ["LAT-1: first", "LAT-12: other", "words\n\nfor LAT-1, at last", "lat-1 in prose", "LAT-WEB-1"]
    {
        commit(here, message);
    }
    for branch in
        ["LAT-1", "feature/lat-1-login", "lat-1/deep/er", "fix-LAT-1", "LAT-12", "XLAT-1", "LAT-WEB-1"]
    {
        git(here, &["branch", branch]);
    }
    let found = json!(["LAT-1", "feature/lat-1-login", "fix-LAT-1", "lat-1/deep/er"]);
    assert_eq!(branches(&project, "LAT-1"), found);
    assert_eq!(subjects(&project, "LAT-1"), ["words", "LAT-1: first"]);
    let shown = project.json(["show", "LAT-1"]);
    let first = &shown["auto_detected_commits"][1];
    assert_eq!(first.as_object().unwrap().keys().collect::<Vec<_>>(), ["date", "sha", "subject"]);
    assert_eq!((first["sha"].as_str().unwrap().len(), first["date"].as_str().unwrap().len()), (40, 20));
    let other = project.json(["show", "LAT-2"]);
    assert!(other.get("auto_detected_branches").is_none() && other.get("auto_detected_commits").is_none());
    project.ok(["branch-link", "LAT-1", "LAT-1"]);
    let text = project.ok(["show", "LAT-1"]);
    assert!(text.contains("Branches:\n  LAT-1  (") && text.contains("\n  fix-LAT-1  (found)\n"), "{text}");
    assert!(!text.contains("  LAT-1  (found)"), "{text}");
    assert!(text.contains(&format!("\n  {}  ", &first["sha"].as_str().unwrap()[..10])), "{text}");
    let compact = project.json(["show", "LAT-1", "--compact"]);
    assert!(compact.get("auto_detected_branches").is_none());
    project.ok(["config", "set", "git.detect", "false"]);
    assert_eq!((branches(&project, "LAT-1"), subjects(&project, "LAT-1").len()), (Value::Null, 0));
}

#[test]
fn an_id_of_a_sub_project_is_found_whole() {
    let project = repository();
    project.ok(["set-subproject-code", "WEB"]);
    assert_eq!(project.task("Three"), "LAT-WEB-1");
    commit(project.path(), "LAT-WEB-1 done");
    commit(project.path(), "LAT-WEB-11 done");
    git(project.path(), &["branch", "fix/lat-web-1"]);
    assert_eq!(branches(&project, "LAT-WEB-1"), json!(["fix/lat-web-1"]));
    assert_eq!(subjects(&project, "LAT-WEB-1"), ["LAT-WEB-1 done"]);
    assert_eq!((branches(&project, "LAT-1"), subjects(&project, "LAT-1").len()), (Value::Null, 0));
}

#[test]
fn every_state_of_a_repository_is_taken_as_it_is() {
    let project = repository();
    let here = project.path();
    // No commit yet.
    assert_eq!(branches(&project, "LAT-1"), Value::Null);
    commit(here, "LAT-1 first");
    git(here, &["checkout", "-q", "--orphan", "empty"]);
    assert_eq!(subjects(&project, "LAT-1"), ["LAT-1 first"]);
    git(here, &["checkout", "-q", "main"]);
    git(here, &["checkout", "-q", "--detach"]);
    commit(here, "LAT-1 detached");
    assert_eq!(subjects(&project, "LAT-1"), ["LAT-1 detached", "LAT-1 first"]);
    git(here, &["branch", "lat-1-packed"]);
    git(here, &["pack-refs", "--all"]);
    assert_eq!(branches(&project, "LAT-1"), json!(["lat-1-packed"]));
    // A worktree beside it, which shares the tracker; its checkout counts.
    let beside = here.join("beside");
    git(here, &["worktree", "add", "-q", "-b", "lat-2-beside", beside.to_str().unwrap()]);
    let mut command = project.command(["show", "LAT-2", "--json"]);
    let output = command.current_dir(&beside).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["data"]["auto_detected_branches"], json!(["lat-2-beside"]));
    // Somebody else's variables do not lead it astray.
    let mut command = project.command(["show", "LAT-1", "--json"]);
    command.env("GIT_DIR", "/nowhere").env("GIT_TRACE", "1").env("GIT_CONFIG_COUNT", "x");
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["data"]["auto_detected_branches"], json!(["lat-1-packed"]));
    std::fs::remove_dir_all(here.join(".git/objects")).unwrap();
    std::fs::remove_file(here.join(".git/HEAD")).unwrap();
    assert_eq!(branches(&project, "LAT-1"), Value::Null);
}

#[test]
fn a_repository_s_own_settings_start_no_program() {
    let project = repository();
    commit(project.path(), "LAT-1 first");
    let mark = project.path().join("mark");
    let program = project.path().join("program");
    script(&program, &format!("touch '{}'; cat", mark.display()));
    let program = program.to_str().unwrap();
    for key in
        ["core.fsmonitor", "core.pager", "pager.log", "gpg.program", "diff.external", "core.sshCommand"]
    {
        git(project.path(), &["config", key, program]);
    }
    git(project.path(), &["config", "log.showSignature", "true"]);
    git(project.path(), &["config", "alias.log", &format!("!{program}")]);
    git(project.path(), &["config", "alias.for-each-ref", &format!("!{program}")]);
    assert_eq!(subjects(&project, "LAT-1"), ["LAT-1 first"]);
    assert!(!mark.exists());
}

/// A program that is a shell script.
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// What `show` says with this as `git` on the search path.
fn show_with(project: &Project, git: &str) -> Value {
    let folder = project.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    script(&folder.join("git"), git);
    shown_on(project, &format!("{}:/usr/bin:/bin", folder.display()))
}

fn shown_on(project: &Project, path: &str) -> Value {
    let mut command = project.command(["show", "LAT-1", "--json"]);
    let output = command.env("PATH", path).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["data"].take()
}

#[test]
fn whatever_git_does_the_task_is_shown() {
    let project = repository();
    let pids = project.path().join("pids");
    let hang = format!("echo refs/heads/LAT-1-slow; sleep 1000 & echo $! >> '{}'; wait", pids.display());
    for (git, branches) in [
        ("exit 128", Value::Null),
        ("echo trouble >&2; exit 1", Value::Null),
        ("kill -9 $$", Value::Null),
        ("head -c 100000 /dev/zero", Value::Null),
        ("printf '\\377\\376refs/heads/LAT-1\\nrefs/heads/LAT-1-cut'", Value::Null),
        ("echo refs/heads/LAT-1; exec >&-; sleep 1000", json!(["LAT-1"])),
        (hang.as_str(), Value::Null),
    ] {
        let shown = show_with(&project, git);
        assert_eq!(shown["id"].as_str().unwrap().len(), 31);
        assert_eq!(shown["auto_detected_branches"], branches, "{git}");
    }
    // Nobody is left behind.
    let pids = std::fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        let ended = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z")
        };
        assert!(
            (0..500).any(|_| ended() || {
                std::thread::yield_now();
                false
            }),
            "{pid} is still at work"
        );
    }
    let shown = show_with(&project, "yes refs/heads/LAT-1");
    assert_eq!(shown["auto_detected_branches"].as_array().unwrap().len(), 50);
}

#[test]
fn git_is_looked_for_in_whole_folders_of_the_search_path_only() {
    let project = repository();
    let mark = project.path().join("mark");
    // No other program is on these paths.
    script(&project.path().join("git"), &format!(": > '{}'", mark.display()));
    for path in ["", ".", ":", "./:.", "/nowhere"] {
        assert!(shown_on(&project, path)["id"].is_string());
    }
    assert!(!mark.exists());
    let folder = project.path().join("plain");
    std::fs::create_dir_all(folder.join("git")).unwrap();
    shown_on(&project, folder.to_str().unwrap());
}

#[test]
fn git_is_not_asked_where_there_is_no_repository_or_for_the_short_forms() {
    let asked = |project: &Project, line: &[&str]| {
        let folder = project.path().join("bin");
        std::fs::create_dir_all(&folder).unwrap();
        let mark: PathBuf = folder.join("mark");
        script(&folder.join("git"), &format!("touch '{}'", mark.display()));
        let path = format!("{}:/usr/bin:/bin", folder.display());
        assert!(project.command(line).env("PATH", path).output().unwrap().status.success());
        std::fs::remove_file(mark).is_ok()
    };
    let project = Project::new();
    project.task("One");
    // The folder for temporary files may lie in somebody's repository.
    if !project.path().ancestors().any(|folder| folder.join(".git").exists()) {
        assert!(!asked(&project, &["show", "LAT-1"]));
    }
    let project = repository();
    assert!(asked(&project, &["show", "LAT-1"]));
    for line in [vec!["show", "LAT-1", "--compact"], vec!["show", "LAT-1", "--quiet"], vec!["list"]] {
        assert!(!asked(&project, &line), "{line:?}");
    }
    project.ok(["config", "set", "git.detect", "false"]);
    assert!(!asked(&project, &["show", "LAT-1"]));
    for value in ["1", "\"no\""] {
        assert_eq!(project.refused(["config", "set", "git.detect", value]).1["code"], "VALIDATION_ERROR");
    }
}
