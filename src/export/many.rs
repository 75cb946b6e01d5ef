//! The same work on many files: what is read of one does not depend on the others, so the processors
//! share them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many items are taken at a time. What is no more than one such part is not worth a second thread.
const PART: usize = 64;
/// More threads than this wait for the disk, or for each other.
const THREADS: usize = 8;

/// What `work` gives for each item, in the order of the items.
pub(super) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let parts = || {
        let mut done = Vec::new();
        loop {
            let begin = next.fetch_add(PART, Ordering::Relaxed);
            let Some(rest) = items.get(begin..).filter(|rest| !rest.is_empty()) else { return done };
            done.push((begin, rest.iter().take(PART).map(&work).collect::<Vec<R>>()));
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let helpers = (processors.min(THREADS) - 1).min(items.len().div_ceil(PART).saturating_sub(1));
    let mut done = thread::scope(|scope| {
        // Where the system has no thread to give, the others do its part.
        let start = |_| thread::Builder::new().name("read".into()).spawn_scoped(scope, parts).ok();
        let started: Vec<_> = (0..helpers).filter_map(start).collect();
        let mut done = parts();
        for helper in started {
            match helper.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(begin, _)| *begin);
    done.into_iter().flat_map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_worked_on_once_and_the_order_is_kept() {
        for count in [0, 1, PART - 1, PART, PART + 1, 10 * PART + 7] {
            let items: Vec<usize> = (0..count).collect();
            let calls = AtomicUsize::new(0);
            let doubled = each(&items, |item| {
                calls.fetch_add(1, Ordering::Relaxed);
                item * 2
            });
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
            assert_eq!(calls.into_inner(), count);
        }
    }
}
