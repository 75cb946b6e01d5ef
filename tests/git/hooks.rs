//! The hooks of git: they bring files and tracker together, and are in nobody's way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::repository::{
    clone_of, commit_all, git, git_command, lattice, lattice_command, repository, tracked, tried,
};
use super::support::{Project, Run};

const HOOKS: [&str; 4] = ["pre-commit", "post-merge", "post-checkout", "post-rewrite"];

fn hooked() -> Project {
    let here = repository();
    lattice(here.path(), ["git", "install-hooks"]);
    here
}

/// Commits what is staged, with hooks, as the person at the keyboard would.
fn commit(at: &Path) -> Run {
    let run = tried(at, ["commit", "-m", "work", "--allow-empty"]);
    assert_eq!(run.status, 0, "{run:?}");
    run
}

fn committed(at: &Path) -> Vec<String> {
    let names = git(at, ["show", "--format=", "--name-only", "HEAD"]);
    names.lines().map(str::to_owned).collect()
}

fn write_hook(at: &Path, name: &str, text: &str) {
    let path = at.join(".git/hooks").join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_commit_takes_the_tree_along_and_nothing_else() {
    let here = hooked();
    here.task("Second");
    here.file("code.txt", "1");
    git(here.path(), ["add", "code.txt"]);
    here.file("code.txt", "2");
    here.file("untracked.txt", "");
    fs::write(here.lattice().join("secret.env"), "KEY=1").unwrap();
    fs::create_dir(here.lattice().join("orchestration")).unwrap();
    fs::write(here.lattice().join("orchestration/notes.md"), "mine").unwrap();
    let run = commit(here.path());
    assert!(run.stderr.contains("Lattice: ") && run.stderr.contains(" of the tree staged."), "{run:?}");
    let names = committed(here.path());
    assert!(
        names.contains(&"code.txt".to_owned()) && names.contains(&".lattice/ids.json".to_owned()),
        "{names:?}"
    );
    assert_eq!(names.iter().filter(|name| name.starts_with(".lattice/events/task_")).count(), 1, "{names:?}");
    assert_eq!(git(here.path(), ["show", "HEAD:code.txt"]), "1");
    let left = git(here.path(), ["status", "--porcelain", "-uall"]);
    assert_eq!(
        left,
        " M code.txt\n?? .lattice/orchestration/notes.md\n?? .lattice/secret.env\n?? untracked.txt\n"
    );
    // Nothing to bring together is nothing to say.
    assert_eq!(commit(here.path()).stderr, "");
}

#[test]
fn a_task_that_moves_into_the_archive_moves_in_the_commit_too() {
    let here = hooked();
    here.ok(["archive", "LAT-1"]);
    commit(here.path());
    assert_eq!(git(here.path(), ["status", "--porcelain"]), "");
    let names = tracked(here.path());
    let is = |folder: &str| {
        names.iter().any(|name| name.starts_with(folder) && name.to_string_lossy().contains("task_"))
    };
    assert!(is(".lattice/archive/events") && !is(".lattice/events") && !is(".lattice/tasks"), "{names:?}");
}

#[test]
fn a_commit_of_named_files_takes_these_only_and_the_next_one_the_tree() {
    let here = hooked();
    here.file("a.txt", "1");
    git(here.path(), ["add", "a.txt"]);
    commit(here.path());
    here.task("Second");
    here.file("a.txt", "2");
    git(here.path(), ["commit", "-qm", "named", "a.txt"]);
    assert_eq!(committed(here.path()), ["a.txt"]);
    // The tree was written, and waits.
    assert!(
        git(here.path(), ["status", "--porcelain"])
            .lines()
            .all(|line| line.starts_with(" M") || line.starts_with("??"))
    );
    here.file("a.txt", "3");
    git(here.path(), ["commit", "-qam", "all"]);
    assert_eq!(git(here.path(), ["status", "--porcelain"]), "");
    assert!(committed(here.path()).len() > 2);
}

#[test]
fn a_pull_brings_the_work_of_others_in_and_a_checkout_too() {
    let here = hooked();
    let there = clone_of(&here);
    lattice(there.path(), ["git", "install-hooks"]);
    there.task("From there");
    commit(there.path());
    let run =
        tried(here.path(), ["pull", "--no-rebase", "--no-edit", there.path().to_str().unwrap(), "main"]);
    assert!(run.status == 0 && format!("{run:?}").contains("Lattice: In: 1 event on LAT-2."), "{run:?}");
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 2);
    // Another branch, checked out.
    git(there.path(), ["checkout", "-q", "-b", "side"]);
    there.task("On a branch");
    commit(there.path());
    git(here.path(), ["fetch", "-q", there.path().to_str().unwrap(), "side:side"]);
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 2);
    git(here.path(), ["checkout", "-q", "side"]);
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 3);
    git(here.path(), ["checkout", "-q", "main"]);
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 3, "what is known stays known");
    // And one that work is moved onto.
    there.task("Below");
    commit(there.path());
    git(here.path(), ["fetch", "-q", there.path().to_str().unwrap(), "side:below"]);
    here.file("mine.txt", "");
    git(here.path(), ["add", "mine.txt"]);
    git(here.path(), ["commit", "-qnm", "mine"]);
    git(here.path(), ["rebase", "-q", "below"]);
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 4);
}

