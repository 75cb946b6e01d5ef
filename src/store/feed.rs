//! The log in the order in which its events arrived, without a hole.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::events::{changed, event_of_row, last_place, whole_text};
use super::unplaced::SqlResult;
use crate::domain::event::Event;
use crate::domain::id::TaskId;

/// An event with its place in order of arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// The place, from 1; a cursor for feeds of this file.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// What a feed asks for.
#[derive(Clone, Debug, Default)]
pub struct FeedQuery {
    /// Only events that arrived after this place.
    pub since: i64,
    /// Only events of this type.
    pub kind: Option<String>,
    /// Only events of this task.
    pub task: Option<TaskId>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Events in order of arrival.
pub(super) fn feed(conn: &Connection, query: &FeedQuery) -> Result<Vec<Arrival>, StoreError> {
    // With a task its own few events are read, not all that came after the cursor. What is of another
    // type is passed without its text, but not unseen.
    let of_task = if query.task.is_some() { "task_id = ?3" } else { "?3 IS NULL" };
    let mut statement = conn
        .prepare_cached(&format!(
            "SELECT iif(?2 IS NULL OR type = ?2, raw, NULL), iif(?2 IS NULL OR type = ?2, hash, NULL), seq
             FROM events WHERE seq > ?1 AND {of_task} ORDER BY seq"
        ))
        .sql()?;
    let task = query.task.as_ref();
    let mut rows = statement.query(params![query.since, query.kind, task.map(TaskId::as_str)]).sql()?;
    let mut places = Places::after(query.since);
    let mut arrivals = Vec::new();
    while arrivals.len() < query.limit.unwrap_or(usize::MAX)
        && let Some(row) = rows.next().sql()?
    {
        let seq = row.get(2).sql()?;
        if task.is_none() {
            places.go_on(seq)?;
        }
        if row.get_ref(0).sql()? != ValueRef::Null {
            arrivals.push(Arrival { seq, event: event_of_row(row)? });
        }
    }
    match arrivals.iter().find(|arrival| task.is_some() && arrival.event.task() != task) {
        None => Ok(arrivals),
        Some(arrival) => Err(changed(arrival.event.id.as_str())),
    }
}

/// The places of a walk through the log: each event has the one behind that of the event before it, so
/// what a damaged file leaves out is missed.
pub(super) struct Places(i64);

impl Places {
    /// A walk that begins behind this place.
    pub(super) fn after(place: i64) -> Self {
        Self(place)
    }

    /// The next event stands here.
    pub(super) fn go_on(&mut self, place: i64) -> Result<(), StoreError> {
        let expected = self.0 + 1;
        self.0 = place;
        if place == expected { Ok(()) } else { Err(missing(expected)) }
    }

    /// The walk is over; whether it came to the end of the log.
    pub(super) fn end(self, conn: &Connection) -> Result<(), StoreError> {
        if self.0 == last_place(conn)? { Ok(()) } else { Err(missing(self.0 + 1)) }
    }
}

fn missing(place: i64) -> StoreError {
    StoreError::Incomplete { whose: format!("place {place} of the log") }
}

/// Walks the whole log in order of arrival and hands each event's text on.
pub(super) fn each_raw<E: From<StoreError>>(
    conn: &Connection,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = conn.prepare("SELECT raw, hash, seq FROM events ORDER BY seq").sql()?;
    let mut rows = statement.query([]).sql()?;
    let mut places = Places::after(0);
    while let Some(row) = rows.next().sql()? {
        places.go_on(row.get(2).sql()?)?;
        visit(&whole_text(row)?)?;
    }
    Ok(places.end(conn)?)
}
