//! The proof that a file has exactly the schema that this program made. A
//! schema is code: triggers, views, CHECK constraints and generated columns of
//! a file that came from somebody else would run inside our statements.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::migrate;
use crate::store::error::{StoreError, from_sqlite};
use crate::store::hash::{hex, sha256};

/// The application id in the header of every tracker file: "LTIC" in ASCII.
pub const APPLICATION_ID: i64 = 0x4C54_4943;

/// The schema version that this program reads and writes: its newest migration.
pub const SCHEMA_VERSION: i64 = KNOWN[KNOWN.len() - 1].version;

/// The schema as one version's migrations leave it.
pub(super) struct Known {
    /// The number of the newest migration, kept as `user_version`.
    pub(super) version: i64,
    /// The names of its indexes; other plain indexes are let through.
    pub(super) indexes: &'static [&'static str],
    /// SHA-256 of the rows of `sqlite_schema` that [`rows`] returns.
    pub(super) hash: &'static str,
}

/// One entry for each released version, oldest first.
pub(super) const KNOWN: &[Known] = &[
    Known {
        version: 1,
        indexes: &[
            "events_by_instance",
            "events_by_resource",
            "events_by_task",
            "relationships_by_target",
            "short_ids_contested",
            "tasks_at_work",
            "tasks_by_assignee",
            "tasks_by_status",
            "tasks_in_order",
        ],
        hash: "9be84c95891ee2b02fd9de9ef98c102b524a93c92fdf43ea828f211d112a7893",
    },
    Known {
        version: 2,
        indexes: &INDEXES_SINCE_2,
        hash: "840fd0ca83a81f8b78f949ff6748bfe4b867fb61e092e1380d06442b432a8fcf",
    },
    Known {
        version: 3,
        indexes: &INDEXES_SINCE_2,
        hash: "71b71676ccb26982d8e7a85e6e80d0607153c5026eaab8c048bc6c245ca7fadb",
    },
    Known {
        version: 4,
        indexes: &INDEXES_SINCE_2,
        hash: "71b71676ccb26982d8e7a85e6e80d0607153c5026eaab8c048bc6c245ca7fadb",
    },
    Known {
        version: 5,
        indexes: &INDEXES_SINCE_5,
        hash: "4f27693fa57e7259a00581b96e5cbe50ceb24784266b72fab07e37d8e77c52f1",
    },
];

/// The indexes of the second schema and of those after it.
const INDEXES_SINCE_2: [&str; 10] = [
    "events_by_instance",
    "events_by_resource",
    "events_by_task",
    "relationships_by_target",
    "short_ids_contested",
    "tasks_at_work",
    "tasks_by_assignee",
    "tasks_by_done",
    "tasks_by_status",
    "tasks_in_order",
];

/// The indexes of the fifth schema.
const INDEXES_SINCE_5: [&str; 11] = [
    "events_by_instance",
    "events_by_resource",
    "events_by_task",
    "relationships_by_target",
    "short_ids_contested",
    "task_names_by_name",
    "tasks_at_work",
    "tasks_by_assignee",
    "tasks_by_done",
    "tasks_by_status",
    "tasks_in_order",
];

/// The tables that ANALYZE makes. Their text is compared too, because SQLite
/// runs the text of a row whatever its name says.
const STATISTICS: [&str; 2] =
    ["CREATE TABLE sqlite_stat1(tbl,idx,stat)", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"];

/// What the header of a database says about whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    application_id: i64,
    user_version: i64,
}

/// Reads the header, never the schema. This is the first read of a connection,
/// so it meets whatever is wrong with the file or the place.
pub(super) fn header(conn: &Connection) -> rusqlite::Result<Header> {
    let number = |pragma: &str| conn.query_row(pragma, [], |row| row.get(0));
    Ok(Header {
        application_id: number("PRAGMA application_id")?,
        user_version: number("PRAGMA user_version")?,
    })
}

