//! Short ids: which numbers are claimed, which are shown, and the next free one.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows;
use super::unplaced::SqlResult;
use crate::domain::id::TaskId;
use crate::domain::short_id::{LAST_NUMBER, ShortId, shown_numbers};
use crate::domain::task::Task;

/// What is known of numbers while claims come in.
#[derive(Default)]
pub(super) struct Numbers {
    /// Prefixes under which it has to be derived again which task shows what.
    pub(super) contested: BTreeSet<String>,
    /// A number that no task claims or shows.
    pub(super) free: Option<ShortId>,
}

/// Notes a task's claim. Where another task claims or shows the number, or this task's numbers
/// were derived, the prefix is noted as contested, to be settled when all claims are in.
/// `shown_before` is what the task's row showed until now, if there was a row.
pub(super) fn claim(
    conn: &Connection,
    task: &Task,
    shown_before: Option<Option<&ShortId>>,
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let id = task.id.as_str();
    let old = match shown_before {
        Some(shown) => numbers_of(conn, id, shown)?,
        None => Vec::new(),
    };
    if let (Some(claim), [(prefix, number, Some(key), true)]) = (&task.claim, old.as_slice())
        && (prefix, *number, key) == (&claim.short_id.prefix, claim.short_id.number, &claim.key)
    {
        return Ok(());
    }
    for (prefix, number, ..) in old {
        conn.prepare_cached("DELETE FROM short_ids WHERE prefix = ?1 AND number = ?2 AND task_id = ?3")
            .sql()?
            .execute(params![prefix, number, id])
            .sql()?;
        // A number that falls free may be what a loser elsewhere should show now.
        numbers.contested.insert(prefix);
    }
    let Some(claim) = &task.claim else { return Ok(()) };
    let (prefix, number) = (&claim.short_id.prefix, claim.short_id.number);
    let is_taken = numbers.free.take_if(|free| *free == claim.short_id).is_none()
        && conn
            .prepare_cached("SELECT 1 FROM short_ids WHERE prefix = ?1 AND number = ?2")
            .sql()?
            .exists(params![prefix, number])
            .sql()?;
    if is_taken {
        numbers.contested.insert(prefix.clone());
    }
    conn.prepare_cached(
        "INSERT OR REPLACE INTO short_ids (prefix, number, task_id, claim_key, shown) VALUES (?1,?2,?3,?4,1)",
    )
    .sql()?
    .execute(params![prefix, number, id, claim.key])
    .sql()?;
    Ok(())
}

/// A row: prefix, number, the claim's key, whether it is shown.
type Number = (String, i64, Option<String>, bool);

