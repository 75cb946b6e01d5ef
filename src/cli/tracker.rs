//! The tracker in the hands of a command: left to the end of the process, not taken apart.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use crate::app::{App, Pending};

/// A tracker that a command has open. The process ends soon, and the system takes back in one go
/// what SQLite would free piece by piece, for a twelfth of the time of a short command; so letting
/// go of it ends the work, bounds the log and gives up the lock, and leaves the rest to the exit.
/// [`Tracker::close`] leaves nothing, nor does letting go when hooks are due.
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

    /// Closes it for good, for who opens again or goes on for long: nothing is left to the exit.
    pub fn close(mut self) {
        self.end(true);
    }

    fn end(&mut self, for_good: bool) {
        let Some(mut app) = self.app.take() else { return };
        let pending = app.take_hooks();
        let mut after = self.after.borrow_mut();
        // A hook may do whatever needs the file alone, and must not meet us there.
        let for_good = for_good || !pending.due.is_empty();
        if !pending.due.is_empty() {
            after.hooks.push(pending);
        }
        after.notices.extend(app.take_notices());
        drop(after);
        if for_good { app.close() } else { app.leave() }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.end(false);
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
