//! Sums over the log, so that nobody has to walk it: the table `tallies`.
//!
//! They cover the log up to its last full block of [`BLOCK`] events and are brought up to date by
//! the write that makes the next block full; what came since is walked by whoever asks. So they
//! are a function of the first events to arrive, whatever these are about and whatever their order
//! in a history.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Row, params};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::StoreError;
use super::search_index::BATCH as BLOCK;
use super::unplaced::SqlResult;
use crate::domain::Timestamp;
use crate::domain::event::kind;
use crate::domain::id::{EventId, ulid_value};

/// What a row is about; its name stands in the column `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// By actor: how many events about tasks.
    Actor,
    /// By week: how many moves to `done`.
    Done,
    /// By status: how many stays go on, and the sum of the seconds at which they began.
    Going,
    /// By the last place in the canonical order that one of a block's events has: how many of them
    /// are about tasks, and the place of the first in the log.
    Span,
    /// By status: how many stays have ended, and how many seconds they took.
    Stay,
    /// The latest second at which a stay began, and the place in the log up to which all is summed.
    Until,
}

impl Kind {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Actor, "actor"),
        (Self::Done, "done"),
        (Self::Going, "going"),
        (Self::Span, "span"),
        (Self::Stay, "stay"),
        (Self::Until, "until"),
    ];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// How many, and a sum over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: i64,
    pub(super) total: i64,
}

/// The rows of the table, as far as they are needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tallies {
    rows: BTreeMap<(Kind, String), Tally>,
}

impl Tallies {
    fn add(&mut self, kind: Kind, name: &str, count: i64, total: i64) {
        let tally = self.rows.entry((kind, name.to_owned())).or_default();
        tally.count = tally.count.saturating_add(count);
        tally.total = tally.total.saturating_add(total);
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, Tally)> {
        let rows = self.rows.range((kind, String::new())..);
        rows.take_while(move |((of, _), _)| *of == kind).map(|((_, name), tally)| (name.as_str(), *tally))
    }

    fn until(&self) -> Tally {
        self.of(Kind::Until).next().map(|(_, tally)| tally).unwrap_or_default()
    }

    fn reach(&mut self, until: Tally) {
        self.rows.insert((Kind::Until, String::new()), until);
    }

    /// Events about tasks by actor.
    pub(super) fn actors(&self) -> impl Iterator<Item = (&str, i64)> {
        self.of(Kind::Actor).map(|(name, tally)| (name, tally.count))
    }

    /// Moves to `done` by week.
    pub(super) fn done(&self) -> impl Iterator<Item = (&str, i64)> {
        self.of(Kind::Done).map(|(week, tally)| (week, tally.count))
    }

    /// Stays by status, how many and how many seconds; some twice: those that have ended, and those
    /// that go on, which end `now`.
    pub(super) fn stays(&self, now: i64) -> impl Iterator<Item = (&str, Tally)> {
        let going = self.of(Kind::Going).map(move |(status, Tally { count, total })| {
            (status, Tally { count, total: count.saturating_mul(now).saturating_sub(total) })
        });
        self.of(Kind::Stay).chain(going)
    }
}

/// Hears of every append: `before` and `after` are the ends of the log.
pub(super) fn appended(conn: &Connection, before: i64, after: i64) -> Result<(), StoreError> {
    if before / BLOCK == after / BLOCK {
        return Ok(());
    }
    bring_up(conn, conn, load(conn)?, after)
}

/// Makes the table anew.
pub(super) fn rebuild(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM tallies", []).sql()?;
    bring_up(conn, conn, Tallies::default(), end(conn)?)
}

/// Makes in `fresh`, where there are none, those rows that `conn` should have by now.
pub(super) fn replay(conn: &Connection, fresh: &Connection) -> Result<(), StoreError> {
    let until = load(conn)?.until().total;
    bring_up(conn, fresh, Tallies::default(), until.min(end(conn)?))
}

fn end(conn: &Connection) -> Result<i64, StoreError> {
    conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).sql()
}

