//! Transcripts of `redact`: what was said is gone, from the file, the tables, the tree and every
//! clone; that something was said is not.

mod support;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Project, Run};

const SECRET: &str = "Hunter2zQx";

/// Files below a folder that hold these bytes, in whatever case: an index of words folds it.
fn holding(folder: &Path, secret: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, secret));
        } else {
            let bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
            let secret = secret.to_ascii_lowercase();
            if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn in_database(project: &Project) -> Vec<PathBuf> {
    let is_database = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("lattice.db");
    holding(&project.lattice(), SECRET).into_iter().filter(is_database).collect()
}

fn redact(project: &Project, event: &str) -> Value {
    project.json(["redact", event, "--reason", "a password"])
}

/// Ids of all events of a type, oldest first.
fn of_type(project: &Project, kind: &str) -> Vec<String> {
    let rows = project.json(["sql", &format!("SELECT id FROM events WHERE type = '{kind}' ORDER BY seq")]);
    rows["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

fn healthy(project: &Project) {
    let doctor = project.json(["doctor"]);
    assert_eq!(doctor["findings"], json!([]), "{doctor}");
}

/// A tracker whose every kind of text holds the secret, with a long life behind it: pages that were
/// freed, an index of words, a log that was emptied.
fn leaky() -> Project {
    let project = Project::new();
    project.ok([
        "create",
        &format!("Ask {SECRET}"),
        "--description",
        &format!("line {SECRET}"),
        "--tags",
        SECRET,
    ]);
    project.say(&["comment", "LAT-1", &format!("it is {SECRET}"), "--role", "review"]);
    let long = format!("{SECRET} {}", "x".repeat(20_000));
    let comment = project.say(&["comment", "LAT-1", &long]);
    project.ok(["comment-edit", "LAT-1", &comment, "nothing"]);
    project.ok(["update", "LAT-1", &format!("custom_fields.key={SECRET}")]);
    project.ok(["update", "LAT-1", &format!("title=Ask {SECRET} again")]);
    for text in ["plan", "notes"] {
        assert_eq!(
            project.fed([text, "LAT-1", "--file", "-"], format!("# A\n\n- {SECRET}\n").as_bytes()).status,
            0
        );
    }
    assert_eq!(project.fed(["context", "--file", "-"], format!("# {SECRET}\n").as_bytes()).status, 0);
    project.ok(["event", "LAT-1", "x_build", "--data", &format!("{{\"log\":\"{SECRET}\"}}")]);
    project.ok(["attach", "LAT-1", "--inline", &format!("payload {SECRET}"), "--title", SECRET]);
    project.ok(["config", "set", "deploy.note", &format!("say {SECRET}")]);
    project.ok(["create", "second", "--reason", SECRET]);
    project.ok(["link", "LAT-1", "blocks", "LAT-2", "--note", SECRET]);
    let lines: String =
        (0..70).map(|n| format!("{{\"comment\":{{\"task\":\"LAT-2\",\"text\":\"{n}\"}}}}\n")).collect();
    assert_eq!(project.fed(["batch"], lines.as_bytes()).status, 0);
    project
}

fn all_redacted(project: &Project) {
    let leaks = project.json([
        "sql",
        &format!(
            "SELECT id FROM events WHERE raw LIKE '%{SECRET}%' OR type = 'artifact_attached' ORDER BY seq"
        ),
    ]);
    let leaks = leaks["rows"].as_array().unwrap().clone();
    assert!(leaks.len() > 12, "{leaks:?}");
    for leak in leaks {
        redact(project, leak[0].as_str().unwrap());
    }
}

#[test]
fn nothing_of_it_is_left_in_any_file() {
    let project = leaky();
    project.ok(["export", "--include-sensitive"]);
    assert!(!in_database(&project).is_empty());
    all_redacted(&project);
    assert_eq!(in_database(&project), Vec::<PathBuf>::new());
    assert!(!holding(&project.lattice(), SECRET).is_empty(), "the tree was exported before");
    project.ok(["export"]);
    assert_eq!(holding(&project.lattice(), SECRET), Vec::<PathBuf>::new());
    healthy(&project);
}

#[test]
fn what_hangs_on_it_stays() {
    let project = leaky();
    let before = project.json(["show", "LAT-1"]);
    all_redacted(&project);
    let after = project.json(["show", "LAT-1"]);
    for member in [
        "id",
        "short_id",
        "status",
        "type",
        "priority",
        "created_at",
        "created_by",
        "comment_count",
        "relationships_out",
    ] {
        let (mut left, mut right) = (before[member].clone(), after[member].clone());
        if member == "relationships_out" {
            left[0]["note"].take();
            right[0]["note"].take();
        }
        assert_eq!(left, right, "{member}");
    }
    assert_eq!((&after["title"], &after["description"]), (&json!("[redacted]"), &json!("[redacted]")));
    assert_eq!(after["custom_fields"], json!({"key": "[redacted]"}));
    assert_eq!(
        after["evidence_refs"].as_array().unwrap().len(),
        before["evidence_refs"].as_array().unwrap().len()
    );
    assert_eq!(project.json(["config", "list"])["deploy"], Value::Null);
    // Nobody's number is given out again.
    assert_eq!(project.task("third"), "LAT-3");
    assert_eq!(project.json(["show", "LAT-3"])["title"], "third");
    // Tables made anew from the log are the same, and searches find what is there.
    project.ok(["rebuild", "--all"]);
    assert_eq!(project.json(["show", "LAT-1"]), after);
    assert_eq!(project.json(["search", SECRET]), json!([]));
    assert_ne!(project.json(["search", "69"]), json!([]));
    healthy(&project);
}

#[test]
fn who_did_it_and_why_is_an_event_and_doing_it_again_changes_nothing() {
    let project = Project::new();
    project.task("first");
    let comment = project.say(&["comment", "LAT-1", SECRET]);
    let answer = redact(&project, &comment);
    assert_eq!(
        answer,
        json!({"event_id": comment, "redacted": true, "also": [], "copies": [], "traces": null})
    );
    let said = project.json(["show", "LAT-1"])["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&said["type"], &said["actor"]), (&json!("event_redacted"), &json!("agent:test")));
    assert_eq!(said["data"], json!({"event_id": comment, "reason": "a password"}));
    let events = project.ok(["events"]);
    assert_eq!(redact(&project, &comment)["redacted"], false);
    assert_eq!(project.ok(["events"]), events);
    let comments = project.json(["comments", "LAT-1"]);
    assert_eq!((&comments[0]["body"], &comments[0]["author"]), (&json!("[redacted]"), &json!("agent:test")));
    for (args, code) in [
        (&["redact", &comment][..], "VALIDATION_ERROR"),
        (&["redact", "ev_01J00000000000000000000000", "--reason", "r"], "NOT_FOUND"),
        (&["redact", "LAT-1", "--reason", "r"], "INVALID_ID"),
        (&["redact", &of_type(&project, "config_changed")[0], "--reason", "r"], "VALIDATION_ERROR"),
    ] {
        assert_eq!(project.refused(args).1["code"], code, "{args:?}");
    }
    assert_eq!(project.ok(["events"]), events);
}

#[test]
fn other_places_of_the_same_text_are_named() {
    let project = Project::new();
    project.task("first");
    let comment = project.say(&["comment", "LAT-1", &format!("\"quoted\" {SECRET}")]);
    project.ok(["comment-edit", "LAT-1", &comment, "gone"]);
    let edited = of_type(&project, "comment_edited").remove(0);
    let artifact = project.json(["attach", "LAT-1", "--inline", &format!("see: \"quoted\" {SECRET}!")]);
    assert_eq!(redact(&project, &comment)["also"], json!([edited]));
    project.ok(["comment", "LAT-1", "see: plain"]);
    let again = project.say(&["comment", "LAT-1", &format!("{SECRET} plain")]);
    project.ok(["attach", "LAT-1", "--inline", &format!("-- {SECRET} plain --")]);
    let also = redact(&project, &again)["also"].clone();
    assert!(also[0].as_str().unwrap().starts_with("art_") && also[0] != artifact["id"], "{also}");
    let run = Run::of(
        project.command(["redact", &edited, "--reason", "r", "--actor", "agent:a"]).output().unwrap(),
    );
    assert_eq!((run.status, run.stdout), (0, format!("Redacted {edited}\n")));
}

/// Copies a project's exported tree, without its database.
fn tree_of(project: &Project) -> Project {
    let clone = Project::empty();
    copy(&project.lattice(), &clone.lattice());
    clone
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if !name.starts_with("lattice.db") && name != "lock" {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn it_is_gone_from_a_clone_that_imports_and_does_not_come_back_from_one_that_has_not() {
    let ours = leaky();
    ours.ok(["export"]);
    let old_tree = tree_of(&ours);
    let theirs = tree_of(&ours);
    theirs.ok(["init"]);
    theirs.ok(["comment", "LAT-2", "theirs"]);
    all_redacted(&ours);
    // A tree from before brings nothing back, plans and payloads included, whatever is asked for.
    for flags in [&[][..], &["--prefer", "tree"], &["--reconcile"]] {
        let line = [&["import", old_tree.path().to_str().unwrap()], flags].concat();
        let report = ours.json(&line);
        assert_eq!((&report["new_events"], &report["new_artifacts"]), (&json!(0), &json!(0)), "{report}");
        assert!(report["withheld"].as_u64().unwrap() > 12, "{report}");
        assert_eq!(in_database(&ours), Vec::<PathBuf>::new());
    }
    // A tree from after takes it away there, and says so.
    ours.ok(["export"]);
    let report = theirs.json(["import", ours.path().to_str().unwrap()]);
    assert_eq!(
        report["redacted"].as_array().unwrap().len(),
        of_type(&ours, "event_redacted").len(),
        "{report}"
    );
    assert_eq!(report["traces"], Value::Null);
    assert_eq!(in_database(&theirs), Vec::<PathBuf>::new());
    theirs.ok(["export"]);
    assert_eq!(holding(&theirs.lattice(), SECRET), Vec::<PathBuf>::new());
    healthy(&theirs);
    ours.ok(["import", theirs.path().to_str().unwrap()]);
    ours.ok(["export"]);
    let document = |project: &Project| project.ok(["export", "--file", "-"]);
    assert_eq!(document(&ours), document(&theirs));
    // A clone made of the old document learns it from the new one.
    let third = Project::empty();
    copy(&old_tree.lattice(), &third.lattice());
    third.ok(["init"]);
    let run = third.fed(["import", "--file", "-"], document(&ours).as_bytes());
    assert!(run.stdout.contains("was redacted elsewhere"), "{run:?}");
    assert_eq!(in_database(&third), Vec::<PathBuf>::new());
}

/// Two clones redact the same event without knowing of each other.
#[test]
fn the_same_redaction_made_twice_is_one() {
    let ours = leaky();
    ours.ok(["export"]);
    let theirs = tree_of(&ours);
    theirs.ok(["init"]);
    let comment = of_type(&ours, "comment_added").remove(0);
    redact(&ours, &comment);
    theirs.json(["redact", &comment, "--reason", "another", "--actor", "human:bo"]);
    for (here, there) in [(&ours, &theirs), (&theirs, &ours), (&ours, &theirs)] {
        there.ok(["export", "--to", here.path().join("in").to_str().unwrap()]);
        here.ok(["import", here.path().join("in").to_str().unwrap()]);
    }
    let document = |project: &Project| project.ok(["export", "--file", "-"]);
    assert_eq!(document(&ours), document(&theirs));
    assert_eq!(of_type(&ours, "event_redacted").len(), 2);
}

/// Git's union of two logs, one before and one after; and a plan that it left as it was.
#[test]
fn lines_side_by_side_and_old_files_beside_new_logs_bring_nothing_back() {
    let project = leaky();
    project.ok(["export"]);
    let mixed = tree_of(&project);
    all_redacted(&project);
    project.ok(["export"]);
    for log in std::fs::read_dir(mixed.lattice().join("events")).unwrap() {
        let path = log.unwrap().path();
        let new = std::fs::read_to_string(project.lattice().join("events").join(path.file_name().unwrap()))
            .unwrap();
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, old + &new).unwrap();
    }
    let instance = Path::new("instance.jsonl");
    std::fs::copy(project.lattice().join(instance), mixed.lattice().join(instance)).unwrap();
    // plans/, notes/, context.md, config.json and the payload are the old ones.
    let before = project.ok(["events"]);
    for flag in ["--dry-run", "--reconcile"] {
        let report = project.json(["import", mixed.path().to_str().unwrap(), flag]);
        assert_eq!((&report["new_events"], &report["new_artifacts"]), (&json!(0), &json!(0)), "{report}");
    }
    assert_eq!(project.ok(["events"]), before);
    assert_eq!(mixed.run(["init"]).status, 0);
    assert_eq!(in_database(&mixed), Vec::<PathBuf>::new());
    mixed.ok(["export"]);
    assert_eq!(holding(&mixed.lattice(), SECRET), Vec::<PathBuf>::new());
}

#[test]
fn an_export_takes_out_what_is_redacted_and_still_refuses_what_it_does_not_know() {
    let project = leaky();
    project.ok(["export"]);
    all_redacted(&project);
    let id = project.json(["show", "LAT-1"])["id"].as_str().unwrap().to_owned();
    let plan = project.lattice().join(format!("plans/{id}.md"));
    let old = std::fs::read_to_string(&plan).unwrap();
    assert!(old.contains(SECRET));
    std::fs::write(&plan, "# By hand\n").unwrap();
    assert_eq!(project.refused(["export"]).1["code"], "EXPORT_CONFLICT");
    std::fs::write(&plan, old).unwrap();
    let warned = project.json(["doctor"]);
    assert_eq!(
        (warned["summary"]["errors"].as_u64(), warned["summary"]["warnings"].as_u64() > Some(5)),
        (Some(0), true)
    );
    let report = project.json(["export"]);
    assert_eq!(report["removed"].as_array().unwrap().len(), 2, "payload and metadata: {report}");
    assert_eq!(project.json(["export"])["written"], json!([]));
    healthy(&project);
}

/// Somebody who reads keeps the log: the content is gone from all that is shown, and the next call
/// takes the traces out.
#[test]
fn a_reader_delays_the_end_of_the_traces_and_is_told_of() {
    let project = Project::new();
    project.task("first");
    let comment = project.say(&["comment", "LAT-1", SECRET]);
    let reader = Connection::open(project.database()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let answer = redact(&project, &comment);
    assert!(answer["traces"].is_string(), "{answer}");
    assert!(!in_database(&project).is_empty());
    assert!(!project.ok(["comments", "LAT-1"]).contains(SECRET));
    drop(reader);
    let answer = redact(&project, &comment);
    assert_eq!((&answer["redacted"], &answer["traces"]), (&json!(false), &Value::Null));
    assert_eq!(in_database(&project), Vec::<PathBuf>::new());
}

#[test]
fn a_payload_that_something_else_uses_stays() {
    let project = Project::new();
    project.task("first");
    let first = project.json(["attach", "LAT-1", "--inline", SECRET])["id"].as_str().unwrap().to_owned();
    let second = project.json(["attach", "LAT-1", "--inline", SECRET])["id"].as_str().unwrap().to_owned();
    let events = of_type(&project, "artifact_attached");
    assert_eq!(redact(&project, &events[0])["also"], json!([second]));
    assert!(project.ok(["artifact", &second]).contains(&second));
    assert_eq!(project.refused(["artifact", &first]).1["code"], "NOT_FOUND");
    healthy(&project);
    redact(&project, &events[1]);
    assert_eq!(in_database(&project), Vec::<PathBuf>::new());
    healthy(&project);
}
