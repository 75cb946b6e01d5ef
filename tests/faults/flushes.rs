//! What survives a power failure is what was flushed: a file before it gets its name, the folder
//! after, the log before a command says that it is done. Read from the calls of clean runs.

use std::collections::BTreeSet;

use crate::injector::{injector, writes};
use crate::sandbox::{INIT, copy_of, empty, tracker};

/// What a list of calls has flushed and what not. Paths begin with `/.lattice`; the folder around
/// it is empty text.
#[derive(Default, Debug)]
pub struct Flushes {
    /// Files and folders that were flushed.
    pub flushed: BTreeSet<String>,
    /// Folders in which files got names, or were made, since they were last flushed.
    pub unflushed: BTreeSet<String>,
    /// Files that were written to since they were last flushed.
    written: BTreeSet<String>,
    /// Files that got their names while they were not flushed.
    premature: Vec<String>,
}

impl Flushes {
    pub fn of(calls: &[String]) -> Self {
        let mut flushes = Self::default();
        for call in calls {
            let (name, paths) = call.split_once(' ').unwrap();
            let mut paths = paths.split(' ').map(inside);
            let path = paths.next().unwrap();
            match name {
                "unlink" if !path.contains("/new-") => drop(flushes.unflushed.insert(folder(&path))),
                "rename" | "link" => {
                    if flushes.written.remove(&path) {
                        flushes.premature.push(path);
                    }
                    flushes.unflushed.insert(folder(&paths.next().unwrap()));
                }
                "mkdir" => drop(flushes.unflushed.insert(folder(&path))),
                "fsync" | "fdatasync" => {
                    flushes.written.remove(&path);
                    flushes.unflushed.remove(&path);
                    flushes.flushed.insert(path);
                }
                "syncfs" => {
                    flushes.written.clear();
                    flushes.unflushed.clear();
                }
                _ if writes(call) => drop(flushes.written.insert(path)),
                _ => {}
            }
        }
        flushes
    }

    /// Everything was flushed in its order; of what is still unflushed only `may` needs no
    /// flush.
    pub fn all_done(&self, may: &[&str]) {
        assert_eq!(self.premature, Vec::<String>::new(), "named before they were flushed: {self:#?}");
        assert_eq!(self.unflushed, BTreeSet::new(), "names that may be lost: {self:#?}");
        let left: Vec<_> = self.written.iter().filter(|path| !may.contains(&path.as_str())).collect();
        assert!(left.is_empty(), "bytes that may be lost: {left:?}");
    }
}

fn inside(path: &str) -> String {
    path.find("/.lattice").map_or_else(String::new, |at| path[at..].to_owned())
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// What may be lost: the index of the log, and what a hint remembers.
pub const INDEX: &[&str] = &["/.lattice/lattice.db-shm", "/.lattice/lattice.db-seen"];

#[test]
fn init_flushes_the_database_its_name_and_the_folders_name() {
    let Some(injector) = injector() else { return };
    let calls = injector.calls(&empty(), INIT);
    let flushes = Flushes::of(&calls);
    flushes.all_done(INDEX);
    assert!(flushes.flushed.contains("/.lattice") && flushes.flushed.contains(""), "{calls:#?}");
    let named = calls.iter().position(|call| call.ends_with("/lattice.db")).expect("the name");
    assert!(calls[named].starts_with("rename "), "{calls:#?}");
    // Whoever was killed in between left a tracker that nobody has flushed yet.
    let project = tracker();
    let again = Flushes::of(&injector.calls(&project, INIT));
    assert!(again.flushed.contains("/.lattice") && again.flushed.contains(""), "{again:#?}");
}

#[test]
fn a_change_is_in_the_flushed_log_before_it_is_acknowledged() {
    let Some(injector) = injector() else { return };
    let project = tracker();
    let commands: [&[&str]; 4] = [
        &["create", "first"],
        &["comment", "LAT-1", "a word"],
        &["status", "LAT-1", "in_planning"],
        &["archive", "LAT-1"],
    ];
    for args in commands {
        let calls = injector.calls(&project, args);
        let flushes = Flushes::of(&calls);
        flushes.all_done(INDEX);
        assert!(flushes.flushed.contains("/.lattice/lattice.db-wal"), "{args:?}: {calls:#?}");
        // The log, and the folder once for each process: more would only cost time. The first
        // change of all begins the log.
        let syncs = calls.iter().filter(|call| call.contains("sync ")).count();
        assert!(syncs <= 2 + usize::from(args == commands[0]), "{args:?}: {calls:#?}");
    }
}

/// Few files are flushed one by one, many together; the order is the same.
#[test]
fn export_flushes_every_file_before_its_name_and_every_folder_after() {
    let Some(injector) = injector() else { return };
    for tasks in [1, 12] {
        let project = tracker();
        (0..tasks).for_each(|_| drop(project.task("any")));
        let calls = injector.calls(&project, ["export"]);
        let renames = calls.iter().filter(|call| call.starts_with("rename ")).count();
        assert!(renames > 5 + tasks, "{calls:#?}");
        Flushes::of(&calls).all_done(INDEX);
        let together = calls.iter().any(|call| call.starts_with("syncfs "));
        assert_eq!(together, tasks > 1, "{calls:#?}");
    }
    let project = tracker();
    Flushes::of(&injector.calls(&project, ["export", "--file", "out.json"])).all_done(INDEX);
}

/// The record of the tree is kept in a commit of its own, after the work is done. Nobody misses it,
/// but what is committed after a commit that was not flushed must not be lost with it.
#[test]
fn a_record_of_the_tree_that_is_not_flushed_is_written_again() {
    let Some(injector) = injector() else { return };
    let project = tracker();
    project.task("first");
    let calls = injector.calls(&copy_of(&project), ["sync"]);
    let flushes = |call: &&String| call.contains("sync ") && call.ends_with("lattice.db-wal");
    let last = calls.iter().filter(flushes).count();
    let ending = injector.run(&project, &[&format!("fsync:EIO:{last}+:lattice.db-wal")], ["sync"]);
    assert_eq!((ending.status, ending.fired.len()), (Some(0), 2), "{ending:?}");
}
