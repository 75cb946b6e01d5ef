//! Tables for people: aligned whatever the script, as wide as the terminal and no wider.

use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};

use super::style;
use super::text::printable;

/// A terminal that says to be narrower does not know its width.
const NARROWEST: u16 = 20;

/// A table with a heading. Cells are made printable here. On a terminal it fits the width; where
/// there is none, every row is one line.
pub fn render(columns: &[String], rows: &[Vec<String>]) -> String {
    let bold = style::on_output();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !columns.is_empty() {
        table.set_header(headings(columns, bold));
    }
    for row in rows {
        table.add_row(row.iter().map(|text| printable(text)));
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
