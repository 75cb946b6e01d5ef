//! The clones: each has a database, a tree in a worktree of git, and a clock of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lattice::app::{
    App, Code, Failure, FeedQuery, ImportSet, InitOptions, InitOutcome, Merge, Root, TaskFilter, World,
};
use lattice::domain::Task;
use lattice::export::{
    ExportOptions, ExportReport, ReadOptions, Tree, export_tree, read_tree, read_tree_for,
};

use crate::counts::Counts;
use crate::git::Repository;
use crate::model::Known;
use crate::{act, hands};

/// 2026-01-01T00:00:00Z in milliseconds.
pub const START: u64 = 1_767_225_600_000;
const WAIT: Duration = Duration::from_secs(10);

pub struct Team<'a> {
    pub clones: Vec<Clone>,
    pub git: Repository,
    /// Every event that any clone acknowledged, as it was then: id and text.
    pub acknowledged: BTreeMap<String, String>,
    /// Ids of events that were redacted somewhere.
    pub redacted: BTreeSet<String>,
    /// Payloads that were attached and may be exported, by the artifact's id.
    pub payloads: BTreeMap<String, Vec<u8>>,
    /// What `doctor` may say beside what merges bring with them.
    pub findings: Vec<String>,
    pub counts: &'a Counts,
    _folder: tempfile::TempDir,
}

pub struct Clone {
    pub app: App,
    /// The worktree.
    pub project: PathBuf,
    /// The tree in it.
    pub lattice: PathBuf,
    clock: u64,
    seen: i64,
    known: Known,
}

impl<'a> Team<'a> {
    /// As many clones as clocks, all of them made from what the first one has committed.
    pub fn new(clocks: &[i64], on_disk: bool, seed: u32, counts: &'a Counts) -> Self {
        let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
        let begin = |lattice: &Path| {
            let world = World::scripted(START, u64::from(seed));
            let made = App::init(lattice, &world, WAIT, &options, None).unwrap();
            assert!(matches!(made, InitOutcome::Made(None)));
        };
        Self::of(clocks, on_disk, seed, counts, begin, act::seed)
    }

    /// The same where `begin` makes the first tracker in a `.lattice/`, and `seed_with` its content.
    pub fn of(
        clocks: &[i64],
        on_disk: bool,
        seed: u32,
        counts: &'a Counts,
        begin: impl FnOnce(&Path),
        seed_with: impl FnOnce(&mut App),
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("lattice-test-").tempdir_in(memory()).unwrap();
        let home = folder.path().join("0");
        let lattice = home.join(".lattice");
        std::fs::create_dir_all(&lattice).unwrap();
        let git = Repository::new(&home, ["merge", "diff3", "zdiff3"][seed as usize % 3]);
        begin(&lattice);
        let mut app = open(&lattice, u64::from(seed) + 1_000);
        seed_with(&mut app);
        export_tree(&app, &lattice, &ExportOptions::default()).unwrap();
        git.commit(&home);
        let mut team = Self {
            clones: vec![Clone {
                app,
                project: home,
                lattice,
                clock: START,
                seen: 0,
                known: Known::default(),
            }],
            git,
            acknowledged: BTreeMap::new(),
            redacted: BTreeSet::new(),
            payloads: BTreeMap::new(),
            findings: Vec::new(),
            counts,
            _folder: folder,
        };
        for n in 1..clocks.len() {
            team.join(n, on_disk, u64::from(seed) + 2_000 * n as u64);
        }
        for (n, minutes) in clocks.iter().enumerate() {
            team.pass(n, *minutes);
            team.note(n);
        }
        team
    }

    /// A clone made from the tree that the first one has committed.
    fn join(&mut self, n: usize, on_disk: bool, seed: u64) {
        let project = self.clones[0].project.with_file_name(n.to_string());
        self.git.add(n, &project);
        let lattice = project.join(".lattice");
        let tree = read_tree(&lattice, &ReadOptions::default()).unwrap();
        let app = if on_disk {
            let world = World::scripted(START, seed);
            App::init(&lattice, &world, WAIT, &InitOptions::default(), Some(&tree.set)).unwrap();
            open(&lattice, seed + 1_000)
        } else {
            in_memory(&tree.set, seed)
        };
        self.clones.push(Clone { app, project, lattice, clock: START, seen: 0, known: Known::default() });
    }

    /// Lets time go by in one clone, or sets its clock back.
    pub fn pass(&mut self, n: usize, minutes: i64) {
        let clone = &mut self.clones[n];
        clone.clock = clone.clock.saturating_add_signed(minutes * 60_000);
        clone.app.world().set_clock(clone.clock);
    }

