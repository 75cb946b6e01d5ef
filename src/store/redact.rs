//! Taking content out of the file: out of the rows, and then out of what SQLite leaves of them.

use std::path::PathBuf;

use super::error::{StoreError, from_sqlite};
use super::tracker::{Opened, Store};
use super::transaction::Transaction;
use super::{artifacts, events, project, search_index, tree_record};
use crate::domain::event::Event;

impl Store {
    /// Copies of the file beside it that upgrades and restores have made, by name.
    #[must_use]
    pub fn kept_copies(&self) -> Vec<PathBuf> {
        let entries = self.path.parent().map(std::fs::read_dir).and_then(Result::ok);
        let mut copies: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("lattice-") && name.contains(".db")
            })
            .collect();
        copies.sort();
        copies
    }

    /// Writes the whole file anew, so that nothing is left in it of what was taken away: neither in
    /// free pages nor in the log. False if somebody reads: then the log still holds it.
    ///
    /// # Errors
    /// [`StoreError`] if the disk fails; the tracker is as it was.
    pub fn scrub(&mut self) -> Result<bool, StoreError> {
        let path = &self.path;
        match &mut self.file {
            Opened::Write(file) => {
                let vacuumed = file.conn().execute_batch("PRAGMA secure_delete = ON; VACUUM");
                vacuumed.map_err(|error| {
                    file.settle();
                    from_sqlite(&error, path)
                })?;
                file.checkpoint_full()
            }
            _ => Ok(true),
        }
    }
}

impl Transaction<'_> {
    /// Puts tombstones in the place of their events and folds again what they were about; takes out
    /// artifacts that only they attached, and every word of theirs from the index.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was taken away then.
    pub fn redact(&self, tombstones: &[&Event]) -> Result<(), StoreError> {
        if tombstones.is_empty() {
            return Ok(());
        }
        self.forget();
        self.placed(
            tombstones
                .iter()
                .try_for_each(|tombstone| events::redact(self.conn, tombstone))
                .and_then(|()| project::many_appended(self.conn, tombstones, false, |_| {}))
                .and_then(|()| artifacts::withhold(self.conn).map(drop))
                .and_then(|()| tree_record::clear(self.conn))
                .and_then(|()| search_index::rebuild(self.conn)),
        )
    }

    /// Takes out artifacts that only redacted events attached, and gives their ids.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read or written.
    pub fn withhold_artifacts(&self) -> Result<Vec<String>, StoreError> {
        self.placed(artifacts::withhold(self.conn))
    }
}
