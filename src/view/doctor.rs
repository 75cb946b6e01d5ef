//! What `doctor` and `rebuild` answer.

use serde_json::{Value, json};

use crate::app::{Head, Level, Report, Totals};
use crate::domain::TaskId;

/// Findings and sizes; `fixed` says what was made anew, where that was asked for.
#[must_use]
pub fn doctor(report: &Report, fixed: Option<&[&str]>) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "level": level(finding.level),
                "check": finding.check,
                "message": finding.message,
                "task_id": finding.task_id,
            })
        })
        .collect();
    let size = |of: fn(&Totals) -> i64| report.totals.as_ref().map(of);
    let mut data = json!({
        "findings": findings,
        "summary": {
            "tasks": size(|totals| totals.tasks),
            "events": size(|totals| totals.events),
            "artifacts": size(|totals| totals.artifacts),
            "resources": size(|totals| totals.resources),
            "warnings": report.count(Level::Warning),
            "errors": report.count(Level::Error),
        },
    });
    if let Some(fixed) = fixed {
        data["fixed"] = json!(fixed);
    }
    if let Some(proof) = report.since_head {
        data["since_head"] = json!({
            "head": proof.head.to_string(),
            "events": proof.head.events,
            "holds": proof.holds,
            "redacted": proof.redacted,
        });
    }
    data
}

/// The head of the log.
#[must_use]
pub fn head(head: &Head) -> Value {
    json!({"head": head.to_string(), "events": head.events, "hash": head.hash()})
}

/// The word for how bad it is.
#[must_use]
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// What was made anew; `resources` only where everything was.
#[must_use]
pub fn rebuild(tasks: &[TaskId], resources: Option<&[String]>) -> Value {
    let mut data = json!({
        "rebuilt_tasks": tasks.iter().map(TaskId::as_str).collect::<Vec<_>>(),
        "global_log_rebuilt": resources.is_some(),
    });
    if let Some(resources) = resources {
        data["rebuilt_resources"] = json!(resources);
    }
    data
}