/// The schema version of a file of ours that is not newer than this program.
///
/// # Errors
/// `Foreign`, `TooNew`.
pub(super) fn version(header: Header, path: &Path) -> Result<i64, StoreError> {
    let Header { application_id, user_version: found } = header;
    if application_id != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_path_buf() });
    }
    if found > SCHEMA_VERSION {
        return Err(StoreError::TooNew { found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Compares the schema behind `conn` with that of `version`.
///
/// # Errors
/// `SchemaTampered` with the name of the first object that differs.
pub(super) fn check(conn: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let unknown = || StoreError::SchemaTampered { object: format!("user_version {version}") };
    let known = KNOWN.iter().find(|known| known.version == version).ok_or_else(unknown)?;
    if matches(conn, path, known)? {
        return Ok(());
    }
    Err(StoreError::SchemaTampered { object: first_difference(conn, path, known)? })
}

/// Whether the schema behind `conn` is `known`.
pub(super) fn matches(conn: &Connection, path: &Path, known: &Known) -> Result<bool, StoreError> {
    Ok(fingerprint(&rows(conn, path, known.indexes)?) == known.hash)
}

/// Type, name, table and text of an object.
type Row = [String; 4];

/// The rows of `sqlite_schema` that count: all but the indexes that SQLite
/// makes by itself, the statistics, and indexes of columns that are not in `indexes`.
fn rows(conn: &Connection, path: &Path, indexes: &[&str]) -> Result<Vec<Row>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Row>> {
        let mut statement =
            conn.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        rows.collect()
    };
    let mut rows = read().map_err(|e| from_sqlite(&e, path))?;
    rows.retain(|[kind, name, _, sql]| {
        let own_index = kind == "index" && indexes.contains(&name.as_str());
        let harmless = STATISTICS.contains(&sql.as_str()) || is_plain_index(sql);
        own_index || !harmless
    });
    // By type and name. Every writer comes here, and SQLite takes longer to sort them.
    rows.sort_unstable();
    Ok(rows)
}

/// Whether this makes an index of columns alone. One of expressions, or of some rows only, is code that
/// every writer would run, as long as it pleases its author.
fn is_plain_index(sql: &str) -> bool {
    let Some(rest) = sql.strip_prefix("CREATE INDEX ") else { return false };
    let Some((_, columns)) = rest.split_once('(') else { return false };
    let Some(columns) = columns.trim_end().strip_suffix(')') else { return false };
    columns.split(',').all(|column| {
        let column = column.trim();
        let words = |way| column.len().checked_sub(way).and_then(|at| column.split_at_checked(at));
        let bare = [" DESC", " ASC"].iter().find_map(|way| {
            words(way.len()).filter(|(_, end)| end.eq_ignore_ascii_case(way)).map(|(name, _)| name)
        });
        let name = bare.unwrap_or(column).trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn fingerprint(rows: &[Row]) -> String {
    let mut bytes = Vec::with_capacity(16 * 1024);
    for field in rows.iter().flatten() {
        bytes.extend((field.len() as u64).to_le_bytes());
        bytes.extend(field.as_bytes());
    }
    hex(&sha256(&bytes))
}

/// Slow and exact: makes the known schema in memory and compares one by one.
fn first_difference(conn: &Connection, path: &Path, known: &Known) -> Result<String, StoreError> {
    let index = |rows: Vec<Row>| -> BTreeMap<String, Row> {
        rows.into_iter().map(|row| (row[1].clone(), row)).collect()
    };
    let found = index(rows(conn, path, known.indexes)?);
    let model = migrate::in_memory(known.version)?;
    let expected = index(rows(&model, path, known.indexes)?);
    let differs = |name: &&String| found.get(*name) != expected.get(*name);
    let name = found.keys().chain(expected.keys()).find(differs);
    Ok(name.cloned().unwrap_or_else(|| "sqlite_schema".into()))
}

/// The hash that an entry of [`KNOWN`] would have for the schema behind `conn`.
#[cfg(test)]
pub(super) fn hash_of(conn: &Connection, indexes: &[&str]) -> String {
    fingerprint(&rows(conn, Path::new("in memory"), indexes).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "in memory";

    fn tampered(sql: &str) -> Option<String> {
        let conn = migrate::in_memory(SCHEMA_VERSION).unwrap();
        conn.execute_batch(sql).unwrap();
        match check(&conn, Path::new(NOWHERE), SCHEMA_VERSION) {
            Ok(()) => None,
            Err(StoreError::SchemaTampered { object }) => Some(object),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Says what to write into `KNOWN` when a migration was added. The others are frozen: there are
    /// files that they made.
    #[test]
    fn the_known_schemas_are_those_of_the_migrations() {
        assert_eq!(migrate::newest(), SCHEMA_VERSION, "KNOWN lacks the newest migration");
        for known in KNOWN {
            let conn = migrate::in_memory(known.version).unwrap();
            let names = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
                         ORDER BY name";
            let mut statement = conn.prepare(names).unwrap();
            let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let names: Vec<_> = names.map(Result::unwrap).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let hash = hash_of(&conn, &names);
            let expected = (known.indexes.to_vec(), known.hash);
            assert_eq!((names, hash.as_str()), expected, "version {}", known.version);
        }
    }

    #[test]
    fn plain_indexes_and_statistics_are_allowed() {
        assert_eq!(tampered("CREATE INDEX mine ON tasks (title)"), None);
        assert_eq!(tampered("CREATE INDEX mine ON tasks(title DESC, \"id\" ASC)"), None);
        let analyze = "INSERT INTO meta VALUES ('a', 'b'), ('c', 'd'); ANALYZE;";
        assert_eq!(tampered(analyze), None);
    }

    #[test]
    fn everything_else_is_named() {
        for (sql, object) in [
            ("CREATE TRIGGER evil AFTER INSERT ON events BEGIN SELECT 1; END", "evil"),
            ("CREATE VIEW evil AS SELECT 1", "evil"),
            ("CREATE TABLE evil (x)", "evil"),
            ("CREATE UNIQUE INDEX evil ON tasks (title)", "evil"),
            ("CREATE INDEX evil ON events (instr(hex(zeroblob(2000000)), hex(zeroblob(1000000))))", "evil"),
            ("CREATE INDEX evil ON tasks (title || id)", "evil"),
            ("CREATE INDEX evil ON tasks (title) WHERE open = 1", "evil"),
            ("CREATE INDEX \"evil(\" ON tasks (title || id)", "evil("),
            ("CREATE VIRTUAL TABLE evil USING fts5(x)", "evil"),
            (
                "DROP TABLE search; CREATE VIRTUAL TABLE search USING fts5(title, body, content='events')",
                "search",
            ),
            ("CREATE TRIGGER evil AFTER INSERT ON search_data BEGIN SELECT 1; END", "evil"),
            ("DROP TRIGGER events_are_never_deleted", "events_are_never_deleted"),
            ("DROP TABLE plans; CREATE VIEW plans AS SELECT 1", "plans"),
            ("DROP INDEX tasks_in_order; CREATE INDEX tasks_in_order ON tasks (id)", "tasks_in_order"),
            ("DROP TABLE meta; CREATE TABLE meta (key, value, CHECK (0))", "meta"),
        ] {
            assert_eq!(tampered(sql).as_deref(), Some(object), "{sql}");
        }
    }

    /// SQLite runs the text of a row whatever its type column says.
    #[test]
    fn a_trigger_in_the_clothes_of_an_index_or_of_statistics_is_found() {
        for (kind, name) in [("index", "mine"), ("table", "sqlite_stat1")] {
            let sql = format!(
                "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('{kind}', '{name}', \
                 'events', 0, 'CREATE TRIGGER evil AFTER INSERT ON events BEGIN SELECT 1; END')"
            );
            assert_eq!(tampered(&sql).as_deref(), Some(name));
        }
    }
}
