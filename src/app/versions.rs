//! What was written before: the versions of a text, and a task's whole history.

use super::{App, Failure, resolve};
use crate::domain::event::{Event, kind};
use crate::domain::{EventId, Task};
use crate::store::TextKind;

/// One version of a plan or of notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The event that wrote it.
    pub event: EventId,
    /// When.
    pub ts: String,
    /// The author's name.
    pub actor: String,
    /// The text.
    pub body: String,
    /// Whether it is what reads now.
    pub holds: bool,
}

impl App {
    /// A task with every version of its plan or notes, oldest first; also those that lost against
    /// another clone's.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn versions(&self, text: &str, of: TextKind) -> Result<(Task, Vec<Version>), Failure> {
        self.read(|reader| {
            let task = resolve::task(reader, text)?;
            let kind = match of {
                TextKind::Plan => kind::PLAN_UPDATED,
                TextKind::Notes => kind::NOTES_UPDATED,
            };
            let now = reader.find_text(of, &task.id)?.map(|text| text.event_id);
            let version = |event: &Event| {
                Some(Version {
                    event: event.id.clone(),
                    ts: event.ts.clone(),
                    actor: event.actor.display().to_owned(),
                    body: event.text("body")?.to_owned(),
                    holds: now.as_deref() == Some(event.id.as_str()),
                })
            };
            let history = reader.history(&task.id)?;
            let versions = history.iter().filter(|e| e.kind == kind).filter_map(version).collect();
            Ok((task, versions))
        })
    }
}
