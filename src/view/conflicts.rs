//! Concurrent changes as JSON.

use serde_json::{Value, json};

use crate::app::{Outcome, TaskConflicts};
use crate::domain::{Change, Concurrent};

/// All concurrent changes that nobody has settled.
#[must_use]
pub fn conflicts(tasks: &[TaskConflicts], tracker: &[Concurrent]) -> Value {
    json!({
        "tasks": task_conflicts(tasks),
        "tracker": tracker.iter().map(concurrent).collect::<Vec<_>>(),
    })
}

/// Those of tasks.
#[must_use]
pub fn task_conflicts(tasks: &[TaskConflicts]) -> Vec<Value> {
    let one = |of: &TaskConflicts| {
        json!({
            "id": of.task.id.as_str(),
            "name": of.task.name(),
            "title": of.task.title,
            "conflicts": of.conflicts.iter().map(concurrent).collect::<Vec<_>>(),
        })
    };
    tasks.iter().map(one).collect()
}

/// What was left as it is; empty if nothing was open.
#[must_use]
pub fn settled(outcome: &Outcome) -> Value {
    let what = outcome.events.first().and_then(|event| event.data.get("what")).cloned();
    json!({"settled": what.unwrap_or_else(|| json!([]))})
}

fn concurrent(of: &Concurrent) -> Value {
    json!({
        "what": of.what,
        "holds": change(&of.holds),
        "lost": of.lost.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "event_id": change.event.as_str(),
        "ts": change.ts,
        "actor": change.actor,
        "value": change.value,
    })
}
