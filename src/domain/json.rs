//! JSON as it is stored and exported: sorted members, UTF-8, numbers in their own text.

use serde::Serialize;
use serde_json::{Map, Value};

/// One line, no spaces; the members of a struct as they stand in it. U+0085, U+2028 and U+2029 are escaped:
/// readers that split lines as Python's `splitlines` does would otherwise break a log in the middle.
#[must_use]
pub fn line(value: &impl Serialize) -> String {
    // Only maps with other keys than text keep JSON from being written.
    shield(plain(value).unwrap_or_default())
}

/// The same as it is stored in a row, where nobody splits lines.
///
/// # Errors
/// A map with other keys than text.
pub fn plain(value: &impl Serialize) -> serde_json::Result<String> {
    // Most events and records fit, and need not be copied as they grow.
    let mut bytes = Vec::with_capacity(512);
    serde_json::to_writer(&mut bytes, value)?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Sorted members, two spaces of indent, a newline at the end.
#[must_use]
pub fn document(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    text.push('\n');
    text
}

/// The same with each row of `data` on one line: half the text where rows are short.
#[must_use]
pub fn document_of_rows(mut value: Value) -> String {
    let rows = match value.get_mut("data") {
        Some(Value::Array(rows)) if !rows.is_empty() => std::mem::take(rows),
        _ => return document(&value),
    };
    let rows = rows.iter().map(line).collect::<Vec<_>>().join(",\n");
    // No other member stands before `data`.
    document(&value).replacen("\"data\": []", &format!("\"data\": [\n{rows}\n  ]"), 1)
}

fn shield(text: String) -> String {
    if !text.is_ascii() && text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        // Outside of strings these characters cannot stand in JSON, so all of them are in strings.
        text.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
    } else {
        text
    }
}

/// Levels of lists and objects that an event may have. What it says is folded into rows that put
/// a few levels around it, and no reader here takes more than 128.
pub const MAX_DEPTH: usize = 100;

/// How many levels of lists and objects a value has: none where it is plain.
#[must_use]
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The text under a key, `None` if it is absent or something else.
#[must_use]
pub fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// Whether two values are the same when an absent list or text counts as null or empty.
#[must_use]
pub fn same_or_both_empty(a: &Value, b: &Value) -> bool {
    a == b || (is_empty(a) && is_empty(b))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_holds_what_other_readers_take_for_a_line_end() {
        let value = serde_json::json!({"b": "x\u{2028}\u{85}y", "a": 1});
        let text = line(&value);
        assert_eq!(text, "{\"a\":1,\"b\":\"x\\u2028\\u0085y\"}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn rows_stand_on_a_line_each() {
        let value = serde_json::json!({"data": [{"b": "\"data\": []", "a": [1]}, {}], "ok": true});
        let text = document_of_rows(value.clone());
        assert_eq!(
            text,
            "{\n  \"data\": [\n{\"a\":[1],\"b\":\"\\\"data\\\": []\"},\n{}\n  ],\n  \"ok\": true\n}\n"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(document_of_rows(serde_json::json!({"data": []})), "{\n  \"data\": []\n}\n");
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = r#"{"n":123456789012345678901234567890.10}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(line(&value), text);
    }
}
