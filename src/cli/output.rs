//! Answers and errors on their way out. Data goes to standard output, all else to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ContextValue;
use serde_json::Value;

use super::context::Context;
use super::style::{self, paint};
use super::text::{json_for_a_terminal, printable, printable_lines};
use crate::app::{Code, ExitClass, Failure, Outcome};
use crate::view;

/// What a command ends with, if it did not fail.
#[derive(Debug, Default)]
pub struct Done {
    text: String,
    warnings: Vec<String>,
    notes: Vec<String>,
    envelope: Option<Value>,
    /// Whether each row of `data` stands on one line.
    in_rows: bool,
    /// Whether a change was committed, so that a failure to print must not look like one to save.
    committed: bool,
    status: u8,
}

impl Done {
    /// An answer in JSON: `{"data": …, "ok": true}`.
    pub fn envelope(data: Value) -> Self {
        Self::document(view::envelope(data))
    }

    /// An answer in JSON with its own envelope.
    pub fn document(envelope: Value) -> Self {
        Self { envelope: Some(envelope), ..Self::default() }
    }

    /// An answer in JSON, each row of `data` on one line if these are `short`.
    pub fn rows(envelope: Value, short: bool) -> Self {
        Self { in_rows: short, ..Self::document(envelope) }
    }

    /// An answer in text; a newline is added where it lacks one, nothing stays nothing.
    pub fn lines(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text, ..Self::default() }
    }

    /// Somebody's text and nothing else: to the letter for a file or a pipe, so that it can be
    /// written back; made safe for a terminal.
    pub fn exact(text: &str) -> Self {
        if io::stdout().is_terminal() {
            return Self::lines(printable_lines(text));
        }
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// No answer: it was written already, or there is none.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Notes that the outcome was committed, and what there is to warn of.
    pub fn after(mut self, outcome: &Outcome) -> Self {
        self.committed |= !outcome.events.is_empty();
        self.warnings.extend(outcome.warnings.iter().cloned());
        self
    }

    /// Notes that something was committed.
    pub fn committed(mut self) -> Self {
        self.committed = true;
        self
    }

    /// Adds a warning: on standard error, in JSON under `warnings`.
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Adds a note for people: on standard error, not in JSON, which says it in its own members.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Ends with this exit status although an answer is given (`doctor` with errors found).
    pub fn status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }
}

/// A line that does not parse. What was typed may be somebody's text: it is made printable before it
/// stands among our own lines.
pub fn usage(mut error: clap::Error) -> Failure {
    let typed = error.context().filter_map(|(kind, value)| match value {
        ContextValue::String(text) => Some((kind, ContextValue::String(printable(text)))),
        _ => None,
    });
    for (kind, text) in typed.collect::<Vec<_>>() {
        error.insert(kind, text);
    }
    let text = error.render().to_string();
    Failure::new(Code::Usage, text.trim().trim_start_matches("error: ").to_owned())
}

/// Prints the answer or the error and says how the process ends.
pub fn finish(result: Result<Done, Failure>, context: &Context) -> ExitCode {
    match result {
        Ok(done) => print(done, context),
        Err(failure) => report(&failure, context),
    }
}

fn print(done: Done, context: &Context) -> ExitCode {
    let text = match done.envelope {
        Some(mut envelope) => {
            if !done.warnings.is_empty() {
                envelope["warnings"] = done.warnings.clone().into();
            }
            if done.in_rows { view::document_of_rows(envelope) } else { view::document(&envelope) }
        }
        None => {
            for warning in &done.warnings {
                complain(&format!("Warning: {}\n", printable(warning)));
            }
            for note in &done.notes {
                complain(&format!("{}\n", printable(note)));
            }
            done.text
        }
    };
    match write_out(text.as_bytes()) {
        Ok(()) => ExitCode::from(done.status),
        Err(failure) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) if done.committed => report(
            &Failure { message: format!("the change is saved, but {}", failure.message), ..failure }
                .hint("do not repeat the command; look with `lattice show`"),
            context,
        ),
        Err(failure) => report(&failure, context),
    }
}

/// Writes to standard output, whole.
///
/// # Errors
/// `OUTPUT_FAILED`; a closed pipe is one too, which [`finish`] passes over in silence.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let shown =
        if out.is_terminal() { std::str::from_utf8(bytes).ok().map(json_for_a_terminal) } else { None };
    let bytes = shown.as_deref().map_or(bytes, str::as_bytes);
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| output_failed(&error))
}

/// What a failure to print stands for.
pub fn output_failed(error: &io::Error) -> Failure {
    let failure = Failure::new(Code::OutputFailed, format!("the answer could not be printed: {error}"));
    match error.kind() {
        ErrorKind::BrokenPipe => failure.details(CLOSED_PIPE.into()),
        _ => failure.hint("send standard output somewhere that has room"),
    }
}

const CLOSED_PIPE: &str = "closed pipe";

fn is_closed_pipe(failure: &Failure) -> bool {
    failure.code == Code::OutputFailed && failure.details.as_ref().is_some_and(|d| d == CLOSED_PIPE)
}

/// Prints an error: in JSON on standard output, else as text on standard error.
fn report(failure: &Failure, context: &Context) -> ExitCode {
    if is_closed_pipe(failure) {
        return ExitCode::SUCCESS;
    }
    let status = ExitCode::from(failure.code.exit_class().status());
    let printed = context.json()
        && failure.code != Code::OutputFailed
        && write_out(view::document(&view::failure(failure)).as_bytes()).is_ok();
    if !printed {
        complain(&sentence(failure));
    }
    status
}

/// An error as text.
pub fn sentence(failure: &Failure) -> String {
    let error = paint(style::ERROR, style::on_errors(), "Error:");
    if failure.code.exit_class() == ExitClass::Usage {
        return format!("{error} {}\n", printable_block(&failure.message));
    }
    let mut text = format!("{error} {} [{}]\n", printable(&failure.message), failure.code);
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("Hint: {}\n", printable(hint)));
    }
    text
}

/// Several lines, each made printable.
fn printable_block(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Writes to standard error; if that fails there is nobody left to tell.
pub fn complain(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
