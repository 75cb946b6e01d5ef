//! `lattice backfill-ids`: short ids for tasks that never had one.

use super::context::Context;
use super::output::Done;
use super::text::several;
use super::write::WriteArgs;
use crate::app::{Failure, Identity};
use crate::view;

/// Under which code.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Set this project code first
    #[arg(long)]
    code: Option<String>,
    /// Change a project code that is set
    #[arg(long, requires = "code")]
    force: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Who writes where nobody is named; the predecessor's word for it.
const MIGRATION: &str = "agent:lattice-migration";

/// Gives the ids.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let who = Identity { stand_in: Some(MIGRATION), at_terminal: false, ..context.identity(&args.write) };
    let mut app = context.writer()?;
    let given = app.backfill_ids(&who, args.code, args.force)?;
    drop(app);
    let ids: Vec<String> = given.iter().map(ToString::to_string).collect();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        let nothing = "every task has a short id";
        return Ok(args.write.output.reply(
            || view::backfill(&ids, nothing),
            String::new,
            || "Every task has a short id".to_owned(),
        ));
    };
    let human = match ids.len() {
        1 => format!("1 task got a short id: {first}"),
        n => format!("{} got short ids: {first} to {last}", several(n as i64, "task")),
    };
    Ok(args.write.output.reply(|| view::backfill(&ids, ""), || ids.join("\n"), || human).committed())
}
