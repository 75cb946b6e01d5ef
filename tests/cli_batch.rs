//! Transcripts of `batch`: many commands in one transaction, or each in its own.

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use support::{Project, Run};

const DOCS: &str = include_str!("../docs/batch.md");

/// An answer as `docs/batch.md` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "that every member is known is what is tested")]
struct Answer {
    line: usize,
    ok: bool,
    #[serde(rename = "as")]
    name: Option<String>,
    id: Option<String>,
    title: Option<String>,
    comment: Option<String>,
    event: Option<String>,
    artifact: Option<String>,
    resource: Option<String>,
    unchanged: Option<bool>,
    warnings: Option<Vec<String>>,
    data: Option<Value>,
    error: Option<Value>,
}

fn batch(project: &Project, flags: &[&str], lines: &[Value]) -> Run {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    project.fed([&["batch"], flags].concat(), input.as_bytes())
}

fn answers(run: &Run) -> Vec<Answer> {
    run.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// All must be done.
fn done(project: &Project, flags: &[&str], lines: &[Value]) -> Vec<Answer> {
    let run = batch(project, flags, lines);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let answers = answers(&run);
    assert_eq!(answers.len(), lines.len());
    answers
}

/// The whole batch must be refused, having changed nothing: (exit status, error).
fn refused(project: &Project, input: &[u8]) -> (i32, Value) {
    let before = project.ok(["events"]);
    let run = project.fed(["batch", "--json"], input);
    assert_eq!(run.stderr, "");
    let mut document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}"));
    assert_eq!(document["ok"], false, "{document}");
    assert_eq!(project.ok(["events"]), before, "something was changed");
    (run.status, document["error"].take())
}

