//! `lattice comment-delete`: take a comment back. Its text stays in the history.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Failure, comment_id};
use crate::domain::Command;

/// Which comment.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The comment
    #[arg(value_name = "ev_…")]
    comment: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Deletes the comment.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::CommentDelete { task: names.task(&args.task)?, comment: comment_id(&args.comment)? })
    })?;
    args.write
        .output
        .changed(&outcome, "The comment is deleted already.", |_| format!("Deleted comment {}", args.comment))
}
