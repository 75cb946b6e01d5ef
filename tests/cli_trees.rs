//! `export`, `import`, `doctor` and `rebuild` from outside.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::Project;

/// The exported files below a folder, without the database and what belongs to it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, at: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                walk(root, &path, found);
            } else if !name.starts_with("lattice.db") && !name.starts_with(".git") && name != "lock" {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// A tracker with a little of everything.
fn full() -> Project {
    let project = Project::new();
    let (one, two) = (project.planned("One 🎉"), project.task("Two"));
    project.ok(["link", &one, "depends_on", &two]);
    project.ok(["comment", &one, "A remark"]);
    project.ok(["archive", &two]);
    project
}

fn copy(from: &Path, to: &Path) {
    for (name, bytes) in tree(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn an_exported_tree_makes_the_same_tracker_elsewhere() {
    let (here, there) = (full(), Project::empty());
    let data = here.json(["export"]);
    let first = tree(&here.lattice());
    assert_eq!(data["written"].as_array().unwrap().len(), first.len());
    let again = here.json(["export"]);
    assert_eq!((&again["written"], &again["unchanged"]), (&json!([]), &json!(first.len())));
    copy(&here.lattice(), &there.lattice());
    let data = there.json(["init"]);
    assert_eq!(data["imported"]["tasks"], 2);
    assert_eq!(there.json(["export"])["written"], json!([]));
    assert_eq!(tree(&there.lattice()), first);
    let list = |project: &Project| project.json(["list", "--include-archived"]);
    assert_eq!(list(&here), list(&there));
}

#[test]
fn trees_and_documents_can_go_elsewhere() {
    let project = full();
    project.ok(["export", "--to", "out"]);
    let elsewhere = tree(&project.path().join("out"));
    assert_eq!(tree(&project.lattice()), BTreeMap::new());
    project.ok(["export"]);
    assert_eq!(tree(&project.lattice()), elsewhere);
    let data = project.json(["export", "--file", "all.json"]);
    let document = fs::read(project.path().join("all.json")).unwrap();
    assert_eq!(data["bytes"], document.len());
    assert_eq!(project.ok(["export", "--file", "-"]).into_bytes(), document);
    let other = Project::empty();
    other.ok(["init"]);
    assert_eq!(other.fed(["import", "--file", "-", "--json"], &document).status, 1, "another tracker's");
    let run = other.fed(["import", "--file", "-", "--adopt", "--quiet"], &document);
    assert_eq!((run.status, run.stdout.as_str()), (0, "LAT-1\nLAT-2\n"));
    assert_eq!(project.refused(["export", "--to", "x", "--file", "y"]).1["code"], "USAGE");
}

#[test]
fn an_import_says_what_it_takes_and_takes_it_once() {
    let (here, there) = (full(), Project::empty());
    here.ok(["export"]);
    copy(&here.lattice(), &there.lattice());
    there.ok(["init"]);
    there.task("Three");
    there.ok(["comment", "LAT-1", "From there"]);
    there.ok(["update", "LAT-1", "priority=low", &format!("description={}", "long ".repeat(20))]);
    there.ok(["export", "--to", here.path().join("theirs").to_str().unwrap()]);
    let plan = here.ok(["import", "theirs", "--dry-run"]);
    assert!(plan.contains("~ LAT-1 \"One 🎉\": comment_added, 2 × field_updated\n"), "{plan}");
    assert!(plan.contains("    priority: medium → low\n    description: changed\n"), "{plan}");
    assert!(plan.contains("+ LAT-3 \"Three\": task_created\n"), "{plan}");
    assert!(plan.contains("Would take in 4 new events"), "{plan}");
    assert_eq!(here.ok(["list", "--quiet"]), "LAT-1\n", "nothing was changed");
    let data = here.json(["import", "theirs"]);
    assert_eq!(data["tasks"][0]["changes"][0], json!({"field": "priority", "from": "medium", "to": "low"}));
    assert_eq!(data["tasks"][1]["changes"], json!([]));
    assert_eq!((&data["new_events"], &data["tasks"][1]["new"]), (&4.into(), &true.into()));
    assert_eq!(here.ok(["list", "--quiet"]), "LAT-1\nLAT-3\n");
    let again = here.json(["import", "theirs"]);
    assert_eq!((&again["new_events"], &again["tasks"]), (&0.into(), &json!([])));
}

#[test]
fn a_hand_edit_is_taken_in_before_it_can_be_overwritten() {
    let project = full();
    project.ok(["export"]);
    let id = project.json(["show", "LAT-1"])["id"].as_str().unwrap().to_owned();
    let plan = project.lattice().join(format!("plans/{id}.md"));
    fs::write(&plan, "# Another way\n\n- two steps\n").unwrap();
    let (status, error) = project.refused(["export"]);
    assert_eq!((status, &error["code"]), (1, &"EXPORT_CONFLICT".into()), "{error}");
    let report = project.json(["doctor"]);
    assert!(
        report["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("the tree holds 1 change that the database does not"),
        "{report}"
    );
    project.ok(["import"]);
    project.ok(["export"]);
    assert_eq!(project.json(["doctor"])["findings"], json!([]));
    assert!(project.ok(["plan", "LAT-1"]).contains("two steps"));
}

#[test]
fn a_hand_edit_behind_a_later_change_is_kept_and_named() {
    let project = Project::new();
    let task = project.task("Read the log");
    let id = project.json(["show", &task])["id"].as_str().unwrap().to_owned();
    project.ok(["export"]);
    let plan = project.lattice().join(format!("plans/{id}.md"));
    fs::write(&plan, "By hand.\n").unwrap();
    let mine = project.path().join("mine.md");
    fs::write(&mine, "By command.\n").unwrap();
    project.ok(["plan", &task, "--file", "mine.md"]);
    let report = project.json(["import"]);
    assert_eq!(report["superseded"], serde_json::json!([{"task": task, "text": "plan"}]), "{report}");
    assert_eq!(project.json(["plan", &task])["content"], "By command.\n");
    let found =
        project.ok(["sql", "SELECT count(*) FROM events WHERE data ->> 'body' = 'By hand.' || char(10)"]);
    assert!(found.lines().any(|line| line.trim() == "1"), "{found}");
}

#[test]
fn other_content_under_a_known_id_is_refused_or_set_aside() {
    let project = full();
    project.ok(["export", "--to", "out"]);
    let folder = project.path().join("out/events");
    let log = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("task_"))
        .unwrap();
    let text = fs::read_to_string(&log).unwrap().replace("A remark", "A lie");
    fs::write(&log, text).unwrap();
    let (status, error) = project.refused(["import", "out"]);
    assert_eq!((status, &error["code"]), (1, &"IMPORT_CONFLICT".into()), "{error}");
    assert!(error["details"]["file"].as_str().unwrap().contains("events/task_"));
    let data = project.json(["import", "out", "--prefer", "database"]);
    assert_eq!(data["quarantined"].as_array().unwrap().len(), 1);
    let report = project.json(["doctor"]);
    assert_eq!(
        (&report["findings"][0]["check"], &report["findings"][0]["level"]),
        (&"quarantine".into(), &"warning".into())
    );
}

/// The only file of a folder in the tree.
fn only_file(folder: &str, project: &Project) -> PathBuf {
    let files: Vec<_> = fs::read_dir(project.lattice().join(folder)).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].as_ref().unwrap().path()
}

#[test]
fn prefer_database_ends_a_conflict_in_the_tree_too() {
    let project = Project::new();
    let task = project.task("As it is");
    project.file("made.txt", "what was measured\n");
    project.ok(["attach", &task, "made.txt", "--title", "Figures"]);
    project.ok(["sync"]);
    let before = tree(&project.lattice());
    let log =
        PathBuf::from(format!("events/{}.jsonl", project.json(["show", &task])["id"].as_str().unwrap()));
    let changes = [
        (project.lattice().join(log), "As it is", "As it was"),
        (only_file("artifacts/meta", &project), "Figures", "Rumours"),
        (only_file("artifacts/payload", &project), "measured", "imagined"),
    ];
    let ways: [&[&[&str]]; 2] =
        [&[&["sync", "--prefer", "database"]], &[&["import", "--prefer", "database"], &["export"]]];
    for (turn, commands) in ways.into_iter().enumerate() {
        for (path, ours, theirs) in &changes {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains(ours));
            fs::write(path, text.replace(ours, &format!("{theirs}{turn}"))).unwrap();
            assert_eq!(project.refused(["sync"]).1["code"], "IMPORT_CONFLICT");
            assert_eq!(project.refused(["export"]).1["code"], "EXPORT_CONFLICT");
            for command in commands.iter().copied() {
                let run = project.tried(command);
                assert_eq!(run.status, 0, "{theirs}: {run:?}");
            }
            assert!(tree(&project.lattice()) == before, "{theirs}");
            assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
            // Another content than the one that lost is known as little as before.
            fs::write(path, text.replace(ours, "neither")).unwrap();
            assert_eq!(project.refused(["export"]).1["code"], "EXPORT_CONFLICT");
            fs::write(path, &text).unwrap();
        }
    }
}

#[test]
fn an_absent_payload_does_not_win_against_a_present_one() {
    const ID: &str = "art_01J00000000000000000000001";
    let entitle = |lattice: &Path, title: &str| {
        let meta = lattice.join(format!("artifacts/meta/{ID}.json"));
        let mut value: Value = serde_json::from_slice(&fs::read(&meta).unwrap()).unwrap();
        value["title"] = title.into();
        fs::write(meta, value.to_string()).unwrap();
    };
    let (here, there) = (Project::new(), Project::empty());
    let task = here.task("One");
    here.file("key.txt", "the key");
    here.ok(["attach", &task, "key.txt", "--sensitive", "--id", ID]);
    here.ok(["export"]);
    copy(&here.lattice(), &there.lattice());
    entitle(&there.lattice(), "As it is called there");
    there.ok(["init"]);
    let kept = |project: &Project, title: &str| {
        assert_eq!(project.json(["artifact", ID])["title"], title);
        assert_eq!(project.ok(["artifact", ID, "--payload"]), "the key");
        let aside = "SELECT group_concat(kind) FROM quarantine";
        assert_eq!(project.ok(["sql", "--quiet", aside]), "artifact\n", "bytes that are here are not aside");
        assert_eq!(project.json(["doctor"])["summary"]["errors"], 0);
    };
    // The tree has the words that win, and not the bytes.
    entitle(&here.lattice(), "Another");
    here.ok(["sync", "--prefer", "tree"]);
    kept(&here, "Another");
    // The tracker has the words that win, and not the bytes.
    here.ok(["export", "--include-sensitive", "--to", "out"]);
    there.ok(["import", here.path().join("out").to_str().unwrap(), "--prefer", "database"]);
    kept(&there, "As it is called there");
}

#[test]
fn an_edit_that_only_a_file_holds_is_still_to_be_exported_after_its_import() {
    let project = Project::new();
    project.task("One");
    project.ok(["export"]);
    let plan = fs::read_dir(project.lattice().join("plans")).unwrap().next().unwrap().unwrap().path();
    fs::write(plan, "# By hand\n").unwrap();
    for _ in 0..2 {
        project.ok(["import"]);
        let (said, checked) = (project.ok([""; 0]), project.ok(["doctor"]));
        assert!(said.contains("behind the tracker; `lattice sync` writes them"), "{said}");
        assert!(checked.contains("holds 1 change that the tree does not; `lattice export`"), "{checked}");
    }
    assert_ne!(project.json(["export"])["written"], json!([]));
    project.ok(["import"]);
    assert!(project.ok([""; 0]).contains("as the last sync left them"));
    assert!(project.ok(["doctor"]).contains("✓ the exported tree and the database are in step"));
}

#[test]
fn doctor_tells_how_tree_and_database_stand() {
    let project = full();
    assert!(!project.ok(["doctor"]).contains("exported tree"), "there is none");
    project.ok(["export"]);
    assert!(project.ok(["doctor"]).contains("✓ the exported tree and the database are in step"));
    project.task("Three");
    let text = project.ok(["doctor"]);
    assert!(text.contains("the database holds 1 change that the tree does not"), "{text}");
    assert!(text.ends_with("0 errors, 1 warning\n"), "{text}");
    fs::write(project.lattice().join("instance.jsonl"), "{broken\n").unwrap();
    let run = project.run(["doctor", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &document["ok"]), (1, &true.into()), "{document}");
    assert_eq!(document["data"]["summary"]["errors"], 1);
}

#[test]
fn doctor_mends_derived_tables_and_says_so() {
    let project = full();
    Connection::open(project.database()).unwrap().execute("UPDATE tasks SET title = 'x'", []).unwrap();
    let run = project.run(["doctor"]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("✗ tables differ from the log"), "{}", run.stdout);
    assert_eq!(project.ok(["sql", "--quiet", "SELECT count(*) FROM tasks WHERE title = 'x'"]), "2\n");
    let run = project.run(["doctor", "--fix", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &document["data"]["fixed"]), (0, &json!(["derived_tables"])));
    assert!(run.stderr.contains("are being made anew"), "{}", run.stderr);
    assert_eq!(project.ok(["sql", "--quiet", "SELECT count(*) FROM tasks WHERE title = 'x'"]), "0\n");
    assert_eq!(project.json(["doctor", "--fix"])["fixed"], json!([]));
}

#[test]
fn a_damaged_log_is_found_and_nothing_is_made_from_it() {
    let project = full();
    let conn = Connection::open(project.database()).unwrap();
    let trigger: String = conn
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'events_are_never_changed'", [], |row| {
            row.get(0)
        })
        .unwrap();
    conn.execute_batch("DROP TRIGGER events_are_never_changed").unwrap();
    conn.execute(
        "UPDATE events SET raw = replace(raw, 'A remark', 'A lie') WHERE type = 'comment_added'",
        [],
    )
    .unwrap();
    conn.execute_batch(&trigger).unwrap();
    drop(conn);
    let run = project.run(["doctor"]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("✗ events are not as they were written"), "{}", run.stdout);
    let run = project.run(["doctor", "--fix"]);
    assert!(run.stderr.contains("nothing was made anew"), "{}", run.stderr);
    let (status, error) = project.refused(["rebuild", "--all"]);
    assert_eq!((status, &error["code"]), (4, &"STORE_CORRUPT".into()));
    assert!(project.ok(["comments", "LAT-1"]).contains("A remark"), "the tables stayed as they were");
}

