//! `lattice assign`: give a task to somebody, or to nobody.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which task, and whose it is to be.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// An actor such as agent:claude, a session, or none
    #[arg(value_name = "ACTOR")]
    to: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Assigns the task.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Assign { task: names.task(&args.task)?, to: names.assignee(&args.to)? })
    })?;
    args.write.output.changed(&outcome, "The task is assigned so already.", |outcome| {
        let Some(task) = &outcome.task else { return String::new() };
        let to = task.assigned_to.as_ref().map_or("nobody", |actor| actor.display());
        format!("{} is assigned to {}", task.name(), printable(to))
    })
}
