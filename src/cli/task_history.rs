//! `lattice history`: what happened to a task, or how its plan or notes read before.

use super::context::Context;
use super::history;
use super::output::Done;
use super::style::{self, paint};
use super::text::{printable, printable_lines};
use super::write::OutputArgs;
use crate::app::{Failure, TextKind, Version};
use crate::view;

/// Of which task, and of what.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id; archived ones too
    task: String,
    /// Every version of the plan, with its text
    #[arg(long)]
    plan: bool,
    /// Every version of the notes, with their text
    #[arg(long, conflicts_with = "plan")]
    notes: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Tells it, oldest first.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let of = match (args.plan, args.notes) {
        (true, _) => TextKind::Plan,
        (_, true) => TextKind::Notes,
        _ => return events(&args, context),
    };
    let (_, versions) = context.reader()?.versions(&args.task, of)?;
    Ok(args.output.reply(
        || view::texts::versions(&versions),
        || versions.iter().map(|version| format!("{}\n", version.event)).collect(),
        || {
            let none = "Nobody has written one yet.\n".to_owned();
            if versions.is_empty() { none } else { versions.iter().map(told).collect() }
        },
    ))
}

fn events(args: &Args, context: &Context) -> Result<Done, Failure> {
    let details = context.reader()?.details(&args.task)?;
    let names = |id: &str| details.related.get(id).map(|related| related.name.as_str());
    Ok(args.output.reply(
        || details.events.iter().map(|event| event.value()).collect(),
        || details.events.iter().map(|event| format!("{}\n", event.id)).collect(),
        || {
            let line = |event| printable(&history::line(event, None, &names)) + "\n";
            details.events.iter().map(line).collect()
        },
    ))
}

fn told(version: &Version) -> String {
    let holds = if version.holds { "  (holds)" } else { "" };
    let head = printable(&format!("{}  {}  {}{holds}", version.ts, version.actor, version.event));
    let body = printable_lines(version.body.trim_end());
    format!("{}\n{body}\n\n", paint(style::HEADING, style::on_output(), &head))
}
