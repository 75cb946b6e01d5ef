//! Plans, notes and the context. Writing what stands there already is no event.

use serde_json::json;

use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::task::Task;

pub(super) fn plan(facts: &Facts, task: &Task, body: &str) -> Vec<EventBody> {
    if facts.plan.as_deref() == Some(body) {
        return Vec::new();
    }
    vec![EventBody::of_task(&task.id, kind::PLAN_UPDATED, json!({"body": body}))]
}

pub(super) fn notes(facts: &Facts, task: &Task, body: &str) -> Vec<EventBody> {
    if facts.notes.as_deref() == Some(body) {
        return Vec::new();
    }
    vec![EventBody::of_task(&task.id, kind::NOTES_UPDATED, json!({"body": body}))]
}

pub(super) fn context(facts: &Facts, body: &str) -> Vec<EventBody> {
    if facts.context.as_deref() == Some(body) {
        return Vec::new();
    }
    vec![EventBody::of_instance(kind::CONTEXT_UPDATED, json!({"body": body}))]
}
