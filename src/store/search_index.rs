//! The index of words. A text is a row of the table `search`, which keeps its words and not itself.
//!
//! Writing a row with every change would make a comment write twice as many pages, so the index is
//! brought up to date once in [`BATCH`] events, by the write that makes the number full. What has
//! changed since is told by the log, and a search looks at it itself.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Rows, params};

use super::error::StoreError;
use super::noted::{AtHand, Noted};
use super::search_fill::{INSERT, fill, flush, merge};
use super::touched::{Touch, rows_of_task};
use super::unplaced::SqlResult;
use super::{events, rows};

/// Events between two times that the index is brought up to date. It bounds what a search looks
/// at itself (decision 0011).
pub(super) const BATCH: i64 = 64;

/// What a row is about stands in its number: a kind in multiples of this, and the place in the log
/// of the comment's event, or of the first that is about the task. Neither ever changes.
pub(super) const KINDS: i64 = 1_000_000_000_000;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Comment,
    Notes,
    Plan,
    Task,
}

impl Kind {
    pub(super) const OF_TASKS: [Self; 3] = [Self::Notes, Self::Plan, Self::Task];

    pub(super) fn row(self, seq: i64) -> i64 {
        self as i64 * KINDS + seq
    }

    pub(super) fn of(row: i64) -> Self {
        match row / KINDS {
            0 => Self::Comment,
            1 => Self::Notes,
            2 => Self::Plan,
            _ => Self::Task,
        }
    }

    /// The present text of all rows of this kind: number, title, body, task, event.
    fn texts(self) -> &'static str {
        match self {
            Self::Comment => {
                "SELECT e.seq AS row, '' AS title, c.body AS body, c.task_id AS task, e.id AS event
                   FROM events e JOIN comments c ON c.task_id = e.task_id AND c.id = e.id WHERE c.deleted_at IS NULL"
            }
            Self::Notes => {
                "SELECT 1000000000000 + e.seq AS row, '' AS title, n.body AS body, e.task_id AS task, e.id AS event
                   FROM events e JOIN notes n ON n.task_id = e.task_id WHERE 1"
            }
            Self::Plan => {
                "SELECT 2000000000000 + e.seq AS row, '' AS title, p.body AS body, e.task_id AS task, e.id AS event
                   FROM events e JOIN plans p ON p.task_id = e.task_id WHERE 1"
            }
            Self::Task => {
                "SELECT 3000000000000 + e.seq AS row, t.title AS title, coalesce(t.description, '') AS body,
                        e.task_id AS task, e.id AS event
                   FROM events e JOIN tasks t ON t.id = e.task_id WHERE 1"
            }
        }
    }
}

/// Writes a row that may be there already; [`INSERT`] one that is not.
const REPLACE: &str = "INSERT OR REPLACE INTO search (rowid, title, body) VALUES (?1, ?2, ?3)";

/// A text as it reads now.
pub(super) struct Text {
    pub(super) title: String,
    pub(super) body: String,
    /// The id of the event that its row is numbered by: the comment's.
    pub(super) event: String,
}

/// Rows to be written, with title and body where these are at hand.
type Changed<'a> = BTreeMap<i64, Option<&'a [String; 2]>>;

/// The text of a row; `None` if there is none any more.
pub(super) fn find_text(conn: &Connection, row: i64) -> Result<Option<Text>, StoreError> {
    conn.prepare_cached(&format!("{} AND e.seq = ?1", Kind::of(row).texts()))
        .sql()?
        .query_row([row % KINDS], |row| {
            let text = |column| lossy(row, column).map(std::borrow::Cow::into_owned);
            Ok(Text { title: text(1)?, body: text(2)?, event: row.get(4)? })
        })
        .optional()
        .sql()
}

/// Damage need not be text any more, and must not keep anybody from writing.
pub(super) fn lossy<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<std::borrow::Cow<'r, str>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null().unwrap_or_default().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes))
}

/// Hears of every append: `before` and `after` are the ends of the log.
pub(super) fn appended(
    conn: &Connection,
    before: i64,
    after: i64,
    at_hand: &AtHand,
) -> Result<(), StoreError> {
    if before / BATCH == after / BATCH {
        return Ok(());
    }
    conn.execute_batch("SAVEPOINT search").sql()?;
    match catch_up(conn, after, at_hand) {
        // A damaged index must not keep anybody from writing: `doctor` names it, searches go on
        // looking at more and more themselves, `rebuild` makes it anew.
        Err(error) if is_damage(&error) => conn.execute_batch("ROLLBACK TO search; RELEASE search").sql(),
        result => result.and_then(|()| conn.execute_batch("RELEASE search").sql()),
    }
}

