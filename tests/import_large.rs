//! Trees of more tasks than one thread reads: what comes in, and what is told, is the same as if one
//! had read them all.

mod export_support;

use std::fmt::Write;
use std::path::Path;

use export_support::{folder, init, read};
use lattice::domain::event::kind;
use lattice::export::{ReadOptions, read_tree};
use serde_json::json;

/// Enough for several threads, in each of the places where they are used.
const TASKS: usize = 400;

fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}_01KPH4C22JNABBN4W0{number:08}")
}

/// Tasks of four events each. Every second one claims the number of its neighbour.
fn tree(lattice: &Path) {
    std::fs::create_dir_all(lattice.join("events")).unwrap();
    std::fs::create_dir_all(lattice.join("plans")).unwrap();
    for task in 0..TASKS {
        let mut log = String::new();
        let short_id = format!("LAT-{}", task / 2 + 1);
        for (place, (kind, data)) in [
            (
                kind::TASK_CREATED,
                json!({"title": format!("Task {task}"), "status": "backlog", "short_id": short_id}),
            ),
            (kind::COMMENT_ADDED, json!({"body": format!("First word on {task}")})),
            (kind::COMMENT_ADDED, json!({"body": format!("Last word on {task}")})),
            (kind::STATUS_CHANGED, json!({"from": "backlog", "to": "done"})),
        ]
        .into_iter()
        .enumerate()
        {
            let event = json!({
                "schema_version": 1, "id": id("ev", task * 4 + place), "ts": "2026-04-18T20:26:31Z",
                "type": kind, "actor": "human:a", "task_id": id("task", task), "data": data, "parents": [],
            });
            writeln!(log, "{event}").unwrap();
        }
        std::fs::write(lattice.join(format!("events/{}.jsonl", id("task", task))), log).unwrap();
    }
}

/// Of every fifth task what has a text, or had one, and what counts otherwise than it looks.
fn texts(lattice: &Path) {
    for task in (0..TASKS).step_by(5) {
        let event = |place: usize, ts: &str, kind: &str, data: serde_json::Value| {
            let id = id("ev", 100_000 + task * 10 + place);
            json!({
                "schema_version": 1, "id": id, "ts": ts, "type": kind, "actor": "agent:b",
                "task_id": self::id("task", task), "data": data, "parents": [],
            })
        };
        let now = "2026-05-20T01:02:03Z";
        let comment = |place: usize| id("ev", task * 4 + place);
        let events = [
            event(0, now, kind::PLAN_UPDATED, json!({"body": format!("Steps of {task}")})),
            event(1, now, kind::NOTES_UPDATED, json!({"body": format!("Remarks on {task}")})),
            event(2, now, kind::COMMENT_EDITED, json!({"comment_id": comment(1), "body": "Another word"})),
            event(3, now, kind::COMMENT_DELETED, json!({"comment_id": comment(2)})),
            event(4, now, kind::FIELD_UPDATED, json!({"field": "description", "from": null, "to": "Why"})),
            event(5, now, kind::STATUS_CHANGED, json!({"from": "done", "to": "review"})),
            event(6, "2026-05-21T00:00:00Z", kind::TASK_ARCHIVED, json!({})),
        ];
        let path = lattice.join(format!("events/{}.jsonl", id("task", task)));
        let mut log = std::fs::read_to_string(&path).unwrap();
        events.iter().for_each(|event| writeln!(log, "{event}").unwrap());
        std::fs::write(path, log).unwrap();
    }
}

#[test]
fn the_rows_the_words_and_the_sums_of_a_new_tracker_are_those_that_its_log_gives() {
    let (_dir, lattice) = folder();
    tree(&lattice);
    texts(&lattice);
    let app = init(&lattice);
    let findings = app.examine(|_| {}).unwrap().findings;
    let of_numbers = |check: &str| check == "short_ids";
    let faults: Vec<_> = findings.iter().filter(|finding| !of_numbers(finding.check)).collect();
    assert!(faults.is_empty(), "{faults:?}");
    // While it was filled the index gathered more in memory than later writers should.
    let file = rusqlite::Connection::open(lattice.join("lattice.db")).unwrap();
    let gathers = "SELECT v FROM search_config WHERE k = 'hashsize'";
    assert_eq!(file.query_row(gathers, [], |row| row.get::<_, i64>(0)).unwrap(), 1 << 20);
}

#[test]
fn of_many_faults_the_first_by_name_is_told() {
    let (_dir, lattice) = folder();
    tree(&lattice);
    for task in [397, 70, 250] {
        std::fs::write(lattice.join(format!("events/{}.jsonl", id("task", task))), "{}\n").unwrap();
    }
    for _ in 0..20 {
        let told = read_tree(&lattice, &ReadOptions::default()).unwrap_err();
        assert!(told.message.contains(&id("task", 70)), "{}", told.message);
    }
}

#[test]
fn files_edited_by_hand_come_in_in_the_order_of_their_tasks() {
    let (_dir, lattice) = folder();
    tree(&lattice);
    for task in 0..TASKS {
        std::fs::write(
            lattice.join(format!("plans/{}.md", id("task", task))),
            format!("# By hand\n\n{task}\n"),
        )
        .unwrap();
    }
    let first = read(&lattice);
    let edits: Vec<&str> = first
        .set
        .events
        .iter()
        .filter(|event| event.item.kind == kind::PLAN_UPDATED)
        .map(|event| event.item.task().unwrap().as_str())
        .collect();
    assert_eq!(edits, (0..TASKS).map(|task| id("task", task)).collect::<Vec<_>>());
    let raw = |tree: &lattice::export::Tree| -> Vec<String> {
        tree.set.events.iter().map(|event| event.item.raw().to_owned()).collect()
    };
    assert_eq!(raw(&read(&lattice)), raw(&first));
}
