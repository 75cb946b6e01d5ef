//! Where snapshots and logs say different things. Snapshots are never trusted, only compared.

use serde_json::{Map, Value, json};

use super::Disagreement;
use crate::domain::Task;

/// Members of older snapshots that `evidence_refs` replaces.
const OLD_EVIDENCE: [(&str, &str); 2] = [("artifact_refs", "artifact"), ("comment_role_refs", "comment")];

/// Compares a snapshot with the fold of its log. Absent, null and empty are the same, and what a
/// snapshot leaves out it does not deny.
pub(super) fn disagreements(snapshot: &Map<String, Value>, task: &Task) -> Vec<Disagreement> {
    let log = task.snapshot();
    let mut found = Vec::new();
    let mut compare = |field: &str, said: &Value, told: &Value| {
        if !same(said, told) {
            found.push(Disagreement {
                task: task.id.to_string(),
                field: field.to_owned(),
                snapshot: said.clone(),
                log: told.clone(),
            });
        }
    };
    for (field, said) in snapshot {
        if OLD_EVIDENCE.iter().all(|(old, _)| old != field) {
            compare(field, said, log.get(field).unwrap_or(&Value::Null));
        }
    }
    if !snapshot.contains_key("evidence_refs")
        && let Some(said) = old_evidence(snapshot)
    {
        compare("evidence_refs", &said, log.get("evidence_refs").unwrap_or(&Value::Null));
    }
    found
}

/// What the older members say, in the form of `evidence_refs`; `None` if they are not there.
fn old_evidence(snapshot: &Map<String, Value>) -> Option<Value> {
    let mut list = Vec::new();
    let mut any = false;
    for (member, source) in OLD_EVIDENCE {
        let Some(Value::Array(entries)) = snapshot.get(member) else { continue };
        any = true;
        for entry in entries {
            let (id, role) = match entry {
                Value::Object(map) => {
                    let id =
                        map.get("id").or_else(|| map.get("comment_id")).or_else(|| map.get("artifact_id"));
                    (id.cloned().unwrap_or_default(), map.get("role").cloned().unwrap_or_default())
                }
                other => (other.clone(), Value::Null),
            };
            list.push(json!({"id": id, "role": role, "source_type": source}));
        }
    }
    any.then_some(Value::Array(list))
}

/// Whether two values say the same, where absent, null and empty are one.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .all(|key| same(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null))),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => crate::domain::json::same_or_both_empty(a, b),
    }
}

/// A snapshot that has no log at all.
pub(super) fn without_log(task: &str) -> Disagreement {
    Disagreement { task: task.to_owned(), field: "id".to_owned(), snapshot: json!(task), log: Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_empty_are_the_same() {
        assert!(same(&json!({"a": null, "b": []}), &json!({"c": {}})));
        assert!(same(&json!([{"note": null, "x": 1}]), &json!([{"x": 1}])));
        assert!(!same(&json!([1]), &json!([])));
        assert!(!same(&json!(""), &json!(null)));
    }

    #[test]
    fn older_members_stand_in_for_evidence() {
        let snapshot = json!({
            "artifact_refs": ["art_1", {"id": "art_2", "role": "review"}],
            "comment_role_refs": [{"comment_id": "ev_1", "role": "review"}],
        });
        assert_eq!(
            old_evidence(snapshot.as_object().unwrap()).unwrap(),
            json!([
                {"id": "art_1", "role": null, "source_type": "artifact"},
                {"id": "art_2", "role": "review", "source_type": "artifact"},
                {"id": "ev_1", "role": "review", "source_type": "comment"},
            ])
        );
        assert_eq!(old_evidence(&Map::new()), None);
    }
}
