//! The forms that rows can be written in.

use std::io::IsTerminal;

use serde_json::Value;

use super::table;
use super::text::printable;
use crate::app::{Code, Failure};
use crate::domain::json;
use crate::view;

/// A form of output.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned, for people
    Table,
    /// One document, as with --json
    Json,
    /// One JSON value per line
    Jsonl,
    /// Comma-separated, RFC 4180
    Csv,
    /// A table in Markdown
    Markdown,
}

/// Rows under a heading, as table, CSV or Markdown; as JSON, one object per line. Without columns
/// there is no heading.
///
/// # Errors
/// `OUTPUT_FAILED` if a row cannot be put into this form.
pub fn rows(format: Format, columns: &[String], rows: &[Vec<Value>]) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(table::render(columns, &texts(rows))),
        Format::Csv => csv(columns, &texts(rows)),
        Format::Markdown => Ok(markdown(columns, &texts(rows))),
        Format::Json | Format::Jsonl => {
            let object = |row: &Vec<Value>| columns.iter().cloned().zip(row.iter().cloned()).collect();
            Ok(lines(&rows.iter().map(object).collect::<Vec<Value>>()))
        }
    }
}

/// The same for lists: in a table every row is one line.
///
/// # Errors
/// As [`rows`].
pub fn list(format: Format, columns: &[String], rows: &[Vec<Value>]) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(table::render_cut(columns, &texts(rows))),
        format => self::rows(format, columns, rows),
    }
}

fn texts(rows: &[Vec<Value>]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(view::cell).collect()).collect()
}

/// One JSON value per line.
pub fn lines(values: &[Value]) -> String {
    values.iter().map(|value| json::line(value) + "\n").collect()
}

fn csv(columns: &[String], rows: &[Vec<String>]) -> Result<String, Failure> {
    // A file gets the text as it is; a terminal gets nothing that it would obey.
    let shown = std::io::stdout().is_terminal();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut result = if columns.is_empty() { Ok(()) } else { writer.write_record(columns) };
    for row in rows {
        result = result.and_then(|()| match shown {
            true => writer.write_record(row.iter().map(|text| printable(text))),
            false => writer.write_record(row),
        });
    }
    let failed = |error: String| Failure::new(Code::OutputFailed, format!("no CSV of this: {error}"));
    result.map_err(|error| failed(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn markdown(columns: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        format!("| {} |\n", cells.iter().map(|c| markdown_cell(c)).collect::<Vec<_>>().join(" | "))
    };
    let rule = format!("|{}\n", " --- |".repeat(columns.len()));
    let body: String = rows.iter().map(|row| line(row)).collect();
    if columns.is_empty() { body } else { line(columns) + &rule + &body }
}

/// Text that Markdown neither takes for the end of a cell nor for markup.
pub fn markdown_cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (place, part) in text.split('\n').enumerate() {
        if place > 0 {
            safe.push_str("<br>");
        }
        for c in printable(part).chars() {
            if matches!(c, '\\' | '|' | '<' | '`' | '*' | '[' | '&') {
                safe.push('\\');
            }
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_cannot_break_out_of_their_form() {
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let data = vec![vec![json!("x|y\n<b>"), json!("1,\"2\"\n3")]];
        let text = |format| rows(format, &columns, &data).unwrap();
        assert_eq!(text(Format::Markdown), "| a | b |\n| --- | --- |\n| x\\|y<br>\\<b> | 1,\"2\"<br>3 |\n");
        assert_eq!(text(Format::Csv), "a,b\n\"x|y\n<b>\",\"1,\"\"2\"\"\n3\"\n");
        assert_eq!(text(Format::Jsonl), "{\"a\":\"x|y\\n<b>\",\"b\":\"1,\\\"2\\\"\\n3\"}\n");
    }
}
