//! Every state that a power cut may leave, at every moment of a recording: nothing of what was not
//! flushed, all of it, all but one write, only one, the first so many, the last of these torn, and
//! choices by lot. Where there are more than was asked for, an even part of them is taken.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::thread;

use crate::disk::{Disk, Fate, Image, Names, Op, hash};

/// What came of a state, compared with what the caller knew at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Fine,
    Lost(String),
    Corrupt(String),
}

/// What reached the disk, in order.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    pub name: &'a str,
    pub ops: &'a [Op],
    /// Calls before this one made what was there before.
    pub from: usize,
}

/// What an exploration found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// States that were made, and how many of these were different.
    pub states: usize,
    pub distinct: usize,
    /// Moments at which the power was cut.
    pub cuts: usize,
    pub lost: usize,
    pub corrupt: usize,
    /// The first of what should not be.
    pub examples: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.distinct += other.distinct;
        self.cuts += other.cuts;
        self.lost += other.lost;
        self.corrupt += other.corrupt;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    pub fn bad(&self) -> usize {
        self.lost + self.corrupt
    }
}

const EXAMPLES: usize = 5;

/// Which of the writes that were not flushed reach the disk.
#[derive(Clone, Copy, Debug)]
enum Pick {
    None,
    All,
    AllBut(usize),
    Only(usize),
    First(usize),
    /// The first so many, and this one torn.
    Torn(usize),
    Lot,
}

/// The choices where `count` writes are waiting: after a write those that the moment before did not
/// have; after a flush there are no new ones; after an acknowledgement all are judged anew.
fn picks(op: &Op, count: usize, lots: usize) -> Vec<Pick> {
    if matches!(op, Op::Sync { .. } | Op::SyncFolder { .. }) {
        return Vec::new();
    }
    let Some(last) = count.checked_sub(1) else { return vec![Pick::None] };
    let lots = (0..lots).map(|_| Pick::Lot);
    let but = (0..count - 1).map(Pick::AllBut);
    match op {
        Op::Write { .. } | Op::Truncate { .. } => {
            [Pick::All, Pick::Only(last), Pick::Torn(last)].into_iter().chain(but).chain(lots).collect()
        }
        _ => {
            let each = (0..count).flat_map(|at| [Pick::Only(at), Pick::First(at), Pick::Torn(at)]);
            [Pick::All].into_iter().chain(each).chain(but).chain(lots).collect()
        }
    }
}

/// One step of a 64-bit generator (`SplitMix64`, Steele, Lea and Flood 2014).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn fate(pick: Pick, at: usize, dice: u64) -> Fate {
    let torn = |dice: u64| Fate::Torn { mask: dice, garbage: mix(dice) & 1 == 1 };
    let kept = |is: bool| if is { Fate::Kept } else { Fate::Lost };
    match pick {
        Pick::None => Fate::Lost,
        Pick::All => Fate::Kept,
        Pick::AllBut(one) => kept(at != one),
        Pick::Only(one) => kept(at == one),
        Pick::First(count) => kept(at < count),
        Pick::Torn(last) if at == last => torn(dice),
        Pick::Torn(last) => kept(at < last),
        Pick::Lot => match mix(dice ^ at as u64) {
            lot if lot & 1 == 0 => Fate::Lost,
            lot if (lot >> 1) % 3 == 0 => torn(mix(lot)),
            _ => Fate::Kept,
        },
    }
}

/// Which of the waiting changes of names reach the disk: every set that is tried.
fn kept_names(count: usize, names: Names) -> Vec<Vec<bool>> {
    let all = |is: &dyn Fn(usize) -> bool| (0..count).map(is).collect();
    match names {
        Names::Journal => (0..=count).map(|first| all(&|at| at < first)).collect(),
        Names::AnySubset if count <= 4 => {
            (0..1_usize << count).map(|set| all(&|at| set >> at & 1 == 1)).collect()
        }
        Names::AnySubset => {
            let one = (0..count).flat_map(|one| [all(&|at| at != one), all(&|at| at == one)]);
            [all(&|_| false), all(&|_| true)].into_iter().chain(one).collect()
        }
    }
}

/// How many states there are without lots, and how many are added by one more lot.
fn possible(log: Log<'_>, names: Names) -> (usize, usize) {
    let (mut states, mut moments) = (0, 0);
    let mut disk = Disk::new(names);
    for (at, op) in log.ops.iter().enumerate() {
        disk.feed(op);
        if at >= log.from {
            let sets = kept_names(disk.moves.len(), names).len();
            states += picks(op, disk.data.len(), 0).len() * sets;
            moments += sets * (picks(op, disk.data.len(), 1).len() - picks(op, disk.data.len(), 0).len());
        }
    }
    (states, moments)
}

