//! `lattice unlink`: end a relation between tasks.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;
use crate::view;

/// Which relation.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task that the relation starts from
    task: String,
    /// blocks, depends_on, subtask_of, related_to, spawned_by, duplicate_of or supersedes
    #[arg(value_name = "TYPE")]
    kind: String,
    /// The task at the other end; a whole id even if that task is not here
    target: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Ends the relation.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let kind = args.kind.clone();
    let mut target = String::new();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let (task, other) = (names.task(&args.task)?, names.relation_end(&args.target)?);
        target = names.shown(&other)?;
        Ok(Command::Unlink { task, kind, target: other })
    })?;
    let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
    let done = args.write.output.reply(
        || view::task_of(&outcome),
        || outcome.task.as_ref().map(|t| t.id.to_string()).unwrap_or_default(),
        || format!("{name} no longer {} {target}", args.kind),
    );
    Ok(done.after(&outcome))
}
