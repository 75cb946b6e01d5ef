//! Resources and sessions.

use serde_json::{Value, json};

use crate::app::{Known, Outcome, Resources};
use crate::domain::resource::{DEFAULT_MAX_HOLDERS, DEFAULT_TTL_SECONDS};
use crate::domain::session::Session;

/// A resource: its snapshot. One that is only declared has null where nothing happened yet.
#[must_use]
pub fn resource(known: &Known) -> Value {
    match known {
        Known::Made(resource) => Value::Object(resource.snapshot()),
        Known::Declared(new) => json!({
            "schema_version": 1,
            "id": null,
            "name": new.name,
            "description": new.description,
            "max_holders": new.max_holders.unwrap_or(DEFAULT_MAX_HOLDERS),
            "ttl_seconds": new.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS),
            "holders": [],
            "created_by": null,
            "created_at": null,
            "updated_at": null,
            "last_event_id": null,
        }),
    }
}

/// All resources.
#[must_use]
pub fn resources(found: &Resources) -> Value {
    json!({"resources": found.resources.iter().map(resource).collect::<Vec<_>>()})
}

/// The resource that a change was about.
#[must_use]
pub fn resource_of(outcome: &Outcome) -> Value {
    outcome.resource.as_ref().map_or(Value::Null, |resource| Value::Object(resource.snapshot()))
}

/// A session that has just begun.
#[must_use]
pub fn session_begun(session: &Session) -> Value {
    let record = session.value();
    ["name", "base_name", "serial", "session", "model", "framework"]
        .into_iter()
        .map(|key| (key.to_owned(), record.get(key).cloned().unwrap_or_default()))
        .collect()
}

/// Sessions, each with its whole record.
#[must_use]
pub fn sessions(found: &[Session]) -> Value {
    json!({
        "sessions": found.iter().map(Session::value).collect::<Vec<_>>(),
        "count": found.len(),
    })
}
