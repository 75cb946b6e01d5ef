//! The fold, rule by rule: what each kind of event does, and what comes in vain.

use serde_json::{Value, json};

use super::{Oddity, TaskState};
use crate::domain::event::{Event, EventBody, Stamp, kind};
use crate::domain::id::{EventId, TaskId, ulid_value};
use crate::domain::{Actor, Task, Timestamp};

const START: i64 = 1_767_225_600;

/// Events of one task, one second apart, in this order.
fn history(events: &[(&str, Value)]) -> Vec<Event> {
    let task = TaskId::from_value(ulid_value(1_767_225_600_000, 9));
    let mut heads = Vec::new();
    let mut made = Vec::new();
    for (place, (kind, data)) in events.iter().enumerate() {
        let at = START + place as i64;
        let id = EventId::from_value(ulid_value(at as u64 * 1000, place as u128));
        let actor = Actor::Plain(format!("agent:{}", place % 2));
        let body = EventBody::of_task(&task, kind, data.clone());
        let event =
            Event::compose(body, id.clone(), Timestamp::from_seconds(at), &actor, &Stamp::default(), heads);
        heads = vec![id];
        made.push(event);
    }
    made
}

fn created() -> (&'static str, Value) {
    (
        kind::TASK_CREATED,
        json!({"title": "T", "status": "backlog", "type": "task", "priority": "medium", "short_id": "LAT-1"}),
    )
}

fn fold(events: &[(&str, Value)]) -> (Task, Vec<(usize, Oddity)>) {
    let (state, oddities) = TaskState::fold(&history(events));
    (state.task.unwrap(), oddities)
}

#[test]
fn folding_at_once_and_one_by_one_give_the_same() {
    let comment = history(&[created(), (kind::COMMENT_ADDED, json!({"body": "a"}))])[1].id.to_string();
    let events = history(&[
        created(),
        (kind::COMMENT_ADDED, json!({"body": "a", "role": "review"})),
        (kind::COMMENT_EDITED, json!({"comment_id": comment, "body": "b"})),
        (kind::STATUS_CHANGED, json!({"from": "backlog", "to": "done"})),
        (kind::PLAN_UPDATED, json!({"body": "plan"})),
        (kind::TASK_ARCHIVED, json!({})),
    ]);
    let mut step_by_step = TaskState::default();
    for event in &events {
        assert_eq!(step_by_step.apply(event), None);
    }
    assert_eq!(TaskState::fold(&events).0, step_by_step);
}

#[test]
fn the_first_creation_counts_wherever_it_stands() {
    let (task, oddities) = fold(&[
        (kind::FIELD_UPDATED, json!({"field": "title", "to": "Later"})),
        created(),
        (kind::TASK_CREATED, json!({"title": "Again", "status": "done"})),
    ]);
    assert_eq!((task.title.as_str(), task.status.as_str()), ("Later", "backlog"));
    assert_eq!(oddities, [(2, Oddity::CreatedAgain)]);
    assert_eq!(task.updated_at, "2026-01-01T00:00:02Z");
}

#[test]
fn without_a_creation_there_is_no_task() {
    let (state, oddities) = TaskState::fold(&history(&[(kind::TASK_ARCHIVED, json!({}))]));
    assert_eq!(state.task, None);
    assert_eq!(oddities, [(0, Oddity::NotCreated)]);
}

#[test]
fn relations_links_and_files_are_there_once() {
    let relation = (kind::RELATIONSHIP_ADDED, json!({"type": "blocks", "target_task_id": "task_X"}));
    let branch = (kind::BRANCH_LINKED, json!({"branch": "b"}));
    let file = (kind::FILE_LINKED, json!({"paths": ["a", "b", "a"]}));
    let artifact = (kind::ARTIFACT_ATTACHED, json!({"artifact_id": "art_1", "role": "review"}));
    let twice = [relation, branch, file, artifact];
    let events: Vec<_> = [created()].into_iter().chain(twice.clone()).chain(twice).collect();
    let (task, oddities) = fold(&events);
    assert_eq!(oddities, []);
    assert_eq!(task.relationships_out.len(), 1);
    assert_eq!(task.branch_links.len(), 1);
    assert_eq!(task.linked_files, ["a", "b"]);
    assert_eq!(task.evidence_refs.len(), 1);
    let removal = (kind::RELATIONSHIP_REMOVED, json!({"type": "blocks", "target_task_id": "task_X"}));
    let (task, oddities) = fold(&[created(), removal]);
    assert_eq!((task.relationships_out.len(), oddities.len()), (0, 0));
}

#[test]
fn a_comment_deleted_twice_counts_once() {
    let events = history(&[created(), (kind::COMMENT_ADDED, json!({"body": "a"}))]);
    let id = events[1].id.as_str();
    let (task, oddities) = fold(&[
        created(),
        (kind::COMMENT_ADDED, json!({"body": "a", "role": "review"})),
        (kind::COMMENT_ADDED, json!({"body": "b"})),
        (kind::COMMENT_DELETED, json!({"comment_id": id})),
        (kind::COMMENT_DELETED, json!({"comment_id": id})),
        (kind::COMMENT_EDITED, json!({"comment_id": id, "body": "c"})),
    ]);
    assert_eq!(task.comment_count, 1);
    assert_eq!(task.evidence_refs, []);
    assert_eq!(oddities, [(4, Oddity::NoSuchComment), (5, Oddity::NoSuchComment)]);
}