/// Sums up the log of `source` to its last full block that ends at `end` or before, and writes in
/// `target` what is then other than `kept`.
fn bring_up(source: &Connection, target: &Connection, kept: Tallies, end: i64) -> Result<(), StoreError> {
    let end = end / BLOCK * BLOCK;
    if end <= kept.until().total {
        return Ok(());
    }
    let mut tallies = kept.clone();
    tallies.walk(source, end, i64::MAX)?;
    for (key, tally) in tallies.rows {
        let (kind, name) = (key.0.name(), key.1.as_str());
        if tally == Tally::default() {
            target
                .prepare_cached("DELETE FROM tallies WHERE kind = ?1 AND name = ?2")
                .sql()?
                .execute([kind, name])
                .sql()?;
        } else if kept.rows.get(&key) != Some(&tally) {
            target
                .prepare_cached(
                    "INSERT OR REPLACE INTO tallies (kind, name, count, total) VALUES (?1,?2,?3,?4)",
                )
                .sql()?
                .execute(params![kind, name, tally.count, tally.total])
                .sql()?;
        }
    }
    Ok(())
}

/// What is kept, but for the spans.
fn load(conn: &Connection) -> Result<Tallies, StoreError> {
    let mut statement = conn
        .prepare_cached(
            "SELECT kind, name, count, total FROM tallies WHERE kind IN ('actor', 'done', 'going', 'stay', 'until')",
        )
        .sql()?;
    let mut found = statement.query([]).sql()?;
    let mut tallies = Tallies::default();
    while let Some(row) = found.next().sql()? {
        if let Some(kind) = Kind::named(row.get_ref(0).sql()?.as_str().unwrap_or_default()) {
            let tally = Tally { count: row.get(2).sql()?, total: row.get(3).sql()? };
            tallies.rows.insert((kind, row.get(1).sql()?), tally);
        }
    }
    Ok(tallies)
}

/// The sums over the whole log. A stay that begins after `now` has no length yet.
pub(super) fn at(conn: &Connection, now: i64) -> Result<Tallies, StoreError> {
    let kept = load(conn)?;
    // Of stays that go on only a sum is kept, which cannot tell what began after `now`. That
    // happens where clocks disagree; then all is walked.
    let mut tallies = if kept.until().count > now { Tallies::default() } else { kept };
    tallies.walk(conn, i64::MAX, now)?;
    Ok(tallies)
}

/// Events about tasks from this moment on, by their place in the canonical order.
pub(super) fn events_since(conn: &Connection, since: Timestamp) -> Result<i64, StoreError> {
    let first = EventId::from_value(ulid_value(since.millis(), 0));
    conn.query_row(
        "SELECT (SELECT count(*) FROM tallies s CROSS JOIN events e ON e.seq BETWEEN s.total AND s.total + ?2 - 1
                  WHERE s.kind = 'span' AND s.name >= ?1 AND e.sort_key >= ?1 AND e.task_id IS NOT NULL)
              + (SELECT count(*) FROM events WHERE sort_key >= ?1 AND task_id IS NOT NULL
                    AND seq > coalesce((SELECT total FROM tallies WHERE kind = 'until'), 0))",
        params![&first.as_str()[EventId::PREFIX.len()..], BLOCK],
        |row| row.get(0),
    )
    .sql()
}

/// Something that begins or ends a stay in a status. The creation counts first, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    later: bool,
    key: String,
    turn: Turn,
    at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Created(String),
    Moved(String),
    Archived,
    Unarchived,
}

/// The columns that a mark is read from.
const MARK: &str = "sort_key, type, ts, CASE WHEN type IN ('status_changed', 'task_created') THEN raw END";

/// What of an event's text a mark needs.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

