//! What is replayed: commands of the real program, and what must be there after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use lattice::app::{App, DEFAULT_WAIT, World};

use crate::calls::Model;
use crate::cuts::Log;
use crate::disk::{Content, Disk, Fate, Names, Op};
use crate::sandbox::{INIT, content, copy_folder, empty, tracker};
use crate::strace;
use crate::support::Project;
use crate::tracker::ids;

/// Files by their path in the project, each with the hash of its bytes.
pub type Files = BTreeMap<String, u64>;

/// What is there when so many commands are done.
#[derive(Debug)]
pub struct Moment {
    /// The events in order of arrival; `None` where there is no tracker.
    pub ids: Option<Arc<[String]>>,
    /// Every file that has its final name and is not the database's.
    pub files: Files,
}

/// What is tried after a cut, with the real program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// `init` once more makes the tracker, or finds it.
    Init,
    /// `sync` and `export` leave the tree as it had to become.
    Export,
    /// The import once more leaves the events that it had to leave.
    Import(&'static [&'static str]),
    /// The next command is enough, which is tried everywhere.
    Command,
}

/// A recording.
pub struct Scene {
    name: &'static str,
    pub ops: Vec<Op>,
    from: usize,
    pub folders: BTreeSet<String>,
    pub moments: Vec<Moment>,
    pub next: Next,
}

impl Scene {
    pub fn log(&self) -> Log<'_> {
        Log { name: self.name, ops: &self.ops, from: self.from }
    }
}

/// Whether a file is part of the database, or only there while somebody works.
pub fn is_working(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("lattice.db") || name.starts_with("new-") || name == "lock" || path.starts_with("home/")
}

/// The files and folders of a project.
fn there(project: &Project) -> Vec<(String, Option<Vec<u8>>)> {
    let relative = |path: &Path| path.strip_prefix(project.path()).unwrap().to_str().unwrap().to_owned();
    let mut there = BTreeMap::new();
    for (path, bytes) in content(project.path()) {
        let path = relative(&path);
        let mut above = Path::new(&path);
        while let Some(folder) = above.parent().filter(|folder| *folder != Path::new("")) {
            there.insert(folder.to_str().unwrap().to_owned(), None);
            above = folder;
        }
        if !path.ends_with("-shm") {
            there.insert(path, Some(bytes));
        }
    }
    there.into_iter().collect()
}

/// A project on a stage.
struct Stage {
    project: Project,
    model: Model,
    from: usize,
    moments: Vec<Moment>,
}

impl Stage {
    /// What is there is on disk.
    fn new(project: Project) -> Self {
        let model = Model::new(&project.path().canonicalize().unwrap(), there(&project));
        let (from, moments) = (model.ops.len(), vec![moment(&project)]);
        Self { project, model, from, moments }
    }

    /// A command, which must succeed.
    fn does(mut self, args: &[&str]) -> Self {
        let (calls, run) = strace::run(&self.project, args);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}: {run:?}");
        self.model.feed(&calls).unwrap_or_else(|why| panic!("{args:?}: {why}"));
        self.compare(args);
        self.moments.push(moment(&self.project));
        self
    }

    /// With everything flushed, the disk of the model is the real one.
    fn compare(&self, args: &[&str]) {
        let mut disk = Disk::new(Names::AnySubset);
        self.model.ops.iter().for_each(|op| disk.feed(op));
        let image = disk.after_cut(|_| Fate::Kept, |_| true);
        let folders = &self.model.folders;
        let ours = image.iter().filter(|(path, _)| !folders.contains(*path));
        let ours: BTreeMap<String, Vec<u8>> = ours.map(|(path, file)| (path.clone(), file.bytes())).collect();
        let real = there(&self.project).into_iter().filter_map(|(path, bytes)| Some((path, bytes?)));
        let real: BTreeMap<String, Vec<u8>> = real.collect();
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&real), "{args:?}");
        let other = ours.iter().find(|(path, bytes)| real.get(*path) != Some(*bytes));
        assert!(other.is_none(), "{args:?}: {:?} has other bytes", other.map(|(path, _)| path));
        assert_eq!(disk.done, self.moments.len(), "{args:?} is acknowledged once");
    }

    fn end(self, name: &'static str, next: Next) -> Scene {
        let Model { ops, folders, .. } = self.model;
        Scene { name, ops, from: self.from, folders, moments: self.moments, next }
    }
}

