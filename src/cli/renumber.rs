//! `lattice renumber`: a short id of its own for a task.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Failure, wanted_short_id};
use crate::domain::Command;

/// Which task, and which number.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The short id that it is to have [default: the one that it shows]
    #[arg(value_name = "SHORT_ID")]
    to: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Pins the short id. Where two clones gave out one number, one of the tasks shows the next free
/// one until it has a number of its own.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let to = args.to.as_deref().map(wanted_short_id).transpose()?;
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Renumber { task: names.task(&args.task)?, to })
    })?;
    let name = outcome.task.as_ref().map(|task| task.name()).unwrap_or_default();
    args.write
        .output
        .changed(&outcome, &format!("{name} is its own already."), |_| format!("It is {name} now."))
}
