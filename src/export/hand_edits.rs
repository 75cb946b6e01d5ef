//! Events for what somebody changed in a file of the tree by hand.
//!
//! Such an event is a pure function of the tree: two clones that read the same tree make the same
//! event, to the byte, so nothing has to be agreed upon and nothing doubles.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::app::{hex, sha256};
use crate::domain::config::{self, Config};
use crate::domain::event::{self, Event, EventBody, Stamp, Subject, kind};
use crate::domain::id::{self, EventId, InstanceId, SortKey};
use crate::domain::{Actor, Timestamp, redact};

/// Who is named as the author: the hand that edited the file is not known.
pub(super) const AUTHOR: &str = "system:import";

/// What hand edits of one subject hang on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base<'a> {
    /// The subject.
    pub(super) subject: &'a Subject,
    /// Its history in the tree, in canonical order.
    pub(super) history: &'a [Event],
    /// Milliseconds that stand for the history's end where there is no history.
    pub(super) origin: u64,
}

impl Base<'_> {
    /// The event that says this. Its time is that of the history's last event, its random bits are
    /// the first 80 of a hash over what it says and all that it hangs on, and it sorts behind the
    /// history's last event. Trees with the same last event may hold different histories: the same
    /// edit in both are two events, because they have other parents.
    pub(super) fn event(&self, kind: &str, data: Map<String, Value>, bytes: &[u8]) -> Event {
        self.event_with(kind, data, bytes, &Stamp::default())
    }

    /// The same with something said about the writing.
    pub(super) fn event_with(
        &self,
        kind: &str,
        data: Map<String, Value>,
        bytes: &[u8],
        stamp: &Stamp,
    ) -> Event {
        let last = self.history.last();
        let at = last.and_then(|e| Timestamp::parse(&e.ts));
        let millis = last.map_or(self.origin, |last| {
            last.key.clock().map_or_else(|| at.map_or(0, Timestamp::millis), |value| (value >> 80) as u64)
        });
        let at = at.unwrap_or_else(|| Timestamp::from_seconds(i64::try_from(millis / 1000).unwrap_or(0)));
        let parents = event::heads(self.history);
        let random = self.random(kind, &parents, bytes);
        let ts = at.to_string();
        let after = |id: &EventId| last.is_none_or(|last| last.key < SortKey::of(id, &ts, true));
        let mut id = EventId::from_value(id::ulid_value(millis, random));
        // One millisecond is enough, but where ids run out nothing could sort behind the last.
        if !after(&id) {
            id = EventId::from_value(id::ulid_value(millis.saturating_add(1), random));
        }
        let body = EventBody { subject: self.subject.clone(), kind: kind.to_owned(), data, id: None };
        Event::compose(body, id, at, &Actor::Plain(AUTHOR.to_owned()), stamp, parents)
    }

    fn random(&self, kind: &str, parents: &[EventId], bytes: &[u8]) -> u128 {
        let subject = match self.subject {
            Subject::Task(id) => id.as_str(),
            Subject::Resource(id) => id.as_str(),
            Subject::Instance => "",
        };
        let base = self.history.last().map_or("", |e| e.id.as_str());
        let parts = [kind, subject, base].into_iter().chain(parents.iter().map(EventId::as_str));
        let mut input = Vec::new();
        // Each part stands behind its length, so that no two lists of parts read the same.
        for part in parts.map(str::as_bytes).chain([bytes]) {
            input.extend((part.len() as u64).to_be_bytes());
            input.extend(part);
        }
        sha256(&input).iter().take(10).fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
    }

    /// The event for a plan, notes or a context that reads differently now.
    pub(super) fn text(&self, kind: &str, body: &str) -> Event {
        let data = Map::from_iter([("body".to_owned(), json!(body))]);
        self.event(kind, data, body.as_bytes())
    }

    /// The events for a configuration that reads differently now: one for each path, or a single
    /// one for the whole document where no event says anything of a configuration yet.
    pub(super) fn config(&self, value: &Value) -> Vec<Event> {
        let known = Config::fold(self.history);
        let nothing = known.value().as_object().is_none_or(Map::is_empty);
        let changes = if nothing {
            vec![(String::new(), Some(value.clone()))]
        } else {
            config::differences(known.value(), value)
        };
        let event = |(path, to): (String, Option<Value>)| {
            let data = match to {
                Some(to) => json!({"path": path, "to": to}),
                None => json!({"path": path, "removed": true}),
            };
            let bytes = crate::domain::json::line(&data);
            let Value::Object(data) = data else { return None };
            Some(self.event(kind::CONFIG_CHANGED, data, bytes.as_bytes()))
        };
        changes.into_iter().filter_map(event).collect()
    }
}

