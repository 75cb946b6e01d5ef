//! What there is to count: one walk over an index that says of each task what is asked for, and the
//! sums over the log. What is named in the end is looked up by id.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;

use super::error::StoreError;
use super::unplaced::SqlResult;
use super::{rows, tallies};
use crate::domain::Timestamp;

/// Tasks that are named of each kind, at most; all are counted.
pub const NAMED: usize = 20;
/// Tasks that are named because of a rank, at most.
const RANKED: usize = 5;

/// A task in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct TaskLine {
    pub id: String,
    pub short_id: Option<String>,
    pub title: String,
    pub status: String,
    pub updated_at: String,
}

/// Tasks of a kind: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Several {
    /// How many there are.
    pub count: i64,
    /// The first of them, at most [`NAMED`].
    pub first: Vec<TaskLine>,
}

/// What the tasks that are not archived are. Where a task has none of something, the text is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct TaskCounts {
    pub active: i64,
    pub archived: i64,
    pub by_status: BTreeMap<String, i64>,
    pub by_priority: BTreeMap<String, i64>,
    pub by_type: BTreeMap<String, i64>,
    pub by_assignee: BTreeMap<String, i64>,
    pub by_tag: BTreeMap<String, i64>,
    /// How many events they have.
    pub events: i64,
    /// Those with the most events, and how many these are.
    pub busiest: Vec<(TaskLine, i64)>,
    /// The latest change first.
    pub recent: Vec<TaskLine>,
    /// Open and unchanged for long, the longest first.
    pub stale: Several,
    /// Open and asking for a human, by id.
    pub needs_human: Several,
    /// Under way with nobody doing it, by id.
    pub unassigned: Several,
}

/// Statuses in which somebody is at work.
pub const AT_WORK: [&str; 3] = ["in_planning", "in_progress", "review"];

/// Ids in an order, no more than wanted.
struct First<K> {
    ids: BTreeSet<(K, String)>,
    count: i64,
    most: usize,
    last_first: bool,
}

impl<K: Ord> First<K> {
    fn new(most: usize, last_first: bool) -> Self {
        Self { ids: BTreeSet::new(), count: 0, most, last_first }
    }

    fn add<Q: Ord + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q, id: &str)
    where
        K: Borrow<Q>,
    {
        self.count += 1;
        if self.ids.len() == self.most {
            let worst = if self.last_first { self.ids.first() } else { self.ids.last() };
            let order = worst.map(|(than, other)| key.cmp(than.borrow()).then_with(|| id.cmp(other)));
            if order.is_some_and(|order| if self.last_first { order.is_lt() } else { order.is_gt() }) {
                return;
            }
        }
        self.ids.insert((key.to_owned(), id.to_owned()));
        if self.ids.len() > self.most {
            if self.last_first {
                self.ids.pop_first()
            } else {
                self.ids.pop_last()
            };
        }
    }

    fn lines(self, conn: &Connection) -> Result<Vec<(TaskLine, K)>, StoreError> {
        let line = |(key, id): (K, String)| line(conn, &id).map(|line| (line, key));
        if self.last_first {
            self.ids.into_iter().rev().map(line).collect()
        } else {
            self.ids.into_iter().map(line).collect()
        }
    }

    fn found(self, conn: &Connection) -> Result<Several, StoreError> {
        let count = self.count;
        Ok(Several { count, first: self.lines(conn)?.into_iter().map(|(line, _)| line).collect() })
    }
}

fn line(conn: &Connection, id: &str) -> Result<TaskLine, StoreError> {
    conn.prepare_cached("SELECT id, short_id, title, status, updated_at FROM tasks WHERE id = ?1")
        .sql()?
        .query_row([id], |row| {
            Ok(TaskLine {
                id: row.get(0)?,
                short_id: row.get(1)?,
                title: row.get(2)?,
                status: row.get(3)?,
                updated_at: row.get(4)?,
            })
        })
        .sql()
}

