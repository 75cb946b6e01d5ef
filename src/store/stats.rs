//! What there is to count: two walks, one over the tasks and one over the log. Neither keeps what
//! it passes; what is named in the end is looked up by id.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::unplaced::SqlResult;
use crate::domain::Timestamp;
use crate::domain::event::kind;
use crate::domain::id::{EventId, ulid_value};

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
struct First {
    ids: BTreeSet<(String, String)>,
    count: i64,
    most: usize,
    last_first: bool,
}

impl First {
    fn new(most: usize, last_first: bool) -> Self {
        Self { ids: BTreeSet::new(), count: 0, most, last_first }
    }

    fn add(&mut self, key: &str, id: &str) {
        self.count += 1;
        self.ids.insert((key.to_owned(), id.to_owned()));
        if self.ids.len() > self.most {
            if self.last_first {
                self.ids.pop_first()
            } else {
                self.ids.pop_last()
            };
        }
    }

    fn found(self, conn: &Connection) -> Result<Several, StoreError> {
        let mut ids: Vec<String> = self.ids.into_iter().map(|(_, id)| id).collect();
        if self.last_first {
            ids.reverse();
        }
        let first = ids.iter().map(|id| line(conn, id)).collect::<Result<_, _>>()?;
        Ok(Several { count: self.count, first })
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
    let mut statement = conn
        .prepare(
            "SELECT id, status, coalesce(priority, ''), coalesce(type, ''), coalesce(assigned_to, ''), updated_at,
                    open, needs_human FROM tasks WHERE archived = 0",
        )
        .sql()?;
    let mut tasks = statement.query([]).sql()?;
    while let Some(task) = tasks.next().sql()? {
        let text = |column| task.get_ref(column).map(|value| value.as_str().unwrap_or_default());
        let (id, status, assignee, updated_at) =
            (text(0).sql()?, text(1).sql()?, text(4).sql()?, text(5).sql()?);
        let (open, asks): (bool, bool) = (task.get(6).sql()?, task.get(7).sql()?);
        counts.active += 1;
        add(&mut counts.by_status, status);
        add(&mut counts.by_priority, text(2).sql()?);
        add(&mut counts.by_type, text(3).sql()?);
        add(&mut counts.by_assignee, assignee);
        recent.add(updated_at, id);
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

/// How many tasks that are not archived bear each tag.
pub(super) fn tag_counts(conn: &Connection) -> Result<BTreeMap<String, i64>, StoreError> {
    conn.prepare(
        "SELECT g.tag, count(*) FROM task_tags g CROSS JOIN tasks t ON t.id = g.task_id AND t.archived = 0 GROUP BY g.tag",
    )
    .sql()?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
    .sql()?
    .collect::<Result<_, _>>()
    .sql()
}

/// Stays in a status: how many, and how long together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Stays {
    pub count: i64,
    pub seconds: i64,
}

/// What the log says, archived tasks included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct EventCounts {
    pub total: i64,
    /// Of tasks that are not archived.
    pub active: i64,
    pub by_actor: BTreeMap<String, i64>,
    /// Tasks that are not archived with the most events, and how many these are.
    pub busiest: Vec<(TaskLine, i64)>,
    /// Times of moves to `done`.
    pub done: Vec<Timestamp>,
    pub stays: BTreeMap<String, Stays>,
}

/// Something that begins or ends a stay in a status. The creation counts first, wherever it stands.
type Mark = (bool, String, Turn, i64);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Created(String),
    Moved(String),
    Archived,
    Unarchived,
}

