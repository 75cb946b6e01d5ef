//! `lattice archive`: put tasks away.

use super::context::Context;
use super::output::Done;
use super::several::{self, Results, Verb};
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which tasks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tasks, separated by spaces or commas
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// Every task that was done before yesterday
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    write: WriteArgs,
}

const VERB: Verb = Verb { done: "archived", command: |task| Command::Archive { task } };

/// Archives the tasks.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let ids = several::split(&args.tasks);
    match (ids.as_slice(), args.stale) {
        ([], false) => Err(several::none_named("name tasks, or use --stale")),
        ([id], false) => several::one(id, &VERB, &args.write, context),
        (ids, stale) => {
            let mut app = context.writer()?;
            let mut results = match ids {
                [] => Results::default(),
                ids => several::all(&mut app, ids, &VERB, &args.write, context)?,
            };
            if stale {
                results.add(app.archive_stale(&context.identity(&args.write))?);
            }
            drop(app);
            Ok(results.report(&VERB, &args.write))
        }
    }
}
