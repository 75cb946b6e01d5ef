//! A state of the disk, met by Lattice after the power came back, and judged.

use std::fs;
use std::sync::{Arc, Mutex};

use lattice::app::{App, World};
use lattice::store::{Store, StoreError};

use crate::cuts::Finding;
use crate::disk::{Content, Image, hash};
use crate::sandbox::{INIT, empty, names};
use crate::scenes::{Files, Moment, Next, Scene, events, is_working};
use crate::support::Project;
use crate::tracker::{Known, Verdict, full};

const DATABASE: &str = ".lattice/lattice.db";
/// In one of so many states a command that reads comes first.
const READS: usize = 4;
/// In one of so many states the real program goes on.
const GOES_ON: u64 = 16;

/// What is in a state.
#[derive(Clone, Debug)]
pub struct Met {
    tracker: Verdict,
    files: Files,
    /// Whatever else is wrong, of a kind that depends on the state alone.
    trouble: Option<String>,
}

/// What many examiners know together.
#[derive(Default)]
pub struct Shared {
    known: Known,
    /// How often the real program went on.
    pub went_on: Mutex<usize>,
}

/// Meets the states of one scene.
pub struct Examiner<'a> {
    project: Project,
    scene: &'a Scene,
    shared: &'a Shared,
    states: usize,
}

impl<'a> Examiner<'a> {
    pub fn new(scene: &'a Scene, shared: &'a Shared) -> Self {
        Self { project: empty(), scene, shared, states: 0 }
    }

    /// Lays out a state and opens it, as the next commands would.
    pub fn meet(&mut self, image: &Image) -> Met {
        self.states += 1;
        let is_file = |path: &str| !is_working(path) && !self.scene.folders.contains(path);
        let files = image.iter().filter(|(path, _)| is_file(path));
        let files = files.map(|(path, content)| (path.clone(), content.hash())).collect();
        self.lay(image);
        let tracker = if image.contains_key(DATABASE) { self.open() } else { Verdict::Nothing };
        let backups = image.iter().filter(|(path, _)| path.ends_with(".backup.db"));
        let backups = backups.map(|(_, content)| (content, self.backup(content))).collect::<Vec<_>>();
        let mut trouble = backups.iter().find_map(|(_, found)| found.clone().err());
        let is_chosen = hash(image).is_multiple_of(GOES_ON);
        if trouble.is_none() && is_chosen && !matches!(tracker, Verdict::Broken(_)) {
            self.lay(image);
            trouble = self.go_on(&tracker).err();
            *self.shared.went_on.lock().unwrap() += 1;
        }
        Met { tracker, files, trouble }
    }

