//! Lists of tasks: filtered, what could be begun, and what waits for what.

use std::collections::BTreeMap;

use super::{App, Failure, Identity};
use crate::domain::id::TaskId;
use crate::domain::workflow::{priority_rank, urgency_rank};
use crate::domain::{Config, Task};
use crate::store::{Reader, TaskFilter, Waiting};

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

/// A task with everything that keeps it from being begun.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockedTask {
    /// The task.
    pub task: Task,
    /// Why it cannot be begun; at least one reason.
    pub reasons: Vec<BlockReason>,
}

/// What keeps a task from being begun.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockReason {
    /// An unfinished task: it `depends_on` that one, that one `blocks` it, or is a `subtask_of` it.
    Task {
        /// The type of the relation.
        because: String,
        /// The unfinished task.
        on: Box<Task>,
    },
    /// Its status says so.
    Status,
    /// Somebody has to look.
    NeedsHuman,
}

impl App {
    /// Tasks that pass a filter. The status may be a slug or a display name; one that does not
    /// exist gives an empty list and a warning. With a search, only tasks that hold its words.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if there is nothing to search for; [`Failure`] if the file cannot be read.
    pub fn list(
        &self,
        mut filter: TaskFilter,
        search: Option<&str>,
        count: bool,
    ) -> Result<Listing, Failure> {
        let words = search.map(super::search::words).transpose()?;
        self.read(|reader| {
            let config = reader.config()?;
            let mut listing = Listing::default();
            listing.warnings.extend(settle_status(reader, &config, &mut filter)?);
            if !listing.warnings.is_empty() {
                listing.total = count.then_some(0);
                return Ok(listing);
            }
            filter.among = words.map(|words| reader.searched(&words)).transpose()?;
            let limit = filter.limit;
            // One row more tells whether there are more; counting would cost more than the page.
            filter.limit = limit.map(|limit| limit.saturating_add(1));
            listing.tasks = reader.tasks(&filter)?;
            listing.total = count.then(|| reader.count_tasks(&filter)).transpose()?;
            Ok(listing.cut(limit).named(&config))
        })
    }

    /// Tasks that could be begun now, best first; with an actor also those that are assigned to it.
    ///
    /// # Errors
    /// [`Failure`] if the actor is not valid or the file cannot be read.
    pub fn ready_list(
        &self,
        who: &Identity,
        statuses: Option<&[String]>,
        limit: Option<usize>,
    ) -> Result<Listing, Failure> {
        let tasks = self.ready(who, statuses, limit.map(|limit| limit.saturating_add(1)))?;
        let config = self.read(|reader| Ok::<_, Failure>(reader.config()?))?;
        Ok(Listing { tasks, ..Listing::default() }.cut(limit).named(&config))
    }

    /// Open tasks that cannot be begun, with the reasons, most urgent first; of one task, or of
    /// all. The second value says whether there are more than the limit let through.
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
            let mut blocked = Blocked::default();
            for Waiting { task, because, on } in reader.waiting(of.as_ref(), None)? {
                blocked.add(task, BlockReason::Task { because, on: Box::new(on) });
            }
            let stuck = TaskFilter { status: Some("blocked".to_owned()), ..TaskFilter::default() };
            let asking = TaskFilter { needs_human: true, ..TaskFilter::default() };
            for (filter, reason) in [(stuck, BlockReason::Status), (asking, BlockReason::NeedsHuman)] {
                let filter = TaskFilter { id: of.clone(), ..filter };
                for task in reader.tasks(&filter)? {
                    blocked.add(task, reason.clone());
                }
            }
            let mut tasks: Vec<BlockedTask> = blocked.tasks.into_values().collect();
            let truncated = limit.is_some_and(|limit| tasks.len() > limit);
            tasks.truncate(limit.unwrap_or(usize::MAX));
            Ok((tasks, truncated))
        })
    }
}

/// Takes the name of a status for what it is in this tracker; a warning if it is none.
pub(super) fn settle_status(
    reader: &Reader<'_>,
    config: &Config,
    filter: &mut TaskFilter,
) -> Result<Option<String>, Failure> {
    let Some(text) = &filter.status else { return Ok(None) };
    match config.find_status(text) {
        Some(status) => filter.status = Some(status),
        // A status that was configured once may still have tasks.
        None if reader.count_tasks(filter)? > 0 => {}
        None => {
            let known = config.statuses().join(", ");
            return Ok(Some(format!("there is no status `{text}`; there are: {known}")));
        }
    }
    Ok(None)
}

impl Listing {
    /// Leaves out what the limit does not let through; the list holds one more if there is more.
    fn cut(mut self, limit: Option<usize>) -> Self {
        if let Some(limit) = limit {
            self.truncated = self.tasks.len() > limit;
            self.tasks.truncate(limit);
        }
        self
    }

    fn named(mut self, config: &Config) -> Self {
        for task in &self.tasks {
            if !self.status_names.contains_key(&task.status) {
                self.status_names.insert(task.status.clone(), config.display_name(&task.status));
            }
        }
        self
    }
}

/// Tasks with their reasons, in the order of `next`.
#[derive(Default)]
struct Blocked {
    tasks: BTreeMap<(usize, usize, TaskId), BlockedTask>,
}

impl Blocked {
    fn add(&mut self, task: Task, reason: BlockReason) {
        let place =
            (priority_rank(task.priority.as_deref()), urgency_rank(task.urgency.as_deref()), task.id.clone());
        let entry = self.tasks.entry(place).or_insert_with(|| BlockedTask { task, reasons: Vec::new() });
        entry.reasons.push(reason);
    }
}