/// Explores logs, and remembers over all of them which states it has met.
#[derive(Default)]
pub struct Explorer {
    distinct: Mutex<HashSet<u64>>,
}

impl Explorer {
    /// Meets about `wanted` states of a log, on all processors. Each makes an examiner, which is
    /// shown every new state; `judge` says what its verdict means when so many commands are done.
    pub fn explore<V: Clone + Send, E: FnMut(&Image) -> V>(
        &self,
        log: Log<'_>,
        wanted: usize,
        examiner: impl Fn() -> E + Sync,
        judge: impl Fn(&V, usize) -> Finding + Sync,
    ) -> Tally {
        let both = [Names::AnySubset, Names::Journal];
        let sums = both.map(|names| possible(log, names));
        let (states, by_lot) = (sums[0].0 + sums[1].0, sums[0].1 + sums[1].1);
        let one_in = (states / wanted.max(1)).max(1) as u64;
        let lots = 1 + wanted.saturating_sub(states) / by_lot.max(1);
        let seen = Mutex::default();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let walks: Vec<_> = (0..workers)
                .map(|worker| {
                    let (seen, distinct, examiner, judge) = (&seen, &self.distinct, &examiner, &judge);
                    scope.spawn(move || {
                        let (examine, tally) = (examiner(), Tally::default());
                        let mut walk = Walk { log, one_in, lots, seen, distinct, examine, judge, tally };
                        both.into_iter().for_each(|names| walk.walk(names, worker, workers));
                        walk.tally
                    })
                })
                .collect();
            walks.into_iter().for_each(|walk| tally.add(walk.join().unwrap()));
        });
        tally
    }
}

struct Walk<'a, V, E, J> {
    log: Log<'a>,
    one_in: u64,
    lots: usize,
    /// By the hash of the whole state.
    seen: &'a Mutex<HashMap<u64, V>>,
    distinct: &'a Mutex<HashSet<u64>>,
    examine: E,
    judge: &'a J,
    tally: Tally,
}

impl<V: Clone, E: FnMut(&Image) -> V, J: Fn(&V, usize) -> Finding> Walk<'_, V, E, J> {
    /// Cuts the power after every call that is this worker's.
    fn walk(&mut self, names: Names, worker: usize, workers: usize) {
        let mut disk = Disk::new(names);
        for (at, op) in self.log.ops.iter().enumerate() {
            disk.feed(op);
            if at < self.log.from || at % workers != worker {
                continue;
            }
            self.tally.cuts += 1;
            let mut dice = mix(2 * at as u64 + u64::from(names == Names::Journal));
            for kept in kept_names(disk.moves.len(), names) {
                for pick in picks(op, disk.data.len(), self.lots) {
                    dice = mix(dice);
                    let always = matches!((op, pick), (Op::Done, Pick::None | Pick::All));
                    if always || dice.is_multiple_of(self.one_in) {
                        let dice = mix(dice ^ 1);
                        let image = disk.after_cut(|write| fate(pick, write, dice), |entry| kept[entry]);
                        let what =
                            || format!("{names:?} after call {at} ({}), {pick:?}, names {kept:?}", short(op));
                        self.meet(&image, disk.done, what);
                    }
                }
            }
        }
    }

    fn meet(&mut self, image: &Image, done: usize, what: impl Fn() -> String) {
        self.tally.states += 1;
        let hash = hash(image);
        let seen = self.seen.lock().unwrap().get(&hash).cloned();
        let verdict = seen.unwrap_or_else(|| {
            let verdict = (self.examine)(image);
            self.seen.lock().unwrap().insert(hash, verdict.clone());
            let is_new = self.distinct.lock().unwrap().insert(hash);
            self.tally.distinct += usize::from(is_new);
            verdict
        });
        let (count, why) = match (self.judge)(&verdict, done) {
            Finding::Fine => return,
            Finding::Lost(why) => (&mut self.tally.lost, why),
            Finding::Corrupt(why) => (&mut self.tally.corrupt, why),
        };
        *count += 1;
        if self.tally.examples.len() < EXAMPLES {
            let example = format!("{}: {}; {done} done: {why}", self.log.name, what());
            self.tally.examples.push(example);
        }
    }
}

/// A call without its bytes.
fn short(op: &Op) -> String {
    match op {
        Op::Write { ino, at, data } => format!("write of {} at {at} of file {ino}", data.len()),
        other => format!("{other:?}"),
    }
}
