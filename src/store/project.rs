//! The derived tables: folding events into rows, one event at a time or a history at once.
//!
//! The meaning of events is the domain's; here it is only kept in rows. Nothing in these tables
//! is a source of truth: [`rebuild`] makes all of them from the log alone.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::new_tasks::{self, Placed};
use super::rows::{self, TextKind};
use super::short_ids::Numbers;
use super::unplaced::SqlResult;
use super::{events, histories, instance, resources, short_ids, steps};
use crate::domain::comment::Comment;
use crate::domain::config::Config;
use crate::domain::event::{Event, Subject, kind};
use crate::domain::fold::{TaskState, touched_comment};
use crate::domain::id::TaskId;
use crate::domain::short_id::ShortId;
use crate::domain::task::Task;

/// Derived tables that one task's rows live in, beside `tasks` and `short_ids`. Reactions are found by
/// comment, so they stand before these.
const TASK_TABLES: [&str; 9] = [
    "task_tags",
    "task_names",
    "relationships",
    "branch_links",
    "task_artifacts",
    "reactions",
    "comments",
    "plans",
    "notes",
];

/// The state of a task as far as these events need it: the task, if it is not the one at hand, and the
/// comments they touch.
fn load(
    conn: &Connection,
    id: &TaskId,
    events: &[&Event],
    latest: Option<Task>,
) -> Result<TaskState, StoreError> {
    let task = match latest {
        Some(task) if task.id == *id => Some(task),
        _ => rows::find_task(conn, id)?,
    };
    let mut state = TaskState { task, ..TaskState::default() };
    for comment in events.iter().filter_map(|e| touched_comment(e)) {
        if let Some(found) = rows::find_comment(conn, id, comment)? {
            state.comments.insert(comment.to_owned(), found);
        }
    }
    Ok(state)
}

/// What a transaction knows without asking the file.
pub(super) struct Known<'a> {
    /// A task as it was before the events.
    pub(super) latest: Option<Task>,
    /// A number that nobody has.
    pub(super) free: Option<ShortId>,
    /// A task that the log held nothing about.
    pub(super) fresh: Option<&'a TaskId>,
}

/// Brings the rows of all subjects up to date with events that were just appended.
///
/// Events that come after all of their subject's are applied to what is there; an event that
/// belongs somewhere in the middle makes its subject fold again.
///
/// `config` is the configuration as this transaction has read it. Gives a task as it is now, if one is at
/// hand.
pub(super) fn events_appended(
    conn: &Connection,
    appended: &[Event],
    config: &Config,
    Known { mut latest, free, fresh }: Known<'_>,
) -> Result<Option<Task>, StoreError> {
    let changed = if appended.iter().any(|e| e.subject == Subject::Instance) {
        instance::refold(conn)?;
        Some(instance::config(conn)?)
    } else {
        None
    };
    let finished = changed.as_ref().unwrap_or(config).finished();
    let tasks: BTreeSet<&TaskId> = appended.iter().filter_map(Event::task).collect();
    let mut numbers = Numbers { free, ..Numbers::default() };
    for id in tasks {
        let events: Vec<&Event> = appended.iter().filter(|e| e.task() == Some(id)).collect();
        latest = project_task(conn, id, &events, fresh == Some(id), &finished, &mut numbers, latest)?;
    }
    resources::project(conn, appended, true)?;
    short_ids::settle(conn, &numbers)?;
    // Settling may have given it another number.
    Ok(latest.filter(|_| numbers.contested.is_empty()))
}

fn project_task(
    conn: &Connection,
    id: &TaskId,
    events: &[&Event],
    is_fresh: bool,
    finished: &[&str],
    numbers: &mut Numbers,
    latest: Option<Task>,
) -> Result<Option<Task>, StoreError> {
    let is_new = events[0].kind == kind::TASK_CREATED && (is_fresh || !has_earlier(conn, id, events)?);
    let mut state = if is_new { TaskState::default() } else { load(conn, id, events, latest)? };
    let mut last = state.task.as_ref().map(Task::last_key);
    let in_order = events.iter().all(|event| {
        let after = last.as_ref().is_none_or(|last| *last < event.key);
        last = Some(event.key.clone());
        after
    });
    if !(in_order && (is_new || state.task.is_some())) {
        refold_grown(conn, id, events.len(), finished, numbers)?;
        return Ok(None);
    }
    let before = state.clone();
    for event in events {
        state.apply(event);
    }
    let shown = before.task.as_ref().map(|task| task.short_id.as_ref());
    let change = Change::new(&before, &state, events.len())?;
    save(conn, id, &change, shown, finished, numbers)?;
    Ok(state.task)
}

