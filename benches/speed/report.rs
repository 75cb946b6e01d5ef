//! The report: one line for each figure, with its target beside it.

use crate::run::{Pairs, median, millis};

/// What was measured so far.
#[derive(Debug)]
pub struct Report {
    /// Sizes are small: targets are left out.
    quick: bool,
    missed: Vec<String>,
}

impl Report {
    /// Begins the report with what the machine looks like.
    pub fn new(quick: bool) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        println!(
            "{cores} cores, load {load} at the start; a load near {cores} or above makes times doubtful."
        );
        if quick {
            println!("Small sizes: this shows that everything runs, and no figure means anything.");
        }
        Self { quick, missed: Vec::new() }
    }

    /// Begins a group.
    pub fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// A pair of medians and what they are to each other. `most` is the target, `None` where the
    /// figure is for information.
    pub fn pairs(&mut self, what: &str, pairs: &Pairs, most: Option<f64>) {
        let (left, right) = (millis(median(&pairs.left)), millis(median(&pairs.right)));
        let figures = format!(
            "{left:8.2} ms against {right:7.2} ms   {:5.2}   in pairs {:5.2}",
            pairs.ratio(),
            pairs.paired_ratio()
        );
        self.line(what, &figures, most.map(|most| (pairs.paired_ratio() <= most, format!("at most {most}"))));
    }

    /// A figure in words, with its target and whether it was met.
    pub fn figure(&mut self, what: &str, figures: &str, target: Option<(bool, String)>) {
        self.line(what, figures, target);
    }

    /// Says that something was left out, and why.
    pub fn skipped(&mut self, what: &str, why: &str) {
        println!("  {what:34} SKIPPED: {why}");
    }

    /// Says that a part ended before its time.
    pub fn failed(&mut self, part: &str, why: &str) {
        println!("  {part:34} FAILED: {}", why.trim_end());
        self.missed.push(part.to_owned());
    }

    fn line(&mut self, what: &str, figures: &str, target: Option<(bool, String)>) {
        let target = target.filter(|_| !self.quick);
        let verdict = match &target {
            Some((true, target)) => format!("target {target}: met"),
            Some((false, target)) => format!("target {target}: MISSED"),
            None => String::new(),
        };
        println!("  {what:34} {figures:62} {verdict}");
        if target.is_some_and(|(met, _)| !met) {
            self.missed.push(what.to_owned());
        }
    }

    /// Ends the report; true if every target was met.
    pub fn end(self) -> bool {
        match self.missed.as_slice() {
            [] => println!("\nEvery target was met."),
            missed => println!("\nMissed: {}", missed.join(", ")),
        }
        self.missed.is_empty()
    }
}
