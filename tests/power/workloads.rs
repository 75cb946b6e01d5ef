//! What is recorded: what a tracker goes through, by Lattice's own calls, and what of it must be
//! there at which moment.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use lattice::app::{
    App, Failure, ImportSet, InitOptions, Merge, Names, Place, Root, Sourced, TaskFilter, World,
};
use lattice::domain::command::NewTask;
use lattice::domain::{Command, Event};
use lattice::store::Store;

use crate::cuts::{Log, mix};
use crate::disk::Op;
use crate::mixed::{Did, act, is_of_the_disk, who};
use crate::mutants::Mutant;
use crate::recording::{self, Faults};
use crate::tracker::{self, Verdict, ids, project};
use crate::vfs;

const WAIT: Duration = Duration::from_secs(60);
/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;
/// Behind all that the workloads do.
const END: u64 = START + 400 * 24 * 3_600_000;
const MINUTE: u64 = 60_000;

/// What must be there.
#[derive(Debug, Default)]
pub struct Expected {
    /// The ids of all events, in order of arrival.
    pub ids: Vec<String>,
    /// How many of them there are when so many commands are done; `None` where there is no tracker.
    pub events: Vec<Option<usize>>,
    /// Whether a flush failed: then the command that met it may be there, or not.
    pub disturbed: bool,
}

/// A recording.
pub struct Recorded {
    pub name: String,
    pub ops: Vec<Op>,
    /// Calls before this one made what was there before.
    pub from: usize,
    pub expected: Expected,
}

impl Recorded {
    pub fn log(&self) -> Log<'_> {
        Log { name: &self.name, ops: &self.ops, from: self.from }
    }
}

/// A tracker that is being recorded.
pub struct Run {
    name: String,
    mutant: Mutant,
    faults: Faults,
    folder: tempfile::TempDir,
    root: Root,
    opened: u64,
    from: usize,
    expected: Expected,
}

impl Run {
    /// An empty project.
    pub fn in_nothing(name: &str, mutant: Mutant) -> Self {
        vfs::install();
        let (folder, root) = project();
        let (faults, expected) =
            (Faults { normal: mutant == Mutant::Normal, flush: None }, Expected::default());
        Self { name: name.into(), mutant, faults, folder, root, opened: 0, from: 0, expected }
    }

    /// A new tracker; all of them are the same.
    pub fn in_tracker(name: &str, mutant: Mutant) -> Self {
        static FILES: OnceLock<Files> = OnceLock::new();
        let files = FILES.get_or_init(|| {
            let run = Self::in_nothing(name, Mutant::None);
            init(&run.root).unwrap();
            let made = recording::files(&run.root.project).into_iter().filter(|(_, file)| file.is_file());
            made.map(|(path, file)| (path, std::fs::read(file).unwrap())).collect()
        });
        with_files(name, files, mutant)
    }

    /// Fails the flush of this number.
    pub fn failing(mut self, flush: usize) -> Self {
        self.faults.flush = Some(flush);
        self.expected.disturbed = true;
        self
    }

    /// Begins to record.
    pub fn record(mut self) -> Self {
        vfs::same_numbers();
        recording::start(&self.root.project, self.faults);
        self.from = recording::length();
        self.expected.events.push(self.count());
        self
    }

    fn count(&self) -> Option<usize> {
        let app = App::open_read(self.root.clone(), World::scripted(START, 0)).ok()?;
        Some(ids(&app).len())
    }

    /// A process: opens the tracker.
    pub fn open(&mut self) -> Result<App, Failure> {
        self.opened += 1;
        let world = World::scripted(START + self.opened * MINUTE, self.opened);
        App::open_write(self.root.clone(), world, WAIT)
    }

    /// The caller hears that a command is done.
    pub fn done(&mut self, app: &App) {
        let events = app.read(|reader| Ok(reader.totals()?.events)).unwrap();
        recording::note(Op::Done);
        self.expected.events.push(Some(usize::try_from(events).unwrap()));
    }

    /// A process that does one thing.
    pub fn process(&mut self, work: impl FnOnce(&mut App) -> Result<Did, Failure>) -> Result<Did, Failure> {
        let mut app = self.open()?;
        let did = work(&mut app)?;
        if did == Did::It {
            self.done(&app);
        }
        app.close();
        Ok(did)
    }

