//! Comments and reactions.

use serde_json::{Value, json};

use crate::domain::command::Author;
use crate::domain::comment::Comment;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::id::EventId;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;

pub(super) fn comment(
    facts: &Facts,
    task: &Task,
    body: &str,
    reply_to: Option<&EventId>,
    role: Option<&str>,
) -> Result<Vec<EventBody>, Rejection> {
    let body = checked_body(body)?;
    check_role(facts, role)?;
    let mut data = json!({"body": body});
    if let Some(parent) = reply_to {
        let known = living(facts, task, parent)?;
        if known.parent_id.is_some() {
            return Err(Rejection::ReplyToReply { comment: parent.to_string() });
        }
        data["parent_id"] = json!(parent.as_str());
    }
    if let Some(role) = role {
        data["role"] = json!(role);
    }
    Ok(vec![EventBody::of_task(&task.id, kind::COMMENT_ADDED, data)])
}

pub(super) fn edit(
    facts: &Facts,
    task: &Task,
    id: &EventId,
    body: &str,
    role: Option<&str>,
) -> Result<Vec<EventBody>, Rejection> {
    let body = checked_body(body)?;
    check_role(facts, role)?;
    let before = living(facts, task, id)?;
    if before.body == body && role.is_none_or(|r| before.role.as_deref() == Some(r)) {
        return Ok(Vec::new());
    }
    let mut data = json!({"comment_id": id.as_str(), "body": body, "previous_body": before.body});
    if let Some(role) = role {
        data["role"] = json!(role);
        data["previous_role"] = before.role.clone().map_or(Value::Null, Value::String);
    }
    Ok(vec![EventBody::of_task(&task.id, kind::COMMENT_EDITED, data)])
}

pub(super) fn delete(facts: &Facts, task: &Task, id: &EventId) -> Result<Vec<EventBody>, Rejection> {
    living(facts, task, id)?;
    Ok(vec![EventBody::of_task(&task.id, kind::COMMENT_DELETED, json!({"comment_id": id.as_str()}))])
}

pub(super) fn react(
    facts: &Facts,
    author: &Author,
    task: &Task,
    id: &EventId,
    emoji: &str,
) -> Result<Vec<EventBody>, Rejection> {
    check_emoji(emoji)?;
    if living(facts, task, id)?.has_reaction(emoji, &author.actor) {
        return Ok(Vec::new());
    }
    Ok(vec![EventBody::of_task(
        &task.id,
        kind::REACTION_ADDED,
        json!({"comment_id": id.as_str(), "emoji": emoji}),
    )])
}

pub(super) fn unreact(
    facts: &Facts,
    author: &Author,
    task: &Task,
    id: &EventId,
    emoji: &str,
) -> Result<Vec<EventBody>, Rejection> {
    check_emoji(emoji)?;
    if !living(facts, task, id)?.has_reaction(emoji, &author.actor) {
        return Err(Rejection::NoSuchReaction { comment: id.to_string(), emoji: emoji.to_owned() });
    }
    Ok(vec![EventBody::of_task(
        &task.id,
        kind::REACTION_REMOVED,
        json!({"comment_id": id.as_str(), "emoji": emoji}),
    )])
}

fn checked_body(body: &str) -> Result<&str, Rejection> {
    let body = body.trim();
    if body.is_empty() { Err(Rejection::Blank { what: "comment" }) } else { Ok(body) }
}

fn living<'a>(facts: &'a Facts, task: &Task, id: &EventId) -> Result<&'a Comment, Rejection> {
    match &facts.comment {
        None => Err(Rejection::NoSuchComment { task: task.name(), comment: id.to_string() }),
        Some(c) if c.is_deleted() => Err(Rejection::CommentDeleted { comment: id.to_string() }),
        Some(c) => Ok(c),
    }
}

/// A role must be one of the configured ones, if there are any.
pub(super) fn check_role(facts: &Facts, role: Option<&str>) -> Result<(), Rejection> {
    let Some(role) = role else { return Ok(()) };
    let allowed = facts.config.roles();
    if role.trim().is_empty() || (!allowed.is_empty() && !allowed.iter().any(|r| r == role)) {
        return Err(Rejection::InvalidRole { got: role.to_owned(), allowed });
    }
    Ok(())
}

fn check_emoji(emoji: &str) -> Result<(), Rejection> {
    let plain = (1..=50).contains(&emoji.len())
        && emoji.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain {
        return Ok(());
    }
    Err(Rejection::Invalid {
        what: "reaction",
        got: emoji.to_owned(),
        rule: "1 to 50 letters, digits, underscores or dashes, such as thumbs_up",
    })
}
