//! From what a caller types to the task that is meant.

use serde_json::json;

use super::code::Code;
use super::failure::Failure;
use crate::domain::id::{ArtifactId, EventId, ResourceId, TaskId, begins_ulid};
use crate::domain::{Artifact, Event, ShortId, Task};
use crate::store::Reader;

/// Candidates that an ambiguous prefix names.
const CANDIDATES: usize = 10;
/// Letters and digits that a prefix needs behind `task_`, so that a slip does not hit a task.
const SHORTEST: usize = 4;

/// The task that a full id, a short id or an unambiguous prefix means, archived or not; else the
/// one that came from another tracker and is called so there.
///
/// # Errors
/// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
pub fn task(reader: &Reader<'_>, text: &str) -> Result<Task, Failure> {
    let text = text.trim();
    let unknown = match by_own_id(reader, text) {
        Err(unknown) if matches!(unknown.code, Code::NotFound | Code::InvalidId) => unknown,
        found => return found,
    };
    match reader.tasks_called(text, CANDIDATES + 1)?.as_slice() {
        [] => Err(unknown),
        [id] => reader.find_task(id)?.ok_or(unknown),
        several => Err(ambiguous(text, several.iter().map(ToString::to_string).collect())),
    }
}

fn by_own_id(reader: &Reader<'_>, text: &str) -> Result<Task, Failure> {
    if let Some(short_id) = ShortId::parse(text) {
        return reader.task_of_short_id(&short_id)?.ok_or_else(|| not_found(&short_id.to_string()));
    }
    let Some(rest) = text.strip_prefix("task_").or_else(|| text.strip_prefix("TASK_")) else {
        return by_prefix(reader, text, text);
    };
    for spelling in [rest.to_owned(), rest.to_ascii_uppercase()] {
        if let Some(id) = TaskId::parse_foreign(&format!("task_{spelling}"))
            && let Some(task) = reader.find_task(&id)?
        {
            return Ok(task);
        }
    }
    if TaskId::parse_foreign(&format!("task_{rest}")).is_some() {
        return Err(not_found(text));
    }
    by_prefix(reader, text, rest)
}

/// The same, for a task that may exist in the log only.
///
/// # Errors
/// As [`task`].
pub fn task_id(reader: &Reader<'_>, text: &str) -> Result<TaskId, Failure> {
    if let Some(id) = TaskId::parse_foreign(text) {
        return Ok(id);
    }
    task(reader, text).map(|task| task.id)
}

fn by_prefix(reader: &Reader<'_>, text: &str, rest: &str) -> Result<Task, Failure> {
    if rest.len() < SHORTEST || rest.len() > 26 || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(invalid(text));
    }
    let mut tasks = reader.tasks_by_prefix(&format!("task_{}", rest.to_ascii_uppercase()), CANDIDATES + 1)?;
    match tasks.len() {
        0 if !begins_ulid(rest) => Err(invalid(text)),
        0 => Err(not_found(text)),
        1 => Ok(tasks.remove(0)),
        _ => Err(ambiguous(text, tasks.iter().map(|task| task.id.to_string()).collect())),
    }
}

/// The artifact that a whole id or an unambiguous beginning of one means.
///
/// # Errors
/// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
pub fn artifact(reader: &Reader<'_>, text: &str) -> Result<Artifact, Failure> {
    let text = text.trim();
    let rest = text.strip_prefix("art_").unwrap_or(text);
    if rest.len() < SHORTEST || rest.len() > 26 || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(no_artifact_id(text));
    }
    if let Some(artifact) = reader.find_artifact(&format!("art_{rest}"))? {
        return Ok(artifact);
    }
    let beginning = format!("art_{}", rest.to_ascii_uppercase());
    let mut found = reader.artifacts_by_prefix(&beginning, CANDIDATES + 1)?;
    match found.len() {
        0 if !begins_ulid(rest) => Err(no_artifact_id(text)),
        0 => Err(Failure::new(Code::NotFound, format!("there is no artifact {text}"))
            .hint("`lattice show TASK` lists a task's artifacts")),
        1 => Ok(found.remove(0)),
        _ => Err(ambiguous(text, found.iter().map(|artifact| artifact.id.to_string()).collect())),
    }
}

/// The event of this id.
///
/// # Errors
/// `INVALID_ID`, `NOT_FOUND`.
pub fn event(reader: &Reader<'_>, text: &str) -> Result<Event, Failure> {
    let hint = "`lattice history TASK`, `lattice comments TASK` and `lattice events` give ids of events";
    let id = EventId::parse_foreign(text.trim())
        .ok_or_else(|| Failure::new(Code::InvalidId, format!("`{text}` is no event id")).hint(hint))?;
    let found = reader.find_event(&id)?;
    found.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no event {id}")).hint(hint))
}

