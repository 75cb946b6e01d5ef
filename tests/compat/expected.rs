//! Which differences are expected, and whether they show.

use super::answer::Difference;

/// A line of `differences.txt`: call, place, their value, our value, and why. `*` fits anything.
pub struct Line {
    pub number: usize,
    pub text: String,
    pub shown: usize,
    call: String,
    place: String,
    theirs: String,
    ours: String,
}

/// What a call showed.
pub struct Seen {
    /// Where the call stands.
    pub source: String,
    pub call: String,
    pub differences: Vec<Difference>,
}

/// All lines, and what no line explains.
pub struct Expected {
    pub lines: Vec<Line>,
    pub surprises: Vec<String>,
}

impl Expected {
    pub fn read(text: &str) -> Self {
        let row = |(n, text): (usize, &str)| {
            let cells: Vec<&str> = text.split(" | ").map(str::trim).collect();
            let [call, place, theirs, ours, _why] = cells[..] else {
                panic!("differences.txt, line {}: five columns, please", n + 1);
            };
            let [call, place, theirs, ours] = [call, place, theirs, ours].map(str::to_owned);
            Line { number: n + 1, text: text.to_owned(), shown: 0, call, place, theirs, ours }
        };
        let rows = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Self { lines: rows.map(row).collect(), surprises: Vec::new() }
    }

    /// Looks up every difference of a call.
    pub fn judge(&mut self, seen: &Seen) {
        let Seen { source, call, differences } = seen;
        for found in differences {
            let mut known = false;
            for line in &mut self.lines {
                let fits = fits(&line.call, call)
                    && fits(&line.place, &found.place)
                    && fits(&line.theirs, &found.theirs)
                    && fits(&line.ours, &found.ours);
                line.shown += usize::from(fits);
                known |= fits;
            }
            if !known {
                let Difference { place, theirs, ours } = found;
                self.surprises.push(format!("{source}\n{call} | {place} | {theirs} | {ours} | "));
            }
        }
    }

    /// How many differences were seen that are expected.
    pub fn seen(&self) -> usize {
        self.lines.iter().map(|line| line.shown).sum()
    }
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            after.is_empty()
                || (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| fits(after, rest)))
        }),
    }
}
