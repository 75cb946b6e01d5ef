//! Recordings explored: every state that a cut may leave is met by Lattice's own code, and judged.

use crate::cuts::{self, Tally};
use crate::disk::Image;
use crate::examine::{Examiner, judge};
use crate::tracker::{Known, Verdict};
use crate::workloads::Recorded;

/// Explores recordings, and remembers over all of them what it has met.
#[derive(Default)]
pub struct Explorer {
    known: Known,
    cuts: cuts::Explorer,
}

impl Explorer {
    /// Meets about `wanted` states of a recording. `keep` hears of every new one.
    pub fn explore(
        &self,
        recorded: &Recorded,
        wanted: usize,
        keep: &(dyn Fn(&Image, &Verdict) + Sync),
    ) -> Tally {
        let examiner = || {
            let mut examiner = Examiner::new(&self.known);
            move |image: &Image| {
                let verdict = examiner.examine(image);
                keep(image, &verdict);
                verdict
            }
        };
        let judge = |verdict: &Verdict, done| judge(verdict, done, &recorded.expected);
        self.cuts.explore(recorded.log(), wanted, examiner, judge)
    }
}
