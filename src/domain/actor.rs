//! Who did it: a plain `prefix:identifier`, or the structured record of a session.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Prefixes that a caller may write under.
pub const PREFIXES: [&str; 4] = ["agent", "human", "team", "dashboard"];

/// An actor. Equality for rules goes by [`Actor::display`], as two records of one session do
/// not have to be the same to the letter.
#[derive(Clone, Debug, PartialEq)]
pub enum Actor {
    /// `agent:claude`, `human:ada`, and whatever text older data holds.
    Plain(String),
    /// {name, base_name, serial, session, model, framework?, agent_type?}, members kept as found.
    Session(Map<String, Value>),
}

impl Actor {
    /// An actor that a caller named: a known prefix, a colon, an identifier that is not empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, identifier) = text.split_once(':')?;
        (PREFIXES.contains(&prefix) && !identifier.trim().is_empty()).then(|| Self::Plain(text.to_owned()))
    }

    /// An actor out of an event: text or a record with a name.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Plain(text.clone())),
            Value::Object(map) => Some(Self::Session(map.clone())),
            _ => None,
        }
    }

    /// Whether an object somewhere in data is the record of a session.
    #[must_use]
    pub fn is_record(map: &Map<String, Value>) -> bool {
        map.get("name").is_some_and(Value::is_string)
            && (map.contains_key("session") || map.contains_key("base_name"))
    }

    /// A value for people: records of sessions, however deep, give way to their names.
    #[must_use]
    pub fn by_name(value: &Value) -> Value {
        match value {
            Value::Object(map) if Self::is_record(map) => map.get("name").cloned().unwrap_or_default(),
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), Self::by_name(value))).collect()
            }
            Value::Array(list) => list.iter().map(Self::by_name).collect(),
            plain => plain.clone(),
        }
    }

    /// The actor as it stands in an event.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Plain(text) => Value::String(text.clone()),
            Self::Session(map) => Value::Object(map.clone()),
        }
    }

    /// The name that people and rules know the actor by.
    #[must_use]
    pub fn display(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Session(map) => ["name", "base_name", "session"]
                .iter()
                .find_map(|key| map.get(*key).and_then(Value::as_str))
                .unwrap_or("unknown"),
        }
    }

    /// Whether both name the same one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.display() == other.display()
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.display())
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(text) => serializer.serialize_str(text),
            Self::Session(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value).ok_or_else(|| serde::de::Error::custom("not an actor"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_needs_a_known_prefix_and_a_name() {
        assert!(Actor::parse("agent:claude").is_some());
        assert!(Actor::parse("human:a:b").is_some());
        for bad in ["claude", "robot:x", "agent:", "agent: ", ":x", ""] {
            assert_eq!(Actor::parse(bad), None, "{bad}");
        }
    }
}
