//! Counting under a clock that stands.

use super::*;
use crate::app::{Identity, InitOptions, World};
use crate::domain::command::NewTask;
use crate::domain::{Actor, Command, TaskId};

/// Wednesday, 2026-07-01T12:00:00Z.
const START: u64 = 1_782_907_200_000;
const HOUR: u64 = 3_600_000;

struct Tracker {
    app: App,
}

impl Tracker {
    fn new() -> Self {
        let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
        Self { app: App::in_memory(World::scripted(START, 5), &options, None).unwrap() }
    }

    fn run(&mut self, hours: u64, command: Command) {
        self.app.world().set_clock(START + hours * HOUR);
        let who =
            Identity { actor: Some("agent:a".into()), reason: Some("test".into()), ..Identity::default() };
        self.app.execute(&who, |_| Ok(command)).unwrap();
    }

    fn create(&mut self, hours: u64, task: NewTask) -> TaskId {
        self.app.world().set_clock(START + hours * HOUR);
        let id = self.app.world().task_id();
        self.run(hours, Command::Create { id: id.clone(), chosen: false, task });
        id
    }

    fn task(&mut self, hours: u64, title: &str) -> TaskId {
        self.create(hours, NewTask { title: title.into(), ..NewTask::default() })
    }

    fn moved(&mut self, hours: u64, task: &TaskId, to: &str) {
        self.run(hours, Command::Status { task: task.clone(), to: to.into(), force: true });
    }

    fn stats(&self, hours: u64) -> Stats {
        self.app.world().set_clock(START + hours * HOUR);
        self.app.stats().unwrap()
    }

    fn weather(&self, hours: u64) -> Weather {
        self.app.world().set_clock(START + hours * HOUR);
        self.app.weather().unwrap()
    }
}

fn stays(stats: &Stats, status: &str) -> (i64, i64) {
    let found = stats.stays.iter().find(|(name, _)| name == status);
    found.map_or((0, 0), |(_, stays)| (stays.count, stays.seconds / 3600))
}

#[test]
fn time_in_status_counts_what_goes_on_and_stops_in_the_archive() {
    let mut tracker = Tracker::new();
    let (one, two) = (tracker.task(0, "one"), tracker.task(0, "two"));
    tracker.moved(10, &one, "in_progress");
    tracker.moved(14, &one, "blocked");
    tracker.moved(16, &one, "done");
    tracker.run(20, Command::Archive { task: two.clone() });
    let stats = tracker.stats(30);
    assert_eq!(stays(&stats, "backlog"), (2, 30), "ten hours and, until it was archived, twenty");
    assert_eq!(stays(&stats, "in_progress"), (1, 4));
    assert_eq!(stays(&stats, "done"), (1, 14), "it goes on");
    assert_eq!((stats.blocked.count, stats.blocked.seconds, stats.currently_blocked), (1, 7200, 0));
    assert_eq!((stats.active_tasks, stats.archived_tasks), (1, 1));
    assert_eq!((stats.total_events, stats.active_events), (6, 4));
    tracker.run(40, Command::Unarchive { task: two });
    assert_eq!(stays(&tracker.stats(41), "backlog"), (3, 31));
}

#[test]
fn velocity_tells_of_eight_weeks_and_of_archived_work_too() {
    let mut tracker = Tracker::new();
    let tasks: Vec<TaskId> = (0..4).map(|n| tracker.task(0, &format!("{n}"))).collect();
    tracker.moved(1, &tasks[0], "done");
    // Sunday 23:00 and Monday 00:00.
    tracker.moved(24 * 4 + 11, &tasks[1], "done");
    tracker.moved(24 * 4 + 12, &tasks[2], "done");
    tracker.run(24 * 4 + 13, Command::Archive { task: tasks[0].clone() });
    let velocity = tracker.stats(24 * 6).velocity;
    assert_eq!(velocity.len(), 8);
    assert_eq!(velocity[6..], [("2026-W27".to_owned(), 2), ("2026-W28".to_owned(), 1)]);
    let later = tracker.stats(24 * (4 + 7 * 7)).velocity;
    assert_eq!(later[0], ("2026-W27".to_owned(), 2));
    assert_eq!(tracker.stats(24 * (5 + 7 * 7)).velocity[0], ("2026-W28".to_owned(), 1));
}

