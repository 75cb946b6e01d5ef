//! What events of comments and reactions do.

use std::collections::BTreeMap;

use super::Oddity;
use crate::domain::comment::{Comment, Edit};
use crate::domain::event::Event;
use crate::domain::task::{Evidence, Task};

pub(super) fn comment_added(
    task: &mut Task,
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
) -> Option<Oddity> {
    let Some(body) = event.text("body") else { return Some(Oddity::IllTyped("body")) };
    let role = event.text("role").map(str::to_owned);
    task.comment_count += 1;
    if role.is_some() {
        set_evidence(task, event.id.as_str(), role.as_deref());
    }
    comments.insert(
        event.id.to_string(),
        Comment {
            id: event.id.to_string(),
            body: body.to_owned(),
            role,
            author: event.actor.clone(),
            created_at: event.ts.clone(),
            parent_id: event.text("parent_id").map(str::to_owned),
            edit_history: Vec::new(),
            edited_at: None,
            deleted_at: None,
            deleted_by: None,
            reactions: BTreeMap::new(),
        },
    );
    None
}

/// The comment that an event is about, while it is there and not deleted.
fn living<'a>(comments: &'a mut BTreeMap<String, Comment>, event: &Event) -> Option<&'a mut Comment> {
    comments.get_mut(event.text("comment_id")?).filter(|c| !c.is_deleted())
}

pub(super) fn comment_edited(
    task: &mut Task,
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    let Some(body) = event.text("body") else { return Some(Oddity::IllTyped("body")) };
    let before = std::mem::replace(&mut comment.body, body.to_owned());
    comment.edit_history.push(Edit {
        body: before,
        edited_at: event.ts.clone(),
        edited_by: event.actor.clone(),
    });
    comment.edited_at = Some(event.ts.clone());
    if let Some(role) = event.data.get("role") {
        comment.role = role.as_str().map(str::to_owned);
        let id = comment.id.clone();
        set_evidence(task, &id, role.as_str());
    }
    None
}

pub(super) fn comment_deleted(
    task: &mut Task,
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    comment.deleted_at = Some(event.ts.clone());
    comment.deleted_by = Some(event.actor.clone());
    task.comment_count = task.comment_count.saturating_sub(1);
    task.evidence_refs.retain(|e| e.id != comment.id);
    None
}

/// Points the evidence of a comment at a role; without a role it is evidence of nothing.
fn set_evidence(task: &mut Task, id: &str, role: Option<&str>) {
    let place = task.evidence_refs.iter().position(|e| e.id == id);
    match (place, role) {
        (Some(place), Some(role)) => task.evidence_refs[place].role = Some(role.to_owned()),
        (Some(place), None) => drop(task.evidence_refs.remove(place)),
        (None, Some(role)) => task.evidence_refs.push(Evidence {
            id: id.to_owned(),
            role: Some(role.to_owned()),
            source_type: "comment".to_owned(),
        }),
        (None, None) => {}
    }
}

pub(super) fn reaction(
    comments: &mut BTreeMap<String, Comment>,
    event: &Event,
    added: bool,
) -> Option<Oddity> {
    let Some(comment) = living(comments, event) else { return Some(Oddity::NoSuchComment) };
    let Some(emoji) = event.text("emoji") else { return Some(Oddity::IllTyped("emoji")) };
    if added {
        if !comment.has_reaction(emoji, &event.actor) {
            comment.reactions.entry(emoji.to_owned()).or_default().push(event.actor.clone());
        }
    } else if let Some(who) = comment.reactions.get_mut(emoji) {
        who.retain(|a| !a.is(&event.actor));
        if who.is_empty() {
            comment.reactions.remove(emoji);
        }
    }
    None
}
