//! The exported tree: the files that git and people see, written durably and read back.
//!
//! The tree is derived from the events and the artifacts and says all of both, so a tracker can be
//! made anew from it. This room never writes to the tracker and never words SQL: it asks a
//! [`Reader`](crate::app::Reader) and gives an [`ImportSet`].

use std::path::PathBuf;

use serde_json::Value;

use crate::app::ImportSet;

mod document;
mod durable;
mod read;
mod write;

pub use document::{read_document, write_document};
pub use durable::replace_file;
pub use read::read_tree;
pub use write::{ExportOptions, ExportReport, export_tree};

/// How to read a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Take a log up to a truncated last line, NaN and Infinity as null, broken text as U+FFFD.
    pub repair: bool,
    /// Make events of what a snapshot says and its log does not.
    pub reconcile: bool,
}

/// A tree as it was read. Nothing was changed anywhere.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// What can be taken in.
    pub set: ImportSet,
    /// What a person should hear about.
    pub report: TreeReport,
}

/// What a person should hear about a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeReport {
    /// Sentences: markers skipped, lines repaired, files that were not used.
    pub notices: Vec<String>,
    /// Where a snapshot and its log say different things.
    pub disagreements: Vec<Disagreement>,
    /// Files and folders that Lattice does not know, relative to the tree. They are never read,
    /// changed or deleted.
    pub unknown_files: Vec<PathBuf>,
}

/// A field in which a snapshot and the fold of its log differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The task's id.
    pub task: String,
    /// The member of the snapshot; `id` where the snapshot has no log at all.
    pub field: String,
    /// What the snapshot says.
    pub snapshot: Value,
    /// What the log says.
    pub log: Value,
}