/// Whether the index itself is what fails, and not the disk or another program. A damaged index
/// fails in many ways; even its rows can come twice.
pub(super) fn is_damage(error: &StoreError) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OperationInterrupted,
        OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure, TooBig,
    };
    let StoreError::Unplaced(error) = error else { return false };
    !matches!(
        error.sqlite_error_code(),
        None | Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OperationInterrupted
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
                | TooBig
        )
    )
}

fn catch_up(conn: &Connection, end: i64, at_hand: &AtHand) -> Result<(), StoreError> {
    let begin = indexed_to(conn)?;
    if begin == 0 {
        fill(conn, conn, &BTreeSet::new())?;
        merge(conn)?;
    } else {
        // Who made a task anew once wrote rows that were not due.
        let held = if holds_behind(conn, begin)? { i64::MAX } else { begin };
        let since = changed_since(conn, begin, at_hand.behind())?;
        let mut rows: Changed<'_> = since.into_iter().map(|row| (row, None)).collect();
        // What came later holds: a text that was known may have changed.
        for Noted { seq, task, touch, words, .. } in at_hand.events() {
            match (words, touch) {
                (Some(words), _) => drop(rows.insert(Kind::Task.row(*seq), Some(words))),
                (None, Some(touch)) => {
                    rows.extend(touch.rows(conn, *seq, task.as_str())?.into_iter().map(|row| (row, None)));
                }
                (None, None) => {}
            }
        }
        save(conn, &rows, held)?;
    }
    flush(conn)?;
    reach(conn, end)
}

