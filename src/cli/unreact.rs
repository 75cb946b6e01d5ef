//! `lattice unreact`: take a sign back.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Failure, comment_id};
use crate::domain::Command;

/// Which comment, and which sign.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The comment
    #[arg(value_name = "ev_…")]
    comment: String,
    /// The name of the sign, as it was given
    emoji: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Removes the reaction.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let emoji = args.emoji.clone();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Unreact { task: names.task(&args.task)?, comment: comment_id(&args.comment)?, emoji })
    })?;
    args.write.output.changed(&outcome, "There is no such reaction.", |_| {
        format!("Took {} back from {}", args.emoji, args.comment)
    })
}
