//! Every command that writes, with every call of it that changes the disk failing, falling short
//! or being its last: done is saved, refused is not, the tracker is whole and the next command works.
//!
//! `make test` meets a choice, the same in every run: of each command each kind of call and each
//! kind of fault. `make soak` meets all, and so does `LATTICE_SWEEP=NAME` for one command.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Mutex;

use crate::commands::{Case, WRITES, example};
use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{copy_folder, empty, say, soak, sound};
use crate::state::State;
use crate::support::{Project, each};

/// Faults of one command that `make test` meets.
const CHOSEN: usize = 38;
/// Runs in which a place may fail to come up.
const TRIES: usize = 20;

/// A case, made ready.
struct Trial {
    name: &'static str,
    args: Vec<String>,
    project: Project,
    before: State,
    after: State,
    calls: Vec<String>,
    /// Prints of the trackers that were found whole.
    examined: Mutex<BTreeSet<u64>>,
}

/// What came of one fault.
struct Met {
    /// Whether the command was killed or failed.
    ended: bool,
    /// Runs in which its place did not come up.
    missed: usize,
}

impl Trial {
    fn new(injector: &Injector, case: &Case, example: &(Project, String)) -> Self {
        let project = empty();
        if case.name != "init" {
            copy_folder(example.0.path(), project.path());
        }
        for line in case.before {
            let ending = injector.run(&project, &[], words(line));
            assert_eq!(ending.status, Some(0), "{line}: {ending:?}");
        }
        let args: Vec<_> = words(&case.line.replace("{comment}", &example.1));
        let before = State::of(&project);
        // Ids differ from run to run, and with them how many pages are written: the places are those
        // of the shortest run, so that they come up in others too.
        let clean = |_| {
            let copy = copy_of(&project);
            let ending = injector.run(&copy, &[], &args);
            assert!(ending.status == Some(0) && !ending.fired.is_empty(), "{args:?}: {ending:?}");
            let calls: Vec<_> = ending.fired.iter().map(|call| plain(call, copy.path())).collect();
            (calls, State::of(&copy))
        };
        let (calls, after) = (0..3).map(clean).min_by_key(|(calls, _)| calls.len()).unwrap();
        Self { name: case.name, args, project, before, after, calls, examined: Mutex::default() }
    }

    /// Tries one fault.
    fn meets(&self, injector: &Injector, fault: &str) -> Met {
        let mut missed = 0;
        let (project, ending) = loop {
            let project = copy_of(&self.project);
            let ending = injector.run(&project, &[fault], &self.args);
            if !ending.fired.is_empty() {
                break (project, ending);
            }
            missed += 1;
            assert!(missed < TRIES, "it never came up");
        };
        let killed = fault.contains("kill") || fault.contains("torn");
        assert_eq!(ending.signal, killed.then_some(SIGKILL), "{ending:?}");
        let there = project.database().exists();
        let found = State::of(&project);
        // What has the same bytes was examined with them.
        if there && self.examined.lock().unwrap().insert(found.print) {
            sound(&project, &|| format!("{ending:?}"));
        }
        if let Err(what) = found.is_between(&self.before, &self.after) {
            panic!("{what}: {ending:?}");
        }
        if !killed {
            self.is_what_was_said(&ending, &project, &found);
            let lasts = fault.contains(['+', '%']);
            let refused = ending.code().is_some_and(|code| code != "COMMIT_UNKNOWN");
            // What fails once does not keep it from taking its parts away.
            assert!(self.name != "init" || lasts || !refused || !project.lattice().exists(), "{ending:?}");
        }
        if !there {
            project.ok(["init", "--project-code", "LAT", "--actor", "human:ada"]);
        }
        let next = project.command(["create", "next", "--actor", "agent:a", "--quiet", "--no-hooks"]);
        let next = Ending::of(next);
        assert_eq!((next.status, next.stderr.as_str()), (Some(0), ""), "the next command: {next:?}");
        Met { ended: ending.status != Some(0), missed }
    }

    fn is_what_was_said(&self, ending: &Ending, project: &Project, found: &State) {
        let unchanged = *found == self.before && (self.name != "init" || !project.lattice().exists());
        match ending.code() {
            None => assert!(*found == self.after, "said to be done, and is not: {ending:?}"),
            Some("STORE_BUSY") => panic!("it is alone: {ending:?}"),
            Some("COMMIT_UNKNOWN") => {}
            // It takes in what came, and then exports.
            Some(_) if self.name == "sync" => {}
            Some(_) => assert!(found.facts == self.before.facts, "refused, and done: {ending:?}"),
        }
        // Files may be new all the same, where the last step, a folder's flush, failed; or not be
        // taken away again. The next command completes or passes over that.
        let claims = ["nothing was changed", "nothing was written", "nothing was imported"];
        let claimed = claims.iter().any(|claim| ending.stderr.contains(claim));
        assert!(unchanged || !claimed, "something was changed: {ending:?}");
    }

