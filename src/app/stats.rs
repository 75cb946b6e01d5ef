//! What there is to count, and what needs looking at: `stats` and `weather`.

use std::collections::BTreeMap;

use super::{App, Failure, POOL};
use crate::domain::time::DAY;
use crate::domain::{Config, Task, Timestamp};
use crate::store::{Several, Stays, TaskCounts, TaskLine};

/// Days without a change after which an open task is stale.
pub const STALE_DAYS: i64 = 7;
/// Weeks that the velocity is told of, the present one included.
const WEEKS: i64 = 8;
/// Tasks that are up next, at most.
const UP_NEXT: usize = 10;
/// Actors that are named, at most.
const ACTORS: usize = 10;

/// A name and how many.
pub type Count = (String, i64);

/// All that `stats` tells.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Stats {
    pub now: i64,
    pub active_tasks: i64,
    pub archived_tasks: i64,
    pub total_events: i64,
    /// Of tasks that are not archived.
    pub active_events: i64,
    /// In the order of the workflow; the rest by number.
    pub by_status: Vec<Count>,
    pub by_priority: Vec<Count>,
    pub by_type: Vec<Count>,
    pub by_assignee: Vec<Count>,
    pub by_tag: Vec<Count>,
    pub wip: Vec<Wip>,
    pub recent: Vec<TaskLine>,
    pub stale: Several,
    pub busiest: Vec<(TaskLine, i64)>,
    /// Weeks with how many tasks were done, the oldest first.
    pub velocity: Vec<Count>,
    /// In the order of the workflow.
    pub stays: Vec<(String, Stays)>,
    pub blocked: Stays,
    pub currently_blocked: i64,
    /// Who wrote the most events.
    pub actors: Vec<Count>,
}

/// A status that is to hold so many tasks at most.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Wip {
    pub status: String,
    pub current: i64,
    pub limit: i64,
}

impl Wip {
    /// Whether it holds more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.current > self.limit
    }
}

/// How things stand, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub enum Sky {
    Clear,
    Fair,
    PartlyCloudy,
    Overcast,
    Stormy,
}

/// All that `weather` tells.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Weather {
    pub now: i64,
    pub project: String,
    pub date: String,
    pub sky: Sky,
    pub active_tasks: i64,
    pub in_progress: i64,
    pub events_24h: i64,
    pub stale: Several,
    pub breaches: Vec<Wip>,
    pub unassigned: Several,
    pub needs_human: Several,
    /// Done within a day, or, if that is none, within three; archived ones too.
    pub done: Several,
    pub up_next: Vec<Task>,
}

