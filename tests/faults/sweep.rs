//! Every command that writes, with every call of it that changes the disk failing, falling short
//! or being its last: done is saved, refused is not, the tracker is whole and the next command works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::commands::{Case, WRITES, example};
use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{copy_folder, empty, say, soak, sound};
use crate::state::State;
use crate::support::Project;

/// Commands that write files beside the database.
const WRITE_FILES: [&str; 9] = [
    "export",
    "sync",
    "artifact",
    "hooks trust",
    "hooks untrust",
    "setup-claude",
    "setup-claude-skill",
    "setup-codex",
    "setup-openclaw",
];

/// A case, made ready.
struct Trial {
    name: &'static str,
    args: Vec<String>,
    project: Project,
    before: State,
    after: State,
    calls: Vec<String>,
}

impl Trial {
    fn new(injector: &Injector, case: &Case, example: &(Project, String)) -> Result<Self, String> {
        let project = empty();
        if case.name != "init" {
            copy_folder(example.0.path(), project.path());
        }
        for line in case.before {
            let ending = injector.run(&project, &[], words(line));
            if ending.status != Some(0) {
                return Err(format!("{line}: {ending:?}"));
            }
        }
        let args: Vec<_> = words(&case.line.replace("{comment}", &example.1));
        let copy = copy_of(&project);
        let before = State::of(&copy);
        let clean = injector.run(&copy, &[], &args);
        let after = State::of(&copy);
        if clean.status != Some(0) || clean.fired.is_empty() {
            return Err(format!("{args:?}: {clean:?}"));
        }
        Ok(Self { name: case.name, args, project, before, after, calls: clean.fired })
    }

    /// Tries one fault.
    fn meets(&self, injector: &Injector, fault: &str) -> Ending {
        // Ids differ from run to run, and with them how many pages are written: once more, then.
        let run = || {
            let project = copy_of(&self.project);
            let ending = injector.run(&project, &[fault], &self.args);
            (!ending.fired.is_empty()).then_some((project, ending))
        };
        let (project, ending) = (0..20).find_map(|_| run()).expect("a fault that fired");
        let killed = fault.contains("kill") || fault.contains("torn");
        assert_eq!(ending.signal, killed.then_some(SIGKILL), "{ending:?}");
        let there = project.database().exists();
        if there {
            sound(&project, &|| format!("{ending:?}"));
        }
        let found = State::of(&project);
        if let Err(what) = found.is_between(&self.before, &self.after) {
            panic!("{what}: {ending:?}");
        }
        if !killed {
            match ending.code() {
                None => assert!(found == self.after, "said to be done, and is not: {ending:?}"),
                Some("COMMIT_UNKNOWN") => {}
                // Commands that write files leave each old or new: the last step is a folder's flush.
                // Where nothing can be taken away again, `init` leaves what the next one completes.
                Some(_) if self.name == "init" => {
                    assert!(found.facts.is_none(), "refused, and done: {ending:?}")
                }
                Some(_) if WRITE_FILES.contains(&self.name) => {}
                Some(_) => assert!(found == self.before, "refused, and done: {ending:?}"),
            }
        }
        if !there {
            project.ok(["init", "--project-code", "LAT", "--actor", "human:ada"]);
        }
        let next = project.command(["create", "next", "--actor", "agent:a", "--quiet", "--no-hooks"]);
        let next = Ending::of(next);
        assert_eq!((next.status, next.stderr.as_str()), (Some(0), ""), "the next command: {next:?}");
        ending
    }
}

fn words(line: &str) -> Vec<String> {
    shlex::split(line).unwrap()
}

fn copy_of(original: &Project) -> Project {
    let copy = empty();
    copy_folder(original.path(), copy.path());
    copy
}

/// Everything that can happen to a call, the `place`-th of its run.
fn faults_of(call: &str, place: usize) -> Vec<String> {
    let mut faults =
        vec![format!("*:kill:{place}"), format!("*:EINTR:{place}"), format!("*:EINTR:{place}%2")];
    for error in ["ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS"] {
        faults.extend([format!("*:{error}:{place}"), format!("*:{error}:{place}+")]);
    }
    if writes(call) {
        faults.push(format!("*:short:{place}"));
        faults.push(format!("*:torn:{place}"));
    }
    faults
}

#[test]
fn whatever_fails_a_command_is_done_or_refused_and_the_next_works() {
    let only = std::env::var("LATTICE_SWEEP").ok();
    // It takes minutes: by `make soak`, or for one command by its name.
    if !soak() && only.is_none() {
        return;
    }
    let Some(injector) = injector() else { return };
    let begun = std::time::Instant::now();
    let example = example();
    let cases = WRITES.iter().filter(|case| only.as_ref().is_none_or(|only| case.name == only));
    let (trials, broken): (Vec<_>, Vec<_>) =
        cases.map(|case| Trial::new(injector, case, &example)).partition(Result::is_ok);
    let broken: Vec<_> = broken.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "these do not even work without faults:\n{}", broken.join("\n"));
    let trials: Vec<_> = trials.into_iter().filter_map(Result::ok).collect();
    let mut work = Vec::new();
    for trial in &trials {
        for (at, call) in trial.calls.iter().enumerate() {
            work.extend(faults_of(call, at + 1).into_iter().map(|fault| (trial, call, fault)));
        }
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let bad = Mutex::new(Vec::new());
    let worker = || {
        while let Some((trial, call, fault)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            match catch_unwind(AssertUnwindSafe(|| trial.meets(injector, fault))) {
                Ok(ending) => {
                    failed.fetch_add(usize::from(ending.status != Some(0)), Ordering::Relaxed);
                }
                Err(cause) => {
                    let text = cause.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| cause.downcast_ref::<&str>().map(|&text| text.to_owned()));
                    let text = format!("{:?} with {fault}, {call}: {}", trial.args, text.unwrap_or_default());
                    say(&format!("sweep: {text}"));
                    bad.lock().unwrap().push(text);
                }
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| (0..hands).for_each(|_| drop(scope.spawn(worker))));
    let bad = bad.into_inner().unwrap();
    let failed = failed.into_inner();
    say(&format!(
        "sweep: {} commands that write met {} faults, all fired; {failed} ended them early, {} left what they must not, {} s",
        trials.len(),
        work.len(),
        bad.len(),
        begun.elapsed().as_secs()
    ));
    assert!(bad.is_empty(), "{} of {}, said above", bad.len(), work.len());
    assert!(only.is_some() || work.len() >= 20_000, "{} faults", work.len());
    assert!(failed * 2 > work.len(), "{failed} of {}", work.len());
}
