//! The checker itself: histories made by hand that one order explains, and such that none does.

use lattice::domain::command::{NewResource, NewTask};
use lattice::domain::config::default_config;
use lattice::domain::{Command, Config, ResourceId, TaskId, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, PLAN};
use crate::choice;
use crate::model::{Object, Op, Part};
use crate::search::in_one_order;

/// A history in the making: what was done one after the other first, then what is in question.
#[derive(Clone)]
struct History {
    ops: Vec<Op>,
    end: Option<Vec<Value>>,
}

impl History {
    /// A task that was made and planned by time 20.
    fn planned() -> Self {
        let task = NewTask { title: "a title".into(), ..NewTask::default() };
        let create = Command::Create { id: id(), chosen: true, task };
        let plan = Command::SetPlan { task: id(), body: PLAN.1.into(), base: None };
        Self { ops: Vec::new(), end: None }
            .call("agent:a", 1..10, Part::Change(create), data(task_with(json!({}))))
            .call("agent:a", 11..20, Part::Change(plan), data(json!({"archived": false, "content": PLAN.1})))
    }

    fn call(mut self, actor: &str, time: std::ops::Range<u64>, part: Part, answer: Answer) -> Self {
        let (call, actor) = (self.ops.len(), actor.to_owned());
        self.ops.push(Op { call, actor, invoked: time.start, returned: time.end, part, answer });
        self
    }

    /// What the file says in the end.
    fn ends(mut self, events: Value) -> Self {
        self.end = events.as_array().cloned();
        self
    }

    fn fits(mut self) -> bool {
        self.ops.sort_by_key(|op| op.invoked);
        let (config, now) = (Config::new(default_config()), Timestamp::from_seconds(0));
        in_one_order(&Object { config, now, end: self.end }, &self.ops).is_ok()
    }
}

fn id() -> TaskId {
    choice::task(1)
}

fn data(value: Value) -> Answer {
    Answer::Data(value)
}

fn refused(code: &str) -> Answer {
    Answer::Refused(json!({"code": code}))
}

/// The task's snapshot where these members are others than at first.
fn task_with(members: Value) -> Value {
    let time = "2026-01-01T00:00:00Z";
    let mut task = json!({
        "schema_version": 1, "id": id().as_str(), "title": "a title", "status": "backlog",
        "priority": "medium", "urgency": null, "complexity": null, "type": "task", "description": null,
        "tags": null, "assigned_to": null, "created_by": "agent:a", "created_at": time,
        "updated_at": time, "done_at": null, "last_status_changed_at": time, "relationships_out": [],
        "evidence_refs": [], "branch_links": [], "comment_count": 0, "reopened_count": 0,
        "custom_fields": {}, "last_event_id": "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV", "short_id": "LAT-1",
    });
    task.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    task
}

fn event(actor: &str, kind: &str, data: Value) -> Value {
    json!({"actor": actor, "type": kind, "data": data})
}

/// The events of [`History::planned`], and these behind them.
fn events(more: &[Value]) -> Value {
    let made = json!({"title": "a title", "status": "backlog", "priority": "medium", "type": "task"});
    let first = [event("agent:a", "task_created", made), event("agent:a", "plan_updated", json!({}))];
    first.iter().chain(more).cloned().collect()
}

/// An answer to `show`.
fn shown(members: Value, more: &[Value], transitions: &[&str]) -> Answer {
    let mut task = task_with(members);
    task["events"] = events(more);
    task["valid_transitions"] = json!(transitions);
    data(task)
}

fn shown_as_planned() -> Answer {
    shown(json!({}), &[], &FROM_BACKLOG)
}

const FROM_BACKLOG: [&str; 4] = ["in_planning", "planned", "cancelled", "needs_human"];
const FROM_WORK: [&str; 4] = ["review", "blocked", "needs_human", "cancelled"];

fn comment(body: &str) -> Part {
    Part::Change(Command::Comment { task: id(), body: body.into(), reply_to: None, role: None })
}

fn commented(count: u64) -> Answer {
    data(task_with(json!({"comment_count": count})))
}

fn said(actor: &str, body: &str) -> Value {
    event(actor, "comment_added", json!({"body": body}))
}