fn ambiguous(text: &str, mut names: Vec<String>) -> Failure {
    let more = if names.len() > CANDIDATES { ", and more" } else { "" };
    names.truncate(CANDIDATES);
    Failure::new(Code::AmbiguousId, format!("`{text}` fits several"))
        .hint(format!("write more of it: {}{more}", names.join(", ")))
        .details(json!({"candidates": names}))
}

fn invalid(text: &str) -> Failure {
    Failure::new(Code::InvalidId, format!("`{text}` is no task id"))
        .hint("use a short id (LAT-12), a whole id (task_…) or at least four characters of one")
}

fn no_artifact_id(text: &str) -> Failure {
    Failure::new(Code::InvalidId, format!("`{text}` is no artifact id"))
        .hint("use a whole id (art_…) or at least four characters of one; `lattice show TASK` lists them")
}

fn not_found(text: &str) -> Failure {
    Failure::new(Code::NotFound, format!("there is no task {text}")).hint("see `lattice list`")
}

/// The name of the resource that this text means: a name, or the id of one. Whether there is one
/// of the name is not asked.
///
/// # Errors
/// `NOT_FOUND` for an id of no resource.
pub fn resource(reader: &Reader<'_>, text: &str) -> Result<String, Failure> {
    if reader.find_resource(text)?.is_some() || ResourceId::parse_foreign(text).is_none() {
        return Ok(text.to_owned());
    }
    reader.resource_of_id(text)?.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("there is no resource {text}"))
            .hint("see `lattice resource list`")
    })
}

/// An id that a caller chose for a new resource. It may not lie far ahead of the clock.
///
/// # Errors
/// `INVALID_ID`.
pub fn chosen_resource_id(text: &str, now_millis: u64) -> Result<ResourceId, Failure> {
    let id = ResourceId::parse(text).ok_or_else(|| chosen("resource", "res_", text))?;
    not_ahead(id.value(), now_millis, text)?;
    Ok(id)
}

/// A short id that somebody wants for a task.
///
/// # Errors
/// `INVALID_ID`.
pub fn wanted_short_id(text: &str) -> Result<ShortId, Failure> {
    ShortId::parse(text.trim()).filter(|short_id| short_id.number > 0).ok_or_else(|| {
        Failure::new(Code::InvalidId, format!("`{text}` is no short id"))
            .hint("write a code and a number, such as LAT-12")
    })
}

/// A comment's id. Text that cannot be one names no comment, as any other unknown id does.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn comment_id(text: &str) -> Result<EventId, Failure> {
    EventId::parse_foreign(text).ok_or_else(|| {
        Failure::new(Code::ValidationError, format!("`{text}` is no comment id"))
            .hint("comment ids begin with ev_; see `lattice comments TASK`")
    })
}

/// An id that a caller chose for a new event. It may not lie far ahead of the clock.
///
/// # Errors
/// `INVALID_ID`.
pub fn chosen_event_id(text: &str, now_millis: u64) -> Result<EventId, Failure> {
    let id = EventId::parse(text).ok_or_else(|| chosen("event", "ev_", text))?;
    not_ahead(id.value(), now_millis, text)?;
    Ok(id)
}

/// An id that a caller chose for a new task. It may not lie far ahead of the clock.
///
/// # Errors
/// `INVALID_ID`.
pub fn chosen_task_id(text: &str, now_millis: u64) -> Result<TaskId, Failure> {
    let id = TaskId::parse(text).ok_or_else(|| chosen("task", "task_", text))?;
    not_ahead(id.value(), now_millis, text)?;
    Ok(id)
}

/// An id that a caller chose for a new artifact. It may not lie far ahead of the clock.
///
/// # Errors
/// `INVALID_ID`.
pub fn chosen_artifact_id(text: &str, now_millis: u64) -> Result<ArtifactId, Failure> {
    let id = ArtifactId::parse(text).ok_or_else(|| chosen("artifact", "art_", text))?;
    not_ahead(id.value(), now_millis, text)?;
    Ok(id)
}

fn chosen(what: &str, prefix: &str, text: &str) -> Failure {
    Failure::new(Code::InvalidId, format!("`{text}` is no {what} id"))
        .hint(format!("write {prefix} and a ULID: 26 characters, the first at most 7"))
}

fn not_ahead(value: Option<u128>, now_millis: u64, text: &str) -> Result<(), Failure> {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let ahead = value.is_some_and(|value| (value >> 80) as u64 > now_millis.saturating_add(DAY));
    if ahead {
        return Err(Failure::new(Code::InvalidId, format!("the time in `{text}` is more than a day ahead"))
            .hint("make the id from the present time"));
    }
    Ok(())
}
