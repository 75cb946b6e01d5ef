//! `lattice unarchive`: bring tasks back.

use super::context::Context;
use super::output::Done;
use super::several::{self, Verb};
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which tasks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tasks, separated by spaces or commas
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    #[command(flatten)]
    write: WriteArgs,
}

const VERB: Verb = Verb { done: "unarchived", command: |task| Command::Unarchive { task } };

/// Unarchives the tasks.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match several::split(&args.tasks).as_slice() {
        [] => Err(several::none_named("name tasks; `lattice list --include-archived` shows them")),
        [id] => several::one(id, &VERB, &args.write, context),
        ids => {
            let results = several::all(&mut *context.writer()?, ids, &VERB, &args.write, context)?;
            Ok(results.report(&VERB, &args.write))
        }
    }
}
