//! A case: how many clones there are, what their clocks say, and what happens to them in which order.

use proptest::prelude::*;

use crate::counts::Counts;
use crate::team::Team;
use crate::{act, exchange, hands, verdict};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Case {
    /// How far each clone's clock is off, in minutes. There are as many clones as clocks.
    pub clocks: Vec<i64>,
    /// Whether the clones' databases are files; else they are in memory, which is quicker.
    pub on_disk: bool,
    /// Seed of all ids.
    pub seed: u32,
    pub steps: Vec<Step>,
    /// How the full exchange at the end is done.
    pub through_git: bool,
    /// Dice for the order of that.
    pub order: Vec<u16>,
}

/// One thing that happens in one clone.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which clone.
    pub clone: usize,
    pub what: What,
    /// What decides the details.
    pub dice: [u16; 4],
    /// How many minutes of this clone's clock go by before, or, if it was set, back.
    pub minutes: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A command.
    Command(u8),
    /// An edit of a file of the tree.
    HandEdit,
    /// Import, then export.
    Sync,
    /// Import alone, as if the sync was interrupted.
    Import,
    /// Export alone: it may refuse where the tree holds what the tracker does not know.
    Export,
    /// The tree is committed as it is.
    Commit,
    /// Another clone's branch is merged.
    Merge,
    /// Another clone's tree is imported.
    Take,
    /// Another clone's tree is copied over this one's, all of it or some files.
    Overlay,
}

const HOUR: i64 = 60;
const YEAR: i64 = 365 * 24 * HOUR;

/// Clocks are right, off by hours, or off by years; forward and back.
fn clock() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), -30 * HOUR..30 * HOUR, -20 * YEAR..20 * YEAR]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        48 => (0..act::KINDS).prop_map(What::Command),
        9 => Just(What::HandEdit),
        8 => Just(What::Sync),
        3 => Just(What::Import),
        2 => Just(What::Export),
        2 => Just(What::Commit),
        14 => Just(What::Merge),
        5 => Just(What::Take),
        3 => Just(What::Overlay),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = prop_oneof![8 => 0_i64..240, 1 => -2 * YEAR..2 * YEAR];
    (0..60_usize, what(), any::<[u16; 4]>(), minutes).prop_map(|(clone, what, dice, minutes)| Step {
        clone,
        what,
        dice,
        minutes,
    })
}

/// All cases.
pub fn cases() -> impl Strategy<Value = Case> {
    let some = prop_oneof![4 => Just(2_usize), 4 => Just(3), 1 => Just(4), 1 => Just(5)];
    let clocks = some.prop_flat_map(|clones| prop::collection::vec(clock(), clones));
    let steps = prop::collection::vec(step(), 8..28);
    let order = prop::collection::vec(any::<u16>(), 30);
    (clocks, prop::bool::weighted(0.15), any::<u32>(), steps, any::<bool>(), order).prop_map(
        |(clocks, on_disk, seed, steps, through_git, order)| Case {
            clocks,
            on_disk,
            seed,
            steps,
            through_git,
            order,
        },
    )
}

impl Case {
    /// Plays it and looks at what came of it; panics where a promise is broken.
    pub fn play(&self, counts: &Counts) {
        let mut team = Team::new(&self.clocks, self.on_disk, self.seed, counts);
        for step in &self.steps {
            let clone = step.clone % self.clocks.len();
            let other = (clone + 1 + usize::from(step.dice[3]) % (self.clocks.len() - 1)) % self.clocks.len();
            team.pass(clone, step.minutes);
            match step.what {
                What::Command(kind) => act::command(&mut team, clone, kind, step.dice),
                What::HandEdit => hands::edit(&mut team, clone, step.dice),
                What::Sync => drop(team.sync(clone, step.dice)),
                What::Import => team.import(clone, step.dice),
                What::Export => team.export_or_refuse(clone),
                What::Commit => team.commit(clone),
                What::Merge => exchange::merge(&mut team, clone, other, step.dice),
                What::Take => exchange::take(&mut team, clone, other, step.dice),
                What::Overlay => exchange::overlay(&mut team, clone, other, step.dice),
            }
        }
        let mut order = self.order.iter().copied().cycle();
        if self.through_git {
            exchange::all_through_git(&mut team, &mut order);
        } else {
            exchange::all_by_copies(&mut team, &mut order);
        }
        verdict::agreed(&mut team);
    }
}
