//! Tables and lists of objects whose names somebody maps to ours.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::members::Members;
use super::{Found, Mapping, invalid, whole};
use crate::app::{Code, Failure, Place, Sourced};
use crate::domain::foreign::words::plain;
use crate::domain::foreign::{Link, Record};

/// What a column can say.
pub(super) const FIELDS: [&str; 21] = [
    "id",
    "title",
    "description",
    "status",
    "priority",
    "urgency",
    "complexity",
    "type",
    "tags",
    "assigned_to",
    "author",
    "created",
    "started",
    "updated",
    "closed",
    "close_reason",
    "plan",
    "notes",
    "depends_on",
    "subtask_of",
    "related_to",
];

/// Relations among them.
const LINKS: [&str; 3] = ["depends_on", "subtask_of", "related_to"];

/// Reads a table with a line of headers.
///
/// # Errors
/// `IMPORT_INVALID` with the line; `VALIDATION_ERROR` for a mapping that fits no column.
pub(super) fn csv(text: &str, file: &Path, mapping: &Mapping) -> Result<Found, Failure> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(text)).from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map(|at| Lines { text, at: 0, line: 1 }.of(at));
        let what = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} columns, and the first line has {expected_len}")
            }
            _ => "no line of a table".to_owned(),
        };
        invalid(&Place { file: file.to_path_buf(), line }, &what, "mend that line, or write the table anew")
    };
    let headers: Vec<String> = reader
        .headers()
        .map_err(broken)?
        .iter()
        .enumerate()
        .map(|(place, name)| match name.trim() {
            "" => format!("column {}", place + 1),
            name => name.to_owned(),
        })
        .collect();
    let mut objects = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    for row in reader.records() {
        let row = row.map_err(broken)?;
        let line = row.position().map(|at| lines.of(at));
        let cells = row.iter().map(|cell| Value::String(cell.to_owned()));
        let map: Map<String, Value> = headers.iter().cloned().zip(cells).collect();
        objects.push(Members { map, place: Place { file: file.to_path_buf(), line } });
    }
    let distinct: BTreeSet<&String> = headers.iter().collect();
    if distinct.len() < headers.len() {
        let place = Place { file: file.to_path_buf(), line: Some(1) };
        return Err(invalid(&place, "two columns have the same name", "give one of them another name"));
    }
    all(objects, headers, file, mapping)
}

/// Finds the lines of rows, walking on from the last one. The reader's own count stands before the
/// blank lines, and the rest of a line end, that it has yet to skip.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: &csv::Position) -> usize {
        let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
        let rest = self.text.as_bytes().get(begin..).unwrap_or_default();
        let row = begin + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let between = self.text.as_bytes().get(self.at..row).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = self.at.max(row);
        self.line
    }
}

/// The sign that stands most often in the first line, of those that programs put between columns.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |sign: &u8| first.bytes().filter(|byte| byte == sign).count();
    // Of several that stand there as often, the last is taken: the comma, where there are none.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Reads objects.
///
/// # Errors
/// As [`csv`].
pub(super) fn json(objects: Vec<Members>, file: &Path, mapping: &Mapping) -> Result<Found, Failure> {
    let mut names: Vec<String> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for object in &objects {
        names.extend(object.map.keys().filter(|name| known.insert((*name).clone())).cloned());
        for (_, path) in mapping.iter().filter(|(_, path)| path.contains('.')) {
            if at_path(&object.map, path).is_some() && known.insert(path.clone()) {
                names.push(path.clone());
            }
        }
    }
    all(objects, names, file, mapping)
}

fn all(objects: Vec<Members>, names: Vec<String>, file: &Path, mapping: &Mapping) -> Result<Found, Failure> {
    if objects.is_empty() {
        return Err(invalid(&whole(file), "no records there", "look whether it is the right file"));
    }
    let columns = columns(&names, file, mapping)?;
    let mut found = Found::default();
    for mut object in objects {
        let place = object.place.clone();
        let mut ours = Members { map: Map::new(), place: place.clone() };
        for (field, name) in &columns {
            if let Some(value) = take(&mut object.map, name) {
                ours.map.insert((*field).to_owned(), value);
            }
        }
        found.records.push(Sourced { item: Record { rest: object.rest(), ..record(ours)? }, place });
    }
    Ok(found)
}

/// Which name says which field: those that were mapped, then those that are called as ours.
fn columns(names: &[String], file: &Path, mapping: &Mapping) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut columns: Vec<(&'static str, String)> = Vec::new();
    for (field, name) in mapping {
        let Some(field) = FIELDS.iter().find(|known| *known == field) else { continue };
        if !names.contains(name) {
            return Err(Failure::new(
                Code::ValidationError,
                format!("nothing in {} is called `{name}`", file.display()),
            )
            .hint(format!("nothing was imported; there are: {}", names.join(", "))));
        }
        columns.push((field, name.clone()));
    }
    for field in FIELDS {
        let is_taken = |name: &String| columns.iter().any(|(_, taken)| taken == name);
        if columns.iter().all(|(known, _)| *known != field)
            && let Some(name) = names.iter().find(|name| plain(name) == field && !is_taken(name))
        {
            columns.push((field, name.clone()));
        }
    }
    for field in ["id", "title"] {
        if columns.iter().all(|(known, _)| *known != field) {
            return Err(Failure::new(
                Code::ValidationError,
                format!("nothing in {} says the {field} of a task", file.display()),
            )
            .hint(format!(
                "nothing was imported; `--map {field}=NAME` says what it is called there: {}",
                names.join(", ")
            )));
        }
    }
    Ok(columns)
}

