//! The facts that a record of another tracker stands for.
//!
//! What that tracker said before is the fold of the facts that came from there. Against this base a
//! record shows what has changed over there since, and the task what has changed here: a change of
//! one side is taken, a change of both is left to people.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Remark;
use super::words::{NOBODY, Wanted, person};
use crate::domain::comment::Comment;
use crate::domain::event::{Event, EventBody, kind};
use crate::domain::fold::TaskState;
use crate::domain::json::same_or_both_empty;
use crate::domain::{Actor, Config, Task, TaskId, Timestamp};

/// How provenance names the source of a fact.
const TRIGGER: &str = "import:";

/// A fact that is to become an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it says.
    pub body: EventBody,
    /// When, as far as anybody knows.
    pub at: Option<Timestamp>,
    /// Who.
    pub actor: Actor,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// It hangs on nothing that is known here, so it is the same fact wherever it is read.
    pub is_alone: bool,
}

/// What the source said up to now.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// The fold of its facts.
    pub state: TaskState,
    /// Whether content of them was taken away: it must not come back as a change.
    pub is_redacted: bool,
}

/// A field that both sides changed, and that stays as it is here.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its name.
    pub field: String,
    /// What it is here.
    pub here: Value,
    /// What the source says.
    pub there: Value,
}

/// What provenance says of a fact from this source.
#[must_use]
pub fn trigger(source: &str) -> String {
    format!("{TRIGGER}{source}")
}

/// The source that an event came from, if it came from another tracker.
#[must_use]
pub fn source_of(event: &Event) -> Option<String> {
    // Most events say nothing of the kind, and need not be read for that.
    if !event.raw().contains(TRIGGER) {
        return None;
    }
    let value = event.value();
    let text = value.get("provenance")?.get("triggered_by")?.as_str()?;
    text.strip_prefix(TRIGGER).map(str::to_owned)
}

impl Base {
    /// The base of a history, given in canonical order.
    #[must_use]
    pub fn of(history: &[Event], source: &str) -> Self {
        let own: Vec<Event> =
            history.iter().filter(|e| source_of(e).as_deref() == Some(source)).cloned().collect();
        // A tombstone says no more who triggered it.
        let is_redacted = history.iter().any(|event| event.redacted.is_some());
        Self { state: TaskState::fold(&own).0, is_redacted }
    }
}

/// The first fact of a task that is not here yet.
#[must_use]
pub fn creation(id: &TaskId, wanted: &Wanted, config: &Config) -> Fact {
    let mut data = Map::new();
    data.insert("title".into(), json!(wanted.title));
    data.insert("status".into(), json!(config.default_status()));
    data.insert("priority".into(), json!(config.default_priority()));
    data.insert("type".into(), json!("task"));
    for (name, value) in wanted.fields.iter().filter(|(_, value)| !value.is_null()) {
        data.insert((*name).into(), value.clone());
    }
    if let Some(actor) = wanted.assigned_to.as_ref().filter(|actor| !actor.is_null()) {
        data.insert("assigned_to".into(), actor.clone());
    }
    data.insert("custom_fields".into(), Value::Object(wanted.custom.clone()));
    Fact {
        body: EventBody::of_task(id, kind::TASK_CREATED, Value::Object(data)),
        at: wanted.created,
        actor: wanted.author.clone(),
        reason: None,
        is_alone: true,
    }
}

/// What a record says beyond the base, in order of time, and what cannot be taken because it was
/// changed here too.
#[must_use]
pub fn difference(id: &TaskId, base: &Base, here: &TaskState, wanted: &Wanted) -> (Vec<Fact>, Vec<Kept>) {
    let (Some(before), Some(now)) = (&base.state.task, &here.task) else { return (Vec::new(), Vec::new()) };
    let mut changes = Changes { id, facts: Vec::new(), kept: Vec::new() };
    if !base.is_redacted {
        changes.fields(before, now, wanted);
        changes.status(before, now, wanted);
        changes.texts(base, here, wanted);
        changes.archive(before, now, wanted);
    }
    changes.links(before, now, wanted, base.is_redacted);
    changes.comments(base, here, wanted);
    let Changes { mut facts, kept, .. } = changes;
    facts.sort_by_key(|fact| (fact.at.is_none(), fact.at));
    (facts, kept)
}

