//! Finding tasks by their custom fields: what other trackers call them.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::unplaced::SqlResult;
use crate::domain::id::TaskId;

/// What a field says in each task that has it: (text, task), by id.
pub(super) fn tasks_by_field(conn: &Connection, field: &str) -> Result<Vec<(String, TaskId)>, StoreError> {
    let sql = "SELECT custom_fields ->> ?1, id FROM tasks
                WHERE custom_fields IS NOT NULL AND typeof(custom_fields ->> ?1) = 'text' ORDER BY id";
    let mut statement = conn.prepare(sql).sql()?;
    let found: Vec<(String, String)> = statement
        .query_map([field], |row| Ok((row.get(0)?, row.get(1)?)))
        .sql()?
        .collect::<Result<_, _>>()
        .sql()?;
    Ok(found.into_iter().filter_map(|(text, id)| Some((text, TaskId::parse_foreign(&id)?))).collect())
}

/// Tasks that some other tracker calls so, at most `limit`.
pub(super) fn tasks_called(conn: &Connection, name: &str, limit: usize) -> Result<Vec<TaskId>, StoreError> {
    let sql = "SELECT task_id FROM task_names WHERE name = ?1 ORDER BY task_id LIMIT ?2";
    let mut statement = conn.prepare(sql).sql()?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids: Vec<String> =
        statement.query_map(params![name, limit], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    Ok(ids.iter().filter_map(|id| TaskId::parse_foreign(id)).collect())
}
