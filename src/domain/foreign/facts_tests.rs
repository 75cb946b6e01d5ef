//! What a second look at a record takes, and what it leaves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::facts::trigger;
use super::{Base, Fact, Kept, Record, Remark, Wanted, Words, creation, difference};
use crate::domain::config::default_config;
use crate::domain::event::{Event, EventBody, Stamp, kind};
use crate::domain::fold::TaskState;
use crate::domain::{Actor, Config, EventId, TaskId, Timestamp, event};

const ID: u128 = 7;

fn wanted(record: &Record) -> Wanted {
    let config = Config::new(default_config());
    let words = Words { source: "beads", config: &config, statuses: &BTreeMap::new() };
    words.wanted(record, None, &mut Vec::new())
}

fn told(history: &mut Vec<Event>, facts: Vec<Fact>, source: Option<&str>) {
    for fact in facts {
        let mut stamp = Stamp::default();
        if let Some(source) = source {
            stamp.provenance.insert("triggered_by".into(), json!(trigger(source)));
        }
        let id = EventId::from_value(history.len() as u128 + 1);
        let at = fact.at.unwrap_or(Timestamp::from_seconds(0));
        let parents = event::heads(history.as_slice());
        history.push(Event::compose(fact.body, id, at, &fact.actor, &stamp, parents));
    }
}

fn again(history: &[Event], record: &Record) -> (Vec<Fact>, Vec<Kept>) {
    let here = TaskState::fold(history).0;
    difference(&TaskId::from_value(ID), &Base::of(history, "beads"), &here, &wanted(record))
}

fn first(record: &Record) -> Vec<Event> {
    let mut history = Vec::new();
    let made = creation(&TaskId::from_value(ID), &wanted(record), &Config::new(default_config()));
    told(&mut history, vec![made], Some("beads"));
    let (facts, _) = again(&history, record);
    told(&mut history, facts, Some("beads"));
    history
}

fn record() -> Record {
    let remark = |body: &str, at| Remark {
        author: Some("bo".into()),
        at: Some(Timestamp::from_seconds(at)),
        body: body.into(),
    };
    Record {
        id: "bd-1".into(),
        title: "One".into(),
        description: Some("Why.".into()),
        status: Some("closed".into()),
        assignee: Some("ada".into()),
        tags: Some(vec!["x".into()]),
        plan: Some("Do it.".into()),
        comments: vec![remark("a", 10), remark("b", 20)],
        ..Record::default()
    }
}

fn kinds(facts: &[Fact]) -> Vec<&str> {
    facts.iter().map(|fact| fact.body.kind.as_str()).collect()
}

#[test]
fn the_same_record_says_nothing_new() {
    let history = first(&record());
    assert_eq!(again(&history, &record()), (vec![], vec![]));
    let task = TaskState::fold(&history).0.task.unwrap();
    assert_eq!((task.status.as_str(), task.comment_count), ("done", 2));
}

#[test]
fn what_changed_there_alone_is_taken() {
    let history = first(&record());
    let mut changed = record();
    changed.title = "Uno".into();
    changed.description = Some(String::new());
    changed.status = Some("open".into());
    changed.assignee = Some(String::new());
    changed.comments[1].body = "b, edited".into();
    changed.comments.push(Remark { body: "c".into(), ..Remark::default() });
    let (facts, kept) = again(&history, &changed);
    let mut found = kinds(&facts);
    found.sort_unstable();
    let expected = [
        "assignment_changed",
        "comment_added",
        "comment_edited",
        "field_updated",
        "field_updated",
        "status_changed",
    ];
    assert_eq!((found, kept), (expected.to_vec(), vec![]));
    let mut history = history;
    told(&mut history, facts, Some("beads"));
    assert_eq!(again(&history, &changed), (vec![], vec![]));
    // A tracker that says nothing of a field has not emptied it.
    changed.description = None;
    changed.assignee = None;
    changed.tags = None;
    assert_eq!(again(&history, &changed), (vec![], vec![]));
}

#[test]
fn what_changed_here_stays_and_is_told_if_it_changed_there_too() {
    let mut history = first(&record());
    let change = |kind: &str, data: Value| Fact {
        body: EventBody::of_task(&TaskId::from_value(ID), kind, data),
        at: None,
        actor: Actor::Plain("human:me".into()),
        reason: None,
        is_alone: false,
    };
    let mine = vec![
        change(kind::FIELD_UPDATED, json!({"field": "title", "from": "One", "to": "Mine"})),
        change(kind::STATUS_CHANGED, json!({"from": "done", "to": "backlog"})),
    ];
    told(&mut history, mine, None);
    assert_eq!(again(&history, &record()), (vec![], vec![]), "nothing changed there");
    let changed = Record { title: "Theirs".into(), ..record() };
    let (facts, kept) = again(&history, &changed);
    assert_eq!(kinds(&facts), Vec::<&str>::new());
    assert_eq!(kept, [Kept { field: "title".into(), here: json!("Mine"), there: json!("Theirs") }]);
    let same = Record { title: "Mine".into(), ..record() };
    assert_eq!(again(&history, &same), (vec![], vec![]), "both agree");
}
