//! `lattice link`: relate a task to another.

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
    /// The task at the other end
    target: String,
    /// What there is to say about the relation
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Makes the relation.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let kind = args.kind.clone();
    let mut target = String::new();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let (task, other) = (names.task(&args.task)?, names.task(&args.target)?);
        target = names.shown(&other)?;
        Ok(Command::Link { task, kind, target: other, note: args.note })
    })?;
    let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
    let done = args.write.output.reply(
        || view::task_of(&outcome),
        || outcome.task.as_ref().map(|t| t.id.to_string()).unwrap_or_default(),
        || format!("{name} {} {target}", args.kind),
    );
    Ok(done.after(&outcome))
}
