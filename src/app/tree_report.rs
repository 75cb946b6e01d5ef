//! What a person should hear about a tree that was read, beside what came in.

use std::path::PathBuf;

use serde_json::Value;

/// What a person should hear about a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeReport {
    /// Sentences: markers skipped, lines repaired, files that were not used.
    pub notices: Vec<String>,
    /// The same about files that git could not merge and that say nothing which the logs do not: after
    /// a merge of two sides that worked they are expected.
    pub merged: Vec<String>,
    /// Where a snapshot and its log say different things.
    pub disagreements: Vec<Disagreement>,
    /// Files and folders that Lattice does not know, relative to the tree. They are never read,
    /// changed or deleted.
    pub unknown_files: Vec<PathBuf>,
}

impl TreeReport {
    /// All sentences.
    pub fn sentences(&self) -> impl Iterator<Item = &String> {
        self.merged.iter().chain(&self.notices)
    }

    /// Puts what is to be heard about another part of the tree behind.
    pub fn append(&mut self, other: Self) {
        self.notices.extend(other.notices);
        self.merged.extend(other.merged);
        self.disagreements.extend(other.disagreements);
        self.unknown_files.extend(other.unknown_files);
    }
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
