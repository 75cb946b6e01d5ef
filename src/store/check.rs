//! What `doctor` asks: is the file whole, and do the tables say what the log says.

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::unplaced::SqlResult;
use super::{file, project, search_index, tallies};

/// Sizes for reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Totals {
    pub tasks: i64,
    pub archived: i64,
    pub events: i64,
    pub artifacts: i64,
    pub resources: i64,
}

pub(super) fn totals(conn: &Connection) -> Result<Totals, StoreError> {
    conn.query_row(
        "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM tasks WHERE archived = 1),
                (SELECT count(*) FROM events), (SELECT count(*) FROM artifacts), (SELECT count(*) FROM resources)",
        [],
        |row| {
            Ok(Totals { tasks: row.get(0)?, archived: row.get(1)?, events: row.get(2)?, artifacts: row.get(3)?, resources: row.get(4)? })
        },
    )
    .sql()
}

/// What `PRAGMA integrity_check` finds, at most 20 lines, and what of the schema is not ours. What is
/// wrong with the index of words alone can be made anew, and `drift` names it.
pub(super) fn integrity(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let strange = file::strange_object(conn)?;
    let mut found = match faults(conn, "PRAGMA integrity_check(20)") {
        // That index can be so damaged that SQLite gives up: then all but it, table by table.
        Err(error) if search_index::is_damage(&error) => {
            let mut statement = conn
                .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
                .sql()?;
            let names: Vec<String> =
                statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
            let of = |name: &String| {
                faults(conn, &format!("PRAGMA integrity_check(\"{}\")", name.replace('"', "\"\"")))
            };
            names.iter().map(of).collect::<Result<Vec<_>, _>>()?.concat()
        }
        found => found?,
    };
    found.retain(|line| !line.starts_with("fts5: ") && !line.contains(" FTS5 table "));
    found.extend(strange.map(|object| format!("`{object}` is not what this program made")));
    found.truncate(NAMED);
    Ok(found)
}

/// What SQLite finds wrong with the log and its indexes, at most 20 lines.
pub(super) fn log_faults(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut found = faults(conn, "PRAGMA integrity_check(events)")?;
    found.truncate(NAMED);
    Ok(found)
}

fn faults(conn: &Connection, pragma: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare(pragma).sql()?;
    let lines: Vec<String> =
        statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

pub(super) fn quarantined(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = conn.prepare("SELECT id, kind FROM quarantine ORDER BY id").sql()?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).sql()?.collect::<Result<_, _>>().sql()
}

pub(super) fn is_quarantined(
    conn: &Connection,
    id: &str,
    kind: &str,
    content: &str,
) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT 1 FROM quarantine WHERE id = ?1 AND kind = ?2 AND content = ?3")
        .sql()?
        .exists([id, kind, content])
        .sql()
}

/// Derived tables with the columns that order their rows.
const DERIVED: [(&str, &str); 16] = [
    ("tasks", "id"),
    ("short_ids", "prefix, number, task_id"),
    ("task_tags", "tag, task_id"),
    ("task_names", "task_id, name"),
    ("relationships", "task_id, type, target_task_id"),
    ("branch_links", "task_id, branch, repo"),
    ("task_artifacts", "task_id, artifact_id"),
    ("comments", "id"),
    ("reactions", "comment_id, emoji, actor"),
    ("plans", "task_id"),
    ("notes", "task_id"),
    ("resources", "name"),
    ("resource_ids", "id"),
    ("statuses", "name"),
    ("tallies", "kind, name"),
    ("meta WHERE key IN ('config', 'context', 'instance_heads')", "key"),
];
/// Differences named for one table.
const NAMED: usize = 20;

