//! How clones meet: git merges, imports from elsewhere, trees copied over one another.

use std::fs;
use std::path::{Path, PathBuf};

use lattice::export::{ExportOptions, export_tree};

use crate::act;
use crate::git::Merged;
use crate::hands;
use crate::team::Team;

/// Merges another clone's branch as it is, or once that has synced and committed; as people do: before or after the commit of the merge, with all
/// conflicts left in or some settled, with a whole sync, half of one or none behind it.
pub fn merge(team: &mut Team<'_>, n: usize, other: usize, dice: [u16; 4]) {
    match dice[2] % 8 {
        0 => {}
        1 => team.commit(other),
        _ => {
            drop(team.sync(other, dice));
            team.commit(other);
        }
    }
    team.commit(n);
    let merged = team.git.merge(&team.clones[n].project, other);
    count(team, n, &merged);
    if let Merged::Conflicts(_) = merged {
        if dice[0].is_multiple_of(3) {
            for file in hands::unsettled_texts(&team.clones[n].lattice) {
                hands::settle(team, n, &file, dice);
            }
        }
        if dice[0].is_multiple_of(2) {
            drop(team.sync(n, dice));
        }
        team.commit(n);
    }
    match dice[1] % 8 {
        0..=4 => drop(team.sync(n, dice)),
        5 => {
            team.import(n, dice);
            team.counts.one("imports without export");
        }
        _ => {}
    }
}

fn count(team: &Team<'_>, n: usize, merged: &Merged) {
    let counts = team.counts;
    let conflicts = match merged {
        Merged::Nothing => return counts.one("merges of nothing"),
        Merged::FastForward => return counts.one("fast-forwards"),
        Merged::Clean => {
            counts.one("clean merges");
            &Vec::new()
        }
        Merged::Conflicts(conflicts) => {
            counts.one("merges with conflicts");
            conflicts
        }
    };
    for conflict in conflicts {
        let kinds = [
            ("tasks/", "conflicted snapshots"),
            ("resources/", "conflicted snapshots"),
            ("ids.json", "conflicted indexes"),
            ("config.json", "conflicted configurations"),
            ("plans/", "conflicted texts"),
            ("notes/", "conflicted texts"),
            ("context.md", "conflicted texts"),
            ("events/", "conflicted logs"),
            ("artifacts/", "conflicted artifacts"),
        ];
        let kind = kinds.iter().find(|(part, _)| conflict.contains(part));
        counts.one(kind.map_or_else(|| panic!("{conflict}"), |(_, kind)| kind));
    }
    let lattice = &team.clones[n].lattice;
    let twice = tree_files(&lattice.join("archive/events"))
        .iter()
        .filter(|file| lattice.join("events").join(file).exists())
        .count();
    counts.add("logs in both folders", twice);
}

/// Imports another clone's tree as it lies there, with or without an export behind it.
pub fn take(team: &mut Team<'_>, n: usize, other: usize, dice: [u16; 4]) {
    match team.read(other, n) {
        Ok(tree) => team.take(n, &tree.set).unwrap_or_else(|failure| panic!("{n} from {other}: {failure:?}")),
        Err(failure) => {
            assert!(hands::unsettled(&failure).is_some(), "{n} from {other}: {failure:?}");
            return team.counts.one("imports refused");
        }
    }
    team.counts.one("imports from elsewhere");
    if dice[0].is_multiple_of(2) {
        drop(team.sync(n, dice));
    }
}

/// Copies another clone's tree over this one's: all files, or some of them.
pub fn overlay(team: &mut Team<'_>, n: usize, other: usize, dice: [u16; 4]) {
    let (from, to) = (team.clones[other].lattice.clone(), team.clones[n].lattice.clone());
    let in_part = dice[0].is_multiple_of(2);
    team.counts.one(if in_part { "copies in part" } else { "copies over" });
    for (place, file) in tree_files(&from).iter().enumerate() {
        let chosen = (usize::from(dice[1]) >> (place % 16)) & 1 == 1;
        if in_part && !chosen {
            continue;
        }
        let target = to.join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(file), target).unwrap();
    }
    if !dice[2].is_multiple_of(4) {
        drop(team.sync(n, dice));
    }
}

