//! Folders that the predecessor wrote in real projects, split at a random point into two branches
//! of one repository, carried on on both sides, and merged both ways.
//!
//! They are no part of this repository; see `tests/realdata.rs` for where they are looked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lattice::app::{App, ImportSet, InitOptions, World};
use lattice::domain::Subject;
use lattice::export::{ReadOptions, read_tree};

use crate::counts::{Counts, say};
use crate::team::{START, Team};
use crate::{act, exchange, verdict};

#[test]
fn real_trees_split_in_two_come_together_again() {
    let folders = real();
    for (name, folder) in &folders {
        let counts = Counts::default();
        let seeds = if crate::soak() { 0..6 } else { 1..2 };
        for seed in seeds.clone() {
            split(folder, seed, &counts);
        }
        say(&format!("{name}: {}", counts.line(seeds.len() as u64)));
    }
}

/// The folders that are here: (name, `.lattice/`).
fn real() -> Vec<(String, PathBuf)> {
    let root = std::env::var_os("LATTICE_REALDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/realdata"), PathBuf::from);
    let entries = std::fs::read_dir(&root).into_iter().flatten().map(|entry| entry.unwrap());
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().join(".lattice")))
        .filter(|(_, lattice)| lattice.is_dir())
        .collect();
    found.sort();
    if found.is_empty() {
        say(&format!("SKIPPED: there is no real data in {}", root.display()));
    }
    found
}

/// The events up to some point are what both sides begin with. Of the others each side gets those
/// before or behind a second point, or, every other time, those that chance gives it: histories
/// then lack their beginning on one side, or every second event.
fn split(folder: &Path, seed: u32, counts: &Counts) {
    let mut whole = read_tree(folder, &ReadOptions::default()).unwrap().set;
    whole.events.sort_by(|a, b| a.item.key.cmp(&b.item.key));
    let dice = |n: usize| (u64::from(seed) * 31 + n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let begin = dice(0) as usize % (whole.events.len() / 2);
    let middle = begin + dice(1) as usize % (whole.events.len() - begin);
    let mut base = ImportSet { events: Vec::new(), ..whole.clone() };
    let mut sides = [ImportSet::default(), ImportSet::default()];
    for (place, event) in whole.events.iter().enumerate() {
        let behind = if seed.is_multiple_of(2) { place >= middle } else { dice(place) % 2 == 0 };
        // What makes the tracker what it is stands on both sides.
        let both = place < begin || event.item.subject == Subject::Instance;
        let set = if both { &mut base } else { &mut sides[usize::from(behind)] };
        set.events.push(event.clone());
    }
    let (left, right) = base.artifacts.split_at(base.artifacts.len() / 2);
    sides[0].artifacts = left.to_vec();
    sides[1].artifacts = right.to_vec();
    base.artifacts.clear();

    let init = |lattice: &Path| {
        let world = World::scripted(START, u64::from(seed));
        App::init(lattice, &world, Duration::from_secs(10), &InitOptions::default(), Some(&base)).unwrap();
    };
    let mut team = Team::of(&[0, 0], false, seed, counts, init, |_| {});
    team.findings = findings(&whole);
    for (n, side) in sides.iter().enumerate() {
        team.take(n, side).unwrap();
        for turn in 0..40 {
            let dice = std::array::from_fn(|k| dice(1_000 * (n + 1) + 4 * turn + k) as u16);
            act::command(&mut team, n, turn as u8 % act::KINDS, dice);
        }
        drop(team.sync(n, [0; 4]));
        team.commit(n);
    }
    exchange::merge(&mut team, 0, 1, [0, 0, seed as u16, 0]);
    exchange::merge(&mut team, 1, 0, [1, 0, seed as u16, 0]);
    exchange::all_through_git(&mut team, &mut std::iter::repeat(seed as u16));
    verdict::agreed(&mut team);
}

/// What `doctor` says of the whole folder before anything was split.
fn findings(whole: &ImportSet) -> Vec<String> {
    let app = App::in_memory(World::scripted(START, 1), &InitOptions::default(), Some(whole)).unwrap();
    app.examine(|_| {}).unwrap().findings.into_iter().map(|finding| finding.message).collect()
}
