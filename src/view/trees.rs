//! What `export` and `import` answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::{Disagreement, ImportReport, IntakeReport, TreeReport};

/// What an export wrote. Paths in the lists are relative to `target`.
#[must_use]
pub fn export(target: &Path, written: &[PathBuf], unchanged: usize, removed: &[PathBuf]) -> Value {
    json!({
        "target": text(target),
        "written": texts(written),
        "unchanged": unchanged,
        "removed": texts(removed),
    })
}

/// A document that was written to a file.
#[must_use]
pub fn export_document(file: &Path, bytes: usize) -> Value {
    json!({"file": text(file), "bytes": bytes})
}

/// What an import did, or with `dry_run` would do.
#[must_use]
pub fn import(source: &str, dry_run: bool, report: &ImportReport, tree: &TreeReport) -> Value {
    let tasks: Vec<Value> = report
        .tasks
        .iter()
        .map(|(id, task)| {
            json!({
                "id": id,
                "name": task.name,
                "title": task.title,
                "new": task.is_new,
                "events": task.kinds,
                "changes": task.changes.iter().map(|change| json!({
                    "field": change.field, "from": change.from, "to": change.to,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let contested: Vec<Value> = report
        .contested
        .iter()
        .map(|(short_id, tasks)| json!({"short_id": short_id, "tasks": tasks}))
        .collect();
    let superseded: Vec<Value> =
        report.superseded.iter().map(|(task, text)| json!({"task": task, "text": text})).collect();
    json!({
        "source": source,
        "dry_run": dry_run,
        "new_events": report.new_events,
        "known_events": report.known_events,
        "new_artifacts": report.new_artifacts,
        "tasks": tasks,
        "other": report.other,
        "contested": contested,
        "quarantined": report.quarantined,
        "redacted": report.redacted,
        "withheld": report.withheld,
        "traces": report.traces,
        "superseded": superseded,
        "conflicts": super::conflicts::task_conflicts(&report.concurrent),
        "notices": tree.sentences().collect::<Vec<_>>(),
        "disagreements": tree.disagreements.iter().map(disagreement).collect::<Vec<_>>(),
        "unknown_files": texts(&tree.unknown_files),
    })
}

/// What came in from another tracker, or with `dry_run` would.
#[must_use]
pub fn import_from(path: &str, source: &str, dry_run: bool, report: &IntakeReport) -> Value {
    let kept: Vec<Value> = report
        .kept
        .iter()
        .map(
            |(task, kept)| json!({"task": task, "field": kept.field, "here": kept.here, "there": kept.there}),
        )
        .collect();
    let tree = TreeReport { notices: report.notices.clone(), ..TreeReport::default() };
    let mut data = import(path, dry_run, &report.import, &tree);
    data["from"] = json!(source);
    data["records"] = json!(report.records);
    data["unchanged"] = json!(report.unchanged);
    data["kept"] = Value::Array(kept);
    data
}

/// The same in numbers, for `init`; disagreements are counted by field.
#[must_use]
pub fn import_summary(report: &ImportReport, tree: &TreeReport) -> Value {
    json!({
        "events": report.new_events,
        "artifacts": report.new_artifacts,
        "tasks": report.tasks.len(),
        "notices": tree.sentences().collect::<Vec<_>>(),
        "disagreements": by_field(&tree.disagreements),
        "unknown_files": tree.unknown_files.len(),
    })
}

/// How many tasks a snapshot and its log disagree on, by field.
#[must_use]
pub fn by_field<'a>(disagreements: impl IntoIterator<Item = &'a Disagreement>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for disagreement in disagreements {
        *counts.entry(disagreement.field.as_str()).or_default() += 1;
    }
    counts
}

fn disagreement(found: &Disagreement) -> Value {
    json!({
        "task": found.task,
        "field": found.field,
        "snapshot": found.snapshot,
        "log": found.log,
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| text(path)).collect()
}