    /// Puts the files of an image where nothing else is then.
    fn lay(&self, image: &Image) {
        for entry in fs::read_dir(self.project.path()).unwrap().map(Result::unwrap) {
            let is_folder = entry.file_type().unwrap().is_dir();
            let removed =
                if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
            removed.unwrap();
        }
        for (path, content) in image {
            let target = self.project.path().join(path);
            let is_folder = self.scene.folders.contains(path);
            let made = if is_folder { fs::create_dir(target) } else { fs::write(target, content.bytes()) };
            made.unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }

    /// The tracker that is laid out: read, written, its log brought into the file, and examined.
    fn open(&self) -> Verdict {
        let lattice = self.project.lattice();
        let read = || {
            let store = match Store::open_read(&lattice) {
                Err(StoreError::NeedsUpgrade { .. }) => return Ok(None),
                store => store?,
            };
            store.read(|reader| Ok::<_, StoreError>(Some(reader.totals()?.events)))
        };
        let before = self.states.is_multiple_of(READS).then(read);
        if let Some(Err(error)) = before {
            return Verdict::Broken(format!("cannot be read: {error}"));
        }
        let written = Store::open_write(&lattice, lattice::app::DEFAULT_WAIT).and_then(|mut store| {
            store.checkpoint()?;
            store.close();
            Ok(())
        });
        if let Err(error) = written {
            return Verdict::Broken(format!("cannot be opened: {error}"));
        }
        let mut content = Content::default();
        content.write(0, &fs::read(self.project.database()).unwrap());
        let known = Arc::clone(self.shared.known.lock().unwrap().entry(content.hash()).or_default());
        let verdict = known.get_or_init(|| examined(&self.project));
        match (before, verdict) {
            (Some(Ok(Some(read))), Verdict::Whole(ids)) if read as usize != ids.len() => {
                Verdict::Broken(format!("{read} events were read, then there were {}", ids.len()))
            }
            _ => verdict.clone(),
        }
    }

    /// A copy that an upgrade kept must be a tracker with what was there before it.
    fn backup(&self, content: &Content) -> Result<(), String> {
        // Upgrading it changes the file, so what is known of it is kept under another key.
        let key = content.hash().rotate_left(1);
        let known = Arc::clone(self.shared.known.lock().unwrap().entry(key).or_default());
        let verdict = known.get_or_init(|| {
            let project = empty();
            fs::create_dir(project.lattice()).unwrap();
            fs::write(project.database(), content.bytes()).unwrap();
            match Store::open_write(&project.lattice(), lattice::app::DEFAULT_WAIT) {
                Ok(store) => store.close(),
                Err(error) => return Verdict::Broken(format!("cannot be opened: {error}")),
            }
            examined(&project)
        });
        match verdict {
            Verdict::Whole(ids) if self.scene.moments[0].ids.as_ref() == Some(ids) => Ok(()),
            other => Err(format!("the copy before the upgrade: {other:?}")),
        }
    }

    /// The next commands of the real program, and what they leave.
    fn go_on(&self, tracker: &Verdict) -> Result<(), String> {
        let last = self.scene.moments.last().ok_or("no moments")?;
        let ids = last.ids.as_ref().ok_or("no tracker at the end")?;
        let run = |args: &[&str]| {
            let run = self.project.tried(args);
            // Warnings are right: a snapshot may be younger than its log, for instance.
            if run.status == 0 { Ok(()) } else { Err(format!("then {args:?}: {run:?}")) }
        };
        match self.scene.next {
            Next::Command => {
                run(&["comment", "LAT-1", "after the cut"]).or_else(|_| run(&["create", "x"]))?
            }
            Next::Init => {
                run(&INIT)?;
                let made = events(&self.project);
                let is_new = *tracker == Verdict::Nothing && self.scene.moments[0].files.is_empty();
                if made.len() != ids.len() || !is_new && made[..] != ids[..] {
                    return Err(format!("then init made {made:?} instead of {ids:?}"));
                }
            }
            Next::Import(args) => {
                run(args)?;
                self.must_hold(ids)?;
            }
            Next::Export => {
                run(&["sync"])?;
                run(&["export"])?;
                self.must_hold(ids)?;
                self.must_be(last)?;
            }
        }
        let left = names(&self.project).into_iter().find(|name| name.starts_with("new-"));
        left.map_or(Ok(()), |name| Err(format!("{name} is left, also after the next command")))
    }

    fn must_hold(&self, ids: &[String]) -> Result<(), String> {
        let held = events(&self.project);
        if held == ids { Ok(()) } else { Err(format!("then there are {held:?} instead of {ids:?}")) }
    }

    /// The tree must be that of a moment, with nothing beside it.
    fn must_be(&self, moment: &Moment) -> Result<(), String> {
        let now = crate::scenes::moment(&self.project);
        let all = now.files.keys().chain(moment.files.keys());
        let other = all.into_iter().find(|path| now.files.get(*path) != moment.files.get(*path));
        other.map_or(Ok(()), |path| Err(format!("then {path} is not what it has to be")))
    }
}

fn examined(project: &Project) -> Verdict {
    let root = App::locate(&World::real(), project.path());
    root.map_or_else(
        |failure| Verdict::Broken(failure.to_string()),
        |root| full(&root, [World::real(), World::real()]),
    )
}

/// Judges a state in which `done` commands had been acknowledged: it is that of this moment or of the
/// next one. Of the files each.
pub fn judge(met: &Met, done: usize, scene: &Scene) -> Finding {
    let old = &scene.moments[done];
    let new = scene.moments.get(done + 1).unwrap_or(old);
    if let Some(trouble) = &met.trouble {
        return Finding::Corrupt(trouble.clone());
    }
    let ids = match &met.tracker {
        Verdict::Broken(why) => return Finding::Corrupt(why.clone()),
        Verdict::Nothing => None,
        Verdict::Whole(ids) => Some(ids),
    };
    if ids != old.ids.as_ref() && ids != new.ids.as_ref() {
        let count = |ids: Option<&Arc<[String]>>| ids.map(|ids| ids.len());
        let why =
            format!("{:?} events, not {:?}", count(ids), [&old.ids, &new.ids].map(|ids| count(ids.as_ref())));
        let has_old = old.ids.as_ref().is_none_or(|old| ids.is_some_and(|ids| ids.starts_with(old)));
        return if has_old { Finding::Corrupt(why) } else { Finding::Lost(why) };
    }
    let is_whole = || new.files.iter().all(|(path, hash)| met.files.get(path) == Some(hash));
    for path in met.files.keys().chain(old.files.keys()).chain(new.files.keys()) {
        let (is, was, will) = (met.files.get(path), old.files.get(path), new.files.get(path));
        if is != was && is != will {
            let why = format!("{path} is neither the old file nor the new one");
            return if is.is_none() { Finding::Lost(why) } else { Finding::Corrupt(why) };
        }
        // What is taken away stands somewhere else by then.
        if is.is_none() && was.is_some() && !is_whole() {
            return Finding::Lost(format!("{path} was taken away before its successor stood"));
        }
    }
    Finding::Fine
}
