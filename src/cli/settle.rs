//! `lattice settle`: leave as it is what two sides changed without knowing of each other.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::{Code, Failure};
use crate::domain::{Command, Subject};
use crate::view;

/// What is left as it is.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: Option<String>,
    /// Only this, as `conflicts` names it, such as status or "comment ev_…" [default: all]
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    /// The settings and the context of the tracker, in place of a task
    #[arg(long)]
    tracker: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Settles it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (task, what) = match (args.task, args.tracker) {
        // Without a task, all words name things.
        (first, true) => (None, first.into_iter().chain(args.what).collect()),
        (Some(task), false) => (Some(task), args.what),
        (None, false) => {
            return Err(Failure::new(Code::ValidationError, "no task is named")
                .hint("`lattice conflicts` lists what is open; --tracker is for settings and context"));
        }
    };
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let subject = match &task {
            Some(text) => Subject::Task(names.task(text)?),
            None => Subject::Instance,
        };
        Ok(Command::Settle { subject, what })
    })?;
    let settled = view::settled(&outcome);
    let name = outcome.task.as_ref().map_or_else(|| "the tracker".to_owned(), |task| task.name());
    let human = || match outcome.events.is_empty() {
        true => format!("Nothing is open on {}.", printable(&name)),
        false => {
            format!("Left as it is on {}: {}", printable(&name), printable(&view::cell(&settled["settled"])))
        }
    };
    let done = args.write.output.reply(|| settled.clone(), || "ok".to_owned(), human);
    Ok(done.after(&outcome))
}