/// Whether it holds rows of places behind this one.
fn holds_behind(conn: &Connection, place: i64) -> Result<bool, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT 1 FROM search_docsize WHERE id > ?1 AND id < ?2").sql()?;
    for kind in [Kind::Comment, Kind::Notes, Kind::Plan, Kind::Task] {
        if statement.exists([kind.row(place), kind.row(KINDS)]).sql()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes that the index is up to this place in the log.
pub(super) fn reach(conn: &Connection, end: i64) -> Result<(), StoreError> {
    rows::set_meta(conn, "indexed_to", &end.to_string())
}

/// The place in the log up to which the index is.
fn indexed_to(conn: &Connection) -> Result<i64, StoreError> {
    Ok(rows::meta(conn, "indexed_to")?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Rows whose text may be another now than the index says.
pub(super) fn stale(conn: &Connection) -> Result<BTreeSet<i64>, StoreError> {
    changed_since(conn, indexed_to(conn)?, i64::MAX)
}

/// As the log up to `end` says.
fn changed_since(conn: &Connection, begin: i64, end: i64) -> Result<BTreeSet<i64>, StoreError> {
    let mut statement = conn
        .prepare_cached(
            "SELECT raw, hash, seq, type, task_id FROM events WHERE seq > ?1 AND seq <= ?2 AND task_id IS NOT NULL",
        )
        .sql()?;
    let mut found = statement.query([begin, end]).sql()?;
    let mut rows = BTreeSet::new();
    while let Some(row) = found.next().sql()? {
        let text = |column| row.get_ref(column).map(|value| value.as_str().unwrap_or_default()).sql();
        let said = |member: &str| Ok(events::event_of_row(row)?.text(member).map(str::to_owned));
        if let Some(touch) = Touch::of(text(3)?, said)? {
            rows.extend(touch.rows(conn, row.get(2).sql()?, text(4)?)?);
        }
    }
    Ok(rows)
}

/// Writes these rows as their texts read now. In order: the index takes growing numbers at once. It holds
/// none of places behind `held`, so that nothing has to be looked for there.
fn save(conn: &Connection, rows: &Changed<'_>, held: i64) -> Result<(), StoreError> {
    for (row, at_hand) in rows {
        let is_new = row % KINDS > held;
        let found = match at_hand {
            Some(_) => None,
            None => find_text(conn, *row)?.map(|text| [text.title, text.body]),
        };
        match at_hand.or(found.as_ref()) {
            Some([title, body]) => conn
                .prepare_cached(if is_new { INSERT } else { REPLACE })
                .sql()?
                .execute(params![row, title, body])
                .sql()?,
            None if is_new => 0,
            None => conn.prepare_cached("DELETE FROM search WHERE rowid = ?1").sql()?.execute([row]).sql()?,
        };
    }
    Ok(())
}

/// Makes one task's rows anew, as far as they are due.
pub(super) fn rebuild_task(conn: &Connection, task: &str) -> Result<(), StoreError> {
    let indexed = indexed_to(conn)?;
    let due = rows_of_task(conn, task)?.into_iter().filter(|row| row % KINDS <= indexed);
    save(conn, &due.map(|row| (row, None)).collect(), indexed)
}

/// Makes the whole index anew.
pub(super) fn rebuild(conn: &Connection) -> Result<(), StoreError> {
    let emptied = conn.execute("INSERT INTO search (search) VALUES ('delete-all')", []).sql();
    match emptied.and_then(|_| fill(conn, conn, &BTreeSet::new())).and_then(|()| flush(conn)) {
        // Too damaged to be emptied. Without its version it could not even be dropped, and only
        // SQLite itself may write that on a guarded connection.
        Err(error) if is_damage(&error) => {
            conn.set_db_config(SQLITE_DBCONFIG_DEFENSIVE, false).sql()?;
            let named = conn.execute("INSERT OR REPLACE INTO search_config VALUES ('version', 4)", []);
            conn.set_db_config(SQLITE_DBCONFIG_DEFENSIVE, true).sql()?;
            named.sql()?;
            let sql = "SELECT sql FROM sqlite_schema WHERE name = 'search'";
            let made: String = conn.query_row(sql, [], |row| row.get(0)).sql()?;
            conn.execute_batch(&format!("DROP TABLE search; {made}")).sql()?;
            fill(conn, conn, &BTreeSet::new())?;
        }
        rebuilt => rebuilt?,
    }
    merge(conn)?;
    let end: i64 = conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).sql()?;
    reach(conn, end)
}

/// What the index says that the texts do not, or the other way round, by task; at most `most`.
/// `fresh` is an empty tracker in memory.
pub(super) fn faults(conn: &Connection, fresh: &Connection, most: usize) -> Result<Vec<String>, StoreError> {
    let stale = stale(conn)?;
    fill(conn, fresh, &stale)?;
    for side in [conn, fresh] {
        side.execute_batch("CREATE VIRTUAL TABLE temp.search_words USING fts5vocab(main, search, instance)")
            .sql()?;
    }
    let different = different_rows(conn, fresh, &stale);
    for side in [conn, fresh] {
        side.execute_batch("DROP TABLE temp.search_words").sql()?;
    }
    let mut faults = BTreeSet::new();
    for row in different? {
        let task: Option<String> = conn
            .query_row("SELECT task_id FROM events WHERE seq = ?1", [row % KINDS], |row| row.get(0))
            .optional()
            .sql()?
            .flatten();
        let what = task.unwrap_or_else(|| format!("row {row}"));
        faults.insert(format!("{what}: its words"));
        if faults.len() == most {
            break;
        }
    }
    Ok(faults.into_iter().collect())
}

fn different_rows(
    left: &Connection,
    right: &Connection,
    without: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>, StoreError> {
    // The table gives them in this order: word, row, column, place.
    let sql = "SELECT doc, term, col, offset FROM temp.search_words";
    let (mut left, mut right) = (left.prepare(sql).sql()?, right.prepare(sql).sql()?);
    let (mut left, mut right) = (left.query([]).sql()?, right.query([]).sql()?);
    let step = |rows: &mut Rows<'_>| -> Result<(), StoreError> {
        loop {
            rows.advance().sql()?;
            match rows.get() {
                Some(row) if without.contains(&row.get(0).sql()?) => {}
                _ => return Ok(()),
            }
        }
    };
    let mut different = BTreeSet::new();
    step(&mut left)?;
    step(&mut right)?;
    loop {
        let order = match (left.get(), right.get()) {
            (None, None) => return Ok(different),
            (Some(left), Some(right)) => in_order(left, right).sql()?,
            (left, _) => {
                if left.is_some() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        };
        for (rows, other) in [(&mut left, Ordering::Greater), (&mut right, Ordering::Less)] {
            if order != other {
                if order != Ordering::Equal
                    && let Some(row) = rows.get()
                {
                    different.insert(row.get(0).sql()?);
                }
                step(rows)?;
            }
        }
    }
}

fn in_order(left: &Row<'_>, right: &Row<'_>) -> rusqlite::Result<Ordering> {
    let text =
        |row: &Row<'_>, column| row.get_ref(column).map(|v| v.as_bytes().unwrap_or_default().to_owned());
    let number = |row: &Row<'_>, column| row.get::<_, i64>(column);
    if left.get_ref(1)? != right.get_ref(1)? {
        return Ok(text(left, 1)?.cmp(&text(right, 1)?));
    }
    let rows = number(left, 0)?.cmp(&number(right, 0)?);
    // `title` stands before `body`.
    let columns = || Ok(text(right, 2)?.cmp(&text(left, 2)?));
    if rows.is_ne() || left.get_ref(2)? != right.get_ref(2)? {
        return if rows.is_ne() { Ok(rows) } else { columns() };
    }
    Ok(number(left, 3)?.cmp(&number(right, 3)?))
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
