//! What a transaction appended, as far as the index of words and the sums ask for it: neither reads it from
//! the log again then.

use super::error::StoreError;
use super::touched::Touch;
use super::walk::Mark;
use crate::domain::event::{Event, kind};
use crate::domain::id::{SortKey, TaskId};
use crate::domain::task::Task;

/// An event about a task.
pub(super) struct Noted {
    pub(super) seq: i64,
    pub(super) task: TaskId,
    /// Whether it made the task, and the log held nothing about it before.
    pub(super) is_first: bool,
    pub(super) actor: String,
    pub(super) key: SortKey,
    /// For the sums.
    pub(super) mark: Option<Mark>,
    /// For the index, and title and body where its row is new and they are known.
    pub(super) touch: Option<Touch>,
    pub(super) words: Option<[String; 2]>,
}

/// The events that are at hand: those at the end of the log, or none.
#[derive(Default)]
pub(super) struct AtHand {
    behind: Option<i64>,
    events: Vec<Noted>,
}

impl AtHand {
    /// Takes note of the event that was appended at this place, behind those before. `fresh` is a task
    /// that the log held nothing about, and `latest` one as it is now.
    pub(super) fn note(
        &mut self,
        seq: i64,
        event: &Event,
        fresh: Option<&TaskId>,
        latest: Option<&Task>,
    ) -> Result<(), StoreError> {
        self.behind.get_or_insert(seq - 1);
        let Some(task) = event.task() else { return Ok(()) };
        let is_first = fresh == Some(task) && event.kind == kind::TASK_CREATED;
        let words = latest
            .filter(|latest| is_first && latest.id == *task)
            .map(|task| [task.title.clone(), task.description.clone().unwrap_or_default()]);
        self.events.push(Noted {
            seq,
            task: task.clone(),
            is_first,
            actor: event.actor.display().to_owned(),
            key: event.key.clone(),
            mark: Mark::of(event),
            touch: Touch::of(&event.kind, |member| Ok(event.text(member).map(str::to_owned)))?,
            words,
        });
        Ok(())
    }

    /// The place up to which the log has to be read.
    pub(super) fn behind(&self) -> i64 {
        self.behind.unwrap_or(i64::MAX)
    }

    /// In the order of their places, which are behind that.
    pub(super) fn events(&self) -> &[Noted] {
        &self.events
    }
}
