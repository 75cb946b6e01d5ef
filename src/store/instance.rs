//! The derived rows of the tracker itself: configuration, context, heads, statuses.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::error::StoreError;
use super::unplaced::SqlResult;
use super::{histories, rows};
use crate::domain::config::Config;
use crate::domain::event::{Event, kind};

/// The configuration; an empty one where there is none.
pub(super) fn config(conn: &Connection) -> Result<Config, StoreError> {
    match rows::meta(conn, "config")? {
        Some(text) => Ok(Config::new(rows::decoded(&text, "meta.config")?)),
        None => Ok(Config::new(Value::Object(serde_json::Map::new()))),
    }
}

/// Folds the tracker's own history: configuration, context, heads, and what hangs on them.
pub(super) fn refold(conn: &Connection) -> Result<(), StoreError> {
    let before = config(conn)?;
    let history = histories::of_instance(conn)?;
    save(conn, &history, &before)
}

/// Writes what this history says; `before` is the configuration that the statuses were made of.
pub(super) fn save(conn: &Connection, history: &[Event], before: &Config) -> Result<(), StoreError> {
    let config = Config::fold(history);
    rows::set_meta(conn, "config", &rows::encoded(config.value())?)?;
    let context =
        history.iter().rev().find_map(|e| (e.kind == kind::CONTEXT_UPDATED).then(|| e.text("body"))?);
    if let Some(context) = context {
        rows::set_meta(conn, "context", context)?;
    }
    rows::set_meta(conn, "instance_heads", &rows::id_list(&crate::domain::event::heads(history)))?;
    if config.get("/workflow") != before.get("/workflow") {
        save_statuses(conn, &config)?;
        if config.finished() != before.finished() {
            reopen(conn, &config.finished())?;
        }
    }
    Ok(())
}

/// Puts the statuses of a configuration in the place of those that were there.
pub(super) fn save_statuses(conn: &Connection, config: &Config) -> Result<(), StoreError> {
    conn.execute("DELETE FROM statuses", []).sql()?;
    let finished = config.finished();
    let mut insert = conn
        .prepare_cached("INSERT OR IGNORE INTO statuses (name, position, display_name, finished, wip_limit) VALUES (?1,?2,?3,?4,?5)")
        .sql()?;
    for (position, status) in config.statuses().iter().enumerate() {
        let limit = config.wip_limit(status).and_then(|n| i64::try_from(n).ok());
        insert
            .execute(params![
                status,
                position as i64,
                config.display_name(status),
                finished.contains(&status.as_str()),
                limit
            ])
            .sql()?;
    }
    Ok(())
}

/// Other statuses count as finished now: every task's `open` is settled again.
fn reopen(conn: &Connection, finished: &[&str]) -> Result<(), StoreError> {
    let list = serde_json::to_string(finished).unwrap_or_else(|_| "[]".to_owned());
    conn.execute(
        "UPDATE tasks SET open = archived = 0 AND status NOT IN (SELECT value FROM json_each(?1))",
        [list],
    )
    .sql()?;
    Ok(())
}
