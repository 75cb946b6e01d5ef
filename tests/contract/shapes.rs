//! Strict readers of answers: a member more, one less or one of another type is a complaint.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Members by name, each with its type; `?` for one that may be absent.
type Shape = BTreeMap<String, (bool, String)>;

static SHAPES: LazyLock<BTreeMap<String, Shape>> = LazyLock::new(|| {
    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    let mut now = String::new();
    for line in include_str!("shapes.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace().peekable();
        if !line.starts_with(' ') {
            let Some(name) = words.next() else { continue };
            now = name.to_owned();
            shapes.entry(now.clone()).or_default();
        }
        for word in words {
            let shape = shapes.get_mut(&now).unwrap();
            match word.strip_prefix("..") {
                Some(other) => {
                    let other = shapes[other].clone();
                    shapes.get_mut(&now).unwrap().extend(other);
                }
                None => {
                    let (name, kind) = word.split_once(':').unwrap();
                    let bare = name.trim_end_matches('?');
                    shape.insert(bare.to_owned(), (name.ends_with('?'), kind.to_owned()));
                }
            }
        }
    }
    shapes
});

/// What is wrong with a document whose `data` must be this, with these members beside it.
pub fn complaints(kind: &str, beside: &[String], document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(members) = document.as_object() else {
        return vec![format!("no document: {document}")];
    };
    for name in members.keys().filter(|name| !matches!(name.as_str(), "ok" | "data")) {
        if !beside.contains(name) {
            found.push(format!("beside data stands {name}: {}", members[name]));
        }
    }
    if let Some(name) = beside.iter().find(|name| !members.contains_key(*name)) {
        found.push(format!("beside data there is no {name}"));
    }
    match document.get("data") {
        Some(data) => is(kind, data, "data", &mut found),
        None => found.push("no data".to_owned()),
    }
    found
}

/// What is wrong with the answer of a call that was refused.
pub fn refusal(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    is("refusal", document, "", &mut found);
    found
}

/// One of the alternatives has to fit; what is wrong with the only one is told in full.
fn is(kind: &str, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut reasons = Vec::new();
    for kind in kind.split('|') {
        let mut inner = Vec::new();
        one(kind, value, at, &mut inner);
        if inner.is_empty() {
            return;
        }
        reasons.push(inner);
    }
    match (reasons.len(), reasons.pop()) {
        (1, Some(mut inner)) => found.append(&mut inner),
        _ => found.push(format!("{at} is no {kind}: {value}")),
    }
}

fn one(kind: &str, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        match value.as_array() {
            Some(items) => {
                for (n, item) in items.iter().enumerate() {
                    is(inner, item, &format!("{at}/{n}"), found);
                }
            }
            None => found.push(format!("{at} is no list: {value}")),
        }
        return;
    }
    let fits = match kind {
        "any" => true,
        "text" => value.is_string(),
        "number" => value.is_number(),
        "count" => value.is_u64(),
        "bool" => value.is_boolean(),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "true" => value == &Value::Bool(true),
        "false" => value == &Value::Bool(false),
        "time" => value.as_str().is_some_and(is_time),
        "actor" => value.is_string() || value.get("name").is_some_and(Value::is_string),
        _ => match (kind.strip_suffix("_ULID"), SHAPES.get(kind)) {
            (Some(prefix), _) => value.as_str().is_some_and(|text| is_id(prefix, text)),
            (None, Some(shape)) => return members(shape, value, at, found),
            (None, None) => panic!("shapes.txt knows no {kind}"),
        },
    };
    if !fits {
        found.push(format!("{at} is no {kind}: {value}"));
    }
}

fn members(shape: &Shape, value: &Value, at: &str, found: &mut Vec<String>) {
    let nothing = Map::new();
    let there = value.as_object().unwrap_or(&nothing);
    if !value.is_object() {
        found.push(format!("{at} is no object: {value}"));
    }
    for name in there.keys().filter(|name| !shape.contains_key(*name)) {
        found.push(format!("{at} has a member {name}: {}", there[name]));
    }
    for (name, (optional, kind)) in shape {
        match there.get(name) {
            Some(member) => is(kind, member, &format!("{at}/{name}"), found),
            None if *optional => {}
            None => found.push(format!("{at} has no {name}")),
        }
    }
}

fn is_time(text: &str) -> bool {
    let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
    text.chars().map(digits).collect::<String>() == "0000-00-00T00:00:00Z"
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|id| id.len() == 26 && id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()))
}
