//! The event log: appending with hash and chain, and reading histories back.

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::error::StoreError;
use super::hash::{bytes_of_hex, sha256};
use super::unplaced::SqlResult;
use crate::domain::event::{Event, kind};
use crate::domain::id::{EventId, SortKey};

/// The end of the log, which the next event is chained to.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) seq: i64,
    pub(super) chain: [u8; 32],
    /// Its place in the canonical order; `None` before the first event.
    pub(super) key: Option<SortKey>,
}

/// What the first event is chained to.
pub(super) const GENESIS: [u8; 32] = [0; 32];

pub(super) fn tail(conn: &Connection) -> Result<Tail, StoreError> {
    let found = conn
        .prepare_cached("SELECT seq, chain, sort_key FROM events ORDER BY seq DESC LIMIT 1")
        .sql()?
        .query_row([], |row| {
            let key = SortKey::from_stored(row.get(2)?);
            Ok(Tail { seq: row.get(0)?, chain: row.get(1)?, key: Some(key) })
        })
        .optional()
        .sql()?;
    Ok(found.unwrap_or(Tail { seq: 0, chain: GENESIS, key: None }))
}

/// The statement that [`insert`] takes: prepared once for all events of a transaction.
pub(super) const INSERT: &str =
    "INSERT INTO events (seq, id, sort_key, ts, type, task_id, resource_id, actor, raw, hash, chain)
     VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)";

pub(super) fn insert(into: &mut Statement<'_>, tail: &mut Tail, event: &Event) -> Result<(), StoreError> {
    let hash = hash_of(event);
    let chain = link(&tail.chain, &hash);
    let (task, resource) = event.subject.ids();
    into.execute(params![
        tail.seq + 1,
        event.id.as_str(),
        event.key.as_str(),
        event.ts,
        event.kind,
        task,
        resource,
        event.actor.display(),
        event.raw(),
        proof_of(event, hash),
        chain
    ])
    .sql()?;
    *tail = Tail { seq: tail.seq + 1, chain, key: Some(event.key.clone()) };
    Ok(())
}

/// Puts another content in the place of an event and chains all that arrived since anew. For a
/// conflict that somebody decided; the caller keeps the loser and rebuilds the tables.
pub(super) fn replace(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    let seq: i64 = conn
        .query_row("SELECT seq FROM events WHERE id = ?1", [event.id.as_str()], |row| row.get(0))
        .sql()?;
    let (task, resource) = event.subject.ids();
    conn.execute(
        "UPDATE events SET sort_key=?2, ts=?3, type=?4, task_id=?5, resource_id=?6, actor=?7, raw=?8, hash=?9 WHERE seq=?1",
        params![
            seq,
            event.key.as_str(),
            event.ts,
            event.kind,
            task,
            resource,
            event.actor.display(),
            event.raw(),
            proof_of(event, hash_of(event))
        ],
    )
    .sql()?;
    let mut chain = conn
        .query_row("SELECT chain FROM events WHERE seq = ?1 - 1", [seq], |row| row.get(0))
        .optional()
        .sql()?
        .unwrap_or(GENESIS);
    let since: Vec<(i64, [u8; 32])> = {
        let mut statement =
            conn.prepare("SELECT seq, substr(hash, 1, 32) FROM events WHERE seq >= ?1 ORDER BY seq").sql()?;
        let found = statement.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?))).sql()?;
        found.collect::<Result<_, _>>().sql()?
    };
    for (seq, hash) in since {
        chain = link(&chain, &hash);
        conn.prepare_cached("UPDATE events SET chain = ?2 WHERE seq = ?1")
            .sql()?
            .execute(params![seq, chain])
            .sql()?;
    }
    Ok(())
}

/// The hash of the text that an event had when it was written; a tombstone still names it.
fn hash_of(event: &Event) -> [u8; 32] {
    let named = event.redacted.as_deref().and_then(bytes_of_hex);
    named.unwrap_or_else(|| sha256(event.raw().as_bytes()))
}

/// What the column `hash` holds: the hash that the chain takes and, behind it, a tombstone's own, which
/// nothing else would prove.
fn proof_of(event: &Event, hash: [u8; 32]) -> Vec<u8> {
    match event.redacted {
        None => hash.to_vec(),
        Some(_) => [hash, sha256(event.raw().as_bytes())].concat(),
    }
}

