//! Faults planted in recordings: each is a program that forgets one thing, and each must be found.

use std::collections::BTreeSet;

use crate::disk::{Ino, Op};

/// What is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Nothing: the program as it is.
    None,
    /// The log is not flushed.
    LogUnflushed,
    /// The database is not flushed: neither a new one, nor by a checkpoint.
    DatabaseUnflushed,
    /// Folders are not flushed.
    FoldersUnflushed,
    /// `synchronous` is NORMAL: SQLite itself does it, see [`crate::recording::Faults`].
    Normal,
    /// A command says that it is done before its commit is flushed.
    DoneTooEarly,
    /// A new database gets its name before it is flushed.
    NamedTooEarly,
    /// A new database is built under its own name.
    BuiltInPlace,
    /// After a flush that failed nothing is written again.
    FailedFlushIgnored,
}

impl Mutant {
    pub const ALL: [Self; 8] = [
        Self::LogUnflushed,
        Self::DatabaseUnflushed,
        Self::FoldersUnflushed,
        Self::Normal,
        Self::DoneTooEarly,
        Self::NamedTooEarly,
        Self::BuiltInPlace,
        Self::FailedFlushIgnored,
    ];

    /// The one that `LATTICE_POWER_MUTANT` names, for a look at what it does to every workload.
    pub fn of_environment() -> Self {
        let name = std::env::var("LATTICE_POWER_MUTANT").unwrap_or_default();
        let known = Self::ALL.into_iter().find(|mutant| format!("{mutant:?}") == name);
        assert!(known.is_some() || name.is_empty(), "{name} is none of {:?}", Self::ALL);
        known.unwrap_or(Self::None)
    }

    /// The calls as this program would have made them.
    pub fn plant(self, ops: Vec<Op>, from: usize) -> Vec<Op> {
        let logs = files(&ops, |path| path.ends_with("-wal"));
        let mut before = ops;
        let rest = before.split_off(from);
        let mut after: Vec<Op> = Vec::new();
        for op in rest {
            match (self, &op) {
                (Self::LogUnflushed, Op::Sync { ino }) if logs.contains(ino) => {}
                (Self::DatabaseUnflushed, Op::Sync { ino }) if !logs.contains(ino) => {}
                (Self::FoldersUnflushed, Op::SyncFolder { .. }) => {}
                // SQLite writes the head of the log there, 32 bytes.
                (Self::FailedFlushIgnored, Op::Write { ino, at: 0, data })
                    if logs.contains(ino) && data.len() > 32 => {}
                (Self::DoneTooEarly, Op::Done) | (Self::NamedTooEarly, Op::Rename { .. }) => {
                    let flush = after.iter().rposition(|op| matches!(op, Op::Sync { .. }));
                    after.insert(flush.unwrap_or(after.len()), op);
                }
                (Self::BuiltInPlace, Op::Rename { .. }) => {}
                (Self::BuiltInPlace, Op::Create { path, ino }) if path.contains("/new-") => {
                    after.push(Op::Create { path: in_place(path), ino: *ino });
                }
                (Self::BuiltInPlace, Op::Unlink { path }) if path.contains("/new-") => {
                    after.push(Op::Unlink { path: in_place(path) });
                }
                _ => after.push(op),
            }
        }
        before.extend(after);
        before
    }
}

fn in_place(path: &str) -> String {
    let suffix = path.rsplit_once(".tmp").map_or("", |(_, suffix)| suffix);
    format!(".lattice/lattice.db{suffix}")
}

/// The files that were made under such a name.
fn files(ops: &[Op], is_one: impl Fn(&str) -> bool) -> BTreeSet<Ino> {
    let made = ops.iter().filter_map(|op| match op {
        Op::Create { path, ino } if is_one(path) => Some(*ino),
        _ => None,
    });
    made.collect()
}
