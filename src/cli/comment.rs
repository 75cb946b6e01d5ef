//! `lattice comment`: say something about a task.

use std::path::PathBuf;

use super::context::Context;
use super::output::Done;
use super::source;
use super::write::WriteArgs;
use crate::app::{Code, Failure, comment_id};
use crate::domain::Command;

/// What is said, and where.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// What there is to say
    text: Option<String>,
    /// Take the text from this file (- for standard input)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Answer this comment
    #[arg(long, value_name = "ev_…")]
    reply_to: Option<String>,
    /// What the comment is evidence of, such as review
    #[arg(long)]
    role: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Adds the comment.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let body = match (args.text, &args.file) {
        (Some(text), None) => text,
        (None, Some(path)) => source::read(path)?,
        _ => {
            return Err(Failure::new(Code::ValidationError, "a comment is either TEXT or --file FILE")
                .hint("give one of them; `--file -` reads standard input"));
        }
    };
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Comment {
            task: names.task(&args.task)?,
            body,
            reply_to: args.reply_to.as_deref().map(comment_id).transpose()?,
            role: args.role,
        })
    })?;
    args.write.output.changed(&outcome, "Nothing was said.", |outcome| {
        let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
        let id = outcome.events.last().map(|event| event.id.to_string()).unwrap_or_default();
        format!("Commented on {name} ({id})")
    })
}
