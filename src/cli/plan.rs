//! `lattice plan`: show how a task is to be done, or write it down.

use super::context::Context;
use super::output::Done;
use super::source::SourceArgs;
use super::task_text::{self, Text};
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;

/// Which task, and where a new plan comes from.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Every task has a plan: the scaffold of its title and description until somebody writes one.
const PLAN: Text = Text {
    name: "plan",
    folder: "plans",
    member: "plan_path",
    read: |app, task| app.plan(task).map(|(task, plan)| (task, Some(plan.body))),
    command: |task, body, base| Command::SetPlan { task, body, base },
};

/// Shows or writes the plan.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    task_text::run(&PLAN, &args.task, &args.source, &args.write, context)
}
