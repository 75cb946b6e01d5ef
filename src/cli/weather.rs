//! `lattice weather`: how things stand, and what needs looking at.

use super::context::Context;
use super::format;
use super::output::Done;
use super::style::{self, paint};
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Failure, Several, Sky, Weather};
use crate::view;

/// How to answer.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Answer in Markdown
    #[arg(long, help_heading = "Output", conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Tasks of a kind that people are shown, at most.
const SHOWN: usize = 5;

/// Tells.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let weather = context.reader()?.weather()?;
    Ok(match args.output {
        OutputArgs { json: true, .. } => Done::envelope(view::stats::weather(&weather)),
        _ if args.markdown => Done::lines(markdown(&weather)),
        OutputArgs { quiet: true, .. } => Done::lines(view::stats::sky(weather.sky)),
        _ => Done::lines(text(&weather)),
    })
}

/// The sky in four signs, the same width for all.
fn sign(sky: Sky) -> &'static str {
    match sky {
        Sky::Clear => "[OK]",
        Sky::Fair => "[--]",
        Sky::PartlyCloudy => "[~~]",
        Sky::Overcast => "[##]",
        Sky::Stormy => "[!!]",
    }
}

fn text(weather: &Weather) -> String {
    let headline = format!(
        "{} {}: {} ({})",
        sign(weather.sky),
        weather.project,
        view::stats::sky(weather.sky),
        weather.date
    );
    let mut lines =
        vec![paint(style::HEADING, style::on_output(), &printable(&headline)), vital_signs(weather)];
    for (heading, items) in sections(weather) {
        lines.push(paint(style::HEADING, style::on_output(), &heading));
        lines.extend(items.iter().map(|item| format!("  {}", printable(item))));
    }
    lines.join("\n")
}

fn markdown(weather: &Weather) -> String {
    let mut lines = vec![
        format!("# {}: {}", format::markdown_cell(&weather.project), view::stats::sky(weather.sky)),
        String::new(),
        format!("{}. {}.", weather.date, vital_signs(weather)),
    ];
    for (heading, items) in sections(weather) {
        lines.extend([String::new(), format!("## {heading}"), String::new()]);
        lines.extend(items.iter().map(|item| format!("- {}", format::markdown_cell(item))));
    }
    lines.join("\n")
}

fn vital_signs(weather: &Weather) -> String {
    format!(
        "{} active, {} under way, {} done lately, {} events in a day",
        weather.active_tasks, weather.in_progress, weather.done.count, weather.events_24h
    )
}

/// Headings with what stands below; none is empty.
fn sections(weather: &Weather) -> Vec<(String, Vec<String>)> {
    let days = |task: &_| format!(", {} days", view::stats::days(task, weather.now));
    let breach = |wip: &crate::app::Wip| format!("{}: {} of {}", wip.status, wip.current, wip.limit);
    let mut sections = vec![
        tasks("A human has to look", &weather.needs_human, |_| String::new()),
        (format!("Too many: {}", weather.breaches.len()), weather.breaches.iter().map(breach).collect()),
        tasks("Under way with nobody doing it", &weather.unassigned, |_| String::new()),
        tasks("Stale", &weather.stale, days),
        tasks("Done lately", &weather.done, |_| String::new()),
    ];
    let next = |task: &crate::domain::Task| format!("{}  {}  \"{}\"", task.name(), task.status, task.title);
    sections.push(("Up next".to_owned(), weather.up_next.iter().map(next).collect()));
    sections.retain(|(_, items)| !items.is_empty());
    sections
}

fn tasks(
    heading: &str,
    tasks: &Several,
    more: impl Fn(&crate::app::TaskLine) -> String,
) -> (String, Vec<String>) {
    let one = |task: &crate::app::TaskLine| {
        format!("{}  {}  \"{}\"{}", view::stats::name(task), task.status, task.title, more(task))
    };
    let mut items: Vec<String> = tasks.first.iter().take(SHOWN).map(one).collect();
    let left = tasks.count - items.len() as i64;
    items.extend((left > 0).then(|| format!("and {left} more")));
    (format!("{heading}: {}", tasks.count), items)
}