    /// Keeps what a clone has committed since the last time: from now on it must not be lost.
    pub fn note(&mut self, n: usize) {
        let clone = &mut self.clones[n];
        let query = FeedQuery { since: clone.seen, ..FeedQuery::default() };
        let arrived = clone.app.read(|reader| Ok(reader.feed(&query)?)).unwrap();
        for arrival in arrived {
            clone.seen = arrival.seq;
            // What was read off an edited file knows what the file said.
            let is_new = !self.acknowledged.contains_key(arrival.event.id.as_str());
            let is_made_here = is_new && arrival.event.actor.display() != "system:import";
            if clone.known.arrived(&arrival.event, is_made_here) {
                self.counts.one("parents held against the model");
            }
            if arrival.event.redacted.is_none() {
                let (id, raw) = (arrival.event.id.to_string(), arrival.event.raw().to_owned());
                let known = self.acknowledged.entry(id).or_insert_with(|| raw.clone());
                assert_eq!(*known, raw, "one id, two contents");
            }
        }
    }

    /// All tasks of a clone.
    pub fn tasks(&self, n: usize) -> Vec<Task> {
        let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
        self.clones[n].app.read(|reader| Ok(reader.tasks(&filter)?)).unwrap()
    }

    /// Import, then export, as `lattice sync` does.
    pub fn sync(&mut self, n: usize, dice: [u16; 4]) -> ExportReport {
        self.import(n, dice);
        self.counts.one("syncs");
        let clone = &self.clones[n];
        export_tree(&clone.app, &clone.lattice, &ExportOptions::default())
            .unwrap_or_else(|failure| panic!("clone {n}: after an import {failure:?}"))
    }

    /// Takes in what the tree says. Where git left markers that nobody could make sense of, the
    /// file that the refusal names is settled by hand, and so on until all are.
    pub fn import(&mut self, n: usize, dice: [u16; 4]) {
        let mut settled = BTreeSet::new();
        let tree = loop {
            let failure = match self.read(n, n) {
                Ok(tree) => break tree,
                Err(failure) => failure,
            };
            let file = hands::unsettled(&failure).unwrap_or_else(|| panic!("clone {n}: {failure:?}"));
            assert!(settled.insert(file.clone()), "clone {n}: {failure:?}");
            hands::settle(self, n, &file, dice);
        };
        self.take(n, &tree.set).unwrap_or_else(|failure| panic!("clone {n}: {failure:?}"));
    }

    /// Reads all of a clone's tree, whoever knows what of it.
    pub fn whole(&self, n: usize) -> Tree {
        read_tree(&self.clones[n].lattice, &ReadOptions::default()).unwrap()
    }

    /// Reads a clone's tree for another one, or for itself, as `lattice import` does.
    pub fn read(&self, n: usize, reading: usize) -> Result<Tree, Failure> {
        read_tree_for(&self.clones[reading].app, &self.clones[n].lattice, &ReadOptions::default())
    }

    /// Takes a set in.
    pub fn take(&mut self, n: usize, set: &ImportSet) -> Result<(), Failure> {
        let report = self.clones[n].app.import(set, &Merge::default(), false, |_| {})?;
        self.counts.add("contested numbers", report.contested.len());
        self.counts.add("tombstones met", report.redacted.len() + report.withheld);
        self.counts.add("changes on both sides", report.concurrent.len());
        self.note(n);
        Ok(())
    }

    pub fn export_or_refuse(&mut self, n: usize) {
        let clone = &self.clones[n];
        match export_tree(&clone.app, &clone.lattice, &ExportOptions::default()) {
            Ok(_) => self.counts.one("exports"),
            Err(failure) => {
                assert_eq!(failure.code, Code::ExportConflict, "clone {n}: {failure:?}");
                self.counts.one("exports refused");
            }
        }
    }

    pub fn commit(&mut self, n: usize) {
        self.git.commit(&self.clones[n].project);
    }
}

/// A tracker in memory that holds what a tree held.
pub fn in_memory(set: &ImportSet, seed: u64) -> App {
    App::in_memory(World::scripted(START, seed), &InitOptions::default(), Some(set)).unwrap()
}

fn open(lattice: &Path, seed: u64) -> App {
    let here = lattice.to_path_buf();
    let root = Root { project: here.clone(), lattice: here.clone(), tree: here };
    App::open_write(root, World::scripted(START, seed), WAIT).unwrap()
}

/// The folder for all of it: in memory where that is possible, since no power is lost here.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if tempfile::tempfile_in(memory).is_ok() { memory.to_path_buf() } else { std::env::temp_dir() }
}
