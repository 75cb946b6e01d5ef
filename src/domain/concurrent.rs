//! Changes of one thing by authors who did not know of each other.
//!
//! Each event names the heads of its history as its author saw it, so "did not know" is a fact of
//! the history and not a guess from clocks.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::event::{Event, kind};
use super::id::EventId;

/// A thing that was changed on both sides, and not since by somebody who saw both.
#[derive(Clone, Debug, PartialEq)]
pub struct Concurrent {
    /// What was changed: a field's name, `plan`, `comment ev_…`, `config /a/b`, …
    pub what: String,
    /// The change that holds.
    pub holds: Change,
    /// The changes that do not, latest first.
    pub lost: Vec<Change>,
}

/// One change of a thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The event that made it.
    pub event: EventId,
    /// When.
    pub ts: String,
    /// The author's name.
    pub actor: String,
    /// What it was changed to; null where it was taken away.
    pub value: Value,
}

/// Sides that a history may have. Clones that work make a few; only a history that somebody made up
/// has more, and telling them apart would take memory without bound.
const SIDES: usize = 128;

/// What was changed concurrently in one history, given in canonical order. A history with more than
/// 128 sides tells of nothing.
#[must_use]
pub fn concurrent_changes(history: &[Event]) -> Vec<Concurrent> {
    let Some(knowledge) = Knowledge::of(history) else { return Vec::new() };
    let mut latest: BTreeMap<String, Writes> = BTreeMap::new();
    for (place, event) in history.iter().enumerate() {
        for what in settled(event) {
            if let Some(writes) = latest.get_mut(what) {
                writes.settle(what, place, history, &knowledge);
            }
        }
        if let Some((what, _)) = change(event) {
            let writes = latest.entry(what).or_default();
            writes.open.retain(|earlier| !knowledge.knows(place, *earlier));
            writes.open.push(place);
            writes.all.push(place);
        }
    }
    let concurrent = |(what, writes): (String, Writes)| {
        let mut changes: Vec<Change> =
            writes.open.into_iter().filter_map(|at| made_by(&history[at])).collect();
        if changes.iter().all(|c| c.value == changes[0].value) {
            return None;
        }
        let holds = changes.remove(holder(&what, changes.iter().map(|change| &change.value)));
        changes.retain(|change| change.value != holds.value);
        changes.reverse();
        Some(Concurrent { what, holds, lost: changes })
    };
    latest.into_iter().filter_map(concurrent).collect()
}

/// The changes of one thing, by their places in the history.
#[derive(Default)]
struct Writes {
    /// Those that no later author replaced who knew of them.
    open: Vec<usize>,
    all: Vec<usize>,
}

impl Writes {
    /// Lets go of all that the author at `place` knew, but for the change that held for them. Who
    /// replaced that one meanwhile has nothing to do with the others either.
    fn settle(&mut self, what: &str, place: usize, history: &[Event], knowledge: &Knowledge) {
        let known: Vec<usize> = self.all.iter().copied().filter(|at| knowledge.knows(place, *at)).collect();
        if known.is_empty() {
            return;
        }
        let values: Vec<Value> = known
            .iter()
            .map(|at| change(&history[*at]).map(|(_, value)| value).unwrap_or_default())
            .collect();
        let kept = known[holder(what, values.iter())];
        self.open.retain(|at| *at == kept || !known.contains(at));
    }
}

/// Which of these values, in canonical order and at least one, holds: the latest, but a comment that
/// was deleted stays deleted.
fn holder<'a>(what: &str, values: impl ExactSizeIterator<Item = &'a Value>) -> usize {
    let last = values.len() - 1;
    let is_comment = what.starts_with("comment ");
    let deleted = values.into_iter().position(|value| is_comment && value.is_null());
    deleted.unwrap_or(last)
}

