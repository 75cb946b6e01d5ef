//! `lattice sql`: ask in SQL. The connection can only read.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::context::Context;
use super::format::{self, Format};
use super::output::Done;
use super::source;
use super::style::{self, paint};
use super::write::OutputArgs;
use crate::app::{App, Code, Failure, Limits, SQL_VIEWS, Table};
use crate::view;

/// The question, and how much it may take.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// One SELECT; `-` reads it from standard input
    #[arg(value_name = "SQL", required_unless_present_any = ["schema", "views"])]
    sql: Option<String>,
    /// List the tables and views instead
    #[arg(long, conflicts_with = "sql")]
    schema: bool,
    /// Print the views as SQL instead, for other programs
    #[arg(long, conflicts_with_all = ["sql", "schema"])]
    views: bool,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = super::parse::count)]
    limit: usize,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    timeout: f64,
    /// The form of the output
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Asks.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if args.views {
        return Ok(match args.output.json {
            true => Done::envelope(SQL_VIEWS.into()),
            false => Done::lines(SQL_VIEWS.to_owned()),
        });
    }
    let root = context.root()?;
    let format = if args.output.json { Format::Json } else { args.format.unwrap_or(Format::Table) };
    if args.schema {
        let tables = App::tables(&root)?;
        return schema(&tables, format, args.output.quiet);
    }
    let timeout = Duration::try_from_secs_f64(args.timeout).map_err(|_| {
        Failure::new(Code::ValidationError, format!("--timeout {} is no time", args.timeout))
            .hint("give a number of seconds, such as 10 or 0.5")
    })?;
    let sql = match args.sql.unwrap_or_default() {
        text if text == "-" => source::read(Path::new("-"))?,
        text => text,
    };
    context.reads();
    let (answer, rows) = App::ask(&root, &sql, Limits { timeout, rows: args.limit })?;
    let done = match format {
        Format::Json => Done::envelope(view::sql_answer(&answer, &rows)),
        Format::Jsonl => Done::lines(format::lines(&view::sql_objects(&answer, &rows))),
        format => {
            let rows: Vec<Vec<Value>> =
                rows.iter().map(|row| row.iter().map(view::sql_value).collect()).collect();
            let text = match args.output.quiet {
                true => format::rows(format, &[], &rows)?,
                false => format::rows(format, &answer.columns, &rows)?,
            };
            Done::lines(text)
        }
    };
    let more = || format!("The first {} rows; there are more (--limit N)", answer.rows);
    Ok(if answer.truncated && format != Format::Json { done.note(more()) } else { done })
}

fn schema(tables: &[Table], format: Format, quiet: bool) -> Result<Done, Failure> {
    let names = || tables.iter().map(|table| table.name.clone() + "\n").collect::<String>();
    let columns = ["table", "column", "type"].map(str::to_owned);
    let rows = || -> Vec<Vec<Value>> {
        let row = |table: &Table, (name, kind): &(String, String)| {
            vec![table.name.clone().into(), name.clone().into(), kind.clone().into()]
        };
        tables.iter().flat_map(|table| table.columns.iter().map(move |column| row(table, column))).collect()
    };
    Ok(match format {
        Format::Json => Done::envelope(view::sql_tables(tables)),
        Format::Jsonl | Format::Csv | Format::Markdown => {
            Done::lines(format::rows(format, &columns, &rows())?)
        }
        Format::Table if quiet => Done::lines(names()),
        Format::Table => Done::lines(tables.iter().map(described).collect::<String>()),
    })
}

fn described(table: &Table) -> String {
    let kind = if table.is_view { "view" } else { "table" };
    let name = paint(style::HEADING, style::on_output(), &table.name);
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    format!("{name} ({kind}): {}\n    {}\n", table.about, columns.join(", "))
}
