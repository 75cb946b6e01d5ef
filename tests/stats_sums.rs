//! What `stats` and `weather` read off sums is what a walk over all events and tasks says, whatever
//! happened in whatever order, and under any clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lattice::app::{
    App, Count, Identity, ImportSet, InitOptions, Merge, Place, Prefer, Several, Sourced, Stats, Stays,
    TaskFilter, TaskLine, World,
};
use lattice::domain::command::NewTask;
use lattice::domain::id::{EventId, ulid_value};
use lattice::domain::workflow::DEFAULT_STATUSES;
use lattice::domain::{Actor, Command, Event, Task, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Wednesday, 2026-07-01T12:00:00Z in milliseconds.
const START: u64 = 1_782_907_200_000;
const HOUR: i64 = 3600;

/// One thing that happens in one of two clones: what kind, three dice, and the clock in hours.
#[derive(Clone, Debug)]
struct Step {
    clone: usize,
    what: u8,
    dice: [u16; 3],
    hours: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..2_usize, 0..20_u8, any::<[u16; 3]>(), -400..1400_i64)
        .prop_map(|(clone, what, dice, hours)| Step { clone, what, dice, hours });
    prop::collection::vec(step, 80..180)
}

fn pick<T: Clone>(of: &[T], die: u16) -> Option<T> {
    of.get(usize::from(die) % of.len().max(1)).cloned()
}

fn act(app: &mut App, step: &Step) {
    app.world().set_clock(START.saturating_add_signed(step.hours * HOUR * 1000));
    let [a, b, c] = step.dice;
    let who = Identity {
        actor: Some(format!("agent:{}", c % 13)),
        reason: Some("because".into()),
        ..Identity::default()
    };
    let tasks = tasks(app);
    let Some(task) = pick(&tasks, a).map(|task| task.id).filter(|_| step.what > 3) else {
        let task = NewTask {
            title: format!("task {a}"),
            status: Some(DEFAULT_STATUSES[usize::from(a) % DEFAULT_STATUSES.len()].into()),
            priority: (b % 3 > 0).then(|| ["low", "high"][usize::from(b) % 2].into()),
            tags: (0..b % 4).map(|n| format!("tag{}", (n + c) % 5)).collect(),
            assigned_to: (c % 2 == 0).then(|| Actor::Plain(format!("agent:{}", c % 5))),
            ..NewTask::default()
        };
        drop(app.execute(&who, |names| Ok(Command::Create { id: names.fresh_task(), chosen: false, task })));
        return;
    };
    let to = DEFAULT_STATUSES[usize::from(b) % DEFAULT_STATUSES.len()].to_owned();
    let command = match step.what {
        4..=8 => Command::Status { task, to, force: true },
        9 | 10 => Command::Comment { task, body: "word".into(), reply_to: None, role: None },
        11 => Command::Archive { task },
        12 => Command::Unarchive { task },
        13 => Command::Update { task, changes: vec![("tags".into(), format!("tag{},tag{}", b % 5, c % 5))] },
        14 => Command::Assign { task, to: (b % 2 == 0).then(|| Actor::Plain(format!("agent:{}", c % 5))) },
        15 => {
            // Only what makes the tracker what it is cannot be redacted.
            let events = events(app);
            drop(app.redact(&who, events[usize::from(b) % events.len()].id.as_str()));
            return;
        }
        16 | 17 => {
            let to = if b % 4 == 0 { json!(b) } else { json!(to) };
            let at = Timestamp::from_seconds((START / 1000) as i64 + i64::from(c % 2000) * HOUR);
            let id = EventId::from_value(ulid_value(at.millis(), u128::from(a)));
            let task = if a % 9 == 0 { "task_01KWVG1A00ZZZZZZZZZZZZZZZZ" } else { task.as_str() };
            let raw = json!({"id": id.as_str(), "ts": at.to_string(), "type": "status_changed", "task_id": task,
                             "actor": "agent:far", "data": {"from": null, "to": to}});
            return meet(app, vec![Event::parse(&raw.to_string()).unwrap()]);
        }
        18 if b % 4 == 0 => {
            let mut changed: Value = events(app)[usize::from(c) % events(app).len()].value();
            changed["x_note"] = json!("other content under the same id");
            return meet(app, vec![Event::parse(&changed.to_string()).unwrap()]);
        }
        _ => return,
    };
    drop(app.execute(&who, |_| Ok(command)));
}

fn tasks(app: &App) -> Vec<Task> {
    let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
    app.read(|reader| Ok(reader.tasks(&filter)?)).unwrap()
}

/// All events in canonical order.
fn events(app: &App) -> Vec<Event> {
    let mut events = Vec::new();
    app.read(|reader| {
        reader.each_raw(|raw| {
            events.push(Event::parse(raw).unwrap());
            Ok(())
        })
    })
    .unwrap();
    events.sort_by(|a, b| a.key.cmp(&b.key));
    events
}

