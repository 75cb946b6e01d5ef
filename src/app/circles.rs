//! Relations that lead back to where they began, found in one pass over all of them.

use std::collections::HashMap;

/// Arrows between tasks, in order of entry.
#[derive(Debug, Default)]
pub(super) struct Arrows {
    places: HashMap<String, usize>,
    arrows: Vec<(usize, usize)>,
}

impl Arrows {
    /// Adds an arrow.
    pub(super) fn add(&mut self, from: &str, to: &str) {
        let arrow = (self.place(from), self.place(to));
        self.arrows.push(arrow);
    }

    fn place(&mut self, task: &str) -> usize {
        let next = self.places.len();
        *self.places.entry(task.to_owned()).or_insert(next)
    }

    /// For each arrow: how many tasks can be reached from both of its ends and back, if there is
    /// a way back at all.
    pub(super) fn circles(&self) -> Vec<Option<usize>> {
        let (ahead, back) = (self.beside(|(from, to)| (from, to)), self.beside(|(from, to)| (to, from)));
        let mut order = Vec::with_capacity(ahead.len());
        let mut seen = vec![false; ahead.len()];
        for start in 0..ahead.len() {
            walk(start, &ahead, &mut seen, |task| order.push(task));
        }
        // Walked backwards from whatever was left last, only what is in a circle with it is met.
        let mut circle = vec![0; back.len()];
        let mut sizes = Vec::new();
        let mut seen = vec![false; back.len()];
        for start in order.into_iter().rev() {
            let mut size = 0;
            walk(start, &back, &mut seen, |task| {
                circle[task] = sizes.len();
                size += 1;
            });
            sizes.push(size);
        }
        let size = |(from, to): &(usize, usize)| (circle[*from] == circle[*to]).then(|| sizes[circle[*from]]);
        self.arrows.iter().map(size).collect()
    }

    fn beside(&self, turned: impl Fn((usize, usize)) -> (usize, usize)) -> Vec<Vec<usize>> {
        let mut beside = vec![Vec::new(); self.places.len()];
        for arrow in &self.arrows {
            let (from, to) = turned(*arrow);
            beside[from].push(to);
        }
        beside
    }
}

/// Visits everything that can be reached and was not seen, each after all behind it. Keeps its own
/// stack: chains can be longer than the program's would allow.
fn walk(start: usize, beside: &[Vec<usize>], seen: &mut [bool], mut leave: impl FnMut(usize)) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut way = vec![(start, 0)];
    while let Some((at, tried)) = way.last_mut() {
        match beside[*at].get(*tried) {
            Some(next) => {
                *tried += 1;
                if !std::mem::replace(&mut seen[*next], true) {
                    way.push((*next, 0));
                }
            }
            None => {
                leave(*at);
                way.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arrows_of_a_circle_are_in_one() {
        let mut arrows = Arrows::default();
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("f", "a"), ("e", "g")]
        {
            arrows.add(from, to);
        }
        assert_eq!(arrows.circles(), [Some(3), Some(3), Some(3), None, None, None, None]);
        assert_eq!(Arrows::default().circles(), []);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_walked_at_once() {
        let mut arrows = Arrows::default();
        for n in 0..100_000 {
            arrows.add(&n.to_string(), &(n + 1).to_string());
        }
        assert!(arrows.circles().iter().all(Option::is_none));
        arrows.add("100000", "0");
        assert!(arrows.circles().iter().all(|circle| *circle == Some(100_001)));
    }
}
