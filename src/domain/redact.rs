//! Redaction: an event whose content is taken away, and what is left in its place.
//!
//! The tombstone is a pure function of the event, so clones that redact the same event apart hold
//! the same bytes. It keeps what other events and the numbering hang on, and the hash of the
//! event's text, by which it is known as that event's tombstone wherever it meets it. Who took the
//! content away, when and why says an event of its own.

use serde_json::{Map, Value, json};

use super::event::{Event, kind};
use super::json;
use super::plan::{description_lines, title_line};

/// What stands where a text was.
pub const REDACTED: &str = "[redacted]";

/// Members of `data` that are kept, by type: ids, slugs and numbers, no free text. Where a text is
/// needed, [`REDACTED`] takes its place.
fn members(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        kind::TASK_CREATED => (
            &["status", "type", "priority", "urgency", "complexity", "short_id", "assigned_to"],
            &["title", "description"],
        ),
        kind::SHORT_ID_ASSIGNED => (&["short_id"], &[]),
        kind::STATUS_CHANGED => (&["from", "to", "force"], &[]),
        kind::ASSIGNMENT_CHANGED => (&["from", "to"], &[]),
        kind::COMMENT_ADDED => (&["parent_id", "role"], &["body"]),
        kind::COMMENT_EDITED => (&["comment_id", "role", "previous_role"], &["body", "previous_body"]),
        kind::COMMENT_DELETED => (&["comment_id"], &[]),
        kind::REACTION_ADDED | kind::REACTION_REMOVED => (&["comment_id", "emoji"], &[]),
        kind::RELATIONSHIP_ADDED | kind::RELATIONSHIP_REMOVED => (&["type", "target_task_id"], &[]),
        kind::ARTIFACT_ATTACHED => (&["artifact_id", "role"], &[]),
        kind::BRANCH_LINKED | kind::BRANCH_UNLINKED => (&["branch", "repo"], &[]),
        kind::NEEDS_HUMAN_FLAGGED => (&[], &["reason"]),
        kind::PLAN_UPDATED | kind::NOTES_UPDATED | kind::CONTEXT_UPDATED => (&[], &["body"]),
        // Without a value it changes nothing: the setting is again what it was before.
        kind::CONFIG_CHANGED => (&["path"], &[]),
        kind::RESOURCE_CREATED => (&["name", "max_holders", "ttl_seconds"], &[]),
        kind::RESOURCE_ACQUIRED
        | kind::RESOURCE_RELEASED
        | kind::RESOURCE_HEARTBEAT
        | kind::RESOURCE_EXPIRED => {
            (&["holder", "expires_at", "expired_at", "reclaimed_by", "task_id", "force"], &[])
        }
        kind::EVENT_REDACTED => (&["event_id"], &[]),
        kind::CONFLICT_SETTLED => (&["what"], &[]),
        _ => (&[], &[]),
    }
}

/// 64 hexadecimal digits, lower case.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether the tracker would be another one without this event's content.
#[must_use]
pub fn is_needed(event: &Event) -> bool {
    event.kind == kind::CONFIG_CHANGED && matches!(event.text("path"), None | Some("" | "/instance_id"))
}

