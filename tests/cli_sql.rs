//! `lattice sql` from outside: it answers, and nothing that is typed there writes anywhere.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::Project;

/// All files below a folder with their content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|e| e != "db-shm") {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn hostile_statements_are_refused_and_leave_no_trace() {
    let project = Project::new();
    project.task("Kept");
    project.ok(["sql", "SELECT 1"]);
    let before = files(project.path());
    for sql in [
        "DELETE FROM tasks",
        "UPDATE tasks SET title = 'x'",
        "INSERT INTO meta VALUES ('a', 'b')",
        "DROP TABLE tasks",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t (x)",
        "ALTER TABLE tasks RENAME TO mine",
        "ATTACH 'evil.db' AS e",
        "ATTACH 'file:evil.db?mode=rwc' AS e",
        "VACUUM",
        "VACUUM INTO 'evil.db'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "REINDEX",
        "ANALYZE",
        "SELECT load_extension('evil.so')",
        "SELECT 1; DELETE FROM tasks",
        "WITH t AS (SELECT 1) DELETE FROM tasks",
        "EXPLAIN DELETE FROM tasks",
    ] {
        let (status, error) = project.refused(["sql", sql]);
        assert_eq!((status, &error["code"]), (1, &"SQL_REFUSED".into()), "{sql}: {error}");
    }
    for sql in
        ["SELECT writefile('evil', 'x')", "SELECT readfile('/etc/hosts')", "SELECT edit('x')", "", "SELEC 1"]
    {
        let (status, error) = project.refused(["sql", sql]);
        assert!(
            status == 1 && ["SQL_ERROR", "SQL_REFUSED"].contains(&error["code"].as_str().unwrap()),
            "{sql}: {error}"
        );
    }
    assert_eq!(files(project.path()), before);
}

#[test]
fn endless_and_huge_questions_are_ended() {
    let project = Project::new();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    let (status, error) = project.refused(["sql", endless, "--timeout", "0.2"]);
    assert_eq!((status, &error["code"]), (1, &"SQL_TIMEOUT".into()));
    let (_, error) = project.refused(["sql", "SELECT randomblob(900000000)"]);
    assert_eq!(error["code"], "SQL_TOO_BIG");
    let (_, error) = project.refused(["sql", "SELECT 1", "--timeout", "-1"]);
    assert_eq!(error["code"], "VALIDATION_ERROR");
}

const VALUES: &str =
    "SELECT 1 AS a, 2.5 AS b, NULL AS c, x'00ff' AS d, 'x,\"y\"|z' || char(10, 27) || '[31m' AS e, 7 AS a";

#[test]
fn every_form_writes_every_value_safely() {
    let project = Project::new();
    let form = |format: &str| project.ok(["sql", VALUES, "--format", format]);
    assert_eq!(
        form("table"),
        "a  b    c  d     e                    a\n1  2.5     00ff  x,\"y\"|z\\n\\u{1b}[31m  7\n"
    );
    assert_eq!(form("csv"), "a,b,c,d,e,a\n1,2.5,,00ff,\"x,\"\"y\"\"|z\n\u{1b}[31m\",7\n");
    assert_eq!(
        form("markdown"),
        "| a | b | c | d | e | a |\n| --- | --- | --- | --- | --- | --- |\n| 1 | 2.5 |  | 00ff | x,\"y\"\\|z<br>\\\\u{1b}\\[31m | 7 |\n"
    );
    assert_eq!(
        form("jsonl"),
        "{\"a\":1,\"a:2\":7,\"b\":2.5,\"c\":null,\"d\":\"00ff\",\"e\":\"x,\\\"y\\\"|z\\n\\u001b[31m\"}\n"
    );
    let data = project.json(["sql", VALUES]);
    assert_eq!(data["columns"], serde_json::json!(["a", "b", "c", "d", "e", "a"]));
    assert_eq!(data["rows"][0][3], "00ff");
    assert_eq!(data["truncated"], false);
}

#[test]
fn a_cut_answer_says_so() {
    let project = Project::new();
    let many =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1200) SELECT x FROM c";
    let data = project.json(["sql", many]);
    assert_eq!((data["rows"].as_array().unwrap().len(), &data["truncated"]), (1000, &true.into()));
    let run = project.run(["sql", many, "--limit", "2", "--quiet"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "1\n2\n"));
    assert!(run.stderr.contains("there are more"), "{}", run.stderr);
    assert_eq!(project.json(["sql", many, "--limit", "1200"])["truncated"], false);
}

#[test]
fn the_statement_can_come_from_standard_input() {
    let project = Project::new();
    let run = project.fed(["sql", "-", "--quiet"], b"SELECT 'from afar' -- with a remark\n");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "from afar\n", ""));
    assert_eq!(project.fed(["sql", "-"], b"\xff").status, 1);
}

/// Parts of `docs/sql.md`: the heading, the columns, the examples.
fn documented() -> Vec<(String, Vec<String>, Vec<String>)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sql.md")).unwrap();
    let mut parts = Vec::new();
    for part in text.split("\n### ").skip(1) {
        let name = part.lines().next().unwrap().to_owned();
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let examples =
            part.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        parts.push((name, rows.map(str::to_owned).collect(), examples.collect()));
    }
    parts
}

#[test]
fn the_documented_tables_and_columns_are_those_that_are_there() {
    let project = Project::new();
    let tables = project.json(["sql", "--schema"]);
    let there: Vec<(String, Vec<String>)> = tables
        .as_array()
        .unwrap()
        .iter()
        .map(|table| {
            let columns = table["columns"].as_array().unwrap();
            let names = columns.iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect();
            (table["name"].as_str().unwrap().to_owned(), names)
        })
        .collect();
    let written: Vec<_> = documented().into_iter().map(|(name, columns, _)| (name, columns)).collect();
    assert_eq!(there, written);
    let all = project.json([
        "sql",
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'",
    ]);
    for name in all["rows"].as_array().unwrap() {
        let name = name[0].as_str().unwrap();
        // FTS5 keeps its table in others of that name.
        let internal = ["resource_ids", "tree_record", "refinery_schema_history"].contains(&name)
            || name.starts_with("search_");
        assert!(internal || written.iter().any(|(known, _)| known == name), "{name} is not documented");
    }
}

#[test]
fn every_example_in_the_document_runs() {
    let project = Project::new();
    let (one, two) = (project.task("One"), project.planned("Two"));
    project.ok(["link", &one, "depends_on", &two]);
    project.ok(["comment", &one, "A remark"]);
    project.ok(["update", &one, "tags=a,b", "custom_fields.sprint=7"]);
    project.ok(["status", &two, "planned"]);
    let mut examples = 0;
    for (name, _, sql) in documented() {
        assert!(!sql.is_empty(), "{name} has no example");
        for sql in sql {
            project.json(["sql", &sql]);
            examples += 1;
        }
    }
    assert!(examples >= 25, "{examples}");
    assert_eq!(project.json(["sql", "SELECT on_short_id FROM blocked"])["rows"], serde_json::json!([[two]]));
    let row = &project
        .json(["sql", "SELECT tags, custom_fields ->> '$.sprint' FROM tasks WHERE tags IS NOT NULL"])["rows"]
        [0];
    assert_eq!(*row, serde_json::json!(["[\"a\",\"b\"]", "7"]));
}