#[test]
fn stale_is_what_is_open_and_untouched_for_seven_days() {
    let mut tracker = Tracker::new();
    let (old, done, archived) =
        (tracker.task(0, "old"), tracker.task(0, "done"), tracker.task(0, "archived"));
    tracker.moved(0, &done, "done");
    tracker.run(0, Command::Archive { task: archived });
    tracker.task(1, "younger");
    assert_eq!(tracker.stats(24 * 7 - 1).stale.count, 0);
    let stale = tracker.stats(24 * 7).stale;
    assert_eq!((stale.count, stale.first[0].id.as_str()), (1, old.as_str()));
    assert_eq!(tracker.weather(24 * 7).sky, Sky::Fair);
    assert_eq!(tracker.weather(24 * 7 + 1).sky, Sky::Stormy, "two of three");
}

#[test]
fn more_are_counted_than_named() {
    let mut tracker = Tracker::new();
    for n in 0..25 {
        tracker.task(n, "a task");
    }
    let stale = tracker.stats(24 * 30).stale;
    assert_eq!((stale.count, stale.first.len()), (25, 20));
    assert_eq!(stale.first[0].short_id.as_deref(), Some("LAT-1"), "the longest first");
}

#[test]
fn the_groups_are_by_number_and_the_statuses_in_order() {
    let mut tracker = Tracker::new();
    let task = |title: &str, tags: &[&str], who: Option<&str>| NewTask {
        title: title.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        assigned_to: who.map(|who| Actor::Plain(who.to_owned())),
        ..NewTask::default()
    };
    let one = tracker.create(0, task("one", &["a", "b"], Some("agent:x")));
    tracker.create(1, task("two", &["b"], None));
    let three = tracker.create(2, task("three", &["b", "c"], None));
    tracker.create(3, task("four", &[], None));
    tracker.moved(4, &one, "review");
    tracker.run(5, Command::Archive { task: three });
    let stats = tracker.stats(6);
    let named = |list: &[(&str, i64)]| list.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>();
    assert_eq!(stats.by_status, named(&[("backlog", 2), ("review", 1)]));
    assert_eq!(stats.by_tag, named(&[("b", 2), ("a", 1)]));
    assert_eq!(stats.by_assignee, named(&[("unassigned", 2), ("agent:x", 1)]));
    assert_eq!(stats.actors, named(&[("agent:a", 6)]));
    assert_eq!(stats.busiest[0].0.id, one.as_str());
    assert_eq!(stats.recent[0].id, one.as_str());
    assert_eq!(stats.recent.len(), 3);
}

#[test]
fn the_weather_names_what_needs_looking_at() {
    let mut tracker = Tracker::new();
    let tasks: Vec<TaskId> = (0..8).map(|n| tracker.task(0, &format!("{n}"))).collect();
    for task in &tasks[..6] {
        tracker.moved(1, task, "review");
    }
    tracker.moved(2, &tasks[6], "needs_human");
    let weather = tracker.weather(3);
    assert_eq!(weather.breaches, [Wip { status: "review".into(), current: 6, limit: 5 }]);
    assert_eq!((weather.unassigned.count, weather.needs_human.count), (6, 1));
    assert_eq!((weather.sky, weather.in_progress), (Sky::PartlyCloudy, 6));
    assert_eq!(weather.up_next.len(), 1);
    assert_eq!(weather.events_24h, 15, "of tasks");
    assert_eq!(tracker.weather(25).events_24h, 1 + 6, "those of the last day only");
    tracker.moved(30, &tasks[0], "done");
    assert_eq!(tracker.weather(50).done.count, 1);
    assert_eq!(tracker.weather(30 + 25).done.count, 1, "within three days, as there is nothing newer");
    assert_eq!(tracker.weather(30 + 73).done.count, 0);
}

#[test]
fn the_word_follows_what_is_stale_and_what_is_too_much() {
    for (stale, active, breaches, word) in [
        (0, 0, 0, Sky::Clear),
        (2, 10, 0, Sky::Fair),
        (3, 10, 0, Sky::PartlyCloudy),
        (0, 10, 1, Sky::PartlyCloudy),
        (5, 10, 0, Sky::Overcast),
        (0, 10, 2, Sky::Overcast),
        (6, 10, 0, Sky::Stormy),
        (0, 10, 3, Sky::Stormy),
    ] {
        assert_eq!(sky(stale, active, breaches), word, "{stale} {active} {breaches}");
    }
}
