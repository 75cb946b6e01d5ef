//! Tasks of a tree that are not read, because their files read as at the last export. All that the
//! rest of the tree has to be held against is in the record.

use std::collections::BTreeSet;

use super::histories::Histories;
use super::prints::Known;
use crate::app::{Failure, Reader};
use crate::domain::{ShortId, TaskId};

/// The tasks, and the tracker that knows them.
pub(super) struct Skipped<'a> {
    known: Known,
    reader: &'a Reader<'a>,
}

impl<'a> Skipped<'a> {
    pub(super) fn new(known: Known, reader: &'a Reader<'a>) -> Self {
        Self { known, reader }
    }

    /// Whether the task is not read.
    pub(super) fn has(&self, id: &TaskId) -> bool {
        self.known.is_same(id)
    }

    /// The tasks.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.known.same().map(|(id, _)| id)
    }

    /// How many events they have.
    pub(super) fn events(&self) -> usize {
        self.known.same().map(|(_, print)| print.events).sum()
    }

    /// Whether the log of all lifecycles reads as at the last export and speaks of these tasks only:
    /// it says nothing beside their own logs.
    pub(super) fn has_lifecycles(&self) -> bool {
        self.known.lifecycle && self.known.is_all()
    }

    /// Lines of their own logs that have copies in the log of all lifecycles.
    pub(super) fn lifecycles(&self) -> Result<Vec<String>, Failure> {
        let mut lines = self.reader.lifecycles(self.known.record.seq)?;
        lines.retain(|(id, _)| TaskId::parse_foreign(id).is_some_and(|id| self.has(&id)));
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    /// Tasks that show another short id beside these histories than in their files.
    pub(super) fn shown_otherwise(&self, histories: &Histories) -> BTreeSet<TaskId> {
        if histories.task_ids().is_empty() {
            return BTreeSet::new();
        }
        let shown = histories.shown_short_ids(self.claims());
        let differs = |id: &TaskId, said: &Option<String>| {
            shown.get(id).map(ToString::to_string).as_ref() != said.as_ref()
        };
        let same = self.known.same().filter(|(id, print)| differs(id, &print.short_id));
        same.map(|(id, _)| id.clone()).collect()
    }

    /// The claims of the tasks: (task, what it claims, the claim's place).
    pub(super) fn claims(&self) -> impl Iterator<Item = (&TaskId, ShortId, &str)> {
        self.known.same().filter_map(|(id, print)| {
            let (short_id, key) = print.claim.as_ref()?;
            Some((id, ShortId::parse(short_id)?, key.as_str()))
        })
    }

    /// Takes a task out and says whether its files stand below the archive.
    pub(super) fn part_with(&mut self, id: &TaskId) -> Option<bool> {
        self.known.part_with(id).then(|| self.known.record.tasks.get(id).is_some_and(|print| print.archived))
    }
}