/// What is left of an event. `sha256` gives a hash as lower-case hexadecimal digits. A tombstone is
/// its own.
#[must_use]
pub fn tombstone(event: &Event, sha256: impl Fn(&[u8]) -> String) -> Event {
    if event.redacted.is_some() {
        return event.clone();
    }
    let Value::Object(before) = event.value() else { return event.clone() };
    let mut map = Map::new();
    for key in ["schema_version", "id", "ts", "type", "actor", "task_id", "resource_id", "parents"] {
        if let Some(value) = before.get(key) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    map.insert("data".to_owned(), Value::Object(data(event, &sha256)));
    map.insert("redacted".to_owned(), json!({"sha256": sha256(event.raw().as_bytes())}));
    Event::from_value(Value::Object(map)).unwrap_or_else(|_| event.clone())
}

fn data(event: &Event, sha256: &impl Fn(&[u8]) -> String) -> Map<String, Value> {
    let mut data = Map::new();
    let (kept, replaced) = members(&event.kind);
    for key in kept {
        if let Some(value) = event.data.get(*key).filter(|value| !matches!(value, Value::Array(_))) {
            data.insert((*key).to_owned(), value.clone());
        }
    }
    for key in replaced {
        if event.data.get(*key).is_some_and(Value::is_string) {
            data.insert((*key).to_owned(), json!(REDACTED));
        }
    }
    if event.kind == kind::FILE_LINKED {
        data.insert("paths".to_owned(), json!([]));
    }
    if event.kind == kind::FIELD_UPDATED {
        field_updated(event, &mut data);
    }
    let was: Map<String, Value> =
        texts_of_files(event).into_iter().map(|(key, text)| (key, json!(sha256(text.as_bytes())))).collect();
    if !was.is_empty() {
        data.insert("was".to_owned(), Value::Object(was));
    }
    data
}

fn field_updated(event: &Event, data: &mut Map<String, Value>) {
    let Some(field) = event.text("field") else { return };
    data.insert("field".to_owned(), json!(field));
    let to = match field {
        "priority" | "urgency" | "complexity" | "type" => event.data.get("to").cloned(),
        "tags" => Some(Value::Null),
        _ => event.data.get("to").filter(|to| !to.is_null()).map(|_| json!(REDACTED)),
    };
    data.insert("to".to_owned(), to.unwrap_or_default());
}

/// Texts of the event that make up a file of the exported tree, as they are compared there. Their
/// hashes are kept, so that such a file is known as an old one and not taken for a hand's edit.
fn texts_of_files(event: &Event) -> Vec<(String, String)> {
    let text = |key: &str| event.text(key).filter(|text| *text != REDACTED);
    let found = match event.kind.as_str() {
        kind::PLAN_UPDATED | kind::NOTES_UPDATED | kind::CONTEXT_UPDATED => {
            vec![("body", text("body").map(str::to_owned))]
        }
        kind::CONFIG_CHANGED => vec![("to", event.data.get("to").map(json::line))],
        kind::TASK_CREATED => {
            vec![
                ("title", text("title").map(title_line)),
                ("description", text("description").map(description_lines)),
            ]
        }
        kind::FIELD_UPDATED => match event.text("field") {
            Some("title") => vec![("title", text("to").map(title_line))],
            Some("description") => vec![("description", text("to").map(description_lines))],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    found.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))).collect()
}

/// The hashes of texts that tombstones of a history kept under a key: `body`, `title` or
/// `description`, of a setting `to`; of `kinds` of events only.
#[must_use]
pub fn hashes<'a>(history: impl IntoIterator<Item = &'a Event>, kinds: &[&str], key: &str) -> Vec<String> {
    let of = |event: &Event| {
        let was = event.redacted.as_ref().and(event.data.get("was"))?;
        was.get(key)?.as_str().map(str::to_owned)
    };
    history.into_iter().filter(|e| kinds.contains(&e.kind.as_str())).filter_map(of).collect()
}

/// Texts that a redaction takes away, longer than a word: others may stand anywhere.
#[must_use]
pub fn texts(event: &Event) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.trim().chars().count() >= SHORTEST => {
                found.push(text.trim().to_owned())
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            Value::Object(map) => map.values().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let (kept, _) = members(&event.kind);
    let field = event.kind == kind::FIELD_UPDATED;
    for (key, value) in &event.data {
        if !(kept.contains(&key.as_str()) || field && key == "field") {
            walk(value, &mut found);
        }
    }
    found.retain(|text| text != REDACTED);
    found.sort();
    found.dedup();
    found
}

/// Characters of the shortest text that is looked for elsewhere.
const SHORTEST: usize = 6;

/// Which of two contents under one id holds, if one is the other's tombstone: the tombstone,
/// whichever came first. Of two tombstones of one event (made by different versions of Lattice)
/// the one whose text is smaller. `None` if they are no such pair.
#[must_use]
pub fn holding<'a>(a: &'a Event, b: &'a Event, sha256: impl Fn(&[u8]) -> String) -> Option<&'a Event> {
    let same = a.id == b.id
        && a.ts == b.ts
        && a.kind == b.kind
        && a.actor == b.actor
        && a.subject == b.subject
        && a.parents == b.parents;
    let of = |event: &Event| event.redacted.clone().unwrap_or_else(|| sha256(event.raw().as_bytes()));
    if !same || (a.redacted.is_none() && b.redacted.is_none()) || of(a) != of(b) {
        return None;
    }
    Some(match (&a.redacted, &b.redacted) {
        (Some(_), None) => a,
        (None, Some(_)) => b,
        _ if b.raw() < a.raw() => b,
        _ => a,
    })
}

