//! The questions that commands ask of the derived tables.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::error::StoreError;
use super::rows;
use super::unplaced::SqlResult;
use crate::domain::comment::Comment;
use crate::domain::id::TaskId;
use crate::domain::task::Task;

/// What `list` filters by. Empty means all that are not archived.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct TaskFilter {
    pub id: Option<TaskId>,
    /// Only these, by id.
    pub among: Option<Vec<String>>,
    pub status: Option<String>,
    /// Display name of the assignee.
    pub assigned: Option<String>,
    pub tag: Option<String>,
    pub kind: Option<String>,
    pub priority: Option<String>,
    pub include_archived: bool,
    /// Only tasks that ask for a human.
    pub needs_human: bool,
    pub sort: TaskSort,
    /// At most so many.
    pub limit: Option<usize>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSort {
    /// By id, which is by age.
    #[default]
    Id,
    /// Latest change first.
    Updated,
    /// Newest first.
    Created,
    /// Most urgent first.
    Priority,
    /// By status, in the order of the workflow.
    Status,
    /// By title.
    Title,
}

impl TaskFilter {
    pub(super) fn clauses(&self) -> (String, Vec<Sql>) {
        let mut sql = String::from(" WHERE 1");
        let mut values: Vec<Sql> = Vec::new();
        if !self.include_archived {
            sql.push_str(" AND t.archived = 0");
        }
        if self.needs_human {
            sql.push_str(" AND t.needs_human = 1 AND t.open = 1");
        }
        if let Some(id) = &self.id {
            sql.push_str(" AND t.id = ?");
            values.push(id.as_str().to_owned().into());
        }
        if let Some(among) = &self.among {
            sql.push_str(" AND t.id IN (SELECT value FROM json_each(?))");
            values.push(rows::encoded(among).unwrap_or_else(|_| "[]".to_owned()).into());
        }
        for (column, value) in [
            ("t.status", &self.status),
            ("t.assigned_to", &self.assigned),
            ("t.type", &self.kind),
            ("t.priority", &self.priority),
        ] {
            if let Some(value) = value {
                sql.push_str(&format!(" AND {column} = ?"));
                values.push(value.clone().into());
            }
        }
        if let Some(tag) = &self.tag {
            sql.push_str(" AND t.id IN (SELECT task_id FROM task_tags WHERE tag = ?)");
            values.push(tag.clone().into());
        }
        (sql, values)
    }
}

/// Tasks that pass a filter.
pub(super) fn tasks(conn: &Connection, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
    let (clauses, values) = filter.clauses();
    let order = match filter.sort {
        TaskSort::Id => "t.id",
        TaskSort::Updated => "t.updated_at DESC, t.id",
        TaskSort::Created => "t.created_at DESC, t.id",
        TaskSort::Priority => "t.priority_rank, t.urgency_rank, t.id",
        TaskSort::Status => "(SELECT position FROM statuses s WHERE s.name = t.status), t.id",
        TaskSort::Title => "t.title, t.id",
    };
    let limit = filter.limit.map(|n| format!(" LIMIT {n}")).unwrap_or_default();
    // The plus signs of no index: the filters are rarely selective enough to beat the order.
    let sql = format!("SELECT t.state, t.short_id FROM tasks t{clauses} ORDER BY {order}{limit}");
    collect(conn, &sql, values)
}

/// How many tasks pass a filter.
pub(super) fn count(conn: &Connection, filter: &TaskFilter) -> Result<i64, StoreError> {
    let (clauses, values) = filter.clauses();
    let sql = format!("SELECT count(*) FROM tasks t{clauses}");
    conn.prepare(&sql).sql()?.query_row(params_from_iter(values), |row| row.get(0)).sql()
}

fn collect(conn: &Connection, sql: &str, values: Vec<Sql>) -> Result<Vec<Task>, StoreError> {
    let mut statement = conn.prepare_cached(sql).sql()?;
    let mut found = statement.query(params_from_iter(values)).sql()?;
    let mut tasks = Vec::new();
    while let Some(row) = found.next().sql()? {
        tasks.push(rows::task_of_row(row)?);
    }
    Ok(tasks)
}

