//! The `lattice` program.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    // Without a handler, writing beyond the limit on the length of files (`ulimit -f`) kills the
    // process in the middle of its work. With one the write fails, and is told as a full disk.
    // Where no handler can be set it stays as it was, which is no reason to do nothing at all.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    lattice::cli::main(std::env::args_os())
}
