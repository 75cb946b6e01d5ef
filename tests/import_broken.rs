//! Trees that are broken or hostile: refused with file and line, and nothing of them comes in;
//! repaired as far as can be when somebody asks for it.

mod export_support;

use std::path::{Path, PathBuf};

use export_support::{copy, export, folder, init_named, read};
use lattice::app::{Code, InitOptions};
use lattice::domain::event::{Event, MAX_BYTES};
use lattice::domain::fold::TaskState;
use lattice::domain::json::document;
use lattice::export::{ReadOptions, read_tree};
use serde_json::json;

const TASK: &str = "task_01KPH4C22FWF63BPQ4SET7E5JG";
const OTHER: &str = "task_01KPH4C22FWF63BPQ4SET7E5JH";

fn line(n: u32, kind: &str, data: serde_json::Value) -> String {
    let id = format!("ev_01KPH4C22JNABBN4W02JP1GN{n:02}");
    let event = json!({
        "schema_version": 1, "id": id, "ts": "2026-04-18T20:26:31Z", "type": kind, "actor": "human:a",
        "task_id": TASK, "data": data,
    });
    event.to_string()
}

/// A tree of the predecessor's form: one task with three events.
fn tree() -> (tempfile::TempDir, PathBuf) {
    let (dir, lattice) = folder();
    for folder in ["events", "tasks", "plans", "notes", "artifacts/meta", "artifacts/payload"] {
        std::fs::create_dir_all(lattice.join(folder)).unwrap();
    }
    let created = line(1, "task_created", json!({"title": "A", "status": "backlog", "description": "Why."}));
    let log = format!("{created}\n{}\n{}\n", line(2, "x_a", json!({})), line(3, "x_b", json!({"n": 1})));
    std::fs::write(lattice.join(log_path()), log).unwrap();
    std::fs::write(lattice.join("events/_lifecycle.jsonl"), format!("{created}\n")).unwrap();
    std::fs::write(lattice.join("config.json"), "{\"instance_id\": \"inst_01KPH28QX7HQY25DPM40E9NFP2\"}\n")
        .unwrap();
    std::fs::write(lattice.join(format!("plans/{TASK}.md")), "# A\n\nWhy.\n").unwrap();
    (dir, lattice)
}

fn log_path() -> String {
    format!("events/{TASK}.jsonl")
}

enum Do {
    /// Adds bytes to a file, which may not be there.
    Add(String, Vec<u8>),
    /// Writes a file anew.
    Put(String, Vec<u8>),
    /// Replaces text in the log.
    Swap(&'static str, &'static str),
    /// Puts a link in the place of a file or folder.
    Link(&'static str, &'static str),
    /// Puts a pipe in the place of a file.
    Pipe(String),
}

