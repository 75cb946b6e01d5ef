//! What a tracker holds and a copy of it does not: nobody may lose that unasked.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};

/// What a tracker holds and a backup does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// How many events, artifacts (or other facts about them), contents in quarantine, and floors
    /// under numbers.
    pub count: i64,
    /// The id of the first; of a floor the prefix.
    pub first: String,
}

/// What nothing else in a tracker is made from, and how to ask a backup for each. Sessions are left
/// out: they end with the work, and every command of theirs changes them.
const IRREPLACEABLE: [(&str, &str); 4] = [
    (
        "SELECT id, substr(hash, 1, 32), NULL FROM events ORDER BY seq",
        "SELECT 1 FROM events WHERE id = ?1 AND substr(hash, 1, 32) = ?2 AND ?3 IS NULL",
    ),
    (
        "SELECT id, payload_hash, meta FROM artifacts ORDER BY id",
        "SELECT 1 FROM artifacts WHERE id = ?1 AND (?2 IS NULL OR payload_hash = ?2) AND meta = ?3",
    ),
    (
        "SELECT id, kind, content FROM quarantine ORDER BY rowid",
        "SELECT 1 FROM quarantine WHERE id = ?1 AND kind = ?2 AND content = ?3",
    ),
    // A number that a task has taken is ruled out without a floor.
    (
        "SELECT substr(key, 10), CAST(value AS INTEGER), NULL FROM meta WHERE key GLOB 'next_seq:*'",
        "SELECT 1 WHERE ?3 IS NULL AND (
             EXISTS (SELECT 1 FROM meta WHERE key = 'next_seq:' || ?1 AND CAST(value AS INTEGER) >= ?2)
             OR EXISTS (SELECT 1 FROM short_ids WHERE prefix = ?1 AND number >= ?2 - 1))",
    ),
];

/// What `present` holds and `backup` does not; `None` if that is nothing.
///
/// # Errors
/// Those of reading either.
pub(super) fn compare(present: &Connection, backup: &Connection) -> rusqlite::Result<Option<Lacking>> {
    let mut lacking: Option<Lacking> = None;
    for (all, one) in IRREPLACEABLE {
        let (mut all, mut one) = (present.prepare(all)?, backup.prepare(one)?);
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (id, what, more): (String, Value, Value) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if one.query_row((&id, &what, &more), |_| Ok(())).optional()?.is_none() {
                lacking.get_or_insert(Lacking { count: 0, first: id }).count += 1;
            }
        }
    }
    Ok(lacking)
}
