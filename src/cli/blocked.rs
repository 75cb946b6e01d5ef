//! `lattice blocked`: tasks that cannot be begun, and why.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{BlockReason, BlockedTask, Failure};
use crate::domain::Task;
use crate::view;

/// Which tasks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only this task
    task: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = super::parse::count)]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Lists them, most urgent first.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (tasks, truncated) = context.reader()?.blocked(args.task.as_deref(), args.limit)?;
    if args.output.json {
        return Ok(Done::document(view::blocked(&tasks, truncated)));
    }
    let text: String = match args.output.quiet {
        true => tasks.iter().map(|blocked| blocked.task.name() + "\n").collect(),
        false => match (&args.task, tasks.is_empty()) {
            (Some(task), true) => printable(&format!("{task} is not blocked.")),
            _ => tasks.iter().map(entry).collect(),
        },
    };
    let done = Done::lines(text);
    Ok(if truncated && !args.output.quiet {
        done.note(format!("The first {}; there are more", tasks.len()))
    } else {
        done
    })
}

fn entry(blocked: &BlockedTask) -> String {
    let task = &blocked.task;
    let mut text = printable(&format!("{}  {}  \"{}\"", task.name(), task.status, task.title)) + "\n";
    for reason in &blocked.reasons {
        text.push_str(&format!("  {}\n", printable(&sentence(task, reason))));
    }
    text
}

fn sentence(task: &Task, reason: &BlockReason) -> String {
    match reason {
        BlockReason::Status => "its status says so".to_owned(),
        BlockReason::NeedsHuman => {
            let said = task.needs_human.as_ref().and_then(|flag| flag.get("reason")?.as_str());
            said.map_or_else(
                || "a human has to look".to_owned(),
                |said| format!("a human has to look: {said}"),
            )
        }
        BlockReason::Task { because, on } => {
            let what = match because.as_str() {
                "blocks" => "is blocked by",
                "subtask_of" => "has the unfinished subtask",
                _ => "depends on",
            };
            format!("{what} {}  {}  \"{}\"", on.name(), on.status, on.title)
        }
    }
}