/// The numbers of a task: the one that it shows, and, where its claim is contested, the one that
/// it claims.
fn numbers_of(conn: &Connection, task: &str, shown: Option<&ShortId>) -> Result<Vec<Number>, StoreError> {
    // Each half is one step through an index; only contested numbers are found by task.
    let mut statement = conn
        .prepare_cached(
            "SELECT prefix, number, claim_key, shown FROM short_ids WHERE prefix = ?1 AND number = ?2 AND task_id = ?3
             UNION SELECT prefix, number, claim_key, shown FROM short_ids
              WHERE task_id = ?3 AND (claim_key IS NULL OR shown = 0)",
        )
        .sql()?;
    statement
        .query_map(params![shown.map(|s| &s.prefix), shown.map(|s| s.number), task], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .sql()?
        .collect::<Result<_, _>>()
        .sql()
}

/// Takes away all numbers of a task whose row cannot be trusted to name them; their prefixes are
/// contested then. Reads all numbers.
pub(super) fn release(conn: &Connection, task: &TaskId, numbers: &mut Numbers) -> Result<(), StoreError> {
    let mut statement = conn.prepare("DELETE FROM short_ids WHERE task_id = ?1 RETURNING prefix").sql()?;
    let prefixes = statement.query_map([task.as_str()], |row| row.get::<_, String>(0)).sql()?;
    for prefix in prefixes {
        numbers.contested.insert(prefix.sql()?);
    }
    Ok(())
}

/// Derives again what the tasks of these prefixes show.
pub(super) fn settle(conn: &Connection, Numbers { contested, .. }: &Numbers) -> Result<(), StoreError> {
    for prefix in contested {
        let mut statement =
            conn.prepare_cached("SELECT number, claim_key, task_id FROM short_ids WHERE prefix = ?1 AND claim_key IS NOT NULL").sql()?;
        let claims: Vec<(i64, String, String)> = statement
            .query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .sql()?
            .collect::<Result<_, _>>()
            .sql()?;
        let borrowed: Vec<(i64, &str, &str)> =
            claims.iter().map(|(n, k, t)| (*n, k.as_str(), t.as_str())).collect();
        let shown = shown_numbers(&borrowed);
        conn.prepare_cached("DELETE FROM short_ids WHERE prefix = ?1 AND claim_key IS NULL")
            .sql()?
            .execute([prefix])
            .sql()?;
        for (claimed, _, task) in &claims {
            let Some(number) = shown.get(task.as_str()).copied() else { continue };
            conn.prepare_cached(
                "UPDATE short_ids SET shown = ?4 WHERE prefix = ?1 AND number = ?2 AND task_id = ?3",
            )
            .sql()?
            .execute(params![prefix, claimed, task, number == *claimed])
            .sql()?;
            if number != *claimed {
                conn.prepare_cached("INSERT INTO short_ids (prefix, number, task_id, claim_key, shown) VALUES (?1,?2,?3,NULL,1)")
                    .sql()?
                    .execute(params![prefix, number, task])
                    .sql()?;
            }
            let text = ShortId { prefix: prefix.clone(), number }.to_string();
            conn.prepare_cached("UPDATE tasks SET short_id = ?2 WHERE id = ?1 AND short_id IS NOT ?2")
                .sql()?
                .execute([task, &text])
                .sql()?;
        }
    }
    Ok(())
}

/// The id of the task that shows this short id, and whether another claims it too.
pub(super) fn find(conn: &Connection, short_id: &ShortId) -> Result<Option<(TaskId, bool)>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT task_id, claim_key, shown FROM short_ids WHERE prefix = ?1 AND number = ?2")
        .sql()?;
    let mut found = statement.query(params![short_id.prefix, short_id.number]).sql()?;
    let (mut shown, mut claims) = (None, 0);
    while let Some(row) = found.next().sql()? {
        claims += usize::from(row.get::<_, Option<String>>(1).sql()?.is_some());
        if row.get(2).sql()? {
            shown = TaskId::parse_foreign(&row.get::<_, String>(0).sql()?);
        }
    }
    Ok(shown.map(|id| (id, claims > 1)))
}

/// Whether another task claims or shows this short id.
pub(super) fn is_taken(conn: &Connection, short_id: &ShortId, but: &TaskId) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT 1 FROM short_ids WHERE prefix = ?1 AND number = ?2 AND task_id <> ?3")
        .sql()?
        .exists(params![short_id.prefix, short_id.number, but.as_str()])
        .sql()
}

/// The number behind all that are claimed, shown or ruled out by an imported floor; or, where somebody
/// took the last one, a free one before it, and `false`.
pub(super) fn next(conn: &Connection, prefix: &str) -> Result<(i64, bool), StoreError> {
    let (highest, floor): (Option<i64>, Option<String>) = conn
        .prepare_cached(
            "SELECT (SELECT max(number) FROM short_ids WHERE prefix = ?1), (SELECT value FROM meta WHERE key = ?2)",
        )
        .sql()?
        .query_row([prefix, &floor_key(prefix)], |row| Ok((row.get(0)?, row.get(1)?)))
        .sql()?;
    let floor = floor.and_then(|text| text.parse().ok()).unwrap_or(1);
    let number = floor.max(highest.unwrap_or(0).saturating_add(1)).max(1);
    Ok(if number <= LAST_NUMBER { (number, true) } else { (lowest_free(conn, prefix)?, false) })
}

