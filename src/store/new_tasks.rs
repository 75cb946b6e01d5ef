//! The rows of tasks that nobody knew: where a tracker is made of a tree, all of them.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::thread;

use rusqlite::Connection;

use super::error::StoreError;
use super::project::{self, Change, Texts};
use crate::domain::event::Event;
use crate::domain::fold::TaskState;
use crate::domain::id::TaskId;

/// A history that was folded, before its rows are written.
type Folded<'a> = (&'a TaskId, TaskState, usize, Texts);

/// So many histories are folded before they are handed on: one by one they would cost more than folding.
const HANDED_ON: usize = 64;

/// Folds histories of tasks that have no rows yet on a thread of its own, while this one writes the
/// rows of those before.
pub(super) fn save<'a>(
    conn: &Connection,
    histories: &[(&'a TaskId, Vec<&Event>)],
    finished: &[String],
    contested: &mut BTreeSet<String>,
    mut each: impl FnMut(&TaskId),
) -> Result<(), StoreError> {
    let fold = |some: &[(&'a TaskId, Vec<&Event>)]| -> Result<Vec<Folded<'a>>, StoreError> {
        let folded = some.iter().map(|(id, history)| {
            let (after, _) = TaskState::fold(history);
            let texts = Texts::of(&TaskState::default(), &after)?;
            Ok((*id, after, history.len(), texts))
        });
        folded.collect()
    };
    let before = TaskState::default();
    let mut written = 0;
    let mut write = |folded: Result<Vec<Folded<'a>>, StoreError>| {
        for (id, after, events, texts) in folded? {
            project::save(
                conn,
                id,
                &Change { before: &before, after: &after, events, texts },
                None,
                finished,
                contested,
            )?;
            written += 1;
            each(id);
        }
        Ok(())
    };
    let parts = || histories.chunks(HANDED_ON);
    let has_helper = thread::available_parallelism().is_ok_and(|processors| processors.get() > 1);
    thread::scope(|scope| {
        let (hand, take) = sync_channel(1);
        let ahead = move || drop(parts().try_for_each(|some| hand.send(fold(some))));
        let start = || thread::Builder::new().name("fold".into()).spawn_scoped(scope, ahead).ok();
        // Few tasks are not worth a thread, and where the system has none it takes longer.
        match (has_helper && histories.len() > HANDED_ON).then(start).flatten() {
            Some(_) => take.into_iter().try_for_each(&mut write),
            None => parts().try_for_each(|some| write(fold(some))),
        }
    })?;
    // A thread that ended early must not look like one that is done.
    match written == histories.len() {
        true => Ok(()),
        false => Err(StoreError::Unexpected { detail: "not every task was folded".into() }),
    }
}