fn status(to: &str) -> Part {
    Part::Change(Command::Status { task: id(), to: to.into(), force: false })
}

fn at_work(actor: &str) -> Value {
    json!({"assigned_to": actor, "status": "in_progress"})
}

/// The events of a claim.
fn claim(actor: &str) -> [Value; 3] {
    [
        event(actor, "assignment_changed", json!({"from": null, "to": actor})),
        event(actor, "status_changed", json!({"from": "backlog", "to": "planned"})),
        event(actor, "status_changed", json!({"from": "planned", "to": "in_progress"})),
    ]
}

#[test]
fn a_lost_update_is_found() {
    let both = |second| {
        History::planned().call("agent:a", 30..50, comment("one"), commented(1)).call(
            "agent:b",
            31..51,
            comment("two"),
            commented(second),
        )
    };
    assert!(both(2).fits());
    assert!(!both(1).fits(), "both say that theirs is the first");
    assert!(both(2).ends(events(&[said("agent:a", "one"), said("agent:b", "two")])).fits());
    assert!(!both(2).ends(events(&[said("agent:b", "two"), said("agent:a", "one")])).fits());
    assert!(!both(2).ends(events(&[said("agent:a", "one")])).fits(), "an acknowledged one is gone");
    let twice = [said("agent:a", "one"), said("agent:b", "two"), said("agent:b", "two")];
    assert!(!both(2).ends(events(&twice)).fits(), "one is there twice");
}

#[test]
fn a_task_that_two_claimed_is_found() {
    let first = History::planned().call("agent:a", 30..50, Part::Took, data(task_with(at_work("agent:a"))));
    let took = |time, actor: &str| {
        first.clone().call("agent:b", time, Part::Took, data(task_with(at_work(actor)))).fits()
    };
    assert!(!took(31..51, "agent:b") && !took(60..70, "agent:b"));
    assert!(first.clone().call("agent:b", 31..51, Part::TookNone, data(Value::Null)).fits());
    let again = || first.clone().call("agent:a", 60..70, Part::Took, data(task_with(at_work("agent:a"))));
    assert!(again().fits(), "it goes on with its own");
    assert!(again().ends(events(&claim("agent:a"))).fits());
    let none = |time| History::planned().call("agent:b", time, Part::TookNone, data(Value::Null)).fits();
    assert!(none(5..9) && !none(30..40), "there was one to be had");
}

#[test]
fn of_two_moves_from_one_status_one_must_be_refused() {
    let to = |status: &str| data(task_with(json!({"status": status})));
    let moved = |second| {
        History::planned()
            .call("agent:a", 30..50, status("cancelled"), to("cancelled"))
            .call("agent:b", 31..51, status("planned"), second)
            .fits()
    };
    let refusal = json!({
        "code": "INVALID_TRANSITION", "current_status": "cancelled", "requested_status": "planned",
        "valid_transitions": ["needs_human", "cancelled"],
    });
    assert!(moved(Answer::Refused(refusal.clone())));
    assert!(moved(to("planned")), "first the one, then the other");
    let stale = History::planned().call("agent:a", 30..40, status("cancelled"), to("cancelled")).call(
        "agent:b",
        50..60,
        status("planned"),
        to("planned"),
    );
    assert!(!stale.fits(), "read before the other wrote");
    let mut other = refusal;
    other["current_status"] = json!("backlog");
    assert!(!moved(Answer::Refused(other)), "refused for a reason that never was");
}

#[test]
fn a_stale_read_is_found() {
    let read = |time, answer| {
        History::planned()
            .call("agent:a", 30..50, comment("one"), commented(1))
            .call("agent:b", time, Part::Shown, answer)
            .fits()
    };
    let fresh = || shown(json!({"comment_count": 1}), &[said("agent:a", "one")], &FROM_BACKLOG);
    assert!(read(31..40, shown_as_planned()) && read(31..40, fresh()) && read(60..70, fresh()));
    assert!(!read(60..70, shown_as_planned()), "it was acknowledged before");
    assert!(!read(21..29, fresh()), "nobody had said it yet");
    let row = |answer| {
        History::planned()
            .call("agent:a", 30..50, comment("one"), commented(1))
            .call("agent:b", 60..70, Part::Listed, data(answer))
            .fits()
    };
    assert!(row(task_with(json!({"comment_count": 1}))) && !row(task_with(json!({}))) && !row(Value::Null));
}