/// For when somebody took the last number, so that none can follow.
fn lowest_free(conn: &Connection, prefix: &str) -> Result<i64, StoreError> {
    conn.prepare_cached(
        "SELECT min(free) FROM (SELECT 1 AS free UNION ALL SELECT number + 1 FROM short_ids WHERE prefix = ?1)
          WHERE NOT EXISTS (SELECT 1 FROM short_ids WHERE prefix = ?1 AND number = free)",
    )
    .sql()?
    .query_row([prefix], |row| row.get(0))
    .sql()
}

fn floor_key(prefix: &str) -> String {
    format!("next_seq:{prefix}")
}

/// Rules out numbers below `next` for new tasks; whether the floor was lower.
pub(super) fn raise_floor(conn: &Connection, prefix: &str, next: i64) -> Result<bool, StoreError> {
    let key = floor_key(prefix);
    let known = rows::meta(conn, &key)?.and_then(|text| text.parse::<i64>().ok()).unwrap_or(1);
    if next > known {
        rows::set_meta(conn, &key, &next.to_string())?;
    }
    Ok(next > known)
}

/// Every prefix in use with its next number, and every shown short id with its task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortIdIndex {
    /// (prefix, next number), sorted.
    pub next: Vec<(String, i64)>,
    /// (short id, task id), sorted by number within a prefix.
    pub shown: Vec<(ShortId, String)>,
    /// (prefix, number), sorted: numbers below are ruled out, whatever the events say.
    pub floors: Vec<(String, i64)>,
}

pub(super) fn index(conn: &Connection) -> Result<ShortIdIndex, StoreError> {
    let mut prefixes: BTreeSet<String> = BTreeSet::new();
    let mut index = ShortIdIndex::default();
    let mut statement =
        conn.prepare("SELECT prefix, number, task_id, shown FROM short_ids ORDER BY prefix, number").sql()?;
    let mut found = statement.query([]).sql()?;
    while let Some(row) = found.next().sql()? {
        let prefix: String = row.get(0).sql()?;
        prefixes.insert(prefix.clone());
        if row.get::<_, bool>(3).sql()? {
            index.shown.push((ShortId { prefix, number: row.get(1).sql()? }, row.get(2).sql()?));
        }
    }
    let mut statement = conn
        .prepare("SELECT substr(key, 10), CAST(value AS INTEGER) FROM meta WHERE key LIKE 'next_seq:%' ORDER BY key")
        .sql()?;
    let mut found = statement.query([]).sql()?;
    while let Some(row) = found.next().sql()? {
        let floor: (String, i64) = (row.get(0).sql()?, row.get(1).sql()?);
        prefixes.insert(floor.0.clone());
        index.floors.push(floor);
    }
    for prefix in prefixes {
        let (number, _) = next(conn, &prefix)?;
        index.next.push((prefix, number));
    }
    Ok(index)
}

/// What the tasks show that claim this number and do not show it.
pub(super) fn losers(conn: &Connection, short_id: &ShortId) -> Result<Vec<ShortId>, StoreError> {
    let mut statement = conn
        .prepare(
            "SELECT other.prefix, other.number FROM short_ids claim
             JOIN short_ids other ON other.task_id = claim.task_id AND other.shown = 1
             WHERE claim.prefix = ?1 AND claim.number = ?2 AND claim.claim_key IS NOT NULL AND claim.shown = 0
             ORDER BY claim.claim_key",
        )
        .sql()?;
    statement
        .query_map(params![short_id.prefix, short_id.number], |row| {
            Ok(ShortId { prefix: row.get(0)?, number: row.get(1)? })
        })
        .sql()?
        .collect::<Result<_, _>>()
        .sql()
}

/// Contested numbers: (short id, tasks that claim it), for `doctor` and notices.
pub(super) fn contested(conn: &Connection) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let mut statement = conn
        .prepare(
            "SELECT prefix || '-' || number, group_concat(task_id) FROM short_ids WHERE claim_key IS NOT NULL
             GROUP BY prefix, number HAVING count(*) > 1",
        )
        .sql()?;
    let found =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).sql()?;
    found
        .map(|row| row.sql().map(|(id, tasks)| (id, tasks.split(',').map(str::to_owned).collect())))
        .collect()
}
