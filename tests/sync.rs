//! Two people, two clones, one repository: `lattice sync` brings them together through plain git.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use support::Project;

/// Runs git in a project; whether it succeeded.
fn git(project: &Project, args: &[&str]) -> bool {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(project.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    output.status.success()
}

/// Everything below `.lattice/` that git would track.
fn tree(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(at: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                walk(&path, root, found);
            } else if !name.starts_with("lattice.db") && name != "lock" {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&project.lattice(), &project.lattice(), &mut found);
    found
}

// As docs/json.md has them; a member more is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conflicts {
    tasks: Vec<TaskConflicts>,
    tracker: Vec<Conflict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskConflicts {
    id: String,
    name: String,
    title: String,
    conflicts: Vec<Conflict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conflict {
    what: String,
    holds: Change,
    lost: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    event_id: String,
    ts: String,
    actor: String,
    value: Value,
}

fn commit(project: &Project) {
    assert!(git(project, &["add", "-A"]) && git(project, &["commit", "-qm", "work"]));
}

/// A repository with one task, and a clone of it with a tracker of its own.
fn two_clones() -> (Project, Project) {
    let here = Project::new();
    assert!(git(&here, &["init", "-q", "-b", "main"]));
    here.task("Shared");
    here.ok(["sync"]);
    commit(&here);
    let there = Project::empty();
    assert!(git(&there, &["clone", "-q", here.path().to_str().unwrap(), "."]));
    there.ok(["init"]);
    (here, there)
}

/// Takes the other's commits in as a person would: pull, sync, commit what the merge left.
fn pull(project: &Project, from: &Project) -> String {
    let merged =
        git(project, &["pull", "-q", "--no-rebase", "--no-edit", from.path().to_str().unwrap(), "main"]);
    let run = project.run(["sync"]);
    assert_eq!(run.status, 0, "{run:?}");
    if !merged || !git(project, &["diff", "--quiet", "HEAD"]) {
        commit(project);
    }
    run.stdout
}

#[test]
fn clones_that_pull_and_sync_end_with_the_same_bytes_and_hear_what_was_changed_on_both_sides() {
    let (here, there) = two_clones();
    here.ok(["status", "LAT-1", "in_planning", "--actor", "human:ada"]);
    here.ok(["create", "Made here", "--actor", "human:ada"]);
    there.ok(["status", "LAT-1", "cancelled", "--actor", "agent:bo"]);
    there.ok(["create", "Made there", "--actor", "agent:bo"]);
    there.ok(["comment", "LAT-1", "not now", "--actor", "agent:bo"]);
    for project in [&here, &there] {
        project.ok(["sync"]);
        commit(project);
    }
    let said = pull(&here, &there);
    assert!(said.starts_with("In: 3 events on LAT-1, LAT-"), "{said}");
    assert!(
        said.contains("LAT-1 status: cancelled (agent:bo) holds; lost: in_planning (human:ada)"),
        "{said}"
    );
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
    for project in [&here, &there] {
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
        assert!(git(project, &["diff", "--quiet", "HEAD"]));
        assert_eq!(project.json(["list"]).as_array().unwrap().len(), 3);
        assert_eq!(project.json(["doctor"])["findings"].as_array().unwrap().len(), 1);
        let all: Conflicts = serde_json::from_value(project.json(["conflicts"])).unwrap();
        assert!(all.tracker.is_empty() && all.tasks.len() == 1 && all.tasks[0].title == "Shared");
        assert!(all.tasks[0].id.starts_with("task_") && all.tasks[0].name == "LAT-1");
        let [status] = all.tasks[0].conflicts.as_slice() else { panic!("more than one") };
        assert_eq!((status.what.as_str(), status.holds.value.as_str()), ("status", Some("cancelled")));
        let [lost] = status.lost.as_slice() else { panic!("lost {} times", status.lost.len()) };
        assert!(lost.event_id.starts_with("ev_") && lost.ts.ends_with('Z') && lost.actor == "human:ada");
    }
    // Whoever decides, having seen both, settles it everywhere.
    here.ok(["status", "LAT-1", "needs_human", "--actor", "human:ada"]);
    assert_eq!(here.ok(["conflicts"]), "No changes that did not know of each other.\n");
    here.ok(["sync"]);
    commit(&here);
    pull(&there, &here);
    assert_eq!(there.ok(["conflicts", "LAT-1", "--quiet"]), "");
}

#[test]
fn a_tracker_without_a_tree_and_a_tree_that_is_ahead_are_both_brought_up() {
    let project = Project::new();
    project.task("First");
    let said = project.ok(["sync"]);
    assert!(said.starts_with("In: nothing new.\nOut: ") && said.ends_with(" files written.\n"), "{said}");
    let data = project.json(["sync"]);
    assert_eq!(
        (data["in"]["new_events"].as_u64(), data["out"]["written"].as_array().unwrap().len()),
        (Some(0), 0)
    );
    // By hand, as an editor would.
    let plan = fs::read_dir(project.lattice().join("plans")).unwrap().next().unwrap().unwrap().path();
    fs::write(&plan, "# First\n\n- do it\n").unwrap();
    let said = project.ok(["sync"]);
    assert!(said.starts_with("In: 1 event on LAT-1.\nOut: "), "{said}");
    assert!(project.ok(["plan", "LAT-1"]).contains("- do it"));
}

#[test]
fn what_cannot_be_taken_in_is_refused_before_anything_is_written() {
    let project = Project::new();
    project.task("First");
    project.ok(["sync"]);
    project.task("Second");
    let log = fs::read_dir(project.lattice().join("events")).unwrap().map(|e| e.unwrap().path());
    let log = log.filter(|path| !path.ends_with("_lifecycle.jsonl")).min().unwrap();
    let broken = fs::read_to_string(&log).unwrap() + "{\"half\":";
    fs::write(&log, &broken).unwrap();
    let before = tree(&project);
    let (status, error) = project.refused(["sync"]);
    assert_eq!((status, &error["code"]), (1, &"IMPORT_INVALID".into()));
    assert!(tree(&project) == before);
}

/// What every merge of two sides leaves behind is one line, and no warning; what it does not, is.
#[test]
fn a_merge_that_went_as_merges_go_is_told_in_one_line() {
    let (here, there) = two_clones();
    let plan = |project: &Project, text: &str| {
        assert_eq!(project.fed(["plan", "LAT-1", "--file", "-"], text.as_bytes()).status, 0);
    };
    for (project, who) in [(&here, "here"), (&there, "there")] {
        project.ok(["create", "New"]);
        project.ok(["update", "LAT-1", &format!("title={who}")]);
        plan(project, &format!("{who}\n"));
        project.ok(["sync"]);
        commit(project);
    }
    let merged = ["pull", "-q", "--no-rebase", "--no-edit", there.path().to_str().unwrap(), "main"];
    assert!(!git(&here, &merged), "the files do conflict");
    let dry = here.json(["import", "--dry-run"]);
    assert!(dry["notices"].as_array().unwrap().len() > 2, "{dry}");
    let run = here.run(["sync"]);
    assert_eq!(run.status, 0, "{run:?}");
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{run:?}");
    assert!(said[0].ends_with("files: conflict markers ignored, the logs have both sides"), "{run:?}");
    // A snapshot that somebody broke is another matter.
    let id = here.json(["show", "LAT-1"])["id"].as_str().unwrap().to_owned();
    fs::write(here.lattice().join(format!("tasks/{id}.json")), "{").unwrap();
    let run = here.run(["import"]);
    assert!(run.stderr.starts_with("Warning: tasks/"), "{run:?}");
}

#[test]
fn who_agrees_with_what_holds_settles_it_in_both_clones_without_changing_anything() {
    let (here, there) = two_clones();
    here.ok(["update", "LAT-1", "title=Here", "--actor", "human:ada"]);
    there.ok(["update", "LAT-1", "title=There", "--actor", "agent:bo"]);
    for project in [&here, &there] {
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    let title = |project: &Project| project.json(["show", "LAT-1"])["title"].clone();
    let (before, open) = (title(&here), |project: &Project| project.ok(["conflicts", "--quiet"]));
    assert_eq!(open(&here), "LAT-1\n");
    assert_eq!(here.ok(["settle", "LAT-1"]), "Left as it is on LAT-1: title\n");
    assert_eq!(open(&here), "");
    here.ok(["sync"]);
    commit(&here);
    pull(&there, &here);
    assert_eq!((open(&there), title(&there), title(&here)), (String::new(), before.clone(), before));
    assert!(tree(&here) == tree(&there));
    assert_eq!(here.run(["doctor"]).status, 0);
    here.ok(["rebuild", "--all"]);
    assert_eq!(open(&here), "");
}

#[test]
fn a_tree_that_is_newer_or_another_trackers_is_refused_and_nothing_is_changed() {
    type Change = fn(&Path);
    let newer: Change = |tree| fs::write(tree.join("format.json"), "{\"format\": 2}\n").unwrap();
    let foreign: Change = |tree| {
        let other = Project::new();
        other.task("Of another tracker");
        other.ok(["export"]);
        fs::remove_dir_all(tree.join("events")).unwrap();
        for name in ["events", "instance.jsonl", "config.json"] {
            fs::rename(other.lattice().join(name), tree.join(name)).unwrap();
        }
    };
    for (change, code) in [(newer, "TREE_TOO_NEW"), (foreign, "INSTANCE_MISMATCH")] {
        let project = Project::new();
        project.task("First");
        project.ok(["sync"]);
        project.task("Second");
        change(&project.lattice());
        let (before, events) = (tree(&project), project.ok(["events"]));
        for line in [&["sync"][..], &["import"], &["import", "--dry-run"], &["export"]] {
            let (status, error) = project.refused(line);
            assert_eq!((status, &error["code"]), (1, &code.into()), "{line:?}");
            assert!(error["hint"].is_string(), "{error}");
        }
        assert!(tree(&project) == before && project.ok(["events"]) == events, "{code}");
    }
}

#[test]
fn a_number_that_both_gave_out_is_named_when_it_is_asked_for_until_the_other_has_its_own() {
    let (here, there) = two_clones();
    here.ok(["create", "Made here", "--actor", "human:ada"]);
    there.ok(["create", "Made there", "--actor", "agent:bo"]);
    for project in [&here, &there] {
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    let run = here.run(["show", "LAT-2"]);
    assert!(run.status == 0 && run.stdout.contains("Made here"), "{run:?}");
    assert!(run.stderr.starts_with("Warning: LAT-2 is claimed by more than one task"), "{run:?}");
    assert!(run.stderr.contains("another shows LAT-3 (`lattice renumber LAT-3`"), "{run:?}");
    assert_eq!(here.run(["show", "LAT-3"]).stderr, "");
    // In JSON it stands in the document, not beside it.
    let run = here.run(["show", "LAT-2", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(run.stderr.is_empty() && document["warnings"].as_array().unwrap().len() == 1, "{run:?}");
    let (status, error) = here.refused(["renumber", "LAT-3", "lat-1", "--actor", "human:ada"]);
    assert_eq!((status, &error["code"]), (1, &"CONFLICT".into()));
    assert_eq!(here.refused(["renumber", "LAT-3", "seven", "--actor", "human:ada"]).1["code"], "INVALID_ID");
    assert_eq!(here.ok(["renumber", "LAT-3", "--actor", "human:ada"]), "It is LAT-3 now.\n");
    assert_eq!(here.ok(["renumber", "LAT-3", "--actor", "human:ada"]), "LAT-3 is its own already.\n");
    assert_eq!(here.ok(["renumber", "LAT-1", "web-7", "--actor", "human:ada"]), "It is WEB-7 now.\n");
    here.ok(["sync"]);
    commit(&here);
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
    for project in [&here, &there] {
        assert_eq!(project.run(["show", "LAT-2"]).stderr, "");
        assert!(project.ok(["show", "LAT-3"]).contains("Made there"));
        assert!(project.ok(["show", "WEB-7"]).contains("Shared"));
    }
}

#[test]
fn two_claims_of_the_last_number_that_there_is_do_not_stop_anybody() {
    let (here, there) = two_clones();
    here.ok(["create", "Made here", "--actor", "human:ada"]);
    there.ok(["create", "Made there", "--actor", "agent:bo"]);
    for project in [&here, &there] {
        project.ok(["renumber", "LAT-2", "LAT-999999999999999", "--actor", "human:ada"]);
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    pull(&there, &here);
    let loser = ["Made here", "Made there"]
        .map(|title| here.json(["search", title, "--json"])[0]["short_id"].as_str().unwrap().to_owned())
        .into_iter()
        .find(|short_id| short_id != "LAT-999999999999999")
        .unwrap();
    there.ok(["comment", &loser, "still here", "--actor", "agent:bo"]);
    there.ok(["sync"]);
    commit(&there);
    pull(&here, &there);
    here.ok(["renumber", &loser, "LAT-7", "--actor", "human:ada"]);
    assert_eq!(here.json(["doctor"])["summary"]["errors"], 0);
    assert!(here.ok(["comments", "LAT-7"]).contains("still here"));
}

#[test]
fn the_same_edit_in_trees_that_end_alike_and_differ_before_is_taken_in_by_both() {
    let (here, there) = two_clones();
    here.ok(["comment", "LAT-1", "only here", "--actor", "human:ada"]);
    there.ok(["comment", "LAT-1", "from there", "--actor", "agent:bo"]);
    for project in [&here, &there] {
        project.ok(["sync"]);
        commit(project);
    }
    // Here both comments are known, there only the later one; then both write the same.
    pull(&here, &there);
    for project in [&here, &there] {
        let plan = fs::read_dir(project.lattice().join("plans")).unwrap().next().unwrap().unwrap().path();
        fs::write(&plan, "# Shared\n\n- the same words\n").unwrap();
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
}

#[test]
fn a_plan_that_one_side_rewrote_and_the_other_archived_stays_the_new_one() {
    let (here, there) = two_clones();
    let plan = |n: u32| (0..30).map(|line| format!("- step {line} of plan {n}\n")).collect::<String>();
    here.fed(["plan", "LAT-1", "--file", "-", "--actor", "human:ada"], plan(1).as_bytes());
    here.ok(["sync"]);
    commit(&here);
    pull(&there, &here);
    // Both write it anew, so that git cannot follow the file into the archive.
    here.fed(["plan", "LAT-1", "--file", "-", "--actor", "human:ada"], plan(2).as_bytes());
    here.ok(["archive", "LAT-1", "--actor", "human:ada"]);
    there.fed(["plan", "LAT-1", "--file", "-", "--actor", "agent:bo"], plan(3).as_bytes());
    for project in [&here, &there] {
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
    assert!(here.ok(["plan", "LAT-1"]).contains("step 7 of plan 3"));
}

#[test]
fn a_number_that_fell_again_is_the_next_one_in_every_clone() {
    let (here, there) = two_clones();
    here.ok(["renumber", "LAT-1", "LAT-70", "--actor", "human:ada"]);
    here.ok(["export"]);
    commit(&here);
    pull(&there, &here);
    here.ok(["renumber", "LAT-70", "LAT-1", "--actor", "human:ada"]);
    here.ok(["export"]);
    commit(&here);
    pull(&there, &here);
    assert!(tree(&here) == tree(&there));
    assert_eq!(there.task("The next"), "LAT-2");
}

#[test]
fn settings_that_three_changed_apart_need_no_hand() {
    let (here, there) = two_clones();
    let third = Project::empty();
    assert!(git(&third, &["clone", "-q", here.path().to_str().unwrap(), "."]));
    third.ok(["init"]);
    // The third setting is changed in between the others, so that the two are no beginning of it all.
    for (project, setting) in [(&here, "x.a"), (&third, "x.b"), (&there, "x.c")] {
        project.ok(["config", "set", setting, "1", "--actor", "human:ada"]);
        project.ok(["sync"]);
        commit(project);
    }
    pull(&here, &there);
    pull(&here, &third);
    pull(&there, &here);
    pull(&third, &here);
    assert!(tree(&here) == tree(&there) && tree(&here) == tree(&third));
    assert_eq!(here.json(["config", "get", "x"])["value"], serde_json::json!({"a": 1, "b": 1, "c": 1}));
}
