//! What two clones did to the same thing, through real merges: both end with the same bytes.

use std::collections::BTreeMap;
use std::fs;

use super::repository::{clone_of, commit_all, git, repository, sync, tried};
use super::support::Project;

fn tree(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let names = git(project.path(), ["ls-files", "-z", ".lattice"]);
    let names = names.split('\0').filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), fs::read(project.path().join(name)).unwrap())).collect()
}

/// Merges the other's work, as far as git gets.
fn merge(project: &Project, from: &Project) {
    tried(project.path(), ["pull", "-q", "--no-rebase", "--no-edit", from.path().to_str().unwrap(), "main"]);
}

fn pull(project: &Project, from: &Project) {
    merge(project, from);
    sync(project);
    commit_all(project.path());
}

/// Lets both commit what they did, and each take the other's work in; they must agree then.
fn meet(here: &Project, there: &Project) {
    for project in [here, there] {
        sync(project);
        commit_all(project.path());
    }
    pull(here, there);
    pull(there, here);
    let (ours, theirs) = (tree(here), tree(there));
    let differing: Vec<_> =
        ours.iter().filter(|(name, bytes)| theirs.get(*name) != Some(*bytes)).map(|(n, _)| n).collect();
    assert!(ours == theirs, "{differing:?}");
    for project in [here, there] {
        assert_eq!(project.json(["doctor"])["summary"]["errors"], 0);
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
    }
}

#[test]
fn archived_here_and_worked_on_there_the_log_stands_once_and_holds_all() {
    // Little is added, and git follows the log into the archive; or so much that it leaves it in both.
    for (comments, follows) in [(0, true), (12, false)] {
        let here = repository();
        let there = clone_of(&here);
        for n in 0..comments {
            here.ok(["comment", "LAT-1", &format!("part {n} is done")]);
        }
        here.ok(["archive", "LAT-1"]);
        there.ok(["comment", "LAT-1", "still working on it"]);
        for project in [&here, &there] {
            sync(project);
            commit_all(project.path());
        }
        let log = log_name(&there);
        merge(&there, &here);
        let is = |folder: &str| there.lattice().join(folder).join(&log).exists();
        assert!(is("archive/events") && is("events") != follows, "{comments}");
        sync(&there);
        commit_all(there.path());
        meet(&here, &there);
        for project in [&here, &there] {
            let logs: Vec<_> = tree(project).into_keys().filter(|name| name.ends_with(&log)).collect();
            assert_eq!(logs, [format!(".lattice/archive/events/{log}")]);
            assert_eq!(project.json(["show", "LAT-1"])["comment_count"], comments + 1);
        }
        // Back again on one side, gone on with on the other.
        here.ok(["unarchive", "LAT-1"]);
        meet(&here, &there);
        assert!(tree(&there).contains_key(&format!(".lattice/events/{log}")));
    }
}

#[test]
fn a_comment_deleted_here_and_edited_there_is_deleted_in_both() {
    let here = repository();
    let comment = here.say(&["comment", "LAT-1", "first words"]);
    sync(&here);
    commit_all(here.path());
    let there = clone_of(&here);
    here.ok(["comment-delete", "LAT-1", &comment]);
    there.ok(["comment-edit", "LAT-1", &comment, "second words"]);
    there.ok(["react", "LAT-1", &comment, "thumbsup"]);
    meet(&here, &there);
    for project in [&here, &there] {
        assert!(!project.ok(["comments", "LAT-1"]).contains("second words"));
        assert!(fs::read_to_string(log(project)).unwrap().contains("second words"), "nothing is lost");
    }
}

fn log_name(project: &Project) -> String {
    log(project).file_name().unwrap().to_str().unwrap().to_owned()
}

fn log(project: &Project) -> std::path::PathBuf {
    let mut logs = fs::read_dir(project.lattice().join("events")).unwrap().map(|entry| entry.unwrap().path());
    logs.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("task_")).unwrap()
}

#[test]
fn resources_of_one_name_become_one() {
    let here = repository();
    let there = clone_of(&here);
    here.ok(["resource", "create", "staging", "--max-holders", "2"]);
    there.ok(["resource", "create", "staging"]);
    here.ok(["resource", "acquire", "staging", "--actor", "agent:here"]);
    there.ok(["resource", "acquire", "staging", "--actor", "agent:there"]);
    meet(&here, &there);
    for project in [&here, &there] {
        let resources = project.json(["resource", "list"]);
        let text = resources.to_string();
        assert!(text.contains("agent:here") && text.contains("agent:there"), "{text}");
        assert_eq!(text.matches("\"name\":\"staging\"").count(), 1, "{text}");
    }
}

