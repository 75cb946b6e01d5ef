//! Reading and writing the single rows of the derived tables.

use std::sync::OnceLock;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::error::StoreError;
use super::unplaced::SqlResult;
use crate::domain::actor::Actor;
use crate::domain::comment::Comment;
use crate::domain::fold::Text;
use crate::domain::id::TaskId;
use crate::domain::json;
use crate::domain::short_id::ShortId;
use crate::domain::task::Task;
use crate::domain::workflow::{priority_rank, urgency_rank};

/// A task out of its row. What it shows as short id is the column's to say.
pub(super) fn task_of_row(row: &Row<'_>) -> Result<Task, StoreError> {
    let state: String = row.get(0).sql()?;
    let shown: Option<String> = row.get(1).sql()?;
    let mut task: Task = decoded(&state, "tasks.state")?;
    task.short_id = shown.as_deref().and_then(ShortId::parse);
    Ok(task)
}

/// JSON that we wrote ourselves; if it does not read, the file is damaged.
pub(super) fn decoded<T: serde::de::DeserializeOwned>(text: &str, place: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt { detail: format!("{place}: {error}") })
}

pub(super) fn encoded<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    json::plain(value).map_err(|error| StoreError::Corrupt { detail: error.to_string() })
}

pub(super) fn find_task(conn: &Connection, id: &TaskId) -> Result<Option<Task>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT state, short_id FROM tasks WHERE id = ?1").sql()?;
    let mut rows = statement.query([id.as_str()]).sql()?;
    rows.next().sql()?.map(task_of_row).transpose()
}

/// A task's short id and title.
pub(super) fn task_name(conn: &Connection, id: &str) -> Result<Option<(Option<String>, String)>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT short_id, title FROM tasks WHERE id = ?1").sql()?;
    statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional().sql()
}

/// Whether there is a row, readable or not.
pub(super) fn has_task(conn: &Connection, id: &str) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT 1 FROM tasks WHERE id = ?1").sql()?.exists([id]).sql()
}

