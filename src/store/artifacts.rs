//! Artifacts and their payloads: the second set that only grows.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::hash::sha256;
use super::rows;
use super::unplaced::SqlResult;
use crate::domain::artifact::{Artifact, NewArtifact};
use crate::domain::id::ArtifactId;
use crate::domain::json;

/// How an artifact compares with what the file holds under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactAdded {
    /// It was not there.
    New,
    /// It was there without its payload, which came now.
    Completed,
    /// It was there, the same.
    Known,
    /// Another one is there; nothing was written.
    Differs,
}

/// What adding an artifact whose payload has this hash would do.
pub(super) fn compare(
    conn: &Connection,
    artifact: &Artifact,
    hash: Option<&[u8; 32]>,
) -> Result<ArtifactAdded, StoreError> {
    let known: Option<(String, Option<[u8; 32]>)> = conn
        .prepare_cached("SELECT meta, payload_hash FROM artifacts WHERE id = ?1")
        .sql()?
        .query_row([artifact.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .sql()?;
    Ok(match known {
        None => ArtifactAdded::New,
        Some((known, _)) if known != line(artifact) => ArtifactAdded::Differs,
        Some((_, Some(before))) if hash.is_some_and(|hash| *hash != before) => ArtifactAdded::Differs,
        Some((_, None)) if hash.is_some() => ArtifactAdded::Completed,
        Some(_) => ArtifactAdded::Known,
    })
}

fn line(artifact: &Artifact) -> String {
    json::line(&serde_json::Value::Object(artifact.meta().clone()))
}

pub(super) fn add(conn: &Connection, new: &NewArtifact) -> Result<ArtifactAdded, StoreError> {
    let artifact = &new.artifact;
    let hash = new.payload.as_deref().map(sha256);
    let compared = compare(conn, artifact, hash.as_ref())?;
    match compared {
        ArtifactAdded::Known | ArtifactAdded::Differs => return Ok(compared),
        ArtifactAdded::New => {}
        ArtifactAdded::Completed => {
            save_payload(conn, new)?;
            conn.prepare_cached("UPDATE artifacts SET payload_hash = ?2 WHERE id = ?1")
                .sql()?
                .execute(params![artifact.id.as_str(), hash])
                .sql()?;
            return Ok(compared);
        }
    }
    save_payload(conn, new)?;
    let created_by = artifact.meta().get("created_by").and_then(crate::domain::Actor::from_value);
    conn.prepare_cached(
        "INSERT INTO artifacts (id, type, title, summary, created_at, created_by, content_type, size_bytes, sensitive,
           payload_file, payload_hash, meta) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    )
    .sql()?
    .execute(params![
        artifact.id.as_str(),
        artifact.text("type"),
        artifact.text("title"),
        artifact.text("summary"),
        artifact.text("created_at"),
        created_by.as_ref().map(|a| a.display()),
        artifact.content_type(),
        artifact.size_bytes(),
        artifact.is_sensitive(),
        artifact.payload_file(),
        hash,
        line(artifact)
    ])
    .sql()?;
    Ok(ArtifactAdded::New)
}

/// Puts another artifact in the place of the one under its id. For a conflict that somebody
/// decided; the caller keeps the loser.
pub(super) fn replace(conn: &Connection, new: &NewArtifact) -> Result<(), StoreError> {
    conn.execute("DELETE FROM artifacts WHERE id = ?1", [new.artifact.id.as_str()]).sql()?;
    add(conn, new).map(drop)
}

fn save_payload(conn: &Connection, new: &NewArtifact) -> Result<(), StoreError> {
    new.payload.as_deref().map_or(Ok(()), |payload| keep_payload(conn, payload))
}

pub(super) fn find(conn: &Connection, id: &str) -> Result<Option<Artifact>, StoreError> {
    let meta: Option<String> = conn
        .prepare_cached("SELECT meta FROM artifacts WHERE id = ?1")
        .sql()?
        .query_row([id], |row| row.get(0))
        .optional()
        .sql()?;
    meta.map(|meta| artifact(&meta)).transpose()
}

fn artifact(meta: &str) -> Result<Artifact, StoreError> {
    let value = rows::decoded(meta, "artifacts.meta")?;
    Artifact::from_value(value)
        .ok_or_else(|| StoreError::Corrupt { detail: "artifacts.meta: not an artifact".to_owned() })
}

/// Artifacts whose id begins so, at most `limit`; `prefix` holds letters, digits and `_` only.
pub(super) fn by_prefix(conn: &Connection, prefix: &str, limit: usize) -> Result<Vec<Artifact>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT meta FROM artifacts WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3")
        .sql()?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = statement.query(params![prefix, format!("{prefix}\u{7f}"), limit]).sql()?;
    let mut artifacts = Vec::new();
    while let Some(row) = found.next().sql()? {
        artifacts.push(artifact(&row.get::<_, String>(0).sql()?)?);
    }
    Ok(artifacts)
}

