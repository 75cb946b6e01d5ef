//! What keeps up with the log in steps: the index of words, and the sums.

use rusqlite::Connection;

use super::error::StoreError;
use super::new_tasks::Beside;
use super::noted::AtHand;
use super::{events, search_fill, search_index, tallies};

/// Hears once of all that a transaction appended, at its end: however many events there are, that is
/// one step then. Until here both are behind, as between two steps, and whoever asks looks at the log
/// too. `begun` is where the log ended before; `None` if nothing was appended.
pub(super) fn appended(conn: &Connection, begun: Option<i64>, at_hand: &AtHand) -> Result<(), StoreError> {
    let Some(before) = begun else { return Ok(()) };
    let after = events::last_place(conn)?;
    search_index::appended(conn, before, after, at_hand)?;
    tallies::appended(conn, before, after, at_hand)
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