fn set_of(events: Vec<Event>) -> ImportSet {
    let place = Place { file: PathBuf::from("memory"), line: None };
    let events = events.into_iter().map(|item| Sourced { item, place: place.clone() }).collect();
    ImportSet { events, ..ImportSet::default() }
}

/// A tracker that is made of all that this one holds.
fn made_of(app: &App) -> App {
    let config = app.read(|reader| Ok(reader.config()?)).unwrap();
    let set = ImportSet { instance_id: config.instance_id().map(str::to_owned), ..set_of(events(app)) };
    App::in_memory(World::scripted(START, 3), &InitOptions::default(), Some(&set)).unwrap()
}

fn meet(app: &mut App, events: Vec<Event>) {
    let set = set_of(events);
    let how = Merge { prefer: Some(Prefer::Tree), ..Merge::default() };
    app.import(&set, &how, false, |_| {}).unwrap();
}

/// The most first, then by name; without what there is none of.
fn counted(names: impl IntoIterator<Item = String>) -> Vec<Count> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut list: Vec<Count> = counts.into_iter().collect();
    list.sort_by_key(|(_, count)| -count);
    list
}

fn ids(lines: &[TaskLine]) -> Vec<&str> {
    lines.iter().map(|line| line.id.as_str()).collect()
}

/// Ids by a key, the first of them.
fn ranked<K: Ord>(tasks: &[&Task], most: usize, backward: bool, key: impl Fn(&Task) -> K) -> Vec<String> {
    let mut keyed: Vec<(K, String)> = tasks.iter().map(|task| (key(task), task.id.to_string())).collect();
    keyed.sort();
    if backward {
        keyed.reverse();
    }
    keyed.into_iter().take(most).map(|(_, id)| id).collect()
}

/// Every stay of a task in a status: which, from when to when.
fn stays(history: &[&Event], now: i64) -> Vec<(String, i64, i64)> {
    let seconds = |event: &Event| Timestamp::parse(&event.ts).unwrap().seconds();
    let Some(first) = history.iter().position(|event| event.kind == "task_created") else {
        return Vec::new();
    };
    let mut status = history[first].text("status").unwrap_or_default().to_owned();
    let mut since = Some(seconds(history[first]));
    let mut stays = Vec::new();
    for event in history {
        let at = seconds(event);
        let to = event.text("to").filter(|to| event.kind == "status_changed" && *to != status);
        if to.is_some() || event.kind == "task_archived" {
            stays.extend(since.map(|since| (status.clone(), since, at)));
            since = since.filter(|_| to.is_some()).map(|_| at);
        }
        if event.kind == "task_unarchived" {
            since = since.or(Some(at));
        }
        status = to.map_or(status.clone(), str::to_owned);
    }
    stays.extend(since.map(|since| (status, since, now)));
    stays
}

/// Holds all that is counted at this moment against the events and tasks themselves.
fn check(app: &App, hours: i64) {
    let now = (START / 1000) as i64 + hours * HOUR;
    app.world().set_clock(now.unsigned_abs() * 1000);
    let (stats, weather) = (app.stats().unwrap(), app.weather().unwrap());
    let (tasks, events) = (tasks(app), events(app));
    let before = |seconds: i64| Timestamp::from_seconds(now - seconds).to_string();
    let active: Vec<&Task> = tasks.iter().filter(|task| !task.archived).collect();
    let config = app.read(|reader| Ok(reader.config()?)).unwrap();
    let open: Vec<&Task> =
        active.iter().copied().filter(|task| !config.finished().contains(&task.status.as_str())).collect();
    let about: Vec<&Event> = events.iter().filter(|event| event.task().is_some()).collect();
    let of = |task: &Task| about.iter().filter(|event| event.task() == Some(&task.id)).count() as i64;

    assert_eq!(stats.total_events, about.len() as i64);
    assert_eq!(stats.active_events, active.iter().map(|task| of(task)).sum::<i64>());
    assert_eq!((stats.active_tasks, stats.archived_tasks), sizes(&tasks));
    let by = |key: &dyn Fn(&Task) -> Option<String>, none: &str| {
        counted(active.iter().map(|task| key(task).unwrap_or_else(|| none.to_owned())))
    };
    let mut by_status = stats.by_status.clone();
    by_status.sort_by_key(|(name, count)| (-count, name.clone()));
    assert_eq!(by_status, by(&|task| Some(task.status.clone()), ""));
    assert_eq!(stats.by_priority, by(&|task| task.priority.clone(), "none"));
    let assignee = |task: &Task| task.assigned_to.as_ref().map(|actor| actor.display().to_owned());
    assert_eq!(stats.by_assignee, by(&assignee, "unassigned"));
    let tags = |task: &&Task| task.tags.clone().unwrap_or_default().into_iter().collect::<BTreeSet<_>>();
    assert_eq!(stats.by_tag, counted(active.iter().flat_map(tags)));
    let mut actors = counted(about.iter().map(|event| event.actor.display().to_owned()));
    actors.truncate(10);
    assert_eq!(stats.actors, actors);

    assert_eq!(ids(&stats.recent), ranked(&active, 5, true, |task| task.updated_at.clone()));
    let busiest: Vec<_> = stats.busiest.iter().map(|(line, count)| (line.id.clone(), *count)).collect();
    let count = |id: &String| of(active.iter().find(|task| task.id.as_str() == id).unwrap());
    let expected = ranked(&active, 5, true, of);
    assert_eq!(busiest, expected.iter().map(|id| (id.clone(), count(id))).collect::<Vec<_>>());
    let stale: Vec<&Task> = open.iter().copied().filter(|t| t.updated_at <= before(7 * 24 * HOUR)).collect();
    several(&stats.stale, &stale, &ranked(&stale, 20, false, |task| task.updated_at.clone()));
    velocity_and_stays(&stats, &about, now);

    let day = EventId::from_value(ulid_value((now - 24 * HOUR).unsigned_abs() * 1000, 0));
    let lately = about.iter().filter(|event| event.key.as_str() >= &day.as_str()[3..]).count();
    assert_eq!(weather.events_24h, lately as i64);
    let under_way: Vec<&Task> = active
        .iter()
        .copied()
        .filter(|t| ["in_planning", "in_progress", "review"].contains(&t.status.as_str()))
        .collect();
    assert_eq!(weather.in_progress, under_way.len() as i64);
    let nobodys: Vec<&Task> = under_way.iter().copied().filter(|t| t.assigned_to.is_none()).collect();
    several(&weather.unassigned, &nobodys, &ranked(&nobodys, 20, false, |_| ()));
    let asking: Vec<&Task> = open.iter().copied().filter(|t| t.asks_for_human()).collect();
    several(&weather.needs_human, &asking, &ranked(&asking, 20, false, |_| ()));
    let done = |hours: i64| -> Vec<&Task> {
        tasks.iter().filter(|t| t.done_at.as_ref().is_some_and(|at| *at >= before(hours * HOUR))).collect()
    };
    let done = if done(24).is_empty() { done(72) } else { done(24) };
    several(&weather.done, &done, &ranked(&done, 20, true, |task| task.done_at.clone()));
}

