//! Which tracker and which tree a command means, wherever git keeps its things.

use std::fs;
use std::path::Path;

use super::repository::{commit_all, git, lattice, lattice_command, real, repository, tried};
use super::support::{Project, Run};

fn titles(at: &Path) -> Vec<String> {
    let listed = lattice(at, ["list", "--json", "--fields", "title"]);
    let document: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let rows = document["data"].as_array().unwrap().iter();
    let mut titles: Vec<String> = rows.map(|row| row["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn databases(at: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![at.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name == "lattice.db") {
                found.push(path.strip_prefix(at).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn worktrees_share_the_database_and_each_has_its_own_tree() {
    let here = repository();
    let (main, linked) = (here.path().to_path_buf(), here.path().join("linked tree"));
    git(&main, ["worktree", "add", "-q", "-b", "side", "linked tree"]);
    lattice(&linked, ["create", "Made in the worktree"]);
    assert_eq!(titles(&main), ["Made in the worktree", "Shared"]);
    assert_eq!(databases(&main), [".lattice/lattice.db"]);
    lattice(&linked, ["sync"]);
    let logs = |at: &Path| fs::read_dir(at.join(".lattice/events")).unwrap().count();
    assert_eq!((logs(&main), logs(&linked)), (2, 3), "the tree of the one that asked is written");
    // What comes by git into one worktree is known in all of them.
    commit_all(&linked);
    fs::write(linked.join(".lattice/context.md"), "# From the side\n").unwrap();
    lattice(&linked, ["import"]);
    assert_eq!(lattice(&main, ["context"]), "# From the side\n");
    git(&main, ["merge", "-q", "side"]);
    lattice(&main, ["sync"]);
    assert_eq!(logs(&main), 3);
}

#[test]
fn a_worktree_of_a_branch_without_a_tree_gets_one_when_it_syncs() {
    let here = repository();
    let (main, linked) = (here.path().to_path_buf(), here.path().join("linked"));
    git(&main, ["worktree", "add", "-q", "--orphan", "-b", "side", "linked"]);
    lattice(&linked, ["sync"]);
    assert!(linked.join(".lattice/events").is_dir());
    assert_eq!(titles(&linked), titles(&main));
}

#[test]
fn a_tracker_that_is_made_in_a_worktree_is_made_for_all_of_them() {
    let here = Project::empty();
    let (main, linked) = (here.path().join("main"), here.path().join("linked"));
    git(here.path(), ["init", "-q", "main"]);
    fs::create_dir(main.join("sub")).unwrap();
    fs::write(main.join("sub/file"), "").unwrap();
    commit_all(&main);
    git(&main, ["worktree", "add", "-q", "-b", "side", "../linked"]);
    lattice(&linked.join("sub"), ["init", "--project-code", "LAT"]);
    assert_eq!(databases(here.path()), ["main/sub/.lattice/lattice.db"]);
    lattice(&linked.join("sub"), ["create", "One"]);
    assert_eq!(titles(&main.join("sub")), ["One"]);
    assert!(lattice(&linked.join("sub"), ["init"]).starts_with("Already initialised"));
}

#[test]
fn a_worktree_that_has_a_tree_where_the_main_one_has_none_gives_its_tasks_to_the_new_tracker() {
    let origin = repository();
    let here = Project::empty();
    let (main, linked) = (here.path().join("main"), here.path().join("linked"));
    git(here.path(), ["clone", "-q", origin.path().to_str().unwrap(), "main"]);
    git(&main, ["checkout", "-q", "--orphan", "empty"]);
    git(&main, ["rm", "-rqf", "."]);
    git(&main, ["commit", "-qm", "nothing", "--allow-empty"]);
    git(&main, ["worktree", "add", "-q", "../linked", "main"]);
    lattice(&linked, ["init"]);
    assert_eq!(databases(here.path()), ["main/.lattice/lattice.db"]);
    assert_eq!((titles(&linked), titles(&main)), (vec!["Shared".to_owned()], vec!["Shared".to_owned()]));
    assert_eq!(lattice(&linked, ["sync"]), "In: nothing new.\nOut: nothing to write.\n");
}

#[test]
fn a_submodule_has_its_own_tracker_and_its_worktrees_share_it() {
    let part = repository();
    let whole = repository();
    git(whole.path(), ["submodule", "--quiet", "add", part.path().to_str().unwrap(), "part"]);
    let inside = whole.path().join("part");
    // Its tree has no database yet: it is not that of the repository around it.
    let run = Run::of(lattice_command(&inside, ["list"]).output().unwrap());
    assert!(run.status == 1 && run.stderr.contains("NOT_INITIALIZED"), "{run:?}");
    lattice(&inside, ["init"]);
    lattice(&inside, ["create", "Of the part"]);
    assert_eq!(titles(whole.path()), ["Shared"]);
    git(&inside, ["worktree", "add", "-q", "-b", "side", "../../side"]);
    let side = whole.path().parent().unwrap().join("side");
    git(&inside, ["worktree", "move", side.to_str().unwrap(), whole.path().join("side").to_str().unwrap()]);
    assert_eq!(titles(&whole.path().join("side")), ["Of the part", "Shared"]);
    // What is set up there is set up there only.
    lattice(&inside, ["git", "install-hooks"]);
    assert!(whole.path().join(".git/modules/part/hooks/pre-commit").exists());
    assert!(!whole.path().join(".git/hooks/pre-commit").exists());
}

#[test]
fn a_submodule_without_a_tree_belongs_to_the_tracker_around_it() {
    let part = Project::empty();
    git(part.path(), ["init", "-q"]);
    fs::write(part.path().join("file"), "").unwrap();
    commit_all(part.path());
    let whole = repository();
    git(whole.path(), ["submodule", "--quiet", "add", part.path().to_str().unwrap(), "part"]);
    assert_eq!(titles(&whole.path().join("part")), ["Shared"]);
    commit_all(whole.path());
    // In a worktree too: it shares what the worktree around it shares.
    git(whole.path(), ["worktree", "add", "-q", "-b", "side", "side"]);
    git(&whole.path().join("side"), ["submodule", "--quiet", "update", "--init"]);
    lattice(&whole.path().join("side/part"), ["create", "From the part"]);
    assert_eq!(titles(whole.path()), ["From the part", "Shared"]);
}

#[test]
fn worktrees_of_a_bare_repository_have_their_own_trackers_and_meet_through_git() {
    let here = repository();
    let place = Project::empty();
    git(place.path(), ["clone", "-q", "--bare", here.path().to_str().unwrap(), "repo.git"]);
    let bare = place.path().join("repo.git");
    for name in ["one", "two"] {
        git(&bare, ["worktree", "add", "-q", "-b", name, &format!("../{name}")]);
        lattice(&place.path().join(name), ["init"]);
    }
    assert_eq!(databases(place.path()), ["one/.lattice/lattice.db", "two/.lattice/lattice.db"]);
    let one = place.path().join("one");
    lattice(&one, ["create", "From one"]);
    lattice(&one, ["sync"]);
    commit_all(&one);
    git(&place.path().join("two"), ["merge", "-q", "one"]);
    lattice(&place.path().join("two"), ["sync"]);
    assert_eq!(titles(&place.path().join("two")), ["From one", "Shared"]);
    // In the bare repository itself nothing is checked out and nothing is found.
    let run = Run::of(lattice_command(&bare, ["list"]).output().unwrap());
    assert!(run.status == 1 && run.stderr.contains("NOT_INITIALIZED"), "{run:?}");
}

#[test]
fn worktrees_beside_a_hidden_bare_repository_share_the_tracker_of_the_folder_around_it() {
    let here = repository();
    let place = Project::empty();
    git(place.path(), ["clone", "-q", "--bare", here.path().to_str().unwrap(), ".bare"]);
    fs::write(place.path().join(".git"), "gitdir: ./.bare\n").unwrap();
    for name in ["one", "two"] {
        git(place.path(), ["worktree", "add", "-q", "-b", name, name]);
    }
    lattice(&place.path().join("one"), ["init"]);
    assert_eq!(databases(place.path()), [".lattice/lattice.db"]);
    lattice(&place.path().join("two"), ["create", "From two"]);
    assert_eq!(titles(&place.path().join("one")), ["From two", "Shared"]);
    lattice(&place.path().join("one"), ["sync"]);
    assert!(!place.path().join(".lattice/tasks").exists(), "the tree is the worktree's");
}

#[test]
fn git_dir_says_which_repository_is_set_up_and_not_where_the_tracker_is() {
    let here = repository();
    let other = repository();
    let at = |project: &Project| project.path().join(".git");
    let mut list = lattice_command(here.path(), ["list", "--json"]);
    list.env("GIT_DIR", at(&other)).env("GIT_WORK_TREE", other.path());
    here.task("Only here");
    let run = Run::of(list.output().unwrap());
    assert!(run.status == 0 && run.stdout.contains("Only here"), "{run:?}");
    // git would act on the other repository, in which this project does not lie.
    let mut setup = lattice_command(here.path(), ["git", "install-hooks", "--json"]);
    setup.env("GIT_DIR", at(&other)).env("GIT_WORK_TREE", other.path());
    let run = Run::of(setup.output().unwrap());
    assert!(run.status == 1 && run.stdout.contains("NOT_FOUND"), "{run:?}");
    // A folder whose repository is found by these alone, the path relative.
    let place = Project::new();
    git(place.path(), ["init", "-q", "--bare", "store"]);
    git(place.path(), ["--git-dir=store", "config", "core.bare", "false"]);
    let mut setup = lattice_command(place.path(), ["git", "install-hooks"]);
    setup.env("GIT_DIR", "store").env("GIT_WORK_TREE", ".");
    let run = Run::of(setup.output().unwrap());
    assert!(run.status == 0 && place.path().join("store/hooks/pre-commit").exists(), "{run:?}");
}

#[test]
fn a_git_directory_that_lies_elsewhere_is_found() {
    let place = Project::empty();
    let work = place.path().join("work");
    git(place.path(), ["init", "-q", "--separate-git-dir", "store", "work"]);
    lattice(&work, ["init", "--project-code", "LAT"]);
    lattice(&work, ["create", "One"]);
    lattice(&work, ["git", "setup"]);
    lattice(&work, ["git", "install-hooks"]);
    assert!(place.path().join("store/hooks/post-merge").exists());
    git(&work, ["commit", "-qm", "one", "--allow-empty"]);
    assert_eq!(git(&work, ["status", "--porcelain"]), "");
    // git does not know where such a repository's main worktree is, so a linked one is by itself.
    git(&work, ["worktree", "add", "-q", "-b", "side", "../side"]);
    let side = place.path().join("side");
    let run = Run::of(lattice_command(&side, ["list"]).output().unwrap());
    assert!(run.status == 1 && run.stderr.contains("NOT_INITIALIZED"), "{run:?}");
    lattice(&side, ["init"]);
    assert_eq!(titles(&side), ["One"]);
}

#[test]
fn a_path_with_links_leads_to_the_same_tracker_and_hooks_work_from_there() {
    let here = repository();
    let place = Project::empty();
    let link = place.path().join("link");
    std::os::unix::fs::symlink(here.path(), &link).unwrap();
    lattice(&link, ["create", "Through the link"]);
    assert_eq!(titles(here.path()), ["Shared", "Through the link"]);
    lattice(&link, ["git", "install-hooks"]);
    git(&link, ["commit", "-qm", "one", "--allow-empty"]);
    assert_eq!(git(&link, ["status", "--porcelain"]), "");
    assert_eq!(git(&link, ["ls-files", ".lattice/events"]).lines().count(), 3);
    // A worktree that is reached through a link, too.
    git(here.path(), ["worktree", "add", "-q", "-b", "side", place.path().join("side").to_str().unwrap()]);
    let way = place.path().join("way");
    std::os::unix::fs::symlink(place.path().join("side"), &way).unwrap();
    assert_eq!(titles(&way), ["Shared", "Through the link"]);
}

#[test]
fn a_repository_inside_a_repository_has_its_own_tracker_if_it_has_a_tree() {
    let outer = repository();
    let (plain, own) = (outer.path().join("plain"), outer.path().join("own"));
    git(outer.path(), ["init", "-q", "plain"]);
    assert_eq!(titles(&plain), ["Shared"]);
    let origin = repository();
    origin.task("Of the inner one");
    origin.ok(["sync"]);
    commit_all(origin.path());
    git(outer.path(), ["clone", "-q", origin.path().to_str().unwrap(), "own"]);
    let run = Run::of(lattice_command(&own, ["list"]).output().unwrap());
    assert!(run.status == 1 && run.stderr.contains("NOT_INITIALIZED"), "{run:?}");
    lattice(&own, ["init"]);
    assert_eq!(titles(&own), ["Of the inner one", "Shared"]);
    assert_eq!(titles(outer.path()), ["Shared"]);
    // Called from inside, the set-up is about the repository that the tracker lies in.
    let said = lattice(&plain, ["git", "setup", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["data"]["repository"], real(outer.path()).to_str().unwrap());
    assert_eq!(tried(&plain, ["config", "--get-regexp", "^merge"]).stdout, "");
}

#[test]
fn a_tracker_outside_of_git_works_and_says_so_where_git_is_asked_for() {
    let alone = Project::new();
    alone.task("One");
    alone.ok(["sync"]);
    for action in ["setup", "teardown", "install-hooks", "uninstall-hooks"] {
        let (status, error) = alone.refused(["git", action]);
        assert_eq!((status, &error["code"]), (1, &"NOT_FOUND".into()), "{action}");
    }
}
