//! The shapes of answers: JSON member names, the same on every surface. No logic, no output.

mod backup;
mod batch;
mod blocked;
pub mod comments;
pub mod config;
mod conflicts;
mod doctor;
pub mod git;
mod hooks;
mod init;
mod list;
mod plugins;
mod redact;
mod resource;
pub mod search;
mod show;
mod sql;
pub mod stats;
pub mod texts;
mod trees;
mod written;

pub use backup::{backup, restored};
pub use batch::{batch_id, batch_line};
pub use blocked::blocked;
pub use conflicts::{conflicts, settled};
pub use doctor::{doctor, head, level, rebuild};
pub use hooks::hooks;
pub use init::init;
pub use list::{FIELDS, cell, compact, field, listed, listing, named_fields};
pub use plugins::plugins;
pub use redact::redaction;
pub use resource::{resource, resource_of, resources, session_begun, sessions};
pub use show::{arrival, details, details_compact, reopened_warning};
pub use sql::{sql_answer, sql_objects, sql_tables, sql_value};
pub use trees::{by_field, export, export_document, import, import_from, import_summary};
pub use written::{manual, manual_files, prompt, written};

use serde_json::{Map, Value, json};

use crate::app::{Failure, Outcome, PlanText};
use crate::domain::json as form;
use crate::domain::{Artifact, Task};

/// The envelope of an answer.
#[must_use]
pub fn envelope(data: Value) -> Value {
    // Moved: `json!` would copy what it is given, and that is all of a long answer.
    Value::Object(Map::from_iter([("data".to_owned(), data), ("ok".to_owned(), true.into())]))
}

/// The envelope of a failure.
#[must_use]
pub fn failure(failure: &Failure) -> Value {
    let mut error: Map<String, Value> = failure.extra.clone();
    error.insert("code".into(), json!(failure.code.as_str()));
    error.insert("message".into(), json!(failure.message));
    if let Some(hint) = &failure.hint {
        error.insert("hint".into(), json!(hint));
    }
    if let Some(details) = &failure.details {
        error.insert("details".into(), details.clone());
    }
    json!({"error": error, "ok": false})
}

/// A document as it is printed: sorted, two spaces, a newline at the end.
#[must_use]
pub fn document(value: &Value) -> String {
    form::document(value)
}

/// The same with each row of `data` on one line.
#[must_use]
pub fn document_of_rows(value: Value) -> String {
    form::document_of_rows(value)
}

/// Data that is only a sentence.
#[must_use]
pub fn message(text: &str) -> Value {
    json!({"message": text})
}

/// A task's snapshot.
#[must_use]
pub fn task(task: &Task) -> Value {
    Value::Object(task.snapshot())
}

/// The snapshot of the task that a change was about; null if it was about none.
#[must_use]
pub fn task_of(outcome: &Outcome) -> Value {
    outcome.task.as_ref().map_or(Value::Null, task)
}

/// The task that `next` gives: its snapshot and its plan, null while that is the scaffold.
#[must_use]
pub fn next(task: &Task, plan: Option<&PlanText>) -> Value {
    let mut snapshot = task.snapshot();
    let content = plan.filter(|plan| !plan.is_scaffold).map(|plan| plan.body.as_str());
    snapshot.insert("plan_content".into(), json!(content));
    Value::Object(snapshot)
}

/// A report on several tasks, each as the caller named it: what was done, what failed and why.
#[must_use]
pub fn several(done: &str, ids: &[&str], failed: &[(String, Failure)]) -> Value {
    let failures: Vec<Value> = failed
        .iter()
        .map(|(id, failure)| json!({"id": id, "code": failure.code.as_str(), "error": failure.message}))
        .collect();
    json!({"data": {done: ids, "failed": failures}, "ok": failed.is_empty()})
}

/// An artifact's metadata, as in the exported tree.
#[must_use]
pub fn artifact(artifact: &Artifact) -> Value {
    Value::Object(artifact.meta().clone())
}

/// The short ids that tasks without one were given; a sentence where there were none.
#[must_use]
pub fn backfill(given: &[String], nothing: &str) -> Value {
    match (given.first(), given.last()) {
        (Some(first), Some(last)) => json!({"assigned": given.len(), "first": first, "last": last}),
        _ => json!({"assigned": 0, "message": nothing}),
    }
}

/// A script for a shell.
#[must_use]
pub fn completions(shell: &str, script: &str) -> Value {
    json!({"shell": shell, "script": script})
}