    /// Every fault of every call.
    fn all(&self) -> Vec<(usize, String)> {
        let of = |place| KINDS.iter().filter_map(move |kind| Some((place, self.fault(kind, place)?)));
        (0..self.calls.len()).flat_map(of).collect()
    }

    /// So many of them, or all: first each kind of call in each file once, each with another fault,
    /// then more of the calls, then the same calls with other faults.
    fn chosen(&self, count: usize) -> Vec<(usize, String)> {
        let lot = |place: usize| {
            let mut hasher = DefaultHasher::new();
            (&self.args, place).hash(&mut hasher);
            hasher.finish()
        };
        let mut places: Vec<_> = (0..self.calls.len()).collect();
        places.sort_by_key(|place| lot(*place));
        let mut seen = BTreeMap::new();
        let mut ranked: Vec<_> =
            places.iter().map(|place| (rank(&mut seen, &self.calls[*place]), *place)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let round = |turn: usize| {
            let kind = move |at: usize| KINDS[(at + turn + lot(0) as usize % KINDS.len()) % KINDS.len()];
            let fault = move |(at, (_, place)): (usize, &(usize, usize))| {
                Some((*place, self.fault(kind(at), *place)?))
            };
            ranked.iter().enumerate().filter_map(fault).collect::<Vec<_>>()
        };
        (0..KINDS.len()).flat_map(round).take(count).collect()
    }

    /// A fault of the call at this place, if it can meet that.
    fn fault(&self, kind: &str, place: usize) -> Option<String> {
        let (action, then) = kind.split_at(kind.find(['+', '%']).unwrap_or(kind.len()));
        let fits = !matches!(action, "short" | "torn") || writes(&self.calls[place]);
        fits.then(|| format!("*:{action}:{}{then}", place + 1))
    }
}

/// What can happen to a call: once, from then on (`+`), or to every second one (`%2`).
const KINDS: [&str; 15] = [
    "kill", "ENOSPC", "EIO+", "short", "EACCES", "EINTR", "EDQUOT+", "EROFS", "torn", "ENOSPC+", "EIO",
    "EACCES+", "EINTR%2", "EDQUOT", "EROFS+",
];

fn words(line: &str) -> Vec<String> {
    shlex::split(line).unwrap()
}

fn copy_of(original: &Project) -> Project {
    let copy = empty();
    copy_folder(original.path(), copy.path());
    copy
}

/// The call without what differs from run to run: the project's folder and names made by lot.
fn plain(call: &str, folder: &Path) -> String {
    let call = call.replace(folder.to_str().unwrap(), "");
    let name = |part: &str| match part.split_once('.') {
        Some((name, end)) if name.starts_with("new-") || name.len() > 40 => format!("*.{end}"),
        _ => part.to_owned(),
    };
    call.split('/').map(name).collect::<Vec<_>>().join("/")
}

/// How many of the same were there before.
fn rank<'c>(seen: &mut BTreeMap<&'c str, usize>, call: &'c str) -> usize {
    let count = seen.entry(call).or_default();
    *count += 1;
    *count
}

#[test]
fn whatever_fails_a_command_is_done_or_refused_and_the_next_works() {
    let only = std::env::var("LATTICE_SWEEP").ok();
    let Some(injector) = injector() else { return };
    let begun = std::time::Instant::now();
    let example = example();
    let cases = WRITES.iter().filter(|case| only.as_ref().is_none_or(|only| case.name == only));
    let cases: Vec<_> = cases.collect();
    let mut trials = Vec::new();
    for trial in each::tried(&cases, |case| Trial::new(injector, case, &example)) {
        trials.push(trial.unwrap_or_else(|text| panic!("not even without faults: {text}")));
    }
    let everything = soak() || only.is_some();
    let mut work = Vec::new();
    for trial in &trials {
        let faults = if everything { trial.all() } else { trial.chosen(CHOSEN) };
        work.extend(faults.into_iter().map(|(place, fault)| (trial, place, fault)));
    }
    let (mut ended, mut missed, mut bad) = (0, 0, 0);
    let results = each::tried(&work, |(trial, _, fault)| trial.meets(injector, fault));
    for (result, (trial, place, fault)) in results.into_iter().zip(&work) {
        match result {
            Ok(met) => (ended, missed) = (ended + usize::from(met.ended), missed + met.missed),
            Err(text) => {
                say(&format!("sweep: {:?} with {fault}, {}: {text}", trial.args, trial.calls[*place]));
                bad += 1;
            }
        }
    }
    say(&format!(
        "sweep: {} commands that write met {} faults, all fired ({missed} in a later run than the first); {ended} ended them early, {bad} left what they must not, {} s",
        trials.len(),
        work.len(),
        begun.elapsed().as_secs()
    ));
    assert_eq!(bad, 0, "of {}, said above", work.len());
    assert!(only.is_some() || work.len() >= if soak() { 20_000 } else { 2_000 }, "{} faults", work.len());
    assert!(ended * 2 > work.len(), "{ended} of {}", work.len());
}