impl App {
    /// Counts tasks and events.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn stats(&self) -> Result<Stats, Failure> {
        let now = self.world().now();
        self.read(|reader| {
            let config = reader.config()?;
            let tasks = reader.task_counts(&stale_until(now))?;
            let events = reader.event_counts(now)?;
            let week = |ago: i64| now.plus(-7 * DAY * ago).week();
            let velocity = (0..WEEKS).rev().map(week);
            let velocity = velocity.map(|week| (events.done.get(&week).copied().unwrap_or_default(), week));
            let mut actors = by_number(&events.by_actor);
            actors.truncate(ACTORS);
            Ok(Stats {
                now: now.seconds(),
                active_tasks: tasks.active,
                archived_tasks: tasks.archived,
                total_events: events.total,
                active_events: tasks.events,
                by_status: in_order(&config, &tasks.by_status),
                by_priority: by_number(&named(&tasks.by_priority, "none")),
                by_type: by_number(&named(&tasks.by_type, "none")),
                by_assignee: by_number(&named(&tasks.by_assignee, "unassigned")),
                by_tag: by_number(&tasks.by_tag),
                wip: limits(&config, &tasks),
                blocked: events.stays.get("blocked").copied().unwrap_or_default(),
                currently_blocked: tasks.by_status.get("blocked").copied().unwrap_or_default(),
                recent: tasks.recent,
                stale: tasks.stale,
                busiest: tasks.busiest,
                velocity: velocity.map(|(count, week)| (week, count)).collect(),
                stays: in_order(&config, &events.stays),
                actors,
            })
        })
    }

    /// How things stand and what needs looking at.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn weather(&self) -> Result<Weather, Failure> {
        let now = self.world().now();
        self.read(|reader| {
            let config = reader.config()?;
            let tasks = reader.task_counts(&stale_until(now))?;
            let breaches: Vec<Wip> = limits(&config, &tasks).into_iter().filter(Wip::is_over).collect();
            let mut done = reader.done_since(&now.plus(-DAY).to_string())?;
            if done.count == 0 {
                done = reader.done_since(&now.plus(-3 * DAY).to_string())?;
            }
            let at_work = |status: &&str| tasks.by_status.get(*status).copied().unwrap_or_default();
            Ok(Weather {
                now: now.seconds(),
                project: self.project_name(&config),
                date: now.date(),
                sky: sky(tasks.stale.count, tasks.active, breaches.len()),
                active_tasks: tasks.active,
                in_progress: crate::store::AT_WORK.iter().map(at_work).sum(),
                events_24h: reader.events_since(now.plus(-DAY))?,
                stale: tasks.stale,
                breaches,
                unassigned: tasks.unassigned,
                needs_human: tasks.needs_human,
                done,
                up_next: reader.ready(&POOL.map(str::to_owned), None, Some(UP_NEXT))?,
            })
        })
    }

    /// The configured name, else the project code, else the name of the folder.
    fn project_name(&self, config: &Config) -> String {
        let configured = |key: &str| config.get(key).and_then(|name| name.as_str()).map(str::to_owned);
        let folder = || self.root().project.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = configured("/project_name").or_else(|| configured("/instance_name"));
        let name = name.or_else(|| configured("/project_code"));
        name.filter(|name| !name.trim().is_empty()).or_else(folder).unwrap_or_default()
    }
}

fn stale_until(now: Timestamp) -> String {
    now.plus(-STALE_DAYS * DAY).to_string()
}

fn limits(config: &Config, tasks: &TaskCounts) -> Vec<Wip> {
    let one = |status: String| {
        let limit = i64::try_from(config.wip_limit(&status)?).unwrap_or(i64::MAX);
        let current = tasks.by_status.get(&status).copied().unwrap_or_default();
        Some(Wip { status, current, limit })
    };
    config.statuses().into_iter().filter_map(one).collect()
}

fn sky(stale: i64, active: i64, breaches: usize) -> Sky {
    match (stale, breaches) {
        (_, 3..) => Sky::Stormy,
        _ if stale * 2 > active => Sky::Stormy,
        (5.., _) | (_, 2) => Sky::Overcast,
        (3..=4, _) | (_, 1) => Sky::PartlyCloudy,
        (1..=2, _) => Sky::Fair,
        _ => Sky::Clear,
    }
}

/// What has no name gets one.
fn named(counts: &BTreeMap<String, i64>, nameless: &str) -> BTreeMap<String, i64> {
    let name = |key: &String| if key.is_empty() { nameless.to_owned() } else { key.clone() };
    counts.iter().map(|(key, count)| (name(key), *count)).collect()
}

/// The most first, then by name.
fn by_number(counts: &BTreeMap<String, i64>) -> Vec<Count> {
    let mut list: Vec<Count> = counts.iter().map(|(name, count)| (name.clone(), *count)).collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    list
}

/// Statuses in the order of the workflow, then those that it no longer has.
fn in_order<T: Clone>(config: &Config, by_status: &BTreeMap<String, T>) -> Vec<(String, T)> {
    let statuses = config.statuses();
    let place = |name: &str| statuses.iter().position(|status| status == name).unwrap_or(usize::MAX);
    let mut list: Vec<(String, T)> =
        by_status.iter().map(|(name, what)| (name.clone(), what.clone())).collect();
    list.sort_by_key(|(name, _)| place(name));
    list
}

#[cfg(test)]
#[path = "stats_tests.rs"]
mod tests;
