//! What an import brings, task by task: which events, and what they change.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};
use serde_json::Value;

use super::Failure;
use super::bulk::ImportReport;
use crate::domain::Task;
use crate::domain::event::{Event, kind};
use crate::domain::id::TaskId;
use crate::store::Reader;

/// What came in for one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskImport {
    /// Its short id or id.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Whether it was not known before.
    pub is_new: bool,
    /// Types of the new events with their counts.
    pub kinds: BTreeMap<String, usize>,
    /// What reads otherwise than before, in the order of `FIELDS`; nothing for a new task.
    pub changes: Vec<FieldChange>,
}

/// A field of a task that an import changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in a snapshot, or `archived`.
    pub field: &'static str,
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

/// Fields that people set. What follows from these and from the events is left out.
const FIELDS: [&str; 14] = [
    "short_id",
    "title",
    "status",
    "archived",
    "priority",
    "urgency",
    "complexity",
    "type",
    "assigned_to",
    "tags",
    "description",
    "custom_fields",
    "relationships_out",
    "branch_links",
];

/// The tasks that are to change, as they were.
pub(super) struct Before(BTreeMap<String, Task>);

/// Counts what is new, and looks at the known tasks before it is taken in.
pub(super) fn before(
    reader: &Reader<'_>,
    fresh: &[&Event],
    report: &mut ImportReport,
) -> Result<Before, Failure> {
    report.new_events = fresh.len();
    let mut of_tasks: HashMap<&TaskId, TaskImport> = HashMap::new();
    for event in fresh {
        let Some(id) = event.task() else {
            *report.other.entry(event.kind.clone()).or_default() += 1;
            continue;
        };
        let entry = of_tasks.entry(id).or_default();
        match entry.kinds.get_mut(&event.kind) {
            Some(count) => *count += 1,
            None => drop(entry.kinds.insert(event.kind.clone(), 1)),
        }
        entry.is_new |= event.kind == kind::TASK_CREATED;
    }
    let touched: Vec<&TaskId> = of_tasks.keys().copied().collect();
    report.tasks = of_tasks.into_iter().map(|(id, task)| (id.to_string(), task)).collect();
    let mut known = BTreeMap::new();
    // Where the log is empty nobody knows any task.
    if reader.last_place()? == 0 {
        return Ok(Before(known));
    }
    for id in touched {
        // Most imports bring new tasks, and whether one is there is told faster than what it says.
        if !reader.has_task(id.as_str())? {
            continue;
        }
        if let Some(entry) = report.tasks.get_mut(id.as_str()) {
            entry.is_new = false;
        }
        known.extend(reader.find_task(id)?.map(|task| (id.to_string(), task)));
    }
    Ok(Before(known))
}

impl Before {
    /// Names, titles and fields as they are now.
    pub(super) fn after(&self, reader: &Reader<'_>, report: &mut ImportReport) -> Result<(), Failure> {
        for (id, entry) in &mut report.tasks {
            let (short_id, title) = reader.task_name(id)?.unwrap_or_default();
            entry.name = short_id.unwrap_or_else(|| id.clone());
            entry.title = title;
            if let Some(before) = self.0.get(id) {
                entry.changes =
                    reader.find_task(&before.id)?.map(|now| changes(before, &now)).unwrap_or_default();
            }
        }
        Ok(())
    }
}

fn changes(before: &Task, now: &Task) -> Vec<FieldChange> {
    let of = |task: &Task| {
        let mut all = task.snapshot();
        all.insert("archived".to_owned(), task.archived.into());
        all
    };
    let (before, now) = (of(before), of(now));
    let one = |field: &'static str| {
        let value = |of: &serde_json::Map<String, Value>| of.get(field).cloned().unwrap_or_default();
        let (from, to) = (value(&before), value(&now));
        (from != to).then_some(FieldChange { field, from, to })
    };
    FIELDS.into_iter().filter_map(one).collect()
}
