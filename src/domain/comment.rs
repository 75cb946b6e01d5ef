//! A comment, as its events leave it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actor::Actor;

/// A body that an edit replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The text before the edit.
    pub body: String,
    /// When it was replaced.
    pub edited_at: String,
    /// By whom.
    pub edited_by: Actor,
}

/// A comment. Its id is that of the event which added it; a deleted one keeps its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the members are those of the comment in docs/json.md")]
pub struct Comment {
    pub id: String,
    pub body: String,
    pub role: Option<String>,
    pub author: Actor,
    pub created_at: String,
    pub parent_id: Option<String>,
    pub edit_history: Vec<Edit>,
    pub edited_at: Option<String>,
    pub deleted_at: Option<String>,
    pub deleted_by: Option<Actor>,
    /// Who reacted, by emoji, in order of reacting.
    pub reactions: BTreeMap<String, Vec<Actor>>,
}

impl Comment {
    /// Whether it was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether this actor reacted so.
    #[must_use]
    pub fn has_reaction(&self, emoji: &str, actor: &Actor) -> bool {
        self.reactions.get(emoji).is_some_and(|who| who.iter().any(|a| a.is(actor)))
    }
}
