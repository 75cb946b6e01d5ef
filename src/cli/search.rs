//! `lattice search`: tasks that hold words in one of their texts.

use serde_json::Value;

use super::context::Context;
use super::format::{self, Format};
use super::list;
use super::output::Done;
use super::style::{self, paint};
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Failure, FoundIn, Hit, Hits, TaskFilter};
use crate::view;

/// What to look for, and in which tasks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Words that all stand in one text: a task's title and description, its plan, its notes, or a
    /// comment
    ///
    /// A word finds longer words too (`pars` finds parser), unless it is short or ends in a digit;
    /// `ab*` asks for longer ones. Quotes keep words together: '"last token"'. Other signs are gaps
    /// between words, so `src/main.rs` finds itself.
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
    /// Only this status: a slug, or the name that it is shown by
    #[arg(long)]
    status: Option<String>,
    /// Only what this actor is to do
    #[arg(long, value_name = "ACTOR")]
    assigned: Option<String>,
    /// Only with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only of this priority
    #[arg(long)]
    priority: Option<String>,
    /// Archived tasks too
    #[arg(long)]
    include_archived: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "20", value_parser = super::parse::count)]
    limit: usize,
    /// Only these fields, such as name,title,match
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// The form of the output
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
}

/// The field that only a search has.
const MATCH: &str = "match";
/// Columns of a table that nobody chose the fields of.
const COLUMNS: [&str; 5] = ["name", "status", "title", "assigned_to", MATCH];

/// Lists what was found, best first.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if let Some(fields) = &args.fields {
        let listed: Vec<String> = fields.iter().filter(|field| *field != MATCH).cloned().collect();
        list::checked_fields(&listed)?;
    }
    let filter = TaskFilter {
        status: args.status,
        assigned: args.assigned,
        tag: args.tag,
        kind: args.kind,
        priority: args.priority,
        include_archived: args.include_archived,
        limit: Some(args.limit),
        ..TaskFilter::default()
    };
    let hits = context.reader()?.search(&args.query.join(" "), filter)?;
    let fields = args.fields.as_deref();
    let format = match (args.output.json, args.format) {
        (true, _) => Some(Format::Json),
        (false, Some(format)) => Some(format),
        (false, None) => (fields.is_some() && !args.output.quiet).then_some(Format::Table),
    };
    let done = match format {
        Some(Format::Json) => {
            Done::rows(view::search::search(&hits, objects(&hits, fields)), fields.is_some())
        }
        Some(Format::Jsonl) => Done::lines(format::lines(&objects(&hits, fields))),
        Some(format) => Done::lines(grid(&hits, fields, format)?),
        None if args.output.quiet => Done::lines(each(&hits, |hit| hit.task.name())),
        None => Done::lines(each(&hits, |hit| entry(&hits, hit))),
    };
    let done = hits.warnings.iter().fold(done, |done, warning| done.warn(warning));
    Ok(match (hits.truncated, hits.hits.is_empty() && hits.warnings.is_empty() && args.limit > 0) {
        _ if args.output.quiet => done,
        (true, _) => done.note(format!("The first {}; there are more", hits.hits.len())),
        (_, true) => done.note("Nothing found"),
        _ => done,
    })
}

fn each(hits: &Hits, text: impl Fn(&Hit) -> String) -> String {
    hits.hits.iter().map(|hit| text(hit) + "\n").collect()
}

fn objects(hits: &Hits, fields: Option<&[String]>) -> Vec<Value> {
    let object = |hit: &Hit| match fields {
        Some(fields) => fields.iter().map(|name| (name.clone(), field(hits, hit, name))).collect(),
        None => view::search::hit(hit),
    };
    hits.hits.iter().map(object).collect()
}

fn field(hits: &Hits, hit: &Hit, name: &str) -> Value {
    if name == MATCH {
        view::search::found(hit)
    } else {
        view::field(&hit.task, status_name(hits, hit), name)
    }
}

fn grid(hits: &Hits, fields: Option<&[String]>, format: Format) -> Result<String, Failure> {
    let fields = fields.map_or_else(|| COLUMNS.map(str::to_owned).to_vec(), <[String]>::to_vec);
    let headings: Vec<String> = fields.iter().map(|field| list::heading(field, format)).collect();
    let cell = |hit: &Hit, name: &str| match name {
        MATCH => Value::String(view::search::extract(hit)),
        _ => field(hits, hit, name),
    };
    let row = |hit: &Hit| fields.iter().map(|name| cell(hit, name)).collect();
    let rows: Vec<Vec<Value>> = hits.hits.iter().map(row).collect();
    if rows.is_empty() && format == Format::Table {
        return Ok(String::new());
    }
    format::list(format, &headings, &rows)
}

/// The line of a list, and below it what was found, unless that is the title.
fn entry(hits: &Hits, hit: &Hit) -> String {
    let shown: String = hit
        .extract
        .iter()
        .map(|piece| paint(style::HEADING, piece.is_found && style::on_output(), &printable(&piece.text)))
        .collect();
    let status = status_name(hits, hit);
    match &hit.place {
        FoundIn::Title => list::line_with(&hit.task, status, &shown),
        place => format!(
            "{}\n    {}: {shown}",
            list::line_with(&hit.task, status, &printable(&hit.task.title)),
            view::search::place(place)
        ),
    }
}

fn status_name<'a>(hits: &'a Hits, hit: &'a Hit) -> &'a str {
    hits.status_names.get(&hit.task.status).map_or(&hit.task.status, String::as_str)
}
