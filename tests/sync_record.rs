//! The record of the exported tree: it spares work and changes nothing. Whatever stands in the
//! folder, a tracker with its record does the same as one without, and a file that was changed is
//! read whatever its size and its times say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::{Value, json};
use support::{Project, each};

/// Everything below `.lattice/` that git would track.
fn tree(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(at: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                walk(&path, root, found);
            } else if !name.starts_with("lattice") && name != "lock" {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(at, at, &mut found);
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The record: the row that heads it, and its rows.
type Record = (Option<String>, Vec<Vec<Sql>>);

fn record(project: &Project) -> Record {
    let conn = Connection::open(project.database()).unwrap();
    let head = conn.query_row("SELECT value FROM meta WHERE key = 'tree_record'", [], |row| row.get(0)).ok();
    let mut statement = conn.prepare("SELECT * FROM tree_record").unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|n| row.get(n)).collect()).unwrap();
    (head, rows.map(Result::unwrap).collect())
}

fn put_record(project: &Project, (head, rows): &Record) {
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch("DELETE FROM tree_record; DELETE FROM meta WHERE key = 'tree_record'").unwrap();
    if let Some(head) = head {
        conn.execute("INSERT INTO meta VALUES ('tree_record', ?1)", [head]).unwrap();
    }
    for row in rows {
        let marks = vec!["?"; row.len()].join(",");
        let sql = format!("INSERT INTO tree_record VALUES ({marks})");
        conn.execute(&sql, rusqlite::params_from_iter(row)).unwrap();
    }
}

/// What a tracker says and has after a command, without the folder's name.
#[derive(Debug, PartialEq)]
struct After {
    said: Value,
    warned: String,
    tree: BTreeMap<PathBuf, String>,
    events: Vec<String>,
}

fn after(project: &Project, command: &str) -> After {
    let run = project.tried([command, "--json"]);
    let place = project.path().canonicalize().unwrap().display().to_string();
    let conn = Connection::open(project.database()).unwrap();
    let mut events = conn.prepare("SELECT raw FROM events ORDER BY seq").unwrap();
    let events = events.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    After {
        said: serde_json::from_str(&run.stdout.replace(&place, "HERE")).unwrap(),
        warned: run.stderr.replace(&place, "HERE"),
        tree: tree(&project.lattice())
            .into_iter()
            .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
            .collect(),
        events,
    }
}

/// Two tasks in a tree, one of them archived, a third with notes, and a resource.
fn example() -> Project {
    let project = Project::new();
    for title in ["First", "Second", "Third", "Fourth"] {
        project.task(title);
    }
    project.ok(["archive", "LAT-2"]);
    project.fed(["notes", "LAT-3", "--file", "-"], b"some notes\n");
    project.ok(["comment", "LAT-1", "seen"]);
    project.ok(["sync"]);
    assert!(record(&project).1.len() == 4, "there is a record");
    project
}

fn id(project: &Project, name: &str) -> String {
    project.json(["show", name])["id"].as_str().unwrap().to_owned()
}

/// A clone that has gone on: a change, a task of its own, exported.
fn clone_of(project: &Project) -> Project {
    let other = Project::empty();
    copy(&project.lattice(), &other.lattice());
    for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lock"] {
        drop(fs::remove_file(other.lattice().join(name)));
    }
    other.ok(["init"]);
    other.ok(["status", "LAT-1", "in_planning"]);
    other.task("Theirs");
    other.ok(["sync"]);
    other
}

/// Warns of the exported tree, which still holds the content.
fn redact(project: &Project, event: &str) {
    let run = project.tried(["redact", event, "--reason", "must go"]);
    assert_eq!(run.status, 0, "{run:?}");
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).unwrap();
    fs::write(path, before + text).unwrap();
}