#[test]
fn what_a_killed_process_leaves_is_whole_or_absent_and_does_not_come_later() {
    let killed = || History::planned().call("agent:k", 30..50, Part::Took, Answer::Killed);
    let look = |history: History, time, answer| history.call("agent:b", time, Part::Shown, answer);
    let whole = || shown(at_work("agent:k"), &claim("agent:k"), &FROM_WORK);
    let half = || shown(json!({"assigned_to": "agent:k"}), &claim("agent:k")[..1], &FROM_BACKLOG);
    assert!(look(killed(), 60..70, whole()).fits() && look(killed(), 60..70, shown_as_planned()).fits());
    assert!(!look(killed(), 60..70, half()).fits());
    assert!(look(look(killed(), 35..40, shown_as_planned()), 60..70, whole()).fits());
    let mut late = look(look(killed(), 60..70, shown_as_planned()), 80..90, whole());
    assert!(!late.clone().fits(), "after its death");
    late.ops = late.ops.into_iter().map(Op::without_a_bound).collect();
    assert!(late.fits());
    assert!(!look(look(killed(), 35..40, whole()), 60..70, shown_as_planned()).fits(), "seen, then gone");
    assert!(killed().ends(events(&claim("agent:k"))).fits() && killed().ends(events(&[])).fits());
    assert!(!killed().ends(events(&claim("agent:k")[..2])).fits());
}

#[test]
fn a_create_that_is_sent_again_makes_nothing_and_another_is_refused() {
    let create = |title: &str| {
        let task = NewTask { title: title.into(), ..NewTask::default() };
        Part::Change(Command::Create { id: id(), chosen: true, task })
    };
    let again = |title, answer| History::planned().call("agent:b", 30..40, create(title), answer);
    assert!(again("a title", data(task_with(json!({})))).ends(events(&[])).fits());
    assert!(again("another", refused("CONFLICT")).fits());
    assert!(!again("another", data(task_with(json!({"title": "another"})))).fits());
    assert!(!again("a title", data(task_with(json!({"created_by": "agent:b"})))).fits(), "made twice");
}

#[test]
fn a_resource_that_too_many_hold_is_found() {
    let name = "db".to_owned();
    let time = "2026-01-01T00:00:00Z";
    let id = ResourceId::from_value(1);
    let held = |actors: &[&str]| {
        let holder = |actor: &&str| json!({"actor": actor, "acquired_at": time, "expires_at": time, "last_heartbeat": time});
        data(json!({
            "schema_version": 1, "id": id.as_str(), "name": name, "description": null, "max_holders": 1,
            "ttl_seconds": 300, "holders": actors.iter().map(holder).collect::<Vec<_>>(),
            "created_by": "agent:a", "created_at": time, "updated_at": time,
            "last_event_id": "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        }))
    };
    let resource = NewResource { name: name.clone(), ..NewResource::default() };
    let create = Part::Change(Command::CreateResource { id: id.clone(), chosen: true, resource });
    let acquire = || {
        let fresh = ResourceId::from_value(2);
        Part::Change(Command::AcquireResource { name: name.clone(), fresh, task: None, force: false })
    };
    let made = History { ops: Vec::new(), end: None }.call("agent:a", 1..10, create, held(&[]));
    let taken = |first: Answer, second: Answer| {
        let first = made.clone().call("agent:a", 20..40, acquire(), first);
        first.call("agent:b", 21..41, acquire(), second).fits()
    };
    assert!(taken(held(&["agent:a"]), refused("RESOURCE_HELD")));
    assert!(taken(refused("RESOURCE_HELD"), held(&["agent:b"])));
    assert!(!taken(held(&["agent:a"]), held(&["agent:b"])));
    assert!(!taken(held(&["agent:a"]), held(&["agent:a", "agent:b"])));
    assert!(!taken(refused("RESOURCE_HELD"), refused("RESOURCE_HELD")));
}