/// Whether the log holds events of the task beside these.
fn has_earlier<E>(conn: &Connection, id: &TaskId, events: &[E]) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT 1 FROM events WHERE task_id = ?1 LIMIT 1 OFFSET ?2")
        .sql()?
        .exists(params![id.as_str(), events.len() as i64])
        .sql()
}

/// Folds a task again from the log in `source` and writes its rows anew in `target`.
fn refold_task(
    source: &Connection,
    target: &Connection,
    id: &TaskId,
    finished: &[&str],
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let history = histories::found_of_task(source, id)?;
    save_history(target, id, &history, finished, numbers)
}

/// The same after so many events were added; what its row says of those before must still be found.
fn refold_grown(
    conn: &Connection,
    id: &TaskId,
    added: usize,
    finished: &[&str],
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let history = histories::found_of_task(conn, id)?;
    histories::prove_growth(conn, id, added, &history)?;
    save_history(conn, id, &history, finished, numbers)
}

/// Folds this history, given in canonical order, and writes the task's rows anew.
pub(super) fn save_history<E: Borrow<Event>>(
    target: &Connection,
    id: &TaskId,
    history: &[E],
    finished: &[&str],
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let shown = clear_task(target, id)?;
    let (before, (after, _)) = (TaskState::default(), TaskState::fold(history));
    let change = Change::new(&before, &after, history.len())?;
    save(target, id, &change, shown.as_ref().map(Option::as_ref), finished, numbers)
}

/// Takes a task's rows away, but for its numbers, and says which short id it showed, if any; `None`
/// if there was no row.
fn clear_task(conn: &Connection, id: &TaskId) -> Result<Option<Option<ShortId>>, StoreError> {
    let sql = "SELECT short_id, json_valid(coalesce(tags, '[]')) FROM tasks WHERE id = ?1";
    let row: Option<(Option<String>, bool)> = conn
        .prepare_cached(sql)
        .sql()?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .sql()?;
    let Some((shown, reads)) = row else { return Ok(None) };
    for table in TASK_TABLES {
        // Where rows are found by something else, a search by task would read all of them.
        let sql = match table {
            "task_tags" if reads => {
                "DELETE FROM task_tags WHERE task_id = ?1
                AND tag IN (SELECT value FROM tasks, json_each(tasks.tags) WHERE tasks.id = ?1)"
            }
            "reactions" => {
                "DELETE FROM reactions WHERE comment_id IN (SELECT id FROM comments WHERE task_id = ?1)"
            }
            _ => &format!("DELETE FROM {table} WHERE task_id = ?1"),
        };
        conn.prepare_cached(sql).sql()?.execute([id.as_str()]).sql()?;
    }
    conn.prepare_cached("DELETE FROM tasks WHERE id = ?1").sql()?.execute([id.as_str()]).sql()?;
    Ok(Some(shown.as_deref().and_then(ShortId::parse)))
}

/// What events did to a task.
pub(super) struct Change<'a> {
    pub(super) before: &'a TaskState,
    pub(super) after: &'a TaskState,
    /// How many there are.
    pub(super) events: usize,
    pub(super) texts: Texts,
}

impl<'a> Change<'a> {
    fn new(before: &'a TaskState, after: &'a TaskState, events: usize) -> Result<Self, StoreError> {
        Ok(Self { before, after, events, texts: Texts::of(before, after)? })
    }
}

/// The task and the comments that changed, as JSON; these in the order of their ids.
pub(super) struct Texts {
    task: String,
    comments: Vec<String>,
}

impl Texts {
    pub(super) fn of(before: &TaskState, after: &TaskState) -> Result<Self, StoreError> {
        let comments = changed_comments(before, after).map(|(_, comment)| rows::encoded(comment));
        Ok(Self { task: rows::encoded(&after.task)?, comments: comments.collect::<Result<_, _>>()? })
    }
}

/// The comments that changed, with what they were.
fn changed_comments<'a>(
    before: &'a TaskState,
    after: &'a TaskState,
) -> impl Iterator<Item = (Option<&'a Comment>, &'a Comment)> {
    let pairs = after.comments.iter().map(|(key, comment)| (before.comments.get(key), comment));
    pairs.filter(|(known, comment)| *known != Some(*comment))
}