/// Replays the whole log into a second set of tables and compares row by row.
pub(super) fn drift(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    if let Some(object) = file::strange_object(conn)? {
        // Its columns need not be there, nor have names that are text.
        return Err(StoreError::Corrupt { detail: format!("`{object}` is not what this program made") });
    }
    let fresh = file::in_memory()?;
    project::rebuild(conn, &fresh, |_| {})?;
    tallies::replay(conn, &fresh)?;
    let mut differences = Vec::new();
    for (table, order) in DERIVED {
        compare(conn, &fresh, table, order, &mut differences)?;
    }
    let words = match search_index::faults(conn, &fresh, NAMED) {
        Err(error) if search_index::is_damage(&error) => vec!["its index cannot be read".to_owned()],
        words => words?,
    };
    differences.extend(words.into_iter().map(|fault| ("search".to_owned(), fault)));
    Ok(differences)
}

fn compare(
    stored: &Connection,
    fresh: &Connection,
    table: &str,
    order: &str,
    found: &mut Vec<(String, String)>,
) -> Result<(), StoreError> {
    let name = table.split(' ').next().unwrap_or(table);
    let sql = format!("SELECT * FROM {table} ORDER BY {order}");
    let (mut a, mut b) = (stored.prepare(&sql).sql()?, fresh.prepare(&sql).sql()?);
    let columns: Vec<String> = a.column_names().map(str::to_owned).collect();
    let keys: Vec<usize> =
        order.split(", ").filter_map(|key| columns.iter().position(|c| c == key)).collect();
    let (mut a, mut b) = (a.query([]).sql()?, b.query([]).sql()?);
    let (mut left, mut right) = (next(&mut a, columns.len())?, next(&mut b, columns.len())?);
    let mut named = 0;
    while named < NAMED {
        let key = |row: &[Sql]| keys.iter().map(|k| text(&row[*k])).collect::<Vec<_>>();
        let note = match (&left, &right) {
            (None, None) => break,
            (Some(l), Some(r)) if key(l) == key(r) => {
                let wrong: Vec<&str> = columns
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| l[*i] != r[*i])
                    .map(|(_, c)| c.as_str())
                    .collect();
                let note = (!wrong.is_empty()).then(|| format!("{}: {}", key(l).join(" "), wrong.join(", ")));
                (left, right) = (next(&mut a, columns.len())?, next(&mut b, columns.len())?);
                note
            }
            (Some(l), r) if r.as_ref().is_none_or(|r| is_before(&keys, l, r)) => {
                let note = format!("{}: a row too many", key(l).join(" "));
                left = next(&mut a, columns.len())?;
                Some(note)
            }
            (_, Some(r)) => {
                let note = format!("{}: a row is missing", key(r).join(" "));
                right = next(&mut b, columns.len())?;
                Some(note)
            }
            (Some(_), None) => break,
        };
        if let Some(note) = note {
            found.push((name.to_owned(), note));
            named += 1;
        }
    }
    Ok(())
}

fn next(rows: &mut rusqlite::Rows<'_>, columns: usize) -> Result<Option<Vec<Sql>>, StoreError> {
    // Damaged text need not be text any more; it is compared all the same.
    let value =
        |row: &Row<'_>, i| match row.get_ref(i).sql()? {
            ValueRef::Text(bytes) => Ok(std::str::from_utf8(bytes)
                .map_or(Sql::Blob(bytes.to_vec()), |text| Sql::Text(text.to_owned()))),
            _ => row.get(i).sql(),
        };
    rows.next().sql()?.map(|row| (0..columns).map(|i| value(row, i)).collect()).transpose()
}

fn is_before(keys: &[usize], a: &[Sql], b: &[Sql]) -> bool {
    keys.iter()
        .map(|k| match (&a[*k], &b[*k]) {
            (Sql::Integer(a), Sql::Integer(b)) => a.cmp(b),
            (a, b) => text(a).cmp(&text(b)),
        })
        .find(|order| order.is_ne())
        .is_some_and(std::cmp::Ordering::is_lt)
}

fn text(value: &Sql) -> String {
    match value {
        Sql::Null => String::new(),
        Sql::Integer(n) => n.to_string(),
        Sql::Real(n) => n.to_string(),
        Sql::Text(text) => text.clone(),
        Sql::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