/// All artifacts by id.
pub(super) fn all(conn: &Connection) -> Result<Vec<Artifact>, StoreError> {
    let mut statement = conn.prepare("SELECT meta FROM artifacts ORDER BY id").sql()?;
    let mut found = statement.query([]).sql()?;
    let mut artifacts = Vec::new();
    while let Some(row) = found.next().sql()? {
        artifacts.push(artifact(&row.get::<_, String>(0).sql()?)?);
    }
    Ok(artifacts)
}

/// The SHA-256 of an artifact's payload, if that is here.
pub(super) fn payload_hash(conn: &Connection, id: &ArtifactId) -> Result<Option<[u8; 32]>, StoreError> {
    let found: Option<Option<[u8; 32]>> = conn
        .prepare_cached("SELECT payload_hash FROM artifacts WHERE id = ?1")
        .sql()?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
        .sql()?;
    Ok(found.flatten())
}

pub(super) fn payload(conn: &Connection, id: &ArtifactId) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<(Vec<u8>, [u8; 32])> = conn
        .prepare_cached(
            "SELECT p.content, p.hash FROM artifacts a JOIN payloads p ON p.hash = a.payload_hash WHERE a.id = ?1",
        )
        .sql()?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .sql()?;
    match found {
        Some((content, hash)) if sha256(&content) != hash => {
            Err(StoreError::Corrupt { detail: format!("the payload of {id} is not what was written") })
        }
        found => Ok(found.map(|(content, _)| content)),
    }
}

/// Artifacts that are withheld: every event that attached them is redacted. A pure function of the
/// events, so nothing has to be said of it elsewhere.
pub(super) fn withheld(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn
        .prepare(
            "SELECT json_extract(data, '$.artifact_id') AS id FROM events WHERE type = 'artifact_attached' AND id IS NOT NULL
              GROUP BY 1 HAVING min(json_type(raw, '$.redacted.sha256') IS NOT NULL) = 1 ORDER BY 1",
        )
        .sql()?;
    statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()
}

/// Takes withheld artifacts out of the file, with the payloads that nothing else uses, and gives
/// their ids.
pub(super) fn withhold(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let withheld = withheld(conn)?;
    for id in &withheld {
        let mut statement = conn
            .prepare_cached(
                "SELECT lower(hex(payload_hash)) FROM artifacts WHERE id = ?1 AND payload_hash IS NOT NULL
                 UNION SELECT content FROM quarantine WHERE id = ?1 AND kind = 'payload'",
            )
            .sql()?;
        let payloads: Vec<String> =
            statement.query_map([id], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
        for table in ["artifacts", "quarantine"] {
            conn.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1")).sql()?.execute([id]).sql()?;
        }
        for payload in payloads {
            conn.prepare_cached(
                "DELETE FROM payloads WHERE hash = unhex(?1)
                    AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.payload_hash = payloads.hash)
                    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.kind = 'payload' AND q.content = ?1)",
            )
            .sql()?
            .execute([payload])
            .sql()?;
        }
    }
    Ok(withheld)
}

/// Artifacts that hold one of these texts, in what they say of themselves or in their payloads.
pub(super) fn holding(conn: &Connection, texts: &[String], most: usize) -> Result<Vec<String>, StoreError> {
    let list = rows::encoded(&texts)?;
    let mut statement = conn
        .prepare(
            "SELECT a.id FROM artifacts a LEFT JOIN payloads p ON p.hash = a.payload_hash
              WHERE EXISTS (SELECT 1 FROM json_each(?1) t
                             WHERE instr(a.meta, t.value) OR instr(p.content, CAST(t.value AS BLOB)))
              ORDER BY a.id LIMIT ?2",
        )
        .sql()?;
    let found = statement.query_map(params![list, most as i64], |row| row.get(0)).sql()?;
    found.collect::<Result<_, _>>().sql()
}

