//! Paths into the configuration: JSON pointers, what stands at them, and what differs.

use serde_json::{Map, Value};

use super::json;

/// The JSON pointer that a path with dots means. One that begins with a slash is a pointer, for
/// keys that hold dots themselves.
#[must_use]
pub fn pointer(path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    path.split('.').map(|key| format!("/{}", escape(key))).collect()
}

/// The path with dots of a JSON pointer; the pointer itself where a key holds dots.
#[must_use]
pub fn dotted(pointer_path: &str) -> String {
    let path = pointer_path.trim_start_matches('/').replace('/', ".");
    if pointer(&path) == pointer_path { path } else { pointer_path.to_owned() }
}

/// A key as one part of a JSON pointer.
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a JSON pointer stands for.
#[must_use]
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn parts(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(unescape).collect())
}

/// Sets a value, making objects on the way. Through a list or a plain value there is no way: it
/// is replaced, so that the later event wins whatever stood there.
pub(super) fn set(root: &mut Value, pointer: &str, to: Value) {
    let Some(parts) = parts(pointer) else { return };
    // Deeper than this the document could not be read again.
    if parts.len() + json::depth(&to) > json::MAX_DEPTH {
        return;
    }
    let mut at = root;
    for part in parts {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(map) = at else { return };
        at = map.entry(part).or_insert(Value::Null);
    }
    *at = to;
}

pub(super) fn unset(root: &mut Value, pointer: &str) {
    let Some(mut parts) = parts(pointer) else { return };
    let Some(last) = parts.pop() else { return };
    let mut at = root;
    for part in parts {
        let Some(next) = at.as_object_mut().and_then(|map| map.get_mut(&part)) else { return };
        at = next;
    }
    if let Value::Object(map) = at {
        map.remove(&last);
    }
}

/// What has to change to get from one document to another: (pointer, new value or `None` for a
/// removal), in order of the pointers. Lists count as one value.
#[must_use]
pub fn differences(from: &Value, to: &Value) -> Vec<(String, Option<Value>)> {
    let mut found = Vec::new();
    compare("", from, to, &mut found);
    found
}

fn compare(at: &str, from: &Value, to: &Value, found: &mut Vec<(String, Option<Value>)>) {
    match (from, to) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().filter(|key| !b.contains_key(*key)) {
                found.push((format!("{at}/{}", escape(key)), None));
            }
            for (key, value) in b {
                let place = format!("{at}/{}", escape(key));
                match a.get(key) {
                    Some(before) => compare(&place, before, value, found),
                    None => found.push((place, Some(value.clone()))),
                }
            }
        }
        (_, b) => found.push((at.to_owned(), Some(b.clone()))),
    }
}
