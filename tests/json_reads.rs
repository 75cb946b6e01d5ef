//! The JSON of the reading commands, read by readers that know `docs/json.md` and nothing
//! else: a member that is not documented, or is gone, fails here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]
#![allow(dead_code, reason = "the members are there to be demanded")]

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use support::Project;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    ok: bool,
    data: T,
    truncated: Option<bool>,
    total: Option<u64>,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Init {
    path: String,
    created: bool,
    instance_id: String,
    project_code: Option<String>,
    files: Vec<Value>,
    imported: Option<Imported>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Imported {
    events: u64,
    artifacts: u64,
    tasks: u64,
    unknown_files: u64,
    notices: Vec<String>,
    disagreements: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    schema_version: u64,
    id: String,
    short_id: Option<String>,
    title: String,
    status: String,
    priority: Option<String>,
    urgency: Option<String>,
    complexity: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    assigned_to: Option<Value>,
    created_by: Value,
    created_at: String,
    updated_at: String,
    done_at: Option<String>,
    last_status_changed_at: Option<String>,
    relationships_out: Vec<Relationship>,
    evidence_refs: Vec<Value>,
    branch_links: Vec<Value>,
    comment_count: u64,
    reopened_count: u64,
    custom_fields: Map<String, Value>,
    last_event_id: String,
    linked_files: Option<Vec<String>>,
    needs_human: Option<Value>,
    archived: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relationship {
    #[serde(rename = "type")]
    kind: String,
    target_task_id: String,
    created_at: String,
    created_by: Value,
    note: Option<String>,
    target_title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowMore {
    events: Vec<Map<String, Value>>,
    valid_transitions: Vec<String>,
    relationships_enriched: Vec<Relationship>,
    relationships_in: Vec<Incoming>,
    artifact_info: Vec<Artifact>,
    plan_path: Option<String>,
    notes_path: Option<String>,
    auto_detected_branches: Option<Vec<String>>,
    auto_detected_commits: Option<Vec<Value>>,
    reopened_warning: Option<String>,
    latest_reopen: Option<Reopen>,
    #[serde(rename = "_full")]
    full: Option<bool>,
}

/// Members of `show` that are not the snapshot's.
const SHOW: [&str; 12] = [
    "auto_detected_branches",
    "auto_detected_commits",
    "events",
    "valid_transitions",
    "relationships_enriched",
    "relationships_in",
    "artifact_info",
    "plan_path",
    "notes_path",
    "reopened_warning",
    "latest_reopen",
    "_full",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    source_task_id: String,
    source_title: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Artifact {
    id: String,
    role: Option<String>,
    title: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reopen {
    ts: String,
    date: String,
    actor: String,
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compact {
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
    valid_transitions: Option<Vec<String>>,
    blocked_by: Option<Vec<Reason>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
    task_id: Option<String>,
    short_id: Option<String>,
    title: Option<String>,
    status: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedLine {
    cursor: String,
    seq: u64,
    event: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doctor {
    findings: Vec<Finding>,
    summary: Summary,
    fixed: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    level: String,
    check: String,
    message: String,
    task_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    tasks: u64,
    events: u64,
    artifacts: u64,
    resources: u64,
    warnings: u64,
    errors: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebuild {
    rebuilt_tasks: Vec<String>,
    rebuilt_resources: Option<Vec<String>>,
    global_log_rebuilt: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    target: String,
    written: Vec<String>,
    unchanged: u64,
    removed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    file: String,
    bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Superseded {
    task: Option<String>,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    source: String,
    dry_run: bool,
    new_events: u64,
    known_events: u64,
    new_artifacts: u64,
    tasks: Vec<TaskImport>,
    other: BTreeMap<String, u64>,
    contested: Vec<Contested>,
    quarantined: Vec<String>,
    redacted: Vec<String>,
    withheld: u64,
    traces: Option<String>,
    superseded: Vec<Superseded>,
    conflicts: Vec<Value>,
    notices: Vec<String>,
    disagreements: Vec<Disagreement>,
    unknown_files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskImport {
    id: String,
    name: String,
    title: String,
    new: bool,
    events: BTreeMap<String, u64>,
    changes: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contested {
    short_id: String,
    tasks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disagreement {
    task: String,
    field: String,
    snapshot: Value,
    log: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sql {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    truncated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    kind: String,
    about: String,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

fn read<T: DeserializeOwned>(project: &Project, args: &[&str]) -> Envelope<T> {
    let text = project.ok([args, &["--json"]].concat());
    let envelope: Envelope<T> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}"));
    assert!(envelope.ok);
    envelope
}

fn tracker() -> Project {
    let project = Project::new();
    let (one, two) = (project.planned("One"), project.task("Two"));
    project.ok(["link", &one, "depends_on", &two]);
    project.ok(["comment", &one, "Fine", "--role", "review"]);
    project.ok(["status", &two, "done", "--force", "--reason", "test"]);
    project.ok(["status", &two, "review", "--force", "--reason", "test"]);
    project.ok(["create", "Asks", "--status", "needs_human"]);
    project.ok(["create", "Gone"]);
    project.ok(["archive", "LAT-4"]);
    project
}

#[test]
fn lists_and_tasks() {
    let project = tracker();
    let list: Envelope<Vec<Snapshot>> =
        read(&project, &["list", "--include-archived", "--count", "--limit", "3"]);
    assert_eq!((list.data.len(), list.truncated, list.total), (3, Some(true), Some(4)));
    let _: Envelope<Vec<Compact>> = read(&project, &["list", "--compact", "--include-archived"]);
    let _: Envelope<Vec<Snapshot>> = read(&project, &["ready"]);
    let blocked: Envelope<Vec<Compact>> = read(&project, &["blocked"]);
    assert_eq!(blocked.data.len(), 2);
    let _: Envelope<Compact> = read(&project, &["show", "LAT-1", "--compact"]);
    for args in [vec!["show", "LAT-1"], vec!["show", "LAT-2", "--full"], vec!["show", "LAT-4"]] {
        let shown: Envelope<Map<String, Value>> = read(&project, &args);
        let (more, snapshot): (Map<_, _>, Map<_, _>) =
            shown.data.into_iter().partition(|(key, _)| SHOW.contains(&key.as_str()));
        let _: ShowMore = serde_json::from_value(Value::Object(more)).unwrap();
        let _: Snapshot = serde_json::from_value(Value::Object(snapshot)).unwrap();
    }
}

#[test]
fn the_feed() {
    let project = tracker();
    for line in project.ok(["events", "--json"]).lines() {
        let line: FeedLine = serde_json::from_str(line).unwrap();
        assert!(line.cursor.ends_with(&format!(":{}", line.seq)));
    }
}

#[test]
fn the_tracker_and_its_tree() {
    let project = tracker();
    let init: Envelope<Init> = read(&project, &["init"]);
    assert!(!init.data.created);
    let _: Envelope<Rebuild> = read(&project, &["rebuild", "LAT-1"]);
    let _: Envelope<Rebuild> = read(&project, &["rebuild", "--all"]);
    let _: Envelope<Export> = read(&project, &["export"]);
    let _: Envelope<Document> = read(&project, &["export", "--file", "all.json"]);
    project.task("Five");
    let doctor: Envelope<Doctor> = read(&project, &["doctor", "--fix"]);
    assert_eq!((doctor.data.findings.len(), doctor.data.fixed), (1, Some(vec![])));
    let other = Project::empty();
    other.ok(["init"]);
    let file = project.path().join("all.json");
    let import: Envelope<Import> =
        read(&other, &["import", "--file", file.to_str().unwrap(), "--adopt", "--dry-run"]);
    assert_eq!(import.data.tasks.len(), 4);
    let third = Project::empty();
    std::fs::create_dir_all(third.lattice()).unwrap();
    project.ok(["export", "--to", third.lattice().to_str().unwrap()]);
    let init: Envelope<Init> = read(&third, &["init"]);
    assert_eq!(init.data.imported.unwrap().tasks, 5);
}

#[test]
fn answers_to_sql() {
    let project = tracker();
    let answer: Envelope<Sql> = read(&project, &["sql", "SELECT 1 AS a, 'x' AS b"]);
    assert_eq!((answer.data.columns, answer.data.rows.len()), (vec!["a".into(), "b".into()], 1));
    let tables: Envelope<Vec<Table>> = read(&project, &["sql", "--schema"]);
    assert!(tables.data.iter().any(|table| table.name == "ready" && table.kind == "view"));
}
