//! `lattice rebuild`: make derived tables anew from the log.

use super::context::Context;
use super::output::Done;
use super::progress::Progress;
use super::write::OutputArgs;
use crate::app::{Code, Failure};
use crate::view;

/// One task, or everything.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: Option<String>,
    /// All tasks, resources, and the configuration
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Makes the rows anew. The log is only read.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if args.all == args.task.is_some() {
        return Err(Failure::new(Code::ValidationError, "name one task, or say --all")
            .hint("`lattice rebuild TASK` or `lattice rebuild --all`"));
    }
    let mut app = context.writer()?;
    let progress = Progress::start("Tasks made anew");
    let tasks = app.rebuild(args.task.as_deref(), |_| progress.step())?;
    drop(progress);
    let resources = if args.all { Some(app.resource_names()?) } else { None };
    app.close();
    let done = args.output.reply(
        || view::rebuild(&tasks, resources.as_deref()),
        || tasks.iter().map(|id| format!("{id}\n")).collect(),
        || match (&args.task, tasks.len()) {
            (Some(task), _) => format!("Made {task} anew from the log."),
            (None, 1) => "Made 1 task anew from the log.".to_owned(),
            (None, n) => format!("Made {n} tasks anew from the log."),
        },
    );
    Ok(done.committed())
}
