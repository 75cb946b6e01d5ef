//! Power cuts: every state that the disk may be in when the power goes is made and met by Lattice's own
//! code. What was acknowledged must be there, the next command may be there, nothing may be damaged.
//!
//! `LATTICE_SOAK=1` meets a million states; without it an even part of them, which takes seconds.
//! `LATTICE_POWER_MUTANT=NAME` plants a fault (see `mutants.rs`), and the first test has to fail.
#![cfg(target_os = "linux")]

mod cuts;
mod disk;
mod examine;
mod explore;
mod memory;
mod mixed;
mod mutants;
mod recording;
mod tracker;
#[path = "../support/uncounted.rs"]
mod uncounted;
mod vfs;
mod workloads;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use cuts::Tally;
use disk::Image;
use explore::Explorer;
use mutants::Mutant;
use tracker::Verdict;
use workloads::{Files, Recorded};

fn is_soak() -> bool {
    std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1")
}

/// Past what the test runner catches, so that it is seen.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn line(name: &str, tally: &Tally, started: Instant) -> String {
    let Tally { states, distinct, cuts, lost, corrupt, .. } = tally;
    let seconds = started.elapsed().as_secs_f64();
    format!(
        "power: {name}: {states} states, {distinct} distinct, {cuts} cuts, {lost} lost, {corrupt} corrupt, {seconds:.1} s"
    )
}

/// Explores recordings one after the other, and adds up what is found.
struct Harness {
    explorer: Explorer,
    started: Instant,
    whole: Tally,
}

impl Harness {
    fn new() -> Self {
        Self { explorer: Explorer::default(), started: Instant::now(), whole: Tally::default() }
    }

    fn explore(&mut self, name: &str, recorded: &[Recorded], wanted: usize) {
        self.explore_and(name, recorded, wanted, &|_, _| {});
    }

    fn explore_and(
        &mut self,
        name: &str,
        recorded: &[Recorded],
        wanted: usize,
        keep: &(dyn Fn(&Image, &Verdict) + Sync),
    ) {
        let (started, mut sum) = (Instant::now(), Tally::default());
        for one in recorded {
            sum.add(self.explorer.explore(one, wanted / recorded.len(), keep));
        }
        say(&line(name, &sum, started));
        self.whole.add(sum);
    }
}

/// Distinct states that must have been met, over all workloads.
const LEAST: usize = 50_000;
const LEAST_IN_SOAK: usize = 1_000_000;

/// Recordings share SQLite's source of random numbers.
static ALONE: Mutex<()> = Mutex::new(());

/// Of the files of an image, what a test can lay out.
fn files(image: &Image) -> Files {
    image.iter().map(|(path, content)| (path.clone(), content.bytes())).collect()
}

#[test]
fn no_power_cut_loses_or_damages_anything() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mutant = Mutant::of_environment();
    let (least, scale) = if is_soak() { (LEAST_IN_SOAK, 30) } else { (LEAST, 1) };
    let mut harness = Harness::new();

    let without = Mutex::new(BTreeMap::new());
    let keep = |image: &Image, verdict: &Verdict| {
        if *verdict == Verdict::Nothing {
            let names: Vec<String> = image.keys().cloned().collect();
            without.lock().unwrap().entry(names).or_insert_with(|| files(image));
        }
    };
    harness.explore_and("init", &[workloads::making(mutant)], 2_000 * scale, &keep);
    let without = without.into_inner().unwrap();
    assert!(without.len() > 2, "some cuts leave no tracker, but other files: {:?}", without.keys());
    for (names, files) in &without {
        workloads::makes_again(files).unwrap_or_else(|why| panic!("init beside {names:?}: {why}"));
    }

    harness.explore("200 processes", &[workloads::processes(mutant, 200)], 24_000 * scale);
    harness.explore("200 in one process", &[workloads::one_process(mutant, 200)], 3_000 * scale);
    harness.explore("archive", &[workloads::archiving(mutant)], 4_000 * scale);
    harness.explore("import", &[workloads::importing(mutant)], 8_000 * scale);
    match workloads::upgrading(mutant) {
        Some(recorded) => harness.explore("upgrade", &[recorded], 200 * scale),
        None => say("power: upgrade: skipped, there is no tracker of an older schema"),
    }

    let left = Mutex::new(Vec::new());
    let keep = |image: &Image, verdict: &Verdict| {
        if let Verdict::Whole(_) = verdict
            && disk::hash(image).is_multiple_of(64)
        {
            left.lock().unwrap().push(files(image));
        }
    };
    harness.explore_and("checkpoint", &[workloads::checkpoints(mutant)], 10_000 * scale, &keep);
    let left = left.into_inner().unwrap();
    let again: Vec<_> =
        left.iter().take(40 * scale).map(|files| workloads::recovery(files, mutant)).collect();
    assert!(again.len() >= 40, "only {} cuts were followed by another one", again.len());
    harness.explore("a second cut", &again, 8_000 * scale);

    let mut failing = Vec::new();
    for same_process in [false, true] {
        failing.extend((1..).map_while(|flush| workloads::disturbed(mutant, flush, same_process)));
    }
    assert!(failing.len() >= 50, "only {} flushes failed", failing.len());
    harness.explore("a flush that fails", &failing, 3_000 * scale);

    say(&line("all", &harness.whole, harness.started));
    let Tally { distinct, .. } = harness.whole;
    assert_eq!(harness.whole.bad(), 0, "{:#?}", harness.whole.examples);
    assert!(distinct >= least, "only {distinct} distinct states");
}

#[test]
fn every_fault_that_is_planted_is_found() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let commands = |mutant| workloads::processes(mutant, 10);
    let disturbed = |mutant| workloads::disturbed(mutant, 3, false).unwrap();
    let planted: [(Mutant, &dyn Fn(Mutant) -> Recorded); 9] = [
        (Mutant::LogUnflushed, &commands),
        (Mutant::Normal, &commands),
        (Mutant::DoneTooEarly, &commands),
        (Mutant::DatabaseUnflushed, &workloads::checkpoints),
        (Mutant::DatabaseUnflushed, &workloads::making),
        (Mutant::FoldersUnflushed, &workloads::making),
        (Mutant::NamedTooEarly, &workloads::making),
        (Mutant::BuiltInPlace, &workloads::making),
        (Mutant::FailedFlushIgnored, &disturbed),
    ];
    for (mutant, record) in planted {
        let explorer = Explorer::default();
        let sound = explorer.explore(&record(Mutant::None), 500, &|_, _| {});
        assert_eq!(sound.bad(), 0, "{:#?}", sound.examples);
        let recorded = record(mutant);
        let tally = explorer.explore(&recorded, 500, &|_, _| {});
        let Tally { lost, corrupt, .. } = tally;
        say(&format!("power: {mutant:?} in {}: {lost} lost, {corrupt} corrupt", recorded.name));
        assert!(tally.bad() > 0, "{mutant:?} in {} was not found", recorded.name);
    }
}
