//! Folders that the predecessor wrote in real projects: nothing in them is lost or changed.
//!
//! They are no part of this repository. `LATTICE_REALDATA` names the folder that holds them, else
//! `../shared/realdata` is tried; without one of the two the tests say so and pass.

mod export_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use export_support::{copy, export, files, folder, init, marks, read};
use lattice::app::FeedQuery;
use serde_json::Value;

/// Fields in which snapshots and logs differ, with how often. Numbers only: the data is not ours.
const DISAGREEMENTS: &[(&str, &[(&str, usize)])] = &[
    (
        "c11",
        &[
            ("cmux_surface", 8),
            ("cmux_workspace", 8),
            ("comment_count", 1),
            // Two events of one millisecond stand in the file in the other order than that of their ids.
            ("evidence_refs", 4),
            ("last_event_id", 1),
            ("linked_files", 1),
            // Two tasks claim one number.
            ("short_id", 1),
        ],
    ),
    ("maltese-agent", &[("evidence_refs", 1)]),
    ("sai-dashboard", &[]),
];

/// Notices, as many as there are: one copy in a log of lifecycles claims another short id.
const NOTICES: &[(&str, usize)] = &[("c11", 1), ("maltese-agent", 0), ("sai-dashboard", 0)];

/// The real folders that are here: (name, `.lattice/`).
fn real() -> Vec<(String, PathBuf)> {
    let root = std::env::var_os("LATTICE_REALDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/realdata"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&root) else {
        eprintln!("skipped: there is no real data in {}", root.display());
        return Vec::new();
    };
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().join(".lattice")))
        .filter(|(_, lattice)| lattice.is_dir())
        .collect();
    found.sort();
    found
}

/// Every event of a folder by id, read as simply as can be: all lines of all logs. The log of
/// lifecycles comes last: it holds copies, and a copy that says something else does not count.
fn events(dir: &Path) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    let mut logs: Vec<(PathBuf, Vec<u8>)> = files(dir).into_iter().collect();
    logs.retain(|(path, _)| path.extension().is_some_and(|e| e == "jsonl"));
    logs.sort_by_key(|(path, _)| path.ends_with("_lifecycle.jsonl"));
    for (path, bytes) in logs {
        for line in String::from_utf8(bytes).unwrap().split('\n').filter(|line| !line.trim().is_empty()) {
            let event: Value = serde_json::from_str(line).unwrap();
            let id = event["id"].as_str().unwrap().to_owned();
            let known = found.entry(id).or_insert_with(|| event.clone());
            assert!(*known == event || path.ends_with("_lifecycle.jsonl"), "{}", path.display());
        }
    }
    found
}

#[test]
fn no_event_is_lost_or_changed() {
    for (name, source) in real() {
        let (_dir, lattice) = folder();
        copy(&source, &lattice);
        let original = events(&source);
        let app = init(&lattice);
        let arrived = app.read(|reader| Ok(reader.feed(&FeedQuery::default())?)).unwrap();
        let stored: BTreeMap<String, Value> =
            arrived.iter().map(|a| (a.event.id.to_string(), a.event.value())).collect();
        for (id, event) in &original {
            assert_eq!(stored.get(id), Some(event), "{name}: {id}");
        }
        let target = tempfile::tempdir().unwrap();
        export(&app, target.path());
        let exported = events(target.path());
        for (id, event) in &original {
            assert_eq!(exported.get(id), Some(event), "{name}: {id}");
        }
        assert_eq!(exported, stored, "{name}");
    }
}

#[test]
fn plans_notes_and_payloads_keep_their_bytes() {
    for (name, source) in real() {
        let (_dir, lattice) = folder();
        copy(&source, &lattice);
        // A payload that no metadata names belongs to nobody: it stays where it is.
        let unknown = read(&lattice).report.unknown_files;
        let app = init(&lattice);
        let (_dir, target) = folder();
        export(&app, &target);
        let (before, after) = (files(&source), files(&target));
        let mut kept = 0;
        for (path, bytes) in before.iter().filter(|(path, _)| !unknown.contains(path)) {
            let text = path.to_string_lossy();
            let is_plan = text.contains("plans/task_");
            if !(is_plan || text.contains("notes/task_") || text.contains("artifacts/payload/art_")) {
                continue;
            }
            let written = after.get(path).unwrap_or_else(|| panic!("{name}: {text} is gone"));
            // A plan that is no more than the title and the description is derived.
            let is_scaffold = is_plan && written.starts_with(b"# ") && is_derived(&app, path);
            assert!(bytes == written || is_scaffold, "{name}: {text}");
            kept += usize::from(bytes == written);
        }
        eprintln!("{name}: {kept} texts and payloads kept to the byte");
    }
}

fn is_derived(app: &lattice::app::App, path: &Path) -> bool {
    let id = path.file_stem().unwrap().to_str().unwrap();
    app.plan(id).unwrap().1.is_scaffold
}

#[test]
fn snapshots_and_logs_differ_where_they_are_known_to() {
    for (name, source) in real() {
        let tree = read(&source);
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for disagreement in &tree.report.disagreements {
            *found.entry(disagreement.field.clone()).or_default() += 1;
        }
        let Some((_, expected)) = DISAGREEMENTS.iter().find(|(known, _)| *known == name) else {
            eprintln!("{name}: no numbers are written down; found {found:?}");
            continue;
        };
        let expected: BTreeMap<String, usize> = expected.iter().map(|(f, n)| ((*f).to_owned(), *n)).collect();
        assert_eq!(found, expected, "{name}");
        let notices = NOTICES.iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
        assert_eq!(notices, Some(tree.report.notices.len()), "{name}: {:?}", tree.report.notices);
    }
}

#[test]
fn a_second_export_touches_nothing_and_a_third_elsewhere_is_the_same() {
    for (name, source) in real() {
        let (_dir, lattice) = folder();
        copy(&source, &lattice);
        let unknown = read(&lattice).report.unknown_files;
        let before = files(&lattice);
        let app = init(&lattice);
        export(&app, &lattice);
        for path in &unknown {
            let after = files(&lattice);
            for (file, bytes) in before.iter().filter(|(file, _)| file.starts_with(path)) {
                assert_eq!(after.get(file), Some(bytes), "{name}: {}", file.display());
            }
        }
        let marked = marks(&lattice);
        let second = export(&app, &lattice);
        assert_eq!((second.written.len(), second.removed.len()), (0, 0), "{name}");
        assert_eq!(marks(&lattice), marked, "{name}");

        let (_dir, elsewhere) = folder();
        export(&app, &elsewhere);
        let first = files(&elsewhere);
        let (_dir, third) = folder();
        copy(&elsewhere, &third);
        let tree = read(&third);
        assert!(tree.report.disagreements.is_empty(), "{name}: {:?}", tree.report.disagreements);
        assert!(tree.report.unknown_files.is_empty() && tree.report.notices.is_empty(), "{name}");
        let other = init(&third);
        export(&other, &third);
        assert_eq!(files(&third), first, "{name}");
    }
}
