//! Sessions: local records of who works under which name. Neither merged nor exported.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::error::StoreError;
use super::rows;
use super::unplaced::SqlResult;
use crate::domain::event::Event;
use crate::domain::session::Serials;

pub(super) fn find(conn: &Connection, name: &str) -> Result<Option<Value>, StoreError> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM sessions WHERE name = ?1")
        .sql()?
        .query_row([name], |row| row.get(0))
        .optional()
        .sql()?;
    state.map(|state| rows::decoded(&state, "sessions.state")).transpose()
}

/// All sessions, oldest first; only those that go on unless `ended`.
pub(super) fn all(conn: &Connection, ended: bool) -> Result<Vec<Value>, StoreError> {
    let mut statement = conn
        .prepare("SELECT state FROM sessions WHERE ?1 OR ended_at IS NULL ORDER BY started_at, name")
        .sql()?;
    let states: Vec<String> =
        statement.query_map([ended], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    states.iter().map(|state| rows::decoded(state, "sessions.state")).collect()
}

pub(super) fn save(conn: &Connection, name: &str, state: &Value) -> Result<(), StoreError> {
    let text = |key: &str| state.get(key).and_then(Value::as_str);
    conn.prepare_cached(
        "INSERT INTO sessions (name, started_at, ended_at, state) VALUES (?1,?2,?3,?4)
         ON CONFLICT (name) DO UPDATE SET started_at=?2, ended_at=?3, state=?4",
    )
    .sql()?
    .execute(params![name, text("started_at"), text("ended_at"), rows::encoded(state)?])
    .sql()?;
    Ok(())
}

/// Notes when a session last did something.
pub(super) fn touch(conn: &Connection, name: &str, at: &str) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE sessions SET state = json_set(state, '$.last_active', ?2) WHERE name = ?1")
        .sql()?
        .execute([name, at])
        .sql()?;
    Ok(())
}

/// The key of `meta` that the serials stand under.
const SERIALS: &str = "session_serials";

/// The serials that were given out: those that were counted before, and those of the events that
/// have arrived since and of the sessions that came in from elsewhere.
pub(super) fn serials(conn: &Connection) -> Result<Serials, StoreError> {
    let mut serials = match rows::meta(conn, SERIALS)? {
        Some(text) => rows::decoded(&text, "meta.session_serials")?,
        None => Serials::default(),
    };
    let mut statement = conn.prepare("SELECT name FROM sessions").sql()?;
    let mut found = statement.query([]).sql()?;
    while let Some(row) = found.next().sql()? {
        serials.note(&row.get::<_, String>(0).sql()?);
    }
    // Who is no `prefix:name` is a session, and so is everything that bears a base name.
    let mut statement = conn
        .prepare(
            r#"SELECT raw FROM events
                WHERE seq > ?1 AND (instr(raw, '"base_name"') > 0 OR instr(actor, ':') = 0)"#,
        )
        .sql()?;
    let mut found = statement.query([serials.seen]).sql()?;
    while let Some(row) = found.next().sql()? {
        if let Ok(event) = Event::parse(&row.get::<_, String>(0).sql()?) {
            serials.note(event.actor.display());
            serials.note_all(&event.value());
        }
    }
    serials.seen = conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).sql()?;
    Ok(serials)
}

pub(super) fn save_serials(conn: &Connection, serials: &Serials) -> Result<(), StoreError> {
    rows::set_meta(conn, SERIALS, &rows::encoded(serials)?)
}
