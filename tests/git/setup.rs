//! `lattice git setup` and the merge driver: merges of derived files stop nobody.

use std::fs;

use super::repository::{clone_of, commit_all, git, lattice, repository, sync, tried};
use super::support::Project;

fn attributes(project: &Project) -> String {
    fs::read_to_string(project.lattice().join(".gitattributes")).unwrap()
}

fn driver(project: &Project) -> String {
    tried(project.path(), ["config", "--local", "--get-regexp", "^merge\\.lattice\\."]).stdout
}

/// Both change the same task and make one of their own, so that every kind of derived file differs.
fn both_work(here: &Project, there: &Project) {
    for (project, who, status) in [(here, "human:ada", "in_planning"), (there, "agent:bo", "cancelled")] {
        project.ok(["create", &format!("By {who}"), "--actor", who]);
        project.ok(["status", "LAT-1", status, "--actor", who]);
        project.ok(["resource", "create", "staging", "--actor", who]);
        project.ok(["sync"]);
        commit_all(project.path());
    }
}

fn content(project: &Project) -> Vec<(String, Vec<u8>)> {
    let names = git(project.path(), ["ls-files", "-z", ".lattice"]);
    let names = names.split('\0').filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), fs::read(project.path().join(name)).unwrap())).collect()
}

#[test]
fn a_merge_of_what_both_changed_is_no_conflict_and_both_end_with_the_same_bytes() {
    let here = repository();
    lattice(here.path(), ["git", "setup"]);
    commit_all(here.path());
    let there = clone_of(&here);
    lattice(there.path(), ["git", "setup"]);
    both_work(&here, &there);
    git(here.path(), ["pull", "-q", "--no-rebase", "--no-edit", there.path().to_str().unwrap(), "main"]);
    // Whoever merges, the files are the same.
    let base = git(here.path(), ["rev-parse", "HEAD^1"]);
    git(there.path(), ["fetch", "-q", here.path().to_str().unwrap(), base.trim()]);
    git(there.path(), ["merge", "-q", "FETCH_HEAD"]);
    for name in ["ids.json", "resources/staging/resource.json"] {
        let [a, b] = [&here, &there].map(|project| fs::read(project.lattice().join(name)).unwrap());
        assert_eq!(a, b, "{name}");
    }
    let ids: serde_json::Value =
        serde_json::from_slice(&fs::read(here.lattice().join("ids.json")).unwrap()).unwrap();
    assert_eq!((&ids["next_seqs"]["LAT"], ids["map"].as_object().unwrap().len()), (&3.into(), 2));
    sync(&here);
    commit_all(here.path());
    git(there.path(), ["reset", "-q", "--hard", "HEAD^1"]);
    git(there.path(), ["pull", "-q", "--no-rebase", "--no-edit", here.path().to_str().unwrap(), "main"]);
    sync(&there);
    assert_eq!(git(there.path(), ["status", "--porcelain"]), "");
    assert!(content(&here) == content(&there));
}

#[test]
fn without_it_the_same_merge_stops_and_a_sync_goes_on_all_the_same() {
    let here = repository();
    lattice(here.path(), ["git", "setup"]);
    commit_all(here.path());
    let there = clone_of(&here);
    both_work(&here, &there);
    // The attribute has come along, the driver has not.
    assert_eq!(driver(&there), "");
    let pull = ["pull", "-q", "--no-rebase", "--no-edit", here.path().to_str().unwrap(), "main"];
    let run = tried(there.path(), pull);
    assert_eq!(run.status, 1, "{run:?}");
    sync(&there);
    commit_all(there.path());
    git(here.path(), ["pull", "-q", "--no-rebase", "--no-edit", there.path().to_str().unwrap(), "main"]);
    sync(&here);
    assert!(content(&here) == content(&there) && git(here.path(), ["status", "--porcelain"]).is_empty());
}

#[test]
fn it_is_set_up_once_and_taken_away_without_a_trace() {
    let here = repository();
    let before = attributes(&here);
    fs::write(here.lattice().join(".gitattributes"), format!("*.png binary\n{before}")).unwrap();
    let data = here.json(["git", "setup"]);
    assert_eq!(data["changed"], serde_json::json!(["attributes", "driver"]));
    assert!(attributes(&here).contains("tasks/*.json merge=lattice\n"));
    assert!(driver(&here).contains("merge.lattice.driver lattice merge-driver --quiet %O %A %B %P\n"));
    let once = attributes(&here);
    assert_eq!(here.json(["git", "setup"])["changed"], serde_json::json!([]));
    assert_eq!(attributes(&here), once);
    assert_eq!(here.json(["git", "teardown"])["changed"], serde_json::json!(["attributes", "driver"]));
    assert_eq!((attributes(&here), driver(&here)), (format!("*.png binary\n{before}"), String::new()));
    assert_eq!(here.json(["git", "teardown"])["changed"], serde_json::json!([]));
}

#[test]
fn in_a_worktree_the_attributes_are_its_own_and_the_driver_is_for_all() {
    let here = repository();
    git(here.path(), ["worktree", "add", "-q", "-b", "side", "side"]);
    let side = here.path().join("side");
    lattice(&side, ["git", "setup"]);
    assert!(fs::read_to_string(side.join(".lattice/.gitattributes")).unwrap().contains("merge=lattice"));
    assert!(!attributes(&here).contains("merge=lattice") && driver(&here).contains("lattice merge-driver"));
}

#[test]
fn what_is_no_file_of_the_tree_is_not_merged_by_it() {
    let here = Project::new();
    here.file("a", "{\"a\":1}");
    here.file("b", "{\"b\":1}");
    let (status, error) = here.refused(["merge-driver", "a", "a", "b", "package.json"]);
    assert_eq!((status, &error["code"]), (1, &"VALIDATION_ERROR".into()));
    assert_eq!(fs::read_to_string(here.path().join("a")).unwrap(), "{\"a\":1}");
    let (status, error) = here.refused(["merge-driver", "a", "a", "nowhere", "ids.json"]);
    assert_eq!((status, &error["code"]), (4, &"STORE_IO".into()));
}

#[test]
fn a_repository_that_cannot_be_written_to_is_left_as_it_was() {
    let here = repository();
    // git takes this lock before it changes its settings.
    fs::write(here.path().join(".git/config.lock"), "").unwrap();
    let before = attributes(&here);
    let (status, error) = here.refused(["git", "setup"]);
    assert_eq!((status, &error["code"]), (1, &"GIT_FAILED".into()));
    assert!(error["message"].as_str().unwrap().contains("config"), "{error}");
    fs::remove_file(here.path().join(".git/config.lock")).unwrap();
    assert_eq!(attributes(&here), before);
    fs::remove_file(here.lattice().join(".gitattributes")).unwrap();
    std::os::unix::fs::symlink("/etc/hosts", here.lattice().join(".gitattributes")).unwrap();
    let (status, error) = here.refused(["git", "setup"]);
    assert_eq!((status, &error["code"], driver(&here)), (4, &"STORE_DENIED".into(), String::new()));
}
