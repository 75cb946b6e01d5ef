//! Attaching artifacts on the command line: what is kept and what is refused.

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::{Project, Run};

fn attached(project: &Project, line: &[&str]) -> Value {
    project.json([&["attach", "LAT-1"], line].concat())
}

fn refused(project: &Project, line: &[&str]) -> (String, String) {
    let (status, error) = project.refused([&["attach", "LAT-1"], line].concat());
    assert_eq!(status, 1, "{error}");
    (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}

fn with_task() -> Project {
    let project = Project::new();
    project.task("A title");
    project
}

/// Nothing but the creation happened.
fn is_untouched(project: &Project) -> bool {
    let count =
        |table: &str| project.json(["sql", &format!("SELECT count(*) FROM {table}")])["rows"][0][0].clone();
    project.json(["show", "LAT-1"])["events"].as_array().unwrap().len() == 1
        && count("artifacts") == 0
        && count("payloads") == 0
}

/// The content of an artifact.
fn content(project: &Project, artifact: &Value) -> Vec<u8> {
    let id = artifact["id"].as_str().unwrap();
    let output = project.command(["artifact", id, "--payload"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    output.stdout
}

const ID: &str = "art_01J00000000000000000000001";

#[test]
fn a_file_is_kept_with_the_task() {
    let project = with_task();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    project.file("report.PDF", &bytes);
    let artifact = attached(&project, &["report.PDF", "--summary", "s", "--role", "review", "--model", "m"]);
    let id = artifact["id"].as_str().unwrap();
    let expected = json!({
        "schema_version": 1, "id": id, "type": "file", "title": "report.PDF", "summary": "s",
        "created_at": artifact["created_at"], "created_by": "agent:test", "model": "m", "tags": [],
        "payload": {"file": format!("{id}.PDF"), "content_type": "application/pdf", "size_bytes": 100_000},
        "token_usage": null, "sensitive": false, "custom_fields": {},
    });
    assert_eq!(artifact, expected);
    assert_eq!(content(&project, &artifact), bytes);
    let shown = project.json(["show", "LAT-1"]);
    assert_eq!(
        shown["artifact_info"],
        json!([{"id": id, "role": "review", "title": "report.PDF", "type": "file"}])
    );
    let refs = json!([{"id": id, "role": "review", "source_type": "artifact"}]);
    assert_eq!(shown["evidence_refs"], refs);
    let last = shown["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["data"], json!({"artifact_id": id, "role": "review"}));
    let text = project.ok(["show", "LAT-1"]);
    assert!(text.contains(&format!("{id}  file \"report.PDF\" [review]")), "{text}");
    assert!(text.contains("review: 0 by comment, 1 by artifact"), "{text}");
    project.ok(["doctor"]);
}

#[test]
fn an_address_and_a_text_are_kept_too() {
    let project = with_task();
    let url = "https://example.org/pull/7?a=b#c";
    let artifact = attached(&project, &[url]);
    assert_eq!((&artifact["type"], &artifact["title"]), (&json!("reference"), &json!(url)));
    assert_eq!(artifact["custom_fields"], json!({"url": url}));
    assert_eq!(artifact["payload"], json!({"file": null, "content_type": null, "size_bytes": null}));
    let artifact = attached(&project, &["--inline", "- it works\n", "--title", "Proof"]);
    assert_eq!((&artifact["type"], &artifact["title"]), (&json!("note"), &json!("Proof")));
    assert_eq!(artifact["payload"]["content_type"], "text/markdown");
    assert_eq!(content(&project, &artifact), b"- it works\n");
    let artifact = attached(&project, &["--inline", "x", "--type", "file"]);
    assert_eq!(
        (&artifact["type"], &artifact["payload"]["content_type"]),
        (&json!("file"), &json!("text/plain"))
    );
    for (line, word) in [
        (vec!["--inline", "x", "--type", "log"], "log"),
        (vec!["--inline", " \n"], "empty"),
        (vec!["--inline", "x", "--title", ""], "title"),
        (vec!["https://"], "address"),
        (vec!["https://a b"], "address"),
        (vec!["HTTP://\u{1b}[2J"], "address"),
        (vec!["a", "--inline", "x"], "either"),
        (vec![], "either"),
    ] {
        let (code, message) = refused(&project, &line);
        assert_eq!(code, "VALIDATION_ERROR", "{line:?}");
        assert!(message.contains(word), "{line:?}: {message}");
    }
}

#[test]
fn what_is_said_is_one_line_and_the_id() {
    let project = with_task();
    project.file("a.log", "12345");
    let said = project.ok(["attach", "LAT-1", "a.log", "--id", ID]);
    assert_eq!(said, format!("Attached to LAT-1: file \"a.log\"  5 bytes\n{ID}\n"));
    let said = project.ok(["attach", "LAT-1", "a.log", "--id", ID]);
    assert!(said.starts_with("Attached to LAT-1 (was there already): "), "{said}");
    assert_eq!(project.ok(["attach", "LAT-1", "a.log", "--id", ID, "--quiet"]), format!("{ID}\n"));
}

#[test]
fn a_repeated_call_is_the_same_artifact_or_a_conflict() {
    let project = with_task();
    project.task("Another");
    project.file("a.txt", "one");
    let line = ["a.txt", "--id", ID, "--role", "review"];
    let first = attached(&project, &line);
    assert_eq!(attached(&project, &line), first);
    assert_eq!(project.json(["show", "LAT-1"])["events"].as_array().unwrap().len(), 2);
    project.file("a.txt", "two");
    project.file("b.txt", "one");
    for other in [
        vec!["a.txt", "--id", ID, "--role", "review"],
        vec!["b.txt", "--id", ID, "--role", "review"],
        vec!["https://example.org", "--id", ID, "--role", "review"],
    ] {
        assert_eq!(refused(&project, &other).0, "CONFLICT", "{other:?}");
    }
    project.file("a.txt", "one");
    for more in [vec!["--title", "T"], vec!["--summary", "s"], vec!["--type", "log"], vec!["--sensitive"]] {
        let line = [&line[..], &more].concat();
        assert_eq!(refused(&project, &line).0, "CONFLICT", "{line:?}");
    }
    assert_eq!(refused(&project, &["a.txt", "--id", ID]).0, "CONFLICT", "another role");
    // The same artifact may speak for another task.
    let shared = project.json([&["attach", "LAT-2"], &line[..]].concat());
    assert_eq!(shared, first);
    assert_eq!(project.json(["show", "LAT-2"])["artifact_info"][0]["id"], ID);
    assert_eq!(project.json(["sql", "SELECT count(*) FROM artifacts"])["rows"], json!([[1]]));
    project.ok(["doctor"]);
}

#[test]
fn sixteen_at_once_under_one_id_make_one_artifact() {
    let project = with_task();
    project.file("a.txt", "one");
    let line = ["attach", "LAT-1", "a.txt", "--id", ID, "--actor", "agent:a", "--quiet"];
    for run in project.at_once((0..16).map(|_| line.to_vec())) {
        assert_eq!((run.status, run.stdout.trim()), (0, ID), "{run:?}");
    }
    assert_eq!(project.json(["show", "LAT-1"])["events"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let project = with_task();
    std::fs::create_dir(project.path().join("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(project.path().join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(project.path().join("socket")).unwrap();
    std::os::unix::fs::symlink("nowhere", project.path().join("dangling")).unwrap();
    std::os::unix::fs::symlink("pipe", project.path().join("to-pipe")).unwrap();
    std::os::unix::fs::symlink("round", project.path().join("round")).unwrap();
    for (source, code, word) in [
        ("folder", "VALIDATION_ERROR", "folder"),
        (".", "VALIDATION_ERROR", "folder"),
        ("..", "VALIDATION_ERROR", "folder"),
        ("pipe", "VALIDATION_ERROR", "regular"),
        ("to-pipe", "VALIDATION_ERROR", "regular"),
        ("socket", "VALIDATION_ERROR", "regular"),
        ("/dev/zero", "VALIDATION_ERROR", "regular"),
        ("round", "VALIDATION_ERROR", "round"),
        ("nothing", "NOT_FOUND", "nothing"),
        ("dangling", "NOT_FOUND", "dangling"),
        ("pipe/x", "VALIDATION_ERROR", "pipe/x"),
        ("", "NOT_FOUND", "file"),
    ] {
        let (got, message) = refused(&project, &[source]);
        assert_eq!(got, code, "{source}: {message}");
        assert!(message.contains(word), "{source}: {message}");
    }
    assert!(is_untouched(&project));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_cannot_be_read_is_refused() {
    let project = with_task();
    // Its first page cannot be read, not even by root.
    let (code, message) = refused(&project, &["/proc/self/mem"]);
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(message.contains("cannot be read"), "{message}");
    assert!(is_untouched(&project));
}

#[test]
fn the_names_of_files_may_be_anything() {
    let project = with_task();
    let folder = project.path().join("sub");
    std::fs::create_dir(&folder).unwrap();
    project.file("none", "1");
    project.file("line\nend\u{1b}[2J.md", "2");
    project.file("-dash.txt", "3");
    project.file("é š.tar.gz", "");
    std::os::unix::fs::symlink("none", project.path().join("link.json")).unwrap();
    for (source, title, ending, content_type) in [
        ("none", "none", "", "application/octet-stream"),
        ("sub/../none", "none", "", "application/octet-stream"),
        ("line\nend\u{1b}[2J.md", "line\nend\u{1b}[2J.md", ".md", "text/markdown"),
        ("./-dash.txt", "-dash.txt", ".txt", "text/plain"),
        ("é š.tar.gz", "é š.tar.gz", ".gz", "application/gzip"),
        ("link.json", "link.json", ".json", "application/json"),
    ] {
        let artifact = attached(&project, &[source]);
        let file = format!("{}{ending}", artifact["id"].as_str().unwrap());
        assert_eq!(artifact["title"], title);
        assert_eq!(artifact["payload"]["file"], file.as_str(), "{source}");
        assert_eq!(artifact["payload"]["content_type"], content_type, "{source}");
    }
    let name = OsStr::from_bytes(b"\xff\xfe.txt");
    std::fs::write(project.path().join(name), "not text").unwrap();
    let line = [OsStr::new("attach"), OsStr::new("LAT-1"), name];
    assert_eq!(project.json(line)["title"], "\u{fffd}\u{fffd}.txt");
    for line in [vec!["show", "LAT-1"], vec!["attach", "LAT-1", "line\nend\u{1b}[2J.md"]] {
        let said = project.ok(&line);
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
    project.ok(["doctor"]);
}

#[test]
fn an_empty_file_is_kept_as_an_empty_file() {
    let project = with_task();
    project.file("empty", "");
    let artifact = attached(&project, &["empty"]);
    assert_eq!(artifact["payload"]["size_bytes"], 0);
    assert_eq!(content(&project, &artifact), b"");
    assert!(project.run(["artifact", artifact["id"].as_str().unwrap(), "--output", "out"]).status == 0);
    assert_eq!(std::fs::read(project.path().join("out")).unwrap(), b"");
}

#[test]
fn the_limit_is_configured_and_a_file_beyond_it_is_not_read() {
    let project = with_task();
    let big = std::fs::File::create(project.path().join("big")).unwrap();
    big.set_len(64 * 1024 * 1024 + 1).unwrap();
    let (code, message) = refused(&project, &["big"]);
    assert_eq!(code, "PAYLOAD_TOO_LARGE");
    assert!(message.contains("67108864") && message.contains("67108865"), "{message}");
    // A file that no memory could hold, in a process that may have little of it.
    big.set_len(1 << 42).unwrap();
    let line = "ulimit -v 400000; exec \"$0\" attach LAT-1 big --json --actor agent:a";
    let program = env!("CARGO_BIN_EXE_lattice");
    let output = Command::new("sh").args(["-c", line, program]).current_dir(project.path()).output().unwrap();
    assert!(Run::of(output).stdout.contains("PAYLOAD_TOO_LARGE"));
    project.ok(["config", "set", "artifacts.max_bytes", "3"]);
    project.file("small", "123");
    project.file("more", "1234");
    attached(&project, &["small"]);
    for line in [vec!["more"], vec!["--inline", "1234"]] {
        assert_eq!(refused(&project, &line).0, "PAYLOAD_TOO_LARGE", "{line:?}");
    }
    for value in ["0", "-1", "\"x\"", "268435457"] {
        let run = project.tried(["config", "set", "artifacts.max_bytes", "--", value]);
        assert!(run.status == 1 && run.stderr.contains("[VALIDATION_ERROR]"), "{value}: {run:?}");
    }
    project.refused(["config", "set", "artifacts", "5"]);
}

#[test]
fn a_file_that_grows_is_kept_as_it_was_read_or_refused() {
    let project = with_task();
    project.ok(["config", "set", "artifacts.max_bytes", "4000000"]);
    let path = project.path().join("growing");
    std::fs::write(&path, vec![b'x'; 1_000_000]).unwrap();
    let done = AtomicBool::new(false);
    let run = std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            let mut file = std::fs::File::options().append(true).open(&path).unwrap();
            for _ in 0..10_000 {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                file.write_all(&[b'x'; 1000]).unwrap();
            }
        });
        let run = project.tried(["attach", "LAT-1", "growing", "--json"]);
        done.store(true, Ordering::Relaxed);
        run
    });
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    if run.status == 0 {
        let kept = content(&project, &answer["data"]);
        assert_eq!(answer["data"]["payload"]["size_bytes"], kept.len());
        assert!((1_000_000..=4_000_000).contains(&kept.len()) && kept.iter().all(|byte| *byte == b'x'));
    } else {
        assert_eq!(answer["error"]["code"], "PAYLOAD_TOO_LARGE");
        assert!(is_untouched(&project) || project.json(["show", "LAT-1"])["artifact_info"] == json!([]));
    }
}

#[test]
fn bad_words_are_refused() {
    let project = with_task();
    project.file("a", "x");
    for (line, code) in [
        (vec!["a", "--role", "nobody"], "INVALID_ROLE"),
        (vec!["a", "--role", ""], "INVALID_ROLE"),
        (vec!["a", "--type", "picture"], "VALIDATION_ERROR"),
        (vec!["a", "--id", "art_x"], "INVALID_ID"),
        (vec!["a", "--id", "task_01J00000000000000000000001"], "INVALID_ID"),
        (vec!["a", "--id", "art_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"], "INVALID_ID"),
        (vec!["a", "--actor", "nobody"], "INVALID_ACTOR"),
        (vec!["a", "--name", "Nobody-1"], "SESSION_NOT_FOUND"),
    ] {
        assert_eq!(refused(&project, &line).0, code, "{line:?}");
    }
    assert_eq!(project.refused(["attach", "LAT-9", "a"]).1["code"], "NOT_FOUND");
    assert!(is_untouched(&project));
    project.ok(["archive", "LAT-1"]);
    assert_eq!(refused(&project, &["a"]).0, "NOT_FOUND");
}

#[test]
fn an_artifact_is_evidence_that_a_policy_asks_for() {
    let project = with_task();
    let policy = r#"{"done": {"require_roles": ["tests"]}}"#;
    project.ok(["config", "set", "workflow.completion_policies", policy]);
    project.ok(["status", "LAT-1", "review", "--force", "--reason", "test"]);
    assert_eq!(project.refused(["status", "LAT-1", "done"]).1["code"], "COMPLETION_BLOCKED");
    attached(&project, &["https://example.org/run/1"]);
    assert_eq!(project.refused(["status", "LAT-1", "done"]).1["code"], "COMPLETION_BLOCKED");
    attached(&project, &["https://example.org/run/1", "--role", "tests"]);
    project.ok(["status", "LAT-1", "done"]);
}