#[test]
fn an_edit_points_the_evidence_anew_only_if_it_names_a_role() {
    let id = history(&[created(), created()])[1].id.to_string();
    let begin = [created(), (kind::COMMENT_ADDED, json!({"body": "a", "role": "review"}))];
    let edited = |data: Value| {
        let events: Vec<_> = begin.iter().cloned().chain([(kind::COMMENT_EDITED, data)]).collect();
        fold(&events).0.evidence_refs.first().and_then(|e| e.role.clone())
    };
    assert_eq!(edited(json!({"comment_id": id, "body": "b"})).as_deref(), Some("review"));
    assert_eq!(edited(json!({"comment_id": id, "body": "b", "role": "plan"})).as_deref(), Some("plan"));
    assert_eq!(edited(json!({"comment_id": id, "body": "b", "role": null})), None);
}

#[test]
fn reactions_are_by_actor_and_idempotent() {
    let id = history(&[created(), created()])[1].id.to_string();
    let react = (kind::REACTION_ADDED, json!({"comment_id": id, "emoji": "ok"}));
    let events =
        [created(), (kind::COMMENT_ADDED, json!({"body": "a"})), react.clone(), react.clone(), react];
    let (state, _) = TaskState::fold(&history(&events));
    let names: Vec<_> = state.comments[&id].reactions["ok"].iter().map(Actor::display).collect();
    assert_eq!(names, ["agent:0", "agent:1"]);
}

#[test]
fn done_at_lasts_as_long_as_done() {
    let done = (kind::STATUS_CHANGED, json!({"from": "backlog", "to": "done"}));
    let (task, _) = fold(&[created(), done.clone()]);
    assert_eq!(task.done_at.as_deref(), Some("2026-01-01T00:00:01Z"));
    let (task, _) = fold(&[created(), done, (kind::STATUS_CHANGED, json!({"from": "done", "to": "review"}))]);
    assert_eq!((task.done_at, task.reopened_count), (None, 1));
}

#[test]
fn reopened_ranks_by_the_built_in_order() {
    let moved = |from: &str, to: &str| {
        fold(&[created(), (kind::STATUS_CHANGED, json!({"from": from, "to": to}))]).0.reopened_count
    };
    assert_eq!(moved("review", "in_progress"), 1);
    assert_eq!(moved("blocked", "in_progress"), 1);
    assert_eq!(moved("planned", "review"), 0);
    assert_eq!(moved("in_validation", "backlog"), 0);
}

#[test]
fn fields_are_set_verbatim_unless_protected_or_of_the_wrong_type() {
    let (task, oddities) = fold(&[
        created(),
        (kind::FIELD_UPDATED, json!({"field": "custom_fields.estimate", "to": 3})),
        (kind::FIELD_UPDATED, json!({"field": "mood", "to": ["odd"]})),
        (kind::FIELD_UPDATED, json!({"field": "priority", "to": null})),
        (kind::FIELD_UPDATED, json!({"field": "title", "to": 5})),
        (kind::FIELD_UPDATED, json!({"field": "status", "to": "done"})),
        (kind::FIELD_UPDATED, json!({})),
    ]);
    assert_eq!(task.custom_fields["estimate"], 3);
    assert_eq!(task.snapshot()["mood"], json!(["odd"]));
    assert_eq!((task.priority, task.title.as_str(), task.status.as_str()), (None, "T", "backlog"));
    let vain = [(4, Oddity::IllTyped("to")), (5, Oddity::ProtectedField), (6, Oddity::IllTyped("field"))];
    assert_eq!(oddities, vain);
}

#[test]
fn newer_vocabulary_has_its_meaning() {
    let flagged = (kind::NEEDS_HUMAN_FLAGGED, json!({"reason": "which key?"}));
    let (task, oddities) = fold(&[
        created(),
        flagged.clone(),
        ("surface_bound", json!({"surface": "s"})),
        ("brand_new", json!({})),
    ]);
    assert!(task.asks_for_human());
    assert_eq!(task.status, "backlog");
    assert_eq!(task.snapshot()["needs_human"]["reason"], "which key?");
    assert_eq!(oddities, [(3, Oddity::UnknownType)]);
    let (task, _) = fold(&[created(), flagged, (kind::NEEDS_HUMAN_CLEARED, json!({"note": "k"}))]);
    assert!(!task.asks_for_human());
}

#[test]
fn the_latest_short_id_is_claimed() {
    let (task, _) = fold(&[created(), (kind::SHORT_ID_ASSIGNED, json!({"short_id": "LAT-7"}))]);
    let claim = task.claim.unwrap();
    assert_eq!(claim.short_id.to_string(), "LAT-7");
    assert_eq!(task.last_key, claim.key);
}

#[test]
fn archiving_is_the_later_of_both() {
    let archived = (kind::TASK_ARCHIVED, json!({}));
    assert!(fold(&[created(), archived.clone()]).0.archived);
    let (task, _) = fold(&[created(), archived, (kind::TASK_UNARCHIVED, json!({}))]);
    assert_eq!((task.archived, task.archived_at), (false, None));
}