fn sizes(tasks: &[Task]) -> (i64, i64) {
    let archived = tasks.iter().filter(|task| task.archived).count() as i64;
    (tasks.len() as i64 - archived, archived)
}

fn several(found: &Several, all: &[&Task], first: &[String]) {
    assert_eq!(
        (found.count, ids(&found.first)),
        (all.len() as i64, first.iter().map(String::as_str).collect())
    );
}

fn velocity_and_stays(stats: &Stats, about: &[&Event], now: i64) {
    let week = |ago: i64| Timestamp::from_seconds(now - ago * 7 * 24 * HOUR).week();
    let moved = |event: &&&Event| event.kind == "status_changed" && event.text("to") == Some("done");
    let done: Vec<String> =
        about.iter().filter(moved).map(|event| Timestamp::parse(&event.ts).unwrap().week()).collect();
    let weeks = (0..8).rev().map(week);
    let expected: Vec<Count> =
        weeks.map(|week| (week.clone(), done.iter().filter(|of| **of == week).count() as i64)).collect();
    assert_eq!(stats.velocity, expected);

    let mut sums: BTreeMap<String, Stays> = BTreeMap::new();
    let subjects: BTreeSet<_> = about.iter().map(|event| event.task()).collect();
    for task in subjects {
        let history: Vec<&Event> = about.iter().copied().filter(|event| event.task() == task).collect();
        for (status, from, to) in stays(&history, now) {
            let sum = sums.entry(status).or_default();
            sum.count += 1;
            sum.seconds += (to - from).max(0);
        }
    }
    assert_eq!(stats.blocked, sums.get("blocked").copied().unwrap_or_default());
    assert_eq!(stats.stays.iter().cloned().collect::<BTreeMap<_, _>>(), sums);
}

fn drift(app: &App) -> Vec<(String, String)> {
    app.read(|reader| Ok(reader.drift()?)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_are_those_of_a_walk(steps in steps()) {
        let make = |seed| App::in_memory(World::scripted(START, seed), &InitOptions::default(), None).unwrap();
        let mut apps = [make(1), make(2)];
        for (number, step) in steps.iter().enumerate() {
            if step.what == 19 && step.dice[0] % 4 == 0 {
                let other = events(&apps[1 - step.clone]).into_iter().filter(|e| e.task().is_some()).collect();
                meet(&mut apps[step.clone], other);
            } else {
                act(&mut apps[step.clone], step);
            }
            if number % 40 == 39 {
                check(&apps[step.clone], step.hours);
            }
        }
        for app in &mut apps {
            for hours in [-3000, 0, 700, 1400, 3000] {
                check(app, hours);
            }
            assert_eq!(drift(app), Vec::new());
            let other = made_of(app);
            assert_eq!(events(&other).len(), events(app).len());
            check(&other, 1500);
            assert_eq!(drift(&other), Vec::new());
            app.rebuild(None, |_| {}).unwrap();
            check(app, 1500);
            assert_eq!(drift(app), Vec::new());
        }
    }
}