/// What may happen to a tracker and its tree between two calls, by name.
type Change = (&'static str, fn(&Project));

fn changes() -> Vec<Change> {
    fn file(project: &Project, path: String) -> PathBuf {
        project.lattice().join(path)
    }
    vec![
        ("nothing", |_| {}),
        ("a comment", |p| drop(p.ok(["comment", "LAT-1", "again"]))),
        ("a task", |p| drop(p.task("Fifth"))),
        ("a move", |p| drop(p.ok(["unarchive", "LAT-2"]))),
        ("a move and back", |p| {
            p.ok(["archive", "LAT-1"]);
            p.ok(["unarchive", "LAT-1"]);
        }),
        ("another number", |p| drop(p.ok(["renumber", "LAT-1", "WEB-7"]))),
        ("a setting", |p| drop(p.ok(["config", "set", "project_name", "Other"]))),
        ("an edited plan", |p| {
            fs::write(file(p, format!("plans/{}.md", id(p, "LAT-1"))), "# By hand\n").unwrap()
        }),
        ("an edited plan behind a comment", |p| {
            p.ok(["comment", "LAT-1", "again"]);
            fs::write(file(p, format!("plans/{}.md", id(p, "LAT-1"))), "# By hand\n").unwrap();
        }),
        ("edited notes of the archive", |p| {
            fs::create_dir_all(p.lattice().join("archive/notes")).unwrap();
            fs::write(file(p, format!("archive/notes/{}.md", id(p, "LAT-2"))), "by hand\n").unwrap();
        }),
        ("emptied notes", |p| fs::write(file(p, format!("notes/{}.md", id(p, "LAT-3"))), "").unwrap()),
        ("notes taken away", |p| fs::remove_file(file(p, format!("notes/{}.md", id(p, "LAT-3")))).unwrap()),
        ("an edited context", |p| append(&file(p, "context.md".into()), "more\n")),
        ("an edited configuration", |p| {
            let path = file(p, "config.json".into());
            let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            config["project_name"] = json!("By hand");
            fs::write(path, config.to_string()).unwrap();
        }),
        ("a snapshot of another mind", |p| {
            let path = file(p, format!("tasks/{}.json", id(p, "LAT-1")));
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("First", "Fiſt")).unwrap();
        }),
        ("a log taken away", |p| {
            fs::remove_file(file(p, format!("events/{}.jsonl", id(p, "LAT-1")))).unwrap()
        }),
        ("all of a task taken away", |p| {
            let id = id(p, "LAT-1");
            for path in ["events/ID.jsonl", "tasks/ID.json", "plans/ID.md"] {
                fs::remove_file(file(p, path.replace("ID", &id))).unwrap();
            }
        }),
        ("a copy below the archive", |p| {
            let id = id(p, "LAT-1");
            let at = |folder: &str| file(p, format!("{folder}/{id}.jsonl"));
            fs::copy(at("events"), at("archive/events")).unwrap();
        }),
        ("a snapshot of nothing", |p| {
            fs::copy(
                file(p, format!("tasks/{}.json", id(p, "LAT-1"))),
                file(p, "tasks/task_01KPH4C22FWF63BPQ4SET7E5JG.json".into()),
            )
            .map(drop)
            .unwrap();
        }),
        ("a stranger's file", |p| p.file(".lattice/plans/README.md", "Hello.\n")),
        ("markers in a log", |p| {
            let path = file(p, format!("events/{}.jsonl", id(p, "LAT-1")));
            let log = fs::read_to_string(&path).unwrap();
            fs::write(&path, format!("<<<<<<< a\n{log}=======\n>>>>>>> b\n")).unwrap();
        }),
        ("a log that is cut off", |p| {
            append(&file(p, format!("events/{}.jsonl", id(p, "LAT-1"))), "{\"half\":")
        }),
        ("other content of an event", |p| {
            let path = file(p, format!("events/{}.jsonl", id(p, "LAT-1")));
            let log = fs::read_to_string(&path).unwrap();
            fs::write(&path, log.replace("seen", "been")).unwrap();
        }),
        ("no lifecycles", |p| fs::write(file(p, "events/_lifecycle.jsonl".into()), "").unwrap()),
        ("a lifecycle of its own", |p| {
            let event = json!({
                "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "task_archived",
                "task_id": id(p, "LAT-1"), "actor": "human:a", "data": {},
            });
            append(&file(p, "events/_lifecycle.jsonl".into()), &format!("{event}\n"));
        }),
        ("a lifecycle of a new task", |p| {
            let event = json!({
                "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "task_created",
                "task_id": "task_01KPH4C22FWF63BPQ4SET7E5JG", "actor": "human:a",
                "data": {"title": "Only here", "status": "backlog", "short_id": "LAT-1"},
            });
            append(&file(p, "events/_lifecycle.jsonl".into()), &format!("{event}\n"));
        }),
        ("the tree of a clone", |p| {
            let other = clone_of(p);
            for (path, bytes) in tree(&other.lattice()) {
                fs::create_dir_all(p.lattice().join(&path).parent().unwrap()).unwrap();
                fs::write(p.lattice().join(path), bytes).unwrap();
            }
        }),
        ("logs of a clone that gave out the same number", |p| {
            let other = clone_of(p);
            p.task("Ours");
            p.ok(["sync"]);
            for (path, bytes) in
                tree(&other.lattice()).into_iter().filter(|(path, _)| path.starts_with("events"))
            {
                fs::write(p.lattice().join(path), bytes).unwrap();
            }
        }),
        ("a redaction", |p| {
            let event = p.say(&["comment", "LAT-1", "a secret of ours"]);
            p.ok(["sync"]);
            redact(p, &event);
        }),
        ("a redaction elsewhere", |p| {
            let event = p.say(&["comment", "LAT-1", "a secret of ours"]);
            p.ok(["sync"]);
            let other = clone_of(p);
            redact(&other, &event);
            other.ok(["sync"]);
            for (path, bytes) in tree(&other.lattice()) {
                fs::write(p.lattice().join(path), bytes).unwrap();
            }
        }),
        ("tables made anew", |p| drop(p.ok(["rebuild", "--all"]))),
    ]
}

