//! What has to be true once all clones have exchanged everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lattice::app::{Level, hex, sha256};
use lattice::domain::Event;
use lattice::export::{ExportOptions, export_tree};
use serde_json::Value;

use crate::exchange::tree_files;
use crate::model;
use crate::team::{Team, in_memory};

/// All trees are the same to the byte, hold all that was acknowledged, and say all that there is;
/// every database is whole and in step with its tree; another sync touches nothing.
pub fn agreed(team: &mut Team<'_>) {
    let trees: Vec<_> = team.clones.iter().map(|clone| bytes(&clone.lattice)).collect();
    for (n, tree) in trees.iter().enumerate().skip(1) {
        assert_same(&trees[0], tree, &format!("clone {n} against clone 0"));
    }
    nothing_is_lost(team, &trees[0]);
    for n in 0..team.clones.len() {
        is_sound(team, n);
    }
    conflicts_are_what_the_parents_say(team, &trees[0]);
    let last = team.clones.len() - 1;
    let before = marks(&team.clones[last].lattice);
    let written = team.sync(last, [0; 4]);
    assert!(written.written.is_empty() && written.removed.is_empty(), "{written:?}");
    assert_eq!(marks(&team.clones[last].lattice), before, "a second sync touched files");
    says_everything(team, &trees[0]);
    team.counts.add("tasks at the end", team.tasks(0).len());
    team.counts.add("events at the end", team.acknowledged.len());
}

fn bytes(lattice: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    tree_files(lattice)
        .into_iter()
        .map(|path| (path.clone(), fs::read(lattice.join(path)).unwrap()))
        .collect()
}

fn assert_same(a: &BTreeMap<PathBuf, Vec<u8>>, b: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    for path in a.keys().chain(b.keys()) {
        let text = |tree: &BTreeMap<PathBuf, Vec<u8>>| {
            tree.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let (a, b) = (text(a), text(b));
        assert!(a == b, "{what}: {}\n{}\n{}", path.display(), a.unwrap_or_default(), b.unwrap_or_default());
    }
}

/// What changes when a file is written anew: its inode, and the time of its last change.
fn marks(lattice: &Path) -> Vec<(PathBuf, u64, i64, i64)> {
    let mark = |path: PathBuf| {
        let meta = lattice.join(&path).symlink_metadata().unwrap();
        (path, meta.ino(), meta.ctime(), meta.ctime_nsec())
    };
    tree_files(lattice).into_iter().map(mark).collect()
}

/// All events of a tree by their ids; a copy says what its original says, or said before a redaction.
fn events_of(tree: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<String, Event> {
    let mut events: BTreeMap<String, Event> = BTreeMap::new();
    for (path, bytes) in tree.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "jsonl")) {
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            let event = Event::parse(line).unwrap();
            let known = events.insert(event.id.to_string(), event.clone());
            let copy =
                path.ends_with("_lifecycle.jsonl") || known.as_ref().is_none_or(|k| k.raw() == event.raw());
            assert!(copy, "{}: {line}", path.display());
        }
    }
    events
}

