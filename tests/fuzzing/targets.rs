//! What bytes from anywhere must not do. Each target takes any bytes and panics where something is broken:
//! `cargo fuzz` calls them from `fuzz/`, and `tests/fuzzing/` with the corpus and with changes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a panic is the finding")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use lattice::app::{
    App, Batch, Identity, ImportSet, InitOptions, Limits, Merge, Place, Root, Sourced, World, parse_head,
};
use lattice::domain::config::{Config, differences, dotted, pointer};
use lattice::domain::id::{decode_ulid, encode_ulid};
use lattice::domain::{ArtifactId, Event, EventId, ResourceId, ShortId, TaskId, Timestamp, json};
use lattice::export::{ExportOptions, ReadOptions, Tree, export_tree, read_document, read_tree};
use serde_json::Value;

/// A target by its name, which is that of its folder in `fuzz/corpus/`.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 7] = [
    ("batch", batch),
    ("config", config),
    ("database", database),
    ("event", event),
    ("id", id),
    ("sql", sql),
    ("tree", tree),
];

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600_000;
const WAIT: Duration = Duration::from_secs(5);

fn options() -> InitOptions {
    InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() }
}

fn tracker() -> App {
    App::in_memory(World::scripted(NOW, 5), &options(), None).unwrap()
}

/// A folder in memory, where there is one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Events of the tracker, to the letter.
fn events(app: &App) -> usize {
    let head = app.read(|reader| Ok(reader.head()?)).unwrap();
    usize::try_from(head.events).unwrap()
}

/// The tables are the fold of the events.
fn is_whole(app: &App) {
    assert_eq!(app.read(|reader| Ok(reader.drift()?)).unwrap(), Vec::new());
}

/// A line of a log: what is read is written and read again as the same, and it folds.
pub fn event(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(event) = Event::parse(text) else { return };
    assert_eq!(Event::parse(event.raw()).as_ref(), Ok(&event), "written, it reads otherwise");
    assert_eq!(Event::from_stored(event.raw()).as_ref(), Ok(&event), "stored, it reads otherwise");
    assert!(!event.raw().contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "it is no line");
    let mut app = tracker();
    let place = Place { file: "log".into(), line: None };
    let set = ImportSet { events: vec![Sourced { item: event, place }], ..ImportSet::default() };
    let before = events(&app);
    match app.import(&set, &Merge::default(), false, |_| {}) {
        Ok(_) => assert!(events(&app) >= before),
        Err(_) => assert_eq!(events(&app), before, "refused, and yet it is there"),
    }
    is_whole(&app);
}

/// A configuration: every question has an answer, and its differences from another make it again.
pub fn config(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if json::depth(&value) > json::MAX_DEPTH || !value.is_object() {
        return;
    }
    let config = Config::new(value.clone());
    for status in config.statuses().iter().take(20) {
        let _ = (config.transitions(status), config.wip_limit(status), config.completion_policy(status));
        let _ = (config.display_name(status), config.find_status(status));
    }
    let _ = (config.universal_targets(), config.finished(), config.roles(), config.task_types());
    let _ = (config.review_cycle_limit(), config.default_status(), config.default_priority());
    let _ = (config.short_id_prefix(), config.detects_git(), config.instance_id(), config.default_actor());
    let _ = (config.resources(), lattice::domain::hooks::all(&config));
    let mut made = Config::new(Value::Object(serde_json::Map::new()));
    for (path, to) in differences(made.value(), &value) {
        assert_eq!(pointer(&dotted(&path)), path, "a path that is written otherwise");
        let mut change = serde_json::Map::new();
        change.insert("path".into(), path.into());
        change.insert("to".into(), to.unwrap());
        made.change(&change);
    }
    assert_eq!(made.value(), &value, "its settings, one by one, make another");
}