#[test]
fn a_tracker_with_its_record_does_the_same_as_one_without() {
    let original = example();
    each::done(&changes(), |(what, change)| {
        let [with, without, stale] = [Project::empty(), Project::empty(), Project::empty()];
        copy(&original.lattice(), &with.lattice());
        let old = record(&with);
        change(&with);
        for other in [&without, &stale] {
            copy(&with.lattice(), &other.lattice());
        }
        put_record(&without, &(None, Vec::new()));
        // As if every export since had been killed before it could note what it did. A redaction
        // and a rebuild take the record away in the same transaction, so none from before is left.
        if !what.contains("redaction") && !what.contains("anew") {
            put_record(&stale, &old);
        }
        for command in ["import", "export", "sync"] {
            let of = |from: &Project| {
                let project = Project::empty();
                copy(&from.lattice(), &project.lattice());
                after(&project, command)
            };
            let expected = of(&without);
            for (name, other) in [("its record", &with), ("an old record", &stale)] {
                assert_eq!(of(other), expected, "{command} after {what}, with {name}");
            }
        }
        // And it comes to an end.
        if with.tried(["sync"]).status == 0 {
            assert_eq!(with.tried(["sync"]).stdout, "In: nothing new.\nOut: nothing to write.\n", "{what}");
            let doctor = with.json(["doctor"]);
            assert_eq!(doctor["summary"]["errors"], 0, "{what}: {doctor}");
        }
    });
}

#[test]
fn a_file_is_read_whatever_its_size_and_its_times_say() {
    let project = example();
    project.fed(["plan", "LAT-1", "--file", "-"], b"# Plan a\n");
    project.ok(["sync"]);
    let path = project.lattice().join(format!("plans/{}.md", id(&project, "LAT-1")));
    let before = path.metadata().unwrap();
    fs::write(&path, "# Plan b\n").unwrap();
    let times = fs::FileTimes::new()
        .set_modified(before.modified().unwrap())
        .set_accessed(before.accessed().unwrap());
    fs::File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    let now = path.metadata().unwrap();
    assert!(now.len() == before.len() && now.modified().unwrap() == before.modified().unwrap());
    assert_eq!(project.refused(["export"]).1["code"], "EXPORT_CONFLICT");
    assert!(project.ok(["sync"]).starts_with("In: 1 event on LAT-1.\n"));
    assert!(project.ok(["plan", "LAT-1"]).contains("# Plan b"));
}

