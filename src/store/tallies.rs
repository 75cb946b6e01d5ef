//! Sums over the log, so that nobody has to walk it: the table `tallies`.
//!
//! They cover the log up to its last full block of [`BLOCK`] events and are brought up to date by
//! the write that makes the next block full; what came since is walked by whoever asks. So they
//! are a function of the first events to arrive, whatever these are about and whatever their order
//! in a history.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::noted::AtHand;
use super::search_index::BATCH as BLOCK;
use super::unplaced::SqlResult;
use super::walk::{EventColumns, Mark, Walk};
use crate::domain::Timestamp;
use crate::domain::event::Event;
use crate::domain::id::{EventId, ulid_value};

/// What a row is about; its name stands in the column `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
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
    pub(super) fn add(&mut self, kind: Kind, name: &str, count: i64, total: i64) {
        let tally = self.rows.entry((kind, name.to_owned())).or_default();
        tally.count = tally.count.saturating_add(count);
        tally.total = tally.total.saturating_add(total);
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, Tally)> {
        let rows = self.rows.range((kind, String::new())..);
        rows.take_while(move |((of, _), _)| *of == kind).map(|((_, name), tally)| (name.as_str(), *tally))
    }

    pub(super) fn until(&self) -> Tally {
        self.of(Kind::Until).next().map(|(_, tally)| tally).unwrap_or_default()
    }

    pub(super) fn reach(&mut self, until: Tally) {
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
pub(super) fn appended(
    conn: &Connection,
    before: i64,
    after: i64,
    at_hand: &AtHand,
) -> Result<(), StoreError> {
    if before / BLOCK == after / BLOCK {
        return Ok(());
    }
    bring_up(conn, conn, load(conn)?, after, at_hand)
}

/// Makes the table anew.
pub(super) fn rebuild(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM tallies", []).sql()?;
    bring_up(conn, conn, Tallies::default(), end(conn)?, &AtHand::default())
}

/// Makes in `fresh`, where there are none, those rows that `conn` should have by now.
pub(super) fn replay(conn: &Connection, fresh: &Connection) -> Result<(), StoreError> {
    let until = load(conn)?.until().total;
    bring_up(conn, fresh, Tallies::default(), until.min(end(conn)?), &AtHand::default())
}

fn end(conn: &Connection) -> Result<i64, StoreError> {
    conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).sql()
}

/// Sums up the log of `source` to its last full block that ends at `end` or before, and writes it in
/// `target`, which holds `kept`.
fn bring_up(
    source: &Connection,
    target: &Connection,
    kept: Tallies,
    end: i64,
    at_hand: &AtHand,
) -> Result<(), StoreError> {
    let end = end / BLOCK * BLOCK;
    if end <= kept.until().total {
        return Ok(());
    }
    let mut tallies = kept.clone();
    tallies.walk(source, end, i64::MAX, at_hand)?;
    save(target, &kept, tallies)
}

/// The sums over the first full blocks of a log, which consists of these events.
pub(super) fn of_log(events: &[&Event]) -> Result<Tallies, StoreError> {
    let end = events.len() as i64 / BLOCK * BLOCK;
    let mut walk = Walk::behind(Tallies::default());
    for (seq, event) in (1..=end).zip(events) {
        if let Some(task) = event.task() {
            walk.event(seq, task.as_str(), event.actor.display(), event.key.as_str(), Mark::of(event));
        }
    }
    walk.end(end, i64::MAX, |_| Ok(Vec::new()))
}

/// Writes the sums where there are none.
pub(super) fn save_new(conn: &Connection, tallies: Tallies) -> Result<(), StoreError> {
    save(conn, &Tallies::default(), tallies)
}

/// Writes in `target` what is other than `kept`.
fn save(target: &Connection, kept: &Tallies, tallies: Tallies) -> Result<(), StoreError> {
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
    tallies.walk(conn, i64::MAX, now, &AtHand::default())?;
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

/// The columns that a mark is read from.
const MARK: &str = "sort_key, type, ts, CASE WHEN type IN ('status_changed', 'task_created') THEN raw END";

/// The columns of [`MARK`] in a row.
fn columns<'r>(row: &'r Row<'_>) -> Result<EventColumns<'r>, StoreError> {
    let column = |column| row.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
    Ok(EventColumns { key: column(0)?, kind: column(1)?, ts: column(2)?, raw: column(3)? })
}

impl Tallies {
    /// Adds what came in the log after what is summed up, to the place `end`. What goes on counts
    /// as begun at `now`, if it begins later.
    fn walk(&mut self, conn: &Connection, end: i64, now: i64, at_hand: &AtHand) -> Result<(), StoreError> {
        let begin = self.until().total;
        let mut walk = Walk::behind(std::mem::take(self));
        let mut statement = conn
            .prepare_cached(&format!(
                "SELECT {MARK}, seq, task_id, actor,
                        CASE WHEN ?1 > 0 AND type = 'task_created' THEN (SELECT min(seq) FROM events f WHERE f.task_id = e.task_id) END
                   FROM events e WHERE seq > ?1 AND seq <= ?2 AND task_id IS NOT NULL"
            ))
            .sql()?;
        let mut events = statement.query([begin, end.min(at_hand.behind())]).sql()?;
        let mut new: HashSet<String> = HashSet::new();
        while let Some(event) = events.next().sql()? {
            let text = |column| event.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
            let task = text(5)?;
            let columns = columns(event)?;
            walk.event(event.get(4).sql()?, task, text(6)?, columns.key, Mark::read(&columns)?);
            if event.get::<_, Option<i64>>(7).sql()?.is_some_and(|first| first > begin) {
                new.insert(task.to_owned());
            }
        }
        for event in at_hand.events().iter().filter(|event| event.seq > begin && event.seq <= end) {
            let task = event.task.as_str();
            walk.event(event.seq, task, &event.actor, event.key.as_str(), event.mark.clone());
            if event.is_first {
                new.insert(task.to_owned());
            }
        }
        let before = |task: &str| {
            if begin == 0 || new.contains(task) { Ok(Vec::new()) } else { marks_until(conn, task, begin) }
        };
        *self = walk.end(end, now, before)?;
        Ok(())
    }
}

/// What happened to a task in the log up to a place.
fn marks_until(conn: &Connection, task: &str, end: i64) -> Result<Vec<Mark>, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {MARK} FROM events WHERE task_id = ?1 AND seq <= ?2")).sql()?;
    let mut found = statement.query(params![task, end]).sql()?;
    let mut marks = Vec::new();
    while let Some(row) = found.next().sql()? {
        marks.extend(Mark::read(&columns(row)?)?);
    }
    Ok(marks)
}