pub(super) fn save(
    conn: &Connection,
    id: &TaskId,
    Change { before, after, events, texts }: &Change<'_>,
    shown_before: Option<Option<&ShortId>>,
    finished: &[&str],
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let Some(task) = &after.task else { return Ok(()) };
    if before.task.as_ref().map(|t| &t.claim) != Some(&task.claim) {
        short_ids::claim(conn, task, shown_before, numbers)?;
    }
    rows::save_lists(conn, before.task.as_ref(), task)?;
    let before_task = before.task.as_ref().map(|task| (task, is_open(task, finished)));
    rows::save_task(conn, before_task, task, is_open(task, finished), (*events, &texts.task))?;
    for ((known, comment), text) in changed_comments(before, after).zip(&texts.comments) {
        rows::save_comment(conn, id, known, comment, text)?;
    }
    for (kind, text, known) in
        [(TextKind::Plan, &after.plan, &before.plan), (TextKind::Notes, &after.notes, &before.notes)]
    {
        if let Some(text) = text.as_ref().filter(|_| text != known) {
            rows::save_text(conn, kind, id, text)?;
        }
    }
    Ok(())
}

/// Neither archived nor in a status that ends the work.
fn is_open(task: &Task, finished: &[&str]) -> bool {
    !task.archived && !finished.contains(&task.status.as_str())
}

/// Makes every derived table of `target` from the log of `source` (which may be the same file,
/// its derived tables emptied). `each` hears of every task done.
pub(super) fn rebuild(
    source: &Connection,
    target: &Connection,
    mut each: impl FnMut(&TaskId),
) -> Result<(), StoreError> {
    for table in TASK_TABLES.iter().chain(&["tasks", "short_ids", "resources", "resource_ids", "statuses"]) {
        target.execute(&format!("DELETE FROM {table}"), []).sql()?;
    }
    target.execute("DELETE FROM meta WHERE key IN ('config', 'context', 'instance_heads')", []).sql()?;
    instance::save(target, &histories::of_instance(source)?, &Config::default())?;
    let config = instance::config(target)?;
    instance::save_statuses(target, &config)?;
    let finished = config.finished();
    let mut numbers = Numbers::default();
    for id in histories::found_task_ids(source)? {
        refold_task(source, target, &id, &finished, &mut numbers)?;
        each(&id);
    }
    resources::rebuild(source, target)?;
    short_ids::settle(target, &numbers)
}

/// Brings the rows of all subjects up to date after many events: each subject folds once. A
/// task that the log held nothing of before folds from the events at hand. `added` is false where these
/// took the places of others.
pub(super) fn many_appended(
    conn: &Connection,
    appended: &[&Event],
    added: bool,
    mut each: impl FnMut(&TaskId),
) -> Result<(), StoreError> {
    if appended.iter().any(|e| e.subject == Subject::Instance) {
        instance::refold(conn)?;
    }
    let config = instance::config(conn)?;
    let finished = config.finished();
    let mut numbers = Numbers::default();
    let last = events::last_place(conn)?;
    let begin = last - appended.len() as i64;
    let mut by_task: HashMap<&TaskId, Vec<Placed<'_>>> = HashMap::new();
    // Those that were put in the place of others (`added` is false) stand elsewhere; nobody asks where.
    for (seq, event) in (begin + 1..).zip(appended.iter().copied()) {
        if let Some(id) = event.task() {
            by_task.entry(id).or_default().push(Placed { seq, event });
        }
    }
    let mut by_task: Vec<_> = by_task.into_iter().collect();
    by_task.sort_unstable_by_key(|(id, _)| *id);
    for (_, events) in &mut by_task {
        events.sort_by(|a, b| a.event.key.cmp(&b.event.key));
    }
    // In a new tracker no task has rows yet.
    if added && begin == 0 {
        let beside = new_tasks::save(conn, appended, &by_task, &finished, &mut numbers, each)?;
        steps::begun(conn, last, beside)?;
    } else {
        for (id, events) in by_task {
            if has_earlier(conn, id, &events)? {
                let added = if added { events.len() } else { 0 };
                refold_grown(conn, id, added, &finished, &mut numbers)?;
            } else {
                save_history(conn, id, &events, &finished, &mut numbers)?;
            }
            each(id);
        }
    }
    resources::project(conn, appended.iter().copied(), false)?;
    short_ids::settle(conn, &numbers)
}

/// Folds one task again from the log.
pub(super) fn rebuild_task(conn: &Connection, id: &TaskId) -> Result<(), StoreError> {
    // This mends, so it does not trust the tables to name the rows that have to go.
    for table in TASK_TABLES {
        conn.execute(&format!("DELETE FROM {table} WHERE task_id = ?1"), [id.as_str()]).sql()?;
    }
    let config = instance::config(conn)?;
    let finished = config.finished();
    let mut numbers = Numbers::default();
    short_ids::release(conn, id, &mut numbers)?;
    refold_task(conn, conn, id, &finished, &mut numbers)?;
    short_ids::settle(conn, &numbers)
}
