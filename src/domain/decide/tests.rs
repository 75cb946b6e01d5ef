//! The decisions, rule by rule: given facts and a command, which events or which rejection.

use serde_json::{Map, json};

use super::decide;
use crate::domain::command::{Author, Command, NewTask};
use crate::domain::config::{Config, default_config};
use crate::domain::event::{Event, EventBody, Stamp, kind};
use crate::domain::fold::TaskState;
use crate::domain::id::{ArtifactId, EventId, TaskId};
use crate::domain::{Actor, Facts, Rejection, ShortId, Task, Timestamp};

fn id() -> TaskId {
    TaskId::from_value(1)
}

fn author(reason: Option<&str>) -> Author {
    let mut stamp = Stamp::default();
    if let Some(reason) = reason {
        stamp.provenance.insert("reason".into(), json!(reason));
    }
    Author { actor: Actor::Plain("agent:a".into()), stamp, model: None }
}

fn task(status: &str) -> Task {
    let data =
        json!({"title": "T", "status": status, "type": "task", "priority": "medium", "short_id": "LAT-1"});
    let body = EventBody::of_task(&id(), kind::TASK_CREATED, data);
    let at = Timestamp::from_seconds(0);
    let event =
        Event::compose(body, EventId::from_value(1), at, &author(None).actor, &Stamp::default(), vec![]);
    TaskState::fold(&[event]).0.task.unwrap()
}

fn facts(status: &str) -> Facts {
    Facts {
        now: Timestamp::from_seconds(0),
        config: Config::new(default_config()),
        task: Some(task(status)),
        created: None,
        target: None,
        way_back: None,
        comment: None,
        plan: Some("First this, then that.".into()),
        notes: None,
        context: None,
        titles: vec!["T".into()],
        descriptions: vec![],
        review_cycles: 0,
        same_id: None,
        tombstone: None,
        resource: None,
        name_of_id: None,
        is_short_id_taken: false,
        next_short_id: Some(ShortId { prefix: "LAT".into(), number: 2 }),
        same_artifact: None,
        open: Vec::new(),
        fresh_artifact: ArtifactId::from_value(1),
    }
}

fn kinds(facts: &Facts, command: &Command) -> Result<Vec<String>, Rejection> {
    let decision = decide(facts, &author(None), command)?;
    Ok(decision.events.into_iter().map(|event| event.kind).collect())
}

fn status(to: &str) -> Command {
    Command::Status { task: id(), to: to.into(), force: false }
}

#[test]
fn creating_writes_exactly_one_event() {
    let command = Command::Create {
        id: id(),
        chosen: false,
        task: NewTask { title: "x".into(), ..NewTask::default() },
    };
    let decision = decide(&facts("backlog"), &author(None), &command).unwrap();
    assert_eq!(decision.events.len(), 1);
    let data = &decision.events[0].data;
    assert_eq!((&data["short_id"], &data["priority"]), (&json!("LAT-2"), &json!("medium")));
}

#[test]
fn creating_again_is_the_same_or_a_conflict() {
    let new = |title: &str| Command::Create {
        id: id(),
        chosen: true,
        task: NewTask { title: title.into(), ..NewTask::default() },
    };
    let mut facts = facts("backlog");
    let body = decide(&facts, &author(None), &new("x")).unwrap().events.remove(0);
    let at = Timestamp::from_seconds(0);
    facts.created = Some(Event::compose(
        body,
        EventId::from_value(1),
        at,
        &author(None).actor,
        &Stamp::default(),
        vec![],
    ));
    assert_eq!(kinds(&facts, &new("x")), Ok(vec![]));
    assert_eq!(kinds(&facts, &new("y")), Err(Rejection::ContentDiffers { id: id().to_string() }));
    assert_eq!(kinds(&facts, &new(" \n")), Err(Rejection::Blank { what: "title" }));
}

#[test]
fn a_move_must_be_in_the_workflow_unless_forced_for_a_reason() {
    let facts = facts("backlog");
    assert!(matches!(kinds(&facts, &status("done")), Err(Rejection::InvalidTransition { .. })));
    let forced = Command::Status { task: id(), to: "done".into(), force: true };
    assert_eq!(kinds(&facts, &forced), Err(Rejection::ForceNeedsReason));
    let decision = decide(&facts, &author(Some("because")), &forced).unwrap();
    assert_eq!(decision.events[0].data["reason"], "because");
    assert_eq!(kinds(&facts, &status("backlog")), Ok(vec![]));
    assert!(matches!(kinds(&facts, &status("nowhere")), Err(Rejection::NotOneOf { .. })));
    assert_eq!(kinds(&facts, &status("Needs Human")), Ok(vec![kind::STATUS_CHANGED.into()]));
}

