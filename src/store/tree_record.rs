//! The record of the exported tree: what the files of every task read as at the last export.
//!
//! It follows from the log and says nothing about any folder: a file with these bytes, wherever it
//! stands, says nothing that the log did not hold then. So it can be emptied at any time, and what
//! changes the meaning of events that are there already empties it.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::error::{StoreError, from_sqlite};
use super::feed::Places;
use super::hash::{bytes_of_hex, hex};
use super::rows;
use super::tracker::{Opened, Store};
use super::unplaced::SqlResult;
use crate::domain::event::kind;
use crate::domain::id::TaskId;

/// SHA-256 of the bytes of a file.
type Hash = [u8; 32];

/// What a task's files read as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPrint {
    /// Whether they stand below the archive.
    pub archived: bool,
    /// How many events its log holds.
    pub events: usize,
    /// The short id that its files show.
    pub short_id: Option<String>,
    /// The short id that it claims, with the place of the claiming event in the canonical order.
    pub claim: Option<(String, String)>,
    /// The hashes of log, snapshot, plan and notes; of a file that there is none of, nothing.
    pub files: [Option<Hash>; 4],
}

/// The record as it is.
#[derive(Clone, Debug, Default)]
pub struct TreeRecord {
    /// The place of the last event that it knows of.
    pub seq: i64,
    /// What every task's files read as at that place.
    pub tasks: HashMap<TaskId, TaskPrint>,
    /// The hash of the log of all lifecycles, if that still reads so.
    pub lifecycle: Hash,
    /// Whether an event of a lifecycle has arrived since.
    pub lifecycle_grew: bool,
    /// Tasks whose files read otherwise by now.
    pub changed: std::collections::HashSet<TaskId>,
}

/// The row of `meta` that says whose record it is and what it knows of.
const KEY: &str = "tree_record";

#[derive(Serialize, Deserialize)]
struct Header {
    /// The program that wrote the files: another one may write other bytes.
    writer: String,
    seq: i64,
    /// The chain at that place, in hexadecimal digits.
    chain: String,
    /// The hash of the log of all lifecycles, in hexadecimal digits.
    lifecycle: String,
    /// How many rows there are: a part of them is not the record.
    tasks: usize,
}

/// The record, `None` if there is none of these files by this program.
pub(super) fn load(conn: &Connection, writer: &str) -> Result<Option<TreeRecord>, StoreError> {
    let Some(header) = rows::meta(conn, KEY)?.and_then(|text| serde_json::from_str::<Header>(&text).ok())
    else {
        return Ok(None);
    };
    let chain = chain_at(conn, header.seq)?;
    let (Some(lifecycle), true) =
        (bytes_of_hex(&header.lifecycle), header.writer == writer && chain == bytes_of_hex(&header.chain))
    else {
        return Ok(None);
    };
    let mut record = TreeRecord { seq: header.seq, lifecycle, ..TreeRecord::default() };
    let mut statement = conn
        .prepare("SELECT task_id, archived, events, short_id, claimed, claim_key, log, snapshot, plan, notes FROM tree_record")
        .sql()?;
    let mut rows = statement.query([]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let id: String = row.get(0).sql()?;
        if let Some(id) = TaskId::parse_foreign(&id) {
            record.tasks.insert(id, print_of_row(row).sql()?);
        }
    }
    if record.tasks.len() != header.tasks {
        return Ok(None);
    }
    note_changes(conn, &mut record)?;
    Ok(Some(record))
}

fn print_of_row(row: &Row<'_>) -> rusqlite::Result<TaskPrint> {
    let claimed: Option<String> = row.get(4)?;
    let claim_key: Option<String> = row.get(5)?;
    Ok(TaskPrint {
        archived: row.get(1)?,
        events: usize::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
        short_id: row.get(3)?,
        claim: claimed.zip(claim_key),
        files: [row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?],
    })
}

fn chain_at(conn: &Connection, seq: i64) -> Result<Option<Hash>, StoreError> {
    let chain = conn.query_row("SELECT chain FROM events WHERE seq = ?1", [seq], |row| row.get(0));
    chain.optional().sql()
}

