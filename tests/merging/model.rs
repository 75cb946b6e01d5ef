//! What authors knew, worked out apart from the product: from the parents of events alone, pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use lattice::domain::Event;
use lattice::domain::event::kind;
use serde_json::Value;

type Ids = BTreeSet<String>;

fn parents(event: &Event) -> Option<Ids> {
    Some(event.parents.as_ref()?.iter().map(ToString::to_string).collect())
}

/// The ends of each history, as what has arrived in one clone leaves them.
#[derive(Default)]
pub struct Known {
    ends: BTreeMap<String, Ids>,
    named: BTreeMap<String, Ids>,
    /// Histories with events that name no parents: the predecessor's.
    unlinked: Ids,
}

impl Known {
    /// Hears of an event. One that was made here names all ends of its history, and nothing else. Whether
    /// that was to be seen.
    pub fn arrived(&mut self, event: &Event, is_made_here: bool) -> bool {
        let history = format!("{:?}", event.subject);
        let Some(parents) = parents(event) else {
            self.unlinked.insert(history);
            return false;
        };
        let ends = self.ends.entry(history.clone()).or_default();
        let is_seen = is_made_here && !self.unlinked.contains(&history);
        if is_seen {
            assert_eq!(parents, *ends, "what the author knew: {}", event.raw());
        }
        ends.retain(|end| !parents.contains(end));
        let named = self.named.entry(history).or_default();
        named.extend(parents);
        if !named.contains(event.id.as_str()) {
            ends.insert(event.id.to_string());
        }
        is_seen
    }
}

/// What an event sets, and to what.
fn set(event: &Event) -> Option<(String, String)> {
    let (what, member) = match event.kind.as_str() {
        kind::STATUS_CHANGED => ("status", "to"),
        kind::ASSIGNMENT_CHANGED => ("assigned_to", "to"),
        kind::PLAN_UPDATED => ("plan", "body"),
        kind::NOTES_UPDATED => ("notes", "body"),
        kind::FIELD_UPDATED => (event.text("field")?, "to"),
        _ => return None,
    };
    Some((what.to_owned(), event.data.get(member).unwrap_or(&Value::Null).to_string()))
}

/// What authors who did not know of each other set to different values, and nobody since who knew of both.
/// `None` where that takes more than parents to tell.
pub fn contested(history: &[&Event]) -> Option<BTreeSet<String>> {
    let by_id: BTreeMap<&str, &Event> = history.iter().map(|event| (event.id.as_str(), *event)).collect();
    let mut sets: BTreeMap<String, Vec<(&str, String, Ids)>> = BTreeMap::new();
    for event in history {
        if event.redacted.is_some() || event.kind == kind::CONFLICT_SETTLED {
            return None;
        }
        let Some((what, value)) = set(event) else { continue };
        let mut knew = Ids::new();
        let mut next: Vec<String> = parents(event)?.into_iter().collect();
        while let Some(id) = next.pop() {
            if let (true, Some(parent)) = (knew.insert(id.clone()), by_id.get(id.as_str())) {
                next.extend(parents(parent)?);
            }
        }
        sets.entry(what).or_default().push((event.id.as_str(), value, knew));
    }
    sets.retain(|_, sets| {
        let last = sets.iter().filter(|(id, ..)| !sets.iter().any(|(.., knew)| knew.contains(*id)));
        last.map(|(_, value, _)| value).collect::<BTreeSet<_>>().len() > 1
    });
    Some(sets.into_keys().collect())
}

/// Whether [`contested`] looks at this at all.
pub fn is_looked_at(what: &str) -> bool {
    !what.contains(' ') && !["short_id", "archived", "context"].contains(&what)
}
