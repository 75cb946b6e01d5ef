//! Resources: things that only so many may hold at once. Told apart by name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::actor::Actor;
use super::event::{Event, Subject, kind};
use super::id::{EventId, SortKey};
use super::time::{DAY, Timestamp};

/// Holders at most, where nothing else is said.
pub const DEFAULT_MAX_HOLDERS: i64 = 1;
/// Seconds that a hold lasts, where nothing else is said.
pub const DEFAULT_TTL_SECONDS: i64 = 300;

/// Seconds that a hold lasts at most, 366 days: longer than anything that ends by itself, and no date
/// that comes of it is beyond what can be written.
pub const MOST_TTL_SECONDS: i64 = 366 * DAY;
/// What people are told who write another one.
pub const TTL_RULE: &str = "a whole number of seconds, from 1 to 31622400 (366 days)";

/// Whether a hold may last so many seconds.
#[must_use]
pub fn is_ttl(seconds: i64) -> bool {
    (1..=MOST_TTL_SECONDS).contains(&seconds)
}

/// Somebody who holds a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the members are those of the snapshot")]
pub struct Holder {
    pub actor: Actor,
    pub acquired_at: String,
    pub expires_at: String,
    pub last_heartbeat: String,
    pub task_id: Option<String>,
}

impl Holder {
    /// The hold as a snapshot shows it.
    #[must_use]
    pub fn value(&self) -> Value {
        let mut holder = json!({
            "actor": self.actor, "acquired_at": self.acquired_at,
            "expires_at": self.expires_at, "last_heartbeat": self.last_heartbeat,
        });
        if let Some(task) = &self.task_id {
            holder["task_id"] = json!(task);
        }
        holder
    }

    /// Whether the hold is over. It lasts through the second that it names; a time that nobody
    /// can read is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        Timestamp::parse(&self.expires_at).is_none_or(|until| until < now)
    }
}

/// A resource, as the events of all ids with its name leave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the members are those of the snapshot")]
pub struct Resource {
    /// The smallest id that was created under the name.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub max_holders: i64,
    pub ttl_seconds: i64,
    /// May be more than `max_holders` after a merge, until they expire.
    pub holders: Vec<Holder>,
    pub created_by: Actor,
    pub created_at: String,
    pub updated_at: String,
    pub last_event_id: String,
    /// The last event's place in the canonical order.
    #[serde(default)]
    pub last_key: String,
    pub heads: Vec<String>,
}

/// Whether a name is safe as a folder: a letter or digit, then up to 63 of letters, digits,
/// dot, underscore and dash.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The name that a `resource_created` event gives, if it is one and the name is safe.
#[must_use]
pub fn created_name(event: &Event) -> Option<&str> {
    (event.kind == kind::RESOURCE_CREATED).then(|| event.text("name"))?.filter(|name| is_name(name))
}

