//! `lattice list`: tasks that pass a filter.

use std::io::IsTerminal;

use serde_json::Value;

use super::context::Context;
use super::format::{self, Format};
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Code, Failure, Listing, TaskFilter, TaskSort};
use crate::domain::Task;
use crate::view;

/// Which tasks, in which form.
#[derive(clap::Args, Debug)]
pub struct Args {
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
    /// Only with all these words in one of their texts (see `search`)
    #[arg(long, value_name = "QUERY")]
    search: Option<String>,
    /// Archived tasks too
    #[arg(long)]
    include_archived: bool,
    /// The order
    #[arg(long, value_enum, default_value = "id")]
    sort: Sort,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = super::parse::count)]
    limit: Option<usize>,
    /// Say how many there are in all
    #[arg(long)]
    count: bool,
    /// In JSON, the short form of each task
    #[arg(long)]
    compact: bool,
    /// Only these fields, such as name,status,title
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', conflicts_with = "compact")]
    fields: Option<Vec<String>>,
    /// The form of the output
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a list is sorted by.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Sort {
    /// Oldest task first
    Id,
    /// Latest change first
    Updated,
    /// Newest task first
    Created,
    /// Most urgent first
    Priority,
    /// In the order of the workflow
    Status,
    /// By title
    Title,
}

impl From<Sort> for TaskSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Id => Self::Id,
            Sort::Updated => Self::Updated,
            Sort::Created => Self::Created,
            Sort::Priority => Self::Priority,
            Sort::Status => Self::Status,
            Sort::Title => Self::Title,
        }
    }
}

/// Lists the tasks.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let fields = args.fields.as_deref().map(checked_fields).transpose()?;
    let filter = TaskFilter {
        id: None,
        among: None,
        status: args.status,
        assigned: args.assigned,
        tag: args.tag,
        kind: args.kind,
        priority: args.priority,
        include_archived: args.include_archived,
        needs_human: false,
        sort: args.sort.into(),
        limit: args.limit,
    };
    let form = Form { compact: args.compact, fields, format: args.format, output: args.output };
    form.answer(&context.reader()?.list(filter, args.search.as_deref(), args.count)?)
}

/// Fields that exist.
pub fn checked_fields(names: &[String]) -> Result<Vec<String>, Failure> {
    let known = |name: &&String| {
        view::FIELDS.contains(&name.as_str())
            || name.strip_prefix("custom_fields.").is_some_and(|k| !k.is_empty())
    };
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(Failure::new(Code::ValidationError, format!("there is no field `{name}`"))
            .hint(format!("fields: {}, custom_fields.KEY", view::FIELDS.join(", ")))),
        None => Ok(names.to_vec()),
    }
}

/// The form that a list of tasks is wanted in.
pub struct Form {
    pub compact: bool,
    pub fields: Option<Vec<String>>,
    pub format: Option<Format>,
    pub output: OutputArgs,
}

/// Columns of a table that nobody chose the fields of.
const COLUMNS: [&str; 6] = ["name", "status_name", "priority", "type", "title", "assigned_to"];
const COLUMNS_FOR_PROGRAMS: [&str; 6] = ["name", "status", "priority", "type", "title", "assigned_to"];

impl Form {
    /// Writes the list in this form.
    pub fn answer(&self, listing: &Listing) -> Result<Done, Failure> {
        let format = match (self.output.json, self.format) {
            (true, _) => Some(Format::Json),
            (false, Some(format)) => Some(format),
            (false, None) if self.output.quiet || self.fields.is_some() => None,
            (false, None) => std::io::stdout().is_terminal().then_some(Format::Table),
        };
        let done = match format {
            Some(Format::Json) => {
                Done::rows(view::listing(listing, self.objects(listing)), self.fields.is_some())
            }
            Some(Format::Jsonl) => Done::lines(format::lines(&self.objects(listing))),
            Some(format) => Done::lines(self.grid(listing, format)?),
            None if self.output.quiet => Done::lines(each(listing, Task::name)),
            None if self.fields.is_some() => Done::lines(self.grid(listing, Format::Table)?),
            None => {
                let line = |task: &Task| line_with(task, status_name(listing, task), &printable(&task.title));
                Done::lines(each(listing, line))
            }
        };
        let done = listing.warnings.iter().fold(done, |done, warning| done.warn(warning));
        // A program that reads a form of its own sees that there is nothing.
        let is_for_people = matches!(format, None | Some(Format::Table)) && !self.output.quiet;
        let shown = listing.tasks.len();
        Ok(match (listing.truncated, listing.total) {
            (_, Some(total)) => done.note(format!("{shown} of {total} tasks")),
            (true, None) if !self.output.quiet => done.note(format!("The first {shown}; there are more")),
            (false, None) if shown == 0 && is_for_people && listing.warnings.is_empty() => {
                done.note("No tasks match")
            }
            _ => done,
        })
    }

    fn objects(&self, listing: &Listing) -> Vec<Value> {
        let object = |task: &Task| match &self.fields {
            Some(fields) => view::named_fields(task, status_name(listing, task), fields),
            None if self.compact => Value::Object(view::compact(task)),
            None => view::listed(task),
        };
        listing.tasks.iter().map(object).collect()
    }

    fn grid(&self, listing: &Listing, format: Format) -> Result<String, Failure> {
        let usual = if format == Format::Csv { COLUMNS_FOR_PROGRAMS } else { COLUMNS };
        let fields = self.fields.clone().unwrap_or_else(|| usual.map(str::to_owned).to_vec());
        let headings: Vec<String> = fields.iter().map(|field| heading(field, format)).collect();
        let row =
            |task: &Task| fields.iter().map(|f| view::field(task, status_name(listing, task), f)).collect();
        let rows: Vec<Vec<Value>> = listing.tasks.iter().map(row).collect();
        if rows.is_empty() && format == Format::Table {
            return Ok(String::new());
        }
        format::list(format, &headings, &rows)
    }
}

pub fn heading(field: &str, format: Format) -> String {
    let words = match field {
        _ if format == Format::Csv => return field.to_owned(),
        "name" => "task".to_owned(),
        "status_name" => "status".to_owned(),
        other => other.replace('_', " "),
    };
    if format == Format::Table { words.to_uppercase() } else { words }
}

fn status_name<'a>(listing: &'a Listing, task: &'a Task) -> &'a str {
    listing.status_names.get(&task.status).map_or(&task.status, String::as_str)
}

fn each(listing: &Listing, line: impl Fn(&Task) -> String) -> String {
    listing.tasks.iter().map(|task| line(task) + "\n").collect()
}

/// The line that scripts know: `>>>` where somebody has to look, id, status, priority, type,
/// title, assignee, `[A]` for archived. The title must be safe to print already.
pub fn line_with(task: &Task, status_name: &str, title: &str) -> String {
    let mark = if task.asks_for_human() { ">>> " } else { "" };
    let archived = if task.archived { " [A]" } else { "" };
    let before = format!(
        "{mark}{}  {status_name}  {}  {}",
        task.name(),
        task.priority.as_deref().unwrap_or("-"),
        task.kind.as_deref().unwrap_or("-"),
    );
    let assignee = task.assigned_to.as_ref().map_or("unassigned", |actor| actor.display());
    format!("{}  \"{title}\"  {}{archived}", printable(&before), printable(assignee))
}
