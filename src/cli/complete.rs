//! `lattice complete`: review and done in one step.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which task, and what the review says.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// What the review found; it is kept as a comment and as an artifact of the role review
    #[arg(long, value_name = "TEXT")]
    review: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Completes the task.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Complete { task: names.task(&args.task)?, review: args.review })
    })?;
    args.write.output.changed(&outcome, "Nothing had to be done.", |outcome| {
        let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
        format!("Completed {name} ({} events)", outcome.events.len())
    })
}
