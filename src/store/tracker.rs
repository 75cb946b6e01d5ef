//! The repository layer: what the rest of the program asks the file for, in domain types only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::artifacts::{self, ArtifactAdded};
use super::error::{StoreError, from_commit, from_sqlite};
use super::events::{self, Arrival, FeedQuery};
use super::file::{self, Created, ReadFile, WriteFile};
use super::query::{self, Incoming, NextCursor, TaskFilter, Waiting};
use super::rows::{self, TextKind};
use super::short_ids::{self, ShortIdIndex};
use super::unplaced::SqlResult;
use super::{check, project, sessions};
use crate::domain::artifact::{Artifact, NewArtifact};
use crate::domain::comment::Comment;
use crate::domain::config::Config;
use crate::domain::event::Event;
use crate::domain::fold::Text;
use crate::domain::id::{ArtifactId, EventId, SortKey, TaskId};
use crate::domain::resource::Resource;
use crate::domain::short_id::ShortId;
use crate::domain::task::Task;

/// The tracker file, open.
pub struct Store {
    file: Opened,
    path: PathBuf,
}

enum Opened {
    Read(ReadFile),
    Write(WriteFile),
    Memory(Connection),
}

impl Store {
    /// Opens for reading: takes no lock and changes nothing, not even caches.
    ///
    /// # Errors
    /// [`StoreError`] if the file is not there, not ours, too new, damaged or out of reach.
    pub fn open_read(lattice: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: Opened::Read(file::open_read(lattice)?), path: lattice.join(file::DATABASE) })
    }

    /// Opens for writing: queues on the lock file for at most `wait`, and brings an older file
    /// up to date.
    ///
    /// # Errors
    /// As [`Store::open_read`], and [`StoreError::Busy`] when the wait was in vain.
    pub fn open_write(lattice: &Path, wait: Duration) -> Result<Self, StoreError> {
        Ok(Self { file: Opened::Write(file::open_write(lattice, wait)?), path: lattice.join(file::DATABASE) })
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
            transact(conn, &draft, from_sqlite, fill)
        })
    }

    /// An empty tracker in memory, for tests and comparisons.
    ///
    /// # Errors
    /// [`StoreError`] if memory is short.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { file: Opened::Memory(file::in_memory()?), path: PathBuf::from(":memory:") })
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
        let result = work(&Reader { conn: &moment, path: &self.path });
        // Nothing was written; ending the moment can only let go of it.
        drop(moment);
        result
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
            Opened::Write(file) => transact(file.conn_mut(), path, from_commit, work),
            Opened::Memory(conn) => transact(conn, path, from_commit, work),
        }
    }

    /// Closes the file, bounding the write-ahead log first. Dropping does the same.
    pub fn close(self) {
        if let Opened::Write(file) = self.file {
            file.close();
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
    unsaved: fn(&rusqlite::Error, &Path) -> StoreError,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| from_sqlite(&error, path))?;
    let result = work(&Transaction { reader: Reader { conn: &tx, path } })?;
    tx.commit().map_err(|error| unsaved(&error, path))?;
    Ok(result)
}

/// Reading access. Every question sees the same moment.
pub struct Reader<'a> {
    conn: &'a Connection,
    path: &'a Path,
}

impl Reader<'_> {
    /// Says what a failure of SQLite at this file stands for.
    fn placed<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.map_err(|error| match error {
            StoreError::Unplaced(error) => from_sqlite(&error, self.path),
            other => other,
        })
    }
}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $call:path;)*) => {
        impl Reader<'_> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`StoreError`] if the file cannot be read.
                pub fn $name(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                    self.placed($call(self.conn, $($arg),*))
                }
            )*
        }
    };
}