/// The text that a member of an event's data is, `None` where it is something else. SQLite would read
/// the whole event into a form of its own first.
fn member(raw: &str, of: impl Fn(&Data<'_>) -> Option<String>) -> Result<Option<String>, StoreError> {
    let said: Said<'_> = serde_json::from_str(raw)
        .map_err(|error| StoreError::Corrupt { detail: format!("a stored event does not read: {error}") })?;
    Ok(said.data.and_then(|data| of(&serde_json::from_str(data.get()).ok()?)))
}

fn text(json: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(json?.get()).ok()
}

impl Mark {
    /// `None` for events of other types and for what the fold gives no meaning to.
    fn of(row: &Row<'_>) -> Result<Option<Self>, StoreError> {
        let column = |column| row.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
        let turn = match column(1)? {
            kind::TASK_CREATED => {
                Turn::Created(member(column(3)?, |data| text(data.status))?.unwrap_or_default())
            }
            kind::STATUS_CHANGED => match member(column(3)?, |data| text(data.to))? {
                Some(to) => Turn::Moved(to),
                None => return Ok(None),
            },
            kind::TASK_ARCHIVED => Turn::Archived,
            kind::TASK_UNARCHIVED => Turn::Unarchived,
            _ => return Ok(None),
        };
        let Some(at) = Timestamp::parse(column(2)?).map(Timestamp::seconds) else { return Ok(None) };
        let later = !matches!(turn, Turn::Created(_));
        Ok(Some(Self { later, key: column(0)?.to_owned(), turn, at }))
    }
}

impl Tallies {
    /// Adds what came in the log after what is summed up, to the place `end`. What goes on counts
    /// as begun at `now`, if it begins later.
    fn walk(&mut self, conn: &Connection, end: i64, now: i64) -> Result<(), StoreError> {
        let Tally { count: mut latest, total: begin } = self.until();
        let mut statement = conn
            .prepare_cached(&format!(
                "SELECT {MARK}, seq, task_id, actor FROM events WHERE seq > ?1 AND seq <= ?2 AND task_id IS NOT NULL"
            ))
            .sql()?;
        let mut events = statement.query([begin, end]).sql()?;
        let mut of_tasks: HashMap<String, Vec<Mark>> = HashMap::new();
        let mut by_actor: HashMap<String, i64> = HashMap::new();
        let mut span = Span::default();
        while let Some(event) = events.next().sql()? {
            let text = |column| event.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
            let actor = text(6)?;
            match by_actor.get_mut(actor) {
                Some(count) => *count += 1,
                None => drop(by_actor.insert(actor.to_owned(), 1)),
            }
            span.add(event.get(4).sql()?, text(0)?, self);
            let Some(mark) = Mark::of(event)? else { continue };
            latest = latest.max(mark.at);
            if mark.turn == Turn::Moved("done".to_owned()) {
                self.add(Kind::Done, &Timestamp::from_seconds(mark.at).week(), 1, 0);
            }
            match of_tasks.get_mut(text(5)?) {
                Some(marks) => marks.push(mark),
                None => drop(of_tasks.insert(text(5)?.to_owned(), vec![mark])),
            }
        }
        span.end(self);
        for (actor, count) in by_actor {
            self.add(Kind::Actor, &actor, count, 0);
        }
        for (task, mut marks) in of_tasks {
            if begin > 0 {
                let mut before = marks_until(conn, &task, begin)?;
                before.sort_unstable();
                self.count(&before, now, -1);
                marks.append(&mut before);
            }
            marks.sort_unstable();
            self.count(&marks, now, 1);
        }
        self.reach(Tally { count: latest, total: end });
        Ok(())
    }

    /// Adds up how long a task was in which status, or takes it away. Nothing counts while it is
    /// archived, nor anything before a creation.
    fn count(&mut self, marks: &[Mark], now: i64, sign: i64) {
        let mut status: Option<&str> = None;
        let mut begun: Option<i64> = None;
        let mut end = |status: Option<&str>, begun: Option<i64>, at: i64| {
            if let (Some(status), Some(begun)) = (status, begun) {
                // A clock may have been set back meanwhile.
                self.add(Kind::Stay, status, sign, sign * (at - begun).max(0));
            }
        };
        for Mark { turn, at, .. } in marks {
            match turn {
                Turn::Created(first) if status.is_none() => {
                    (status, begun) = (Some(first.as_str()), Some(*at))
                }
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
        if let (Some(status), Some(begun)) = (status, begun) {
            self.add(Kind::Going, status, sign, sign * begun.min(now));
        }
    }
}

/// What happened to a task in the log up to a place.
fn marks_until(conn: &Connection, task: &str, end: i64) -> Result<Vec<Mark>, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {MARK} FROM events WHERE task_id = ?1 AND seq <= ?2")).sql()?;
    let mut found = statement.query(params![task, end]).sql()?;
    let mut marks = Vec::new();
    while let Some(row) = found.next().sql()? {
        marks.extend(Mark::of(row)?);
    }
    Ok(marks)
}

/// A block of the log in the making.
#[derive(Default)]
struct Span {
    block: i64,
    last_key: String,
    count: i64,
}

impl Span {
    fn add(&mut self, seq: i64, key: &str, tallies: &mut Tallies) {
        let block = (seq - 1) / BLOCK;
        if block != self.block {
            self.end(tallies);
            self.block = block;
        }
        self.count += 1;
        if key > self.last_key.as_str() {
            key.clone_into(&mut self.last_key);
        }
    }

    fn end(&mut self, tallies: &mut Tallies) {
        if self.count > 0 {
            tallies.add(Kind::Span, &self.last_key, self.count, self.block * BLOCK + 1);
        }
        (self.count, self.last_key) = (0, String::new());
    }
}
