//! Text that is made to harm: stored to the letter, printed harmlessly. Arguments that are no text.

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};
use support::Project;

/// Escapes, line ends of all kinds, direction marks, emoji, letters beyond the first plane.
const TEXT: &str = "a\u{1b}[2J\u{9b}31m\u{7}\u{7f}\nb\rc\td\u{85}e\u{2028}f\u{202e}g\u{2066}h\u{feff} 👩‍👩‍👧 \u{10ffff} ш 漢 \"q\" \\ '; DROP TABLE tasks; --";

fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{feff}')
    })
}

#[test]
fn text_is_kept_to_the_letter_and_printed_harmlessly() {
    let project = Project::new();
    let said = project.ok(["create", TEXT, "--description", TEXT]);
    assert!(is_harmless(&said), "{said:?}");
    let data =
        project.json(["update", "LAT-1", &format!("custom_fields.{TEXT}={TEXT}"), &format!("tags={TEXT}")]);
    assert_eq!((&data["title"], &data["description"]), (&json!(TEXT), &json!(TEXT)));
    let said = project.ok(["comment", "LAT-1", TEXT]);
    assert!(is_harmless(&said), "{said:?}");
    let actor = format!("agent:{TEXT}");
    let id = project.json(["comment", "LAT-1", "reply", "--actor", &actor])["last_event_id"].clone();
    project.ok(["react", "LAT-1", id.as_str().unwrap(), "eyes", "--actor", &actor]);
    let comments = project.json(["comments", "LAT-1"]);
    assert_eq!((&comments[0]["body"], &comments[1]["author"]), (&json!(TEXT), &json!(actor)));
    for line in [
        vec!["comments", "LAT-1"],
        vec!["assign", "LAT-1", &actor],
        vec!["next", "--actor", &actor],
        vec!["config", "set", "mine", TEXT],
        vec!["config", "get", "mine"],
        vec!["config", "list"],
    ] {
        let said = project.ok(&line);
        assert!(is_harmless(&said), "{line:?}: {said:?}");
    }
    let run = project.run(["update", "LAT-1", TEXT, "--actor", &actor]);
    assert!(run.status == 1 && is_harmless(&run.stderr), "{run:?}");
}

#[test]
fn a_megabyte_is_kept_to_the_letter() {
    let project = Project::new();
    let task = project.task("A title");
    let text: String = TEXT.chars().cycle().filter(|c| *c != '\n').take(800_000).collect();
    assert!(text.len() > 1_000_000);
    project.file("text", &text);
    project.ok(["comment", &task, "--file", "text"]);
    project.ok(["plan", &task, "--file", "text"]);
    project.ok(["notes", &task, "--file", "text"]);
    assert_eq!(project.json(["comments", &task])[0]["body"], json!(text.trim()));
    assert_eq!(project.ok(["plan", &task]), text);
    assert_eq!(project.ok(["notes", &task]), text);
    assert!(is_harmless(&project.ok(["comments", &task])));
}

#[test]
fn a_nul_byte_is_kept() {
    let project = Project::new();
    let task = project.task("A title");
    project.file("text", "a\0b");
    project.ok(["comment", &task, "--file", "text"]);
    project.ok(["notes", &task, "--file", "text"]);
    assert_eq!(project.json(["comments", &task])[0]["body"], "a\0b");
    assert_eq!(project.ok(["notes", &task]), "a\0b");
    assert!(is_harmless(&project.ok(["comments", &task])));
}

#[test]
fn arguments_that_are_no_text_are_a_usage_error() {
    let project = Project::new();
    let task = project.task("A title");
    let bad = OsStr::from_bytes(b"\xff\xfe");
    let words = |line: &[&str]| -> Vec<std::ffi::OsString> { line.iter().map(Into::into).collect() };
    for line in [
        vec![],
        words(&["comment", &task]),
        words(&["comment"]),
        words(&["update", &task]),
        words(&["create", "x", "--tags"]),
        words(&["status", &task, "planned", "--actor"]),
        words(&["config", "set", "a"]),
        words(&["completions"]),
    ] {
        let mut line = line;
        line.push(bad.to_owned());
        let run = project.run(&line);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{line:?} {run:?}");
        line.push("--json".into());
        let run = project.run(&line);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.status, &answer["error"]["code"]), (2, &json!("USAGE")), "{line:?}");
        assert_eq!(run.stderr, "");
    }
    // The name of a file may be anything.
    let (status, error) = project.refused([OsStr::new("plan"), OsStr::new(&task), OsStr::new("--file"), bad]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
}
