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

/// A comment. Its id is that of the event which added it; a deleted one keeps its text. Its record leaves
/// out what it does not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Or a member whose name is damaged would read as one that is not there.
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the comment in docs/json.md")]
pub struct Comment {
    pub id: String,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    pub author: Actor,
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edit_history: Vec<Edit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Actor>,
    /// Who reacted, by emoji, in order of reacting.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
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
