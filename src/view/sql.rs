//! Answers to questions in SQL.

use serde_json::{Map, Value, json};

use crate::app::{Answer, SqlValue, Table};

/// Columns, rows as lists of values, and whether there were more.
#[must_use]
pub fn sql_answer(answer: &Answer, rows: &[Vec<SqlValue>]) -> Value {
    let rows: Vec<Value> = rows.iter().map(|row| row.iter().map(sql_value).collect()).collect();
    json!({"columns": answer.columns, "rows": rows, "truncated": answer.truncated})
}

/// One object per row. A column whose name is taken gets a number behind it.
#[must_use]
pub fn sql_objects(answer: &Answer, rows: &[Vec<SqlValue>]) -> Vec<Value> {
    let mut names: Vec<String> = Vec::with_capacity(answer.columns.len());
    for column in &answer.columns {
        let mut name = column.clone();
        let mut count = 1;
        while names.contains(&name) {
            count += 1;
            name = format!("{column}:{count}");
        }
        names.push(name);
    }
    let object = |row: &Vec<SqlValue>| -> Map<String, Value> {
        names.iter().cloned().zip(row.iter().map(sql_value)).collect()
    };
    rows.iter().map(|row| Value::Object(object(row))).collect()
}

/// A value: bytes as hexadecimal digits, numbers that JSON does not know as null.
#[must_use]
pub fn sql_value(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => json!(number),
        SqlValue::Real(number) => json!(number),
        SqlValue::Text(text) => json!(text),
        SqlValue::Blob(bytes) => Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// The documented tables and views.
#[must_use]
pub fn sql_tables(tables: &[Table]) -> Value {
    let column = |(name, kind): &(String, String)| json!({"name": name, "type": kind});
    let table = |table: &Table| {
        json!({
            "name": table.name,
            "kind": if table.is_view { "view" } else { "table" },
            "about": table.about,
            "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        })
    };
    tables.iter().map(table).collect()
}
