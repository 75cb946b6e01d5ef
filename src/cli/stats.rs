//! `lattice stats`: what there is to count.

use super::context::Context;
use super::output::Done;
use super::style::{self, paint};
use super::text::{printable, several};
use super::write::OutputArgs;
use crate::app::{Count, Failure, Stats, TaskLine};
use crate::view;

/// How to answer.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

/// Names in a line, at most.
const NAMES: usize = 10;
/// Stale tasks that people are shown, at most.
const STALE: usize = 5;

/// Counts and tells.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let stats = context.reader()?.stats()?;
    Ok(match args.output {
        OutputArgs { json: true, .. } => Done::envelope(view::stats::stats(&stats)),
        OutputArgs { quiet: true, .. } => Done::lines(stats.active_tasks.to_string()),
        _ => Done::lines(text(&stats)),
    })
}

fn text(stats: &Stats) -> String {
    let mut lines = vec![format!(
        "{}, {} archived; {}, {} of active ones",
        several(stats.active_tasks, "active task"),
        stats.archived_tasks,
        several(stats.total_events, "event"),
        stats.active_events
    )];
    for (heading, counts) in [
        ("Status", &stats.by_status),
        ("Priority", &stats.by_priority),
        ("Type", &stats.by_type),
        ("Assignee", &stats.by_assignee),
        ("Tag", &stats.by_tag),
        ("Done by week", &stats.velocity),
        ("Events by", &stats.actors),
    ] {
        let one = |(name, count): &Count| format!("{name} {count}");
        lines.extend(row(heading, counts.iter().map(one).collect()));
    }
    let limit = |wip: &crate::app::Wip| {
        let over = if wip.is_over() { " (over)" } else { "" };
        format!("{} {} of {}{over}", wip.status, wip.current, wip.limit)
    };
    lines.extend(row("Limits", stats.wip.iter().map(limit).collect()));
    let stay = |(status, stays): &(String, crate::app::Stays)| {
        format!("{status} {} ({}x)", hours(*stays), stays.count)
    };
    lines.extend(row("Time in status", stats.stays.iter().map(stay).collect()));
    if stats.blocked.count > 0 {
        lines.extend(row(
            "Blocked",
            vec![format!(
                "{} now, {} in all, {} on average",
                stats.currently_blocked,
                stats.blocked.count,
                hours(stats.blocked)
            )],
        ));
    }
    let mut tasks = |heading: String, all: &mut dyn Iterator<Item = (&TaskLine, String)>| {
        let mut shown = all.map(|(task, what)| line(task, &what)).peekable();
        if shown.peek().is_some() {
            lines.push(paint(style::HEADING, style::on_output(), &heading));
            lines.extend(shown);
        }
    };
    tasks(
        "Latest changes".to_owned(),
        &mut stats.recent.iter().map(|task| (task, view::stats::ago(task, stats.now))),
    );
    tasks(
        format!("Stale: {}", stats.stale.count),
        &mut stats.stale.first.iter().take(STALE).map(|task| (task, view::stats::ago(task, stats.now))),
    );
    tasks(
        "Most events".to_owned(),
        &mut stats.busiest.iter().map(|(task, count)| (task, several(*count, "event"))),
    );
    lines.join("\n")
}

/// A heading with what belongs to it; nothing where there is nothing.
fn row(heading: &str, mut items: Vec<String>) -> Option<String> {
    let more = items.len().saturating_sub(NAMES);
    items.truncate(NAMES);
    items.extend((more > 0).then(|| format!("and {more} more")));
    let heading = paint(style::HEADING, style::on_output(), &format!("{heading:<14}"));
    (!items.is_empty()).then(|| format!("{heading}  {}", printable(&items.join(", "))))
}

fn line(task: &TaskLine, what: &str) -> String {
    printable(&format!("  {}  {}  {what}  \"{}\"", view::stats::name(task), task.status, task.title))
}

fn hours(stays: crate::app::Stays) -> String {
    view::stats::hours(stays).map_or_else(|| "-".to_owned(), |hours| format!("{hours} h"))
}
