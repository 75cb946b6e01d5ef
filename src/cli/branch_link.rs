//! `lattice branch-link`: say that a branch of git belongs to a task.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;
use crate::view;

/// Which branch, of which task.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The branch's name
    branch: String,
    /// The repository that it is in, if not this one
    #[arg(long)]
    repo: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Links the branch.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let branch = args.branch.clone();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::BranchLink { task: names.task(&args.task)?, branch, repo: args.repo })
    })?;
    let Some(task) = &outcome.task else { return Ok(Done::silent()) };
    let done = args.write.output.reply(
        || view::task(task),
        || task.id.to_string(),
        || format!("{} has the branch {}", task.name(), printable(args.branch.trim())),
    );
    Ok(done.after(&outcome))
}