/// The time that the first events of a tree without instance events have: that of the tracker's
/// id, else that of the earliest event, else 1970.
pub(super) fn origin(instance_id: Option<&str>, earliest: Option<&SortKey>) -> u64 {
    instance_id
        .and_then(InstanceId::parse_foreign)
        .and_then(|id| id.value())
        .or_else(|| earliest.and_then(SortKey::clock))
        .map_or(0, |value| (value >> 80) as u64)
}

/// The context as the tracker's events leave it.
pub(super) fn context(history: &[Event]) -> Option<&str> {
    history.iter().rev().find_map(|e| (e.kind == kind::CONTEXT_UPDATED).then(|| e.text("body"))?)
}

/// Whether a configuration is one that somebody with some of these events had: the fold of a
/// beginning of the history, or of an event and all that its writer knew.
pub(super) fn is_known_config(history: &[Event], value: &Value) -> bool {
    versions(history).any(|version| version.value() == value)
}

/// Whether one side of a conflict in the configuration says nothing that the log does not.
pub(super) fn is_side_known(history: &[Event], side: &str) -> bool {
    event::strict_json(side).is_ok_and(|value| is_made_of_known(history, &without_redacted(&value, history)))
}

/// Whether every setting of a configuration reads as it did for somebody with some of these events:
/// one side of a conflict may be what two others made of it, which is no version as a whole.
fn is_made_of_known(history: &[Event], value: &Value) -> bool {
    let versions: Vec<Config> = versions(history).collect();
    let changes = config::differences(Config::fold(history).value(), value);
    let known = |path: &str, to: Option<&Value>| versions.iter().any(|version| version.get(path) == to);
    !versions.is_empty() && changes.iter().all(|(path, to)| known(path, to.as_ref()))
}

/// Those after a beginning come first: they cost one event each, the others a part of the history.
fn versions(history: &[Event]) -> impl Iterator<Item = Config> {
    let beginnings = history.iter().scan(Config::fold([]), |config, event| {
        config.apply(event);
        Some(config.clone())
    });
    let places: HashMap<&EventId, usize> = history.iter().enumerate().map(|(at, e)| (&e.id, at)).collect();
    let known = history.iter().enumerate().filter_map(move |(at, _)| {
        let known = known_to(history, &places, at);
        // An event that knows all before it leaves the configuration as that beginning does.
        let is_beginning = known.iter().rposition(|is_known| *is_known) == Some(at)
            && known[..at].iter().all(|is_known| *is_known);
        let events = history.iter().zip(known).filter(|(_, is_known)| *is_known).map(|(event, _)| event);
        (!is_beginning).then(|| Config::fold(events))
    });
    beginnings.chain(known)
}

/// Which events of a history the one at this place knows: itself, and all before it by their parents.
fn known_to(history: &[Event], places: &HashMap<&EventId, usize>, at: usize) -> Vec<bool> {
    let mut known = vec![false; history.len()];
    let mut open = vec![at];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut known[at], true) {
            open.extend(history[at].parents.iter().flatten().filter_map(|id| places.get(id)));
        }
    }
    known
}

