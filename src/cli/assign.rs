//! `lattice assign`: give a task to somebody, or to nobody.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Words that stand for nobody, in any case.
const NOBODY: [&str; 3] = ["none", "unassigned", "-"];

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
    let nobody = NOBODY.contains(&args.to.to_ascii_lowercase().as_str());
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let task = names.task(&args.task)?;
        let to = if nobody { None } else { Some(names.actor(&args.to)?) };
        Ok(Command::Assign { task, to })
    })?;
    args.write.output.changed(&outcome, "The task is assigned so already.", |outcome| {
        let Some(task) = &outcome.task else { return String::new() };
        let to = task.assigned_to.as_ref().map_or("nobody", |actor| actor.display());
        format!("{} is assigned to {}", task.name(), printable(to))
    })
}