/// Writes the row of a task, or of an old one the columns that changed: an index that holds none of
/// them keeps its page, and each page that changes is written twice. `open` is neither archived
/// nor in a finished status; `events` are those that led from the one to the other, `state` is the task
/// as JSON.
pub(super) fn save_task(
    conn: &Connection,
    before: Option<(&Task, bool)>,
    task: &Task,
    open: bool,
    (events, state): (usize, &str),
) -> Result<(), StoreError> {
    let row = task_row(task, open)?;
    let state = ("state", text(Some(state)));
    let events = ToSqlOutput::from(events as i64);
    let Some((before, was_open)) = before else {
        static INSERT: OnceLock<String> = OnceLock::new();
        let row: Vec<_> = row.into_iter().chain([state, ("event_count", events)]).collect();
        let sql = INSERT.get_or_init(|| {
            let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
            format!("INSERT INTO tasks ({}) VALUES ({})", names.join(","), vec!["?"; names.len()].join(","))
        });
        conn.prepare_cached(sql).sql()?.execute(params_from_iter(row.iter().map(|(_, v)| v))).sql()?;
        return Ok(());
    };
    if (before, was_open) == (task, open) {
        return Ok(());
    }
    let old = task_row(before, was_open)?;
    let changed = row.iter().zip(&old).filter(|(new, old)| new != old).map(|(new, _)| new);
    let changed: Vec<&(&str, ToSqlOutput<'_>)> = changed.chain([&state]).collect();
    let set: Vec<String> = changed.iter().map(|(name, _)| format!("{name}=?")).collect();
    let sql = format!("UPDATE tasks SET {}, event_count=event_count+? WHERE id=?", set.join(","));
    let id = text(Some(task.id.as_str()));
    let values = changed.iter().map(|(_, value)| value).chain([&events, &id]);
    conn.prepare_cached(&sql).sql()?.execute(params_from_iter(values)).sql()?;
    Ok(())
}

/// A column's text, not copied.
fn text(text: Option<&str>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(text.map_or(ValueRef::Null, ValueRef::from))
}

/// The columns of a task's row and their values, but for the whole state.
fn task_row(task: &Task, open: bool) -> Result<[(&'static str, ToSqlOutput<'_>); 26], StoreError> {
    let tags = task.tags.as_ref().filter(|tags| !tags.is_empty()).map(encoded).transpose()?;
    let fields = Some(&task.custom_fields).filter(|f| !f.is_empty()).map(encoded).transpose()?;
    let made = |text: Option<String>| ToSqlOutput::Owned(text.into());
    Ok([
        ("id", text(Some(task.id.as_str()))),
        ("short_id", made(task.short_id.as_ref().map(ToString::to_string))),
        ("title", text(Some(&task.title))),
        ("status", text(Some(&task.status))),
        ("priority", text(task.priority.as_deref())),
        ("urgency", text(task.urgency.as_deref())),
        ("complexity", text(task.complexity.as_deref())),
        ("type", text(task.kind.as_deref())),
        ("assigned_to", text(task.assigned_to.as_ref().map(Actor::display))),
        ("created_by", text(Some(task.created_by.display()))),
        ("created_at", text(Some(&task.created_at))),
        ("updated_at", text(Some(&task.updated_at))),
        ("done_at", text(task.done_at.as_deref())),
        ("last_status_changed_at", text(task.last_status_changed_at.as_deref())),
        ("comment_count", (task.comment_count as i64).into()),
        ("reopened_count", (task.reopened_count as i64).into()),
        ("archived", task.archived.into()),
        ("archived_at", text(task.archived_at.as_deref())),
        ("needs_human", task.asks_for_human().into()),
        ("open", open.into()),
        ("priority_rank", (priority_rank(task.priority.as_deref()) as i64).into()),
        ("urgency_rank", (urgency_rank(task.urgency.as_deref()) as i64).into()),
        ("last_event_id", text(Some(&task.last_event_id))),
        ("description", text(task.description.as_deref())),
        ("tags", made(tags)),
        ("custom_fields", made(fields)),
    ])
}

/// Writes the rows that spread a task's lists out for joins and questions, where they changed. Without
/// `before` there are none yet.
pub(super) fn save_lists(conn: &Connection, before: Option<&Task>, task: &Task) -> Result<(), StoreError> {
    let id = task.id.as_str();
    let (old_names, names) = (before.map(Task::other_names).unwrap_or_default(), task.other_names());
    for (sql, names) in [
        ("DELETE FROM task_names WHERE task_id = ?1 AND name = ?2", old_names.difference(&names)),
        ("INSERT OR IGNORE INTO task_names (task_id, name) VALUES (?1, ?2)", names.difference(&old_names)),
    ] {
        for name in names {
            conn.prepare_cached(sql).sql()?.execute([id, *name]).sql()?;
        }
    }
    if before.and_then(|b| b.tags.as_ref()) != task.tags.as_ref() {
        // One by one: the rows are found by tag, and a search by task would read all of them.
        for tag in before.and_then(|b| b.tags.as_ref()).into_iter().flatten() {
            conn.prepare_cached("DELETE FROM task_tags WHERE tag = ?1 AND task_id = ?2")
                .sql()?
                .execute([tag, id])
                .sql()?;
        }
        for tag in task.tags.iter().flatten() {
            conn.prepare_cached("INSERT OR IGNORE INTO task_tags (tag, task_id) VALUES (?1, ?2)")
                .sql()?
                .execute([tag, id])
                .sql()?;
        }
    }
    if before.map_or(&[][..], |b| &b.relationships_out) != task.relationships_out {
        if before.is_some() {
            conn.prepare_cached("DELETE FROM relationships WHERE task_id = ?1").sql()?.execute([id]).sql()?;
        }
        let mut insert = conn
            .prepare_cached("INSERT OR IGNORE INTO relationships (task_id, type, target_task_id, note, created_at, created_by) VALUES (?1,?2,?3,?4,?5,?6)")
            .sql()?;
        for r in &task.relationships_out {
            insert
                .execute(params![id, r.kind, r.target_task_id, r.note, r.created_at, r.created_by.display()])
                .sql()?;
        }
    }
    if before.map_or(&[][..], |b| &b.branch_links) != task.branch_links {
        if before.is_some() {
            conn.prepare_cached("DELETE FROM branch_links WHERE task_id = ?1").sql()?.execute([id]).sql()?;
        }
        let mut insert = conn
            .prepare_cached("INSERT OR IGNORE INTO branch_links (task_id, branch, repo, linked_at, linked_by) VALUES (?1,?2,?3,?4,?5)")
            .sql()?;
        for b in &task.branch_links {
            insert
                .execute(params![
                    id,
                    b.branch,
                    b.repo.as_deref().unwrap_or(""),
                    b.linked_at,
                    b.linked_by.display()
                ])
                .sql()?;
        }
    }
    if before.map_or(&[][..], |b| &b.evidence_refs) != task.evidence_refs {
        if before.is_some() {
            conn.prepare_cached("DELETE FROM task_artifacts WHERE task_id = ?1")
                .sql()?
                .execute([id])
                .sql()?;
        }
        let mut insert = conn
            .prepare_cached(
                "INSERT OR IGNORE INTO task_artifacts (task_id, artifact_id, role) VALUES (?1,?2,?3)",
            )
            .sql()?;
        for e in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
            insert.execute(params![id, e.id, e.role]).sql()?;
        }
    }
    Ok(())
}

