//! `lattice react`: answer a comment with a sign.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Failure, comment_id};
use crate::domain::Command;
use crate::view;

/// Which comment, and which sign.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The comment
    #[arg(value_name = "ev_…")]
    comment: String,
    /// The name of a sign, such as thumbs_up
    emoji: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Adds the reaction.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let emoji = args.emoji.clone();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::React { task: names.task(&args.task)?, comment: comment_id(&args.comment)?, emoji })
    })?;
    let done = args.write.output.reply(
        || view::task_of(&outcome),
        || "ok".to_owned(),
        || match outcome.events.is_empty() {
            true => "You reacted so already.".to_owned(),
            false => format!("Reacted with {} to {}", args.emoji, args.comment),
        },
    );
    Ok(done.after(&outcome))
}
