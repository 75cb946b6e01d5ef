//! Flushing a long file while it is being written: at its end there is little left to wait for.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::fs::fsync;
use rustix::io::retry_on_intr;

/// How often it is looked whether there is something to flush.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes by which the file has to have grown. Shorter files are flushed once, at their end.
const STEP: u64 = 8 << 20;

/// Does `work`, which writes the file `path`, and flushes beside it what is written already. Whoever
/// counts on the file flushes it once more, behind this: an error that was told here the system need not
/// tell again, so it must not be passed over. Nobody else may use the file: opening and closing it ends
/// the locks that this process has on it.
pub(super) fn flushed_ahead<R>(path: &Path, work: impl FnOnce() -> R) -> (R, io::Result<()>) {
    thread::scope(|scope| {
        let (done, working) = channel::<()>();
        let flush = move || {
            // What is not flushed here is flushed at the end.
            let Ok(file) = File::open(path) else { return Ok(()) };
            let mut flushed = 0;
            while working.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let length = file.metadata().map_or(0, |meta| meta.len());
                if length >= flushed + STEP {
                    // Not std's: on Apple's systems that empties the drive's cache, too, each time.
                    retry_on_intr(|| fsync(&file))?;
                    flushed = length;
                }
            }
            Ok(())
        };
        // Where the system has no thread to give, all of it is flushed at the end.
        let flushing = thread::Builder::new().name("flush".into()).spawn_scoped(scope, flush).ok();
        let result = work();
        drop(done);
        let flushed = flushing
            .map_or(Ok(()), |thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        (result, flushed)
    })
}
