//! The repository layer: what the rest of the program asks the file for, in domain types only.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{StoreError, from_commit, from_sqlite};
use super::file::{self, Copied, Created, ReadFile, ReadMode, WriteFile};
use super::reader::Reader;
use super::transaction::Transaction;
use crate::domain::short_id::ShortId;

/// The tracker file, open.
pub struct Store {
    pub(super) file: Opened,
    pub(super) path: PathBuf,
    /// See [`Reader::task_of_short_id`].
    contested: Contested,
}

/// Short ids that were asked for and that several tasks claim.
type Contested = RefCell<BTreeSet<ShortId>>;

pub(super) enum Opened {
    Read(ReadFile),
    Write(WriteFile),
    Memory(Connection),
}

/// See [`Store::moment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    version: i64,
    /// Whether another file, or none, has taken the place of this one.
    pub is_replaced: bool,
}

impl Store {
    /// Opens for reading: takes no lock and changes nothing, not even caches.
    ///
    /// # Errors
    /// [`StoreError`] if the file is not there, not ours, too new, damaged or out of reach.
    pub fn open_read(lattice: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(Opened::Read(file::open_read(lattice)?), lattice.join(file::DATABASE)))
    }

    /// Opens for writing: queues on the lock file for at most `wait`, and brings an older file
    /// up to date.
    ///
    /// # Errors
    /// As [`Store::open_read`], and [`StoreError::Busy`] when the wait was in vain.
    pub fn open_write(lattice: &Path, wait: Duration) -> Result<Self, StoreError> {
        Ok(Self::new(Opened::Write(file::open_write(lattice, wait)?), lattice.join(file::DATABASE)))
    }

    /// Makes the file, filled by `fill`, all or nothing; or finds it made.
    ///
    /// # Errors
    /// [`StoreError`], or what `fill` fails with; there is no file then.
    pub fn create<E: From<StoreError>>(
        lattice: &Path,
        wait: Duration,
        fill: impl FnOnce(&Transaction<'_>) -> Result<(), E>,
    ) -> Result<Created, E> {
        file::create(lattice, wait, |conn| {
            let draft = conn.path().map_or_else(|| lattice.join(file::DATABASE), PathBuf::from);
            // Nobody can see a draft: if its commit fails, nothing is there.
            transact(conn, &draft, &Contested::default(), from_sqlite, fill)
        })
    }

    /// An empty tracker in memory, for tests and comparisons.
    ///
    /// # Errors
    /// [`StoreError`] if memory is short.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(Opened::Memory(file::in_memory()?), PathBuf::from(":memory:")))
    }

    fn new(file: Opened, path: PathBuf) -> Self {
        Self { file, path, contested: Contested::default() }
    }

    /// Says that all of the file will be asked for: more of it is kept in memory then.
    ///
    /// # Errors
    /// [`StoreError`] if SQLite refuses.
    pub fn expect_much(&self) -> Result<(), StoreError> {
        let kept = self.conn().execute_batch(file::LARGE_CACHE);
        kept.map_err(|error| from_sqlite(&error, &self.path))
    }

    /// Short ids that were asked for since the last time and that several tasks claim.
    pub fn take_contested(&self) -> BTreeSet<ShortId> {
        self.contested.take()
    }

    fn conn(&self) -> &Connection {
        match &self.file {
            Opened::Read(file) => file.conn(),
            Opened::Write(file) => file.conn(),
            Opened::Memory(conn) => conn,
        }
    }

    /// Reads from one moment of the file: what `work` sees does not change under it.
    ///
    /// # Errors
    /// What `work` fails with, or [`StoreError`].
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let place = |error: rusqlite::Error| from_sqlite(&error, &self.path);
        let moment = self.conn().unchecked_transaction().map_err(place)?;
        let result = work(&Reader::new(&moment, &self.path, &self.contested));
        // Nothing was written; ending the moment can only let go of it.
        drop(moment);
        result
    }

    /// What is another value as soon as somebody else has changed the file or put another in its
    /// place. Holds nothing of the file.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read; `ReadOnly` in a place where changes do not show.
    pub fn moment(&self) -> Result<Moment, StoreError> {
        let is_replaced = match &self.file {
            Opened::Read(file) if file.mode() != ReadMode::Shared => {
                return Err(StoreError::ReadOnly { path: self.path.clone() });
            }
            Opened::Read(file) => file.is_replaced(),
            _ => false,
        };
        let version = self.conn().query_row("PRAGMA data_version", [], |row| row.get(0));
        let version = version.map_err(|error| from_sqlite(&error, &self.path))?;
        Ok(Moment { version, is_replaced })
    }

    /// Runs `work` in one IMMEDIATE transaction and commits what it did. Nothing is changed if it
    /// fails.
    ///
    /// # Errors
    /// What `work` fails with, or [`StoreError`]; [`StoreError::CommitUnknown`] if the commit
    /// itself failed.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let path = &self.path;
        match &mut self.file {
            Opened::Read(_) => Err(StoreError::ReadOnly { path: path.clone() }.into()),
            Opened::Write(file) => {
                let is_unknown = Cell::new(false);
                let unsaved = |error: &rusqlite::Error, path: &Path| {
                    let error = from_commit(error, path);
                    is_unknown.set(matches!(error, StoreError::CommitUnknown { .. }));
                    error
                };
                let result = transact(file.conn_mut(), path, &self.contested, unsaved, work);
                if is_unknown.get() {
                    file.settle();
                }
                result
            }
            Opened::Memory(conn) => transact(conn, path, &self.contested, from_commit, work),
        }
    }

    /// Closes the file, bounding the write-ahead log first. Dropping does the same.
    pub fn close(self) {
        if let Opened::Write(file) = self.file {
            file.close();
        }
    }

    /// Closes the file at the end of a process: the lock is let go, the memory and the descriptors
    /// are left to the system.
    pub fn leave(self) {
        match self.file {
            Opened::Read(file) => file.leave(),
            Opened::Write(file) => file.leave(),
            Opened::Memory(_) => {}
        }
    }

    /// Writes a verified copy of this moment to a new file, beside writers; with `replace` in the
    /// place of an older backup.
    ///
    /// # Errors
    /// [`StoreError`]; what was there is untouched then.
    pub fn backup(&self, target: &Path, replace: bool) -> Result<Copied, StoreError> {
        match &self.file {
            Opened::Read(file) => file::backup_to(file, target, replace),
            Opened::Write(_) | Opened::Memory(_) => {
                Err(StoreError::Unexpected { detail: "a backup is made from a file that is read".into() })
            }
        }
    }

    /// Copies the log into the file if it has become long. For whoever commits many times, because
    /// otherwise only the end does that. Best effort.
    pub fn bound_the_log(&self) {
        if let Opened::Write(file) = &self.file {
            file.bound_the_log();
        }
    }

    /// Copies the log into the file fully. For the ends of long work.
    ///
    /// # Errors
    /// [`StoreError`] if the disk fails; the data is safe in the log then.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        match &mut self.file {
            Opened::Write(file) => file.checkpoint_full().map(drop),
            _ => Ok(()),
        }
    }
}

/// `unsaved` says what a failed COMMIT stands for.
fn transact<T, E: From<StoreError>>(
    conn: &mut Connection,
    path: &Path,
    contested: &Contested,
    unsaved: impl Fn(&rusqlite::Error, &Path) -> StoreError,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| from_sqlite(&error, path))?;
    let work_on = Transaction::new(Reader::new(&tx, path, contested));
    let result = work(&work_on)?;
    work_on.end()?;
    tx.commit().map_err(|error| unsaved(&error, path))?;
    Ok(result)
}
