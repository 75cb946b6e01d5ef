//! `lattice comment-edit`: change what a comment says.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Failure, comment_id};
use crate::domain::Command;
use crate::view;

/// Which comment, and what it says from now on.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The comment
    #[arg(value_name = "ev_…")]
    comment: String,
    /// The new text; the old one stays in the history
    new_text: String,
    /// What the comment is evidence of, such as review
    #[arg(long)]
    role: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Edits the comment.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::CommentEdit {
            task: names.task(&args.task)?,
            comment: comment_id(&args.comment)?,
            body: args.new_text,
            role: args.role,
        })
    })?;
    let done = args.write.output.reply(
        || view::task_of(&outcome),
        || "ok".to_owned(),
        || match outcome.events.is_empty() {
            true => "The comment says this already.".to_owned(),
            false => format!("Edited comment {}", args.comment),
        },
    );
    Ok(done.after(&outcome))
}
