//! Which rows of the index of words an event touches.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::search_index::Kind;
use super::unplaced::SqlResult;
use crate::domain::event::kind;

/// What an event about a task did to its texts.
pub(super) enum Touch {
    /// The task came, perhaps after things that were said about it.
    Created,
    /// A comment came.
    Commented,
    /// The comment of this id changed.
    Comment(String),
    /// Another text changed.
    Text(Kind),
}

impl Touch {
    /// `None` for an event of a kind that touches no text. `said` gives a text of its data.
    pub(super) fn of(
        kind: &str,
        said: impl FnOnce(&str) -> Result<Option<String>, StoreError>,
    ) -> Result<Option<Self>, StoreError> {
        Ok(match kind {
            kind::TASK_CREATED => Some(Self::Created),
            kind::COMMENT_ADDED => Some(Self::Commented),
            kind::COMMENT_EDITED | kind::COMMENT_DELETED => said("comment_id")?.map(Self::Comment),
            kind::PLAN_UPDATED => Some(Self::Text(Kind::Plan)),
            kind::NOTES_UPDATED => Some(Self::Text(Kind::Notes)),
            kind::FIELD_UPDATED => {
                let is_text = matches!(said("field")?.as_deref(), Some("title" | "description"));
                is_text.then_some(Self::Text(Kind::Task))
            }
            _ => None,
        })
    }

    /// Its rows, of an event at this place that is about this task.
    pub(super) fn rows(&self, conn: &Connection, seq: i64, task: &str) -> Result<BTreeSet<i64>, StoreError> {
        Ok(match self {
            Self::Commented => BTreeSet::from([seq]),
            Self::Created if first(conn, task)? == Some(seq) => BTreeSet::from([Kind::Task.row(seq)]),
            // Whatever was said about it before counts from now on; what came later speaks for itself.
            Self::Created => rows_of_task(conn, task)?,
            Self::Comment(id) => place(conn, id)?.into_iter().collect(),
            Self::Text(kind) => first(conn, task)?.map(|seq| kind.row(seq)).into_iter().collect(),
        })
    }
}

fn place(conn: &Connection, event: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT seq FROM events WHERE id = ?1").sql()?;
    statement.query_row([event], |row| row.get(0)).optional().sql()
}

/// The place of the first event about a task.
fn first(conn: &Connection, task: &str) -> Result<Option<i64>, StoreError> {
    conn.prepare_cached("SELECT min(seq) FROM events WHERE task_id = ?1")
        .sql()?
        .query_row([task], |row| row.get(0))
        .sql()
}

/// All rows of a task.
pub(super) fn rows_of_task(conn: &Connection, task: &str) -> Result<BTreeSet<i64>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT seq FROM events WHERE task_id = ?1 AND type = 'comment_added'").sql()?;
    let mut rows: BTreeSet<i64> =
        statement.query_map([task], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    let first = first(conn, task)?;
    rows.extend(Kind::OF_TASKS.into_iter().flat_map(|kind| first.map(|seq| kind.row(seq))));
    Ok(rows)
}