/// Ids, short ids, times and heads: what is read is written as it reads.
pub fn id(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.trim_end_matches('\n');
    macro_rules! ids {
        ($($id:ty),*) => {$(
            for found in [<$id>::parse(text), <$id>::parse_foreign(text)].into_iter().flatten() {
                assert_eq!(<$id>::parse_foreign(found.as_str()).as_ref(), Some(&found));
                assert!(found.as_str().is_ascii() && !found.as_str().contains(['/', '.', '\0']));
            }
        )*};
    }
    ids!(TaskId, EventId, ResourceId, ArtifactId);
    if let Some(value) = decode_ulid(text) {
        assert_eq!(decode_ulid(&encode_ulid(value)), Some(value));
        assert!(lattice::domain::id::begins_ulid(&text[..10]));
    }
    if let Some(short) = ShortId::parse(text) {
        assert_eq!(ShortId::parse(&short.to_string()), Some(short));
    }
    if let Some(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
    if let Ok(head) = parse_head(text) {
        assert_eq!(parse_head(&head.to_string()).unwrap(), head);
    }
    let mut app = tracker();
    let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
    let found =
        app.execute(&who, |names| Ok(lattice::domain::Command::Unarchive { task: names.task(text)? }));
    assert!(found.is_err(), "an empty tracker has a task");
}

/// Lines of a batch: all or nothing.
pub fn batch(data: &[u8]) {
    let lines: Vec<(usize, Vec<u8>)> = data
        .split(|byte| *byte == b'\n')
        .take(50)
        .enumerate()
        .map(|(n, line)| (n + 1, line.to_vec()))
        .collect();
    let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
    let Ok(batch) = Batch::read(&lines, &who) else { return };
    let mut app = tracker();
    let before = events(&app);
    let done = match batch.all_readable() {
        Ok(batch) => app.batch(batch, false, drop).is_ok(),
        Err(_) => {
            let each = Batch::read(&lines, &who).unwrap();
            app.batch_each(each, drop);
            return is_whole(&app);
        }
    };
    assert!(done || events(&app) == before, "a part of it was done");
    is_whole(&app);
}

/// The files of a tree: `=== path` begins each. Otherwise it is one document.
fn parts(data: &[u8]) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
    let data = data.strip_prefix(b"=== ")?;
    let mut files = BTreeMap::new();
    let mut rest = data;
    while !rest.is_empty() && files.len() < 20 {
        let end = rest.windows(5).position(|window| window == b"\n=== ").unwrap_or(rest.len());
        let (part, more) = (&rest[..end], &rest[(end + 5).min(rest.len())..]);
        let line = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        let name = String::from_utf8_lossy(&part[..line]).into_owned();
        let plain = !name.is_empty()
            && name.len() < 200
            && name.split('/').all(|word| {
                !word.is_empty() && word.len() < 100 && !word.contains('\0') && word != ".." && word != "."
            });
        if plain {
            files.insert(name.into(), part[(line + 1).min(part.len())..].to_vec());
        }
        rest = more;
    }
    Some(files)
}

/// A tree comes in whole or not at all, and what came in is exported and read again as the same.
pub fn tree(data: &[u8]) {
    let dir = folder();
    let read: Vec<Tree> = match parts(data) {
        None => {
            let modes = [false, true].map(|repair| ReadOptions { repair, ..ReadOptions::default() });
            modes.iter().filter_map(|mode| read_document(&mut &data[..], mode).ok()).collect()
        }
        Some(files) => {
            for (path, content) in files {
                let path = dir.path().join("in").join(path);
                // A file may stand where a folder is needed: then there is one of them.
                if std::fs::create_dir_all(path.parent().unwrap()).is_ok() {
                    drop(std::fs::write(path, content));
                }
            }
            let modes = [(false, false), (true, false), (false, true)];
            let modes = modes.map(|(repair, reconcile)| ReadOptions { repair, reconcile });
            modes.iter().filter_map(|mode| read_tree(&dir.path().join("in"), mode).ok()).collect()
        }
    };
    for (number, tree) in read.into_iter().enumerate() {
        let merge = Merge { adopt: true, ..Merge::default() };
        let mut app = tracker();
        let before = events(&app);
        if app.import(&tree.set, &merge, false, |_| {}).is_err() {
            assert_eq!(events(&app), before, "a part of the tree came in");
            continue;
        }
        is_whole(&app);
        let (once, twice) = (dir.path().join(format!("a{number}")), dir.path().join(format!("b{number}")));
        export_tree(&app, &once, &ExportOptions::default()).unwrap();
        let again = read_tree(&once, &ReadOptions::default())
            .unwrap_or_else(|failure| panic!("its own export: {failure}"));
        let mut other = App::in_memory(World::scripted(NOW, 9), &options(), Some(&again.set)).unwrap();
        other.import(&again.set, &merge, false, |_| {}).unwrap();
        is_whole(&other);
        export_tree(&other, &twice, &ExportOptions::default()).unwrap();
        let logs = |dir: &Path| files(&dir.join("events"));
        for (path, log) in logs(&once) {
            assert_eq!(logs(&twice).get(&path), Some(&log), "{}: exported otherwise", path.display());
        }
    }
}