/// A configuration of a file, without settings that say again what is redacted: the file is from
/// before that.
pub(super) fn without_redacted(value: &Value, history: &[Event]) -> Value {
    let folded = Config::fold(history);
    let mut config = Config::new(value.clone());
    let changes = history.iter().filter(|event| event.redacted.is_some());
    for (event, mut path) in changes.filter_map(|event| Some((event, event.text("path")?))) {
        let hashes = redact::hashes([event], &[event.kind.as_str()], "to");
        let hash = |found: &Value| hex(&sha256(crate::domain::json::line(found).as_bytes()));
        if !config.get(path).is_some_and(|found| hashes.contains(&hash(found))) {
            continue;
        }
        let as_folded = |path: &str| match folded.get(path) {
            Some(known) => json!({"path": path, "to": known}),
            None => json!({"path": path, "removed": true}),
        };
        loop {
            if let Value::Object(change) = as_folded(path) {
                config.change(&change);
            }
            // What was there for this setting alone goes with it.
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
            let is_empty = |found: &Value| found.as_object().is_some_and(Map::is_empty);
            if path.is_empty() || folded.get(path).is_some() || !config.get(path).is_some_and(is_empty) {
                break;
            }
        }
    }
    config.value().clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TaskId;

    fn base_event(value: u128, parents: Option<&[&str]>) -> Event {
        let mut event = json!({
            "id": EventId::from_value(value).as_str(), "ts": "2026-07-10T15:32:23Z", "type": "x_a",
            "actor": "human:a", "task_id": TaskId::from_value(1).as_str(), "data": {},
        });
        if let Some(parents) = parents {
            event["parents"] = json!(parents);
        }
        Event::from_value(event).unwrap()
    }

    #[test]
    fn the_same_edit_makes_the_same_event_and_sorts_behind_its_base() {
        let subject = Subject::Task(TaskId::from_value(1));
        let millis = Timestamp::parse("2026-07-10T15:32:23Z").unwrap().millis();
        for random in [0, u128::MAX] {
            for parents in [None, Some(&[][..])] {
                let history = [base_event(id::ulid_value(millis, random), parents)];
                let base = Base { subject: &subject, history: &history, origin: 0 };
                let event = base.text(kind::PLAN_UPDATED, "# A\n");
                assert_eq!(event, base.text(kind::PLAN_UPDATED, "# A\n"));
                assert!(history[0].key < event.key, "{random}");
                assert_eq!(event.parents.as_deref(), Some(&[history[0].id.clone()][..]));
                assert_eq!(event.actor.display(), AUTHOR);
                assert_eq!(event.ts, history[0].ts);
                assert_ne!(event.id, base.text(kind::PLAN_UPDATED, "# B\n").id);
                assert_ne!(event.id, base.text(kind::NOTES_UPDATED, "# A\n").id);
                assert_eq!(Event::parse(event.raw()).unwrap(), event);
            }
        }
    }

    #[test]
    fn the_same_edit_of_two_histories_with_one_end_makes_two_events() {
        let subject = Subject::Task(TaskId::from_value(1));
        let [first, beside, last] = [(1, 0), (2, 1), (3, 1)].map(|(millis, parent)| {
            let parents = (parent > 0).then(|| EventId::from_value(id::ulid_value(parent, 1)));
            base_event(
                id::ulid_value(millis, 1),
                Some(&parents.iter().map(EventId::as_str).collect::<Vec<_>>()),
            )
        });
        let edit =
            |history: &[Event]| Base { subject: &subject, history, origin: 0 }.text(kind::PLAN_UPDATED, "x");
        let (short, long) = (edit(&[first.clone(), last.clone()]), edit(&[first, beside, last]));
        assert_ne!(short.parents, long.parents);
        assert_ne!(short.id, long.id);
    }

    #[test]
    fn an_edit_sorts_behind_a_base_whose_id_is_not_believed() {
        let subject = Subject::Task(TaskId::from_value(1));
        let history = [base_event(id::ulid_value(1, 1), None)];
        let base = Base { subject: &subject, history: &history, origin: 0 };
        assert!(history[0].key < base.text(kind::PLAN_UPDATED, "x").key);
    }

    #[test]
    fn a_configuration_without_a_log_comes_in_as_one_document() {
        let value = json!({"instance_id": "inst_01KPH28QX7HQY25DPM40E9NFP2", "a": {"b": [1]}});
        let origin = origin(value["instance_id"].as_str(), None);
        let base = Base { subject: &Subject::Instance, history: &[], origin };
        let events = base.config(&value);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].ts, "2026-04-18T19:49:46Z");
        assert_eq!(Config::fold(&events).value(), &value);
        let base = Base { subject: &Subject::Instance, history: &events, origin };
        let changed = json!({"instance_id": value["instance_id"], "a": {"b": [1, 2]}, "c": 1.50});
        let more = base.config(&changed);
        assert_eq!(more.len(), 2);
        let mut all = events.clone();
        all.extend(more);
        all.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(Config::fold(&all).value(), &changed);
        assert!(is_known_config(&all, &value) && is_known_config(&all, &changed));
        assert!(!is_known_config(&all, &json!({})));
    }

    #[test]
    fn what_one_of_two_clones_had_is_known() {
        let first = Base { subject: &Subject::Instance, history: &[], origin: 1 }.config(&json!({"a": 1}));
        let base = Base { subject: &Subject::Instance, history: &first, origin: 1 };
        let (left, right) = (base.config(&json!({"a": 1, "b": 1})), base.config(&json!({"a": 1, "c": 1})));
        let mut all = [first.clone(), left, right].concat();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        for value in [json!({"a": 1, "b": 1}), json!({"a": 1, "c": 1}), json!({"a": 1, "b": 1, "c": 1})] {
            assert!(is_known_config(&all, &value) && is_made_of_known(&all, &value), "{value}");
        }
        let (value, other) =
            (json!({"a": 1, "b": 1, "c": 1, "d": 1}), json!({"a": 1, "b": 1, "c": 1, "e": 1}));
        let base = Base { subject: &Subject::Instance, history: &first, origin: 1 };
        let beside = base.config(&json!({"a": 1, "d": 1}));
        // Two heads, and a third beside them that sorts in between: what the first two are together is
        // no version of all three.
        let all = [all, beside].concat();
        assert!(is_made_of_known(&all, &value) && !is_made_of_known(&all, &other));
    }
}
