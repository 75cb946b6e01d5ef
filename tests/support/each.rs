//! Doing many things on every processor at once: a test that is one long loop would leave the others idle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` with all items, in the order of their numbers; what was said in panics, in their place.
pub fn tried<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<Result<O, String>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return };
            let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|cause| {
                let text = cause.downcast_ref::<String>().cloned();
                text.or_else(|| cause.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
            });
            results.lock().unwrap().push((number, result));
        }
    };
    let hands = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| (0..hands).for_each(|_| drop(scope.spawn(worker))));
    let mut results = results.into_inner().unwrap();
    assert_eq!(results.len(), items.len(), "some were left out");
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The same where none may panic: the first that did is told when all are done.
pub fn done<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let results = tried(items, work).into_iter();
    results.map(|result| result.unwrap_or_else(|text| panic!("{text}"))).collect()
}
