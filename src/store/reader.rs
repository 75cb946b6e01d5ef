//! Reading access: every question that the rest of the program asks the file.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::artifacts::{self, ArtifactAdded};
use super::check;
use super::custom_fields;
use super::error::{StoreError, from_sqlite};
use super::events;
use super::feed::{self, Arrival, FeedQuery};
use super::head::{self, Head};
use super::histories;
use super::instance;
use super::query::{self, Incoming, NextCursor, TaskFilter, Waiting};
use super::resources;
use super::rows::{self, TextKind};
use super::search::{self, Hit};
use super::sessions;
use super::short_ids::{self, ShortIdIndex};
use super::stats::{self, EventCounts, Several, TaskCounts};
use super::tallies;
use super::tree_record::{self, TreeRecord};
use crate::domain::Timestamp;
use crate::domain::artifact::Artifact;
use crate::domain::comment::Comment;
use crate::domain::config::Config;
use crate::domain::event::Event;
use crate::domain::fold::Text;
use crate::domain::id::{ArtifactId, EventId, SortKey, TaskId};
use crate::domain::resource::Resource;
use crate::domain::search::Words;
use crate::domain::session::Serials;
use crate::domain::short_id::ShortId;
use crate::domain::task::Task;

/// Reading access. Every question sees the same moment.
pub struct Reader<'a> {
    pub(super) conn: &'a Connection,
    pub(super) path: &'a Path,
    /// Short ids that were asked for and that several tasks claim.
    pub(super) contested: &'a RefCell<BTreeSet<ShortId>>,
    /// The task that was asked for last, as it is now: a change needs it four times, to know whom its
    /// name means, to decide, to fold and to tell. Whoever writes tasks gives it up or sets it right.
    pub(super) latest: RefCell<Option<Task>>,
    /// The number behind all others, if it was asked for; given up or set right in the same way.
    pub(super) next: RefCell<Option<ShortId>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        conn: &'a Connection,
        path: &'a Path,
        contested: &'a RefCell<BTreeSet<ShortId>>,
    ) -> Self {
        Self { conn, path, contested, latest: RefCell::default(), next: RefCell::default() }
    }

    /// Says what a failure of SQLite at this file stands for.
    pub(super) fn placed<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
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
    config() -> Config = instance::config;
    /// A task's short id and title.
    task_name(id: &str) -> Option<(Option<String>, String)> = rows::task_name;
    /// Whether a task is there, without reading it.
    has_task(id: &str) -> bool = rows::has_task;
    /// A comment of a task.
    find_comment(task: &TaskId, id: &str) -> Option<Comment> = rows::find_comment;
    /// All comments of a task, oldest first, deleted ones too.
    comments(task: &TaskId) -> Vec<Comment> = query::comments;
    /// A task's plan or notes; `None` while nobody wrote any.
    find_text(kind: TextKind, task: &TaskId) -> Option<Text> = rows::find_text;
    /// An event by its id.
    find_event(id: &EventId) -> Option<Event> = events::find;
    /// The canonical text of an event by its id.
    event_text(id: &EventId) -> Option<String> = events::text;
    /// The texts of a task's history in canonical order.
    history_texts(task: &TaskId) -> Vec<String> = histories::texts_of_task;
    /// The texts of all creations and moves into and out of the archive that have arrived up to
    /// this place, in canonical order, with their tasks.
    lifecycles(last: i64) -> Vec<(String, String)> = events::lifecycles;
    /// The place of the last event to arrive, 0 if there is none.
    last_place() -> i64 = events::last_place;
    /// What the files of the exported tree read as when this writer last wrote them.
    tree_record(writer: &str) -> Option<TreeRecord> = tree_record::load;
    /// A task's history in canonical order.
    history(task: &TaskId) -> Vec<Event> = histories::of_task;
    /// What is found of a task's history, without proof that it is all: to examine it.
    found_history(task: &TaskId) -> Vec<Event> = histories::found_of_task;
    /// The tracker's own history in canonical order.
    instance_history() -> Vec<Event> = histories::of_instance;
    /// The histories of these resources, together in canonical order.
    resource_history(ids: &[String]) -> Vec<Event> = histories::of_resources;
    /// Tasks that the log speaks of, created or not.
    task_ids() -> Vec<TaskId> = histories::task_ids;
    /// Tasks whose events are found, without proof that these are all: to examine them.
    found_task_ids() -> Vec<TaskId> = histories::found_task_ids;
    /// Fails where not all events of a task are found.
    prove_history(task: &TaskId) -> () = histories::prove;
    /// Fails where not all events of the tracker itself and of resources are found. Reads the whole log.
    prove_others() -> () = histories::prove_others;
    /// Fails where there are more or fewer events than these.
    prove_all(count: i64) -> () = histories::prove_all;
    /// Events in order of arrival.
    feed(query: &FeedQuery) -> Vec<Arrival> = feed::feed;
    /// The place in the canonical order of the last event to arrive.
    last_key() -> Option<SortKey> = events::last_key;
    /// The last place in the tracker's own history.
    last_instance_key() -> Option<SortKey> = events::last_instance_key;
    /// Whether another task claims or shows this short id.
    is_short_id_taken(short_id: &ShortId, but: &TaskId) -> bool = short_ids::is_taken;
    /// Every short id and every prefix's next number.
    short_id_index() -> ShortIdIndex = short_ids::index;
    /// Numbers that more than one task claims: (short id, tasks).
    contested_short_ids() -> Vec<(String, Vec<String>)> = short_ids::contested;
    /// The short ids of the tasks that claim this one and show another.
    others_claiming(short_id: &ShortId) -> Vec<ShortId> = short_ids::losers;
    /// Tasks that pass a filter.
    tasks(filter: &TaskFilter) -> Vec<Task> = query::tasks;
    /// Tasks with all these words in one of their texts, that pass a filter; best first.
    search(words: &Words, filter: &TaskFilter) -> Vec<Hit> = search::search;
    /// Tasks with all these words in one of their texts.
    searched(words: &Words) -> Vec<String> = search::searched;
    /// What the tasks that are not archived are; stale ones are unchanged since this time.
    task_counts(stale_until: &str) -> TaskCounts = stats::task_counts;
    /// What the log says of all tasks; stays that go on end now.
    event_counts(now: Timestamp) -> EventCounts = stats::event_counts;
    /// How many events about tasks there are from this moment on.
    events_since(since: Timestamp) -> i64 = tallies::events_since;
    /// Tasks that have been done since then.
    done_since(since: &str) -> Several = stats::done_since;
    /// How many tasks pass a filter.
    count_tasks(filter: &TaskFilter) -> i64 = query::count;
    /// Tasks whose id begins so, at most `limit`.
    tasks_by_prefix(prefix: &str, limit: usize) -> Vec<Task> = query::tasks_by_prefix;
    /// The best task behind `after` that this actor has already begun.
    resumable(actor: &str, after: Option<&NextCursor>) -> Option<(Task, NextCursor)> = query::resumable;
    /// The best task behind `after` that could be begun now; with `planned` only one that has a plan.
    next_candidate(statuses: &[String], actor: Option<&str>, after: Option<&NextCursor>, planned: bool) -> Option<(Task, NextCursor)> = query::next_candidate;
    /// All tasks that could be begun now, best first.
    ready(statuses: &[String], actor: Option<&str>, limit: Option<usize>) -> Vec<Task> = query::ready;
    /// What keeps open tasks waiting, of one task or of all.
    waiting(of: Option<&TaskId>, limit: Option<usize>) -> Vec<Waiting> = query::waiting;
    /// Tasks whose history forks somewhere. Reads the whole log.
    forked_tasks() -> Vec<TaskId> = query::forked_tasks;
    /// Relations that point at a task.
    incoming(task: &TaskId) -> Vec<Incoming> = query::incoming;
    /// The way over relations from one task to another, both ends included.
    way(from: &TaskId, to: &TaskId, waits: bool) -> Option<Vec<String>> = query::way;
    /// How many unarchived tasks a status holds.
    in_status(status: &str) -> u64 = query::in_status;
    /// Unarchived tasks done before this time.
    done_before(ts: &str) -> Vec<TaskId> = query::done_before;
    /// Ids of artifacts that every event which attached them, redacted by now, took with it.
    withheld_artifacts() -> Vec<String> = artifacts::withheld;
    /// Ids of events that hold one of these texts, as it stands in an event, at most so many.
    events_holding(texts: &[String], most: usize) -> Vec<String> = events::holding;
    /// Ids of artifacts that hold one of these texts, at most so many.
    artifacts_holding(texts: &[String], most: usize) -> Vec<String> = artifacts::holding;
    /// Ids of artifacts whose payload has this hash.
    artifacts_with_payload(hash: &[u8; 32]) -> Vec<String> = artifacts::with_payload;
    /// An artifact by its id.
    find_artifact(id: &str) -> Option<Artifact> = artifacts::find;
    /// How an artifact whose payload has this hash stands to the one under its id.
    compare_artifact(artifact: &Artifact, hash: Option<&[u8; 32]>) -> ArtifactAdded = artifacts::compare;
    /// All artifacts by id.
    artifacts() -> Vec<Artifact> = artifacts::all;
    /// The SHA-256 of an artifact's payload, if that is here.
    payload_hash(id: &ArtifactId) -> Option<[u8; 32]> = artifacts::payload_hash;
    /// Artifacts whose id begins so, at most `limit`.
    artifacts_by_prefix(prefix: &str, limit: usize) -> Vec<Artifact> = artifacts::by_prefix;
    /// What a custom field says in each task that has it: (text, task).
    tasks_by_field(field: &str) -> Vec<(String, TaskId)> = custom_fields::tasks_by_field;
    /// Tasks that some other tracker calls so, at most `limit`.
    tasks_called(name: &str, limit: usize) -> Vec<TaskId> = custom_fields::tasks_called;
    /// Tasks without a short id, oldest first.
    tasks_without_short_id() -> Vec<TaskId> = query::without_short_id;
    /// An artifact's payload, if it is here.
    payload(id: &ArtifactId) -> Option<Vec<u8>> = artifacts::payload;
    /// All resources by name.
    resources() -> Vec<Resource> = resources::all;
    /// A resource by its name.
    find_resource(name: &str) -> Option<Resource> = resources::find;
    /// The name that was created under an id.
    resource_of_id(id: &str) -> Option<String> = resources::name_of;
    /// A resource's ids, all that were created under its name.
    resource_ids(name: &str) -> Vec<String> = resources::ids;
    /// A session's record by its name.
    find_session(name: &str) -> Option<serde_json::Value> = sessions::find;
    /// All sessions, oldest first; only those that go on unless `ended`.
    sessions(ended: bool) -> Vec<serde_json::Value> = sessions::all;
    /// The serials of sessions that were given out.
    serials() -> Serials = sessions::serials;
    /// Ids of all resources that the log speaks of, created or not.
    logged_resources() -> Vec<String> = histories::resource_ids;
    /// What SQLite itself finds wrong with the file.
    integrity_faults() -> Vec<String> = check::integrity;
    /// What SQLite finds wrong with the log and with the indexes that lead to its events.
    log_faults() -> Vec<String> = check::log_faults;
    /// Events whose bytes, hash or chain are not what was written.
    broken_events() -> Vec<String> = events::broken_links;
    /// The head of the log, as it is stored.
    head() -> Head = head::of;
    /// The head that the first events give, at most so many, and how many of them are redacted.
    head_at(most: i64) -> (Head, i64) = head::at;
    /// Artifacts whose payload is not what its hash says.
    damaged_artifacts() -> Vec<artifacts::ArtifactFault> = artifacts::damaged;
    /// Rows of derived tables that the log does not give: (table, what differs).
    drift() -> Vec<(String, String)> = check::drift;
    /// Events and artifacts that lost against others under their id.
    quarantined() -> Vec<(String, String)> = check::quarantined;
    /// Whether just this content of a kind lost under its id; that of a payload is its hash.
    is_quarantined(id: &str, kind: &str, content: &str) -> bool = check::is_quarantined;
    /// Sizes for reports: tasks, archived tasks, events, artifacts, resources.
    totals() -> check::Totals = check::totals;
}

