//! What a search found.

use serde_json::{Value, json};

use crate::app::{FoundIn, Hit, Hits};

/// The envelope: `data` is an array of compact tasks, each with its `match`.
#[must_use]
pub fn search(hits: &Hits, rows: Vec<Value>) -> Value {
    let mut envelope = super::envelope(Value::Array(rows));
    if hits.truncated {
        envelope["truncated"] = json!(true);
    }
    envelope
}

/// A task that was found: compact, with `match`.
#[must_use]
pub fn hit(hit: &Hit) -> Value {
    let mut map = super::compact(&hit.task);
    map.insert("match".into(), found(hit));
    Value::Object(map)
}

/// Where the words stand, and in what.
#[must_use]
pub fn found(hit: &Hit) -> Value {
    let mut found = json!({"in": place(&hit.place), "extract": extract(hit)});
    if let FoundIn::Comment(id) = &hit.place {
        found["comment_id"] = json!(id);
    }
    found
}

/// What people and programs call the place.
#[must_use]
pub fn place(place: &FoundIn) -> &'static str {
    match place {
        FoundIn::Title => "title",
        FoundIn::Description => "description",
        FoundIn::Plan => "plan",
        FoundIn::Notes => "notes",
        FoundIn::Comment(_) => "comment",
    }
}

/// The text around the words, on one line.
#[must_use]
pub fn extract(hit: &Hit) -> String {
    hit.extract.iter().map(|piece| piece.text.as_str()).collect()
}
