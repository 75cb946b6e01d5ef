//! The tracker in the hands of a command: left to the end of the process, not taken apart.

use std::ops::{Deref, DerefMut};

use crate::app::App;

/// A tracker that a command has open. The process ends soon, and the system takes back in one go
/// what SQLite would free piece by piece, for a twelfth of the time of a short command; so letting
/// go of it ends the work, bounds the log and gives up the lock, and leaves the rest to the exit.
pub struct Tracker(Option<App>);

impl Tracker {
    /// Takes charge of an open tracker.
    pub fn new(app: App) -> Self {
        Self(Some(app))
    }

    /// Lets go of it. Dropping does the same.
    pub fn close(self) {}
}

impl Drop for Tracker {
    fn drop(&mut self) {
        if let Some(app) = self.0.take() {
            app.leave();
        }
    }
}

impl Deref for Tracker {
    type Target = App;

    fn deref(&self) -> &App {
        self.0.as_ref().expect("only dropping takes it out")
    }
}

impl DerefMut for Tracker {
    fn deref_mut(&mut self) -> &mut App {
        self.0.as_mut().expect("only dropping takes it out")
    }
}
