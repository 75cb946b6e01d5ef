//! Histories that no clone of ours would write, but that a merge can bring in: whatever they say,
//! the tracker can be read and written afterwards, and clones agree on it.

use lattice::app::{
    App, Code, Failure, Identity, ImportSet, InitOptions, Merge, Outcome, Place, Sourced, World,
};
use lattice::domain::command::NewTask;
use lattice::domain::{Command, Event};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;
const TASK: &str = "task_01KDVZ8000AAAAAAAAAAAAAAAA";
const RESOURCE: &str = "res_01KDVZ8000AAAAAAAAAAAAAAAA";

fn tracker() -> App {
    let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
    App::in_memory(World::scripted(START, 5), &options, None).unwrap()
}

fn who() -> Identity {
    Identity { actor: Some("agent:a".into()), ..Identity::default() }
}

/// An event of this many minutes after the start.
fn event(minutes: u64, n: u32, kind: &str, subject: (&str, &str), data: Value) -> Sourced<Event> {
    let id = lattice::domain::id::EventId::from_value(lattice::domain::id::ulid_value(
        START + minutes * 60_000,
        u128::from(n),
    ));
    let ts = lattice::domain::Timestamp::from_seconds(((START / 1000) + minutes * 60).cast_signed());
    let mut value = json!({
        "schema_version": 1, "id": id.as_str(), "ts": ts.to_string(), "type": kind, "actor": "agent:b",
        "data": data, "parents": [],
    });
    if !subject.0.is_empty() {
        value[subject.0] = json!(subject.1);
    }
    let place = Place { file: "log".into(), line: None };
    Sourced { item: Event::parse(&value.to_string()).unwrap(), place }
}

fn take_in(app: &mut App, events: Vec<Sourced<Event>>) {
    let set = ImportSet { events, ..ImportSet::default() };
    app.import(&set, &Merge::default(), false, |_| {}).unwrap();
}

fn drift(app: &App) -> Vec<(String, String)> {
    app.read(|reader| Ok(reader.drift()?)).unwrap()
}

fn create(app: &mut App) -> Outcome {
    app.execute(&who(), |names| {
        let task = NewTask { title: "A".into(), ..NewTask::default() };
        Ok(Command::Create { id: names.fresh_task(), chosen: false, task })
    })
    .unwrap()
}

/// Lists in lists, so many levels deep.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut app = tracker();
    let task = create(&mut app).task.unwrap().id;
    let mut say = |levels: usize| -> Result<Outcome, Failure> {
        let data = json!({"a": nested(levels)}).as_object().unwrap().clone();
        let (task, kind) = (task.clone(), "x_deep".to_owned());
        app.execute(&who(), |_| Ok(Command::Custom { task, kind, data, id: None }))
    };
    assert!(say(98).is_ok());
    assert_eq!(say(99).unwrap_err().code, Code::ValidationError);
    assert_eq!(say(125).unwrap_err().code, Code::ValidationError);
    assert_eq!(app.read(|reader| Ok(reader.history(&task)?)).unwrap().len(), 2);
}

#[test]
fn a_setting_too_deep_to_be_read_again_is_refused_and_has_no_effect_when_it_comes_in() {
    let mut app = tracker();
    let path = "/a".repeat(140);
    let set = app.execute(&who(), |_| Ok(Command::SetConfig { path: path.clone(), to: json!(1) }));
    assert_eq!(set.unwrap_err().code, Code::ValidationError);
    let before = app.read(|reader| Ok(reader.config()?)).unwrap();
    let data = json!({"path": "/a".repeat(200_000), "to": 1});
    take_in(&mut app, vec![event(1, 1, "config_changed", ("", ""), data)]);
    assert_eq!(app.read(|reader| Ok(reader.config()?)).unwrap(), before);
    assert_eq!(drift(&app), Vec::new());
}

#[test]
fn rows_of_the_deepest_events_can_be_read() {
    let mut app = tracker();
    let task = ("task_id", TASK);
    let deep = |n: u32, kind: &str, data: Value| {
        let mut value = event(u64::from(n), n, kind, task, data).item.value();
        value["actor"] = json!({"name": "b", "deep": nested(98)});
        let place = Place { file: "log".into(), line: None };
        Sourced { item: Event::parse(&value.to_string()).unwrap(), place }
    };
    let said = deep(2, "comment_added", json!({"body": "a"}));
    let comment = said.item.id.to_string();
    let events = vec![
        deep(
            1,
            "task_created",
            json!({"title": "A", "status": "backlog", "custom_fields": {"k": nested(96)}}),
        ),
        said,
        deep(3, "comment_edited", json!({"comment_id": comment, "body": "b"})),
        deep(4, "reaction_added", json!({"comment_id": comment, "emoji": "eyes"})),
        deep(5, "relationship_added", json!({"type": "blocks", "target_task_id": TASK})),
        deep(6, "needs_human_flagged", json!({"reason": nested(98)})),
    ];
    take_in(&mut app, events);
    assert_eq!(app.read(|reader| Ok(reader.tasks(&Default::default())?)).unwrap().len(), 1);
    let id = lattice::domain::TaskId::parse(TASK).unwrap();
    assert_eq!(app.read(|reader| Ok(reader.comments(&id)?)).unwrap().len(), 1);
    assert_eq!(drift(&app), Vec::new());
}