#[test]
fn sessions_stay_where_they_were_begun_and_their_names_are_not_given_out_twice() {
    let here = repository();
    let there = clone_of(&here);
    here.ok(["session", "start", "--model", "human", "--name", "Ada"]);
    here.ok(["comment", "LAT-1", "as a session", "--name", "Ada-1"]);
    meet(&here, &there);
    assert!(!tree(&here).into_keys().any(|name| name.contains("sessions")));
    assert_eq!(there.json(["session", "list"]).to_string().matches("Ada").count(), 0);
    let (_, error) = there.refused(["comment", "LAT-1", "not mine", "--name", "Ada-1"]);
    assert_eq!(error["code"], "SESSION_NOT_FOUND");
    let begun = there.json(["session", "start", "--model", "human", "--name", "Ada"]);
    assert_eq!(begun["name"], "Ada-2", "what an event speaks of is taken");
}

#[test]
fn a_tree_with_half_of_a_merge_is_taken_in_and_the_rest_later() {
    let here = repository();
    let there = clone_of(&here);
    for (project, who) in [(&here, "human:ada"), (&there, "agent:bo")] {
        for title in ["One", "Two", "Three"] {
            project.ok(["create", &format!("{title} by {who}"), "--actor", who]);
        }
        project.ok(["comment", "LAT-1", &format!("said {who}"), "--actor", who]);
        sync(project);
        commit_all(project.path());
    }
    // Every other file of theirs has arrived, the newer half of a log among them; then a sync.
    git(here.path(), ["fetch", "-q", there.path().to_str().unwrap(), "main"]);
    let names = git(here.path(), ["ls-tree", "-r", "-z", "--name-only", "FETCH_HEAD", ".lattice"]);
    for name in names.split('\0').filter(|name| !name.is_empty()).step_by(2) {
        let theirs = git(here.path(), ["show", &format!("FETCH_HEAD:{name}")]);
        let path = here.path().join(name);
        if name.ends_with(".jsonl") && path.exists() {
            let united = fs::read_to_string(&path).unwrap() + theirs.lines().last().unwrap() + "\n";
            fs::write(&path, united).unwrap();
        } else if !path.exists() {
            fs::write(&path, theirs).unwrap();
        }
    }
    sync(&here);
    commit_all(here.path());
    pull(&here, &there);
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
    assert_eq!(here.json(["list"]).as_array().unwrap().len(), 7);
    assert_eq!(here.json(["doctor"])["summary"]["errors"], 0);
}

#[test]
fn two_trackers_in_one_repository_are_told_apart_until_somebody_makes_them_one() {
    // Both began by themselves, before either had seen the other's tree.
    let here = Project::new();
    git(here.path(), ["init", "-q"]);
    git(here.path(), ["commit", "-q", "--allow-empty", "-m", "begin"]);
    let there = Project::empty();
    git(there.path(), ["clone", "-q", here.path().to_str().unwrap(), "."]);
    there.ok(["init", "--project-code", "LAT"]);
    for (project, title) in [(&here, "Made here"), (&there, "Made there")] {
        project.task(title);
        sync(project);
        commit_all(project.path());
    }
    let pull = ["pull", "-q", "--no-rebase", "--no-edit", here.path().to_str().unwrap(), "main"];
    assert_eq!(tried(there.path(), pull).status, 1);
    let before = fs::read(log(&there)).unwrap();
    let mut refused = 0;
    for project in [&here, &there] {
        if project.path() == here.path() {
            // What lies there as a merge would leave it.
            git(here.path(), ["fetch", "-q", there.path().to_str().unwrap(), "main"]);
            tried(here.path(), ["merge", "-q", "FETCH_HEAD"]);
        }
        let run = project.run(["sync", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        if run.status == 1 {
            refused += 1;
            assert_eq!(document["error"]["code"], "INSTANCE_MISMATCH", "{document}");
            assert!(document["error"]["hint"].as_str().unwrap().contains("--adopt"), "{document}");
        }
    }
    assert!(refused >= 1 && fs::read(log(&there)).unwrap().len() >= before.len());
    for project in [&here, &there] {
        let run = project.run(["sync", "--adopt", "--quiet"]);
        assert_eq!(run.status, 0, "{run:?}");
        commit_all(project.path());
    }
    meet(&here, &there);
    assert_eq!(there.json(["list"]).as_array().unwrap().len(), 2);
    let id = |project: &Project| project.json(["config", "get", "instance_id"]);
    assert_eq!(id(&here), id(&there));
}
