//! `lattice log`: the log, or the head that proves it later.

use super::context::Context;
use super::events;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;
use crate::view;

/// What a head is for.
const ABOUT: &str = "Without --head the events are printed as `lattice events` prints them.
Keep the head where the tracker is not, in a commit message for example;
`lattice doctor --since-head HEAD` then proves that nothing before it has changed.";

/// All of it, or its end.
#[derive(clap::Args, Debug)]
#[command(after_help = ABOUT)]
pub struct Args {
    /// Print only the head: the number of events and the hash over all of them
    #[arg(long)]
    head: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if !args.head {
        return events::run(events::Args::all(args.output), context);
    }
    let app = context.reader()?;
    let head = app.head()?;
    app.close();
    Ok(args.output.reply(|| view::head(&head), || head.to_string(), || head.to_string()))
}
