//! What the write-ahead log has lost, found before anything opens it.

use super::{App, Failure, Finding, Level};
use crate::store::{Root, log_damage};

/// The check that looks at the write-ahead log.
pub const LOG_CHECK: &str = "write_ahead_log";

impl App {
    /// Looks at the write-ahead log of a tracker that nobody here has open: what SQLite does not read
    /// of it, the next writer writes over.
    ///
    /// # Errors
    /// A `STORE_…` code if the disk fails.
    pub fn examine_log(root: &Root) -> Result<Option<Finding>, Failure> {
        let Some(damage) = log_damage(&root.lattice)? else { return Ok(None) };
        let place = match damage.frame {
            0 => "its header is not what was written".to_owned(),
            number => format!("its frame {number} is not what was written"),
        };
        let (level, what) = if damage.is_certain {
            let changes = match damage.changes {
                1 => "a change that was made is".to_owned(),
                several => format!("{several} changes that were made are"),
            };
            (Level::Error, format!("{place}, and SQLite reads no further: {changes} not seen any more"))
        } else {
            let what = format!(
                "{place}, and SQLite reads no further: either a process was killed or the power went while a \
                 change was being saved, and nobody was told that it is, or that change was damaged since; a \
                 head kept elsewhere tells (`--since-head`)"
            );
            (Level::Warning, what)
        };
        Ok(Some(Finding { level, check: LOG_CHECK, message: what, task_id: None }))
    }
}
