//! The rows of tasks that nobody knew: where a tracker is made of a tree, all of them.

use std::borrow::Borrow;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use rusqlite::Connection;

use super::error::StoreError;
use super::project::{self, Change, Texts};
use super::search_fill::{IndexRow, Places};
use super::short_ids::Numbers;
use super::tallies::{self, Tallies};
use crate::domain::event::Event;
use crate::domain::fold::TaskState;
use crate::domain::id::TaskId;

/// An event with its place in the log.
pub(super) struct Placed<'a> {
    pub(super) seq: i64,
    pub(super) event: &'a Event,
}

impl Borrow<Event> for Placed<'_> {
    fn borrow(&self) -> &Event {
        self.event
    }
}

/// A history that was folded, before its rows are written.
struct Folded<'a> {
    id: &'a TaskId,
    after: TaskState,
    events: usize,
    texts: Texts,
    places: Places,
}

/// What the rows of tasks do not hold, made on the way.
pub(super) struct Beside {
    /// For the index of words.
    pub(super) words: Vec<IndexRow>,
    /// The sums over the log.
    pub(super) tallies: Tallies,
}

/// So many histories are folded before they are handed on: one by one they would cost more than folding.
const HANDED_ON: usize = 64;

/// Folds the histories of all tasks of a log, of which there are no rows yet, on a thread of its own,
/// while this one writes the rows of those before. `log` is all of it, in order.
pub(super) fn save<'a>(
    conn: &Connection,
    log: &[&Event],
    histories: &[(&'a TaskId, Vec<Placed<'_>>)],
    finished: &[&str],
    numbers: &mut Numbers,
    mut each: impl FnMut(&TaskId),
) -> Result<Beside, StoreError> {
    let fold = |some: &[(&'a TaskId, Vec<Placed<'_>>)]| -> Result<Vec<Folded<'a>>, StoreError> {
        let folded = some.iter().map(|(id, history)| {
            let (after, _) = TaskState::fold(history);
            let texts = Texts::of(&TaskState::default(), &after)?;
            let places = Places::of(&after, history);
            Ok(Folded { id, after, events: history.len(), texts, places })
        });
        folded.collect()
    };
    let before = TaskState::default();
    let mut words = Vec::new();
    let mut write = |folded: Result<Vec<Folded<'a>>, StoreError>| {
        for Folded { id, after, events, texts, places } in folded? {
            project::save(
                conn,
                id,
                &Change { before: &before, after: &after, events, texts },
                None,
                finished,
                numbers,
            )?;
            words.extend(places.take(after));
            each(id);
        }
        Ok(())
    };
    let parts = || histories.chunks(HANDED_ON);
    let has_helper = thread::available_parallelism().is_ok_and(|processors| processors.get() > 1);
    let tallies = thread::scope(|scope| {
        let (hand, take) = sync_channel(1);
        let ahead = move || {
            match parts().try_for_each(|some| hand.send(fold(some))) {
                Ok(()) => tallies::of_log(log),
                // Whoever took has failed and says why.
                Err(_) => Ok(Tallies::default()),
            }
        };
        let start = || thread::Builder::new().name("fold".into()).spawn_scoped(scope, ahead).ok();
        // Few tasks are not worth a thread, and where the system has none it takes longer.
        match (has_helper && histories.len() > HANDED_ON).then(start).flatten() {
            Some(helper) => {
                take.into_iter().try_for_each(&mut write)?;
                // A thread that ended early must not look like one that is done.
                helper.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
            None => {
                parts().try_for_each(|some| write(fold(some)))?;
                tallies::of_log(log)
            }
        }
    })?;
    Ok(Beside { words, tallies })
}
