//! What clones changed without knowing of each other: after a merge one of the values holds, and
//! somebody should hear of the others.

use std::collections::{BTreeMap, HashSet};

use super::{App, Failure, TaskImport, resolve};
use crate::domain::id::TaskId;
use crate::domain::{Change, Concurrent, Event, Task, concurrent_changes};
use crate::store::Reader;

/// A task with what was changed on it concurrently.
#[derive(Clone, Debug)]
pub struct TaskConflicts {
    /// The task, as it is now.
    pub task: Task,
    /// The things, by name.
    pub conflicts: Vec<Concurrent>,
}

impl App {
    /// Concurrent changes that nobody has settled, by task, and those of the tracker itself. With
    /// `task`, only that task's.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn conflicts(&self, task: Option<&str>) -> Result<(Vec<TaskConflicts>, Vec<Concurrent>), Failure> {
        self.read(|reader| match task {
            Some(text) => {
                let task = resolve::task(reader, text)?;
                Ok((of_tasks(reader, [task.id])?, Vec::new()))
            }
            None => {
                let tasks = of_tasks(reader, reader.forked_tasks()?)?;
                Ok((tasks, concurrent_changes(&reader.instance_history()?)))
            }
        })
    }
}

/// Conflicts of the tasks that were known before an import, as far as the new events have to do
/// with them.
pub(super) fn of_import(
    reader: &Reader<'_>,
    fresh: &[&Event],
    tasks: &BTreeMap<String, TaskImport>,
) -> Result<Vec<TaskConflicts>, Failure> {
    let known = tasks.iter().filter(|(_, task)| !task.is_new).map(|(id, _)| id);
    let mut found = of_tasks(reader, known.filter_map(|id| TaskId::parse_foreign(id)))?;
    if found.is_empty() {
        return Ok(found);
    }
    let ids: HashSet<&str> = fresh.iter().map(|event| event.id.as_str()).collect();
    let is_new = |change: &Change| ids.contains(change.event.as_str());
    for task in &mut found {
        task.conflicts.retain(|of| is_new(&of.holds) || of.lost.iter().any(is_new));
    }
    found.retain(|task| !task.conflicts.is_empty());
    Ok(found)
}

/// The conflicts of these tasks; tasks without any are left out.
fn of_tasks(
    reader: &Reader<'_>,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Vec<TaskConflicts>, Failure> {
    let mut found = Vec::new();
    for id in tasks {
        let conflicts = concurrent_changes(&reader.history(&id)?);
        if !conflicts.is_empty()
            && let Some(task) = reader.find_task(&id)?
        {
            found.push(TaskConflicts { task, conflicts });
        }
    }
    Ok(found)
}