#[test]
fn a_commit_that_concludes_a_merge_goes_through_and_brings_both_together() {
    let here = hooked();
    let there = clone_of(&here);
    for (project, text) in [(&here, "ours\n"), (&there, "theirs\n")] {
        project.ok(["create", "One more", "--description", text]);
        project.fed(["notes", "LAT-1", "--file", "-"], text.as_bytes());
        project.file("code.txt", text);
        project.ok(["sync"]);
        commit_all(project.path());
    }
    let run = tried(
        here.path(),
        ["pull", "-q", "--no-rebase", "--no-edit", there.path().to_str().unwrap(), "main"],
    );
    assert_eq!(run.status, 1, "{run:?}");
    here.file("code.txt", "both\n");
    git(here.path(), ["add", "-A"]);
    let run = commit(here.path());
    assert!(run.stderr.contains("Lattice: In: 2 events"), "{run:?}");
    assert_eq!(git(here.path(), ["rev-list", "--parents", "-1", "HEAD"]).split(' ').count(), 3);
    assert_eq!(git(here.path(), ["status", "--porcelain"]), "");
    let markers = tried(here.path(), ["grep", "-l", "<<<<<<<", "HEAD", "--", ".lattice"]);
    assert_eq!(markers.stdout, "", "no marker was committed");
}

#[test]
fn text_that_is_still_in_conflict_is_told_of_and_the_commit_goes_through() {
    let here = hooked();
    here.task("Second");
    let notes = here.lattice().join("context.md");
    fs::write(&notes, "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n").unwrap();
    git(here.path(), ["add", "-A"]);
    let run = commit(here.path());
    assert!(run.stderr.contains("context.md:2") && run.stderr.contains("[IMPORT_INVALID]"), "{run:?}");
    assert_eq!(fs::read_to_string(&notes).unwrap().lines().count(), 6);
}

#[test]
fn no_commit_waits_for_a_tracker_that_is_missing_busy_or_broken() {
    let says =
        |run: &Run, what: &str| assert!(run.status == 0 && run.stderr.contains(what), "{what}: {run:?}");
    let here = hooked();
    let again = || git_command(here.path(), ["commit", "-qm", "work", "--allow-empty"]);
    // Not installed here.
    let rest: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .filter(|folder| !folder.join("lattice").exists())
        .collect();
    let run = Run::of(again().env("PATH", std::env::join_paths(rest).unwrap()).output().unwrap());
    says(&run, "lattice: not on PATH");
    // Somebody writes and does not end.
    let lock = fs::File::options().write(true).open(here.lattice().join("lock")).unwrap();
    lock.lock().unwrap();
    let run = Run::of(again().env("LATTICE_LOCK_TIMEOUT", "0.05").output().unwrap());
    says(&run, "[STORE_BUSY]");
    drop(lock);
    // A setting that is nonsense, a folder that is not there on this branch.
    says(&Run::of(again().env("LATTICE_LOCK_TIMEOUT", "soon").output().unwrap()), "[VALIDATION_ERROR]");
    let run = Run::of(
        lattice_command(here.path(), ["git", "run-hook", "pre-commit", "--in", "nowhere"]).output().unwrap(),
    );
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    // Another tracker, which its user works in meanwhile, is none of its business.
    let other = Project::new();
    says(&Run::of(again().env("LATTICE_ROOT", other.path()).output().unwrap()), "");
    assert!(!other.lattice().join("tasks").exists());
    // Damaged, then gone.
    fs::write(here.database(), "no database at all").unwrap();
    says(&Run::of(again().output().unwrap()), "[STORE_NOT_A_DATABASE]");
    for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm"] {
        let _ = fs::remove_file(here.lattice().join(name));
    }
    says(&Run::of(again().output().unwrap()), "[NOT_INITIALIZED]");
    let run = tried(here.path(), ["checkout", "-b", "other"]);
    assert_eq!(run.status, 0, "{run:?}");
    let run = tried(here.path(), ["checkout", "HEAD^"]);
    says(&run, "[NOT_INITIALIZED]");
}

