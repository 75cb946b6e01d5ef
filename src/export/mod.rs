//! The exported tree: the files that git and people see, written durably and read back.
//!
//! The tree is derived from the events and the artifacts and says all of both, so a tracker can be
//! made anew from it. This room never writes to the tracker and never words SQL: it asks a
//! [`Reader`](crate::app::Reader) and gives an [`ImportSet`].

use std::collections::HashSet;

use crate::app::ImportSet;
pub use crate::app::{Disagreement, TreeReport};
use crate::domain::TaskId;

mod ahead;
mod artifacts;
mod derived;
mod document;
mod durable;
mod files;
mod gitfiles;
mod hand_edits;
mod histories;
mod layout;
mod lines;
mod lone_texts;
mod look;
mod many;
mod mark;
mod markers;
mod prints;
mod read;
mod reconcile;
mod render;
mod repair;
mod skipped;
mod snapshots;
mod survey;
mod tasks;
mod texts;
mod unknown;
mod write;

pub use derived::{Merged, merge_derived};
pub use document::{read_document, write_document};
pub use durable::{create_file, make_folders, replace_file};
pub use gitfiles::{ATTRIBUTES_FILE, is_of_tree, with_driver, without_driver};
pub use look::tree_look;
pub use prints::Seen;
pub use read::{holds_tree, read_tree, read_tree_for};
pub use write::{ExportOptions, ExportReport, export_tree, export_tree_after};

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
    /// What of it stood there as it was last exported.
    pub seen: Seen,
    /// The tasks whose logs stand in it.
    pub logged: HashSet<TaskId>,
}