struct Changes<'a> {
    id: &'a TaskId,
    facts: Vec<Fact>,
    kept: Vec<Kept>,
}

impl Changes<'_> {
    fn push(&mut self, kind: &str, data: Value, at: Option<Timestamp>) -> &mut Fact {
        let body = EventBody::of_task(self.id, kind, data);
        let actor = Actor::Plain(NOBODY.to_owned());
        self.facts.push(Fact { body, at, actor, reason: None, is_alone: false });
        let last = self.facts.len() - 1;
        &mut self.facts[last]
    }

    /// Whether a value is to be taken.
    fn takes(&mut self, field: &str, base: &Value, here: &Value, there: &Value) -> bool {
        if same_or_both_empty(base, there) || same_or_both_empty(here, there) {
            return false;
        }
        if same_or_both_empty(base, here) {
            return true;
        }
        self.kept.push(Kept { field: field.to_owned(), here: here.clone(), there: there.clone() });
        false
    }

    fn fields(&mut self, before: &Task, now: &Task, wanted: &Wanted) {
        let (before, now) = (before.snapshot(), now.snapshot());
        let of = |map: &Map<String, Value>, name: &str| map.get(name).cloned().unwrap_or_default();
        let title = json!(wanted.title);
        let said = wanted.fields.iter().map(|(name, value)| (*name, value)).chain([("title", &title)]);
        for (name, there) in said {
            let here = of(&now, name);
            if self.takes(name, &of(&before, name), &here, there) {
                let data = json!({"field": name, "from": here, "to": there});
                self.push(kind::FIELD_UPDATED, data, wanted.updated);
            }
        }
        let custom = |map: &Map<String, Value>, name: &str| {
            map.get("custom_fields").and_then(|fields| fields.get(name)).cloned().unwrap_or_default()
        };
        for (name, there) in &wanted.custom {
            let field = format!("custom_fields.{name}");
            let here = custom(&now, name);
            if self.takes(&field, &custom(&before, name), &here, there) {
                let data = json!({"field": field, "from": here, "to": there});
                self.push(kind::FIELD_UPDATED, data, wanted.updated);
            }
        }
        if let Some(there) = &wanted.assigned_to {
            let here = of(&now, "assigned_to");
            if self.takes("assigned_to", &of(&before, "assigned_to"), &here, there) {
                self.push(kind::ASSIGNMENT_CHANGED, json!({"from": here, "to": there}), wanted.updated);
            }
        }
    }

    fn status(&mut self, before: &Task, now: &Task, wanted: &Wanted) {
        if self.takes("status", &json!(before.status), &json!(now.status), &json!(wanted.status)) {
            let data = json!({"from": now.status, "to": wanted.status});
            let reason = wanted.reason.clone();
            self.push(kind::STATUS_CHANGED, data, wanted.moved).reason = reason;
        }
    }

    fn texts(&mut self, base: &Base, here: &TaskState, wanted: &Wanted) {
        for (name, kind, before, now, there) in [
            ("plan", kind::PLAN_UPDATED, &base.state.plan, &here.plan, &wanted.plan),
            ("notes", kind::NOTES_UPDATED, &base.state.notes, &here.notes, &wanted.notes),
        ] {
            let Some(there) = there else { continue };
            let there = format!("{}\n", there.trim_end());
            let body = |text: &Option<crate::domain::fold::Text>| json!(text.as_ref().map(|t| &t.body));
            if self.takes(name, &body(before), &body(now), &json!(there)) {
                self.push(kind, json!({"body": there}), wanted.updated);
            }
        }
    }

    fn archive(&mut self, before: &Task, now: &Task, wanted: &Wanted) {
        if self.takes("archived", &json!(before.archived), &json!(now.archived), &json!(wanted.archived)) {
            let kind = if wanted.archived { kind::TASK_ARCHIVED } else { kind::TASK_UNARCHIVED };
            self.push(kind, json!({}), wanted.updated);
        }
    }

    fn links(&mut self, before: &Task, now: &Task, wanted: &Wanted, is_redacted: bool) {
        let has = |task: &Task, kind: &str, target: &str| {
            task.relationships_out.iter().any(|r| r.kind == kind && r.target_task_id == target)
        };
        let Some(links) = &wanted.links else { return };
        for (link, target) in links {
            if has(before, link.kind, target.as_str()) || has(now, link.kind, target.as_str()) {
                continue;
            }
            let mut data = json!({"type": link.kind, "target_task_id": target.as_str()});
            if let Some(note) = &link.note {
                data["note"] = json!(note);
            }
            let author = link.author.as_deref().and_then(person);
            let fact = self.push(kind::RELATIONSHIP_ADDED, data, link.at.or(wanted.created));
            fact.is_alone = true;
            fact.actor = author.unwrap_or_else(|| fact.actor.clone());
        }
        if is_redacted {
            return;
        }
        for old in &before.relationships_out {
            let is_wanted = links
                .iter()
                .any(|(link, target)| link.kind == old.kind && target.as_str() == old.target_task_id);
            if !is_wanted && has(now, &old.kind, &old.target_task_id) {
                let data = json!({"type": old.kind, "target_task_id": old.target_task_id});
                self.push(kind::RELATIONSHIP_REMOVED, data, wanted.updated);
            }
        }
    }

    fn comments(&mut self, base: &Base, here: &TaskState, wanted: &Wanted) {
        let mut known: BTreeMap<&str, &Comment> =
            base.state.comments.iter().map(|(id, comment)| (id.as_str(), comment)).collect();
        let author = |remark: &Remark| {
            remark.author.as_deref().and_then(person).unwrap_or_else(|| Actor::Plain(NOBODY.to_owned()))
        };
        let is_of = |comment: &Comment, remark: &Remark| {
            comment.author.is(&author(remark))
                && remark.at.is_none_or(|at| at.to_string() == comment.created_at)
        };
        // Those that are the same find each other before those that were edited do.
        let mut rest: Vec<&Remark> = Vec::new();
        for remark in &wanted.comments {
            let same = |comment: &Comment| comment.body == remark.body && comment.author.is(&author(remark));
            let found = known
                .iter()
                .find(|(_, comment)| same(comment) && is_of(comment, remark))
                .or_else(|| known.iter().find(|(_, comment)| same(comment)));
            match found.map(|(id, _)| *id) {
                Some(id) => drop(known.remove(id)),
                None => rest.push(remark),
            }
        }
        for remark in rest {
            let edited = known.iter().find(|(_, comment)| is_of(comment, remark)).map(|(id, _)| *id);
            let Some(id) = edited.filter(|_| remark.at.is_some()) else {
                // Without a time it would be another fact than the one that may be taken away.
                if base.is_redacted && remark.at.or(wanted.created).is_none() {
                    continue;
                }
                let fact = self.push(kind::COMMENT_ADDED, json!({"body": remark.body}), remark.at);
                fact.is_alone = true;
                fact.actor = author(remark);
                fact.at = remark.at.or(wanted.created);
                continue;
            };
            let before = known.remove(id).map(|comment| json!(comment.body)).unwrap_or_default();
            if base.is_redacted {
                continue;
            }
            let now = here.comments.get(id).filter(|comment| !comment.is_deleted());
            let now = now.map(|comment| json!(comment.body)).unwrap_or_default();
            if self.takes(&format!("comment {id}"), &before, &now, &json!(remark.body)) {
                let data = json!({"comment_id": id, "body": remark.body});
                self.push(kind::COMMENT_EDITED, data, wanted.updated).actor = author(remark);
            }
        }
    }
}