/// Tasks whose id begins so, at most `limit`; `prefix` holds letters, digits and `_` only.
pub(super) fn tasks_by_prefix(
    conn: &Connection,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT state, short_id FROM tasks WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    let end = format!("{prefix}\u{7f}");
    collect(
        conn,
        sql,
        vec![prefix.to_owned().into(), end.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    )
}

/// The best work behind `after` that this actor has already begun, with the cursor to go on from.
pub(super) fn resumable(
    conn: &Connection,
    actor: &str,
    after: Option<&NextCursor>,
) -> Result<Option<(Task, NextCursor)>, StoreError> {
    // Of all that an agent ever did only little is under way.
    let sql = "SELECT state, short_id, priority_rank, urgency_rank, id FROM tasks INDEXED BY tasks_by_status
                WHERE assigned_to = ?1 AND archived = 0 AND status IN ('in_progress', 'in_planning')
                  AND (priority_rank, urgency_rank, id) > (?2, ?3, ?4)
                ORDER BY priority_rank, urgency_rank, id LIMIT 1";
    let (priority, urgency, id) = after.cloned().unwrap_or((-1, -1, String::new()));
    let mut statement = conn.prepare_cached(sql).sql()?;
    let mut found = statement.query(params![actor, priority, urgency, id]).sql()?;
    first_with_cursor(found.next().sql()?)
}

/// A row of state, short id, both ranks and id.
fn first_with_cursor(row: Option<&Row<'_>>) -> Result<Option<(Task, NextCursor)>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let cursor = (row.get(2).sql()?, row.get(3).sql()?, row.get(4).sql()?);
    Ok(Some((rows::task_of_row(row)?, cursor)))
}

/// The order of `next` behind a task: its ranks and id.
pub type NextCursor = (i64, i64, String);

/// The best task of these statuses behind `after` that nobody else has and that waits for
/// nothing; with the cursor to go on from. With `planned` only one that somebody wrote a plan for.
pub(super) fn next_candidate(
    conn: &Connection,
    statuses: &[String],
    actor: Option<&str>,
    after: Option<&NextCursor>,
    planned: bool,
) -> Result<Option<(Task, NextCursor)>, StoreError> {
    let planned = if planned { "EXISTS (SELECT 1 FROM plans p WHERE p.task_id = t.id) AND" } else { "" };
    let sql = format!(
        "SELECT t.state, t.short_id, t.priority_rank, t.urgency_rank, t.id FROM tasks t INDEXED BY tasks_in_order
          WHERE t.open = 1 AND t.needs_human = 0
            AND (t.priority_rank, t.urgency_rank, t.id) > (?1, ?2, ?3)
            AND t.status IN (SELECT value FROM json_each(?4))
            AND (t.assigned_to IS NULL OR t.assigned_to IS ?5)
            AND {planned} {NOT_WAITING}
          ORDER BY t.priority_rank, t.urgency_rank, t.id LIMIT 1"
    );
    let (priority, urgency, id) = after.cloned().unwrap_or((-1, -1, String::new()));
    let mut statement = conn.prepare_cached(&sql).sql()?;
    let mut found =
        statement.query(params![priority, urgency, id, rows::encoded(&statuses)?, actor]).sql()?;
    first_with_cursor(found.next().sql()?)
}

/// What `waiting_on` says, spelled out so that each half is one step through an index.
const NOT_WAITING: &str =
    "NOT EXISTS (SELECT 1 FROM relationships r JOIN tasks d ON d.id = r.target_task_id WHERE r.task_id = t.id AND r.type = 'depends_on' AND d.open = 1)
     AND NOT EXISTS (SELECT 1 FROM relationships r JOIN tasks d ON d.id = r.task_id WHERE r.target_task_id = t.id AND r.type IN ('blocks', 'subtask_of') AND d.open = 1)";

/// Pairs of tasks: which waits for which, and why, whether the task at the other end is open or not;
/// the view of that name for users (`views.sql`) leaves the finished ones out.
const WAITING_ON: &str =
    "SELECT r.task_id, r.target_task_id AS on_task_id, r.type AS because FROM relationships r WHERE r.type = 'depends_on'
     UNION ALL
     SELECT r.target_task_id, r.task_id, r.type FROM relationships r WHERE r.type IN ('blocks', 'subtask_of')";

/// Tasks of these statuses that could be begun now, best first.
pub(super) fn ready(
    conn: &Connection,
    statuses: &[String],
    actor: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<Task>, StoreError> {
    let limit = limit.map(|n| format!(" LIMIT {n}")).unwrap_or_default();
    let sql = format!(
        "SELECT t.state, t.short_id FROM tasks t INDEXED BY tasks_in_order
          WHERE t.open = 1 AND t.needs_human = 0 AND t.status IN (SELECT value FROM json_each(?1))
            AND (t.assigned_to IS NULL OR t.assigned_to IS ?2) AND {NOT_WAITING}
          ORDER BY t.priority_rank, t.urgency_rank, t.id{limit}"
    );
    let actor = actor.map_or(Sql::Null, |a| a.to_owned().into());
    collect(conn, &sql, vec![rows::encoded(&statuses)?.into(), actor])
}

/// Why a task cannot be begun: it waits for `on`.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The task that waits.
    pub task: Task,
    /// `depends_on`, `blocks` or `subtask_of`.
    pub because: String,
    /// The unfinished task at the other end.
    pub on: Task,
}

/// Open tasks that wait for unfinished ones, in order of the waiting task.
pub(super) fn waiting(
    conn: &Connection,
    of: Option<&TaskId>,
    limit: Option<usize>,
) -> Result<Vec<Waiting>, StoreError> {
    let limit = limit.map(|n| format!(" LIMIT {n}")).unwrap_or_default();
    // An equation that stands alone reaches into the union: only the task's own relations are read.
    let of_task = if of.is_some() { "w.task_id = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "WITH waiting_on AS ({WAITING_ON})
         SELECT t.state, t.short_id, w.because, b.state, b.short_id FROM waiting_on w
           JOIN tasks t ON t.id = w.task_id AND t.open = 1 JOIN tasks b ON b.id = w.on_task_id AND b.open = 1
          WHERE {of_task}
          ORDER BY t.priority_rank, t.urgency_rank, t.id, w.because, b.id{limit}"
    );
    let mut statement = conn.prepare_cached(&sql).sql()?;
    let mut found = statement.query([of.map(TaskId::as_str)]).sql()?;
    let mut waiting = Vec::new();
    while let Some(row) = found.next().sql()? {
        let state: String = row.get(3).sql()?;
        let shown: Option<String> = row.get(4).sql()?;
        let mut on: Task = rows::decoded(&state, "tasks.state")?;
        on.short_id = shown.as_deref().and_then(crate::domain::ShortId::parse);
        waiting.push(Waiting { task: rows::task_of_row(row)?, because: row.get(2).sql()?, on });
    }
    Ok(waiting)
}

/// A relation that points at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The task that it starts from.
    pub source: String,
    /// Its short id, if there is one.
    pub source_short_id: Option<String>,
    /// Its title; `None` for a task that nothing created.
    pub source_title: Option<String>,
    /// The type of the relation.
    pub kind: String,
    /// What was said about it.
    pub note: Option<String>,
}

