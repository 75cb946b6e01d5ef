//! `search`, and `list --search`: what is found, in which order, and what a search says that finds
//! nothing or is none.

mod support;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use support::{Project, each};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the members are there to be demanded")]
struct Envelope {
    ok: bool,
    data: Vec<Hit>,
    truncated: Option<bool>,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the members are there to be demanded")]
struct Hit {
    id: String,
    short_id: Option<String>,
    title: String,
    status: String,
    priority: Option<String>,
    urgency: Option<String>,
    complexity: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    assigned_to: Option<Value>,
    tags: Option<Vec<String>>,
    done_at: Option<String>,
    last_status_changed_at: Option<String>,
    comment_count: u64,
    reopened_count: u64,
    relationships_out_count: u64,
    evidence_ref_count: u64,
    branch_link_count: u64,
    archived: Option<bool>,
    #[serde(rename = "match")]
    found: Found,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    #[serde(rename = "in")]
    place: String,
    extract: String,
    comment_id: Option<String>,
}

/// Three tasks that all speak of a parser, in other places.
fn filled() -> Project {
    let project = Project::new();
    project.ok(["create", "Slow build", "--description", "The Parser\nis in src/main.rs", "--tags", "speed"]);
    project.ok(["create", "The parser drops the last token", "--priority", "high"]);
    project.ok(["create", "Other"]);
    project.ok(["comment", "LAT-3", "foo_bar in the parser fails with E0502, see LAT-12"]);
    project
}

fn names(project: &Project, line: &[&str]) -> Vec<String> {
    let line = [line, &["--quiet"]].concat();
    project.tried(line).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn titles_come_before_descriptions_and_these_before_comments() {
    let project = filled();
    assert_eq!(
        project.ok(["search", "parser"]),
        "LAT-2  backlog  high  task  \"The parser drops the last token\"  unassigned\n\
         LAT-1  backlog  medium  task  \"Slow build\"  unassigned\n    description: The Parser is in src/main.rs\n\
         LAT-3  backlog  medium  task  \"Other\"  unassigned\n    \
         comment: foo_bar in the parser fails with E0502, see LAT-12\n"
    );
}

#[test]
fn words_as_code_has_them_are_found() {
    let project = filled();
    for (query, found) in [
        ("foo_bar", "LAT-3"),
        ("bar", "LAT-3"),
        ("src/main.rs", "LAT-1"),
        ("main.rs", "LAT-1"),
        ("E0502", "LAT-3"),
        ("e0502", "LAT-3"),
        ("LAT-12", "LAT-3"),
        ("E05*", "LAT-3"),
        ("toke", "LAT-2"),
        ("\"last token\"", "LAT-2"),
        ("token last", "LAT-2"),
        ("fails parser", "LAT-3"),
    ] {
        assert_eq!(names(&project, &["search", query]), [found], "{query}");
    }
    for query in ["LAT-1", "E05", "\"token last\"", "parser zebra", "\"toke\"", "ar"] {
        assert_eq!(names(&project, &["search", query]), [""; 0], "{query}");
    }
    assert_eq!(names(&project, &["search", "last", "token"]), ["LAT-2"], "words need no quotes");
}

#[test]
fn the_json_is_what_the_document_says() {
    let project = filled();
    let text = project.ok(["search", "parser", "--limit", "2", "--json"]);
    let found: Envelope = serde_json::from_str(&text).unwrap();
    assert!(found.ok);
    assert_eq!(found.truncated, Some(true));
    assert_eq!(found.data[0].found.place, "title");
    assert_eq!(found.data[1].found.extract, "The Parser is in src/main.rs");
    let text = project.ok(["search", "foo_bar", "--json"]);
    let found: Envelope = serde_json::from_str(&text).unwrap();
    let comments = project.json(["comments", "LAT-3"]);
    assert_eq!(found.data[0].found.place, "comment");
    assert_eq!(found.data[0].found.comment_id.as_deref(), comments[0]["id"].as_str());
    assert_eq!(found.truncated, None);
    assert_eq!(
        project.json(["search", "foo_bar", "--fields", "name,match"]),
        json!([{"name": "LAT-3", "match": {"in": "comment", "comment_id": comments[0]["id"],
                "extract": "foo_bar in the parser fails with E0502, see LAT-12"}}])
    );
}

#[test]
fn the_filters_are_those_of_list() {
    let project = filled();
    project.ok(["archive", "LAT-2"]);
    project.ok(["assign", "LAT-3", "agent:b"]);
    let with = |more: &[&str]| names(&project, &[&["search", "parser"], more].concat());
    assert_eq!(with(&[]), ["LAT-1", "LAT-3"]);
    assert_eq!(with(&["--include-archived"]), ["LAT-2", "LAT-1", "LAT-3"]);
    assert_eq!(with(&["--assigned", "agent:b"]), ["LAT-3"]);
    assert_eq!(with(&["--tag", "speed"]), ["LAT-1"]);
    assert_eq!(with(&["--status", "Backlog", "--type", "task", "--priority", "medium"]), ["LAT-1", "LAT-3"]);
    assert_eq!(with(&["--status", "done"]), [""; 0]);
    let run = project.tried(["search", "parser", "--status", "nowhere"]);
    assert!(run.stderr.contains("there is no status `nowhere`"), "{run:?}");
    assert_eq!(names(&project, &["list", "--search", "parser", "--sort", "title"]), ["LAT-3", "LAT-1"]);
    let count = project.tried(["list", "--search", "pars", "--limit", "1", "--count"]);
    assert_eq!(count.stderr, "1 of 2 tasks\n");
}

#[test]
fn the_forms_are_those_of_list() {
    let project = filled();
    let csv = project.ok(["search", "foo_bar", "--format", "csv"]);
    let line = "LAT-3,backlog,Other,,\"foo_bar in the parser fails with E0502, see LAT-12\"\n";
    assert_eq!(csv, format!("name,status,title,assigned_to,match\n{line}"));
    let table = project.ok(["search", "foo_bar", "--fields", "name,title"]);
    assert_eq!(table, "TASK   TITLE\nLAT-3  Other\n");
    let jsonl = project.ok(["search", "parser", "--format", "jsonl", "--fields", "name"]);
    assert_eq!(jsonl, "{\"name\":\"LAT-2\"}\n{\"name\":\"LAT-1\"}\n{\"name\":\"LAT-3\"}\n");
    assert_eq!(project.refused(["search", "x", "--fields", "zebra"]).1["code"], "VALIDATION_ERROR");
}

#[test]
fn nothing_to_search_for_is_refused_and_nothing_found_is_none() {
    let project = filled();
    for query in ["", "  ", "\"", "*", "-", "🎉", "( \" )"] {
        for line in [["search", query], ["list", "--search"]] {
            let line: Vec<&str> =
                if line[0] == "list" { vec!["list", "--search", query] } else { line.to_vec() };
            let (status, error) = project.refused(&line);
            assert_eq!((status, error["code"].as_str()), (1, Some("VALIDATION_ERROR")), "{line:?}");
        }
    }
    let (_, error) = project.refused(["search", &"long ".repeat(20_000)]);
    assert_eq!(error["code"], "VALIDATION_ERROR");
    for query in ["AND", "NEAR(", "a\u{1b}[31m", "title:x", "NOT parser AND"] {
        let run = project.tried(["search", query]);
        assert_eq!(
            (run.status, run.stdout.as_str(), run.stderr.as_str()),
            (0, "", "Nothing found\n"),
            "{query}"
        );
    }
}

#[test]
fn what_others_wrote_cannot_reach_the_terminal() {
    let project = Project::new();
    project.ok([
        "create",
        "A \u{1b}[31mred parser",
        "--description",
        "a \u{1}parser\u{2} with\u{1b}]0;x\u{7} signs",
    ]);
    let shown = project.ok(["search", "parser"]);
    assert!(shown.contains("A \\u{1b}[31mred parser"), "{shown}");
    let shown = project.ok(["search", "signs"]);
    assert!(shown.contains("with\\u{1b}]0;x\\u{7} signs") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_damaged_index_stops_no_writer_and_is_named_and_mended() {
    let many = |from: usize| (from..from + 70).map(|n| format!("word{n}")).collect::<Vec<_>>();
    let whole = filled();
    for word in many(0) {
        whole.ok(["comment", "LAT-3", &word]);
    }
    whole.ok(["backup", "whole.db"]);
    // What is left of the first is an index that reads well and holds nothing.
    let damages = [
        "DELETE FROM search_data; DELETE FROM search_idx; DELETE FROM search_docsize",
        "UPDATE search_data SET block = x'00'",
        "DELETE FROM search_data",
        "DELETE FROM search_config",
        "UPDATE search_idx SET pgno = 999",
    ];
    each::done(&damages, |damage| {
        let project = Project::empty();
        std::fs::create_dir(project.lattice()).unwrap();
        std::fs::copy(whole.path().join("whole.db"), project.database()).unwrap();
        Connection::open(project.database()).unwrap().execute_batch(damage).unwrap();
        for word in many(100) {
            project.ok(["comment", "LAT-3", &word]);
        }
        let run = project.tried(["doctor", "--json"]);
        assert_eq!(run.status, 1, "{damage}: {run:?}");
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        for finding in report["data"]["findings"].as_array().unwrap() {
            assert_eq!(finding["check"], "derived_tables", "{damage}: {finding}");
            assert!(finding["message"].as_str().unwrap().starts_with("search: "), "{damage}: {finding}");
        }
        let run = project.tried(["search", "word5"]);
        if run.status != 0 {
            assert!(run.stderr.contains("[STORE_CORRUPT]"), "{damage}: {run:?}");
            assert!(run.stderr.contains("lattice rebuild --all"), "{damage}: {run:?}");
        }
        let fixed = project.tried(["doctor", "--fix"]);
        assert_eq!(project.tried(["doctor"]).status, 0, "{damage}: {fixed:?}");
        for word in ["word5", "word169"] {
            assert_eq!(names(&project, &["search", word]), ["LAT-3"], "{damage}: {word}");
        }
    });
}

#[test]
fn an_index_that_says_something_else_is_found_out() {
    let project = filled();
    for n in 0..70 {
        project.ok(["comment", "LAT-3", &format!("word{n}")]);
    }
    assert_eq!(project.run(["doctor"]).status, 0);
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch("INSERT OR REPLACE INTO search (rowid, title, body) VALUES (9, '', 'a lie')").unwrap();
    drop(conn);
    let report: Value = serde_json::from_str(&project.run(["doctor", "--json"]).stdout).unwrap();
    let findings = report["data"]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["check"], "derived_tables");
    assert!(findings[0]["message"].as_str().unwrap().starts_with("search: task_"), "{findings:?}");
    project.tried(["doctor", "--fix"]);
    assert_eq!(project.run(["doctor"]).status, 0);
}

#[test]
fn fifty_tasks_in_three_fields_are_few_words() {
    let project = Project::new();
    for n in 0..50 {
        project.ok(["create", &format!("Keep the last token, part {n}")]);
    }
    let text = project.ok(["list", "--fields", "id,title,status", "--json"]);
    assert!(text.len() < 5_120, "{}", text.len());
    assert_eq!(project.json(["list", "--fields", "id,title,status"]).as_array().unwrap().len(), 50);
}

#[test]
fn a_name_that_was_taken_away_means_nobody() {
    let project = Project::new();
    for title in ["a", "b", "c"] {
        project.task(title);
    }
    project.ok(["update", "LAT-2", "custom_fields.x_id=gar-77"]);
    assert_eq!(project.json(["show", "gar-77"])["short_id"], "LAT-2");
    project.ok(["update", "LAT-2", "custom_fields.x_id=gar-78"]);
    assert_eq!(project.json(["show", "gar-78"])["short_id"], "LAT-2");
    project.ok(["update", "LAT-2", "custom_fields.x_id="]);
    for name in ["gar-77", "gar-78"] {
        assert_eq!(project.refused(["show", name]).1["code"], "NOT_FOUND", "{name}");
    }
    project.ok(["rebuild", "LAT-3"]);
    assert_eq!(project.json(["show", "LAT-3"])["short_id"], "LAT-3");
    assert_eq!(project.json(["doctor"])["findings"], serde_json::json!([]));
}
