//! Archiving, and events of the callers' own types.

use serde_json::{Map, Value, json};

use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::id::EventId;
use crate::domain::rejection::Rejection;
use crate::domain::short_id::ShortId;
use crate::domain::task::Task;

pub(super) fn archive(task: &Task) -> Result<Vec<EventBody>, Rejection> {
    if task.archived {
        return Err(Rejection::AlreadyArchived { task: task.name() });
    }
    Ok(vec![EventBody::of_task(&task.id, kind::TASK_ARCHIVED, json!({}))])
}

pub(super) fn unarchive(task: &Task) -> Result<Vec<EventBody>, Rejection> {
    if !task.archived {
        return Err(Rejection::NotArchived { task: task.name() });
    }
    Ok(vec![EventBody::of_task(&task.id, kind::TASK_UNARCHIVED, json!({}))])
}

/// The next free short id, for a task that never had one.
pub(super) fn name(facts: &Facts, task: &Task) -> Result<Vec<EventBody>, Rejection> {
    if task.short_id.is_some() {
        return Ok(Vec::new());
    }
    let short_id = facts.next_short_id.as_ref().ok_or(Rejection::NoProjectCode { purpose: "short ids" })?;
    let data = json!({"short_id": short_id.to_string()});
    Ok(vec![EventBody::of_task(&task.id, kind::SHORT_ID_ASSIGNED, data)])
}

/// Claims the short id that the task shows, or another that is free. A task that lost a contested
/// number shows a derived one; a claim of its own keeps it.
pub(super) fn renumber(
    facts: &Facts,
    task: &Task,
    to: Option<&ShortId>,
) -> Result<Vec<EventBody>, Rejection> {
    let none = Rejection::NoProjectCode { purpose: "short ids" };
    let wanted = to.or(task.short_id.as_ref()).or(facts.next_short_id.as_ref()).ok_or(none)?;
    if task.claim.as_ref().is_some_and(|claim| claim.short_id == *wanted)
        && task.short_id.as_ref() == Some(wanted)
    {
        return Ok(Vec::new());
    }
    if facts.is_short_id_taken {
        return Err(Rejection::ShortIdTaken { short_id: wanted.to_string() });
    }
    let data = json!({"short_id": wanted.to_string()});
    Ok(vec![EventBody::of_task(&task.id, kind::SHORT_ID_ASSIGNED, data)])
}

/// One event of the caller's type; none if the same was written under the chosen id before.
pub(super) fn custom(
    facts: &Facts,
    task: &Task,
    of: &str,
    data: &Map<String, Value>,
    id: Option<&EventId>,
) -> Result<Vec<EventBody>, Rejection> {
    if !of.starts_with("x_")
        || of.len() < 3
        || of.contains(char::is_whitespace)
        || kind::BUILT_IN.contains(&of)
    {
        return Err(Rejection::Invalid {
            what: "event type",
            got: of.to_owned(),
            rule: "own types begin with x_ and hold no spaces, such as x_deployed",
        });
    }
    if let (Some(id), Some(before)) = (id, &facts.same_id) {
        let same = before.task() == Some(&task.id) && before.kind == of && before.data == *data;
        return if same { Ok(Vec::new()) } else { Err(Rejection::ContentDiffers { id: id.to_string() }) };
    }
    let mut body = EventBody::of_task(&task.id, of, Value::Object(data.clone()));
    body.id = id.cloned();
    Ok(vec![body])
}