#[test]
fn what_a_restored_file_lacks_comes_back_from_the_tree() {
    let project = example();
    let backup = project.path().join("backup.db");
    project.ok(["backup", backup.to_str().unwrap()]);
    project.ok(["comment", "LAT-1", "after the backup"]);
    project.task("After the backup");
    project.ok(["sync"]);
    let exported = tree(&project.lattice());
    let run = project.tried(["restore", "--force", backup.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(project.refused(["export"]).1["code"], "EXPORT_CONFLICT");
    let said = project.ok(["sync"]);
    assert!(said.starts_with("In: 2 events on LAT-1, LAT-5.\n"), "{said}");
    assert!(tree(&project.lattice()) == exported);
}

#[test]
fn worktrees_that_share_a_tracker_take_turns() {
    let project = Project::empty();
    let git = |at: &Path, args: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(at)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(project.path(), &["init", "-q", "-b", "main", "."]);
    project.ok(["init", "--project-code", "LAT"]);
    project.task("Shared");
    project.ok(["sync"]);
    git(project.path(), &["add", "-A"]);
    git(project.path(), &["commit", "-qm", "tree"]);
    let there = project.path().join("there");
    git(project.path(), &["worktree", "add", "-q", there.to_str().unwrap()]);
    let sync_there = || {
        let run = project.command(["sync"]).current_dir(&there).env("LATTICE_ACTOR", "agent:test").output();
        let run = support::Run::of(run.unwrap());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
        run.stdout
    };
    let plan = format!(".lattice/plans/{}.md", id(&project, "LAT-1"));
    assert_eq!(sync_there(), "In: nothing new.\nOut: nothing to write.\n");
    for turn in 0..3 {
        fs::write(there.join(&plan), format!("# There {turn}\n")).unwrap();
        assert!(sync_there().starts_with("In: 1 event on LAT-1.\n"), "{turn}");
        // Here the tree is behind, and the plan in it an old one that is known.
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: 3 files written.\n", "{turn}");
        fs::write(project.path().join(&plan), format!("# Here {turn}\n")).unwrap();
        assert!(project.ok(["sync"]).starts_with("In: 1 event on LAT-1.\n"), "{turn}");
        assert_eq!(sync_there(), "In: nothing new.\nOut: 3 files written.\n", "{turn}");
        assert!(fs::read(there.join(&plan)).unwrap() == format!("# Here {turn}\n").as_bytes());
        assert!(tree(&there.join(".lattice")) == tree(&project.lattice()));
    }
}

#[test]
fn the_record_goes_where_it_could_be_wrong_and_reads_leave_it_alone() {
    let project = example();
    let whole = record(&project);
    for args in
        [&["list"][..], &["show", "LAT-1"], &["doctor"], &["import", "--dry-run"], &["export", "--to", "out"]]
    {
        project.ok(args);
        assert!(record(&project) == whole, "{args:?}");
    }
    project.ok(["rebuild", "--all"]);
    assert_eq!(record(&project), (None, Vec::new()));
    assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
    assert!(record(&project) == whole);
    let event = project.say(&["comment", "LAT-1", "a secret of ours"]);
    project.ok(["sync"]);
    redact(&project, &event);
    assert_eq!(record(&project), (None, Vec::new()));
    project.ok(["sync"]);
    for bytes in tree(&project.lattice()).values() {
        assert!(!String::from_utf8_lossy(bytes).contains("a secret of ours"));
    }
    // Half of it, or the head alone, is no reason to leave a task out.
    let (head, mut rows) = record(&project);
    for length in [2, 0] {
        rows.truncate(length);
        put_record(&project, &(head.clone(), rows.clone()));
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
        assert_eq!(record(&project).1.len(), 4, "what was missing is noted again");
    }
}
