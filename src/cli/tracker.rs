//! The tracker in the hands of a command: left to the end of the process, not taken apart.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use crate::app::{App, Pending};

/// A tracker that a command has open. The process ends soon, and the system takes back in one go
/// what SQLite would free piece by piece, for a twelfth of the time of a short command; so letting
/// go of it ends the work, bounds the log and gives up the lock, and leaves the rest to the exit.
pub struct Tracker {
    app: Option<App>,
    after: Rc<RefCell<After>>,
}

/// What is left to do and to say when trackers have been let go.
#[derive(Debug, Default)]
pub struct After {
    /// The hooks that are due.
    pub hooks: Vec<Pending>,
    /// What the caller should know.
    pub notices: Vec<String>,
}

impl Tracker {
    /// Takes charge of an open tracker.
    pub fn new(app: App, after: Rc<RefCell<After>>) -> Self {
        Self { app: Some(app), after }
    }

    /// Lets go of it. Dropping does the same.
    pub fn close(self) {}
}

impl Drop for Tracker {
    fn drop(&mut self) {
        if let Some(mut app) = self.app.take() {
            let pending = app.take_hooks();
            let mut after = self.after.borrow_mut();
            if !pending.due.is_empty() {
                after.hooks.push(pending);
            }
            after.notices.extend(app.take_notices());
            drop(after);
            app.leave();
        }
    }
}

impl Deref for Tracker {
    type Target = App;

    fn deref(&self) -> &App {
        self.app.as_ref().expect("only dropping takes it out")
    }
}

impl DerefMut for Tracker {
    fn deref_mut(&mut self) -> &mut App {
        self.app.as_mut().expect("only dropping takes it out")
    }
}
