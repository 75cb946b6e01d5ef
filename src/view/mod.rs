//! The shapes of answers: JSON member names, the same on every surface. No logic, no output.

mod init;
mod list;
mod show;

pub use init::init;
pub use list::{FIELDS, cell, compact, field, listed, listing, named_fields};
pub use show::{details, details_compact, reopened_warning};

use serde_json::{Map, Value, json};

use crate::app::{Failure, Outcome};
use crate::domain::Task;
use crate::domain::json as form;

/// The envelope of an answer.
#[must_use]
pub fn envelope(data: Value) -> Value {
    json!({"data": data, "ok": true})
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
