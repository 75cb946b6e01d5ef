//! Tables for people: aligned whatever the script, as wide as the terminal and no wider.

use comfy_table::{Attribute, Cell, ContentArrangement, Row, Table, presets};

use super::style;
use super::text::printable;

/// A terminal that says to be narrower does not know its width.
const NARROWEST: u16 = 20;

/// A table with a heading. Cells are made printable here. On a terminal it fits the width, long
/// cells going on below; where there is none, every row is one line.
pub fn render(columns: &[String], rows: &[Vec<String>]) -> String {
    fitted(columns, rows, None)
}

/// The same with every row on one line: what a terminal has no room for is cut off, with … in its
/// place.
pub fn render_cut(columns: &[String], rows: &[Vec<String>]) -> String {
    fitted(columns, rows, Some(1))
}

fn fitted(columns: &[String], rows: &[Vec<String>], height: Option<usize>) -> String {
    let bold = style::on_output();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !columns.is_empty() {
        table.set_header(headings(columns, bold));
    }
    for row in rows {
        let mut row = Row::from(row.iter().map(|text| printable(text)));
        if let Some(lines) = height {
            row.max_height(lines);
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if table.width().is_none_or(|width| width < NARROWEST) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

fn headings(columns: &[String], bold: bool) -> Vec<Cell> {
    let one = |name: &String| {
        let cell = Cell::new(printable(name));
        if bold { cell.add_attribute(Attribute::Bold) } else { cell }
    };
    columns.iter().map(one).collect()
}
