//! The answer to a line of a batch: what an agent needs to go on, and no more.

use serde_json::{Map, Value, json};

use crate::app::{LineResult, Outcome};

/// One line's answer. `full` adds what the command itself would answer.
#[must_use]
pub fn batch_line(line: &LineResult, full: bool) -> Value {
    let mut answer = Map::new();
    answer.insert("line".into(), json!(line.line));
    answer.insert("ok".into(), json!(line.result.is_ok()));
    if let Some(name) = &line.name {
        answer.insert("as".into(), json!(name));
    }
    match &line.result {
        Ok(outcome) => add(&mut answer, line, outcome, full),
        Err(failure) => drop(answer.insert("error".into(), super::failure(failure)["error"].take())),
    }
    Value::Object(answer)
}

/// The id of what a line made or changed, for those who want nothing else.
#[must_use]
pub fn batch_id(line: &LineResult) -> Option<String> {
    let outcome = line.result.as_ref().ok()?;
    match line.command {
        "comment" | "event" => event_id(outcome),
        "attach" => artifact_id(outcome),
        _ if outcome.resource.is_some() => outcome.resource.as_ref().map(|resource| resource.id.clone()),
        _ => outcome.task.as_ref().map(crate::domain::Task::name),
    }
}

fn event_id(outcome: &Outcome) -> Option<String> {
    outcome.events.last().or(outcome.known.as_ref()).map(|event| event.id.to_string())
}

fn artifact_id(outcome: &Outcome) -> Option<String> {
    outcome.artifact.as_ref().map(|artifact| artifact.id.to_string())
}

/// Commands that are about no task.
fn is_about_no_task(command: &str) -> bool {
    command == "context" || command.starts_with("config ") || command.starts_with("resource ")
}

fn add(answer: &mut Map<String, Value>, line: &LineResult, outcome: &Outcome, full: bool) {
    let command = line.command;
    if let Some(resource) = &outcome.resource {
        answer.insert("resource".into(), json!(resource.name));
    }
    if !is_about_no_task(command) {
        answer.insert("id".into(), json!(outcome.task.as_ref().map(crate::domain::Task::name)));
    }
    match (command, &outcome.task) {
        ("next", Some(task)) => drop(answer.insert("title".into(), json!(task.title))),
        ("comment" | "event", _) => drop(answer.insert(command.into(), json!(event_id(outcome)))),
        ("attach", _) => drop(answer.insert("artifact".into(), json!(artifact_id(outcome)))),
        _ => {}
    }
    if outcome.events.is_empty() {
        answer.insert("unchanged".into(), json!(true));
    }
    if !outcome.warnings.is_empty() {
        answer.insert("warnings".into(), json!(outcome.warnings));
    }
    if full {
        let event = outcome.events.last().or(outcome.known.as_ref());
        let data = match (command, event, &outcome.artifact) {
            _ if line.setting.is_some() => {
                line.setting.as_ref().map_or(Value::Null, |(path, value)| super::config::setting(path, value))
            }
            _ if outcome.resource.is_some() => super::resource_of(outcome),
            ("event" | "archive" | "unarchive", Some(event), _) => event.value(),
            ("attach", _, Some(artifact)) => super::artifact(artifact),
            _ => super::task_of(outcome),
        };
        answer.insert("data".into(), data);
    }
}