#[test]
fn work_begins_on_a_plan() {
    let mut facts = facts("planned");
    assert_eq!(kinds(&facts, &status("in_progress")), Ok(vec![kind::STATUS_CHANGED.into()]));
    for plan in [None, Some("# LAT-1: T\n".to_owned()), Some(String::new())] {
        facts.plan = plan;
        assert_eq!(
            kinds(&facts, &status("in_progress")),
            Err(Rejection::PlanRequired { task: "LAT-1".into() })
        );
    }
}

#[test]
fn going_back_is_noted_in_the_plan() {
    let decision = decide(&facts("review"), &author(None), &status("in_progress")).unwrap();
    assert_eq!(decision.events[1].kind, kind::PLAN_UPDATED);
    let body = decision.events[1].data["body"].as_str().unwrap();
    assert_eq!(body, "First this, then that.\n\n## Reset 1970-01-01 by agent:a\n");
    assert_eq!(kinds(&facts("blocked"), &status("in_progress")).unwrap().len(), 1);
}

#[test]
fn review_sends_back_only_so_often() {
    let mut facts = facts("review");
    facts.review_cycles = 3;
    let refused = Rejection::ReviewCycleLimit { task: "LAT-1".into(), cycles: 3, limit: 3 };
    assert_eq!(kinds(&facts, &status("in_progress")), Err(refused));
    assert_eq!(kinds(&facts, &status("done")).unwrap(), [kind::STATUS_CHANGED]);
}

#[test]
fn a_policy_asks_for_evidence_and_an_assignee() {
    let mut facts = facts("review");
    let mut config = default_config();
    config["workflow"]["completion_policies"] =
        json!({"done": {"require_roles": ["review"], "require_assigned": true}});
    facts.config = Config::new(config);
    let Err(Rejection::CompletionBlocked { missing_roles, unassigned, .. }) = kinds(&facts, &status("done"))
    else {
        panic!("not blocked");
    };
    assert_eq!((missing_roles, unassigned), (vec!["review".to_owned()], true));
    assert!(kinds(&facts, &status("cancelled")).is_ok(), "universal targets ask for nothing");
    let complete = Command::Complete { task: id(), review: "fine".into() };
    assert!(
        matches!(kinds(&facts, &complete), Err(Rejection::CompletionBlocked { .. })),
        "nobody is assigned"
    );
    facts.task.as_mut().unwrap().assigned_to = Some(author(None).actor);
    assert_eq!(
        kinds(&facts, &complete).unwrap(),
        [kind::COMMENT_ADDED, kind::ARTIFACT_ATTACHED, kind::STATUS_CHANGED]
    );
}

#[test]
fn completing_reviews_first_where_that_is_still_to_do() {
    let complete = Command::Complete { task: id(), review: " fine ".into() };
    let decision = decide(&facts("in_progress"), &author(None), &complete).unwrap();
    let tos: Vec<_> = decision.events.iter().filter_map(|e| e.data.get("to")).collect();
    assert_eq!(tos, [&json!("review"), &json!("done")]);
    assert_eq!(decision.artifacts[0].payload.as_deref(), Some(&b"fine"[..]));
    assert!(matches!(kinds(&facts("backlog"), &complete), Err(Rejection::InvalidTransition { .. })));
}

#[test]
fn a_claim_assigns_and_walks_to_work() {
    let claim = Command::Claim { task: id() };
    let mut facts = facts("backlog");
    let steps = [kind::ASSIGNMENT_CHANGED, kind::STATUS_CHANGED, kind::STATUS_CHANGED];
    assert_eq!(kinds(&facts, &claim).unwrap(), steps);
    facts.task.as_mut().unwrap().assigned_to = Some(Actor::Plain("agent:b".into()));
    assert!(matches!(kinds(&facts, &claim), Err(Rejection::AlreadyClaimed { .. })));
    let mut mine = super::tests::facts("in_progress");
    mine.task.as_mut().unwrap().assigned_to = Some(author(None).actor);
    mine.plan = None;
    assert_eq!(kinds(&mine, &claim), Ok(vec![]), "work begun is gone on with");
}

