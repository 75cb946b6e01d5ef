//! The shapes that several commands answer with, as docs/json.md gives them: a member more, one less
//! or one of another type fails the reader.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A member that is there and may be null.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope<T> {
    pub ok: bool,
    pub data: T,
    pub warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub schema_version: u8,
    pub id: String,
    pub short_id: Option<String>,
    pub title: String,
    pub status: String,
    #[serde(deserialize_with = "nullable")]
    pub priority: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub urgency: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub complexity: Option<String>,
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub description: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub tags: Option<Vec<String>>,
    #[serde(deserialize_with = "nullable")]
    pub assigned_to: Option<Actor>,
    pub created_by: Actor,
    pub created_at: String,
    pub updated_at: String,
    #[serde(deserialize_with = "nullable")]
    pub done_at: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub last_status_changed_at: Option<String>,
    pub relationships_out: Vec<Relationship>,
    pub evidence_refs: Vec<Evidence>,
    pub branch_links: Vec<Value>,
    pub comment_count: u64,
    pub reopened_count: u64,
    pub custom_fields: BTreeMap<String, Value>,
    pub last_event_id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Actor {
    Plain(String),
    Session { name: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    #[serde(rename = "type")]
    pub kind: String,
    pub target_task_id: String,
    pub created_at: String,
    pub created_by: Actor,
    #[serde(deserialize_with = "nullable")]
    pub note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub id: String,
    #[serde(deserialize_with = "nullable")]
    pub role: Option<String>,
    pub source_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub schema_version: u8,
    pub id: String,
    pub ts: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub actor: Actor,
    pub task_id: String,
    pub data: BTreeMap<String, Value>,
    pub parents: Vec<String>,
    pub provenance: Option<BTreeMap<String, String>>,
    pub agent_meta: Option<BTreeMap<String, String>>,
}
