//! Reading events: anybody's text with all care, our own again without repeating it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::canonical::is_canonical;
use super::{Event, EventError, Subject, strict_json};
use crate::domain::actor::Actor;
use crate::domain::id::{EventId, ResourceId, SortKey, TaskId};
use crate::domain::{json, redact, strict};

impl Event {
    /// Reads one event. The text is brought into canonical form, so that clones which hold the
    /// same facts hold the same bytes.
    ///
    /// # Errors
    /// [`EventError`] if it is no event.
    pub fn parse(text: &str) -> Result<Self, EventError> {
        // A list of parents may be absent, but not null; `from_stored` takes both.
        if is_canonical(text)
            && !text.contains("\"parents\":null")
            && let Ok(event) = Self::from_stored(text)
        {
            return Ok(event);
        }
        Self::from_value(strict_json(text)?)
    }

    /// The same from a value that has been read already.
    ///
    /// # Errors
    /// [`EventError`] if it is no event.
    pub fn from_value(value: Value) -> Result<Self, EventError> {
        if json::depth(&value) > json::MAX_DEPTH {
            return Err(EventError::TooDeep);
        }
        let raw = json::line(&value);
        let Value::Object(mut map) = value else { return Err(EventError::NotAnObject) };
        let members = Members {
            id: text_of(&map, "id")?,
            ts: text_of(&map, "ts")?,
            kind: text_of(&map, "type")?,
            actor: map.remove("actor").ok_or(EventError::Member("actor"))?,
            task_id: id_text(&mut map, "task_id")?,
            resource_id: id_text(&mut map, "resource_id")?,
            parents: match map.remove("parents") {
                None => None,
                Some(list) => Some(serde_json::from_value(list).map_err(|_| EventError::Member("parents"))?),
            },
            data: map.remove("data").unwrap_or_default(),
            redacted: map.remove("redacted").unwrap_or_default(),
        };
        members.event(raw)
    }

    /// Reads an event as it was stored: as the canonical text that [`Event::raw`] gave. Members that
    /// mean nothing here are passed over, and nothing is put in order again: that takes a third of
    /// the time of [`Event::parse`], and histories are read with every task that is shown.
    ///
    /// # Errors
    /// [`EventError`] if it is no event.
    pub fn from_stored(raw: &str) -> Result<Self, EventError> {
        let members: Members =
            serde_json::from_str(raw).map_err(|error| EventError::Json(error.to_string()))?;
        members.event(raw.to_owned())
    }

    /// Whether an event that was composed here reads as it was written, and will for ever.
    ///
    /// # Errors
    /// [`EventError`] if it does not.
    pub fn reads_back(&self) -> Result<(), EventError> {
        // Its members are of their types; only what is far too deep does not read.
        if is_canonical(self.raw()) { Ok(()) } else { Self::from_stored(self.raw()).map(drop) }
    }
}

/// The members of an event that have a meaning.
#[derive(Deserialize)]
struct Members {
    id: String,
    ts: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "strict::value")]
    actor: Value,
    task_id: Option<String>,
    resource_id: Option<String>,
    parents: Option<Vec<String>>,
    #[serde(default, deserialize_with = "strict::value")]
    data: Value,
    #[serde(default, deserialize_with = "strict::value")]
    redacted: Value,
}

impl Members {
    fn event(self, raw: String) -> Result<Event, EventError> {
        if [&self.actor, &self.data, &self.redacted].iter().any(|v| json::depth(v) >= json::MAX_DEPTH) {
            return Err(EventError::TooDeep);
        }
        let no_id = |member| move |text| EventError::Id { member, text };
        let id = EventId::from_foreign(self.id).map_err(no_id("id"))?;
        let actor = match self.actor {
            Value::String(name) => Actor::Plain(name),
            Value::Object(record) => Actor::Session(record),
            _ => return Err(EventError::Member("actor")),
        };
        let subject = match (self.task_id, self.resource_id) {
            (None, None) => Subject::Instance,
            (Some(text), None) => Subject::Task(TaskId::from_foreign(text).map_err(no_id("task_id"))?),
            (None, Some(text)) => {
                Subject::Resource(ResourceId::from_foreign(text).map_err(no_id("resource_id"))?)
            }
            (Some(_), Some(_)) => return Err(EventError::Member("task_id")),
        };
        let parents = self.parents.map(|list| {
            let ids = list
                .into_iter()
                .map(|id| EventId::from_foreign(id).map_err(|_| EventError::Member("parents")));
            ids.collect::<Result<Vec<_>, _>>()
        });
        let parents = parents.transpose()?;
        let data = match self.data {
            Value::Object(data) => data,
            Value::Null => Map::new(),
            _ => return Err(EventError::Member("data")),
        };
        let redacted = self.redacted.get("sha256").and_then(Value::as_str);
        let redacted = redacted.filter(|hash| redact::is_hash(hash)).map(str::to_owned);
        let key = SortKey::of(&id, &self.ts, parents.is_some());
        Ok(Event { id, key, ts: self.ts, kind: self.kind, actor, subject, data, parents, redacted, raw })
    }
}

fn text_of(map: &Map<String, Value>, key: &'static str) -> Result<String, EventError> {
    json::text(map, key).map(str::to_owned).ok_or(EventError::Member(key))
}

/// An id that may be absent or null.
fn id_text(map: &mut Map<String, Value>, key: &'static str) -> Result<Option<String>, EventError> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(EventError::Member(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_reads_back_as_it_read_at_first() {
        let task = r#""task_id":"task_01KPH4C22FWF63BPQ4SET7E5JG","#;
        for text in [
            format!(r#"{{"id":"ev_01KPH4C22JNABBN4W02JP1GNNS",{task}"ts":"2026-04-18T20:26:31Z","type":"x_a","actor":{{"name":"a"}},"data":{{"n":1.50,"o":{{"$serde_json::private::RawValue":"["}}}},"more":[{{"deep":1e400}}]}}"#),
            format!(r#"{{"id":"ev_01KPH4C22JNABBN4W02JP1GNNS",{task}"resource_id":null,"ts":"long ago","type":"x","actor":"human:a","data":null,"parents":["ev_01KPH4C22JNABBN4W02JP1GNNR"]}}"#),
            r#"{"id":"ev_01KPH4C22JNABBN4W02JP1GNNS","ts":"2026-04-18T20:26:31Z","type":"context_updated","actor":"human:a","parents":[],"data":{"body":"a\u2028b"},"redacted":{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}"#.to_owned(),
        ] {
            let event = Event::parse(&text).unwrap();
            assert_eq!(Event::from_stored(event.raw()), Ok(event));
        }
        for broken in ["", "[]", "{}", r#"{"id":"ev_1","ts":"","type":"","actor":""}"#] {
            assert!(Event::from_stored(broken).is_err(), "{broken}");
        }
    }
}
