//! What a tracker says, read by SQLite alone: the answers that a damaged file is held against.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// What `doctor` promises: the log, payloads and their records, and every derived row.
const PROMISED: [&str; 20] = [
    "events",
    ARTIFACTS,
    "payloads",
    "tasks",
    "short_ids",
    "task_tags",
    "task_names",
    "relationships",
    "branch_links",
    "task_artifacts",
    "comments",
    "reactions",
    "plans",
    "notes",
    "resources",
    "resource_ids",
    "statuses",
    "tallies",
    "meta WHERE key IN ('config', 'context', 'instance_heads')",
    "temp.words",
];
/// What the record of an artifact says twice.
const ARTIFACTS: &str = "(SELECT id, type, title, summary, created_at, created_by, content_type, payload_file, \
                         size_bytes, sensitive, payload_hash FROM artifacts)";
/// What nothing else in the file says again, so that nobody can see a change of it.
const ALONE: [&str; 5] = [
    "(SELECT meta FROM artifacts)",
    "sessions",
    "quarantine",
    "tree_record",
    "meta WHERE key NOT IN ('config', 'context', 'instance_heads')",
];

/// All that a tracker says; none of a part that cannot be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    pub promised: Vec<Option<Vec<u8>>>,
    pub alone: Vec<Option<Vec<u8>>>,
}

impl Content {
    /// Reads a tracker. The file and its log stay as they are.
    pub fn of(database: &Path) -> Self {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let conn = Connection::open_with_flags(database, flags)?;
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            conn.execute_batch("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, instance)")?;
            Ok(conn)
        };
        let Ok(conn) = open() else {
            return Self { promised: vec![None; PROMISED.len()], alone: vec![None; ALONE.len()] };
        };
        let rows = |tables: &[&str]| tables.iter().map(|table| rows(&conn, table).ok()).collect();
        Self { promised: rows(&PROMISED), alone: rows(&ALONE) }
    }

    /// The tables whose rows are others than in `original`.
    pub fn changed(&self, original: &Self) -> Vec<&'static str> {
        let both = self.promised.iter().zip(&original.promised).zip(PROMISED);
        both.filter(|((is, was), _)| is != was).map(|(_, table)| table).collect()
    }

    /// How many rows' bytes each table has, to see that none is empty.
    pub fn empty(&self) -> Vec<&'static str> {
        let both = |parts: &[Option<Vec<u8>>], tables: &[&'static str]| -> Vec<&'static str> {
            let parts = parts.iter().zip(tables);
            parts
                .filter(|(part, _)| part.as_ref().is_none_or(Vec::is_empty))
                .map(|(_, table)| *table)
                .collect()
        };
        [both(&self.promised, &PROMISED), both(&self.alone, &ALONE)].concat()
    }
}

/// Every value of every row with its kind, in the order of the table itself.
fn rows(conn: &Connection, table: &str) -> rusqlite::Result<Vec<u8>> {
    let mut statement = conn.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut content = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            let (kind, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (0, Vec::new()),
                ValueRef::Integer(number) => (1, number.to_le_bytes().to_vec()),
                ValueRef::Real(number) => (2, number.to_le_bytes().to_vec()),
                ValueRef::Text(bytes) => (3, bytes.to_vec()),
                ValueRef::Blob(bytes) => (4, bytes.to_vec()),
            };
            content.push(kind);
            content.extend((bytes.len() as u64).to_le_bytes());
            content.extend(bytes);
        }
    }
    Ok(content)
}
