//! Colour, where the reader of a stream wants it: a terminal, and no `NO_COLOR`.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};

/// Errors.
pub const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// Warnings, and tasks that wait for somebody.
pub const WARNING: Style = AnsiColor::Yellow.on_default();
/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Headings.
pub const HEADING: Style = Style::new().bold();

/// Whether standard output shows colours.
pub fn on_output() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Whether standard error shows colours.
pub fn on_errors() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Text in a style, or plain. The text must hold no control characters of its own.
pub fn paint(style: Style, on: bool, text: &str) -> String {
    if on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
