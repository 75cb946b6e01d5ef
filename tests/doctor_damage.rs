//! Damage that `doctor` must see: every column of the log, of artifacts and their payloads, and
//! text that is no text any more.

mod support;

use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use support::Project;

const TRIGGER: &str = "events_are_never_changed";

/// A tracker with a reviewed task, so that there is an artifact with a payload.
fn full() -> Project {
    let project = Project::new();
    let task = project.planned("Read the log");
    project.ok(["status", &task, "review", "--force", "--reason", "test"]);
    project.ok(["complete", &task, "--review", "Looks right"]);
    assert_eq!(project.run(["doctor"]).status, 0);
    project
}

/// Makes a change that the file's trigger forbids.
fn damage(project: &Project, change: &str) {
    let conn = Connection::open(project.database()).unwrap();
    let of_trigger = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    let trigger: String = conn.query_row(of_trigger, [TRIGGER], |row| row.get(0)).unwrap();
    conn.execute_batch(&format!("DROP TRIGGER {TRIGGER}; {change}; {trigger};")).unwrap();
}

/// The checks that find something after this change, and whether `--fix` mends all.
fn found_after(change: &str) -> (Vec<String>, i32) {
    let project = full();
    damage(&project, change);
    let run = project.run(["doctor", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["data"]["findings"].as_array().unwrap();
    let mut checks: Vec<String> = findings.iter().map(|f| f["check"].as_str().unwrap().to_owned()).collect();
    checks.dedup();
    (checks, project.run(["doctor", "--fix"]).status)
}

#[test]
fn every_column_of_the_log_is_held_against_the_event() {
    for column in ["id", "sort_key", "ts", "type", "task_id", "resource_id", "actor"] {
        let change = format!("UPDATE events SET {column} = 'x' WHERE seq = 3");
        assert!(found_after(&change).0.contains(&"event_chain".to_owned()), "{column}");
    }
}

#[test]
fn artifacts_and_payloads_that_do_not_fit_together_are_found() {
    for change in [
        "UPDATE artifacts SET title = 'x'",
        "UPDATE artifacts SET created_by = NULL",
        "UPDATE artifacts SET size_bytes = 1",
        "UPDATE artifacts SET sensitive = 1",
        "UPDATE artifacts SET payload_file = 'x'",
        "UPDATE artifacts SET meta = json_set(meta, '$.type', 'x')",
        "UPDATE payloads SET content = x'00'",
        "UPDATE payloads SET hash = x'00'",
        "DELETE FROM payloads",
        "UPDATE artifacts SET payload_hash = NULL",
    ] {
        assert_eq!(found_after(change).0, ["artifact_payloads"], "{change}");
    }
}

#[test]
fn of_a_file_that_is_half_nonsense_doctor_says_once_what_it_could_not_examine_and_ticks_none_of_it() {
    let project = Project::new();
    for number in 1..=40 {
        project.ok(["create", &format!("Task {number}"), "--description", &"x".repeat(400)]);
    }
    let conn = Connection::open(project.database()).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(conn);
    let mut bytes = fs::read(project.database()).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..].fill(0xa5);
    fs::write(project.database(), bytes).unwrap();
    let run = project.run(["doctor"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(run.stdout.matches("database disk image is malformed").count(), 1, "{}", run.stdout);
    assert!(run.stdout.lines().count() < 16, "{}", run.stdout);
    for line in ["✗ the database file is damaged", "could not be counted", "lattice restore BACKUP"] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let document: Value = serde_json::from_str(&project.run(["doctor", "--json"]).stdout).unwrap();
    let findings = document["data"]["findings"].as_array().unwrap();
    let unexamined: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["message"].as_str().unwrap().starts_with("could not be examined"))
        .map(|finding| finding["check"].as_str().unwrap())
        .collect();
    let once: std::collections::BTreeSet<&str> = unexamined.iter().copied().collect();
    assert_eq!(once.len(), unexamined.len(), "{unexamined:?}");
    assert!(once.contains("history") && once.contains("references"), "{unexamined:?}");
    assert!(document["data"]["summary"]["tasks"].is_null(), "{document}");
    // No hint leads back here.
    let (status, error) = project.refused(["list"]);
    assert_eq!((status, &error["code"]), (4, &Value::from("STORE_CORRUPT")));
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("lattice restore BACKUP") && !hint.contains("doctor"), "{hint}");
}

/// Flips a bit in the index that leads to a task's events, in this byte of the task's id, so that it leads
/// to less.
fn hide_an_event(project: &Project, task: &str, byte: usize) {
    let ask = |sql: &str| -> u32 {
        Connection::open(project.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    ask("PRAGMA wal_checkpoint(TRUNCATE)");
    let size = ask("PRAGMA page_size") as usize;
    let page = ask("SELECT rootpage FROM sqlite_schema WHERE name = 'events_by_task'") as usize - 1;
    let found = || ask(&format!("SELECT count(*) FROM events WHERE task_id = '{task}'"));
    let (all, whole) = (found(), fs::read(project.database()).unwrap());
    // What was deleted or moved stands there too.
    let places = whole.windows(task.len()).enumerate().filter(|(_, part)| *part == task.as_bytes());
    for (place, _) in places.filter(|(place, _)| place / size == page) {
        let mut bytes = whole.clone();
        bytes[place + byte] ^= 1;
        fs::write(project.database(), bytes).unwrap();
        if found() < all {
            return;
        }
    }
    panic!("the index leads to all events, whatever is flipped");
}

#[test]
fn no_answer_omits_an_event_that_its_index_does_not_lead_to() {
    // What is found under another id, and what is nowhere found because it stands out of order.
    for byte in [30, 5] {
        nothing_is_omitted(byte);
    }
}

fn nothing_is_omitted(byte: usize) {
    let project = full();
    let task = project.json(["show", "LAT-1"])["id"].as_str().unwrap().to_owned();
    let other = project.json(["create", "Untouched"])["id"].as_str().unwrap().to_owned();
    hide_an_event(&project, &task, byte);
    let before = fs::read(project.database()).unwrap();
    let commands: [&[&str]; 8] = [
        &["show", "LAT-1"],
        &["history", "LAT-1"],
        &["events", "--task", "LAT-1"],
        &["export", "--to", "out"],
        &["export", "--file", "-"],
        &["conflicts", "LAT-1"],
        &["rebuild", "LAT-1"],
        &["rebuild", "--all"],
    ];
    for command in commands {
        let run = project.run(command.iter().copied().chain(["--json"]));
        assert_eq!(run.status, 4, "{command:?}: {run:?}");
        assert!(run.stdout.contains("STORE_CORRUPT"), "{command:?}: {run:?}");
    }
    assert!(fs::read(project.database()).unwrap() == before, "something was changed");
    assert!(!project.path().join("out/tasks").exists(), "a part of a history was exported");
    // Nor does what folds a history again, and would make the number fit.
    let tree = project.path().join("later");
    fs::create_dir_all(tree.join("events")).unwrap();
    let creation = |task: &str| -> Value {
        let sql = format!("SELECT raw FROM events WHERE type = 'task_created' AND +task_id = '{task}'");
        serde_json::from_str(project.ok(["sql", "--quiet", &sql]).trim()).unwrap()
    };
    let mut event = creation(&task);
    event["id"] = "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV".into();
    event["type"] = "x_seen".into();
    fs::write(tree.join(format!("events/{task}.jsonl")), format!("{event}\n")).unwrap();
    let comment = project.ok(["sql", "--quiet", "SELECT id FROM events WHERE type = 'comment_added'"]);
    for command in [&["import", "later"][..], &["redact", comment.trim(), "--reason", "test"]] {
        let error = project.refused(command.iter().copied()).1;
        assert_eq!(error["code"], "STORE_CORRUPT", "{command:?}: {error}");
    }
    // Nor what makes the rows of all tasks anew, because another content of an event is to win.
    let mut event = creation(&other);
    event["data"]["title"] = "Another one".into();
    fs::remove_file(tree.join(format!("events/{task}.jsonl"))).unwrap();
    fs::write(tree.join(format!("events/{other}.jsonl")), format!("{event}\n")).unwrap();
    let error = project.refused(["import", "later", "--prefer", "tree"]).1;
    assert_eq!(error["code"], "STORE_CORRUPT", "{error}");
    assert_eq!(project.run(["doctor"]).status, 1);
}

#[test]
fn text_that_is_no_text_any_more_is_mended_where_it_is_derived() {
    for change in [
        "UPDATE tasks SET title = CAST(x'ff41' AS TEXT)",
        "UPDATE tasks SET state = CAST(x'ff41' AS TEXT)",
        "UPDATE tasks SET state = '{'",
    ] {
        assert_eq!(found_after(change), (vec!["derived_tables".to_owned()], 0), "{change}");
    }
}

#[test]
fn sums_that_the_log_does_not_give_are_found_and_mended() {
    for change in [
        "UPDATE tallies SET count = count + 1 WHERE kind = 'actor'",
        "UPDATE tallies SET total = total - 1 WHERE kind = 'going'",
        "UPDATE tallies SET name = name || 'x' WHERE kind = 'span'",
        "UPDATE tallies SET total = total + 64 WHERE kind = 'until'",
        "INSERT INTO tallies VALUES ('stay', 'nowhere', 1, 60)",
        "DELETE FROM tallies WHERE kind = 'stay'",
        "UPDATE tasks SET event_count = event_count + 1",
    ] {
        let project = full();
        let lines = "{\"comment\":{\"task\":\"LAT-1\",\"text\":\"more\"}}\n".repeat(70);
        assert_eq!(project.fed(["batch"], lines.as_bytes()).status, 0);
        let changed = Connection::open(project.database()).unwrap().execute(change, []).unwrap();
        assert!(changed > 0, "{change}");
        let found = project.run(["doctor", "--quiet"]);
        assert_eq!(found.status, 1, "{change}: {found:?}");
        let text = if change.contains("tasks") { "tasks: " } else { "tallies: " };
        assert!(found.stdout.lines().all(|line| line.contains(text)), "{change}: {found:?}");
        assert_eq!(project.run(["doctor", "--fix", "--quiet"]).status, 0, "{change}");
        assert_eq!(project.ok(["doctor", "--quiet"]), "", "{change}");
    }
}

#[test]
fn the_payload_of_an_artifact_that_was_set_aside_is_kept() {
    for (prefer, shown, kept) in [("database", "Looks right", "A lie"), ("tree", "A lie", "Looks right")] {
        let project = full();
        project.ok(["export", "--to", "out"]);
        let folder = project.path().join("out/artifacts/payload");
        let payload = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        fs::write(payload, "A lie").unwrap();
        for _ in 0..2 {
            project.run(["import", "out", "--prefer", prefer]);
        }
        let one = |sql: &str| project.ok(["sql", "--quiet", sql]).trim().to_owned();
        let content = "SELECT CAST(p.content AS TEXT) FROM payloads p";
        assert_eq!(one(&format!("{content} JOIN artifacts a ON a.payload_hash = p.hash")), shown);
        let aside = "JOIN quarantine q ON q.kind = 'payload' AND q.content = lower(hex(p.hash))";
        assert_eq!(one(&format!("{content} {aside}")), kept);
        assert_eq!(one("SELECT count(*) FROM quarantine WHERE kind = 'artifact'"), "1", "and only once");
        assert_eq!(project.run(["doctor"]).status, 0);
        let conn = Connection::open(project.database()).unwrap();
        let aside = "lower(hex(hash)) IN (SELECT content FROM quarantine WHERE kind = 'payload')";
        let change = format!("UPDATE payloads SET content = x'41' WHERE {aside}");
        assert_eq!(conn.execute(&change, []), Ok(1));
        assert_eq!(project.run(["doctor"]).status, 1, "what was set aside is held against its hash");
    }
}

/// Nothing is left of what its hash was made of.
#[test]
fn a_tombstone_is_held_against_a_hash_of_its_own() {
    let project = full();
    let comment =
        project.json(["comment", "LAT-1", "a secret"])["last_event_id"].as_str().unwrap().to_owned();
    project.json(["redact", &comment, "--reason", "a password"]);
    assert_eq!(project.run(["doctor"]).status, 0);
    let place = "raw LIKE '%\"redacted\":{%'";
    damage(
        &project,
        &format!("UPDATE events SET raw = replace(raw, '[redacted]', '[redactee]') WHERE {place}"),
    );
    for command in [&["history", "LAT-1"][..], &["events"], &["export", "--file", "-"]] {
        assert_eq!(project.refused(command.iter().copied()).1["code"], "STORE_CORRUPT", "{command:?}");
    }
    assert_eq!(project.run(["doctor"]).status, 1);
}

/// The names of columns come from the file too.
#[test]
fn a_schema_that_is_no_text_any_more_is_found() {
    let project = full();
    let conn = Connection::open(project.database()).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(conn);
    let whole = fs::read(project.database()).unwrap();
    let name = b"reopened_count";
    let places = whole.windows(name.len()).enumerate().filter(|(_, part)| part == name);
    let mut count = 0;
    for (place, _) in places {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x80;
        fs::write(project.database(), bytes).unwrap();
        let run = project.run(["doctor"]);
        assert!([0, 1, 4].contains(&run.status) && !run.stderr.contains("panicked"), "{run:?}");
        count += usize::from(run.status != 0);
    }
    assert!(count > 0, "no bit of the schema was flipped");
}

#[test]
fn columns_that_do_not_read_keep_nobody_from_making_their_task_anew() {
    let project = full();
    project.ok(["update", "LAT-1", "tags=a,b", "custom_fields.x_id=gar-1"]);
    let broken = "UPDATE tasks SET tags = '[\"a', custom_fields = '{' WHERE short_id = 'LAT-1'";
    damage(&project, broken);
    assert_eq!(project.run(["doctor"]).status, 1);
    project.ok(["rebuild", "LAT-1"]);
    assert_eq!(project.run(["doctor"]).status, 0);
    assert_eq!(project.json(["show", "gar-1"])["short_id"], "LAT-1");
    // Nor is anything left of what they said.
    damage(&project, broken);
    let events = project.json(["sql", "SELECT id FROM events WHERE raw LIKE '%gar-1%'"]);
    let event = events["rows"][0][0].as_str().unwrap().to_owned();
    project.ok(["redact", &event, "--reason", "test"]);
    assert_eq!(project.refused(["show", "gar-1"]).1["code"], "NOT_FOUND");
    assert_eq!(project.run(["doctor"]).status, 0);
}
