//! `log --head` and `doctor --since-head`: what was kept elsewhere proves that nothing before it
//! has changed, also against somebody who knows how the file is made.

mod support;

use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::Project;

fn head(project: &Project) -> String {
    project.ok(["log", "--head"]).trim().to_owned()
}

/// The exit status, and what was said of the head.
fn since(project: &Project, head: &str) -> (i32, Value) {
    let run = project.run(["doctor", "--since-head", head, "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}"));
    (run.status, document["data"].clone())
}

fn example() -> Project {
    let project = Project::new();
    for title in ["first", "second", "third"] {
        let task = project.task(title);
        project.ok(["comment", &task, "a remark"]);
    }
    project
}

/// Changes the log as somebody would who wants it to look whole: without the trigger, with every
/// hash and the whole chain made anew.
fn forge(project: &Project, change: &str) {
    let conn = Connection::open(project.database()).unwrap();
    let triggers: Vec<(String, String)> = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    triggers.iter().for_each(|(name, _)| conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    conn.execute_batch(change).unwrap();
    let raws: Vec<(i64, String)> = conn
        .prepare("SELECT rowid, raw FROM events ORDER BY seq")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut chain = [0_u8; 32];
    for (seq, raw) in raws {
        let hash: [u8; 32] = Sha256::digest(raw.as_bytes()).into();
        chain = Sha256::digest([chain, hash].concat()).into();
        conn.execute("UPDATE events SET hash = ?2, chain = ?3 WHERE seq = ?1", (seq, hash, chain)).unwrap();
    }
    triggers.iter().for_each(|(_, sql)| conn.execute_batch(sql).unwrap());
}

#[test]
fn a_head_holds_also_after_more_has_come() {
    let project = example();
    let kept = head(&project);
    let (count, hash) = kept.split_once('-').unwrap();
    assert_eq!((count.parse::<usize>().unwrap(), hash.len()), (project.ok(["events"]).lines().count(), 64));
    for _ in 0..2 {
        let (status, data) = since(&project, &kept);
        assert_eq!((status, &data["since_head"]["holds"]), (0, &Value::Bool(true)), "{data}");
        project.task("another");
        assert_ne!(head(&project), kept);
    }
}

#[test]
fn a_log_that_was_forged_with_its_whole_chain_is_found() {
    let changed = "UPDATE events SET raw = replace(raw, 'a remark', 'a threat') WHERE seq = 4";
    let taken_away = "DELETE FROM events WHERE seq = 4; UPDATE events SET seq = seq - 1 WHERE seq > 4";
    let swapped = "UPDATE events SET seq = -4 WHERE seq = 4; UPDATE events SET seq = 4 WHERE seq = 5;
                   UPDATE events SET seq = 5 WHERE seq = -4";
    for change in [changed, taken_away, swapped] {
        let project = example();
        let kept = head(&project);
        project.task("after the head");
        forge(&project, change);
        project.run(["rebuild", "--all"]);
        let (status, _) = since(&project, &head(&project));
        assert_eq!(status, 0, "the forgery is a good one: {change}");
        let (status, data) = since(&project, &kept);
        assert_eq!((status, &data["since_head"]["holds"]), (1, &Value::Bool(false)), "{change}");
        let checks: Vec<&Value> = data["findings"].as_array().unwrap().iter().map(|f| &f["check"]).collect();
        assert_eq!(checks, ["since_head"], "{change}");
    }
}

#[test]
fn a_log_that_lost_its_end_is_found_against_a_head() {
    let project = example();
    let conn = Connection::open(project.database()).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(conn);
    project.task("only in the write-ahead log");
    let kept = head(&project);
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(project.lattice().join(format!("lattice.db{suffix}"))).unwrap();
    }
    let (status, data) = since(&project, &kept);
    assert_eq!(status, 1);
    let message = data["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("the others are gone"), "{message}");
    // The file alone cannot know.
    assert_eq!(project.run(["doctor"]).status, 0);
}

#[test]
fn a_redacted_event_keeps_its_place_and_is_counted() {
    let project = example();
    let comment = project.say(&["comment", "LAT-1", "the secret word"]);
    let kept = head(&project);
    project.ok(["redact", &comment, "--reason", "leaked"]);
    let (status, data) = since(&project, &kept);
    assert_eq!((status, &data["since_head"]["redacted"]), (0, &Value::from(1)), "{data}");
    assert!(project.ok(["doctor", "--since-head", &kept]).contains("redacted among them: 1 event"));
}

#[test]
fn a_backup_holds_the_heads_from_before_it_and_a_tracker_made_of_the_tree_none() {
    let project = example();
    let kept = head(&project);
    project.ok(["backup", "copy.db"]);
    project.task("after the backup");
    let later = head(&project);
    project.ok(["export"]);
    assert_eq!(project.tried(["restore", "copy.db", "--force"]).status, 0);
    assert_eq!(since(&project, &kept).0, 0);
    assert_eq!(since(&project, &later).0, 1);
    // What comes back arrives now, so it stands in another place of the chain.
    project.ok(["import"]);
    assert_eq!(since(&project, &kept).0, 0);
}
