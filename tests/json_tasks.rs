//! Readers written from docs/json.md that know every member: one more, one less or another type
//! fails them.
#![allow(dead_code, reason = "members are read to see that they are there")]

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use support::shapes::{Actor, Envelope, Event, Task, nullable};
use support::{Project, Run};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comments {
    ok: bool,
    data: Vec<Comment>,
    task_context: TaskContext,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskContext {
    id: String,
    #[serde(deserialize_with = "nullable")]
    title: Option<String>,
    #[serde(deserialize_with = "nullable")]
    status: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    #[serde(deserialize_with = "nullable")]
    plan_content: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    id: String,
    body: String,
    #[serde(deserialize_with = "nullable")]
    role: Option<String>,
    author: Actor,
    created_at: String,
    edited: bool,
    #[serde(deserialize_with = "nullable")]
    edited_at: Option<String>,
    edit_history: Vec<Edit>,
    deleted: bool,
    #[serde(deserialize_with = "nullable")]
    deleted_by: Option<Actor>,
    #[serde(deserialize_with = "nullable")]
    deleted_at: Option<String>,
    #[serde(deserialize_with = "nullable")]
    parent_id: Option<String>,
    reactions: BTreeMap<String, Vec<Actor>>,
    replies: Vec<Comment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    body: String,
    edited_at: String,
    edited_by: Actor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Archived {
    archived: Vec<String>,
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    id: String,
    code: String,
    error: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    task_id: String,
    plan_path: String,
    archived: bool,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    task_id: String,
    notes_path: String,
    archived: bool,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextText {
    context_path: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    path: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefix {
    short_id_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    shell: String,
    script: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    ok: bool,
    error: Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    code: String,
    message: String,
    hint: Option<String>,
    details: Option<Value>,
    current_status: Option<String>,
    requested_status: Option<String>,
    valid_transitions: Option<Vec<String>>,
}

fn run(project: &Project, line: &[&str]) -> Run {
    project.tried(line.iter().chain(&["--json"]))
}

#[expect(clippy::panic, reason = "a reader that fails has to show what it read")]
fn read<T: serde::de::DeserializeOwned>(project: &Project, line: &[&str]) -> T {
    let text = run(project, line).stdout;
    let read: Envelope<T> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{line:?}: {e}\n{text}"));
    assert!(read.ok);
    read.data
}

#[test]
fn every_writing_command_answers_with_the_task() {
    let project = Project::new();
    let other = project.task("Other");
    let task: Task = read(&project, &["create", "A title", "--tags", "a", "--description", "d"]);
    assert_eq!(task.short_id.as_deref(), Some("LAT-2"));
    let _: Task = read(&project, &["update", "LAT-2", "urgency=low", "custom_fields.x=y"]);
    let _: Task = read(&project, &["status", "LAT-2", "planned"]);
    let _: Task = read(&project, &["assign", "LAT-2", "agent:x"]);
    let _: Task = read(&project, &["link", "LAT-2", "blocks", &other, "--note", "why"]);
    let said: Task = read(&project, &["comment", "LAT-2", "text", "--role", "review"]);
    let id = said.last_event_id;
    let _: Task = read(&project, &["comment-edit", "LAT-2", &id, "other"]);
    let _: Task = read(&project, &["comment-edit", "LAT-2", &id, "other"]);
    let _: Task = read(&project, &["react", "LAT-2", &id, "eyes"]);
    let _: Task = read(&project, &["react", "LAT-2", &id, "eyes"]);
    let _: Task = read(&project, &["unreact", "LAT-2", &id, "eyes"]);
    let _: Task = read(&project, &["comment-delete", "LAT-2", &id]);
    let done: Task = read(&project, &["complete", "LAT-2", "--review", "fine"]);
    assert_eq!(done.evidence_refs.len(), 2);
    let _: Task = read(&project, &["unlink", "LAT-2", "blocks", &other]);
    let _: Message = read(&project, &["update", "LAT-2", "urgency=low"]);
    let _: Message = read(&project, &["status", "LAT-2", "done"]);
    let _: Message = read(&project, &["assign", "LAT-2", "agent:x"]);
}

#[test]
fn comments_answer_with_threads_and_the_task_in_short() {
    let project = Project::new();
    let task = project.task("A title");
    let said: Task = read(&project, &["comment", &task, "text", "--role", "review"]);
    let id = said.last_event_id;
    project.ok(["comment", &task, "reply", "--reply-to", &id]);
    project.ok(["comment-edit", &task, &id, "other"]);
    project.ok(["react", &task, &id, "eyes"]);
    let gone: Task = read(&project, &["comment", &task, "gone"]);
    project.ok(["comment-delete", &task, &gone.last_event_id]);
    let text = run(&project, &["comments", &task]).stdout;
    let comments: Comments = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert!(comments.ok && comments.data.len() == 2 && comments.data[0].replies.len() == 1);
    assert_eq!(comments.task_context.id, task);
    assert_eq!(comments.task_context.title.as_deref(), Some("A title"));
    let text = run(&project, &["comments", "task_01ARZ3NDEKTSV4RRFFQ69G5FAV"]).stdout;
    let comments: Comments = serde_json::from_str(&text).unwrap();
    assert_eq!((comments.data.len(), comments.task_context.status), (0, None));
}

#[test]
fn events_and_reports_have_their_members() {
    let project = Project::new();
    let (a, b) = (project.task("a"), project.task("b"));
    let line = ["event", &a, "x_a", "--data", "{\"n\":1}", "--reason", "r", "--model", "m"];
    let event: Event = read(&project, &line);
    assert_eq!((event.provenance.unwrap().len(), event.agent_meta.unwrap().len()), (1, 1));
    let _: Event = read(&project, &["archive", &a]);
    let _: Event = read(&project, &["unarchive", &a]);
    let report: Archived = read(&project, &["archive", &a, &b]);
    assert_eq!(report.archived.len(), 2);
    let text = run(&project, &["archive", &a, &b]).stdout;
    let report: Envelope<Archived> = serde_json::from_str(&text).unwrap();
    assert!(!report.ok && report.data.failed[0].code == "CONFLICT");
}

#[test]
fn next_is_a_task_with_its_plan() {
    let project = Project::new();
    project.planned("A title");
    for line in [vec!["next"], vec!["next", "--claim"]] {
        let mut data: Value = read(&project, &line);
        let next: Next = serde_json::from_value(data.clone()).unwrap();
        assert!(next.plan_content.is_some());
        data.as_object_mut().unwrap().remove("plan_content");
        let _: Task = serde_json::from_value(data).unwrap();
    }
}

#[test]
fn a_limit_that_is_passed_is_a_warning() {
    let project = Project::new();
    project.ok(["config", "set", "workflow.wip_limits.planned", "0"]);
    let task = project.task("A title");
    let text = run(&project, &["status", &task, "planned"]).stdout;
    let read: Envelope<Task> = serde_json::from_str(&text).unwrap();
    assert_eq!(read.warnings.unwrap(), ["planned holds 1 tasks, and its limit is 0"]);
}

#[test]
fn texts_settings_and_scripts_have_their_members() {
    let project = Project::new();
    let task = project.task("A title");
    project.file("file", "text");
    for line in
        [vec!["plan", &task], vec!["plan", &task, "--file", "file"], vec!["plan", &task, "--file", "file"]]
    {
        let _: Plan = read(&project, &line);
    }
    let _: Notes = read(&project, &["notes", &task, "--file", "file"]);
    let _: Notes = read(&project, &["notes", &task]);
    let _: ContextText = read(&project, &["context"]);
    let _: ContextText = read(&project, &["context", "--file", "file"]);
    let _: Setting = read(&project, &["config", "get", "workflow"]);
    let _: Setting = read(&project, &["config", "set", "mine", "1"]);
    let _: Setting = read(&project, &["config", "unset", "mine"]);
    let _: BTreeMap<String, Value> = read(&project, &["config", "list"]);
    let _: Prefix = read(&project, &["set-project-code", "NEW", "--force"]);
    let _: Prefix = read(&project, &["set-subproject-code", "WEB"]);
    let _: Script = read(&project, &["completions", "zsh"]);
}

#[test]
fn a_refusal_says_what_and_what_next() {
    let project = Project::new();
    let task = project.task("A title");
    for line in [
        vec!["status", &task, "review"],
        vec!["update", &task, "status=done"],
        vec!["link", &task, "blocks", &task],
        vec!["comment", &task, "x", "--role", "none"],
        vec!["notes", &task],
    ] {
        let text = run(&project, &line).stdout;
        let refused: Refused =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{line:?}: {e}\n{text}"));
        assert!(!refused.ok && refused.error.hint.is_some());
        let moved = refused.error.code == "INVALID_TRANSITION";
        assert_eq!(refused.error.valid_transitions.is_some(), moved);
        assert_eq!(refused.error.current_status.is_some() && refused.error.requested_status.is_some(), moved);
    }
}
