//! Events as lines for people.

use serde_json::Value;

use super::text::{printable, printable_lines};
use crate::domain::event::{Event, kind};
use crate::domain::json;

/// What tasks are called, by id.
pub type Names<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// A history, latest event first; with `full` each with its whole data below.
pub fn newest_first(events: &[Event], names: Names<'_>, full: bool) -> Vec<String> {
    let mut lines = Vec::with_capacity(events.len());
    for event in events.iter().rev() {
        lines.push(printable(&line(event, None, names)));
        lines.extend(provenance(event).map(|text| format!("  {}", printable(&text))));
        if full {
            let data = json::document(&Value::Object(event.data.clone()));
            lines.extend(printable_lines(&data).lines().map(|line| format!("  {line}")));
        }
    }
    lines
}

/// One event in one line, with the name of its task or resource where several are shown. Not yet
/// printable.
pub fn line(event: &Event, subject: Option<&str>, names: Names<'_>) -> String {
    let summary = summary(event, names);
    let parts = [&event.ts, subject.unwrap_or_default(), &event.kind, event.actor.display(), &summary];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// Why it was written, if that was said.
fn provenance(event: &Event) -> Option<String> {
    let value = event.value();
    let said = value.get("provenance")?.as_object()?;
    let part = |key: &str, word: &str| Some(format!("{word} {}", said.get(key)?.as_str()?));
    let parts: Vec<String> = [
        part("triggered_by", "triggered by"),
        part("on_behalf_of", "on behalf of"),
        part("reason", "because:"),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The letters of a comment that fit into a line.
const EXCERPT: usize = 100;

/// What the event did, in a few words.
fn summary(event: &Event, names: Names<'_>) -> String {
    let text = |key| event.text(key).unwrap_or_default();
    match event.kind.as_str() {
        kind::TASK_CREATED => format!("\"{}\"", text("title")),
        kind::STATUS_CHANGED | kind::ASSIGNMENT_CHANGED => {
            let forced = if event.data.get("force") == Some(&Value::Bool(true)) { " (forced)" } else { "" };
            format!("{} -> {}{forced}", value(event, "from"), value(event, "to"))
        }
        kind::FIELD_UPDATED => {
            format!("{}: {} -> {}", text("field"), value(event, "from"), value(event, "to"))
        }
        kind::COMMENT_ADDED | kind::COMMENT_EDITED => excerpt(text("body")),
        kind::EVENT_REDACTED => format!("{}: {}", text("event_id"), excerpt(text("reason"))),
        kind::CONFLICT_SETTLED => {
            let what = event.data.get("what").and_then(Value::as_array);
            let names = what.into_iter().flatten().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
        kind::COMMENT_DELETED => text("comment_id").to_owned(),
        kind::REACTION_ADDED | kind::REACTION_REMOVED => {
            format!(":{}: {}", text("emoji"), text("comment_id"))
        }
        kind::RELATIONSHIP_ADDED | kind::RELATIONSHIP_REMOVED => {
            let target = text("target_task_id");
            format!("{} {}", text("type"), names(target).unwrap_or(target))
        }
        kind::ARTIFACT_ATTACHED => text("artifact_id").to_owned(),
        kind::BRANCH_LINKED | kind::BRANCH_UNLINKED => text("branch").to_owned(),
        kind::SHORT_ID_ASSIGNED => text("short_id").to_owned(),
        kind::NEEDS_HUMAN_FLAGGED => excerpt(text("reason")),
        kind::NEEDS_HUMAN_CLEARED => excerpt(text("note")),
        kind::CONFIG_CHANGED => text("path").to_owned(),
        kind::RESOURCE_CREATED => excerpt(text("description")),
        kind::RESOURCE_ACQUIRED
        | kind::RESOURCE_RELEASED
        | kind::RESOURCE_HEARTBEAT
        | kind::RESOURCE_EXPIRED => value(event, "holder"),
        kind::PLAN_UPDATED | kind::NOTES_UPDATED | kind::CONTEXT_UPDATED => {
            format!("{} characters", text("body").chars().count())
        }
        _ if event.data.is_empty() => String::new(),
        _ => excerpt(&crate::view::cell(&Value::Object(event.data.clone()))),
    }
}

/// A value of the data in a few words; actors by name.
fn value(event: &Event, key: &str) -> String {
    match event.data.get(key) {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => excerpt(text),
        Some(value) => excerpt(&crate::view::cell(value)),
    }
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