/// The files right in a folder.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let file = |entry: std::fs::DirEntry| Some((entry.file_name().into(), std::fs::read(entry.path()).ok()?));
    entries.filter_map(file).collect()
}

fn root_of(project: &Path) -> Root {
    let lattice = project.join(".lattice");
    Root { project: project.to_path_buf(), tree: lattice.clone(), lattice }
}

/// A tracker on disk with a few tasks.
fn made(project: &Path) -> Root {
    let root = root_of(project);
    App::init(&root.lattice, &World::scripted(NOW, 7), WAIT, &options(), None).unwrap();
    let mut app = App::open_write(root.clone(), World::scripted(NOW, 8), WAIT).unwrap();
    let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
    let lines =
        [&b"{\"create\":{\"title\":\"One\",\"name\":\"a\"}}"[..], b"{\"create\":{\"title\":\"Two\"}}"];
    let lines: Vec<_> = lines.into_iter().enumerate().map(|(n, line)| (n + 1, line.to_vec())).collect();
    app.batch_each(Batch::read(&lines, &who).unwrap(), drop);
    app.close();
    root
}

/// A question: nothing is written, nothing beside the database is opened or made.
pub fn sql(data: &[u8]) {
    // Made once for each thread, and taken away with it.
    thread_local! {
        static ASKED: (tempfile::TempDir, Root) = {
            let dir = folder();
            let root = made(dir.path());
            (dir, root)
        };
    }
    ASKED.with(|(_dir, root)| asked(root, data));
}

fn asked(root: &Root, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let seen = || {
        let mut seen = files(&root.lattice);
        // SQLite makes its index of the log to read.
        seen.remove(Path::new("lattice.db-shm"));
        seen
    };
    let before = seen();
    let around = files(&root.project);
    let limits = Limits { timeout: Duration::from_millis(300), rows: 50 };
    let _ = App::ask(root, text, limits);
    assert!(seen() == before && files(&root.project) == around, "a question changed something");
}

/// A database of any bytes: a whole file, or bytes to be put into a good one (four for the place, one for
/// the byte). It is opened, refused or found wanting; it is never taken for whole where an event is not.
pub fn database(data: &[u8]) {
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    let good = GOOD.get_or_init(|| {
        let dir = folder();
        std::fs::read(made(dir.path()).lattice.join("lattice.db")).unwrap()
    });
    let dir = folder();
    let root = root_of(dir.path());
    std::fs::create_dir(&root.lattice).unwrap();
    let bytes = if data.starts_with(b"SQLite format 3\0") {
        data.to_vec()
    } else {
        let mut bytes = good.clone();
        for patch in data.chunks_exact(5) {
            let at = u32::from_le_bytes([patch[0], patch[1], patch[2], patch[3]]) as usize % bytes.len();
            bytes[at] = patch[4];
        }
        bytes
    };
    std::fs::write(root.lattice.join("lattice.db"), bytes).unwrap();
    if let Ok(app) = App::open_read(root.clone(), World::scripted(NOW, 9)) {
        let _ = app.examine(|_| {});
        let _ = app.read(|reader| Ok(reader.tasks(&Default::default())?));
    }
    let _ = App::ask(&root, "SELECT * FROM tasks", Limits { timeout: WAIT, rows: 50 });
    if let Ok(mut app) = App::open_write(root, World::scripted(NOW, 10), WAIT) {
        let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
        let line = vec![(1, b"{\"create\":{\"title\":\"Three\"}}".to_vec())];
        app.batch_each(Batch::read(&line, &who).unwrap(), drop);
        let _ = app.examine(|_| {});
    }
}
