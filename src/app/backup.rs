//! The whole tracker in one file, and back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::{App, Code, Failure, World};
use crate::store::{Copied, RestoreError, Restored, RootError, StoreError, find, restore, traces};

impl App {
    /// Writes a verified copy of the tracker, while others may write. `replace` puts it in the place
    /// of an older backup.
    ///
    /// # Errors
    /// `CONFLICT` if something has the name, `VALIDATION_ERROR` for a place inside of a tracker,
    /// `STORE_…`; what was there is untouched then.
    pub fn backup(&self, target: &Path, replace: bool) -> Result<Copied, Failure> {
        self.store.backup(target, replace).map_err(|error| match error {
            StoreError::Exists { path } if path == target && !replace => {
                Failure::new(Code::Conflict, format!("{} is there already", path.display()))
                    .hint("choose another name; --force replaces an older backup")
            }
            StoreError::CommitUnknown { detail } => Failure::new(
                Code::CommitUnknown,
                format!("the backup is written, but may not outlive a power failure ({detail})"),
            )
            .hint("make another one, best on another disk"),
            other => other.into(),
        })
    }

    /// Puts a backup in the place of the tracker that commands in `start` use, damaged and missing
    /// ones included; without any it makes one in `start`. `replace` does so even where the tracker
    /// holds more, and keeps that aside. Says where.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such file, `RESTORE_CONFLICT` if the tracker holds more,
    /// `VALIDATION_ERROR` if the file is the tracker itself, `STORE_…`; nothing was changed then.
    pub fn restore(
        world: &World,
        start: &Path,
        from: &Path,
        replace: bool,
        wait: Duration,
    ) -> Result<(PathBuf, Restored), Failure> {
        let lattice = match find(start, world.variable("LATTICE_ROOT")) {
            Ok(root) => root.lattice,
            Err(RootError::NotInitialized { place, .. }) => {
                place.canonicalize().map_err(|error| Failure::io(&error, &place))?.join(".lattice")
            }
            Err(error) => return Err(error.into()),
        };
        let before = traces(&lattice);
        let restored = restore(&lattice, from, wait, replace, &world.epoch()).map_err(|error| {
            let failure = failure(error, from);
            match traces(&lattice) == before {
                true => failure,
                false => failure.although(&format!(
                    "nothing is lost, but what was begun in {} could not all be undone",
                    lattice.display()
                )),
            }
        })?;
        Ok((lattice, restored))
    }
}

fn failure(error: RestoreError, from: &Path) -> Failure {
    let name = from.display();
    match error {
        RestoreError::Open { waited } => Failure::new(
            Code::StoreBusy,
            format!("another program has the tracker open; waited {:.1} s", waited.as_secs_f64()),
        )
        .hint("nothing was changed; end it (sqlite3, a command whose output waits in a pager) and restore again"),
        RestoreError::Tracker(error) => error.into(),
        RestoreError::Itself => Failure::new(Code::ValidationError, format!("{name} is the tracker itself"))
            .hint("name a file that `lattice backup` made"),
        RestoreError::Lacking(lacking) => Failure::new(
            Code::RestoreConflict,
            format!(
                "the tracker holds {} that {name} does not, first {}",
                records(lacking.count),
                lacking.first
            ),
        )
        .hint("nothing was changed; --force restores all the same, and keeps the present file aside")
        .details(json!({"lacking": lacking.count, "first": lacking.first})),
        RestoreError::Backup(StoreError::Missing { .. }) => {
            Failure::new(Code::NotFound, format!("there is no file {name}"))
                .hint("nothing was changed; name a file that `lattice backup` made")
        }
        RestoreError::Backup(error) => {
            let known = Failure::from(error);
            let message = match known.code {
                Code::StoreCorrupt => format!("the backup {name} is damaged"),
                Code::StoreTampered => format!("{name} holds what Lattice did not write"),
                _ => known.message,
            };
            Failure::new(known.code, message)
                .hint("nothing was changed; name a whole file that `lattice backup` made")
        }
    }
}

/// So many of what a restore would take away, in words.
#[must_use]
pub fn records(count: i64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

/// So many events, in words.
#[must_use]
pub fn entries(count: i64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}