/// Every event that a clone ever acknowledged stands in the tree as it was, or as the tombstone of
/// just that text if somebody redacted it; so do payloads.
fn nothing_is_lost(team: &Team<'_>, tree: &BTreeMap<PathBuf, Vec<u8>>) {
    let events = events_of(tree);
    let mut gone = BTreeSet::new();
    for (id, raw) in &team.acknowledged {
        let event = events.get(id).unwrap_or_else(|| panic!("lost: {raw}"));
        if event.redacted.is_none() {
            assert_eq!(event.raw(), raw);
            continue;
        }
        let said: Value = serde_json::from_str(event.raw()).unwrap();
        assert_eq!(said["redacted"]["sha256"].as_str(), Some(hex(&sha256(raw.as_bytes())).as_str()), "{raw}");
        gone.insert(id.clone());
        let data = serde_json::from_str::<Value>(raw).unwrap();
        let artifact = data["data"]["artifact_id"].as_str().unwrap_or_default();
        let left = tree.keys().find(|path| {
            path.starts_with("artifacts") && !artifact.is_empty() && path.to_string_lossy().contains(artifact)
        });
        assert_eq!(left, None, "what a redacted event attached");
    }
    assert_eq!(gone, team.redacted, "redacted events");
    assert_eq!(events.len(), team.acknowledged.len(), "events that nobody acknowledged");
    for (id, payload) in &team.payloads {
        let attached = |raw: &&String| raw.contains("artifact_attached") && raw.contains(id.as_str());
        let event = team.acknowledged.values().find(attached).unwrap();
        let event: Value = serde_json::from_str(event).unwrap();
        if team.redacted.contains(event["id"].as_str().unwrap()) {
            continue;
        }
        let file = tree.iter().find(|(path, _)| {
            path.starts_with("artifacts/payload")
                && path.file_name().unwrap().to_string_lossy().starts_with(id)
        });
        assert_eq!(file.map(|(_, bytes)| bytes), Some(payload), "payload of {id}");
    }
}

/// Each clone tells of just those fields and texts of tasks that were set on two sides.
fn conflicts_are_what_the_parents_say(team: &Team<'_>, tree: &BTreeMap<PathBuf, Vec<u8>>) {
    let events = events_of(tree);
    let mut histories: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events.values() {
        if let Some(task) = event.task() {
            histories.entry(task.as_str()).or_default().push(event);
        }
    }
    let all = histories.len();
    let contested: BTreeMap<&str, BTreeSet<String>> =
        histories.iter().filter_map(|(id, history)| Some((*id, model::contested(history)?))).collect();
    team.counts.add("histories held against the model", contested.len());
    team.counts.add("histories with more than parents", all - contested.len());
    team.counts.add("contested things", contested.values().map(BTreeSet::len).sum());
    for (n, clone) in team.clones.iter().enumerate() {
        let (told, _) = clone.app.conflicts(None).unwrap();
        for (id, contested) in &contested {
            let of = told.iter().filter(|of| of.task.id.as_str() == *id);
            let what = of.flat_map(|of| of.conflicts.iter().map(|conflict| conflict.what.clone()));
            let told: BTreeSet<String> = what.filter(|what| model::is_looked_at(what)).collect();
            assert_eq!(told, *contested, "clone {n}, {id}");
        }
    }
}

/// `doctor` has nothing to say but what is legal after a merge.
fn is_sound(team: &Team<'_>, n: usize) {
    let app = &team.clones[n].app;
    let report = app.examine(|_| {}).unwrap();
    for finding in &report.findings {
        let legal = finding.level == Level::Warning
            && (team.findings.contains(&finding.message)
                || ["short_ids", "resources"].contains(&finding.check)
                || finding.message.contains("in a circle")
                || finding.message.ends_with("is about a comment that is not there"));
        assert!(legal, "clone {n}: {finding:?}");
    }
    let tree = team.whole(n);
    let state = app.compare_tree(&tree.set).unwrap();
    assert!(state == Default::default(), "clone {n}: {state:?}");
    assert_eq!((&tree.report.notices, &tree.report.disagreements), (&vec![], &vec![]), "clone {n}");
    let named: Vec<_> = team.tasks(n).into_iter().filter_map(|task| task.short_id).collect();
    let different: BTreeSet<_> = named.iter().collect();
    let shown = app.read(|reader| Ok(reader.short_id_index()?)).unwrap().shown;
    assert_eq!((different.len(), shown.len()), (named.len(), named.len()), "clone {n}");
}

/// A tracker made from the tree alone writes the same tree.
fn says_everything(team: &Team<'_>, tree: &BTreeMap<PathBuf, Vec<u8>>) {
    let copy = in_memory(&team.whole(0).set, 7);
    let target = tempfile::tempdir_in(team.clones[0].project.parent().unwrap()).unwrap();
    export_tree(&copy, target.path(), &ExportOptions::default()).unwrap();
    assert_same(tree, &bytes(target.path()), "a tracker made from the tree");
}