/// Counts what happened to tasks. Stays that go on end `now`; moves to `done` count from `since`.
pub(super) fn event_counts(
    conn: &Connection,
    since: Timestamp,
    now: Timestamp,
) -> Result<EventCounts, StoreError> {
    let mut counts = EventCounts::default();
    let mut of_task: HashMap<String, (i64, Vec<Mark>)> = HashMap::new();
    let mut statement = conn
        .prepare(
            "SELECT task_id, sort_key, type, ts, actor, CASE type WHEN 'status_changed' THEN raw ->> '$.data.to'
                    WHEN 'task_created' THEN raw ->> '$.data.status' END FROM events WHERE task_id IS NOT NULL",
        )
        .sql()?;
    let mut events = statement.query([]).sql()?;
    while let Some(event) = events.next().sql()? {
        let text = |column| event.get_ref(column).map(|value| value.as_str().unwrap_or_default());
        counts.total += 1;
        add(&mut counts.by_actor, text(4).sql()?);
        let task = text(0).sql()?;
        if !of_task.contains_key(task) {
            of_task.insert(task.to_owned(), (0, Vec::new()));
        }
        let Some((count, marks)) = of_task.get_mut(task) else { continue };
        *count += 1;
        let turn = match text(2).sql()? {
            kind::TASK_CREATED => Turn::Created(text(5).sql()?.to_owned()),
            kind::STATUS_CHANGED => Turn::Moved(text(5).sql()?.to_owned()),
            kind::TASK_ARCHIVED => Turn::Archived,
            kind::TASK_UNARCHIVED => Turn::Unarchived,
            _ => continue,
        };
        let Some(at) = Timestamp::parse(text(3).sql()?) else { continue };
        if at >= since && turn == Turn::Moved("done".to_owned()) {
            counts.done.push(at);
        }
        let later = !matches!(turn, Turn::Created(_));
        marks.push((later, text(1).sql()?.to_owned(), turn, at.seconds()));
    }
    for (_, marks) in of_task.values_mut() {
        marks.sort_unstable();
        stays(marks, now.seconds(), &mut counts.stays);
    }
    let mut active = conn.prepare("SELECT id FROM tasks WHERE archived = 0").sql()?;
    let mut active = active.query([]).sql()?;
    let mut busiest = First::new(RANKED, true);
    while let Some(row) = active.next().sql()? {
        let id: String = row.get(0).sql()?;
        let count = of_task.get(&id).map_or(0, |(count, _)| *count);
        counts.active += count;
        busiest.add(&format!("{count:020}"), &id);
    }
    for line in busiest.found(conn)?.first {
        let count = of_task.get(&line.id).map_or(0, |(count, _)| *count);
        counts.busiest.push((line, count));
    }
    Ok(counts)
}

/// Adds up how long a task was in which status. Nothing counts while it is archived, nor anything
/// before a creation.
fn stays(marks: &[Mark], now: i64, sums: &mut BTreeMap<String, Stays>) {
    let mut status: Option<&str> = None;
    let mut begun: Option<i64> = None;
    let mut end = |status: Option<&str>, begun: Option<i64>, at: i64| {
        if let (Some(status), Some(begun)) = (status, begun) {
            let sum = sums.entry(status.to_owned()).or_default();
            sum.count += 1;
            // A clock may have been set back meanwhile.
            sum.seconds += (at - begun).max(0);
        }
    };
    for (_, _, turn, at) in marks {
        match turn {
            Turn::Created(first) if status.is_none() => (status, begun) = (Some(first.as_str()), Some(*at)),
            Turn::Moved(to) if status.is_some_and(|status| status != to) => {
                end(status, begun, *at);
                (status, begun) = (Some(to.as_str()), begun.map(|_| *at));
            }
            Turn::Archived => {
                end(status, begun, *at);
                begun = None;
            }
            Turn::Unarchived if begun.is_none() => begun = Some(*at),
            _ => {}
        }
    }
    end(status, begun, now);
}

/// How many events there are from this moment on, by their place in the canonical order.
pub(super) fn events_since(conn: &Connection, since: Timestamp) -> Result<i64, StoreError> {
    let first = EventId::from_value(ulid_value(since.millis(), 0));
    conn.query_row(
        "SELECT count(*) FROM events INDEXED BY events_by_task WHERE task_id IS NOT NULL AND sort_key >= ?1",
        [&first.as_str()[EventId::PREFIX.len()..]],
        |row| row.get(0),
    )
    .sql()
}

/// Tasks that have been done since then, archived ones too, the latest first.
pub(super) fn done_since(conn: &Connection, since: &str) -> Result<Several, StoreError> {
    let mut done = First::new(NAMED, true);
    let mut statement = conn.prepare("SELECT done_at, id FROM tasks WHERE done_at >= ?1").sql()?;
    let mut tasks = statement.query(params![since]).sql()?;
    while let Some(task) = tasks.next().sql()? {
        done.add(&task.get::<_, String>(0).sql()?, &task.get::<_, String>(1).sql()?);
    }
    done.found(conn)
}
