//! Histories: the events of one subject, found through an index and proved to be all of them.
//!
//! A bit that flips in an index hides events that the log holds; SQLite does not notice. So what is found
//! of a task is held against the number in its row, which is not found through that index.

use std::fmt::Display;

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::StoreError;
use super::events::{self, event_of_row, whole_text};
use super::rows;
use super::unplaced::SqlResult;
use crate::domain::event::{Event, Subject};
use crate::domain::id::TaskId;

/// With each event the number of them that the task's row says, if there is one.
const BY_TASK: &str = "SELECT raw, hash, (SELECT event_count FROM tasks WHERE id = ?1)
                       FROM events WHERE task_id = ?1 ORDER BY sort_key";

/// A task's history in canonical order.
///
/// # Errors
/// [`StoreError::Incomplete`] where it is not as long as the task's row says.
pub(super) fn of_task(conn: &Connection, task: &TaskId) -> Result<Vec<Event>, StoreError> {
    whole(conn, task, |row| of(task, row))
}

/// The texts of a task's history in canonical order.
///
/// # Errors
/// [`StoreError::Incomplete`] where it is not as long as the task's row says.
pub(super) fn texts_of_task(conn: &Connection, task: &TaskId) -> Result<Vec<String>, StoreError> {
    // As it stands in the text of each event.
    let subject = format!("\"task_id\":\"{task}\"");
    whole(conn, task, |row| {
        let text = whole_text(row)?;
        if text.contains(&subject) { Ok(text) } else { Err(parted(&task)) }
    })
}

/// What is found of a task's history, in canonical order: for whoever makes the task's row from it, or
/// examines one against the other.
pub(super) fn found_of_task(conn: &Connection, task: &TaskId) -> Result<Vec<Event>, StoreError> {
    Ok(read(conn, task, |row| of(task, row))?.0)
}

fn whole<T>(
    conn: &Connection,
    task: &TaskId,
    one: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (found, counted) = read(conn, task, one)?;
    let is_whole = match counted {
        Some(count) => usize::try_from(count) == Ok(found.len()),
        None => !found.is_empty() || !rows::has_task(conn, task.as_str())?,
    };
    if is_whole { Ok(found) } else { Err(parted(task)) }
}

