//! Writing: what a transaction can do to the file, in domain types only.

use std::cell::{Cell, RefCell};

use super::artifacts::{self, ArtifactAdded};
use super::error::StoreError;
use super::events::Tail;
use super::hash::{hex, sha256};
use super::noted::AtHand;
use super::project::Known;
use super::reader::Reader;
use super::unplaced::SqlResult;
use super::{events, project, rows, search_index, sessions, short_ids, steps, tallies, tree_record};
use crate::domain::artifact::NewArtifact;
use crate::domain::config::Config;
use crate::domain::event::Event;
use crate::domain::id::{SortKey, TaskId};
use crate::domain::session::Serials;
use crate::domain::short_id::ShortId;

/// Writing access; everything that it does is committed together or not at all.
pub struct Transaction<'a> {
    reader: Reader<'a>,
    /// Where the log ended before the first of the events that were appended; `None` if none was.
    begun: Cell<Option<i64>>,
    /// Where it ends now; `None` until somebody asks. Nobody else appends meanwhile.
    tail: RefCell<Option<Tail>>,
    /// A task whose id was made up a moment ago.
    fresh: RefCell<Option<TaskId>>,
    at_hand: RefCell<AtHand>,
}

impl<'a> std::ops::Deref for Transaction<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl<'a> Transaction<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self {
            reader,
            begun: Cell::default(),
            tail: RefCell::default(),
            fresh: RefCell::default(),
            at_hand: RefCell::default(),
        }
    }

    /// What is due once, before the commit.
    pub(super) fn end(&self) -> Result<(), StoreError> {
        self.placed(steps::appended(self.conn, self.begun.get(), &self.at_hand.borrow()))
    }

    /// Whatever is known is asked for again: rows change in other ways than by single events.
    pub(super) fn forget(&self) {
        self.latest.take();
        self.next.take();
        self.tail.take();
        self.at_hand.take();
    }

    /// The id of this task was made up a moment ago: nothing about it can be there.
    pub fn made_up(&self, task: &TaskId) {
        self.fresh.replace(Some(task.clone()));
    }
}

