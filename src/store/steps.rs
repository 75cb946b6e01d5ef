//! What keeps up with the log in steps: the index of words, and the sums.

use rusqlite::Connection;

use super::error::StoreError;
use super::new_tasks::Beside;
use super::search_index::Touched;
use super::touched::Touch;
use super::walk::{Mark, Passed};
use super::{events, search_fill, search_index, tallies};
use crate::domain::event::{Event, kind};
use crate::domain::id::TaskId;
use crate::domain::task::Task;

/// What a transaction appended, as far as both ask for it: neither reads it again then.
#[derive(Default)]
pub(super) struct AtHand {
    /// The place in the log that all of it stands behind; `None` if nothing is at hand.
    behind: Option<i64>,
    touched: Vec<Touched>,
    passed: Vec<Passed>,
}

impl AtHand {
    /// Takes note of the event that was appended at this place. `fresh` is a task that the log held
    /// nothing about, and `latest` one as it is now.
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
        let said = |member: &str| Ok(event.text(member).map(str::to_owned));
        if let Some(what) = Touch::of(&event.kind, said)? {
            let words = latest
                .filter(|latest| is_first && latest.id == *task)
                .map(|task| [task.title.clone(), task.description.clone().unwrap_or_default()]);
            self.touched.push(Touched { seq, task: task.clone(), what, words });
        }
        let (actor, key) = (event.actor.display().to_owned(), event.key.clone());
        self.passed.push(Passed { seq, task: task.clone(), is_first, actor, key, mark: Mark::of(event) });
        Ok(())
    }
}

/// Hears once of all that a transaction appended, at its end: however many events there are, that is
/// one step then. Until here both are behind, as between two steps, and whoever asks looks at the log
/// too. `begun` is where the log ended before; `None` if nothing was appended.
pub(super) fn appended(conn: &Connection, begun: Option<i64>, at_hand: AtHand) -> Result<(), StoreError> {
    let Some(before) = begun else { return Ok(()) };
    let after = events::last_place(conn)?;
    let AtHand { behind, touched, passed } = at_hand;
    let known = behind.unwrap_or(after);
    search_index::appended(conn, before, after, known, touched)?;
    tallies::appended(conn, before, after, (known, &passed))
}

/// The first step of a new log, which ends at `end`, from what was made beside its rows: reading it again
/// would be a tenth of the writing thread's work.
pub(super) fn begun(conn: &Connection, end: i64, beside: Beside) -> Result<(), StoreError> {
    if end < search_index::BATCH {
        return Ok(());
    }
    search_fill::fill_new(conn, beside.words, end)?;
    tallies::save_new(conn, beside.tallies)
}