impl Reader<'_> {
    /// A task by its id.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn find_task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        let mut latest = self.latest.borrow_mut();
        if latest.as_ref().is_none_or(|task| task.id != *id) {
            let Some(found) = self.placed(rows::find_task(self.conn, id))? else { return Ok(None) };
            *latest = Some(found);
        }
        Ok(latest.clone())
    }

    /// The next free number under a prefix.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn next_number(&self, prefix: &str) -> Result<i64, StoreError> {
        let mut next = self.next.borrow_mut();
        if let Some(next) = next.as_ref().filter(|next| next.prefix == prefix) {
            return Ok(next.number);
        }
        let (number, is_behind_all) = self.placed(short_ids::next(self.conn, prefix))?;
        *next = is_behind_all.then(|| ShortId { prefix: prefix.to_owned(), number });
        Ok(number)
    }

    /// The task that shows this short id. Where others claim it too, that is remembered: see
    /// [`Store::take_contested`](super::Store::take_contested).
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn task_of_short_id(&self, short_id: &ShortId) -> Result<Option<Task>, StoreError> {
        let Some((id, contested)) = self.placed(short_ids::find(self.conn, short_id))? else {
            return Ok(None);
        };
        let task = self.find_task(&id)?;
        if contested && task.is_some() {
            self.contested.borrow_mut().insert(short_id.clone());
        }
        Ok(task)
    }

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

    /// The number of the event that arrived last, 0 if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        self.placed(events::last_seq(self.conn))
    }

    /// Walks the whole log in order of arrival and hands each event's text on.
    ///
    /// # Errors
    /// What `visit` fails with, or [`StoreError`].
    pub fn each_raw<E: From<StoreError>>(&self, visit: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        feed::each_raw(self.conn, visit)
    }
}
