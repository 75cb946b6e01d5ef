//! What the tests of the exported tree share: folders as maps of bytes, trackers made of them.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lattice::app::{
    App, FoundArtifact, Identity, ImportSet, InitOptions, InitOutcome, Merge, Place, Root, Sourced, World,
};
use lattice::domain::artifact::{Artifact, NewArtifact};
use lattice::domain::command::NewTask;
use lattice::domain::{Command, Event, TaskId};
use lattice::export::{ExportOptions, ExportReport, ReadOptions, Tree, export_tree, read_tree};
use serde_json::json;

pub const WAIT: Duration = Duration::from_secs(10);
/// 2026-01-01T00:00:00Z.
pub const NOW: u64 = 1_767_225_600_000;

/// Files of the tree below a folder: relative path and bytes. The database, its lock and git's
/// files are no part of it.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    walk(dir).into_iter().map(|path| (path.clone(), std::fs::read(dir.join(&path)).unwrap())).collect()
}

/// What changes when a file is written anew: its inode, and the time of its last change.
pub fn marks(dir: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mark = |path: &PathBuf| {
        let meta = dir.join(path).symlink_metadata().unwrap();
        (meta.ino(), meta.ctime(), meta.ctime_nsec())
    };
    walk(dir).into_iter().map(|path| (path.clone(), mark(&path))).collect()
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(dir.join(&at)).unwrap() {
            let entry = entry.unwrap();
            let path = at.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            if name.starts_with("lattice.db") || name.starts_with(".git") || name == "lock" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in walk(from) {
        std::fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        std::fs::write(to.join(&path), std::fs::read(from.join(&path)).unwrap()).unwrap();
    }
}

pub fn read(dir: &Path) -> Tree {
    read_tree(dir, &ReadOptions::default()).unwrap()
}

/// A tracker in this folder, made from the tree that lies there.
pub fn init(dir: &Path) -> App {
    let tree = read(dir);
    init_with(dir, Some(&tree.set))
}

pub fn init_with(dir: &Path, set: Option<&ImportSet>) -> App {
    init_named(dir, &InitOptions::default(), set)
}

pub fn init_named(dir: &Path, options: &InitOptions, set: Option<&ImportSet>) -> App {
    let outcome = App::init(dir, &World::scripted(NOW, 7), WAIT, options, set).unwrap();
    assert!(matches!(outcome, InitOutcome::Made(_)));
    open(dir, 11)
}

/// Opens the tracker in this folder for writing.
pub fn open(dir: &Path, seed: u64) -> App {
    open_at(dir, seed, NOW + 60_000)
}

/// The same at another time.
pub fn open_at(dir: &Path, seed: u64, millis: u64) -> App {
    let root = Root { project: dir.to_path_buf(), lattice: dir.to_path_buf(), tree: dir.to_path_buf() };
    App::open_write(root, World::scripted(millis, seed), WAIT).unwrap()
}

pub fn export(app: &App, target: &Path) -> ExportReport {
    export_tree(app, target, &ExportOptions::default()).unwrap()
}

/// Imports the tree of a folder.
pub fn import(app: &mut App, dir: &Path) {
    app.import(&read(dir).set, &Merge::default(), false, |_| {}).unwrap();
}

/// A `.lattice/` in a new temporary folder.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let lattice = dir.path().join(".lattice");
    std::fs::create_dir(&lattice).unwrap();
    (dir, lattice)
}

pub fn who() -> Identity {
    Identity { actor: Some("agent:tester".to_owned()), ..Identity::default() }
}

pub fn run(app: &mut App, build: impl FnOnce(TaskId) -> Command) -> TaskId {
    let outcome = app.execute(&who(), |names| Ok(build(names.fresh_task()))).unwrap();
    outcome.task.unwrap().id
}

pub fn create(app: &mut App, title: &str) -> TaskId {
    let task =
        NewTask { title: title.to_owned(), description: Some("Why.".to_owned()), ..NewTask::default() };
    run(app, |id| Command::Create { id, chosen: false, task })
}

/// A tracker with one of everything, in a folder of its own.
pub fn sample() -> (tempfile::TempDir, PathBuf, App, Vec<TaskId>) {
    let (dir, lattice) = folder();
    let options = InitOptions { project_code: Some("LAT".to_owned()), ..InitOptions::default() };
    let mut app = init_named(&lattice, &options, None);
    let ids: Vec<TaskId> =
        ["First", "Second \u{2028} line", "Third é"].iter().map(|title| create(&mut app, title)).collect();
    run(&mut app, |_| Command::SetPlan {
        task: ids[0].clone(),
        body: "# A plan\n\n- with steps\n".to_owned(),
        base: None,
    });
    run(&mut app, |_| Command::SetNotes {
        task: ids[1].clone(),
        body: "no newline at the end".to_owned(),
        base: None,
    });
    let comment =
        Command::Comment { task: ids[1].clone(), body: "a\u{85}b".into(), reply_to: None, role: None };
    run(&mut app, |_| comment);
    run(&mut app, |_| Command::Archive { task: ids[2].clone() });
    let set = ImportSet { artifacts: vec![artifact(1, false), artifact(2, true)], ..resource() };
    app.import(&set, &Merge::default(), false, |_| {}).unwrap();
    (dir, lattice, app, ids)
}

pub fn place() -> Place {
    Place { file: PathBuf::from("test"), line: None }
}

pub fn artifact(n: u32, sensitive: bool) -> Sourced<FoundArtifact> {
    let id = format!("art_0000000000000000000000000{n}");
    let payload = format!("payload {n}").into_bytes();
    let meta = json!({
        "id": id, "type": "note", "title": "T", "sensitive": sensitive, "created_at": "2026-01-01T00:00:00Z",
        "created_by": "human:a", "payload": {"file": format!("{id}.md"), "size_bytes": payload.len()},
    });
    let artifact = Artifact::from_value(meta).unwrap();
    Sourced { item: NewArtifact { artifact, payload: Some(payload) }.into(), place: place() }
}

pub fn resource() -> ImportSet {
    let event = json!({
        "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "resource_created",
        "resource_id": "res_01KPH4C22JNABBN4W02JP1GNNR", "actor": "human:a",
        "data": {"name": "staging", "max_holders": 1, "ttl_seconds": 60}, "future": [1.50],
    });
    let event = Sourced { item: Event::from_value(event).unwrap(), place: place() };
    ImportSet { events: vec![event], ..ImportSet::default() }
}
