//! `export` on a failing disk: every file of the tree is the old one or the new one, whole, and
//! the next export finishes the work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::flushes::Flushes;
use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{content, copy_of, say, soak, tracker};
use crate::support::Project;

type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// A tracker whose tree was exported once and is behind: a task was added, another was moved into
/// the archive, texts were changed.
fn example() -> Project {
    let project = tracker();
    for title in ["first", "second", "third"] {
        project.task(title);
    }
    project.ok(["comment", "LAT-1", "before the export"]);
    project.ok(["export"]);
    project.ok(["comment", "LAT-1", &"after the export ".repeat(400)]);
    project.ok(["archive", "LAT-2"]);
    project.ok(["status", "LAT-3", "in_planning"]);
    project.task("fourth");
    project
}

/// The exported files, by their path in the tree.
fn tree(folder: &Path) -> Tree {
    let ours = ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lattice.db-seen", "lock"];
    let files = content(folder).into_iter();
    let relative = files.map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_path_buf(), bytes));
    relative.filter(|(path, _)| !ours.contains(&path.to_str().unwrap())).collect()
}

struct Trial {
    original: Project,
    old: Tree,
    new: Tree,
    calls: Vec<String>,
}

impl Trial {
    fn new(injector: &Injector) -> Self {
        let original = example();
        let exported = copy_of(&original);
        let calls = injector.calls(&exported, ["export"]);
        let (old, new) = (tree(&original.lattice()), tree(&exported.lattice()));
        let changed = new.iter().filter(|(path, bytes)| old.get(*path) != Some(*bytes)).count();
        assert!(changed > 8 && old.keys().any(|path| !new.contains_key(path)), "{changed} files changed");
        Self { original, old, new, calls }
    }

    /// Whether a file is an unfinished one.
    fn is_left_over(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("new-") && name.ends_with(".tmp")
    }

    /// Exports with faults, and holds the tree against what may be there.
    fn run(&self, injector: &Injector, faults: &[&str]) -> Ending {
        let project = copy_of(&self.original);
        let ending = injector.run(&project, faults, ["export"]);
        let when = format!("{faults:?}: {ending:?}");
        assert!(!ending.fired.is_empty(), "nothing happened: {when}");
        let mut found = tree(&project.lattice());
        let left = found.extract_if(.., |path, _| self.is_left_over(path)).count();
        // Who was not killed cleans up, but for the mark that names may not be on disk yet.
        assert!(ending.signal.is_some() || left <= 1, "{left} were left: {when}");
        for (path, bytes) in &found {
            let (old, new) = (self.old.get(path), self.new.get(path));
            assert!([old, new].contains(&Some(bytes)), "{} is neither old nor new: {when}", path.display());
        }
        let gone: Vec<_> = self.old.keys().filter(|path| !found.contains_key(*path)).collect();
        for path in gone {
            assert!(!self.new.contains_key(path), "{} is gone: {when}", path.display());
            let whole = self.new.iter().all(|(path, bytes)| found.get(path) == Some(bytes));
            assert!(whole, "{} was taken away before its successor stood: {when}", path.display());
        }
        if faults.iter().any(|fault| fault.contains(":kill:") || fault.contains(":torn:")) {
            assert_eq!(ending.signal, Some(SIGKILL), "{when}");
        } else if ending.code().is_none() {
            assert!(found == self.new, "acknowledged and not all there: {when}");
        }
        let next = Ending::of(project.command(["export"]));
        assert_eq!((next.status, next.stderr.as_str()), (Some(0), ""), "after {when}: {next:?}");
        assert!(tree(&project.lattice()) == self.new, "after {when}");
        ending
    }
}

#[test]
fn export_killed_anywhere_leaves_old_files_or_new_ones() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let mut fired = 0;
    for (number, call) in trial.calls.iter().enumerate() {
        fired += 1;
        trial.run(injector, &[&format!("*:kill:{}", number + 1)]);
        if writes(call) && (soak() || number % 3 == 0) {
            fired += 1;
            trial.run(injector, &[&format!("*:torn:{}", number + 1)]);
        }
    }
    assert!(fired > 60, "{fired}");
    say(&format!("export was killed in {fired} ways"));
}

