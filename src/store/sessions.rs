//! Sessions: local records of who works under which name. Neither merged nor exported.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::error::StoreError;
use super::rows;
use super::unplaced::SqlResult;

pub(super) fn find(conn: &Connection, name: &str) -> Result<Option<Value>, StoreError> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM sessions WHERE name = ?1")
        .sql()?
        .query_row([name], |row| row.get(0))
        .optional()
        .sql()?;
    state.map(|state| rows::decoded(&state, "sessions.state")).transpose()
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
