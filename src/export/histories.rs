//! The events of a tree, by what they are about.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::app::{Place, Sourced, holding};
use crate::domain::event::kind;
use crate::domain::id::{EventId, SortKey, TaskId};
use crate::domain::short_id::{NumberClaim, ShortId, shown_numbers};
use crate::domain::{Event, Subject};

/// All events read so far, each once.
#[derive(Debug, Default)]
pub(super) struct Histories {
    events: Vec<Sourced<Event>>,
    first: HashMap<EventId, usize>,
    tasks: BTreeMap<TaskId, Vec<usize>>,
    instance: Vec<usize>,
}

impl Histories {
    /// Adds events. One that is there already is left out; a tombstone takes the place of its event.
    /// One whose id is there with other content is kept for the merge to refuse, with both places,
    /// and counts for nothing here.
    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = Sourced<Event>>) {
        for event in events {
            let place = self.events.len();
            let known = *self.first.entry(event.item.id.clone()).or_insert(place);
            if known != place {
                let other = &self.events[known].item;
                match holding(other, &event.item) {
                    _ if other.raw() == event.item.raw() => {}
                    Some(held) if held.raw() == other.raw() => {}
                    Some(_) => self.events[known] = event,
                    None => self.events.push(event),
                }
                continue;
            }
            match &event.item.subject {
                Subject::Task(id) => match self.tasks.get_mut(id) {
                    Some(places) => places.push(place),
                    None => drop(self.tasks.insert(id.clone(), vec![place])),
                },
                Subject::Instance => self.instance.push(place),
                Subject::Resource(_) => {}
            }
            self.events.push(event);
        }
    }

    /// Adds events from a log of copies. What stands in a log of its own counts from there, so only
    /// events that stand nowhere else come in; for copies that say something else there are places.
    pub(super) fn extend_with_copies(
        &mut self,
        copies: impl IntoIterator<Item = Sourced<Event>>,
    ) -> Vec<Place> {
        let mut other = Vec::new();
        for copy in copies {
            match self.first.get(&copy.item.id).and_then(|place| self.events.get(*place)) {
                Some(known) if known.item.raw() == copy.item.raw() => {}
                Some(known) => match holding(&known.item, &copy.item) {
                    Some(_) => self.extend([copy]),
                    None => other.push(copy.place),
                },
                None => self.extend([copy]),
            }
        }
        other
    }

    /// The tasks that there are events of.
    pub(super) fn task_ids(&self) -> Vec<TaskId> {
        self.tasks.keys().cloned().collect()
    }

    /// The texts of all events that have copies in the log of all lifecycles.
    pub(super) fn lifecycles(&self) -> impl Iterator<Item = &str> {
        let events = self.events.iter().map(|sourced| &sourced.item);
        events.filter(|event| kind::LIFECYCLE.contains(&event.kind.as_str())).map(Event::raw)
    }

    /// A task's history in canonical order, empty if there is none.
    pub(super) fn of_task(&self, id: &TaskId) -> Vec<&Event> {
        self.in_order(self.tasks.get(id).map_or(&[], Vec::as_slice))
    }

    /// The tracker's own history in canonical order.
    pub(super) fn of_instance(&self) -> Vec<Event> {
        self.in_order(&self.instance).into_iter().cloned().collect()
    }

    /// The short id that each task shows, as the claims of all of them leave it, with those of
    /// others that were not read: (task, what it claims, the claim's place).
    pub(super) fn shown_short_ids<'a>(
        &'a self,
        others: impl IntoIterator<Item = (&'a TaskId, ShortId, &'a str)>,
    ) -> BTreeMap<TaskId, ShortId> {
        let mut claims: BTreeMap<String, Vec<(i64, &str, &TaskId)>> = BTreeMap::new();
        for (id, short_id, key) in others {
            claims.entry(short_id.prefix).or_default().push((short_id.number, key, id));
        }
        for (id, places) in &self.tasks {
            let mut history: Vec<&Event> = places.iter().map(|place| &self.events[*place].item).collect();
            history.sort_by(|a, b| a.key.cmp(&b.key));
            let Some(created) = history.iter().position(|e| e.kind == kind::TASK_CREATED) else { continue };
            let claim = |e: &&'a Event| Some((ShortId::parse(e.text("short_id")?)?, e.key.as_str()));
            let later = history.iter().rev().filter(|e| e.kind == kind::SHORT_ID_ASSIGNED).find_map(claim);
            let claim = later.or_else(|| claim(&history[created]));
            if let Some((short_id, key)) = claim {
                claims.entry(short_id.prefix).or_default().push((short_id.number, key, id));
            }
        }
        let mut shown = BTreeMap::new();
        for (prefix, claims) in claims {
            let texts: Vec<NumberClaim<'_>> =
                claims.iter().map(|(number, key, id)| (*number, *key, id.as_str())).collect();
            for (id, number) in shown_numbers(&texts) {
                if let Some(id) = TaskId::parse_foreign(id) {
                    shown.insert(id, ShortId { prefix: prefix.clone(), number });
                }
            }
        }
        shown
    }

    fn in_order(&self, places: &[usize]) -> Vec<&Event> {
        let mut history: Vec<&Event> = places.iter().map(|place| &self.events[*place].item).collect();
        history.sort_by(|a, b| a.key.cmp(&b.key));
        history
    }

    /// The place in the canonical order of the first event of all.
    pub(super) fn earliest(&self) -> Option<&SortKey> {
        self.events.iter().map(|e| &e.item.key).min()
    }

    /// All events in the order in which they were read.
    pub(super) fn into_events(self) -> Vec<Sourced<Event>> {
        self.events
    }
}