/// What an event says that its author has seen both sides of, and leaves as it is.
fn settled(event: &Event) -> impl Iterator<Item = &str> {
    let list = match event.kind.as_str() {
        kind::CONFLICT_SETTLED => event.data.get("what").and_then(Value::as_array),
        _ => None,
    };
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// What an event changes, and to what; `None` for events that only add.
fn change(event: &Event) -> Option<(String, Value)> {
    let get = |key: &str| event.data.get(key).cloned().unwrap_or(Value::Null);
    let named = |name: &str, value: Value| Some((name.to_owned(), value));
    let link = |there: bool| {
        let (kind, target) = (event.text("type")?, event.text("target_task_id")?);
        Some((format!("{kind} {target}"), there.into()))
    };
    match event.kind.as_str() {
        kind::STATUS_CHANGED => named("status", get("to")),
        kind::ASSIGNMENT_CHANGED => named("assigned_to", get("to")),
        kind::FIELD_UPDATED => named(event.text("field")?, get("to")),
        kind::PLAN_UPDATED => named("plan", get("body")),
        kind::NOTES_UPDATED => named("notes", get("body")),
        kind::CONTEXT_UPDATED => named("context", get("body")),
        kind::SHORT_ID_ASSIGNED => named("short_id", get("short_id")),
        kind::TASK_ARCHIVED => named("archived", true.into()),
        kind::TASK_UNARCHIVED => named("archived", false.into()),
        kind::RELATIONSHIP_ADDED => link(true),
        kind::RELATIONSHIP_REMOVED => link(false),
        kind::COMMENT_EDITED => named(&format!("comment {}", event.text("comment_id")?), get("body")),
        kind::COMMENT_DELETED => named(&format!("comment {}", event.text("comment_id")?), Value::Null),
        kind::CONFIG_CHANGED => named(&format!("config {}", event.text("path")?), get("to")),
        _ => None,
    }
}

fn made_by(event: &Event) -> Option<Change> {
    let (_, value) = change(event)?;
    Some(Change {
        event: event.id.clone(),
        ts: event.ts.clone(),
        actor: event.actor.display().to_owned(),
        value,
    })
}

/// Which events each event's author had seen, as a vector clock: the history is cut into chains,
/// and an event knows each chain up to some place. Two clones make two chains, so the clocks stay
/// short however long the history is.
struct Knowledge {
    /// The chain of each event, and its place in it, from 1.
    places: Vec<(usize, u32)>,
    /// How far each event knows each chain, itself included.
    clocks: Vec<Vec<u32>>,
}

impl Knowledge {
    fn of(history: &[Event]) -> Option<Self> {
        let mut known = Self { places: Vec::new(), clocks: Vec::new() };
        let mut by_id: HashMap<&EventId, usize> = HashMap::with_capacity(history.len());
        // The last event of each chain.
        let mut ends: Vec<usize> = Vec::new();
        let mut last_unlinked: Option<usize> = None;
        for (at, event) in history.iter().enumerate() {
            let parents: Vec<usize> = match &event.parents {
                Some(parents) => parents.iter().filter_map(|id| by_id.get(id).copied()).collect(),
                // The predecessor wrote no parents, and knew one history only.
                None => last_unlinked.replace(at).into_iter().collect(),
            };
            let mut clock: Vec<u32> = Vec::new();
            for parent in &parents {
                let theirs = &known.clocks[*parent];
                clock.resize(clock.len().max(theirs.len()), 0);
                clock.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
            }
            let chain = match ends.iter().position(|end| parents.contains(end)) {
                Some(chain) => chain,
                None if ends.len() == SIDES => return None,
                None => {
                    ends.push(at);
                    ends.len() - 1
                }
            };
            ends[chain] = at;
            clock.resize(clock.len().max(chain + 1), 0);
            clock[chain] += 1;
            known.places.push((chain, clock[chain]));
            known.clocks.push(clock);
            by_id.insert(&event.id, at);
        }
        Some(known)
    }

    /// Whether the author of the one had seen the other.
    fn knows(&self, one: usize, other: usize) -> bool {
        let (chain, place) = self.places[other];
        self.clocks[one].get(chain).is_some_and(|seen| *seen >= place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An event of one letter, with its parents; `-` has no member of that name.
    fn event(name: char, parents: &str, kind: &str, data: Value) -> Event {
        let id = |c: char| format!("ev_01KPH4C22JNABBN4W02JP1GN{:02}", c as u32 - 'a' as u32);
        let mut value = json!({
            "id": id(name), "ts": "2026-04-18T20:26:31Z", "type": kind, "actor": format!("agent:{name}"),
            "task_id": "task_01KPH4C22FWF63BPQ4SET7E5JG", "data": data,
        });
        if parents != "-" {
            value["parents"] = parents.chars().map(id).collect();
        }
        Event::from_value(value).unwrap()
    }

    fn status(name: char, parents: &str, to: &str) -> Event {
        event(name, parents, kind::STATUS_CHANGED, json!({"to": to}))
    }

    /// `what holder>losers`, authors by letter.
    fn found(history: &[Event]) -> Vec<String> {
        let letter = |change: &Change| change.actor.replace("agent:", "");
        let line = |c: Concurrent| {
            let lost: String = c.lost.iter().map(letter).collect();
            format!("{} {}>{lost}", c.what, letter(&c.holds))
        };
        concurrent_changes(history).into_iter().map(line).collect()
    }

    fn created() -> Event {
        event('a', "", kind::TASK_CREATED, json!({"title": "t"}))
    }

    #[test]
    fn one_after_the_other_is_no_conflict() {
        assert!(found(&[created(), status('b', "a", "planned"), status('c', "b", "done")]).is_empty());
    }

    #[test]
    fn two_who_did_not_know_of_each_other_are_found_until_a_third_knew_both() {
        let fork = [created(), status('b', "a", "planned"), status('c', "a", "done")];
        assert_eq!(found(&fork), ["status c>b"]);
        let settled = [fork.as_slice(), &[status('d', "bc", "review")]].concat();
        assert!(found(&settled).is_empty());
        // Somebody who saw only one of them settles nothing.
        let apart = [fork.as_slice(), &[status('d', "b", "review")]].concat();
        assert_eq!(found(&apart), ["status d>c"]);
        // Somebody who saw both and changed something else does not either.
        let other = event('d', "bc", kind::FIELD_UPDATED, json!({"field": "title", "to": "x"}));
        assert_eq!(found(&[fork.as_slice(), &[other]].concat()), ["status c>b"]);
    }

    fn settles(name: char, parents: &str) -> Event {
        event(name, parents, kind::CONFLICT_SETTLED, json!({"what": ["status", "nonsense", 7]}))
    }

    #[test]
    fn what_holds_can_be_left_as_it_is_by_somebody_who_knew_both() {
        let fork = [created(), status('b', "a", "planned"), status('c', "a", "done")];
        let and = |more: &[Event]| found(&[fork.as_slice(), more].concat());
        assert!(and(&[settles('d', "bc")]).is_empty());
        // Whoever knew only one side settles nothing.
        assert_eq!(and(&[settles('d', "b")]), ["status c>b"]);
        let other = event('d', "bc", kind::CONFLICT_SETTLED, json!({"what": ["title"]}));
        assert_eq!(and(&[other]), ["status c>b"]);
        // A third side that nobody knew of stands against what was left.
        assert_eq!(and(&[settles('d', "bc"), status('e', "a", "review")]), ["status e>c"]);
        assert_eq!(and(&[status('d', "a", "review"), settles('e', "bc")]), ["status d>c"]);
    }

    #[test]
    fn who_replaced_what_was_left_is_done_with_the_other_side_whatever_the_order() {
        let fork = [created(), status('b', "a", "planned"), status('c', "a", "done")];
        let and = |more: &[Event]| found(&[fork.as_slice(), more].concat());
        assert!(and(&[settles('d', "bc"), status('e', "c", "review")]).is_empty());
        assert!(and(&[status('d', "c", "review"), settles('e', "bc")]).is_empty());
        // Who replaced the loser alone is not.
        assert_eq!(and(&[settles('d', "bc"), status('e', "b", "review")]), ["status e>c"]);
        assert_eq!(and(&[status('d', "b", "review"), settles('e', "bc")]), ["status d>c"]);
    }

    #[test]
    fn a_comment_that_stays_deleted_is_what_is_left() {
        let comment = json!({"comment_id": "ev_x"});
        let history = [
            created(),
            event('b', "a", kind::COMMENT_DELETED, comment),
            event('c', "a", kind::COMMENT_EDITED, json!({"comment_id": "ev_x", "body": "new"})),
            event('d', "bc", kind::CONFLICT_SETTLED, json!({"what": ["comment ev_x"]})),
            event('e', "a", kind::COMMENT_EDITED, json!({"comment_id": "ev_x", "body": "other"})),
        ];
        assert!(found(&history[..4]).is_empty());
        assert_eq!(found(&history), ["comment ev_x b>e"]);
    }

    #[test]
    fn three_sides_and_a_side_that_went_on_are_told_apart() {
        let history = [
            created(),
            status('b', "a", "planned"),
            status('c', "a", "review"),
            status('d', "b", "in_progress"),
            status('e', "a", "done"),
            status('f', "dc", "review"),
        ];
        assert_eq!(found(&history), ["status f>e"]);
        assert_eq!(found(&history[..5]), ["status e>dc"]);
    }

    #[test]
    fn the_same_on_both_sides_and_other_fields_are_no_conflict() {
        let history = [
            created(),
            status('b', "a", "done"),
            status('c', "a", "done"),
            event('d', "a", kind::ASSIGNMENT_CHANGED, json!({"to": "agent:d"})),
        ];
        assert!(found(&history).is_empty());
    }

    #[test]
    fn a_deleted_comment_stays_deleted() {
        let comment = json!({"comment_id": "ev_x"});
        let history = [
            created(),
            event('b', "a", kind::COMMENT_DELETED, comment.clone()),
            event('c', "a", kind::COMMENT_EDITED, json!({"comment_id": "ev_x", "body": "new"})),
        ];
        assert_eq!(found(&history), ["comment ev_x b>c"]);
    }

    #[test]
    fn a_history_of_countless_sides_tells_of_none_and_takes_little() {
        let id = |n: usize| format!("ev_01KPH4C22JNABBN4W02J{n:06}");
        let side = |n: usize| {
            let mut event = status('b', "", "planned").value();
            event["id"] = id(n).into();
            event["data"]["to"] = n.into();
            Event::from_value(event).unwrap()
        };
        let history: Vec<Event> = (0..20_000).map(side).collect();
        assert!(concurrent_changes(&history).is_empty());
        assert_eq!(concurrent_changes(&history[..SIDES])[0].lost.len(), SIDES - 1);
    }

    #[test]
    fn histories_without_parents_are_taken_as_one_line() {
        let history = [
            event('a', "-", kind::TASK_CREATED, json!({"title": "t"})),
            status('b', "-", "planned"),
            status('c', "-", "done"),
        ];
        assert!(found(&history).is_empty());
    }
}