fn blocks(text: &'static str) -> Vec<&'static str> {
    text.split("```jsonl\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_example_of_the_documentation_is_answered_as_it_says() {
    let project = Project::new();
    let [input, expected] = blocks(DOCS)[..] else { panic!("two blocks") };
    let run = project.fed(["batch"], input.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let plain = |text: &str| -> Vec<Value> {
        let line = |line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            if let Some(comment) = value.get_mut("comment") {
                *comment = json!(comment.as_str().unwrap().len());
            }
            value
        };
        text.lines().map(line).collect()
    };
    assert_eq!(plain(&run.stdout), plain(expected));
    assert_eq!(project.json(["show", "LAT-1"])["status"], "in_progress");
    let parser = project.json(["show", "LAT-2"]);
    assert_eq!(parser["relationships_enriched"][0]["target_title"], "Parser");
}

/// The same commands, one process each and in one batch, write the same events.
#[test]
fn a_batch_writes_what_single_commands_write() {
    let (one, many) = (Project::new(), Project::new());
    one.ok([
        "create",
        "a",
        "--type",
        "bug",
        "--tags",
        "x,y",
        "--assigned-to",
        "agent:z",
        "--urgency",
        "high",
    ]);
    one.ok(["create", "b", "--description", "text", "--complexity", "low", "--status", "planned"]);
    one.ok(["update", "LAT-1", "custom_fields.k=v", "title=c", "urgency="]);
    one.ok(["link", "LAT-1", "blocks", "LAT-2", "--note", "why", "--reason", "so"]);
    let first = one.say(&["comment", "LAT-1", "hello", "--role", "review", "--model", "m"]);
    let second = one.say(&["comment", "LAT-1", "again", "--reply-to", &first]);
    one.ok(["comment-edit", "LAT-1", &first, "hello there"]);
    one.ok(["react", "LAT-1", &second, "eyes"]);
    one.ok(["unreact", "LAT-1", &second, "eyes"]);
    one.ok(["comment-delete", "LAT-1", &second]);
    one.ok(["assign", "LAT-1", "none", "--actor", "human:bo"]);
    one.ok(["unlink", "LAT-1", "blocks", "LAT-2"]);
    one.ok(["event", "LAT-1", "x_build", "--data", "{\"n\":1.50}", "--triggered-by", "ci"]);
    one.ok(["attach", "LAT-1", "--inline", "see", "--title", "t", "--role", "review"]);
    one.ok(["attach", "LAT-1", "https://example.org/x", "--sensitive"]);
    one.ok(["branch-link", "LAT-1", "topic", "--repo", "r"]);
    one.ok(["branch-unlink", "LAT-1", "topic", "--repo", "r"]);
    for text in ["plan", "notes"] {
        assert_eq!(one.fed([text, "LAT-1", "--file", "-"], b"# T\n\n- step\n").status, 0);
    }
    assert_eq!(one.fed(["context", "--file", "-"], b"# About\n").status, 0);
    one.ok(["next", "--claim", "--actor", "agent:test"]);
    one.ok(["status", "LAT-1", "review", "--on-behalf-of", "human:bo"]);
    one.ok(["complete", "LAT-1", "--review", "fine"]);
    one.ok(["archive", "LAT-1"]);
    one.ok(["unarchive", "LAT-1"]);
    let task = "$a";
    let lines = [
        json!({"create": {"title": "a", "type": "bug", "tags": ["x", "y"], "assigned_to": "agent:z", "urgency": "high"}, "as": "a"}),
        json!({"create": {"title": "b", "description": "text", "complexity": "low", "status": "planned"}, "as": "b"}),
        json!({"update": {"task": task, "title": "c", "custom_fields.k": "v", "urgency": null}}),
        json!({"link": {"task": task, "type": "blocks", "target": "$b", "note": "why", "reason": "so"}}),
        json!({"comment": {"task": task, "text": "hello", "role": "review", "model": "m"}, "as": "first"}),
        json!({"comment": {"task": task, "text": "again", "reply_to": "$first"}, "as": "second"}),
        json!({"comment-edit": {"task": "LAT-1", "comment": "$first", "new_text": "hello there"}}),
        json!({"react": {"task": task, "comment": "$second", "emoji": "eyes"}}),
        json!({"unreact": {"task": task, "comment": "$second", "emoji": "eyes"}}),
        json!({"comment-delete": {"task": task, "comment": "$second"}}),
        json!({"assign": {"task": task, "to": null, "actor": "human:bo"}}),
        json!({"unlink": {"task": task, "type": "blocks", "target": "$b"}}),
        json!({"event": {"task": task, "type": "x_build", "data": {"n": serde_json::from_str::<Value>("1.50").unwrap()}, "triggered_by": "ci"}}),
        json!({"attach": {"task": task, "inline": "see", "title": "t", "role": "review"}}),
        json!({"attach": {"task": task, "source": "https://example.org/x", "sensitive": true}}),
        json!({"branch-link": {"task": task, "branch": "topic", "repo": "r"}}),
        json!({"branch-unlink": {"task": task, "branch": "topic", "repo": "r"}}),
        json!({"plan": {"task": task, "text": "# T\n\n- step\n"}}),
        json!({"notes": {"task": task, "text": "# T\n\n- step\n"}}),
        json!({"context": {"text": "# About\n"}}),
        json!({"next": {"claim": true}, "as": "n"}),
        json!({"status": {"task": "$n", "new_status": "review", "on_behalf_of": "human:bo"}}),
        json!({"complete": {"task": task, "review": "fine"}}),
        json!({"archive": {"task": task}}),
        json!({"unarchive": {"task": task}}),
    ];
    done(&many, &[], &lines);
    let (one, many) = (history(&one), history(&many));
    assert_eq!(one.len(), many.len());
    for (one, many) in one.iter().zip(&many) {
        assert_eq!(one, many);
    }
}

/// All events in order of arrival, their ids numbered as they first appear and times taken away.
fn history(project: &Project) -> Vec<String> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = Vec::new();
    for line in project.ok(["events", "--json"]).lines().skip(2) {
        let mut event = serde_json::from_str::<Value>(line).unwrap()["event"].take();
        event["ts"] = Value::Null;
        let mut text = event.to_string();
        let ids: Vec<String> = ["ev_", "task_", "art_"]
            .iter()
            .flat_map(|prefix| text.match_indices(prefix).map(|(at, _)| at).collect::<Vec<_>>())
            .filter_map(|at| text.get(at..at + text[at..].find('"')?).map(str::to_owned))
            .filter(|id| id.len() >= 29)
            .collect();
        for id in ids {
            let next = numbers.len();
            let number = *numbers.entry(id.clone()).or_insert(next);
            text = text.replace(&id, &format!("#{number}"));
        }
        events.push(text);
    }
    events
}

#[test]
fn each_line_is_decided_on_what_those_before_it_did() {
    let project = Project::new();
    let run = batch(
        &project,
        &[],
        &[
            json!({"create": {"title": "a"}, "as": "a"}),
            json!({"create": {"title": "b"}, "as": "b"}),
            json!({"link": {"task": "$a", "type": "depends_on", "target": "$b"}}),
            json!({"link": {"task": "$b", "type": "depends_on", "target": "$a"}}),
        ],
    );
    assert_eq!(run.status, 1);
    assert!(run.stderr.starts_with("Error: line 4: this depends_on would close a circle"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    assert_eq!(project.json(["list"]), json!([]));
}

#[test]
fn a_bad_line_undoes_all_and_is_named() {
    let project = Project::new();
    let mut lines: Vec<Value> = (1..=30).map(|n| json!({"create": {"title": format!("task {n}")}})).collect();
    lines[16] = json!({"status": {"task": "LAT-3", "new_status": "done"}});
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (status, error) = refused(&project, input.as_bytes());
    assert_eq!((status, error["code"].as_str()), (1, Some("INVALID_TRANSITION")), "{error}");
    assert_eq!(error["details"]["line"], 17);
    assert_eq!(error["current_status"], "backlog");
    assert!(error["message"].as_str().unwrap().starts_with("line 17: "), "{error}");
    // The numbers were given back too.
    assert_eq!(project.task("after"), "LAT-1");
}

#[test]
fn what_is_no_command_is_refused_with_its_line() {
    let project = Project::new();
    project.task("there");
    let long = format!("{{\"create\":{{\"title\":\"{}\"}}}}", "x".repeat(17 << 20));
    let cases: [(&[u8], &str); 23] = [
        (
            b"{\"attach\":{\"task\":\"LAT-1\",\"source\":\"/etc/passwd\"}}",
            "attach takes an address as `source`, or a text as `inline`, here",
        ),
        (b"{\"create\":{\"title\":\"a\"}", "the JSON ends in the middle"),
        (b"create a", "it is no JSON from column 1 on"),
        (b"{\"create\":{\"title\":\"a\"}} {}", "it is no JSON from column 26 on"),
        (b"[1]", "it is JSON, but no object"),
        (b"{}", "no command is named"),
        (b"{\"crate\":{}}", "`crate` is no command of a batch"),
        (b"{\"sql\":{}}", "`sql` is no command of a batch"),
        (b"{\"create\":{\"title\":\"a\"},\"actor\":\"human:a\"}", "`actor` stands beside `create`"),
        (b"{\"create\":\"a\"}", "the arguments of create are no object"),
        (b"{\"create\":{\"titel\":\"a\"}}", "create has no member `titel`"),
        (b"{\"create\":{}}", "create lacks `title`"),
        (b"{\"create\":{\"title\":7}}", "`title` of create must be a text"),
        (b"{\"create\":{\"title\":\"a\",\"title\":\"b\"}}", "`title` appears twice in one object"),
        (b"{\"create\":{\"title\":\"a\\u0000b\"}}", "`title` of create must be a text without NUL"),
        (b"{\"create\":{\"title\":\"a\0b\"}}", "it is no JSON from column 22 on"),
        (b"{\"create\":{\"title\":\"a\xff\"}}", "it is not UTF-8 text (byte 22)"),
        (
            b"{\"create\":{\"title\":\"a\",\"tags\":[\"x,y\"]}}",
            "`tags` of create must be a text, or a list of texts without commas",
        ),
        (b"{\"create\":{\"title\":\"a\"},\"as\":\"7\"}", "`as` is no name"),
        (b"{\"archive\":{\"task\":\"LAT-1\"},\"as\":\"x\"}", "archive makes nothing that `as` could name"),
        (b"{\"next\":{}}", "next needs `claim`: true here"),
        (
            b"{\"status\":{\"task\":\"LAT-1\",\"new_status\":\"done\",\"force\":\"yes\"}}",
            "`force` of status must be true or false",
        ),
        (long.as_bytes(), "it is longer than 16 MiB"),
    ];
    for (line, message) in cases {
        let input = [b"{\"create\":{\"title\":\"first\"}}\r\n\r\n", line, b"\n"].concat();
        let (status, error) = refused(&project, &input);
        assert_eq!((status, error["code"].as_str()), (1, Some("VALIDATION_ERROR")), "{error}");
        assert_eq!(error["message"], format!("line 3: {message}"), "{error}");
        assert_eq!(error["details"]["line"], 3, "{error}");
        assert!(error["hint"].is_string(), "{error}");
    }
    for input in [&b""[..], b"\n\r\n \t\n"] {
        let (status, error) = refused(&project, input);
        assert_eq!((status, &error["message"]), (1, &json!("there is no command in the input")));
    }
    let (_, error) = refused(&project, &vec![b'\n'; (64 << 20) + 1]);
    assert!(error["message"].as_str().unwrap().ends_with("the input is longer than 64 MiB"), "{error}");
    let (_, error) = project.refused(["batch", "--file", "missing"]);
    assert_eq!(error["code"], "NOT_FOUND");
    assert_eq!(project.refused(["batch", "--keep-going", "--dry-run"]).0, 2);
}

#[test]
fn names_mean_what_their_lines_made_and_nothing_else() {
    let project = Project::new();
    let make = r#"{"create":{"title":"$p stays as it is"},"as":"p"}"#;
    let say = r#"{"comment":{"task":"$p","text":"hi"},"as":"c"}"#;
    for (last, code, message) in [
        (r#"{"archive":{"task":"$q"}}"#, "NOT_FOUND", "line 3: no line above gives the name q"),
        (r#"{"archive":{"task":"$c"}}"#, "VALIDATION_ERROR", "line 3: $c is a comment, not a task"),
        (
            r#"{"react":{"task":"$p","comment":"$p","emoji":"x"}}"#,
            "VALIDATION_ERROR",
            "line 3: $p is a task, not a comment",
        ),
        (
            r#"{"create":{"title":"x"},"as":"p"}"#,
            "VALIDATION_ERROR",
            "line 3: the name p was given by an earlier line",
        ),
    ] {
        let (_, error) = refused(&project, format!("{make}\n{say}\n{last}\n").as_bytes());
        assert_eq!((error["code"].as_str(), error["message"].as_str()), (Some(code), Some(message)));
    }
    let run = project.fed(["batch"], format!("{make}\n{say}\n").as_bytes());
    assert_eq!(run.status, 0);
    assert_eq!(project.json(["show", "LAT-1"])["title"], "$p stays as it is");
    // A claim that finds nothing names nothing.
    project.ok(["archive", "LAT-1"]);
    let next = r#"{"next":{"claim":true},"as":"n"}"#;
    let (_, error) = refused(&project, format!("{next}\n{}\n", r#"{"archive":{"task":"$n"}}"#).as_bytes());
    assert_eq!(error["message"], "line 2: $n is nothing: line 1 made nothing");
    let run = project.fed(["batch"], next.as_bytes());
    assert_eq!(run.stdout, "{\"as\":\"n\",\"id\":null,\"line\":1,\"ok\":true,\"unchanged\":true}\n");
}

#[test]
fn a_line_may_name_its_own_author_and_nobody_is_guessed() {
    let project = Project::new();
    let lines = [
        json!({"create": {"title": "a", "actor": "human:bo", "model": "m"}}),
        json!({"create": {"title": "b"}}),
    ];
    done(&project, &["--actor", "agent:common", "--reason", "plan"], &lines);
    assert_eq!(project.json(["show", "LAT-1"])["created_by"], "human:bo");
    assert_eq!(project.json(["show", "LAT-2"])["created_by"], "agent:common");
    let first = project.json(["show", "LAT-1"])["events"][0].take();
    assert_eq!(
        (&first["provenance"]["reason"], &first["agent_meta"]["model"]),
        (&json!("plan"), &json!("m"))
    );
    project.file("lines", "{\"create\":{\"title\":\"c\"}}\n");
    let run = project.run(["batch", "--file", "lines"]);
    assert_eq!(run.status, 1);
    assert!(
        run.stderr.contains("line 1: nobody is named") && run.stderr.contains("[MISSING_ACTOR]"),
        "{run:?}"
    );
}

#[test]
fn keep_going_commits_what_works_and_reports_the_rest() {
    let project = Project::new();
    let lines = [
        json!({"create": {"title": "a"}, "as": "a"}),
        json!({"create": {"title": " "}, "as": "b"}),
        json!({"archive": {"task": "$b"}}),
        json!({"nonsense": 1}),
        json!({"comment": {"task": "$a", "text": "hi"}}),
    ];
    let run = batch(&project, &["--keep-going"], &lines);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    let answers = answers(&run);
    let ok: Vec<bool> = answers.iter().map(|answer| answer.ok).collect();
    assert_eq!(ok, [true, false, false, false, true]);
    let codes: Vec<&str> = answers.iter().filter_map(|a| a.error.as_ref()?["code"].as_str()).collect();
    assert_eq!(codes, ["VALIDATION_ERROR", "NOT_FOUND", "VALIDATION_ERROR"]);
    assert_eq!(project.json(["show", "LAT-1"])["comment_count"], 1);
    let quiet = batch(&project, &["--keep-going", "--quiet"], &lines[..2]);
    assert_eq!(quiet.stdout, "LAT-2\n");
    assert!(quiet.stderr.starts_with("2: Error: the title is empty"), "{}", quiet.stderr);
}

#[test]
fn a_dry_run_decides_all_and_saves_nothing() {
    let project = Project::new();
    let before = project.ok(["events"]);
    let lines = [
        json!({"create": {"title": "a"}, "as": "a"}),
        json!({"comment": {"task": "$a", "text": "hi"}}),
        json!({"event": {"task": "$a", "type": "x_a"}}),
    ];
    let answers = done(&project, &["--dry-run", "--full"], &lines);
    assert_eq!(answers[0].id.as_deref(), Some("LAT-1"));
    assert_eq!(answers[1].data.as_ref().unwrap()["comment_count"], 1);
    assert_eq!(answers[2].data.as_ref().unwrap()["type"], "x_a");
    assert_eq!(project.ok(["events"]), before);
    let bad = batch(&project, &["--dry-run"], &[json!({"archive": {"task": "LAT-9"}})]);
    assert_eq!(bad.status, 1);
}

#[test]
fn answers_are_short_and_say_what_was_so_already() {
    let project = Project::new();
    let id = "task_01J00000000000000000000000";
    let create = json!({"create": {"title": "a", "id": id}});
    done(&project, &[], std::slice::from_ref(&create));
    let run = batch(&project, &[], &[create, json!({"update": {"task": id, "title": "a"}})]);
    assert_eq!(
        run.stdout,
        "{\"id\":\"LAT-1\",\"line\":1,\"ok\":true,\"unchanged\":true}\n{\"id\":\"LAT-1\",\"line\":2,\"ok\":true,\"unchanged\":true}\n"
    );
    let quiet = batch(
        &project,
        &["--quiet"],
        &[json!({"create": {"title": "b"}}), json!({"event": {"task": id, "type": "x_a"}})],
    );
    let lines: Vec<&str> = quiet.stdout.lines().collect();
    assert_eq!((lines[0], &lines[1][..3]), ("LAT-2", "ev_"));
}