#[test]
fn export_that_meets_a_failing_disk_leaves_old_files_or_new_ones_and_says_so() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let errors: &[&str] =
        if soak() { &["ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS"] } else { &["ENOSPC", "EIO"] };
    let (mut fired, mut refused) = (0, 0);
    for (number, call) in trial.calls.iter().enumerate() {
        for (turn, error) in errors.iter().enumerate() {
            if !soak() && number % errors.len() != turn && !call.starts_with("fsync") {
                continue;
            }
            fired += 1;
            let ending = trial.run(injector, &[&format!("*:{error}:{}", number + 1)]);
            // An advisory call may fail without harm; a write, a flush or a name may not. What is
            // noted in the database when all files are on disk only spares the next export work.
            let must = ["write ", "fsync ", "rename ", "mkdir ", "syncfs "];
            let is_noting = trial.calls[..=number]
                .iter()
                .any(|call| call.starts_with("pwrite64 ") && call.ends_with("/lattice.db-wal"));
            // What a hint remembers may be lost, too.
            let may = is_noting || call.contains("lattice.db-seen");
            if must.iter().any(|kind| call.starts_with(kind)) && !may {
                assert!(ending.status == Some(4), "{error} at {call} was swallowed: {ending:?}");
            }
            refused += usize::from(ending.status == Some(4));
        }
    }
    assert!(refused > 40, "{refused} of {fired}");
    say(&format!("export met {fired} failing calls and refused {refused} times"));
}

#[test]
fn export_loops_over_short_and_interrupted_calls() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    for faults in
        [&["write:short:1+:/new-"][..], &["write:EINTR:1:/new-", "write:EINTR:3:/new-"], &["fsync:EINTR:1"]]
    {
        let ending = trial.run(injector, faults);
        assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{ending:?}");
    }
}

/// A killed export may have given files their names without flushing the folders. The files are as
/// they should be, so the next export has nothing to write; but it says "done", and that must hold.
#[test]
fn what_an_interrupted_export_left_is_flushed_by_the_next() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let mut tried = 0;
    for (number, call) in trial.calls.iter().enumerate() {
        let unflushed = Flushes::of(&trial.calls[..number]).unflushed;
        for action in ["kill", "EIO"] {
            if unflushed.is_empty() || (action == "EIO" && !call.starts_with("fsync ")) {
                continue;
            }
            tried += 1;
            let project = copy_of(&trial.original);
            let first = injector.run(&project, &[&format!("*:{action}:{}", number + 1)], ["export"]);
            assert!(first.status != Some(0), "{first:?}");
            let flushed = Flushes::of(&injector.calls(&project, ["export"])).flushed;
            let missing: Vec<_> = unflushed.difference(&flushed).collect();
            assert!(missing.is_empty(), "after {action} at {call}: {missing:?} is not flushed");
        }
    }
    assert!(tried > 10, "{tried}");
    let settled = copy_of(&trial.original);
    settled.ok(["export"]);
    let calls = injector.run(&settled, &[], ["export"]).fired;
    assert!(!calls.iter().any(|call| call.contains("sync ")), "there was nothing to flush: {calls:?}");
}

/// What the tree said is saved before the tree is written, and a sync that cannot write says so.
#[test]
fn sync_into_a_tree_that_takes_no_files_saves_what_came_in_and_says_so() {
    let Some(injector) = injector() else { return };
    for (error, code) in [("EROFS", "STORE_READONLY"), ("ENOSPC", "STORE_FULL"), ("EACCES", "STORE_DENIED")] {
        let project = example();
        fs::write(project.lattice().join("context.md"), "# By hand\n").unwrap();
        let before = tree(&project.lattice());
        let ending = injector.run(&project, &[&format!("write:{error}:1+:/new-")], ["sync"]);
        assert!(ending.status == Some(4) && ending.stderr.contains(&format!("[{code}]")), "{ending:?}");
        assert!(ending.stderr.contains("what the tree said is saved in the tracker"), "{ending:?}");
        assert!(tree(&project.lattice()) == before, "{error}");
        assert_eq!(project.ok(["context"]), "# By hand\n");
        project.ok(["sync"]);
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
    }
}

/// One file of the tree's size is written in the same way.
#[test]
fn a_document_is_the_old_one_or_the_new_one() {
    let Some(injector) = injector() else { return };
    let original = example();
    let args = ["export", "--file", "out.json"];
    let run = |faults: &[&str]| {
        let project = copy_of(&original);
        fs::write(project.path().join("out.json"), "old").unwrap();
        let ending = injector.run(&project, faults, args);
        let bytes = fs::read(project.path().join("out.json")).unwrap();
        (ending, bytes)
    };
    let (clean, new) = run(&[]);
    assert!(clean.status == Some(0) && new.len() > 3000, "{clean:?}");
    for (number, call) in clean.fired.iter().enumerate() {
        for action in ["kill", "torn", "EIO", "ENOSPC", "short"] {
            if matches!(action, "torn" | "short") && !writes(call) {
                continue;
            }
            let (ending, bytes) = run(&[&format!("*:{action}:{}", number + 1)]);
            assert_eq!(ending.fired.len(), 1, "{ending:?}");
            assert!(bytes == b"old" || bytes == new, "{action} at {call}: {} bytes", bytes.len());
            if ending.signal.is_none() && ending.code().is_none() {
                assert!(bytes == new, "{action} at {call}: acknowledged and old");
            }
        }
    }
}