/// Counts the tasks; stale are open ones that nothing has happened to after `stale_until`.
pub(super) fn task_counts(conn: &Connection, stale_until: &str) -> Result<TaskCounts, StoreError> {
    let mut counts = TaskCounts::default();
    let (mut recent, mut stale) = (First::new(RANKED, true), First::new(NAMED, false));
    let (mut needs_human, mut unassigned) = (First::new(NAMED, false), First::new(NAMED, false));
    let mut busiest = First::new(RANKED, true);
    let mut by_tags: HashMap<String, i64> = HashMap::new();
    // Every column stands in the index, so that no task itself is read.
    let mut statement = conn
        .prepare(
            "SELECT id, status, updated_at, assigned_to, priority, type, tags, event_count, open, needs_human
               FROM tasks INDEXED BY tasks_by_status WHERE archived = 0",
        )
        .sql()?;
    let mut tasks = statement.query([]).sql()?;
    while let Some(task) = tasks.next().sql()? {
        // Where there is none the text is empty.
        let text = |column| {
            let text = task.get_ref(column).map(|value| value.as_str_or_null().unwrap_or_default());
            text.sql().map(Option::unwrap_or_default)
        };
        let (id, status, updated_at, assignee) = (text(0)?, text(1)?, text(2)?, text(3)?);
        let events: i64 = task.get(7).sql()?;
        let (open, asks): (bool, bool) = (task.get(8).sql()?, task.get(9).sql()?);
        counts.active += 1;
        counts.events += events;
        add(&mut counts.by_status, status);
        add(&mut counts.by_assignee, assignee);
        add(&mut counts.by_priority, text(4)?);
        add(&mut counts.by_type, text(5)?);
        match (text(6)?, by_tags.get_mut(text(6)?)) {
            ("", _) => {}
            (_, Some(count)) => *count += 1,
            (tags, None) => drop(by_tags.insert(tags.to_owned(), 1)),
        }
        recent.add(updated_at, id);
        busiest.add(&events, id);
        if open && updated_at <= stale_until {
            stale.add(updated_at, id);
        }
        if open && asks {
            needs_human.add(id, id);
        }
        if assignee.is_empty() && AT_WORK.contains(&status) {
            unassigned.add(id, id);
        }
    }
    for (tags, count) in by_tags {
        let tags: BTreeSet<String> = rows::decoded(&tags, "tasks.tags")?;
        for tag in tags {
            *counts.by_tag.entry(tag).or_default() += count;
        }
    }
    counts.busiest = busiest.lines(conn)?;
    counts.recent = recent.found(conn)?.first;
    counts.stale = stale.found(conn)?;
    counts.needs_human = needs_human.found(conn)?;
    counts.unassigned = unassigned.found(conn)?;
    let all: i64 = conn.query_row("SELECT count(*) FROM tasks", [], |row| row.get(0)).sql()?;
    counts.archived = all - counts.active;
    Ok(counts)
}

fn add(counts: &mut BTreeMap<String, i64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => drop(counts.insert(key.to_owned(), 1)),
    }
}

/// Stays in a status: how many, and how long together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Stays {
    pub count: i64,
    pub seconds: i64,
}

/// What the log says of tasks, archived ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct EventCounts {
    pub total: i64,
    pub by_actor: BTreeMap<String, i64>,
    /// Moves to `done` by week, `YYYY-Www`.
    pub done: BTreeMap<String, i64>,
    pub stays: BTreeMap<String, Stays>,
}

/// Counts what happened to tasks. Stays that go on end `now`.
pub(super) fn event_counts(conn: &Connection, now: Timestamp) -> Result<EventCounts, StoreError> {
    let tallies = tallies::at(conn, now.seconds())?;
    let owned = |(name, count): (&str, i64)| (name.to_owned(), count);
    let mut counts = EventCounts {
        by_actor: tallies.actors().map(owned).collect(),
        done: tallies.done().map(owned).collect(),
        ..EventCounts::default()
    };
    counts.total = counts.by_actor.values().sum();
    for (status, tally) in tallies.stays(now.seconds()) {
        let stays = counts.stays.entry(status.to_owned()).or_default();
        stays.count += tally.count;
        stays.seconds += tally.total;
    }
    counts.stays.retain(|_, stays| stays.count > 0);
    Ok(counts)
}

/// Tasks that have been done since then, archived ones too, the latest first.
pub(super) fn done_since(conn: &Connection, since: &str) -> Result<Several, StoreError> {
    let mut done = First::new(NAMED, true);
    let mut statement =
        conn.prepare("SELECT done_at, id FROM tasks INDEXED BY tasks_by_done WHERE done_at >= ?1").sql()?;
    let mut tasks = statement.query([since]).sql()?;
    while let Some(task) = tasks.next().sql()? {
        let text = |column| task.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
        done.add(text(0)?, text(1)?);
    }
    done.found(conn)
}