    /// The end of the recording, with everything that is there then.
    pub fn end(mut self) -> Recorded {
        let ops = recording::take();
        let app = App::open_read(self.root.clone(), World::scripted(START, 0)).unwrap();
        self.expected.ids = ids(&app);
        app.close();
        drop(self.folder);
        let ops = self.mutant.plant(ops, self.from);
        Recorded { name: self.name, ops, from: self.from, expected: self.expected }
    }
}

fn init(root: &Root) -> Result<(), Failure> {
    let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
    App::init(&root.lattice, &World::scripted(START, 1), WAIT, &options, None).map(drop)
}

/// Examines a tracker, behind all that the workloads did.
pub fn full(root: &Root) -> Verdict {
    tracker::full(root, [World::scripted(END, 99), World::scripted(END, 98)])
}

/// `init` in an empty folder.
pub fn making(mutant: Mutant) -> Recorded {
    let mut run = Run::in_nothing("init", mutant).record();
    init(&run.root).unwrap();
    recording::note(Op::Done);
    run.expected.events.push(run.count());
    run.end()
}

/// The files of a state, with their paths.
pub type Files = Vec<(String, Vec<u8>)>;

/// A project with these files.
fn with_files(name: &str, files: &Files, mutant: Mutant) -> Run {
    let run = Run::in_nothing(name, mutant);
    std::fs::create_dir(&run.root.lattice).unwrap();
    for (path, bytes) in files.iter().filter(|(path, _)| path != ".lattice") {
        std::fs::write(run.root.project.join(path), bytes).unwrap();
    }
    run
}