/// Whether that column holds what belongs to these bytes. Tombstones had no hash of their own at first.
fn is_proved(stored: &[u8], bytes: &[u8], written: &[u8; 32]) -> bool {
    let (hash, own) = stored.split_at(stored.len().min(written.len()));
    hash == written && (own.is_empty() || own == sha256(bytes))
}

/// The event that stored bytes say, if they say one, and the hash that belongs to them: to these very
/// bytes, not to others that say the same.
pub(super) fn read_back(bytes: &[u8]) -> (Option<Event>, [u8; 32]) {
    let event = std::str::from_utf8(bytes).ok().and_then(|raw| Event::parse(raw).ok());
    let named = event.as_ref().and_then(|event| event.redacted.as_deref()).and_then(bytes_of_hex);
    (event, named.unwrap_or_else(|| sha256(bytes)))
}

/// Puts tombstones in the place of their events. Hashes and chain stay as they are.
pub(super) fn redact(conn: &Connection, tombstone: &Event) -> Result<(), StoreError> {
    let hash = hash_of(tombstone);
    conn.prepare_cached("UPDATE events SET raw = ?2, hash = ?3 WHERE id = ?1 AND substr(hash, 1, 32) = ?4")
        .sql()?
        .execute(params![tombstone.id.as_str(), tombstone.raw(), proof_of(tombstone, hash), hash])
        .sql()?;
    // What once lost against it may say the same.
    conn.prepare_cached("DELETE FROM quarantine WHERE id = ?1")
        .sql()?
        .execute([tombstone.id.as_str()])
        .sql()?;
    Ok(())
}

/// Events that hold one of these texts, as it stands in an event.
pub(super) fn holding(conn: &Connection, texts: &[String], most: usize) -> Result<Vec<String>, StoreError> {
    let list = super::rows::encoded(&texts)?;
    let mut statement = conn
        .prepare(
            "SELECT id FROM events WHERE EXISTS (SELECT 1 FROM json_each(?1) WHERE instr(raw, value)) ORDER BY seq LIMIT ?2",
        )
        .sql()?;
    let found = statement.query_map(params![list, most as i64], |row| row.get(0)).sql()?;
    found.collect::<Result<_, _>>().sql()
}

/// The chain over the hashes in order of arrival.
pub(super) fn link(before: &[u8; 32], hash: &[u8; 32]) -> [u8; 32] {
    let mut both = [0_u8; 64];
    both[..32].copy_from_slice(before);
    both[32..].copy_from_slice(hash);
    sha256(&both)
}

fn parsed(raw: &str) -> Result<Event, StoreError> {
    Event::from_stored(raw)
        .map_err(|error| StoreError::Corrupt { detail: format!("a stored event does not read: {error}") })
}

/// The event of a row that begins with text and hash. One is held against the other: what is shown,
/// folded or carried elsewhere is what was written.
pub(super) fn event_of_row(row: &Row<'_>) -> Result<Event, StoreError> {
    let text = text_of_row(row)?;
    let event = parsed(text)?;
    let stored = row.get_ref(1).sql()?.as_bytes().unwrap_or_default();
    if !is_proved(stored, text.as_bytes(), &hash_of(&event)) {
        return Err(changed(event.id.as_str()));
    }
    Ok(event)
}

/// The same without reading what the text says, unless that is what is left of an event.
pub(super) fn whole_text(row: &Row<'_>) -> Result<String, StoreError> {
    let text = text_of_row(row)?;
    if row.get_ref(1).sql()?.as_bytes().ok() != Some(&sha256(text.as_bytes())) {
        event_of_row(row)?;
    }
    Ok(text.to_owned())
}

fn text_of_row<'r>(row: &'r Row<'_>) -> Result<&'r str, StoreError> {
    row.get_ref(0).sql()?.as_str().map_err(|error| StoreError::Corrupt { detail: error.to_string() })
}

pub(super) fn changed(id: &str) -> StoreError {
    StoreError::Corrupt { detail: format!("event {id} is not what was written") }
}

const BY_ID: &str = "SELECT raw, hash FROM events WHERE id = ?1";

pub(super) fn find(conn: &Connection, id: &EventId) -> Result<Option<Event>, StoreError> {
    let mut statement = conn.prepare_cached(BY_ID).sql()?;
    let mut rows = statement.query([id.as_str()]).sql()?;
    rows.next().sql()?.map(event_of_row).transpose()
}

/// The canonical text of an event: enough to tell whether it is the same.
pub(super) fn text(conn: &Connection, id: &EventId) -> Result<Option<String>, StoreError> {
    let mut statement = conn.prepare_cached(BY_ID).sql()?;
    let mut rows = statement.query([id.as_str()]).sql()?;
    rows.next().sql()?.map(whole_text).transpose()
}

