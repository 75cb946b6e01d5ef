//! Signs of life during long work: on a terminal, and nothing anywhere else.

use indicatif::{ProgressBar, ProgressStyle};

/// A line on standard error that counts, and goes away at the end.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins to count.
    pub fn start(what: &'static str) -> Self {
        // Draws on standard error, and not at all where that is no terminal.
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar }
    }

    /// One more is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
