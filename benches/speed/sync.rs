//! The exported tree as a whole: `sync`, the first import and the first export, each against a bare
//! program that reads, takes in or writes the same files.

use std::path::{Path, PathBuf};

use lattice::domain::event::{EventBody, Stamp, kind};
use lattice::domain::{Actor, Event, EventId, Timestamp};

use crate::bulk::{copy_tree, measure};
use crate::report::Report;
use crate::run::{Call, Pairs};
use crate::tracker::Tracker;
use crate::{Bench, Result};

pub fn sync(bench: &Bench, report: &mut Report) -> Result<()> {
    let tasks = bench.size(10_000, 200);
    let count = bench.size(9, 1);
    let tracker = Tracker::make(&bench.folder("sync"), tasks, 9)?;
    let tree = tracker.dir.join(".lattice");
    tracker.call(&bench.lattice, &["export"]).output()?;
    report.heading(&format!("The exported tree: {tasks} tasks, {} events, against bare programs", tasks * 9));
    let bare = |args: &[&Path]| Call::new(&bench.bare_tree, &tracker.dir, args.iter().copied());
    let read = |_: usize| bare(&[Path::new("read"), &tree]);
    let lattice = |args: &[&str]| tracker.call(&bench.lattice, args);

    let pairs = Pairs::measure(count, |_| lattice(&["sync"]), read)?;
    report.pairs("sync, nothing changed", &pairs, Some(3.0));
    let unchanged = pairs.paired_ratio();
    measure(report, "sync, nothing changed", lattice(&["sync"]))?;
    let plan = first_file(&tree.join("plans"))?;
    let edited = |turn: usize| {
        let written = std::fs::write(&plan, format!("# By hand\n\n{turn}\n"));
        written.map(|()| lattice(&["sync"])).unwrap_or_else(|_| lattice(&["fail"]))
    };
    report.pairs("sync, a plan edited", &Pairs::measure(count, edited, read)?, None);
    let log = first_file(&tree.join("events"))?;
    let appended =
        |_: usize| append(&log).map(|()| lattice(&["sync"])).unwrap_or_else(|_| lattice(&["fail"]));
    let pairs = Pairs::measure(count, appended, read)?;
    report.pairs("sync, a line appended to one log", &pairs, None);
    let ratio = format!("{:.2} times as long as when nothing changed", pairs.paired_ratio() / unchanged);
    report.figure("sync, one task changed in the tree", &ratio, None);
    let commented = |turn: usize| {
        let comment = ["comment", &tracker.backlog(turn), "Seen again", "--actor", "agent:bench"];
        lattice(&comment).output().map(|_| lattice(&["sync"])).unwrap_or_else(|_| lattice(&["fail"]))
    };
    report.pairs("sync, a comment added", &Pairs::measure(count, commented, read)?, None);
    let pairs = Pairs::measure(count, |_| lattice(&["import"]), read)?;
    report.pairs("import, nothing new", &pairs, None);
    let pairs = Pairs::measure(count, |_| lattice(&["export"]), read)?;
    report.pairs("export, nothing new", &pairs, None);

    import(bench, report, &tree, tasks * 9)?;
    export(bench, report, &tracker, &tree)
}

/// `init` beside the tree, against the same events put into a tracker without one.
fn import(bench: &Bench, report: &mut Report, tree: &Path, events: usize) -> Result<()> {
    let clone = bench.folder("sync-clone");
    let inside = clone.join(".lattice");
    copy_tree(tree, &inside)?;
    let empty = Tracker::make(&bench.folder("sync-empty"), 1, 5)?;
    let file = bench.folder("bare.db");
    let init = |_: usize| {
        for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm"] {
            drop(std::fs::remove_file(inside.join(name)));
        }
        Call::new(&bench.lattice, &clone, ["init", "--actor", "agent:bench"])
    };
    let bare = |_: usize| {
        drop(std::fs::copy(empty.file(), &file));
        Call::new(&bench.bare_tree, &clone, [Path::new("import"), tree, &file])
    };
    let pairs = Pairs::measure(bench.size(5, 1), init, bare)?;
    report.pairs("init beside the tree (import)", &pairs, Some(2.0));
    for (what, times) in [("events a second, init", &pairs.left), ("events a second, bare", &pairs.right)] {
        let rate = events as f64 / crate::run::median(times).as_secs_f64();
        report.figure(what, &format!("{rate:.0}"), None);
    }
    measure(report, "init beside the tree", init(0))
}

/// `export` into an empty folder, against the same files written from one.
fn export(bench: &Bench, report: &mut Report, tracker: &Tracker, tree: &Path) -> Result<()> {
    let packed = bench.folder("packed");
    // Each its own: both calls of a pair are made ready before the first of them runs.
    let clean = |name: &str| -> PathBuf {
        let out = bench.folder(name);
        drop(std::fs::remove_dir_all(&out));
        drop(std::fs::create_dir(&out));
        out
    };
    let bare = |args: [&Path; 3]| Call::new(&bench.bare_tree, &tracker.dir, args);
    bare([Path::new("pack"), tree, &packed]).output()?;
    let lattice = |_: usize| {
        let args = [Path::new("export"), Path::new("--to"), &clean("sync-out")];
        Call::new(&bench.lattice, &tracker.dir, args)
    };
    let pairs = Pairs::measure(bench.size(5, 1), lattice, |_| {
        bare([Path::new("export"), &packed, &clean("sync-out-bare")])
    })?;
    report.pairs("export into an empty folder", &pairs, Some(2.0));
    measure(report, "export into an empty folder", lattice(0))
}

/// Adds a comment to the log of a task, as a merge of git does.
fn append(log: &Path) -> Result<()> {
    let text = std::fs::read_to_string(log)?;
    let last = Event::parse(text.lines().last().unwrap_or_default())?;
    let task = last.task().ok_or("the log is no task's")?;
    let body = EventBody::of_task(task, kind::COMMENT_ADDED, serde_json::json!({"body": "Seen elsewhere"}));
    let id = EventId::from_value(last.id.value().ok_or("the id has no value")? + 1);
    let at = Timestamp::parse(&last.ts).ok_or("the event has no time")?;
    let actor = Actor::Plain("agent:bench".into());
    let event = Event::compose(body, id, at, &actor, &Stamp::default(), vec![last.id.clone()]);
    Ok(std::fs::write(log, format!("{text}{}\n", event.raw()))?)
}

/// The first of a task's files in a folder.
fn first_file(folder: &Path) -> Result<PathBuf> {
    let files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let files: Result<Vec<PathBuf>> = files.collect();
    let of_task =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("task_"));
    Ok(files?.into_iter().filter(of_task).min().ok_or("the folder is empty")?)
}