pub fn moment(project: &Project) -> Moment {
    let files = there(project).into_iter().filter_map(|(path, bytes)| Some((path, bytes?)));
    let files = files.filter(|(path, _)| !is_working(path)).map(|(path, bytes)| {
        let mut content = Content::default();
        content.write(0, &bytes);
        (path, content.hash())
    });
    // A copy is looked at, because looking writes: an older tracker is brought up to date.
    let ids = project.database().exists().then(|| {
        let copy = empty();
        copy_folder(&project.lattice(), &copy.lattice());
        events(&copy).into()
    });
    Moment { ids, files: files.collect() }
}

/// The ids of a project's events.
pub fn events(project: &Project) -> Vec<String> {
    let world = World::real();
    let root = App::locate(&world, project.path()).unwrap();
    let app = App::open_write(root, world, DEFAULT_WAIT).unwrap();
    let ids = ids(&app);
    app.close();
    ids
}

/// `init` in an empty folder.
pub fn init() -> Scene {
    Stage::new(empty()).does(&INIT).end("init", Next::Init)
}

/// `init` in a clone, which holds a tree and no tracker.
pub fn clone() -> Scene {
    let original = busy(2);
    original.ok(["export"]);
    let clone = empty();
    copy_folder(&original.lattice(), &clone.lattice());
    for entry in fs::read_dir(clone.lattice()).unwrap().map(Result::unwrap) {
        if is_working(entry.file_name().to_str().unwrap()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    Stage::new(clone).does(&INIT).end("init in a clone", Next::Init)
}

/// A tracker with so many tasks and a word on the first.
fn busy(tasks: usize) -> Project {
    let project = tracker();
    for number in 0..tasks {
        project.task(&format!("Task {number}"));
    }
    project.ok(["comment", "LAT-1", "a word"]);
    project
}

/// Commands, each in a process of its own, until the log was brought into the file.
pub fn commands() -> Scene {
    let mut stage = Stage::new(tracker());
    for number in 0..3 {
        let text = format!("text {number} ").repeat(300);
        stage = stage.does(&["create", "A task", "--description", &text, "--quiet"]);
        stage = stage.does(&["comment", "LAT-1", &text, "--json"]);
        stage = stage.does(&["status", "LAT-1", ["in_planning", "planned", "cancelled"][number]]);
    }
    stage.end("commands", Next::Command)
}

/// The first export.
pub fn first_export() -> Scene {
    Stage::new(busy(2)).does(&["export"]).end("the first export", Next::Export)
}

/// An export into a tree that is behind: files are replaced, added and taken away.
pub fn export(name: &'static str, tasks: usize) -> Scene {
    let project = busy(tasks);
    project.ok(["export"]);
    for number in 1..=tasks {
        project.ok(["comment", &format!("LAT-{number}"), &"after the export ".repeat(100 / tasks)]);
    }
    project.ok(["archive", "LAT-2"]);
    project.task("One more");
    Stage::new(project).does(&["export"]).end(name, Next::Export)
}

/// A tree of another clone taken in, then made the same as the tracker.
pub fn import() -> Scene {
    const IMPORT: &[&str] = &["import", "theirs"];
    let project = busy(2);
    let theirs = empty();
    copy_folder(&project.lattice(), &theirs.lattice());
    for number in 0..4 {
        theirs.task(&format!("Theirs {number}"));
        theirs.ok(["comment", "LAT-1", "from elsewhere"]);
    }
    theirs.ok(["export"]);
    fs::create_dir(project.path().join("theirs")).unwrap();
    let tree = project.path().join("theirs/.lattice");
    copy_folder(&theirs.lattice(), &tree);
    for entry in fs::read_dir(&tree).unwrap().map(Result::unwrap) {
        if is_working(entry.file_name().to_str().unwrap()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    Stage::new(project).does(IMPORT).end("import", Next::Import(IMPORT))
}

/// The first command that writes to a tracker of an older schema.
pub fn upgrade(name: &'static str, schema: u32) -> Scene {
    Stage::new(empty().of_schema(schema)).does(&["create", "After the upgrade"]).end(name, Next::Command)
}