#[test]
fn a_setting_holds_although_a_clone_with_a_fast_clock_set_it_before() {
    let mut app = tracker();
    let data = json!({"path": "/workflow/review_cycle_limit", "to": 5});
    take_in(&mut app, vec![event(600, 1, "config_changed", ("", ""), data)]);
    // What arrives last need not be what is latest.
    let created = json!({"title": "A", "status": "backlog"});
    take_in(&mut app, vec![event(1, 2, "task_created", ("task_id", TASK), created)]);
    let path = "/workflow/review_cycle_limit".to_owned();
    app.execute(&who(), |_| Ok(Command::SetConfig { path, to: json!(7) })).unwrap();
    assert_eq!(app.read(|reader| Ok(reader.config()?)).unwrap().review_cycle_limit(), 7);
}

#[test]
fn a_resource_that_two_creations_name_differently_is_the_same_in_every_clone() {
    let subject = ("resource_id", RESOURCE);
    let first = || event(1, 1, "resource_created", subject, json!({"name": "db", "max_holders": 2}));
    let second = || event(2, 2, "resource_created", subject, json!({"name": "gpu"}));
    let names = |app: &App| -> Vec<String> {
        let found = app.read(|reader| Ok(reader.resources()?)).unwrap();
        found.into_iter().map(|resource| resource.name).collect()
    };
    let (mut left, mut right) = (tracker(), tracker());
    take_in(&mut left, vec![first()]);
    take_in(&mut left, vec![second()]);
    take_in(&mut right, vec![second()]);
    assert_eq!(names(&right), ["gpu"]);
    take_in(&mut right, vec![first()]);
    assert_eq!((names(&left), names(&right)), (vec!["db".to_owned()], vec!["db".to_owned()]));
    assert_eq!((drift(&left), drift(&right)), (Vec::new(), Vec::new()));
}

#[test]
fn a_resource_whose_name_is_no_text_stops_no_rebuild() {
    let mut app = tracker();
    let odd = event(1, 1, "resource_created", ("resource_id", RESOURCE), json!({"name": 5}));
    take_in(&mut app, vec![odd]);
    assert_eq!(drift(&app), Vec::new());
    app.rebuild(None, |_| {}).unwrap();
}

#[test]
fn tasks_get_numbers_although_somebody_took_the_last_one() {
    let mut app = tracker();
    create(&mut app);
    let created = json!({"title": "A", "status": "backlog", "short_id": "LAT-999999999999999"});
    take_in(&mut app, vec![event(1, 1, "task_created", ("task_id", TASK), created)]);
    let made = [create(&mut app), create(&mut app)];
    let names = made.map(|outcome| outcome.task.unwrap().short_id.unwrap().to_string());
    assert_eq!(names, ["LAT-2", "LAT-3"]);
    assert_eq!(drift(&app), Vec::new());
}

#[test]
fn tasks_that_wait_for_each_other_are_named_once_each() {
    let mut app = tracker();
    let other = TASK.replace('A', "B");
    let created = || json!({"title": "A", "status": "backlog"});
    let waits = |on: &str| json!({"type": "depends_on", "target_task_id": on});
    let events = vec![
        event(1, 1, "task_created", ("task_id", TASK), created()),
        event(1, 2, "task_created", ("task_id", &other), created()),
        event(2, 3, "relationship_added", ("task_id", TASK), waits(&other)),
        event(2, 4, "relationship_added", ("task_id", &other), waits(TASK)),
    ];
    take_in(&mut app, events);
    let report = app.examine(|_| {}).unwrap();
    let said: Vec<_> =
        report.findings.iter().map(|f| (f.task_id.clone().unwrap(), f.message.clone())).collect();
    let message = |id: &str| (id.to_owned(), format!("{id} depends_on in a circle of 2 tasks"));
    assert_eq!(said, [message(TASK), message(&other)]);
}