#[test]
fn an_update_writes_what_changes_and_no_more() {
    let update = |pairs: &[(&str, &str)]| Command::Update {
        task: id(),
        changes: pairs.iter().map(|(f, v)| ((*f).to_owned(), (*v).to_owned())).collect(),
    };
    let facts = facts("backlog");
    let events = decide(
        &facts,
        &author(None),
        &update(&[("title", "T"), ("tags", "a, b,"), ("custom_fields.k", "v")]),
    );
    let events = events.unwrap().events;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].data["to"], json!(["a", "b"]));
    assert_eq!(kinds(&facts, &update(&[("description", "")])), Ok(vec![]), "empty already");
    assert_eq!(kinds(&facts, &update(&[("priority", "")])).unwrap().len(), 1, "cleared");
    for bad in [
        ("title", ""),
        ("status", "done"),
        ("assigned_to", "x"),
        ("nope", "x"),
        ("priority", "hot"),
        ("type", ""),
    ] {
        assert!(kinds(&facts, &update(&[bad])).is_err(), "{bad:?}");
    }
}

#[test]
fn relations_close_no_circle_and_stand_once() {
    let link = |kind: &str, target| Command::Link { task: id(), kind: kind.into(), target, note: None };
    let mut facts = facts("backlog");
    let other = TaskId::from_value(2);
    assert_eq!(kinds(&facts, &link("blocks", other.clone())).unwrap(), [kind::RELATIONSHIP_ADDED]);
    assert!(matches!(kinds(&facts, &link("blocks", id())), Err(Rejection::SelfLink { .. })));
    assert!(matches!(kinds(&facts, &link("likes", other.clone())), Err(Rejection::NotOneOf { .. })));
    facts.way_back = Some(vec!["LAT-2".into(), "LAT-1".into(), "LAT-2".into()]);
    assert!(matches!(kinds(&facts, &link("blocks", other.clone())), Err(Rejection::Cycle { .. })));
    let unlink = Command::Unlink { task: id(), kind: "blocks".into(), target: other };
    assert!(matches!(kinds(&facts, &unlink), Err(Rejection::NoSuchLink { .. })));
}

#[test]
fn an_archived_task_is_only_brought_back() {
    let mut facts = facts("done");
    facts.task.as_mut().unwrap().archived = true;
    assert!(matches!(kinds(&facts, &status("cancelled")), Err(Rejection::Archived { .. })));
    assert!(matches!(
        kinds(&facts, &Command::Archive { task: id() }),
        Err(Rejection::AlreadyArchived { .. })
    ));
    assert_eq!(kinds(&facts, &Command::Unarchive { task: id() }).unwrap(), [kind::TASK_UNARCHIVED]);
}

#[test]
fn own_events_have_own_types() {
    let custom = |kind: &str| Command::Custom { task: id(), kind: kind.into(), data: Map::new(), id: None };
    assert_eq!(kinds(&facts("backlog"), &custom("x_deployed")).unwrap(), ["x_deployed"]);
    for bad in ["deployed", "x_", "x_a b", "task_created"] {
        assert!(matches!(kinds(&facts("backlog"), &custom(bad)), Err(Rejection::Invalid { .. })), "{bad}");
    }
}

#[test]
fn settings_that_are_read_have_the_type_that_is_read() {
    let set = |path: &str, to| Command::SetConfig { path: path.into(), to };
    let facts = facts("backlog");
    assert_eq!(kinds(&facts, &set("/anything/else", json!([1]))).unwrap(), [kind::CONFIG_CHANGED]);
    for (path, to) in [
        ("/instance_id", json!("x")),
        ("/workflow/statuses", json!([])),
        ("/workflow/wip_limits/review", json!("many")),
        ("/default_status", json!("nowhere")),
        ("/project_code", json!("too long")),
    ] {
        assert!(matches!(kinds(&facts, &set(path, to)), Err(Rejection::Invalid { .. })), "{path}");
    }
    assert!(matches!(
        kinds(&facts, &Command::UnsetConfig { path: "/nope".into() }),
        Err(Rejection::NoSuchSetting { .. })
    ));
}
