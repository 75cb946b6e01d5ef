//! Lists of tasks: filtered, what could be begun, and what waits for what.

use std::collections::BTreeMap;

use super::{App, Failure};
use crate::domain::Task;
use crate::domain::id::TaskId;
use crate::store::{TaskFilter, Waiting};

/// A page of tasks.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The tasks, in the order asked for.
    pub tasks: Vec<Task>,
    /// What people call the statuses.
    pub status_names: BTreeMap<String, String>,
    /// Whether there are more than the limit let through.
    pub truncated: bool,
    /// How many there are without the limit, where it was asked for.
    pub total: Option<i64>,
    /// What the caller should know although it worked.
    pub warnings: Vec<String>,
}

/// A task with everything that it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockedTask {
    /// The task.
    pub task: Task,
    /// Why it cannot be begun: (`depends_on`, `blocks` or `subtask_of`, the unfinished task).
    pub reasons: Vec<(String, Task)>,
}

impl App {
    /// Tasks that pass a filter. The status may be a slug or a display name; one that does not
    /// exist gives an empty list and a warning.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn list(&self, mut filter: TaskFilter, count: bool) -> Result<Listing, Failure> {
        self.read(|reader| {
            let config = reader.config()?;
            let mut listing = Listing::default();
            if let Some(text) = &filter.status {
                match config.find_status(text) {
                    Some(status) => filter.status = Some(status),
                    // A status that was configured once may still have tasks.
                    None if reader.in_status(text)? > 0 => {}
                    None => {
                        let known = config.statuses().join(", ");
                        listing.warnings.push(format!("there is no status `{text}`; there are: {known}"));
                        listing.total = count.then_some(0);
                        return Ok(listing);
                    }
                }
            }
            let limit = filter.limit;
            // One row more tells whether there are more; counting would cost more than the page.
            filter.limit = limit.map(|limit| limit.saturating_add(1));
            listing.tasks = reader.tasks(&filter)?;
            if let Some(limit) = limit {
                listing.truncated = listing.tasks.len() > limit;
                listing.tasks.truncate(limit);
            }
            listing.total = count.then(|| reader.count_tasks(&filter)).transpose()?;
            for task in &listing.tasks {
                if !listing.status_names.contains_key(&task.status) {
                    listing.status_names.insert(task.status.clone(), config.display_name(&task.status));
                }
            }
            Ok(listing)
        })
    }

    /// Open tasks that wait for unfinished ones, most urgent first; of one task, or of all. The
    /// second value says whether there are more than the limit let through.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn blocked(
        &self,
        of: Option<&str>,
        limit: Option<usize>,
    ) -> Result<(Vec<BlockedTask>, bool), Failure> {
        self.read(|reader| {
            let of: Option<TaskId> =
                of.map(|text| super::resolve::task(reader, text).map(|task| task.id)).transpose()?;
            let mut tasks = gathered(reader.waiting(of.as_ref(), None)?);
            let truncated = limit.is_some_and(|limit| tasks.len() > limit);
            tasks.truncate(limit.unwrap_or(usize::MAX));
            Ok((tasks, truncated))
        })
    }
}

/// One entry for each task; what belongs to one task stands together already.
fn gathered(waiting: Vec<Waiting>) -> Vec<BlockedTask> {
    let mut tasks: Vec<BlockedTask> = Vec::new();
    for Waiting { task, because, on } in waiting {
        match tasks.last_mut().filter(|last| last.task.id == task.id) {
            Some(last) => last.reasons.push((because, on)),
            None => tasks.push(BlockedTask { task, reasons: vec![(because, on)] }),
        }
    }
    tasks
}
