//! The hint of the bare command: have files and tracker moved apart since they were last together?

use std::fs;
use std::path::Path;

use super::repository::{clone_of, commit_all, git, lattice, repository};
use super::support::Project;

fn hint(at: &Path) -> String {
    let said = lattice(at, [""; 0]);
    said.lines().find_map(|line| line.strip_prefix("Files: ")).unwrap_or_default().to_owned()
}

const TOGETHER: &str = "as the last sync left them";
const CHANGED: &str = "changed since the last sync; `lattice sync` takes them in";
const BEHIND: &str = "behind the tracker; `lattice sync` writes them";
const BOTH: &str = "changed, and behind the tracker; `lattice sync` brings both together";
const UNKNOWN: &str = "not compared yet; `lattice doctor` does";

#[test]
fn it_says_which_of_the_two_is_ahead() {
    let here = repository();
    let at = here.path();
    assert_eq!(hint(at), TOGETHER);
    here.task("Second");
    assert_eq!(hint(at), BEHIND);
    here.ok(["export"]);
    assert_eq!(hint(at), TOGETHER);
    commit_all(at);
    // git takes a log away and brings it back.
    git(at, ["checkout", "-q", "HEAD^"]);
    git(at, ["checkout", "-q", "main"]);
    assert_eq!(hint(at), CHANGED);
    here.task("Third");
    assert_eq!(hint(at), BOTH);
    here.ok(["import"]);
    assert_eq!(hint(at), BEHIND);
    here.ok(["sync"]);
    assert_eq!(hint(at), TOGETHER);
    // An older tree that was checked out holds nothing new, and not all.
    git(at, ["stash", "-q", "-u", "--", ".lattice"]);
    git(at, ["checkout", "-q", "HEAD^"]);
    here.ok(["import"]);
    assert_eq!(hint(at), BEHIND);
    git(at, ["checkout", "-q", "main"]);
    here.ok(["sync"]);
    assert_eq!(hint(at), TOGETHER);
    // What comes from elsewhere says nothing of the tree.
    fs::write(here.lattice().join("context.md"), "# By hand\n").unwrap();
    here.ok(["import", "--dry-run"]);
    assert_eq!(hint(at), CHANGED);
    here.ok(["import"]);
    assert_eq!(hint(at), BEHIND, "no log of the tree holds the edit yet");
    here.ok(["sync"]);
    here.ok(["import"]);
    assert_eq!(hint(at), TOGETHER, "nothing but the import has happened");
}

#[test]
fn without_a_tree_or_a_memory_it_claims_nothing() {
    let here = Project::new();
    assert_eq!(hint(here.path()), "");
    here.ok(["sync"]);
    assert_eq!(hint(here.path()), TOGETHER);
    let memory = here.lattice().join("lattice.db-seen");
    for broken in ["", "{", "[1]", "{\"x\": 1}"] {
        fs::write(&memory, broken).unwrap();
        assert_eq!(hint(here.path()), UNKNOWN, "{broken:?}");
    }
    fs::remove_file(&memory).unwrap();
    std::os::unix::fs::symlink("/etc/hosts", &memory).unwrap();
    assert_eq!(hint(here.path()), UNKNOWN);
    let before = fs::read("/etc/hosts").unwrap();
    here.ok(["sync"]);
    assert_eq!(fs::read("/etc/hosts").unwrap(), before, "a link is not written through");
    // A backup that is put back begins anew.
    fs::remove_file(&memory).unwrap();
    here.ok(["sync"]);
    here.ok(["backup", "kept.db"]);
    here.ok(["restore", "kept.db"]);
    assert_ne!(hint(here.path()), TOGETHER);
}

#[test]
fn each_worktree_and_each_clone_has_its_own() {
    let here = repository();
    git(here.path(), ["worktree", "add", "-q", "-b", "side", "side"]);
    let side = here.path().join("side");
    assert_eq!((hint(here.path()).as_str(), hint(&side).as_str()), (TOGETHER, UNKNOWN));
    lattice(&side, ["sync"]);
    lattice(&side, ["create", "Second"]);
    lattice(&side, ["sync"]);
    assert_eq!((hint(here.path()).as_str(), hint(&side).as_str()), (BEHIND, TOGETHER));
    let there = clone_of(&here);
    assert_eq!(hint(there.path()), UNKNOWN);
    // The memory is no part of the tree.
    assert_eq!(git(here.path(), ["status", "--porcelain", "-uall", ".lattice"]), "");
    assert_eq!(here.json(["import", "--dry-run"])["unknown_files"], serde_json::json!([]));
}