#[test]
fn a_file_that_is_cut_off_is_an_answer_of_doctor_and_no_crash() {
    let project = full();
    let conn = Connection::open(project.database()).unwrap();
    let _: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    drop(conn);
    let mut bytes = fs::read(project.database()).unwrap();
    let length = bytes.len();
    bytes[length / 2..].fill(0x5a);
    fs::write(project.database(), &bytes).unwrap();
    let run = project.run(["doctor", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let found = document["data"]["findings"].as_array().is_some_and(|list| !list.is_empty());
    let refused = document["error"]["code"].as_str().is_some_and(|code| code.starts_with("STORE_"));
    assert!((run.status == 1 && found) || (run.status == 4 && refused), "{run:?}");
}

#[test]
fn rebuild_takes_one_task_or_all() {
    let project = full();
    let id = project.json(["show", "LAT-1"])["id"].clone();
    let one = project.json(["rebuild", "LAT-1"]);
    assert_eq!(one, json!({"rebuilt_tasks": [id], "global_log_rebuilt": false}));
    let all = project.json(["rebuild", "--all"]);
    assert_eq!(all["rebuilt_tasks"].as_array().unwrap().len(), 2);
    assert_eq!((&all["rebuilt_resources"], &all["global_log_rebuilt"]), (&json!([]), &true.into()));
    for (args, code) in [
        (vec!["rebuild"], "VALIDATION_ERROR"),
        (vec!["rebuild", "LAT-1", "--all"], "VALIDATION_ERROR"),
        (vec!["rebuild", "LAT-9"], "NOT_FOUND"),
        (vec!["rebuild", "task_01KPH4C22FWF63BPQ4SET7E5JG"], "NOT_FOUND"),
    ] {
        assert_eq!(project.refused(args.clone()).1["code"], code, "{args:?}");
    }
    assert_eq!(project.json(["doctor"])["findings"], json!([]));
}

#[test]
fn notes_that_were_written_before_the_first_export_are_taken_in() {
    let project = Project::new();
    project.task("First");
    let id = project.json(["show", "LAT-1"])["id"].as_str().unwrap().to_owned();
    fs::create_dir_all(project.lattice().join("notes")).unwrap();
    fs::write(project.lattice().join(format!("notes/{id}.md")), "by hand\n").unwrap();
    let stranger = "notes/task_01ARZ3NDEKTSV4RRFFQ69G5FAV.md";
    fs::write(project.lattice().join(stranger), "nobody's\n").unwrap();
    let said = project.ok(["sync"]);
    assert!(said.starts_with("In: 1 event on LAT-1."), "{said}");
    assert_eq!(project.ok(["notes", "LAT-1"]), "by hand\n");
    assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
    assert_eq!(fs::read_to_string(project.lattice().join(stranger)).unwrap(), "nobody's\n");
}

/// As when git brought back an older log and a configuration that two clones had a part in.
#[test]
fn settings_that_the_log_beside_them_lacks_and_the_tracker_has_keep_no_sync_from_writing() {
    let project = Project::new();
    let (log, config) = (project.lattice().join("instance.jsonl"), project.lattice().join("config.json"));
    project.ok(["export"]);
    let older = fs::read(&log).unwrap();
    for (key, value) in [("x_a", "1"), ("x_b", "2"), ("x_c", "3")] {
        project.ok(["config", "set", key, value]);
    }
    project.ok(["export"]);
    let whole = fs::read_to_string(&config).unwrap();
    let mut part: Value = serde_json::from_str(&whole).unwrap();
    part.as_object_mut().unwrap().remove("x_a");
    fs::write(&log, older).unwrap();
    fs::write(&config, part.to_string()).unwrap();
    assert_eq!(project.json(["import", "--dry-run"])["new_events"], 0);
    project.ok(["sync"]);
    assert_eq!(fs::read_to_string(&config).unwrap(), whole);
}