#[test]
fn hooks_of_others_are_left_alone_and_can_call_lattice_themselves() {
    let here = repository();
    write_hook(here.path(), "pre-commit", "#!/bin/sh\necho checked >> checked.txt\n");
    let (status, error) = here.refused(["git", "install-hooks"]);
    assert_eq!((status, &error["code"]), (1, &"CONFLICT".into()));
    let line = error["details"]["hooks"][0]["line"].as_str().unwrap().to_owned();
    assert!(error["hint"].as_str().unwrap().contains(&line), "{error}");
    assert!(!here.path().join(".git/hooks/post-merge").exists(), "all or none");
    write_hook(
        here.path(),
        "pre-commit",
        &format!("#!/bin/sh\nset -e\necho checked >> checked.txt\n{line}\n"),
    );
    let data = here.json(["git", "install-hooks"]);
    assert_eq!(data["changed"], serde_json::json!(["post-merge", "post-checkout", "post-rewrite"]));
    assert_eq!(data["hooks"][0]["state"], "called by another");
    here.task("Second");
    commit(here.path());
    assert!(committed(here.path()).contains(&".lattice/ids.json".to_owned()));
    assert_eq!(fs::read_to_string(here.path().join("checked.txt")).unwrap(), "checked\n");
    let run = here.run(["git", "uninstall-hooks", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        document["data"]["changed"],
        serde_json::json!(["post-merge", "post-checkout", "post-rewrite"])
    );
    assert!(document["warnings"][0].as_str().unwrap().contains("pre-commit"), "{document}");
    assert!(fs::read_to_string(here.path().join(".git/hooks/pre-commit")).unwrap().contains("checked"));
}

#[test]
fn they_are_installed_once_and_taken_away_without_a_trace() {
    let here = repository();
    let folder = here.path().join(".git/hooks");
    fs::remove_dir_all(&folder).unwrap();
    let data = here.json(["git", "install-hooks"]);
    assert_eq!(data["changed"], serde_json::json!(HOOKS));
    assert_eq!(here.json(["git", "install-hooks"])["changed"], serde_json::json!([]));
    for name in HOOKS {
        assert_eq!(fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o111, 0o111, "{name}");
    }
    // One that lost its mode does nothing, and gets it back.
    fs::set_permissions(folder.join("post-merge"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(here.json(["git", "install-hooks"])["changed"], serde_json::json!(["post-merge"]));
    // One that somebody changed is theirs from then on.
    let mine = fs::read_to_string(folder.join("post-rewrite")).unwrap() + "make test\n";
    fs::write(folder.join("post-rewrite"), &mine).unwrap();
    let run = here.run(["git", "uninstall-hooks", "--quiet"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "pre-commit\npost-merge\npost-checkout\n"), "{run:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(folder.join("post-rewrite")).unwrap(), mine);
}

#[test]
fn the_folder_that_git_is_told_to_look_in_is_used_unless_it_serves_others_too() {
    let here = repository();
    git(here.path(), ["config", "--local", "core.hooksPath", "tools/git hooks"]);
    lattice(here.path(), ["git", "install-hooks"]);
    assert!(here.path().join("tools/git hooks/pre-commit").exists());
    here.task("Second");
    commit(here.path());
    assert!(committed(here.path()).contains(&".lattice/ids.json".to_owned()));
    here.ok(["git", "uninstall-hooks"]);
    git(here.path(), ["config", "--local", "--unset", "core.hooksPath"]);
    here.file("config-of-all", "[core]\n\thooksPath = /nowhere/hooks\n");
    for action in ["install-hooks", "uninstall-hooks"] {
        let mut command = lattice_command(here.path(), ["git", action, "--json"]);
        command.env("GIT_CONFIG_GLOBAL", here.path().join("config-of-all"));
        let run = Run::of(command.output().unwrap());
        assert!(run.status == 1 && run.stdout.contains("/nowhere/hooks"), "{run:?}");
    }
}

#[test]
fn a_project_in_a_folder_with_blanks_and_quotes_has_its_hooks_in_worktrees_too() {
    let here = Project::empty();
    let top = here.path().join("the top");
    let project = top.join("it's a \"web\" $app");
    fs::create_dir_all(&project).unwrap();
    git(&top, ["init", "-q"]);
    lattice(&project, ["init", "--project-code", "LAT"]);
    lattice(&project, ["git", "setup"]);
    lattice(&project, ["git", "install-hooks"]);
    lattice(&project, ["create", "One"]);
    commit(&top);
    assert_eq!(git(&top, ["status", "--porcelain"]), "");
    assert!(!tracked(&top).is_empty());
    let said = git(&top, ["worktree", "add", "-b", "side", "../a side"]);
    assert!(!said.contains("lattice"), "{said}");
    let side = here.path().join("a side");
    let inside = side.join("it's a \"web\" $app");
    lattice(&inside, ["create", "Two"]);
    commit(&side);
    assert_eq!(git(&side, ["status", "--porcelain"]), "");
    assert_eq!(git(&top, ["status", "--porcelain"]), "", "the other worktree's tree is not touched");
    git(&top, ["merge", "-q", "side"]);
    lattice(&project, ["sync"]);
    assert_eq!(git(&top, ["status", "--porcelain"]), "");
}
