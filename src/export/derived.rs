//! Merging derived files, for git: any version that reads will do until the next sync writes them
//! anew, but no merge has to stop at them.

use std::path::Path;

use serde_json::Value;

use super::layout::{self, TaskFile};
use crate::domain::json;

/// Patterns of derived files for `.gitattributes`, relative to the tree.
pub(super) const PATTERNS: [&str; 5] =
    ["tasks/*.json", "archive/tasks/*.json", "resources/*/resource.json", "ids.json", "format.json"];

/// What a merge of two versions of a derived file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Our version as it is.
    Ours,
    /// Their version as it is.
    Theirs,
    /// A document with what both say.
    Both(String),
}

/// Merges two versions of the derived file at this path; `None` if no derived file is called so.
///
/// It does not matter which side is which, so that two clones which merge the same commits get the
/// same bytes. Of two snapshots the one that was changed later is taken, since half of each would be
/// a state that never was; indexes are united, so that no number is given out twice and the higher
/// format counts. What does not read gives way.
#[must_use]
pub fn merge_derived(path: &Path, ours: &[u8], theirs: &[u8]) -> Option<Merged> {
    let is_index = is_index(path)?;
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    Some(match (read(ours), read(theirs)) {
        _ if ours == theirs => Merged::Ours,
        (None, None) => {
            if ours >= theirs {
                Merged::Ours
            } else {
                Merged::Theirs
            }
        }
        (Some(_), None) => Merged::Ours,
        (None, Some(_)) => Merged::Theirs,
        (Some(a), Some(b)) if is_index => Merged::Both(json::document(&united(a, b))),
        (Some(a), Some(b)) => {
            let age = |value: &Value, bytes: &[u8]| {
                let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                (text("updated_at"), text("last_event_id"), bytes.to_vec())
            };
            if age(&a, ours) >= age(&b, theirs) { Merged::Ours } else { Merged::Theirs }
        }
    })
}

/// Whether a derived file is an index and not a snapshot.
fn is_index(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().and_then(Path::file_name);
    match name {
        layout::IDS | layout::FORMAT_FILE => Some(true),
        layout::RESOURCE_FILE => Some(false),
        _ if folder.is_some_and(|folder| folder == layout::TASKS) => {
            TaskFile::Snapshot.task(name).map(|_| false)
        }
        _ => None,
    }
}

/// What two values say together: members of both, the greater number, else the lesser text.
fn united(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Object(mut a), Value::Object(b)) => {
            for (name, theirs) in b {
                let one = match a.remove(&name) {
                    Some(ours) => united(ours, theirs),
                    None => theirs,
                };
                a.insert(name, one);
            }
            Value::Object(a)
        }
        (Value::Number(a), Value::Number(b)) => {
            let greater = a.as_f64() >= b.as_f64();
            Value::Number(if greater { a } else { b })
        }
        (a, b) => {
            let (first, second) = (a.to_string(), b.to_string());
            if first <= second { a } else { b }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(path: &str, a: &str, b: &str) -> String {
        let of = |ours: &str, theirs: &str| match merge_derived(
            Path::new(path),
            ours.as_bytes(),
            theirs.as_bytes(),
        ) {
            Some(Merged::Ours) => ours.to_owned(),
            Some(Merged::Theirs) => theirs.to_owned(),
            Some(Merged::Both(text)) => text,
            None => panic!("{path} is derived"),
        };
        assert_eq!(of(a, b), of(b, a), "whose side it is does not matter");
        of(a, b)
    }

    #[test]
    fn indexes_are_united_and_the_higher_format_counts() {
        let ids = merged(
            ".lattice/ids.json",
            r#"{"map": {"LAT-1": "task_a", "LAT-2": "task_c"}, "next_seqs": {"LAT": 3}}"#,
            r#"{"map": {"LAT-1": "task_a", "LAT-2": "task_b"}, "next_seqs": {"LAT": 12, "WEB": 2}}"#,
        );
        let ids: Value = serde_json::from_str(&ids).unwrap();
        assert_eq!(ids["next_seqs"], serde_json::json!({"LAT": 12, "WEB": 2}));
        assert_eq!(ids["map"]["LAT-2"], "task_b");
        assert!(merged("format.json", r#"{"format": 1}"#, r#"{"format": 2}"#).contains("\"format\": 2"));
    }

    #[test]
    fn of_snapshots_the_later_one_is_taken_whole() {
        let path = format!("sub/.lattice/archive/tasks/{}.json", crate::domain::TaskId::from_value(1));
        let older = r#"{"updated_at": "2026-01-01T00:00:00Z", "title": "A", "x": 1}"#;
        let newer = r#"{"updated_at": "2026-01-02T00:00:00Z", "title": "B"}"#;
        assert_eq!(merged(&path, older, newer), newer);
        assert_eq!(merged(&path, "<<<<<<< a\n{}\n", older), older);
        merged(&path, "nonsense", "other nonsense");
    }

    #[test]
    fn other_files_are_not_merged_so() {
        for path in ["config.json", "package.json", "tasks/notes.json", "plans/ids.md", "", "/"] {
            assert_eq!(merge_derived(Path::new(path), b"{}", b"{\"a\":1}"), None, "{path}");
        }
    }
}
