//! `lattice notes`: show what was noted about a task, or write it down.

use super::context::Context;
use super::output::Done;
use super::source::SourceArgs;
use super::task_text::{self, Text};
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which task, and where new notes come from.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    write: WriteArgs,
}

const NOTES: Text = Text {
    name: "notes",
    folder: "notes",
    member: "notes_path",
    read: |app, task| app.notes(task),
    command: |task, body, base| Command::SetNotes { task, body, base },
};

/// Shows or writes the notes.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    task_text::run(&NOTES, &args.task, &args.source, &args.write, context)
}