fn at_path<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.')?;
    let mut value = map.get(first)?;
    for part in rest.split('.') {
        value = value.get(part)?;
    }
    Some(value)
}

/// Takes a member by its name, else the one that a path with dots leads to.
fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = map.remove(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    let Value::Object(inner) = map.get_mut(first)? else { return None };
    let found = take(inner, rest);
    // An object that held nothing else says nothing more.
    if inner.is_empty() && found.is_some() {
        map.remove(first);
    }
    found
}

fn record(mut ours: Members) -> Result<Record, Failure> {
    let mut links: Option<Vec<Link>> = None;
    for kind in LINKS {
        if let Some(targets) = ours.texts(kind)? {
            let targets =
                targets.iter().flat_map(|text| split(text, |c| c == ',' || c == ';' || c.is_whitespace()));
            links.get_or_insert_default().extend(targets.map(|target| Link::new(kind, target)));
        }
    }
    Ok(Record {
        id: ours.needed("id")?,
        title: ours.needed("title")?,
        description: ours.text("description")?,
        status: ours.text("status")?,
        priority: ours.text("priority")?,
        urgency: ours.text("urgency")?,
        complexity: ours.text("complexity")?,
        kind: ours.text("type")?,
        tags: ours
            .texts("tags")?
            .map(|tags| tags.iter().flat_map(|text| split(text, |c| c == ',' || c == ';')).collect()),
        assignee: ours.text("assigned_to")?,
        author: ours.text("author")?,
        plan: ours.text("plan")?,
        notes: ours.text("notes")?,
        created: ours.time("created")?,
        started: ours.time("started")?,
        updated: ours.time("updated")?,
        closed: ours.time("closed")?,
        close_reason: ours.text("close_reason")?,
        links,
        ..Record::default()
    })
}

fn split(text: &str, between: impl Fn(char) -> bool) -> Vec<String> {
    text.split(between).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_put_different_signs_between_columns() {
        for (text, sign) in [("id,title;x", b','), ("id;title", b';'), ("id\ttitle", b'\t'), ("id", b',')] {
            assert_eq!(delimiter(text), sign, "{text}");
        }
    }

    #[test]
    fn names_that_are_ours_need_no_mapping_and_others_are_kept() {
        let text = "Id,Summary,Assigned To,Sprint,Tags\n1,\"A, b\",ada,7,\"x; y,z\"\n\n2,C,,,\n";
        let mapping = vec![("title".to_owned(), "Summary".to_owned())];
        let found = csv(text, Path::new("f"), &mapping).unwrap();
        let (one, two) = (&found.records[0].item, &found.records[1].item);
        assert_eq!(
            (one.id.as_str(), one.title.as_str(), one.assignee.as_deref()),
            ("1", "A, b", Some("ada"))
        );
        assert_eq!(one.tags.as_deref(), Some(&["x".to_owned(), "y".to_owned(), "z".to_owned()][..]));
        assert_eq!(Value::Object(one.rest.clone()), serde_json::json!({"Sprint": "7"}));
        assert_eq!((two.assignee.as_deref(), found.records[1].place.line), (Some(""), Some(4)));
    }

    #[test]
    fn rows_are_named_by_their_lines_however_lines_end() {
        for end in ["\n", "\r\n"] {
            let text = ["id,title", "1,\"A", "B\"", "", "2,C", "3", ""].join(end);
            let failure = csv(&text, Path::new("f"), &Vec::new()).unwrap_err();
            assert!(failure.message.starts_with("f:6: 1 columns"), "{failure}");
            let found = csv(&text.replace("3", "3,D"), Path::new("f"), &Vec::new()).unwrap();
            let lines: Vec<_> = found.records.iter().filter_map(|record| record.place.line).collect();
            assert_eq!(lines, [2, 5, 6]);
        }
    }

    #[test]
    fn paths_with_dots_lead_into_objects() {
        let object = serde_json::json!({"key": "J-1", "fields": {"summary": "A", "labels": ["x"], "n": 1}});
        let Value::Object(map) = object else { panic!() };
        let objects = vec![Members { map, place: whole(Path::new("f")) }];
        let map = |field: &str, name: &str| (field.to_owned(), name.to_owned());
        let mapping = vec![map("id", "key"), map("title", "fields.summary"), map("tags", "fields.labels")];
        let found = json(objects, Path::new("f"), &mapping).unwrap();
        let record = &found.records[0].item;
        assert_eq!((record.title.as_str(), record.tags.as_ref().unwrap().len()), ("A", 1));
        assert_eq!(Value::Object(record.rest.clone()), serde_json::json!({"fields": {"n": 1}}));
    }
}