impl Transaction<'_> {
    /// Appends events in this order, chains them, and brings the derived tables up to date.
    /// `config` is the configuration before them, as read in this transaction.
    ///
    /// # Errors
    /// [`StoreError`]; an id that is there already is a fault of the caller and fails too.
    pub fn append(&self, events: &[Event], config: &Config) -> Result<(), StoreError> {
        let (next, fresh) = (self.next.take(), self.fresh.take());
        let known = Known { latest: self.latest.take(), free: next.clone(), fresh: fresh.as_ref() };
        let mut latest = None;
        let appended = self.placed(self.insert(events, |before| {
            latest = project::events_appended(self.conn, events, config, known)?;
            let mut at_hand = self.at_hand.borrow_mut();
            (before + 1..)
                .zip(events)
                .try_for_each(|(seq, event)| at_hand.note(seq, event, fresh.as_ref(), latest.as_ref()))
        }));
        // Nobody relies on notes that lack an event.
        appended.inspect_err(|_| self.forget())?;
        // Whoever took the number behind all others has left the one behind that.
        if let ([_], Some(claim)) = (events, latest.as_ref().and_then(|task| task.claim.as_ref())) {
            self.next.replace(next.filter(|next| *next == claim.short_id).and_then(ShortId::following));
        }
        self.latest.replace(latest);
        Ok(())
    }

    /// Inserts events; `project` brings the tables up to date and hears where the log ended before.
    fn insert<'e>(
        &self,
        events: impl IntoIterator<Item = &'e Event>,
        project: impl FnOnce(i64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut tail = self.take_tail()?;
        let before = tail.seq;
        self.begun.set(self.begun.get().or(Some(before)));
        let mut into = self.conn.prepare_cached(events::INSERT).sql()?;
        for event in events {
            events::insert(&mut into, &mut tail, event)?;
        }
        self.tail.replace(Some(tail));
        project(before)
    }

    /// The place in the canonical order of the last event to arrive.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn last_key(&self) -> Result<Option<SortKey>, StoreError> {
        let tail = self.placed(self.take_tail())?;
        let key = tail.key.clone();
        self.tail.replace(Some(tail));
        Ok(key)
    }

    /// Where the log ends. Whoever knows better when done says so.
    fn take_tail(&self) -> Result<Tail, StoreError> {
        self.tail.take().map_or_else(|| events::tail(self.conn), Ok)
    }

    /// Appends many events at once; each subject is folded once. `each` hears of every task done.
    ///
    /// # Errors
    /// As [`Transaction::append`].
    pub fn append_many(&self, events: &[&Event], each: impl FnMut(&TaskId)) -> Result<(), StoreError> {
        self.forget();
        self.placed(
            self.insert(events.iter().copied(), |_| project::many_appended(self.conn, events, true, each)),
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
        self.forget();
        let replaced = events.iter().try_for_each(|event| events::replace(self.conn, event));
        self.placed(replaced).and_then(|()| self.rebuild(|_| {}))
    }

    /// Puts another artifact in the place of the one under its id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn replace_artifact(&self, artifact: &NewArtifact) -> Result<(), StoreError> {
        self.placed(artifacts::replace(self.conn, artifact))
    }

    /// Rules out numbers below `next` for new tasks under a prefix; whether any of them was not.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn raise_number_floor(&self, prefix: &str, next: i64) -> Result<bool, StoreError> {
        self.forget();
        self.placed(short_ids::raise_floor(self.conn, prefix, next))
    }

    /// Keeps a session's record.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_session(&self, name: &str, state: &serde_json::Value) -> Result<(), StoreError> {
        self.placed(sessions::save(self.conn, name, state))
    }

    /// Notes when a session last did something.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn touch_session(&self, name: &str, at: &str) -> Result<(), StoreError> {
        self.placed(sessions::touch(self.conn, name, at))
    }

    /// Keeps the count of serials of sessions.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_serials(&self, serials: &Serials) -> Result<(), StoreError> {
        self.placed(sessions::save_serials(self.conn, serials))
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
                "INSERT INTO quarantine (id, kind, found_at, content) SELECT ?1, ?2, ?3, ?4
                  WHERE NOT EXISTS (SELECT 1 FROM quarantine WHERE id = ?1 AND kind = ?2 AND content = ?4)",
                [id, kind, found_at, content],
            )
            .sql();
        self.placed(written.map(drop))
    }

    /// Keeps the payload of an artifact that lost against another under the same id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn quarantine_payload(&self, id: &str, found_at: &str, payload: &[u8]) -> Result<(), StoreError> {
        self.placed(artifacts::keep_payload(self.conn, payload))?;
        self.quarantine(id, "payload", found_at, &hex(&sha256(payload)))
    }

    /// Makes every derived table anew from the log. `each` hears of every task done.
    ///
    /// # Errors
    /// [`StoreError`]; the tables stay as they were then.
    pub fn rebuild(&self, each: impl FnMut(&TaskId)) -> Result<(), StoreError> {
        self.forget();
        let rebuilt = project::rebuild(self.conn, self.conn, each);
        let rebuilt = rebuilt.and_then(|()| tree_record::clear(self.conn));
        let rebuilt = rebuilt.and_then(|()| search_index::rebuild(self.conn));
        self.placed(rebuilt.and_then(|()| tallies::rebuild(self.conn)))
    }

    /// Makes one task's rows anew from the log.
    ///
    /// # Errors
    /// [`StoreError`]; the rows stay as they were then.
    pub fn rebuild_task(&self, id: &TaskId) -> Result<(), StoreError> {
        self.forget();
        let rebuilt = project::rebuild_task(self.conn, id);
        let rebuilt = rebuilt.and_then(|()| tree_record::clear(self.conn));
        self.placed(rebuilt.and_then(|()| search_index::rebuild_task(self.conn, id.as_str())))
    }
}
