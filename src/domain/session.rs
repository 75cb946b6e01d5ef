//! Sessions: who works under which name, here. Records of this file only, no events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::actor::Actor;
use super::id::SessionId;
use super::rejection::Rejection;
use super::time::Timestamp;

/// Base names for sessions that bring none.
pub const BASE_NAMES: [&str; 26] = [
    "Amber", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Heron", "Iris", "Juniper", "Kestrel",
    "Linden", "Maple", "Nettle", "Onyx", "Pine", "Quartz", "Raven", "Sage", "Thistle", "Umber", "Vale",
    "Willow", "Xenia", "Yarrow", "Zephyr",
];
/// The model that stands for a person, who needs no framework.
const HUMAN: &str = "human";
/// Letters that a base name may have.
const LONGEST: usize = 64;
/// Serials beyond this are not believed of others: whoever writes one must not use them all up.
const BELIEVED: i64 = 1_000_000_000;
/// Members of a record that its events name.
const MEMBERS: [&str; 7] = ["name", "base_name", "serial", "session", "model", "framework", "agent_type"];

/// What a caller says about a session to be.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the members are those of a session")]
pub struct NewSession {
    pub base_name: Option<String>,
    pub model: String,
    pub framework: Option<String>,
    pub agent_type: Option<String>,
    pub prompt: Option<String>,
    pub parent: Option<String>,
}

/// A session's record, members kept as found.
#[derive(Clone, Debug, PartialEq)]
pub struct Session(Map<String, Value>);

impl Session {
    /// A record as it was stored.
    #[must_use]
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) if map.get("name").is_some_and(Value::is_string) => Some(Self(map)),
            _ => None,
        }
    }

    /// Makes the record of a session that begins.
    #[must_use]
    pub fn begin(new: &NewSession, base_name: &str, serial: i64, id: &SessionId, now: Timestamp) -> Self {
        let mut map = Map::new();
        map.insert("name".into(), json!(format!("{base_name}-{serial}")));
        map.insert("base_name".into(), json!(base_name));
        map.insert("serial".into(), json!(serial));
        map.insert("session".into(), json!(id.as_str()));
        map.insert("model".into(), json!(new.model));
        for (key, value) in [
            ("framework", &new.framework),
            ("agent_type", &new.agent_type),
            ("prompt", &new.prompt),
            ("parent", &new.parent),
        ] {
            if let Some(value) = value {
                map.insert(key.into(), json!(value));
            }
        }
        map.insert("started_at".into(), json!(now.to_string()));
        map.insert("last_active".into(), json!(now.to_string()));
        map.insert("status".into(), json!("active"));
        Self(map)
    }

    /// The same session, ended.
    ///
    /// # Errors
    /// [`Rejection::SessionEnded`] if it was ended before.
    pub fn end(mut self, reason: Option<&str>, now: Timestamp) -> Result<Self, Rejection> {
        if let Some(at) = self.ended_at() {
            return Err(Rejection::SessionEnded { name: self.name().to_owned(), at: at.to_owned() });
        }
        self.0.insert("status".into(), json!("ended"));
        self.0.insert("ended_at".into(), json!(now.to_string()));
        if let Some(reason) = reason {
            self.0.insert("end_reason".into(), json!(reason));
        }
        Ok(self)
    }

    /// Text under a key of the record.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    /// Its name, such as `Amber-3`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// When it ended, `None` while it goes on.
    #[must_use]
    pub fn ended_at(&self) -> Option<&str> {
        self.text("ended_at")
    }

    /// The actor that its events name.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let members = MEMBERS.iter().filter_map(|key| self.0.get_key_value(*key));
        Actor::Session(members.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// The whole record.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// The serials that were given out, by base name, as far as this file knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Serials {
    /// The last place in the order of arrival that was looked at.
    pub seen: i64,
    counters: BTreeMap<String, i64>,
}

impl Serials {
    /// Notes a name that somebody bears.
    pub fn note(&mut self, name: &str) {
        if let Some((base, serial)) = split(name) {
            self.raise(base, serial);
        }
    }

    /// Notes every record of a session in an event, wherever it stands.
    pub fn note_all(&mut self, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.note_all(value)),
            Value::Object(map) => {
                if let Some(base) = map.get("base_name").and_then(Value::as_str) {
                    self.note(map.get("name").and_then(Value::as_str).unwrap_or_default());
                    self.raise(base, map.get("serial").and_then(Value::as_i64).unwrap_or(0));
                }
                map.values().for_each(|value| self.note_all(value));
            }
            _ => {}
        }
    }

    fn raise(&mut self, base: &str, serial: i64) {
        if (1..=BELIEVED).contains(&serial) && is_base_name(base) {
            let counter = self.counters.entry(base.to_owned()).or_default();
            *counter = serial.max(*counter);
        }
    }

    /// Gives out the next serial.
    pub fn next(&mut self, base: &str) -> i64 {
        let counter = self.counters.entry(base.to_owned()).or_default();
        *counter = counter.saturating_add(1);
        *counter
    }

    fn last(&self, base: &str) -> i64 {
        self.counters.get(base).copied().unwrap_or(0)
    }
}

