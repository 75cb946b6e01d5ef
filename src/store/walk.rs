//! Walking the log for the sums, from whatever it is read.

use foldhash::{HashMap, HashMapExt};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::StoreError;
use super::search_index::BATCH as BLOCK;
use super::tallies::{Kind, Tallies, Tally};
use crate::domain::Timestamp;
use crate::domain::event::{Event, kind};

/// Something that begins or ends a stay in a status. The creation counts first, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    later: bool,
    key: String,
    turn: Turn,
    at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Created(String),
    Moved(String),
    Archived,
    Unarchived,
}

/// What of an event tells whether it is a mark. The whole text is needed of creations and moves only.
pub(super) struct EventColumns<'a> {
    pub(super) key: &'a str,
    pub(super) kind: &'a str,
    pub(super) ts: &'a str,
    pub(super) raw: &'a str,
}

/// What of an event's text a mark needs.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

/// The text that a member of an event's data is, `None` where it is something else. SQLite would read
/// the whole event into a form of its own first.
fn member(raw: &str, of: impl Fn(&Data<'_>) -> Option<String>) -> Result<Option<String>, StoreError> {
    let said: Said<'_> = serde_json::from_str(raw)
        .map_err(|error| StoreError::Corrupt { detail: format!("a stored event does not read: {error}") })?;
    Ok(said.data.and_then(|data| of(&serde_json::from_str(data.get()).ok()?)))
}

fn text(json: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(json?.get()).ok()
}

impl Mark {
    /// `None` for events of other types and for what the fold gives no meaning to.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let said = match event.kind.as_str() {
            kind::TASK_CREATED => event.text("status"),
            kind::STATUS_CHANGED => event.text("to"),
            _ => None,
        };
        Self::made(event.key.as_str(), &event.kind, &event.ts, said.map(str::to_owned))
    }

    /// The same from the log.
    pub(super) fn read(event: &EventColumns<'_>) -> Result<Option<Self>, StoreError> {
        let said = match event.kind {
            kind::TASK_CREATED => member(event.raw, |data| text(data.status))?,
            kind::STATUS_CHANGED => member(event.raw, |data| text(data.to))?,
            _ => None,
        };
        Ok(Self::made(event.key, event.kind, event.ts, said))
    }

    /// `said` is the status that a creation or a move names.
    fn made(key: &str, kind: &str, ts: &str, said: Option<String>) -> Option<Self> {
        let turn = match kind {
            kind::TASK_CREATED => Turn::Created(said.unwrap_or_default()),
            kind::STATUS_CHANGED => Turn::Moved(said?),
            kind::TASK_ARCHIVED => Turn::Archived,
            kind::TASK_UNARCHIVED => Turn::Unarchived,
            _ => return None,
        };
        let at = Timestamp::parse(ts).map(Timestamp::seconds)?;
        let later = !matches!(turn, Turn::Created(_));
        Some(Self { later, key: key.to_owned(), turn, at })
    }
}

/// A walk through what came behind that which is summed up.
pub(super) struct Walk {
    tallies: Tallies,
    latest: i64,
    of_tasks: HashMap<String, Vec<Mark>>,
    by_actor: HashMap<String, i64>,
    span: Span,
}

impl Walk {
    pub(super) fn behind(tallies: Tallies) -> Self {
        let latest = tallies.until().count;
        Self { tallies, latest, of_tasks: HashMap::new(), by_actor: HashMap::new(), span: Span::default() }
    }

    /// Passes an event about a task.
    pub(super) fn event(&mut self, seq: i64, task: &str, actor: &str, key: &str, mark: Option<Mark>) {
        match self.by_actor.get_mut(actor) {
            Some(count) => *count += 1,
            None => drop(self.by_actor.insert(actor.to_owned(), 1)),
        }
        self.span.add(seq, key, &mut self.tallies);
        let Some(mark) = mark else { return };
        self.latest = self.latest.max(mark.at);
        if mark.turn == Turn::Moved("done".to_owned()) {
            self.tallies.add(Kind::Done, &Timestamp::from_seconds(mark.at).week(), 1, 0);
        }
        match self.of_tasks.get_mut(task) {
            Some(marks) => marks.push(mark),
            None => drop(self.of_tasks.insert(task.to_owned(), vec![mark])),
        }
    }

    /// Ends at this place in the log. `before` gives the marks of a task in what was summed up already.
    /// What goes on counts as begun at `now`, if it begins later.
    pub(super) fn end(
        mut self,
        end: i64,
        now: i64,
        before: impl Fn(&str) -> Result<Vec<Mark>, StoreError>,
    ) -> Result<Tallies, StoreError> {
        self.span.end(&mut self.tallies);
        let mut tallies = self.tallies;
        for (actor, count) in self.by_actor {
            tallies.add(Kind::Actor, &actor, count, 0);
        }
        for (task, mut marks) in self.of_tasks {
            let mut before = before(&task)?;
            before.sort_unstable();
            count(&mut tallies, &before, now, -1);
            marks.append(&mut before);
            marks.sort_unstable();
            count(&mut tallies, &marks, now, 1);
        }
        tallies.reach(Tally { count: self.latest, total: end });
        Ok(tallies)
    }
}

/// Adds up how long a task was in which status, or takes it away. Nothing counts while it is
/// archived, nor anything before a creation.
fn count(tallies: &mut Tallies, marks: &[Mark], now: i64, sign: i64) {
    let mut status: Option<&str> = None;
    let mut begun: Option<i64> = None;
    let mut end = |status: Option<&str>, begun: Option<i64>, at: i64| {
        if let (Some(status), Some(begun)) = (status, begun) {
            // A clock may have been set back meanwhile.
            tallies.add(Kind::Stay, status, sign, sign * (at - begun).max(0));
        }
    };
    for Mark { turn, at, .. } in marks {
        match turn {
            Turn::Created(first) if status.is_none() => (status, begun) = (Some(first.as_str()), Some(*at)),
            Turn::Moved(to) if status.is_some_and(|status| status != to) => {
                end(status, begun, *at);
                (status, begun) = (Some(to.as_str()), begun.map(|_| *at));
            }
            Turn::Archived => {
                end(status, begun, *at);
                begun = None;
            }
            Turn::Unarchived if begun.is_none() => begun = Some(*at),
            _ => {}
        }
    }
    if let (Some(status), Some(begun)) = (status, begun) {
        tallies.add(Kind::Going, status, sign, sign * begun.min(now));
    }
}

/// A block of the log in the making.
#[derive(Default)]
struct Span {
    block: i64,
    last_key: String,
    count: i64,
}

impl Span {
    fn add(&mut self, seq: i64, key: &str, tallies: &mut Tallies) {
        let block = (seq - 1) / BLOCK;
        if block != self.block {
            self.end(tallies);
            self.block = block;
        }
        self.count += 1;
        if key > self.last_key.as_str() {
            key.clone_into(&mut self.last_key);
        }
    }

    fn end(&mut self, tallies: &mut Tallies) {
        if self.count > 0 {
            tallies.add(Kind::Span, &self.last_key, self.count, self.block * BLOCK + 1);
        }
        (self.count, self.last_key) = (0, String::new());
    }
}
