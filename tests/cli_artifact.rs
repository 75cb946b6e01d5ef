//! Artifacts on their way out: into the exported tree, and by `lattice artifact`.

mod export_support;
mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::Project;

fn attached(project: &Project, line: &[&str]) -> Value {
    project.json([&["attach", "LAT-1"], line].concat())
}

fn with_task() -> Project {
    let project = Project::new();
    project.task("A title");
    project
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
fn an_exported_tree_holds_artifacts_and_gives_them_back() {
    let project = with_task();
    project.file("a.bin", [0, 159, 146, 150, 10]);
    project.file("empty", "");
    let file = attached(&project, &["a.bin", "--id", ID]);
    attached(&project, &["empty"]);
    attached(&project, &["https://example.org"]);
    let secret = attached(&project, &["--inline", "the key", "--sensitive"]);
    project.ok(["export"]);
    let tree = export_support::files(&project.lattice());
    let payload = format!("artifacts/payload/{ID}.bin");
    assert_eq!(tree[Path::new(&payload)], [0, 159, 146, 150, 10]);
    let meta: Value = serde_json::from_slice(&tree[Path::new(&format!("artifacts/meta/{ID}.json"))]).unwrap();
    assert_eq!(meta, file);
    let secret_file = format!("artifacts/payload/{}", secret["payload"]["file"].as_str().unwrap());
    assert!(!tree.contains_key(Path::new(&secret_file)));
    assert!(!tree.values().any(|bytes| bytes.windows(7).any(|part| part == b"the key")));

    let other = Project::empty();
    export_support::copy(&project.lattice(), &other.lattice());
    other.ok(["init"]);
    other.ok(["export"]);
    assert_eq!(export_support::files(&other.lattice()), tree);
    assert_eq!(content(&other, &file), [0, 159, 146, 150, 10]);
    let id = secret["id"].as_str().unwrap();
    let (_, error) = other.refused(["artifact", id, "--output", "key"]);
    assert_eq!(error["code"], "NOT_FOUND");
    assert!(error["hint"].as_str().unwrap().contains("--include-sensitive"), "{error}");
    // Nobody can tell whether this is the content that is not here.
    let again = ["attach", "LAT-1", "--inline", "the key", "--sensitive", "--id", id];
    assert_eq!(other.refused(again).1["code"], "CONFLICT");
    assert_eq!(project.json(again), secret);

    project.ok(["export", "--include-sensitive"]);
    assert_eq!(std::fs::read(project.lattice().join(&secret_file)).unwrap(), b"the key");
    let ignored = std::fs::read_to_string(project.lattice().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == format!("/{secret_file}")), "{ignored}");
    other.ok(["doctor"]);
}

#[test]
fn an_artifact_is_shown_and_written_out() {
    let project = with_task();
    project.file("a.txt", "one\n\u{1b}[2J");
    let file = attached(&project, &["a.txt", "--id", ID, "--summary", "short", "--sensitive"]);
    assert_eq!(project.json(["artifact", ID]), file);
    assert_eq!(project.ok(["artifact", "01j0", "--quiet"]), format!("{ID}\n"));
    let text = project.ok(["artifact", ID]);
    let created = file["created_at"].as_str().unwrap();
    let expected = format!(
        "{ID}  file \"a.txt\"\nCreated: {created}  By: agent:test\n8 bytes  text/plain  [sensitive]\nshort\n"
    );
    assert_eq!(text, expected);
    assert_eq!(project.ok(["artifact", ID, "--payload"]), "one\n\u{1b}[2J");
    assert_eq!(project.ok(["artifact", ID, "--output", "-", "--quiet"]), "one\n\u{1b}[2J");
    assert_eq!(project.refused(["artifact", ID, "--output", "-"]).1["code"], "VALIDATION_ERROR");
    assert!(!project.path().join("-").exists());
    let written = project.json(["artifact", ID, "--output", "copy.txt"]);
    assert_eq!(written, json!({"file": "copy.txt", "bytes": 8}));
    assert_eq!(std::fs::read(project.path().join("copy.txt")).unwrap(), b"one\n\x1b[2J");
    project.file("mine", "mine");
    std::os::unix::fs::symlink("nowhere", project.path().join("link")).unwrap();
    for there in ["mine", "copy.txt", "link", "."] {
        let (status, error) = project.refused(["artifact", ID, "--output", there]);
        assert_eq!((status, &error["code"]), (1, &json!("CONFLICT")), "{there}");
    }
    assert_eq!(std::fs::read(project.path().join("mine")).unwrap(), b"mine");
    assert!(!project.path().join("nowhere").exists());
    assert_eq!(project.refused(["artifact", ID, "--output", "no/such/folder"]).0, 4);
    let left: Vec<_> =
        std::fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "no unfinished file is left: {left:?}");
    let link = attached(&project, &["https://example.org/x"]);
    let (_, error) = project.refused(["artifact", link["id"].as_str().unwrap(), "--output", "y"]);
    assert_eq!(
        (&error["code"], &error["hint"]),
        (&json!("NOT_FOUND"), &json!("it stands at https://example.org/x"))
    );
    for (text, code) in
        [("x", "INVALID_ID"), ("art_../../x", "INVALID_ID"), ("art_01J00000000000000000000002", "NOT_FOUND")]
    {
        assert_eq!(project.refused(["artifact", text]).1["code"], code, "{text}");
    }
    attached(&project, &["--inline", "x", "--id", "art_01J00000000000000000000002"]);
    let (_, error) = project.refused(["artifact", "01J0"]);
    assert_eq!(error["code"], "AMBIGUOUS_ID");
    assert_eq!(error["details"]["candidates"].as_array().unwrap().len(), 2);
}

#[test]
fn a_terminal_is_spared_what_is_no_text() {
    let project = with_task();
    project.file("text", "a\u{1b}[2Jb");
    project.file("binary", [0xff, 0x1b]);
    let (text, binary) = (attached(&project, &["text"]), attached(&project, &["binary"]));
    let shown = |artifact: &Value| {
        support::terminal::run(project.command(["artifact", artifact["id"].as_str().unwrap(), "--payload"]))
    };
    let run = shown(&text);
    assert!(run.status == 0 && run.stdout.starts_with("a\\u{1b}[2Jb"), "{run:?}");
    let run = shown(&binary);
    assert!(run.status == 1 && run.stdout.contains("--output FILE"), "{run:?}");
}