/// A task's files read otherwise after an event about it, and where the claim of another task gave
/// it another number.
fn note_changes(conn: &Connection, record: &mut TreeRecord) -> Result<(), StoreError> {
    let mut statement =
        conn.prepare("SELECT task_id, type, seq FROM events WHERE seq > ?1 ORDER BY seq").sql()?;
    let mut rows = statement.query([record.seq]).sql()?;
    let mut places = Places::after(record.seq);
    while let Some(row) = rows.next().sql()? {
        places.go_on(row.get(2).sql()?)?;
        let task: Option<String> = row.get(0).sql()?;
        record.changed.extend(task.as_deref().and_then(TaskId::parse_foreign));
        let kind = row.get_ref(1).sql()?.as_str().unwrap_or_default();
        record.lifecycle_grew |= kind::LIFECYCLE.contains(&kind);
    }
    let mut shown: HashMap<String, String> = HashMap::with_capacity(record.tasks.len());
    let mut statement =
        conn.prepare("SELECT task_id, prefix || '-' || number FROM short_ids WHERE shown = 1").sql()?;
    let mut rows = statement.query([]).sql()?;
    while let Some(row) = rows.next().sql()? {
        shown.insert(row.get(0).sql()?, row.get(1).sql()?);
    }
    for (id, print) in &record.tasks {
        if shown.get(id.as_str()) != print.short_id.as_ref() {
            record.changed.insert(id.clone());
        }
    }
    Ok(())
}

/// Takes the record away. For whatever changes what events that are there already mean.
pub(super) fn clear(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [KEY]).sql()?;
    conn.execute("DELETE FROM tree_record", []).sql()?;
    Ok(())
}

/// What an export found the files of these tasks to read as.
#[derive(Clone, Debug, Default)]
pub struct TreeUpdate {
    /// The end of the log that it saw.
    pub seq: i64,
    /// The tasks that it rendered.
    pub tasks: BTreeMap<TaskId, TaskPrint>,
    /// The hash of the log of all lifecycles.
    pub lifecycle: Hash,
    /// Whether all other tasks read as the record says: else they are forgotten.
    pub keeps_others: bool,
}

fn save(conn: &Connection, writer: &str, update: &TreeUpdate) -> Result<(), StoreError> {
    let Some(chain) = chain_at(conn, update.seq)? else { return Ok(()) };
    if !update.keeps_others {
        clear(conn)?;
    }
    let mut insert = conn
        .prepare(
            "INSERT OR REPLACE INTO tree_record (task_id, archived, events, short_id, claimed, claim_key, log, snapshot, plan, notes)
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
        )
        .sql()?;
    for (id, print) in &update.tasks {
        let [log, snapshot, plan, notes] = &print.files;
        let (claimed, key) = print.claim.as_ref().map(|(claimed, key)| (claimed, key)).unzip();
        insert
            .execute(params![
                id.as_str(),
                print.archived,
                i64::try_from(print.events).unwrap_or(i64::MAX),
                print.short_id,
                claimed,
                key,
                log,
                snapshot,
                plan,
                notes
            ])
            .sql()?;
    }
    let tasks: i64 = conn.query_row("SELECT count(*) FROM tree_record", [], |row| row.get(0)).sql()?;
    let header = Header {
        tasks: usize::try_from(tasks).unwrap_or_default(),
        writer: writer.to_owned(),
        seq: update.seq,
        chain: hex(&chain),
        lifecycle: hex(&update.lifecycle),
    };
    rows::set_meta(conn, KEY, &rows::encoded(&header)?)
}

impl Store {
    /// Keeps what an export found the files to read as. Only a file that is open for writing keeps
    /// anything: reads change nothing.
    ///
    /// # Errors
    /// [`StoreError`]; the record is as it was then.
    pub fn save_tree_record(&self, writer: &str, update: &TreeUpdate) -> Result<(), StoreError> {
        let conn = match &self.file {
            Opened::Read(_) => return Ok(()),
            Opened::Write(file) => file.conn(),
            Opened::Memory(conn) => conn,
        };
        let place = |error: rusqlite::Error| from_sqlite(&error, &self.path);
        let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(place)?;
        match save(&tx, writer, update) {
            Err(StoreError::Unplaced(error)) => Err(place(*error)),
            Err(error) => Err(error),
            Ok(()) => tx.commit().map_err(|error| {
                if let Opened::Write(file) = &self.file {
                    file.settle();
                }
                place(error)
            }),
        }
    }
}
