//! Filling the index of words: with all texts of a file, or with those of tasks that nobody knew.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::new_tasks::Placed;
use super::search_index::{Kind, lossy, reach};
use super::unplaced::SqlResult;
use crate::domain::fold::TaskState;

impl Kind {
    /// For all rows of this kind at once: the numbers of their events with the places of their texts,
    /// and the text of a place. Through indexes: the log itself is many times as long as its texts.
    fn kept(self) -> [String; 2] {
        let (table, task, text) = match self {
            Self::Comment => ("comments", "", "'', body"),
            Self::Notes => ("notes", "task_id", "'', body"),
            Self::Plan => ("plans", "task_id", "'', body"),
            Self::Task => ("tasks", "id", "title, coalesce(description, '')"),
        };
        let places = match self {
            Self::Comment => "SELECT e.seq, c.rowid FROM comments c CROSS JOIN events e ON e.id = c.id WHERE c.deleted_at IS NULL".into(),
            _ => format!("SELECT (SELECT min(seq) FROM events WHERE task_id = t.{task}) AS seq, t.rowid FROM {table} t WHERE seq > 0"),
        };
        [places, format!("SELECT {text} FROM {table} WHERE rowid = ?1")]
    }
}

pub(super) const INSERT: &str = "INSERT INTO search (rowid, title, body) VALUES (?1, ?2, ?3)";

/// Bytes of words that FTS5 gathers in memory before it writes them as a piece of their own: its default,
/// `FTS5_DEFAULT_HASHSIZE`. Many pieces are merged again and again.
const GATHERED: i64 = 1 << 20;
/// While the index of a new tracker is filled: as many as some 100,000 short texts have.
const GATHERED_TO_FILL: i64 = 16 << 20;

/// FTS5 keeps this beside the index (`search_config`). Its manual does not name the option.
fn gather(conn: &Connection, bytes: i64) -> Result<(), StoreError> {
    conn.execute("INSERT INTO search (search, rank) VALUES ('hashsize', ?1)", [bytes]).sql().map(drop)
}

/// Makes one piece of an index that was filled in many: otherwise the next writers would do so.
pub(super) fn merge(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("INSERT INTO search (search) VALUES ('optimize')", []).sql().map(drop)
}

/// Writes what was put in: what fails now can be undone, what fails in the commit cannot.
pub(super) fn flush(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("INSERT INTO search (search) VALUES ('flush')", []).sql().map(drop)
}

/// Puts all texts of `source` but these into the empty index of `target`.
pub(super) fn fill(
    source: &Connection,
    target: &Connection,
    without: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let mut insert = target.prepare(INSERT).sql()?;
    for kind in [Kind::Comment, Kind::Notes, Kind::Plan, Kind::Task] {
        let [places, text] = kind.kept();
        let mut statement = source.prepare(&places).sql()?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).sql()?;
        let mut places: Vec<(i64, i64)> = found.collect::<Result<_, _>>().sql()?;
        places.sort_unstable();
        let mut text = source.prepare(&text).sql()?;
        for (seq, place) in places {
            let number = kind.row(seq);
            if !without.contains(&number) {
                let put = |row: &Row<'_>| insert.execute(params![number, lossy(row, 0)?, lossy(row, 1)?]);
                text.query_row([place], put).sql()?;
            }
        }
    }
    Ok(())
}

/// A row to be put in: its number, title, body.
pub(super) type IndexRow = (i64, String, String);

/// The places in the log by which the texts of a task have their rows.
pub(super) struct Places {
    first: i64,
    /// Of each comment in the order of their ids.
    comments: Vec<i64>,
}

impl Places {
    /// As the whole history of a task says. A comment has the id of the event that added it.
    pub(super) fn of(after: &TaskState, history: &[Placed<'_>]) -> Self {
        let mut by_id: Vec<(&str, i64)> =
            history.iter().map(|placed| (placed.event.id.as_str(), placed.seq)).collect();
        by_id.sort_unstable();
        let place = |id: &String| by_id.binary_search_by_key(&id.as_str(), |(id, _)| id);
        let comments = after.comments.keys().map(|id| place(id).map_or(0, |at| by_id[at].1)).collect();
        Self { first: history.iter().map(|placed| placed.seq).min().unwrap_or_default(), comments }
    }

    /// The texts, taken out of the task: what [`fill`] would find in its rows. Without a task there are none.
    pub(super) fn take(self, after: TaskState) -> impl Iterator<Item = IndexRow> {
        let Self { first, comments } = self;
        let comments = after.comments.into_values().zip(comments);
        let comments = comments
            .filter(|(comment, _)| !comment.is_deleted())
            .map(|(comment, seq)| (Kind::Comment.row(seq), String::new(), comment.body));
        let texts = [(Kind::Notes, after.notes), (Kind::Plan, after.plan)].into_iter();
        let texts = texts
            .filter_map(move |(kind, text)| text.map(|text| (kind.row(first), String::new(), text.body)));
        let task =
            after.task.map(|task| (Kind::Task.row(first), task.title, task.description.unwrap_or_default()));
        comments.chain(texts).chain(task)
    }
}

/// Puts the texts of a whole log, which ends at `end`, into the empty index.
pub(super) fn fill_new(conn: &Connection, mut texts: Vec<IndexRow>, end: i64) -> Result<(), StoreError> {
    // The index takes growing numbers at once.
    texts.sort_unstable_by_key(|(row, ..)| *row);
    gather(conn, GATHERED_TO_FILL)?;
    let mut insert = conn.prepare(INSERT).sql()?;
    for (row, title, body) in &texts {
        insert.execute(params![row, title, body]).sql()?;
    }
    merge(conn)?;
    flush(conn)?;
    gather(conn, GATHERED)?;
    reach(conn, end)
}