/// `init` where another one was cut off: works, and leaves a whole tracker and nothing else.
pub fn makes_again(files: &Files) -> Result<(), String> {
    let run = with_files("init again", files, Mutant::None);
    init(&run.root).map_err(|failure| failure.to_string())?;
    let left: Vec<String> = recording::files(&run.root.project).into_iter().map(|(path, _)| path).collect();
    let odd = left.iter().find(|path| path.contains("/new-"));
    odd.map_or(Ok(()), |path| Err(format!("{path} is left")))?;
    match full(&run.root) {
        Verdict::Whole(_) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// So many commands of all kinds, each in a process of its own.
pub fn processes(mutant: Mutant, count: u64) -> Recorded {
    let mut run = Run::in_tracker("processes", mutant).record();
    let mut lot = 0;
    while run.expected.events.len() <= count as usize {
        lot += 1;
        run.process(|app| act(app, mix(lot))).unwrap();
    }
    run.end()
}

/// So many commands of all kinds in one process.
pub fn one_process(mutant: Mutant, count: u64) -> Recorded {
    let mut run = Run::in_tracker("one process", mutant).record();
    let mut app = run.open().unwrap();
    let mut lot = 1000;
    while run.expected.events.len() <= count as usize {
        lot += 1;
        app.world().set_clock(START + lot * MINUTE);
        if act(&mut app, mix(lot)).unwrap() == Did::It {
            run.done(&app);
        }
    }
    app.close();
    run.end()
}

/// Commands, and the log emptied between them.
pub fn checkpoints(mutant: Mutant) -> Recorded {
    let mut run = Run::in_tracker("checkpoint", mutant).record();
    for lot in 2000..2024 {
        run.process(|app| act(app, mix(lot))).unwrap();
        if lot % 3 == 0 {
            let mut store = Store::open_write(&run.root.lattice, WAIT).unwrap();
            store.checkpoint().unwrap();
            store.close();
        }
    }
    run.end()
}

/// Done tasks archived one by one, then all stale ones at once.
pub fn archiving(mutant: Mutant) -> Recorded {
    let mut run = Run::in_tracker("archive", mutant);
    let mut app = run.open().unwrap();
    for number in 0..24 {
        let status = Some("done".to_owned());
        let task = NewTask { title: format!("Old {number}"), status, ..NewTask::default() };
        let make = |names: &Names<'_>| Ok(Command::Create { id: names.fresh_task(), chosen: false, task });
        app.execute(&who(), make).unwrap();
    }
    let tasks = app.read(|reader| Ok(reader.tasks(&TaskFilter::default())?)).unwrap();
    app.close();
    let mut run = run.record();
    for task in tasks.iter().take(8) {
        let archive = Command::Archive { task: task.id.clone() };
        run.process(|app| app.execute(&who(), |_| Ok(archive)).map(|_| Did::It)).unwrap();
    }
    run.process(|app| {
        app.world().set_clock(END);
        let archived = app.archive_stale(&who())?;
        assert_eq!(archived.len(), 16);
        Ok(Did::It)
    })
    .unwrap();
    run.end()
}

/// What another tracker holds, taken in.
pub fn importing(mutant: Mutant) -> Recorded {
    let options = InitOptions { project_code: Some("OTH".into()), ..InitOptions::default() };
    let mut other = App::in_memory(World::scripted(START, 77), &options, None).unwrap();
    let mut run = Run::in_tracker("import", mutant).record();
    for part in 0..3 {
        for lot in 0..20 {
            act(&mut other, mix(3000 + part * 100 + lot)).unwrap();
        }
        let set = all_of(&other);
        let merge = Merge { adopt: true, ..Merge::default() };
        run.process(|app| app.import(&set, &merge, false, |_| {}).map(|_| Did::It)).unwrap();
        run.process(|app| act(app, mix(3900 + part))).unwrap();
    }
    run.end()
}

fn all_of(app: &App) -> ImportSet {
    let mut set = ImportSet::default();
    app.read(|reader| {
        reader.each_raw(|raw| {
            let place = Place { file: PathBuf::from("memory"), line: None };
            set.events.push(Sourced { item: Event::parse(raw).unwrap(), place });
            Ok(())
        })
    })
    .unwrap();
    set
}

/// A tracker of an older schema, met by the first command of this program. `None` if none is kept.
pub fn upgrading(mutant: Mutant) -> Option<Recorded> {
    let run = Run::in_nothing("upgrade", mutant);
    let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-1.tar.gz");
    let mut tar = std::process::Command::new("tar");
    let unpacked = tar.arg("-xzf").arg(packed).arg("-C").arg(&run.root.project).output().ok()?;
    if !unpacked.status.success() || !run.root.lattice.is_dir() {
        return None;
    }
    let mut run = run.record();
    let app = run.open().unwrap();
    run.done(&app);
    app.close();
    // What it holds is there from the beginning, though nobody can count it before.
    run.expected.events[0] = run.expected.events[1];
    run.process(|app| act(app, mix(6000))).unwrap();
    Some(run.end())
}

/// Commands of which one meets a flush that fails; the caller goes on with the next ones, in the
/// same process or in new ones. `None` if there are not so many flushes.
pub fn disturbed(mutant: Mutant, flush: usize, same_process: bool) -> Option<Recorded> {
    let name = format!("flush {flush} fails, {}", if same_process { "one process" } else { "processes" });
    let mut run = Run::in_tracker(&name, mutant).failing(flush).record();
    let mut held = None;
    for lot in 4000..4024 {
        let app = match held.take() {
            Some(app) => Ok(app),
            None => run.open(),
        };
        let worked = app.and_then(|mut app| {
            let did = act(&mut app, mix(lot))?;
            if did == Did::It {
                run.done(&app);
            }
            Ok(app)
        });
        match worked {
            Ok(app) if same_process && lot % 8 != 0 => held = Some(app),
            Ok(app) => app.close(),
            Err(failure) => assert!(is_of_the_disk(&failure), "{failure:?}"),
        }
    }
    if let Some(app) = held {
        app.close();
    }
    let reached = recording::flushes() >= flush;
    let recorded = run.end();
    reached.then_some(recorded)
}

/// The first commands after a cut that left this, recorded, so that the power can go again.
pub fn recovery(files: &Files, mutant: Mutant) -> Recorded {
    let mut run = with_files("a second cut", files, mutant);
    run.opened = 100_000;
    let mut run = run.record();
    run.process(|app| act(app, mix(5000))).unwrap();
    run.process(|app| act(app, mix(5002))).unwrap();
    let mut store = Store::open_write(&run.root.lattice, WAIT).unwrap();
    store.checkpoint().unwrap();
    store.close();
    run.end()
}