/// Base name and serial of a session's name.
fn split(name: &str) -> Option<(&str, i64)> {
    let (base, serial) = name.rsplit_once('-')?;
    let digits = !serial.is_empty() && serial.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| serial.parse().ok())?.map(|serial| (base, serial))
}

/// Whether a name can bear serials: nothing blank, nothing of a path, no colon (that makes an
/// actor), and no serial of its own.
fn is_base_name(base: &str) -> bool {
    (1..=LONGEST).contains(&base.chars().count())
        && !base.starts_with(['-', '.'])
        && !base.chars().any(|c| c.is_whitespace() || c.is_control() || "/\\:".contains(c))
        && split(base).is_none()
}

/// The base name of a session to be, its other members checked on the way: the one that was asked
/// for, else that of the agent's type, else the least used of [`BASE_NAMES`]. Of several of those
/// the lot decides, so that clones seldom give out the same name.
///
/// # Errors
/// [`Rejection`] if something is missing or not valid.
pub fn base_name(new: &NewSession, serials: &Serials, lot: u128) -> Result<String, Rejection> {
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    if new.model.trim().is_empty() {
        return Err(Rejection::Blank { what: "model" });
    }
    if blank(&new.framework) && !new.model.eq_ignore_ascii_case(HUMAN) {
        return Err(Rejection::NoFramework { model: new.model.clone() });
    }
    let base = match (&new.base_name, &new.agent_type) {
        (Some(base), _) => base.clone(),
        (None, Some(kind)) if !kind.trim().is_empty() => capitalised(kind.trim()),
        _ => least_used(serials, lot).to_owned(),
    };
    if is_base_name(&base) {
        return Ok(base);
    }
    Err(Rejection::Invalid {
        what: "session name",
        got: base,
        rule: "give --name without blanks, slashes and colons, and without a number at its end: that comes by itself",
    })
}

/// The type of an agent as a name.
fn capitalised(kind: &str) -> String {
    let mut letters = kind.chars().map(|c| if c.is_whitespace() || c == '/' { '-' } else { c });
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters.clone()).collect()
}

fn least_used(serials: &Serials, lot: u128) -> &'static str {
    let fewest = BASE_NAMES.iter().map(|name| serials.last(name)).min().unwrap_or(0);
    let free: Vec<&str> = BASE_NAMES.iter().copied().filter(|name| serials.last(name) == fewest).collect();
    let place = usize::try_from(lot % free.len().max(1) as u128).unwrap_or(0);
    free.get(place).copied().unwrap_or(BASE_NAMES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(base: Option<&str>, kind: Option<&str>) -> NewSession {
        NewSession {
            base_name: base.map(str::to_owned),
            agent_type: kind.map(str::to_owned),
            model: "m".into(),
            framework: Some("f".into()),
            ..NewSession::default()
        }
    }

    #[test]
    fn a_session_gets_a_name_that_takes_a_number() {
        let none = Serials::default();
        assert_eq!(base_name(&new(Some("Argus"), Some("x")), &none, 0).unwrap(), "Argus");
        assert_eq!(base_name(&new(None, Some("code reviewer")), &none, 0).unwrap(), "Code-reviewer");
        for bad in ["", "a b", "a/b", "a\\b", "Argus-3", "-a", ".a", "a:b", "a\u{7}", &"a".repeat(65)] {
            assert!(base_name(&new(Some(bad), None), &none, 0).is_err(), "{bad}");
        }
        assert!(base_name(&new(None, Some("worker-2")), &none, 0).is_err());
    }

    #[test]
    fn names_of_our_own_are_used_evenly() {
        let mut serials = Serials::default();
        for lot in 0..BASE_NAMES.len() {
            let base = base_name(&new(None, None), &serials, lot as u128 * 7).unwrap();
            assert_eq!(serials.next(&base), 1, "{base}");
        }
        let base = base_name(&new(None, None), &serials, 5).unwrap();
        assert_eq!(serials.next(&base), 2);
    }

    #[test]
    fn a_serial_that_any_event_speaks_of_is_not_given_out_again() {
        let mut serials = Serials::default();
        serials.note_all(&json!({
            "actor": {"name": "Argus-3", "base_name": "Argus", "serial": 3},
            "data": {"to": [{"name": "Argus-7", "base_name": "Argus", "serial": 7}]},
        }));
        assert_eq!((serials.next("Argus"), serials.next("Argus")), (8, 9));
        serials.note_all(&json!({"base_name": "Argus", "serial": i64::MAX}));
        serials.note("Argus-99999999999999999999");
        assert_eq!(serials.next("Argus"), 10);
    }
}