pub(super) fn find_comment(
    conn: &Connection,
    task: &TaskId,
    id: &str,
) -> Result<Option<Comment>, StoreError> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM comments WHERE id = ?1 AND task_id = ?2")
        .sql()?
        .query_row([id, task.as_str()], |row| row.get(0))
        .optional()
        .sql()?;
    state.map(|state| decoded(&state, "comments.state")).transpose()
}

pub(super) fn save_comment(
    conn: &Connection,
    task: &TaskId,
    before: Option<&Comment>,
    comment: &Comment,
    state: &str,
) -> Result<(), StoreError> {
    let sql = if before.is_some() {
        "UPDATE comments SET parent_id=?3, author=?4, created_at=?5, edited_at=?6, deleted_at=?7, role=?8, body=?9,
           state=?10 WHERE task_id=?1 AND id=?2"
    } else {
        "INSERT INTO comments (task_id, id, parent_id, author, created_at, edited_at, deleted_at, role, body, state)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
    };
    conn.prepare_cached(sql)
        .sql()?
        .execute(params![
            task.as_str(),
            comment.id,
            comment.parent_id,
            comment.author.display(),
            comment.created_at,
            comment.edited_at,
            comment.deleted_at,
            comment.role,
            comment.body,
            state,
        ])
        .sql()?;
    if before.map_or(!comment.reactions.is_empty(), |b| b.reactions != comment.reactions) {
        conn.prepare_cached("DELETE FROM reactions WHERE comment_id = ?1")
            .sql()?
            .execute([&comment.id])
            .sql()?;
        let mut insert = conn
            .prepare_cached(
                "INSERT OR IGNORE INTO reactions (comment_id, emoji, actor, task_id) VALUES (?1,?2,?3,?4)",
            )
            .sql()?;
        for (emoji, actors) in &comment.reactions {
            for actor in actors {
                insert.execute([comment.id.as_str(), emoji, actor.display(), task.as_str()]).sql()?;
            }
        }
    }
    Ok(())
}

/// The two texts that a task has; each lives in a table of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// `plans`.
    Plan,
    /// `notes`.
    Notes,
}

impl TextKind {
    fn table(self) -> &'static str {
        match self {
            Self::Plan => "plans",
            Self::Notes => "notes",
        }
    }
}

pub(super) fn find_text(
    conn: &Connection,
    kind: TextKind,
    task: &TaskId,
) -> Result<Option<Text>, StoreError> {
    conn.prepare_cached(&format!(
        "SELECT body, updated_at, updated_by, event_id FROM {} WHERE task_id = ?1",
        kind.table()
    ))
    .sql()?
    .query_row([task.as_str()], |row| {
        Ok(Text {
            body: row.get(0)?,
            updated_at: row.get(1)?,
            updated_by: row.get(2)?,
            event_id: row.get(3)?,
        })
    })
    .optional()
    .sql()
}

pub(super) fn save_text(
    conn: &Connection,
    kind: TextKind,
    task: &TaskId,
    text: &Text,
) -> Result<(), StoreError> {
    conn.prepare_cached(&format!(
        "INSERT INTO {} (task_id, body, updated_at, updated_by, event_id) VALUES (?1,?2,?3,?4,?5)
         ON CONFLICT (task_id) DO UPDATE SET body=?2, updated_at=?3, updated_by=?4, event_id=?5",
        kind.table()
    ))
    .sql()?
    .execute([task.as_str(), &text.body, &text.updated_at, &text.updated_by, &text.event_id])
    .sql()?;
    Ok(())
}

pub(super) fn meta(conn: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")
        .sql()?
        .query_row([key], |row| row.get(0))
        .optional()
        .sql()
}

pub(super) fn set_meta(conn: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    )
    .sql()?
    .execute([key, value])
    .sql()?;
    Ok(())
}

/// JSON text of a list of ids.
pub(super) fn id_list(ids: &[impl ToString]) -> String {
    json::line(&ids.iter().map(ToString::to_string).collect::<Vec<_>>())
}
