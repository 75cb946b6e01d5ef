//! Tasks as other trackers tell them, and what becomes of them here.
//!
//! A [`Record`] is what a reader of some format found, still in the words of its tracker. [`Words`]
//! says it in ours, and [`difference`] makes facts of it: all of them for a task
//! that is new, and later those that the other tracker changed and nobody changed here.

pub mod facts;
#[cfg(test)]
mod facts_tests;
mod times;
pub mod words;

use serde_json::{Map, Value};

use super::Timestamp;

pub use facts::{Base, Fact, Kept, creation, difference, source_of};
pub use times::parse_time;
pub use words::{Unknown, Wanted, Words};

/// One task of another tracker. A text that is `None` was not said at all; an empty one says that
/// there is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Record {
    /// What the other tracker calls it; never empty.
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    pub status: Option<String>,
    pub priority: Option<String>,
    pub urgency: Option<String>,
    pub complexity: Option<String>,
    pub kind: Option<String>,
    pub tags: Option<Vec<String>>,
    pub assignee: Option<String>,
    pub author: Option<String>,
    pub plan: Option<String>,
    pub notes: Option<String>,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    /// When it was finished, however it ended.
    pub closed: Option<Timestamp>,
    pub close_reason: Option<String>,
    /// Whether the other tracker has put it away.
    pub archived: bool,
    pub comments: Vec<Remark>,
    /// Relations to other records; `None` where the format was not asked for them.
    pub links: Option<Vec<Link>>,
    /// Members that have no place here, by the names that they have there.
    pub rest: Map<String, Value>,
}

/// A comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Remark {
    pub author: Option<String>,
    pub at: Option<Timestamp>,
    pub body: String,
}

/// A relation from a record to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// One of [`RELATIONSHIP_TYPES`](super::workflow::RELATIONSHIP_TYPES).
    pub kind: &'static str,
    /// The other record's id.
    pub target: String,
    /// What the relation is called there, where that says more.
    pub note: Option<String>,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// By whom.
    pub author: Option<String>,
}

impl Link {
    /// A relation of which nothing else is known.
    #[must_use]
    pub fn new(kind: &'static str, target: impl Into<String>) -> Self {
        Self { kind, target: target.into(), note: None, at: None, author: None }
    }
}

/// Whether a text may name a source: it stands in the names of fields and in events.
#[must_use]
pub fn is_source(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// The field that holds what the source calls a task.
#[must_use]
pub fn id_field(source: &str) -> String {
    format!("{source}_id")
}