fn change(lattice: &Path, what: &Do) {
    let write = |path: &str, bytes: &[u8]| {
        let path = lattice.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    match what {
        Do::Add(path, bytes) => {
            let before = std::fs::read(lattice.join(path)).unwrap_or_default();
            write(path, &[before, bytes.clone()].concat());
        }
        Do::Put(path, bytes) => write(path, bytes),
        Do::Swap(from, to) => {
            let text = std::fs::read_to_string(lattice.join(log_path())).unwrap();
            assert!(text.contains(from), "{from}");
            write(&log_path(), text.replacen(from, to, 1).as_bytes());
        }
        Do::Link(path, target) => {
            let path = lattice.join(path);
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_dir_all(&path);
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        Do::Pipe(path) => {
            let path = lattice.join(path);
            let _ = std::fs::remove_file(&path);
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
    }
}

fn meta(id: &str, file: &str) -> Vec<u8> {
    json!({"id": id, "type": "note", "payload": {"file": file}}).to_string().into_bytes()
}

#[test]
fn what_is_broken_is_refused_with_file_and_line() {
    let log = log_path();
    let add = |text: &str| Do::Add(log.clone(), text.as_bytes().to_vec());
    let put = |path: &str, text: &str| Do::Put(path.to_owned(), text.as_bytes().to_vec());
    let art = "art_01KPYETN888X1C0T6F3DGCJ14J";
    let plan = format!("plans/{TASK}.md");
    let resource = |name: &str| {
        let event = json!({
            "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "resource_created",
            "resource_id": "res_01KPH4C22JNABBN4W02JP1GNNR", "actor": "human:a", "data": {"name": name},
        });
        Do::Put("events/res_01KPH4C22JNABBN4W02JP1GNNR.jsonl".into(), format!("{event}\n").into_bytes())
    };
    let at = |line: usize| format!("{log}:{line}: ");
    let cases: Vec<(&str, Do, String)> = vec![
        ("cut off", add("{\"id\": \"ev_01KPH4"), at(4)),
        ("cut off in the middle of a letter", Do::Add(log.clone(), b"{\"id\": \"\xc3".to_vec()), at(4)),
        ("a tail of zeros", Do::Add(log.clone(), vec![0; 4096]), at(4)),
        ("not JSON", Do::Swap("\"x_a\"", "x_a"), at(2)),
        ("a list", add("[1]\n"), at(4)),
        ("no id", Do::Swap("\"id\":\"ev_01KPH4C22JNABBN4W02JP1GN02\"", "\"jd\":1"), at(2)),
        ("a short id", Do::Swap("GN02\"", "GN\""), at(2)),
        (
            "an id with a path",
            Do::Swap("ev_01KPH4C22JNABBN4W02JP1GN02", "ev_../../../../../../etc/pass"),
            at(2),
        ),
        ("another task", add(&format!("{}\n", line(4, "x_a", json!({})).replace(TASK, OTHER))), at(4)),
        (
            "a task with a path",
            add(&format!("{}\n", line(4, "x_a", json!({})).replace(TASK, "task_../../../../../etc/passwd"))),
            at(4),
        ),
        ("no task", Do::Swap("\"task_id\":", "\"task\":"), at(1)),
        ("a number as time", Do::Swap("\"ts\":\"2026-04-18T20:26:31Z\"", "\"ts\":5"), at(1)),
        ("a number as actor", Do::Swap("\"human:a\"", "7"), at(1)),
        ("data that is text", Do::Swap("\"data\":{}", "\"data\":\"x\""), at(2)),
        ("a member twice", Do::Swap("\"data\":{}", "\"data\":{},\"data\":{}"), at(2)),
        ("parents that are none", Do::Swap("\"data\":{}", "\"data\":{},\"parents\":[1]"), at(2)),
        ("NaN", Do::Swap("\"n\":1", "\"n\":NaN"), at(3)),
        ("Infinity", Do::Swap("\"n\":1", "\"n\":-Infinity"), at(3)),
        ("half a surrogate pair", Do::Swap("\"n\":1", "\"n\":\"\\ud800\""), at(3)),
        ("not UTF-8", Do::Add(log.clone(), b"{\"a\": \"\xff\xfe\"}\n".to_vec()), at(4)),
        ("too deep", add(&format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000))), at(4)),
        ("too long", add(&format!("{{\"a\":\"{}\"}}\n", "x".repeat(100_000_000))), at(4)),
        ("too long without an end", Do::Add(log.clone(), vec![b'x'; 20_000_000]), at(4)),
        (
            "a resource with a path",
            resource("../../etc"),
            "events/res_01KPH4C22JNABBN4W02JP1GNNR.jsonl:1: ".into(),
        ),
        (
            "an instance event in the lifecycles",
            put(
                "events/_lifecycle.jsonl",
                "{\"id\":\"ev_01KPH4C22JNABBN4W02JP1GN09\",\"ts\":\"x\",\"type\":\"x_a\",\"actor\":\"a\"}\n",
            ),
            "events/_lifecycle.jsonl:1: ".into(),
        ),
        (
            "a task's event in the instance log",
            put("instance.jsonl", &line(9, "x_a", json!({}))),
            "instance.jsonl:1: ".into(),
        ),
        (
            "markers in a plan",
            put(&plan, "# A\n\n<<<<<<< a\nb\n=======\nc\n>>>>>>> d\n"),
            format!("{plan}:3: "),
        ),
        (
            "half of the markers in notes",
            put(&format!("notes/{TASK}.md"), "x\n>>>>>>> d\n"),
            format!("notes/{TASK}.md:2: "),
        ),
        (
            "markers in the context",
            put("context.md", "<<<<<<< a\nb\n=======\nc\n>>>>>>> d\n"),
            "context.md:1: ".into(),
        ),
        (
            "markers in the configuration",
            put("config.json", "{\n<<<<<<< a\n=======\n>>>>>>> d\n}\n"),
            "config.json:2: ".into(),
        ),
        ("a plan that is not UTF-8", Do::Put(plan.clone(), b"# A\n\xff\n".to_vec()), format!("{plan}:2: ")),
        ("a configuration that is no JSON", put("config.json", "{\n\"a\": }\n"), "config.json:2: ".into()),
        (
            "a configuration with a member twice",
            put("config.json", "{\"a\": 1, \"a\": 2}"),
            "config.json: ".into(),
        ),
        ("a configuration that is a list", put("config.json", "[]"), "config.json: ".into()),
        (
            "metadata of another artifact",
            Do::Put(format!("artifacts/meta/{art}.json"), meta("art_01KPYETN888X1C0T6F3DGCJ14K", "x")),
            format!("artifacts/meta/{art}.json: "),
        ),
        (
            "a payload elsewhere",
            Do::Put(format!("artifacts/meta/{art}.json"), meta(art, "../../config.json")),
            format!("artifacts/meta/{art}.json: "),
        ),
        (
            "a payload of another artifact",
            Do::Put(format!("artifacts/meta/{art}.json"), meta(art, "art_01KPYETN888X1C0T6F3DGCJ14K.md")),
            format!("artifacts/meta/{art}.json: "),
        ),
        ("a linked file", Do::Link("config.json", "/etc/hosts"), "config.json is a link".into()),
        ("a linked folder", Do::Link("events", "/tmp"), "events is a link".into()),
        ("a linked folder above", Do::Link("artifacts", "/tmp"), "artifacts is a link".into()),
        ("a pipe", Do::Pipe(log.clone()), format!("{log} is a link, a pipe")),
        ("a folder for a file", put("context.md/x", ""), "context.md is a link".into()),
    ];
    for (name, what, expected) in cases {
        let (_dir, lattice) = tree();
        change(&lattice, &what);
        let failure = read_tree(&lattice, &ReadOptions::default()).map(|tree| tree.report).unwrap_err();
        assert_eq!(failure.code, Code::ImportInvalid, "{name}: {failure}");
        assert!(failure.message.contains(&expected), "{name}: {failure}");
        assert!(failure.hint.is_some() && failure.message.len() < 600, "{name}: {failure}");
    }
}

#[test]
fn the_longest_line_is_read_and_one_byte_more_is_not() {
    let empty = line(4, "x_a", json!({"body": ""})).len();
    for (length, end, is_read) in [(MAX_BYTES, "\r\n", true), (MAX_BYTES + 1, "\n", false)] {
        let (_dir, lattice) = tree();
        let long = line(4, "x_a", json!({"body": "x".repeat(length - empty)}));
        assert_eq!(long.len(), length);
        change(&lattice, &Do::Add(log_path(), format!("{long}{end}").into_bytes()));
        assert_eq!(read_tree(&lattice, &ReadOptions::default()).is_ok(), is_read, "{length}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    let (_dir, lattice) = tree();
    std::fs::write(lattice.join("format.json"), "{\"format\": 2}").unwrap();
    assert_eq!(read_tree(&lattice, &ReadOptions::default()).unwrap_err().code, Code::TreeTooNew);
    std::fs::write(lattice.join("format.json"), "<<<<<<< nonsense").unwrap();
    assert!(read_tree(&lattice, &ReadOptions::default()).is_ok());
}

#[test]
fn a_repair_takes_what_can_be_read_and_says_what_it_did() {
    let options = ReadOptions { repair: true, ..ReadOptions::default() };
    let with = |old: &str, new: &str| {
        Do::Put(log_path(), (line(3, "x_b", json!({"n": "old"})).replace(old, new) + "\n").into_bytes())
    };
    let cases: Vec<(&str, Do, usize, &str)> = vec![
        ("cut off", Do::Add(log_path(), b"{\"id\": \"ev_01KPH4".to_vec()), 3, "cut off"),
        ("zeros", Do::Add(log_path(), vec![0; 100]), 3, "cut off"),
        ("cut off in a letter", Do::Add(log_path(), b"{\"id\": \"\xc3".to_vec()), 3, "cut off"),
        ("NaN", with("\"old\"", "NaN"), 1, "null"),
        (
            "bytes",
            Do::Put(
                log_path(),
                line(3, "x_b", json!({"n": "old"}))
                    .replace("old", "\u{1}")
                    .into_bytes()
                    .into_iter()
                    .map(|b| if b == 1 { 0xff } else { b })
                    .collect(),
            ),
            1,
            "U+FFFD",
        ),
        ("half a pair", with("old", "\\udc00"), 1, "U+FFFD"),
    ];
    for (name, what, count, notice) in cases {
        let (_dir, lattice) = tree();
        std::fs::remove_file(lattice.join("events/_lifecycle.jsonl")).unwrap();
        change(&lattice, &what);
        assert!(read_tree(&lattice, &ReadOptions::default()).is_err(), "{name}");
        let tree = read_tree(&lattice, &options).unwrap();
        let events =
            tree.set.events.iter().filter(|e| e.item.task().is_some() && e.item.actor.display() == "human:a");
        assert_eq!(events.count(), count, "{name}");
        assert!(tree.report.notices.iter().any(|n| n.contains(notice)), "{name}: {:?}", tree.report.notices);
    }
    // A broken line in the middle is no cut.
    let (_dir, lattice) = tree();
    change(&lattice, &Do::Swap("\"x_a\"", "x_a"));
    assert!(read_tree(&lattice, &options).is_err());
}

#[test]
fn harmless_oddities_are_read() {
    let (_dir, lattice) = tree();
    let text = std::fs::read_to_string(lattice.join(log_path())).unwrap();
    std::fs::write(lattice.join(log_path()), format!("\r\n{}\r\n\n   \n", text.replace('\n', "\r\n")))
        .unwrap();
    std::fs::write(lattice.join(format!("tasks/{TASK}.json")), "<<<<<<< a\n").unwrap();
    std::fs::write(lattice.join("ids.json"), "[").unwrap();
    std::fs::create_dir_all(lattice.join("sessions")).unwrap();
    std::fs::write(lattice.join("sessions/Argus-1.json"), "{\"name\": \"Argus-1\", \"serial\": 1}").unwrap();
    std::fs::write(lattice.join("sessions/bad.json"), "{").unwrap();
    std::fs::write(lattice.join("sessions/index.json"), "{}").unwrap();
    let tree = read(&lattice);
    assert_eq!(tree.set.events.len(), 3 + 1, "and the configuration");
    assert_eq!(tree.report.sentences().count(), 3, "{:?}", tree.report.notices);
    assert_eq!(tree.set.sessions.len(), 1);
}

#[test]
fn lines_out_of_order_and_twice_are_the_same_history() {
    let (_dir, lattice) = tree();
    let app = init_named(&lattice, &InitOptions::default(), Some(&read(&lattice).set));
    export(&app, &lattice);
    let expected = export_support::files(&lattice);
    let log = std::fs::read_to_string(lattice.join(log_path())).unwrap();
    let backwards: Vec<&str> = log.lines().rev().collect();
    let (_other, other) = folder();
    copy(&lattice, &other);
    std::fs::write(other.join(log_path()), format!("{}\n{log}", backwards.join("\n"))).unwrap();
    assert_eq!(read(&other).set.events.len(), read(&lattice).set.events.len());
    let app = init_named(&other, &InitOptions::default(), Some(&read(&other).set));
    export(&app, &other);
    assert_eq!(export_support::files(&other), expected);
}

#[test]
fn an_event_that_stands_among_the_lifecycles_only_comes_in() {
    let (_dir, lattice) = tree();
    let archived = line(9, "task_archived", json!({}));
    change(&lattice, &Do::Add("events/_lifecycle.jsonl".into(), format!("{archived}\n").into_bytes()));
    let set = read(&lattice).set;
    let app = init_named(&lattice, &InitOptions::default(), Some(&set));
    assert!(app.task(TASK).unwrap().archived);
    export(&app, &lattice);
    assert!(lattice.join(format!("archive/events/{TASK}.jsonl")).exists());
    assert!(!lattice.join(log_path()).exists() && !lattice.join(format!("plans/{TASK}.md")).exists());
}

#[test]
fn snapshots_are_compared_and_taken_in_only_when_asked() {
    let (_dir, lattice) = tree();
    let snapshot = json!({"id": TASK, "title": "B", "status": "backlog", "tags": [], "color": "red"});
    std::fs::write(lattice.join(format!("tasks/{TASK}.json")), snapshot.to_string()).unwrap();
    let lone = json!({"id": OTHER, "title": "Alone", "status": "done", "created_at": "2026-01-01T00:00:00Z"});
    std::fs::create_dir_all(lattice.join("archive/tasks")).unwrap();
    std::fs::write(lattice.join(format!("archive/tasks/{OTHER}.json")), lone.to_string()).unwrap();
    std::fs::write(lattice.join(format!("plans/{OTHER}.md")), "# Its plan\n").unwrap();
    let tree = read(&lattice);
    let fields: Vec<&str> = tree.report.disagreements.iter().map(|d| d.field.as_str()).collect();
    assert_eq!(fields, ["color", "title", "id"]);
    assert_eq!(tree.report.unknown_files, [PathBuf::from(format!("plans/{OTHER}.md"))]);

    let (_dir, other) = folder();
    copy(&lattice, &other);
    let options = ReadOptions { reconcile: true, ..ReadOptions::default() };
    let set = read_tree(&lattice, &options).unwrap().set;
    let app = init_named(&lattice, &InitOptions::default(), Some(&set));
    assert_eq!(app.task(TASK).unwrap().title, "B");
    assert!(app.task(OTHER).unwrap().archived);
    assert_eq!(app.plan(OTHER).unwrap().1.body, "# Its plan\n");
    let twin = init_named(&other, &InitOptions::default(), Some(&read_tree(&other, &options).unwrap().set));
    export(&app, &lattice);
    export(&twin, &other);
    assert_eq!(export_support::files(&lattice), export_support::files(&other));
    // The tree says the same as its log now.
    assert!(read(&lattice).report.disagreements.is_empty());
}

#[test]
fn a_derived_file_that_is_too_long_is_no_reason_to_refuse() {
    let (_dir, lattice) = tree();
    let long = |name: &str, head: &str, bytes: u64| {
        let path = lattice.join(name);
        std::fs::write(&path, head).unwrap();
        // What follows is a hole, and read as zeros.
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes).unwrap();
    };
    let index = format!("{{\"next_seqs\": {{\"LAT\": 500}}, \"map\": \"{}\"}}", "x".repeat(17 << 20));
    std::fs::write(lattice.join("ids.json"), index).unwrap();
    long(&format!("tasks/{TASK}.json"), "{}", 17 << 20);
    long(&format!("tasks/{OTHER}.json"), "{}", (256 << 20) + 1);
    let tree = read(&lattice);
    assert_eq!(tree.set.number_floors, [("LAT".to_owned(), 500)], "an index may be longer than other files");
    let notices = tree.report.notices.join("\n");
    for id in [TASK, OTHER] {
        assert!(notices.contains(&format!("tasks/{id}.json: more than")), "{notices}");
    }
    assert!(notices.contains("so it was not compared; the log counts"), "{notices}");
    for name in ["ids.json", "format.json"] {
        long(name, "{\"format\": 99}", (256 << 20) + 1);
    }
    let tree = read(&lattice);
    assert_eq!(tree.set.number_floors, []);
    let notices = tree.report.notices.join("\n");
    assert!(notices.contains("ids.json: cannot be read; numbers go on from the tasks"), "{notices}");
}

#[test]
fn a_snapshot_that_says_what_its_log_says_may_be_longer_than_any_event() {
    let (_dir, lattice) = tree();
    let long = "x".repeat(MAX_BYTES / 2 + 1);
    let update = |n, field: &str| line(n, "field_updated", json!({"field": field, "to": long}));
    let lines = format!("{}\n{}\n", update(4, "description"), update(5, "custom_fields.log"));
    change(&lattice, &Do::Add(log_path(), lines.into_bytes()));
    let mut history: Vec<Event> = read(&lattice).set.events.into_iter().map(|e| e.item).collect();
    history.retain(|event| event.task().is_some());
    let snapshot = document(&TaskState::fold(&history).0.task.unwrap().snapshot().into());
    assert!(snapshot.len() > MAX_BYTES);
    std::fs::write(lattice.join(format!("tasks/{TASK}.json")), snapshot).unwrap();
    let report = read(&lattice).report;
    assert_eq!((report.notices, report.disagreements.len()), (vec![], 0));
}
