//! Power cuts under the shipped program: its system calls are recorded, every state that the disk may
//! be in when the power goes at any of them is laid out as files, and Lattice has to find there the old
//! state or the new one, whole; after the acknowledgement the new one.
//!
//! The models of the disk and the choice of states are those of `tests/power`, which looks at the same
//! from inside, with many more states of the database alone.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../faults/sandbox.rs"]
#[allow(dead_code, reason = "the fault tests use the rest")]
mod sandbox;

#[path = "../power/cuts.rs"]
mod cuts;
#[path = "../power/disk.rs"]
#[allow(dead_code, reason = "the tests inside of the process use the rest")]
mod disk;
#[path = "../power/tracker.rs"]
#[allow(dead_code, reason = "the tests inside of the process use the rest")]
mod tracker;

mod calls;
mod meet;
mod outage;
mod planted;
mod scenes;
mod strace;

use std::io::Write;
use std::time::Instant;

use cuts::{Explorer, Finding, Tally};
use disk::Image;
use meet::{Examiner, Shared, judge};
use scenes::Scene;

/// Distinct states that must have been met, over all scenes.
const LEAST: usize = 5_000;

/// Past what the test runner catches, so that it is seen.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn is_possible() -> bool {
    let is_there = strace::is_there();
    if !is_there {
        sandbox::skip("the replay of system calls: there is no strace, or it may not look into programs");
    }
    is_there
}

fn explore(explorer: &Explorer, shared: &Shared, scene: &Scene, wanted: usize) -> Tally {
    let examiner = || {
        let mut examiner = Examiner::new(scene, shared);
        move |image: &Image| examiner.meet(image)
    };
    explorer.explore(scene.log(), wanted, examiner, |met, done| judge(met, done, scene))
}

fn line(name: &str, tally: &Tally, started: Instant) -> String {
    let Tally { states, distinct, cuts, lost, corrupt, .. } = tally;
    let seconds = started.elapsed().as_secs_f64();
    format!(
        "replay: {name}: {states} states, {distinct} distinct, {cuts} cuts, {lost} lost, {corrupt} corrupt, {seconds:.1} s"
    )
}

/// An index without a format file is taken for that of the predecessor, all of whose numbers count as
/// given out: `sync` after a cut ruled out numbers, in one clone and not in the others.
#[test]
fn a_first_export_that_was_cut_off_rules_out_no_numbers() {
    if !is_possible() {
        return;
    }
    let scene = scenes::first_export();
    let examiner = || {
        |image: &Image| {
            let is_there = |name: &str| image.contains_key(&format!(".lattice/{name}"));
            is_there("format.json") || !is_there("ids.json")
        }
    };
    let judge = |is_fine: &bool, _| match is_fine {
        true => Finding::Fine,
        false => Finding::Corrupt("an index, and no format file".into()),
    };
    let tally = Explorer::default().explore(scene.log(), 4_000, examiner, judge);
    assert_eq!(tally.bad(), 0, "{:#?}", tally.examples);
    assert!(tally.distinct > 400, "{tally:?}");
}

#[test]
fn no_power_cut_harms_what_the_program_wrote() {
    if !is_possible() {
        return;
    }
    let (scale, of_many) = if sandbox::soak() { (20, 1_600) } else { (1, 1_000) };
    let (explorer, shared, started) = (Explorer::default(), Shared::default(), Instant::now());
    let mut all = Tally::default();
    let scenes: [(&dyn Fn() -> Scene, usize); 9] = [
        (&scenes::init, 1_600),
        (&scenes::clone, 1_600),
        (&scenes::commands, 1_600),
        (&scenes::first_export, 1_600),
        (&|| scenes::export("export", 3), 1_600),
        (&|| scenes::export("export of many", 12), of_many),
        (&scenes::import, 1_200),
        (&|| scenes::upgrade("upgrade of the first schema", 1), 200),
        (&|| scenes::upgrade("upgrade of the second schema", 2), 200),
    ];
    let only = std::env::var("LATTICE_REPLAY_SCENE").unwrap_or_default();
    for (record, wanted) in scenes {
        let (started, scene) = (Instant::now(), record());
        if !scene.log().name.contains(&only) {
            continue;
        }
        let tally = explore(&explorer, &shared, &scene, wanted * scale);
        say(&line(scene.log().name, &tally, started));
        all.add(tally);
    }
    say(&line("all", &all, started));
    let went_on = *shared.went_on.lock().unwrap();
    say(&format!("replay: the program went on from {went_on} of them"));
    assert_eq!(all.bad(), 0, "{:#?}", all.examples);
    if !only.is_empty() {
        return;
    }
    assert!(all.distinct >= LEAST * scale.min(10), "only {} distinct states", all.distinct);
    assert!(went_on >= LEAST / 50, "the program went on from {went_on} states only");
}