questions! {
    /// The configuration.
    config() -> Config = project::config;
    /// A task by its id.
    find_task(id: &TaskId) -> Option<Task> = rows::find_task;
    /// A comment of a task.
    find_comment(task: &TaskId, id: &str) -> Option<Comment> = rows::find_comment;
    /// All comments of a task, oldest first, deleted ones too.
    comments(task: &TaskId) -> Vec<Comment> = query::comments;
    /// A task's plan or notes; `None` while nobody wrote any.
    find_text(kind: TextKind, task: &TaskId) -> Option<Text> = rows::find_text;
    /// An event by its id.
    find_event(id: &EventId) -> Option<Event> = events::find;
    /// A task's history in canonical order.
    history(task: &TaskId) -> Vec<Event> = events::history;
    /// The tracker's own history in canonical order.
    instance_history() -> Vec<Event> = events::instance_history;
    /// The histories of these resources, together in canonical order.
    resource_history(ids: &[String]) -> Vec<Event> = events::resource_history;
    /// Tasks that the log speaks of, created or not.
    task_ids() -> Vec<TaskId> = project::task_ids;
    /// Events in order of arrival.
    feed(query: &FeedQuery) -> Vec<Arrival> = events::feed;
    /// The place in the canonical order of the last event to arrive.
    last_key() -> Option<SortKey> = events::last_keys;
    /// The task that shows this short id.
    task_of_short_id(short_id: &ShortId) -> Option<TaskId> = short_ids::find;
    /// The next free number under a prefix.
    next_number(prefix: &str) -> i64 = short_ids::next;
    /// Every short id and every prefix's next number.
    short_id_index() -> ShortIdIndex = short_ids::index;
    /// Numbers that more than one task claims: (short id, tasks).
    contested_short_ids() -> Vec<(String, Vec<String>)> = short_ids::contested;
    /// Tasks that pass a filter.
    tasks(filter: &TaskFilter) -> Vec<Task> = query::tasks;
    /// How many tasks pass a filter.
    count_tasks(filter: &TaskFilter) -> i64 = query::count;
    /// Tasks whose id begins so, at most `limit`.
    tasks_by_prefix(prefix: &str, limit: usize) -> Vec<Task> = query::tasks_by_prefix;
    /// The best task behind `after` that this actor has already begun.
    resumable(actor: &str, after: Option<&NextCursor>) -> Option<(Task, NextCursor)> = query::resumable;
    /// The best task behind `after` that could be begun now.
    next_candidate(statuses: &[String], actor: Option<&str>, after: Option<&NextCursor>) -> Option<(Task, NextCursor)> = query::next_candidate;
    /// All tasks that could be begun now, best first.
    ready(statuses: &[String], actor: Option<&str>, limit: Option<usize>) -> Vec<Task> = query::ready;
    /// What keeps open tasks waiting, of one task or of all.
    waiting(of: Option<&TaskId>, limit: Option<usize>) -> Vec<Waiting> = query::waiting;
    /// Relations that point at a task.
    incoming(task: &TaskId) -> Vec<Incoming> = query::incoming;
    /// The way over relations from one task to another, both ends included.
    way(from: &TaskId, to: &TaskId, waits: bool) -> Option<Vec<String>> = query::way;
    /// How many unarchived tasks a status holds.
    in_status(status: &str) -> u64 = query::in_status;
    /// Unarchived tasks done before this time.
    done_before(ts: &str) -> Vec<TaskId> = query::done_before;
    /// An artifact by its id.
    find_artifact(id: &str) -> Option<Artifact> = artifacts::find;
    /// All artifacts by id.
    artifacts() -> Vec<Artifact> = artifacts::all;
    /// An artifact's payload, if it is here.
    payload(id: &ArtifactId) -> Option<Vec<u8>> = artifacts::payload;
    /// All resources by name.
    resources() -> Vec<Resource> = project::resources;
    /// A resource's ids, all that were created under its name.
    resource_ids(name: &str) -> Vec<String> = project::resource_ids;
    /// A session's record by its name.
    find_session(name: &str) -> Option<serde_json::Value> = sessions::find;
    /// Ids of all resources that the log speaks of, created or not.
    logged_resources() -> Vec<String> = events::resources;
    /// What SQLite itself finds wrong with the file.
    integrity_faults() -> Vec<String> = check::integrity;
    /// Events whose bytes, hash or chain are not what was written.
    broken_events() -> Vec<String> = events::broken_links;
    /// Artifacts whose payload is not what its hash says.
    damaged_artifacts() -> Vec<String> = artifacts::damaged;
    /// Rows of derived tables that the log does not give: (table, what differs).
    drift() -> Vec<(String, String)> = check::drift;
    /// Events and artifacts that lost against others under their id.
    quarantined() -> Vec<(String, String)> = check::quarantined;
    /// Sizes for reports: tasks, archived tasks, events, artifacts, resources.
    totals() -> check::Totals = check::totals;
}