impl Resource {
    /// Folds the histories of all ids with one name, given together in canonical order.
    #[must_use]
    pub fn fold(name: &str, history: &[Event]) -> Option<Self> {
        let first = history.iter().position(|e| created_name(e) == Some(name))?;
        let id = history
            .iter()
            .filter(|e| created_name(e) == Some(name))
            .filter_map(|e| match &e.subject {
                Subject::Resource(id) => Some(id.as_str()),
                _ => None,
            })
            .min()?;
        let event = &history[first];
        let mut resource = Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: event.text("description").map(str::to_owned),
            max_holders: number(event, "max_holders").unwrap_or(DEFAULT_MAX_HOLDERS),
            ttl_seconds: number(event, "ttl_seconds").unwrap_or(DEFAULT_TTL_SECONDS),
            holders: Vec::new(),
            created_by: event.actor.clone(),
            created_at: event.ts.clone(),
            updated_at: event.ts.clone(),
            last_event_id: event.id.to_string(),
            last_key: event.key.as_str().to_owned(),
            heads: Vec::new(),
        };
        for (place, event) in history.iter().enumerate() {
            if place != first {
                resource.apply(event);
            }
        }
        if let Some(last) = history.last() {
            resource.is_last(last);
        }
        resource.heads = super::event::heads(history).iter().map(ToString::to_string).collect();
        Some(resource)
    }

    /// Folds one more event into the state, if it comes after all others and needs no look at
    /// them; `false` where the histories have to be folded again.
    #[must_use]
    pub fn follow(&mut self, event: &Event) -> bool {
        let Some(parents) = &event.parents else { return false };
        if event.kind == kind::RESOURCE_CREATED || event.key.as_str() <= self.last_key.as_str() {
            return false;
        }
        self.apply(event);
        self.is_last(event);
        self.heads.retain(|head| !parents.iter().any(|parent| parent.as_str() == head));
        self.heads.push(event.id.to_string());
        true
    }

    fn is_last(&mut self, event: &Event) {
        self.updated_at.clone_from(&event.ts);
        self.last_event_id = event.id.to_string();
        event.key.as_str().clone_into(&mut self.last_key);
    }

    /// The place of its last event in the canonical order.
    #[must_use]
    pub fn last_key(&self) -> SortKey {
        SortKey::from_stored(self.last_key.clone())
    }

    /// The heads as ids.
    #[must_use]
    pub fn head_ids(&self) -> Vec<EventId> {
        self.heads.iter().filter_map(|id| EventId::parse_foreign(id)).collect()
    }

    /// The resource as it is to be shown: without the holders whose time is over.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.holders.retain(|holder| !holder.is_expired(now));
        self
    }

    /// The hold of this actor, over or not.
    #[must_use]
    pub fn hold_of(&self, actor: &Actor) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.actor.is(actor))
    }

    fn apply(&mut self, event: &Event) {
        let Some(holder) = event.data.get("holder").and_then(Actor::from_value) else {
            if event.kind == kind::RESOURCE_UPDATED {
                self.update(event);
            }
            return;
        };
        let place = self.holders.iter().position(|h| h.actor.is(&holder));
        let expires_at = event.text("expires_at").unwrap_or_default().to_owned();
        match (event.kind.as_str(), place) {
            (kind::RESOURCE_ACQUIRED, place) => {
                if let Some(place) = place {
                    self.holders.remove(place);
                }
                self.holders.push(Holder {
                    actor: holder,
                    acquired_at: event.ts.clone(),
                    expires_at,
                    last_heartbeat: event.ts.clone(),
                    task_id: event.text("task_id").map(str::to_owned),
                });
            }
            (kind::RESOURCE_RELEASED | kind::RESOURCE_EXPIRED, Some(place)) => {
                drop(self.holders.remove(place))
            }
            (kind::RESOURCE_HEARTBEAT, Some(place)) => {
                self.holders[place].expires_at = expires_at;
                self.holders[place].last_heartbeat.clone_from(&event.ts);
            }
            _ => {}
        }
    }

    fn update(&mut self, event: &Event) {
        let value = event.data.get("new_value");
        match (event.text("field"), value) {
            (Some("description"), Some(Value::String(text))) => self.description = Some(text.clone()),
            (Some("max_holders"), Some(Value::Number(n))) => {
                self.max_holders = n.as_i64().filter(|n| *n >= 1).unwrap_or(self.max_holders)
            }
            (Some("ttl_seconds"), Some(Value::Number(n))) => {
                self.ttl_seconds = n.as_i64().filter(|n| *n >= 1).unwrap_or(self.ttl_seconds)
            }
            _ => {}
        }
    }

    /// The exported snapshot, members as in `resources/<name>/resource.json`.
    #[must_use]
    pub fn snapshot(&self) -> Map<String, Value> {
        let holders: Vec<Value> = self.holders.iter().map(Holder::value).collect();
        let members = json!({
            "schema_version": 1, "id": self.id, "name": self.name, "description": self.description,
            "max_holders": self.max_holders, "ttl_seconds": self.ttl_seconds, "holders": holders,
            "created_by": self.created_by, "created_at": self.created_at,
            "updated_at": self.updated_at, "last_event_id": self.last_event_id,
        });
        match members {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

fn number(event: &Event, key: &str) -> Option<i64> {
    event.data.get(key)?.as_i64().filter(|n| *n >= 1)
}