/// What is found, and the number that the task's row says, where both are there.
fn read<T>(
    conn: &Connection,
    task: &TaskId,
    one: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<(Vec<T>, Option<i64>), StoreError> {
    let mut statement = conn.prepare_cached(BY_TASK).sql()?;
    let mut rows = statement.query([task.as_str()]).sql()?;
    let (mut found, mut counted) = (Vec::new(), None);
    while let Some(row) = rows.next().sql()? {
        counted = row.get(2).sql()?;
        found.push(one(row)?);
    }
    Ok((found, counted))
}

/// Fails where the index does not hold as many events of the task as its row says.
pub(super) fn prove(conn: &Connection, task: &TaskId) -> Result<(), StoreError> {
    let counts = conn
        .prepare_cached(
            "SELECT event_count, (SELECT count(*) FROM events WHERE task_id = ?1) FROM tasks WHERE id = ?1",
        )
        .sql()?
        .query_row([task.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()
        .sql()?;
    if counts.is_none_or(|(said, found)| said == found) { Ok(()) } else { Err(parted(task)) }
}

/// Fails where a task that had so many events, by its row, has another number now, with those that were
/// added. Without a row there is nothing to compare.
pub(super) fn prove_growth(
    conn: &Connection,
    task: &TaskId,
    added: usize,
    found: &[Event],
) -> Result<(), StoreError> {
    let before: Option<i64> = conn
        .prepare_cached("SELECT event_count FROM tasks WHERE id = ?1")
        .sql()?
        .query_row([task.as_str()], |row| row.get(0))
        .optional()
        .sql()?;
    match before {
        Some(before) if usize::try_from(before).map(|before| before + added) != Ok(found.len()) => {
            Err(parted(task))
        }
        _ => Ok(()),
    }
}

/// Fails where the indexes do not lead to all events of the tracker itself and of resources. Looks at
/// every row of the log.
pub(super) fn prove_others(conn: &Connection) -> Result<(), StoreError> {
    for (index, rows) in [
        ("events_by_instance", "task_id IS NULL AND resource_id IS NULL"),
        ("events_by_resource", "resource_id IS NOT NULL"),
    ] {
        let count = |how: &str| -> Result<i64, StoreError> {
            let sql = format!("SELECT count(*) FROM events {how} WHERE {rows}");
            conn.query_row(&sql, [], |row| row.get(0)).sql()
        };
        if count(&format!("INDEXED BY {index}"))? != count("NOT INDEXED")? {
            return Err(parted(&OTHERS));
        }
    }
    Ok(())
}

/// Fails where there are more or fewer events than these.
pub(super) fn prove_all(conn: &Connection, count: i64) -> Result<(), StoreError> {
    // Each has a place, from 1 on, and the places are not found through an index.
    if count == events::last_place(conn)? { Ok(()) } else { Err(parted(&"the tracker")) }
}

/// An event of this task's: an index may also lead to those of another.
fn of(task: &TaskId, row: &Row<'_>) -> Result<Event, StoreError> {
    let event = event_of_row(row)?;
    if event.task() == Some(task) { Ok(event) } else { Err(parted(task)) }
}

const OTHERS: &str = "the tracker itself or of a resource";

fn parted(whose: &dyn Display) -> StoreError {
    StoreError::Incomplete { whose: whose.to_string() }
}

/// Tasks that the log speaks of, created or not.
///
/// # Errors
/// [`StoreError::Incomplete`] where one of them that has a row is not found.
pub(super) fn task_ids(conn: &Connection) -> Result<Vec<TaskId>, StoreError> {
    let ids = found_task_ids(conn)?;
    let mut statement = conn.prepare("SELECT id FROM tasks").sql()?;
    let mut rows = statement.query([]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let id = row.get_ref(0).sql()?.as_str().unwrap_or_default();
        if ids.binary_search_by(|found| found.as_str().cmp(id)).is_err() {
            return Err(parted(&id));
        }
    }
    Ok(ids)
}

/// Tasks of which the index holds events.
pub(super) fn found_task_ids(conn: &Connection) -> Result<Vec<TaskId>, StoreError> {
    let mut statement = conn
        .prepare("SELECT DISTINCT task_id FROM events WHERE task_id IS NOT NULL ORDER BY task_id")
        .sql()?;
    let mut found = statement.query([]).sql()?;
    let mut ids = Vec::new();
    while let Some(row) = found.next().sql()? {
        let id = row.get_ref(0).sql()?.as_str().ok().and_then(TaskId::parse_foreign);
        ids.push(id.ok_or_else(|| parted(&"a task"))?);
    }
    Ok(ids)
}

/// The tracker's own history in canonical order.
pub(super) fn of_instance(conn: &Connection) -> Result<Vec<Event>, StoreError> {
    collect(
        conn,
        "SELECT raw, hash FROM events WHERE task_id IS NULL AND resource_id IS NULL ORDER BY sort_key",
        &[],
        |subject| *subject == Subject::Instance,
    )
}

/// The histories of these resources, together in canonical order.
pub(super) fn of_resources(conn: &Connection, ids: &[String]) -> Result<Vec<Event>, StoreError> {
    let list = rows::encoded(&ids)?;
    collect(
        conn,
        "SELECT raw, hash FROM events WHERE resource_id IN (SELECT value FROM json_each(?1)) ORDER BY sort_key",
        &[&list],
        |subject| matches!(subject, Subject::Resource(id) if ids.iter().any(|wanted| wanted == id.as_str())),
    )
}

/// Resources that the log speaks of, created or not.
pub(super) fn resource_ids(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn
        .prepare("SELECT DISTINCT resource_id FROM events WHERE resource_id IS NOT NULL ORDER BY resource_id")
        .sql()?;
    statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()
}

fn collect(
    conn: &Connection,
    sql: &str,
    values: &[&str],
    is_of: impl Fn(&Subject) -> bool,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = conn.prepare_cached(sql).sql()?;
    let mut rows = statement.query(rusqlite::params_from_iter(values)).sql()?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let event = event_of_row(row)?;
        if !is_of(&event.subject) {
            return Err(parted(&OTHERS));
        }
        events.push(event);
    }
    Ok(events)
}