/// The data of the event that says so.
#[must_use]
pub fn said(event: &Event, reason: &str) -> Value {
    json!({"event_id": event.id.as_str(), "reason": reason})
}

/// The text of a string as it stands inside of a stored event.
#[must_use]
pub fn as_stored(text: &str) -> String {
    let line = json::line(&Value::String(text.to_owned()));
    line[1..line.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventBody, Stamp};
    use crate::domain::id::{EventId, TaskId};
    use crate::domain::{Actor, Timestamp};

    /// No hash, but enough to tell texts apart.
    fn length(bytes: &[u8]) -> String {
        format!("{:064x}", bytes.iter().fold(7_u128, |sum, byte| sum.wrapping_mul(31) + u128::from(*byte)))
    }

    fn event(kind: &str, data: Value) -> Event {
        let stamp = Stamp {
            provenance: Map::from_iter([("reason".to_owned(), json!("hunter2"))]),
            agent_meta: Map::from_iter([("session".to_owned(), json!("hunter2"))]),
        };
        Event::compose(
            EventBody::of_task(&TaskId::from_value(1), kind, data),
            EventId::from_value(9),
            Timestamp::from_seconds(1_700_000_000),
            &Actor::Plain("human:a".into()),
            &stamp,
            vec![EventId::from_value(8)],
        )
    }

    #[test]
    fn a_tombstone_of_any_type_holds_nothing_that_was_said_and_reads_as_an_event() {
        let secret = "hunter2";
        for kind in kind::BUILT_IN.into_iter().chain(["x_mine", "from_the_future"]) {
            let everything = json!({
                "title": secret, "description": secret, "body": secret, "previous_body": secret, "reason": secret,
                "note": secret, "paths": [secret], "field": "title", "to": secret, "from": secret, "tags": [secret],
                "custom_fields": {"k": secret}, "new_value": secret, "deep": [{"x": secret}],
            });
            let before = event(kind, everything);
            let after = tombstone(&before, length);
            if !["status_changed", "assignment_changed"].contains(&kind) {
                assert!(!after.raw().contains(secret), "{kind}: {}", after.raw());
            }
            assert_eq!(after.redacted, Some(length(before.raw().as_bytes())));
            assert_eq!(
                (&after.id, &after.key, &after.kind, &after.actor, &after.subject, &after.parents),
                (&before.id, &before.key, &before.kind, &before.actor, &before.subject, &before.parents)
            );
            assert_eq!(Event::parse(after.raw()).unwrap(), after);
            assert_eq!(tombstone(&after, length), after);
        }
    }

    #[test]
    fn the_numbering_and_what_other_events_hang_on_stay() {
        let created =
            event(kind::TASK_CREATED, json!({"title": "t", "status": "planned", "short_id": "LAT-7"}));
        let after = tombstone(&created, length);
        assert_eq!(after.text("short_id"), Some("LAT-7"));
        assert_eq!((after.text("title"), after.text("status")), (Some(REDACTED), Some("planned")));
        let comment = event(kind::COMMENT_ADDED, json!({"body": "b", "role": "review"}));
        assert_eq!(tombstone(&comment, length).text("role"), Some("review"));
    }

    #[test]
    fn a_tombstone_wins_over_its_event_in_both_directions_and_over_nothing_else() {
        let content = event(kind::COMMENT_ADDED, json!({"body": "secret"}));
        let other = event(kind::COMMENT_ADDED, json!({"body": "another"}));
        let grave = tombstone(&content, length);
        assert_eq!(holding(&content, &grave, length), Some(&grave));
        assert_eq!(holding(&grave, &content, length), Some(&grave));
        assert_eq!(holding(&other, &grave, length), None);
        assert_eq!(holding(&content, &other, length), None);
        let newer = Event::parse(&grave.raw().replace("{\"body\":\"[redacted]\"}", "{}")).unwrap();
        assert_eq!(holding(&grave, &newer, length), holding(&newer, &grave, length));
        let moved = Event::parse(&grave.raw().replace("human:a", "human:b")).unwrap();
        assert_eq!(holding(&content, &moved, length), None);
    }
}