/// The oldest first. Joined and sorted here: there are few, and mostly none, and SQLite would take
/// longer to prepare for it.
pub(super) fn incoming(conn: &Connection, task: &TaskId) -> Result<Vec<Incoming>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT created_at, task_id, type, note FROM relationships WHERE target_task_id = ?1")
        .sql()?;
    let found = statement
        .query_map([task.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .sql()?;
    let mut found: Vec<(String, String, String, Option<String>)> = found.collect::<Result<_, _>>().sql()?;
    found.sort();
    let mut incoming = Vec::with_capacity(found.len());
    for (_, source, kind, note) in found {
        let task = TaskId::parse_foreign(&source).map(|id| rows::find_task(conn, &id)).transpose()?.flatten();
        incoming.push(Incoming {
            source,
            source_short_id: task.as_ref().and_then(|t| t.short_id.as_ref()).map(ToString::to_string),
            source_title: task.map(|task| task.title),
            kind,
            note,
        });
    }
    Ok(incoming)
}

/// The way over relations from one task to another, as ids, both ends included; `None` if there
/// is none. With `waits`, over what keeps tasks waiting (`depends_on`, and `blocks` backward);
/// else over `subtask_of`. Each task is visited once, so circles end.
pub(super) fn way(
    conn: &Connection,
    from: &TaskId,
    to: &TaskId,
    waits: bool,
) -> Result<Option<Vec<String>>, StoreError> {
    let sql = if waits {
        "SELECT target_task_id FROM relationships WHERE task_id = ?1 AND type = 'depends_on'
         UNION SELECT task_id FROM relationships WHERE target_task_id = ?1 AND type = 'blocks'"
    } else {
        "SELECT target_task_id FROM relationships WHERE task_id = ?1 AND type = 'subtask_of'"
    };
    let mut came_from: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    let mut queue = std::collections::VecDeque::from([from.as_str().to_owned()]);
    let mut statement = conn.prepare_cached(sql).sql()?;
    while let Some(at) = queue.pop_front() {
        if at == to.as_str() {
            let mut path = vec![at.clone()];
            let mut step = at;
            while let Some(before) = came_from.get(&step).filter(|_| step != from.as_str()) {
                path.push(before.clone());
                step.clone_from(before);
            }
            path.reverse();
            return Ok(Some(path));
        }
        let next: Vec<String> =
            statement.query_map([&at], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
        for next in next {
            if next != from.as_str() && !came_from.contains_key(&next) {
                came_from.insert(next.clone(), at.clone());
                queue.push_back(next);
            }
        }
    }
    Ok(None)
}

/// Tasks without a short id, archived or not, oldest first.
pub(super) fn without_short_id(conn: &Connection) -> Result<Vec<TaskId>, StoreError> {
    let sql = "SELECT id FROM tasks WHERE short_id IS NULL ORDER BY created_at, id";
    let mut statement = conn.prepare(sql).sql()?;
    let ids: Vec<String> =
        statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    Ok(ids.iter().filter_map(|id| TaskId::parse_foreign(id)).collect())
}

/// All comments of a task, oldest first, deleted ones too.
pub(super) fn comments(conn: &Connection, task: &TaskId) -> Result<Vec<Comment>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT state FROM comments WHERE task_id = ?1 ORDER BY id").sql()?;
    let states: Vec<String> =
        statement.query_map([task.as_str()], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    states.iter().map(|state| rows::decoded(state, "comments.state")).collect()
}

/// Tasks whose history forks: two ends that nobody joined, or an event that joined two.
pub(super) fn forked_tasks(conn: &Connection) -> Result<Vec<TaskId>, StoreError> {
    let mut statement = conn
        .prepare(
            "SELECT id FROM tasks WHERE json_array_length(state, '$.heads') > 1
             UNION SELECT task_id FROM events
              WHERE task_id IS NOT NULL AND json_array_length(raw, '$.parents') > 1 ORDER BY 1",
        )
        .sql()?;
    let ids: Vec<String> =
        statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    Ok(ids.iter().filter_map(|id| TaskId::parse_foreign(id)).collect())
}

/// How many unarchived tasks a status holds.
pub(super) fn in_status(conn: &Connection, status: &str) -> Result<u64, StoreError> {
    let count: i64 = conn
        .prepare_cached("SELECT count(*) FROM tasks WHERE status = ?1 AND archived = 0")
        .sql()?
        .query_row([status], |row| row.get(0))
        .sql()?;
    Ok(count.unsigned_abs())
}

/// Ids of unarchived tasks that were done before this time (else: last changed before it).
pub(super) fn done_before(conn: &Connection, ts: &str) -> Result<Vec<TaskId>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT id FROM tasks WHERE status = 'done' AND archived = 0 AND coalesce(done_at, updated_at) < ?1 ORDER BY id")
        .sql()?;
    let ids: Vec<String> =
        statement.query_map([ts], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    Ok(ids.iter().filter_map(|id| TaskId::parse_foreign(id)).collect())
}
