//! `lattice events`: what happened, in order of arrival.

use super::context::Context;
use super::follow;
use super::history;
use super::output::{Done, write_out};
use super::text::printable;
use super::tracker::Tracker;
use super::write::OutputArgs;
use crate::app::{App, Failure, FeedPage, FeedQuery};
use crate::domain::{Subject, json};
use crate::view;

/// Which events.
#[derive(clap::Args, Debug)]
#[command(mut_arg("json", |arg| arg.help("Answer with one JSON value per line")))]
pub struct Args {
    /// Only what arrived after this: the `cursor` (or `seq`) of an event that was printed before
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only events of this task
    #[arg(long)]
    task: Option<String>,
    /// Go on and print each event as it comes, until --limit is reached or the reader is gone
    #[arg(long)]
    follow: bool,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = super::parse::count)]
    limit: Option<usize>,
    /// One JSON value per line, as with --json
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl"], help_heading = "Output")]
    format: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    /// All events that there are.
    pub fn all(output: OutputArgs) -> Self {
        Self { since: None, kind: None, task: None, follow: false, limit: None, format: None, output }
    }
}

/// Events read at once. Between two pages nothing of the file is held, so that a slow reader of
/// the output keeps no writer from tidying up.
const PAGE: usize = 500;

/// Prints the events, page by page.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let form = match args.output {
        OutputArgs { json: true, .. } => Form::Json,
        _ if args.format.is_some() => Form::Json,
        OutputArgs { quiet: true, .. } => Form::Quiet,
        _ => Form::Human,
    };
    let app = context.reader()?;
    let epoch = app.epoch()?;
    let query = FeedQuery {
        since: args.since.as_deref().map(|text| app.cursor(text)).transpose()?.unwrap_or(0),
        kind: args.kind,
        task: args.task.as_deref().map(|text| app.feed_task(text)).transpose()?,
        limit: None,
    };
    let mut feed = Feed { query, epoch, form, left: args.limit.unwrap_or(usize::MAX) };
    context.settle();
    if args.follow {
        return feed.follow(app, context);
    }
    feed.print(&app)?;
    let more = feed.left == 0 && form == Form::Human && feed.goes_on(&app)?;
    let note = || format!("There are more; go on with --since {}:{}", feed.epoch, feed.query.since);
    Ok(if more { Done::silent().note(note()) } else { Done::silent() })
}

/// What is still to be printed.
struct Feed {
    query: FeedQuery,
    epoch: String,
    form: Form,
    left: usize,
}

impl Feed {
    /// Prints all that is there, up to the limit.
    fn print(&mut self, app: &App) -> Result<(), Failure> {
        while self.left > 0 {
            let size = self.left.min(PAGE);
            self.query.limit = Some(size);
            let page = app.feed(&self.query, &self.epoch, self.form == Form::Human)?;
            let Some(last) = page.arrivals.last() else { return Ok(()) };
            self.query.since = last.seq;
            self.left -= page.arrivals.len();
            print(&page, &self.epoch, self.form)?;
            if page.arrivals.len() < size {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Prints what there is and what comes, until the limit or the reader's end.
    fn follow(mut self, mut app: Tracker, context: &Context) -> Result<Done, Failure> {
        loop {
            // Asked before the feed is read: what comes in between is noticed.
            let moment = app.moment()?;
            if moment.is_replaced {
                app.close();
                app = context.reader()?;
                continue;
            }
            self.print(&app)?;
            if self.left == 0 || !follow::until(|| Ok(app.moment()? != moment))? {
                return Ok(Done::silent());
            }
        }
    }

    fn goes_on(&mut self, app: &App) -> Result<bool, Failure> {
        self.query.limit = Some(1);
        Ok(!app.feed(&self.query, &self.epoch, false)?.arrivals.is_empty())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Quiet,
    Human,
}

fn print(page: &FeedPage, epoch: &str, form: Form) -> Result<(), Failure> {
    let names = |id: &str| page.names.get(id).map(String::as_str);
    let mut text = String::new();
    for arrival in &page.arrivals {
        match form {
            Form::Json => text.push_str(&json::line(&view::arrival(arrival, epoch))),
            Form::Quiet => text.push_str(arrival.event.id.as_str()),
            Form::Human => {
                let name = match &arrival.event.subject {
                    Subject::Task(id) => page.names.get(id.as_str()),
                    Subject::Resource(id) => page.names.get(id.as_str()),
                    Subject::Instance => None,
                };
                let line = history::line(&arrival.event, name.map(String::as_str), &names);
                text.push_str(&printable(&format!("{}  {line}", arrival.seq)));
            }
        }
        text.push('\n');
    }
    write_out(text.as_bytes())
}
