//! Where the fault tests work, what they count and skip, and how they look into a tracker.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use lattice::app::{App, TaskFilter, World};
use lattice::domain::Task;

use crate::support::Project;

/// Whether every fault is to be tried in every way.
pub fn soak() -> bool {
    std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1")
}

/// The faults that the call at a place meets, with these of its own if it writes: in soak all of them. In
/// `make test` it is killed and meets one error, and a write, of which there are many, one of all, in turn.
pub fn chosen(at: usize, of_writes: &[&'static str]) -> Vec<&'static str> {
    let errors = ["EIO", "ENOSPC"];
    let all = [&["kill"], &errors[..], of_writes].concat();
    match of_writes {
        _ if soak() => all,
        [] => vec!["kill", errors[at % errors.len()]],
        _ => vec![all[at % all.len()]],
    }
}

/// Says that something could not be tried here, past the test runner, which swallows what passing
/// tests print.
pub fn skip(what: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    say(&format!("SKIPPED ({number}): {what}"));
    // Whoever relies on these tests elsewhere is told; a machine that checks changes has what they need.
    assert!(std::env::var_os("CI").is_none(), "nothing may be skipped here: {what}");
}

/// Says what a sweep has done.
pub fn say(line: &str) {
    let line = format!("faults: {}\n", line.trim_end());
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whether the tests run as root, who may mount and become somebody else.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// An empty project.
pub fn empty() -> Project {
    Project::empty()
}

/// A project with a tracker, project code LAT.
pub fn tracker() -> Project {
    let project = empty();
    project.ok(INIT);
    project
}

/// The `init` of all these tests.
pub const INIT: [&str; 5] = ["init", "--project-code", "LAT", "--actor", "human:ada"];

/// A project with a copy of another's tracker, sidecars and all.
pub fn copy_of(original: &Project) -> Project {
    let copy = empty();
    copy_folder(&original.lattice(), &copy.lattice());
    copy
}

/// Copies a folder's content into another, made if it is not there, without indexes of logs.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_name() != "lattice.db-shm" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The names in `.lattice/`, sorted; none if it is not there.
pub fn names(project: &Project) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(project.lattice()) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a folder with its bytes; links are not followed.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.insert(entry.path(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// The tracker as a reader of its own sees it: it must be whole and free of findings.
pub fn sound(project: &Project, when: &dyn Fn() -> String) -> Vec<Task> {
    let world = World::real();
    let app = App::locate(&world, project.path())
        .and_then(|root| App::open_read(root, world))
        .unwrap_or_else(|failure| panic!("{}: {failure}", when()));
    let report = app.examine(|_| {}).unwrap_or_else(|failure| panic!("{}: {failure}", when()));
    assert!(report.findings.is_empty(), "{}: {:?}", when(), report.findings);
    app.read(|reader| Ok(reader.tasks(&TaskFilter::default())?))
        .unwrap_or_else(|failure| panic!("{}: {failure}", when()))
}

/// Gives a folder or file these permissions.
pub fn open_to_all(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The same command as somebody without rights: root may do everything. None, and said, where
/// that is not possible.
pub fn as_nobody(mut command: Command) -> Option<Command> {
    if !is_root() {
        return Some(command);
    }
    let nobody = 65534;
    let mut trial = Command::new(command.get_program());
    if !trial.arg("--version").uid(nobody).gid(nobody).output().is_ok_and(|output| output.status.success()) {
        skip("other users' rights: the program stands where nobody else may go");
        return None;
    }
    command.uid(nobody).gid(nobody);
    Some(command)
}
