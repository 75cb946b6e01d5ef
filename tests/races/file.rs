//! The log of the file that a crowd has used, held against what the crowd was told.

use std::collections::{BTreeMap, BTreeSet};

use lattice::domain::event::kind;
use lattice::domain::{Event, Subject};
use serde_json::Value;

use crate::call::{Answer, Call, Wish};
use crate::support::Project;

/// All events, in order of arrival.
pub struct File {
    pub events: Vec<Event>,
    /// Places of events by their ids.
    places: BTreeMap<String, usize>,
    /// Places of the events of each task by its id, of each resource by its name.
    of: BTreeMap<String, Vec<usize>>,
}

/// The event that an answer names: the last of the task or resource at that moment.
pub fn named(call: &Call) -> Option<&str> {
    let Answer::Data(data) = &call.answer else { return None };
    // `archive` answers with its event.
    data["last_event_id"].as_str().or_else(|| data["id"].as_str().filter(|id| id.starts_with("ev_")))
}

impl File {
    /// Asks the program for all of it. Every event is there once, causes sort before effects, and each
    /// knew the one before it.
    pub fn read(project: &Project) -> Self {
        let text = project.ok(["events", "--json"]);
        let events: Vec<Event> = text
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                Event::parse(&line["event"].to_string()).unwrap()
            })
            .collect();
        let late = events.windows(2).find(|pair| pair[0].key >= pair[1].key);
        assert!(late.is_none(), "a later event sorts before an earlier one: {late:?}");
        let mut names = BTreeMap::new();
        let (mut places, mut of) = (BTreeMap::new(), BTreeMap::new());
        for (place, event) in events.iter().enumerate() {
            assert_eq!(places.insert(event.id.to_string(), place), None, "twice: {event:?}");
            let name = match &event.subject {
                Subject::Task(task) => task.to_string(),
                Subject::Resource(id) => {
                    if event.kind == kind::RESOURCE_CREATED {
                        names.insert(id.clone(), event.text("name").unwrap().to_owned());
                    }
                    names[id].clone()
                }
                Subject::Instance => "the tracker".to_owned(),
            };
            let known: &mut Vec<usize> = of.entry(name).or_default();
            let before: Vec<&str> = known.last().map(|last| events[*last].id.as_str()).into_iter().collect();
            let parents = event.parents.iter().flatten().map(|id| id.as_str());
            assert!(parents.eq(before), "written without a look at what was before it: {event:?}");
            known.push(place);
        }
        Self { events, places, of }
    }

    /// Places of the events of a task or a resource.
    pub fn events_of(&self, name: &str) -> &[usize] {
        self.of.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who wrote the event of this id.
    pub fn author_of(&self, id: &str) -> Option<&str> {
        self.places.get(id).map(|place| self.events[*place].actor.display())
    }

    /// What the killed calls left, by their places in the log: of each the task or resource that it
    /// changed. Each left the events of one transaction about one thing, or none.
    pub fn left_by_the_killed(&self, calls: &[Call]) -> BTreeMap<usize, String> {
        let mut left: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
        for (name, places) in &self.of {
            for place in places {
                let actor = self.events[*place].actor.display();
                left.entry(actor).or_default().push((*place, name));
            }
        }
        let killed = calls.iter().enumerate().filter(|(_, call)| matches!(call.answer, Answer::Killed));
        killed
            .filter_map(|(place, call)| {
                let found = left.get(call.actor.as_str())?;
                let names: BTreeSet<&str> = found.iter().map(|(_, name)| *name).collect();
                let in_a_row = found.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
                assert!(names.len() == 1 && in_a_row, "{call:?} was killed and left {found:?}");
                Some((place, found[0].1.to_owned()))
            })
            .collect()
    }

    /// No answer is older than the file as anybody had been shown it before the question: everything
    /// about a task that arrived up to then is in what is said of it. A list is of one moment.
    pub fn is_in_the_order_of_the_answers(&self, calls: &[Call]) {
        let mut ended: Vec<(u64, usize)> =
            calls.iter().filter_map(|call| Some((call.returned, self.seen_by(call)?))).collect();
        ended.sort_unstable();
        let mut ended = ended.into_iter().peekable();
        let mut seen = 0;
        for call in calls {
            while let Some((_, place)) = ended.next_if(|(returned, _)| *returned < call.invoked) {
                seen = seen.max(place);
            }
            let moment = match call.wish {
                Wish::List => seen.max(self.seen_by(call).unwrap_or_default()),
                _ => seen,
            };
            for place in self.named_by(call) {
                let next = self.next_about_the_same(place);
                assert!(
                    next.is_none_or(|next| next > moment),
                    "{call:?} tells of event {place}, and not of {next:?}, although {moment} had been told of"
                );
            }
        }
    }

    /// The last event that an answer tells of.
    fn seen_by(&self, call: &Call) -> Option<usize> {
        self.named_by(call).into_iter().max()
    }

    fn named_by(&self, call: &Call) -> Vec<usize> {
        let place = |id: &str| {
            let found = self.places.get(id).copied();
            found.unwrap_or_else(|| panic!("{call:?} tells of {id}, which is not in the file"))
        };
        match (&call.wish, &call.answer) {
            (Wish::List, Answer::Data(rows)) => {
                let rows = rows.as_array().unwrap();
                rows.iter().map(|row| place(row["last_event_id"].as_str().unwrap())).collect()
            }
            _ => named(call).map(place).into_iter().collect(),
        }
    }

    fn next_about_the_same(&self, place: usize) -> Option<usize> {
        let mut of = self.of.values().filter_map(|places| {
            let at = places.binary_search(&place).ok()?;
            Some(places.get(at + 1).copied())
        });
        of.next().unwrap()
    }
}