pub(super) fn with_payload(conn: &Connection, hash: &[u8; 32]) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare("SELECT id FROM artifacts WHERE payload_hash = ?1 ORDER BY id").sql()?;
    statement.query_map([hash], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()
}

/// What is wrong with an artifact or a payload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArtifactFault {
    /// The columns of this artifact do not say what its metadata says.
    Record(String),
    /// The payload of this artifact is gone, or is not what its hash says.
    Payload(String),
    /// The payload that is kept under this hash, and belongs to no artifact, is not what the hash says.
    Kept(String),
    /// The payload with this hash belongs to nothing.
    Orphan(String),
}

/// What is not as it was written.
pub(super) fn damaged(conn: &Connection) -> Result<Vec<ArtifactFault>, StoreError> {
    let mut statement = conn
        .prepare(&format!("SELECT a.payload_hash, p.content, {COLUMNS} FROM artifacts a LEFT JOIN payloads p ON p.hash = a.payload_hash ORDER BY a.id"))
        .sql()?;
    let mut found = statement.query([]).sql()?;
    let mut damaged = Vec::new();
    while let Some(row) = found.next().sql()? {
        let id = String::from_utf8_lossy(row.get_ref(2).sql()?.as_bytes().unwrap_or_default()).into_owned();
        let hash = row.get_ref(0).sql()?;
        let content = row.get_ref(1).sql()?;
        let whole = match hash.as_blob_or_null() {
            Ok(None) => true,
            Ok(Some(hash)) => content.as_blob().is_ok_and(|content| sha256(content)[..] == *hash),
            Err(_) => false,
        };
        if !record_agrees(row)? {
            damaged.push(ArtifactFault::Record(id.clone()));
        }
        if !whole {
            damaged.push(ArtifactFault::Payload(id));
        }
    }
    let mut statement = conn
        .prepare(
            "SELECT lower(hex(hash)) AS name, hash, content,
                    EXISTS (SELECT 1 FROM quarantine q WHERE q.kind = 'payload' AND q.content = lower(hex(p.hash)))
               FROM payloads p WHERE NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.payload_hash = p.hash)",
        )
        .sql()?;
    let mut found = statement.query([]).sql()?;
    while let Some(row) = found.next().sql()? {
        let [hash, content] = [1, 2].map(|place| row.get_ref(place).map(|value| value.as_blob().ok()));
        if content.sql()?.map(sha256).as_ref().map(|sum| &sum[..]) != hash.sql()? {
            damaged.push(ArtifactFault::Kept(row.get(0).sql()?));
        } else if !row.get(3).sql()? {
            damaged.push(ArtifactFault::Orphan(row.get(0).sql()?));
        }
    }
    damaged.sort();
    Ok(damaged)
}

/// Columns that say again what the metadata says, which stands last.
const COLUMNS: &str = "a.id, a.type, a.title, a.summary, a.created_at, a.created_by, a.content_type, a.payload_file, a.size_bytes, a.sensitive, a.meta";

/// Whether the columns say what the metadata says. [`COLUMNS`] begin at the third place.
fn record_agrees(row: &Row<'_>) -> Result<bool, StoreError> {
    let meta = row.get_ref(12).sql()?.as_str().ok().and_then(|meta| artifact(meta).ok());
    let Some(artifact) = meta else { return Ok(false) };
    let created_by = artifact.meta().get("created_by").and_then(crate::domain::Actor::from_value);
    let texts = [
        Some(artifact.id.as_str()),
        artifact.text("type"),
        artifact.text("title"),
        artifact.text("summary"),
        artifact.text("created_at"),
        created_by.as_ref().map(|a| a.display()),
        artifact.content_type(),
        artifact.payload_file(),
    ];
    for (place, text) in texts.into_iter().enumerate() {
        if row.get_ref(2 + place).sql()?.as_bytes_or_null().ok() != Some(text.map(str::as_bytes)) {
            return Ok(false);
        }
    }
    let size = row.get_ref(10).sql()?.as_i64_or_null().ok() == Some(artifact.size_bytes());
    Ok(size && row.get_ref(11).sql()?.as_i64().ok() == Some(i64::from(artifact.is_sensitive())))
}

/// Keeps a payload that lost its artifact to another; the caller says in `quarantine` whose it was.
pub(super) fn keep_payload(conn: &Connection, payload: &[u8]) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR IGNORE INTO payloads (hash, content) VALUES (?1, ?2)")
        .sql()?
        .execute(params![sha256(payload), payload])
        .sql()?;
    Ok(())
}
