//! `lattice status`: move a task.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which task, and where to.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// A status, or the name that it is shown by
    new_status: String,
    /// Override the workflow's rules; needs --reason
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Moves the task.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Status { task: names.task(&args.task)?, to: args.new_status, force: args.force })
    })?;
    args.write.output.changed(&outcome, "The task has this status already.", |outcome| {
        let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
        let from = outcome.before.as_ref().map(|t| t.status.as_str()).unwrap_or_default();
        let to = outcome.task.as_ref().map(|t| t.status.as_str()).unwrap_or_default();
        format!("Status: {from} -> {to} ({name})")
    })
}
