//! Tombstones on their way from one clone to another: wherever one meets its event, it wins.

use foldhash::{HashMap, HashMapExt};

use super::bulk::{ImportSet, Sourced};
use super::facts::fingerprint;
use super::{Code, Failure};
use crate::domain::{Event, Subject, redact};

/// Which of two contents of one id holds, if one is the other's tombstone.
#[must_use]
pub fn holding<'a>(a: &'a Event, b: &'a Event) -> Option<&'a Event> {
    redact::holding(a, b, fingerprint)
}

/// Every event of a set once, in the order in which they were read. Git may have left an event and
/// its tombstone side by side.
///
/// # Errors
/// `IMPORT_CONFLICT` where one id has two contents, with both places.
pub(super) fn each_once(set: &ImportSet, foreign: bool) -> Result<Vec<&Sourced<Event>>, Failure> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(set.events.len());
    let mut events: Vec<&Sourced<Event>> = Vec::with_capacity(set.events.len());
    for sourced in &set.events {
        let event = &sourced.item;
        if foreign && event.subject == Subject::Instance {
            continue;
        }
        let Some(place) = places.get(event.id.as_str()).copied() else {
            places.insert(event.id.as_str(), events.len());
            events.push(sourced);
            continue;
        };
        let other = events[place];
        match holding(&other.item, event) {
            _ if other.item.raw() == event.raw() => {}
            Some(held) if held.raw() == event.raw() => events[place] = sourced,
            Some(_) => {}
            None => {
                return Err(Failure::new(
                    Code::ImportConflict,
                    format!(
                        "event {} stands at {} and, with other content, at {}",
                        event.id, other.place, sourced.place
                    ),
                )
                .hint("nothing was imported; keep one of the two lines"));
            }
        }
    }
    Ok(events)
}
