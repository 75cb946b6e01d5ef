//! `lattice conflicts`: what was changed on two sides that did not know of each other.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Failure, TaskConflicts};
use crate::domain::{Change, Concurrent};
use crate::view;

/// Characters of a value that a line shows.
const SHOWN: usize = 60;

/// Of which task.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Setting such a thing anew settles it; `lattice settle TASK` does by leaving what holds."
)]
pub struct Args {
    /// Only this task: LAT-12, task_…, or the beginning of an id
    task: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Lists them. Who sets such a field anew settles it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (tasks, tracker) = context.reader()?.conflicts(args.task.as_deref())?;
    Ok(args.output.reply(
        || view::conflicts(&tasks, &tracker),
        || tasks.iter().map(|of| of.task.name() + "\n").collect(),
        || {
            let mut text: String = tasks.iter().map(lines).collect();
            text.extend(tracker.iter().map(|of| line("the tracker", of)));
            if text.is_empty() { "No changes that did not know of each other.\n".to_owned() } else { text }
        },
    ))
}

/// A line for each conflict of a task.
pub fn lines(of: &TaskConflicts) -> String {
    let name = of.task.name();
    of.conflicts.iter().map(|conflict| line(&name, conflict)).collect()
}

fn line(name: &str, of: &Concurrent) -> String {
    let lost: Vec<String> = of.lost.iter().map(side).collect();
    printable(&format!("{name} {}: {} holds; lost: {}", of.what, side(&of.holds), lost.join(", "))) + "\n"
}

fn side(change: &Change) -> String {
    let value = match &change.value {
        serde_json::Value::Null => "nothing".to_owned(),
        serde_json::Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    };
    format!("{value} ({})", change.actor)
}

fn shortened(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &first[..end]),
        None if first.len() < text.trim_end().len() => format!("{first}…"),
        None => first.to_owned(),
    }
}