/// The texts of all creations and moves into and out of the archive that have arrived up to this
/// place, in canonical order, with their tasks.
pub(super) fn lifecycles(conn: &Connection, last: i64) -> Result<Vec<(String, String)>, StoreError> {
    let kinds = kind::LIFECYCLE.map(|kind| format!("'{kind}'")).join(",");
    let mut statement = conn
        .prepare(&format!(
            "SELECT raw, hash, task_id FROM events WHERE type IN ({kinds}) AND task_id IS NOT NULL AND seq <= ?1
             ORDER BY sort_key, raw"
        ))
        .sql()?;
    let mut rows = statement.query([last]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        found.push((row.get(2).sql()?, whole_text(row)?));
    }
    let places = "SELECT count(*) FROM events NOT INDEXED WHERE seq <= ?1";
    let count: i64 = conn.query_row(places, [last], |row| row.get(0)).sql()?;
    match last_place(conn)?.min(last) - count {
        0 => Ok(found),
        _ => Err(StoreError::Incomplete { whose: "the log".to_owned() }),
    }
}

/// The place of the last event to arrive, 0 if there is none.
pub(super) fn last_place(conn: &Connection) -> Result<i64, StoreError> {
    Ok(tail(conn)?.seq)
}

/// The place in the canonical order of the last event to arrive.
pub(super) fn last_key(conn: &Connection) -> Result<Option<SortKey>, StoreError> {
    Ok(tail(conn)?.key)
}

/// The last place in the tracker's own history, which need not have arrived last.
pub(super) fn last_instance_key(conn: &Connection) -> Result<Option<SortKey>, StoreError> {
    let key = conn
        .prepare_cached(
            "SELECT sort_key FROM events WHERE task_id IS NULL AND resource_id IS NULL ORDER BY sort_key DESC LIMIT 1",
        )
        .sql()?
        .query_row([], |row| row.get(0))
        .optional()
        .sql()?;
    Ok(key.map(SortKey::from_stored))
}

/// The number of the event that arrived last, 0 if there is none.
pub(super) fn last_seq(conn: &Connection) -> Result<i64, StoreError> {
    conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).sql()
}

/// Places whose bytes are not what was written: the sequence has a hole, or a hash or the chain
/// does not fit.
pub(super) fn broken_links(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn
        .prepare("SELECT seq, id, raw, hash, chain, sort_key, ts, type, task_id, resource_id, actor FROM events ORDER BY seq")
        .sql()?;
    let mut rows = statement.query([]).sql()?;
    let mut before = GENESIS;
    let mut expected = 1_i64;
    let mut broken = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let seq: i64 = row.get(0).sql()?;
        let id = String::from_utf8_lossy(row.get_ref(1).sql()?.as_bytes().unwrap_or_default()).into_owned();
        let bytes = row.get_ref(2).sql()?.as_bytes().unwrap_or_default();
        let (event, right) = read_back(bytes);
        let hash: Vec<u8> = row.get(3).sql()?;
        let chain: Vec<u8> = row.get(4).sql()?;
        let next = link(&before, &right);
        if seq != expected {
            broken.push(format!("{id} (place {seq}, expected {expected})"));
        } else if !is_proved(&hash, bytes, &right) || chain != next {
            broken.push(format!("{id} (place {seq})"));
        } else if !columns_agree(row, event.as_ref())? {
            broken.push(format!("{id} (place {seq}, its columns)"));
        }
        // Go on from what is stored, or one damaged event would make all after it look damaged.
        before = chain.try_into().unwrap_or(next);
        expected = seq + 1;
    }
    Ok(broken)
}

/// Whether the columns say what the text says: a flipped bit in a column is damage too.
fn columns_agree(row: &Row<'_>, event: Option<&Event>) -> Result<bool, StoreError> {
    let Some(event) = event else { return Ok(false) };
    let (task, resource) = event.subject.ids();
    let said = [
        Some(event.id.as_str()),
        Some(event.key.as_str()),
        Some(&event.ts),
        Some(&event.kind),
        task,
        resource,
        Some(event.actor.display()),
    ];
    // The columns are compared as bytes: damage need not be text any more.
    for (column, said) in [1, 5, 6, 7, 8, 9, 10].into_iter().zip(said) {
        let stored = row.get_ref(column).sql()?.as_bytes_or_null().unwrap_or_default();
        if stored != said.map(str::as_bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}
