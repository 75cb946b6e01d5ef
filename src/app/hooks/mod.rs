//! Hooks: commands of the configuration that run after a commit, when the lock and the file are
//! let go, on every surface alike. Nothing runs that was not trusted on this machine.

mod run;
mod trust;

use std::path::PathBuf;

use crate::app::{App, Failure, Outcome};
use crate::domain::hooks::{self, Hook};
use crate::domain::{Config, Event, Subject};
use crate::store::Reader;

pub use run::{HookReport, run};
pub use trust::{Standing, Trust, hook_id};

/// An event that was committed, with the hooks that it calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// What it calls, in order.
    pub hooks: Vec<Hook>,
    /// The event.
    pub event: Event,
    /// The name of the resource that it is about, if it is about one.
    pub resource: Option<String>,
}

/// What is still to be run when a tracker has been closed.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// The `.lattice/` with the database: what trust is bound to.
    pub lattice: PathBuf,
    /// The folder that commands of hooks run in.
    pub project: PathBuf,
    /// In order of the events.
    pub due: Vec<Due>,
}

/// The hooks that events call. Costs nothing where none are configured.
pub(super) fn due(reader: &Reader<'_>, config: &Config, events: &[Event]) -> Result<Vec<Due>, Failure> {
    let mut due = Vec::new();
    for event in events {
        let hooks = hooks::called(config, event);
        if hooks.is_empty() {
            continue;
        }
        let resource = match &event.subject {
            Subject::Resource(id) => reader.resource_of_id(id.as_str())?,
            _ => None,
        };
        due.push(Due { hooks, event: event.clone(), resource });
    }
    Ok(due)
}

impl App {
    /// Remembers the hooks of what was committed, until the file is let go.
    pub(super) fn remember_hooks(&mut self, outcome: &Outcome) {
        self.due.extend(outcome.due.iter().cloned());
    }

    /// Takes what is to be run now that all is committed. Let go of the tracker first.
    pub fn take_hooks(&mut self) -> Pending {
        Pending {
            lattice: self.root.lattice.clone(),
            project: self.root.project.clone(),
            due: std::mem::take(&mut self.due),
        }
    }
}