/// Files of a tree, relative and in order: not the database, its lock or git's own.
pub fn tree_files(lattice: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(at) = open.pop() {
        let Ok(entries) = fs::read_dir(lattice.join(&at)) else { continue };
        for entry in entries.map(|entry| entry.unwrap()) {
            let path = at.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            if name.starts_with("lattice.db") || name.starts_with(".git") || name == "lock" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The numbers below `n` in an order that dice decide.
fn shuffled(n: usize, dice: &mut impl Iterator<Item = u16>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for place in (1..n).rev() {
        order.swap(place, usize::from(dice.next().unwrap_or(0)) % (place + 1));
    }
    order
}

/// One full exchange by copies: every tree says what its clone knows, hand edits included, and
/// then each clone takes in each other's. One round is enough, because taking in makes nothing new.
pub fn all_by_copies(team: &mut Team<'_>, dice: &mut impl Iterator<Item = u16>) {
    team.counts.one("ends by copies");
    for n in shuffled(team.clones.len(), dice) {
        drop(team.sync(n, next(dice)));
    }
    let trees: Vec<_> = (0..team.clones.len()).map(|n| team.whole(n)).collect();
    for n in shuffled(team.clones.len(), dice) {
        for other in shuffled(team.clones.len(), dice).into_iter().filter(|other| *other != n) {
            team.take(n, &trees[other].set).unwrap_or_else(|failure| panic!("{n} from {other}: {failure:?}"));
        }
    }
    for clone in &team.clones {
        export_tree(&clone.app, &clone.lattice, &ExportOptions::default()).unwrap();
    }
}

/// One full exchange through git: one clone gathers all branches, in any order, and the others
/// fast-forward to what it has then. There and back, because what git merges of two texts is a
/// third one, a fact that only the gathering clone knows. Who fast-forwards has nothing to write: unless
/// somebody had copied a tree over one that git had brought lines to and that was not taken in, and so took
/// these out of a commit. Who knows them puts them back, and a second exchange ends it.
pub fn all_through_git(team: &mut Team<'_>, dice: &mut impl Iterator<Item = u16>) {
    team.counts.one("ends through git");
    if !gathers_all(team, dice) {
        assert!(gathers_all(team, dice), "somebody knows more than the hub, also at the second time");
    }
}

/// Whether the hub knew all that the others knew.
fn gathers_all(team: &mut Team<'_>, dice: &mut impl Iterator<Item = u16>) -> bool {
    let order = shuffled(team.clones.len(), dice);
    let (hub, others) = order.split_first().unwrap();
    for n in &order {
        drop(team.sync(*n, next(dice)));
        team.commit(*n);
    }
    for other in others {
        let merged = team.git.merge(&team.clones[*hub].project, *other);
        count(team, *hub, &merged);
        drop(team.sync(*hub, next(dice)));
        team.commit(*hub);
    }
    let gathered = act::knowledge(&team.clones[*hub].app);
    let mut knows_all = true;
    for n in others {
        let knew = act::knowledge(&team.clones[*n].app);
        let merged = team.git.merge(&team.clones[*n].project, *hub);
        assert!(matches!(merged, Merged::FastForward | Merged::Nothing), "{merged:?}");
        let written = team.sync(*n, next(dice));
        if !knew.is_subset(&gathered) {
            assert!(!written.written.is_empty(), "clone {n} keeps to itself what hub {hub} does not know");
            team.commit(*n);
            knows_all = false;
            continue;
        }
        assert!(
            written.written.is_empty() && written.removed.is_empty(),
            "clone {n} of hub {hub}: {written:?}"
        );
        assert!(team.git.is_clean(&team.clones[*n].project), "clone {n} of hub {hub}");
    }
    knows_all
}

fn next(dice: &mut impl Iterator<Item = u16>) -> [u16; 4] {
    std::array::from_fn(|_| dice.next().unwrap_or(0))
}