impl Reader<'_> {
    /// The context's text, if there is any.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn context(&self) -> Result<Option<String>, StoreError> {
        self.placed(rows::meta(self.conn, "context"))
    }

    /// The heads of the tracker's own history.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn instance_heads(&self) -> Result<Vec<EventId>, StoreError> {
        let text = self.placed(rows::meta(self.conn, "instance_heads"))?.unwrap_or_else(|| "[]".to_owned());
        let ids: Vec<String> = rows::decoded(&text, "meta.instance_heads")?;
        Ok(ids.iter().filter_map(|id| EventId::parse_foreign(id)).collect())
    }

    /// The file's epoch: feed cursors of another epoch are not of this file.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn epoch(&self) -> Result<String, StoreError> {
        Ok(self.placed(rows::meta(self.conn, "epoch"))?.unwrap_or_default())
    }

    /// Walks the whole log in order of arrival and hands each event's text on.
    ///
    /// # Errors
    /// What `visit` fails with, or [`StoreError`].
    pub fn each_raw<E: From<StoreError>>(&self, visit: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        events::each_raw(self.conn, visit)
    }
}

/// Writing access; everything that it does is committed together or not at all.
pub struct Transaction<'a> {
    reader: Reader<'a>,
}

impl<'a> std::ops::Deref for Transaction<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl Transaction<'_> {
    /// Appends events in this order, chains them, and brings the derived tables up to date.
    ///
    /// # Errors
    /// [`StoreError`]; an id that is there already is a fault of the caller and fails too.
    pub fn append(&self, events: &[Event]) -> Result<(), StoreError> {
        self.placed(self.insert(events).and_then(|()| project::events_appended(self.conn, events)))
    }

    fn insert<'e>(&self, events: impl IntoIterator<Item = &'e Event>) -> Result<(), StoreError> {
        let mut tail = events::tail(self.conn)?;
        for event in events {
            events::insert(self.conn, &mut tail, event)?;
        }
        Ok(())
    }

    /// Appends many events at once; each subject is folded once. `each` hears of every task done.
    ///
    /// # Errors
    /// As [`Transaction::append`].
    pub fn append_many(&self, events: &[&Event], each: impl FnMut(&TaskId)) -> Result<(), StoreError> {
        self.placed(
            self.insert(events.iter().copied())
                .and_then(|()| project::many_appended(self.conn, events, each)),
        )
    }

    /// Adds an artifact with its payload, if another one is not there under its id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn add_artifact(&self, artifact: &NewArtifact) -> Result<ArtifactAdded, StoreError> {
        self.placed(artifacts::add(self.conn, artifact))
    }

    /// Puts other contents in the place of events, by their ids, and makes the tables anew.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was replaced then.
    pub fn replace_events(&self, events: &[Event]) -> Result<(), StoreError> {
        let replaced = events.iter().try_for_each(|event| events::replace(self.conn, event));
        self.placed(replaced.and_then(|()| project::rebuild(self.conn, self.conn, |_| {})))
    }

    /// Puts another artifact in the place of the one under its id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn replace_artifact(&self, artifact: &NewArtifact) -> Result<(), StoreError> {
        self.placed(artifacts::replace(self.conn, artifact))
    }

    /// Rules out numbers below `next` for new tasks under a prefix.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn raise_number_floor(&self, prefix: &str, next: i64) -> Result<(), StoreError> {
        self.placed(short_ids::raise_floor(self.conn, prefix, next))
    }

    /// Keeps a session's record.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_session(&self, name: &str, state: &serde_json::Value) -> Result<(), StoreError> {
        self.placed(sessions::save(self.conn, name, state))
    }

    /// Begins a new epoch: cursors into the feed of another file are told apart by it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn set_epoch(&self, epoch: &str) -> Result<(), StoreError> {
        self.placed(rows::set_meta(self.conn, "epoch", epoch))
    }

    /// Keeps content that lost against another under the same id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn quarantine(&self, id: &str, kind: &str, found_at: &str, content: &str) -> Result<(), StoreError> {
        let written = self
            .conn
            .execute(
                "INSERT INTO quarantine (id, kind, found_at, content) VALUES (?1,?2,?3,?4)",
                [id, kind, found_at, content],
            )
            .sql();
        self.placed(written.map(drop))
    }

    /// Makes every derived table anew from the log. `each` hears of every task done.
    ///
    /// # Errors
    /// [`StoreError`]; the tables stay as they were then.
    pub fn rebuild(&self, each: impl FnMut(&TaskId)) -> Result<(), StoreError> {
        self.placed(project::rebuild(self.conn, self.conn, each))
    }

    /// Makes one task's rows anew from the log.
    ///
    /// # Errors
    /// [`StoreError`]; the rows stay as they were then.
    pub fn rebuild_task(&self, id: &TaskId) -> Result<(), StoreError> {
        self.placed(project::rebuild_task(self.conn, id))
    }
}
