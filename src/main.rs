//! The `lattice` program.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    // Without a handler, writing beyond the limit on the length of files (`ulimit -f`) kills the
    // process in the middle of its work. With one the write fails, and is told as a full disk.
    // Where no handler can be set it stays as it was, which is no reason to do nothing at all.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    end_with_a_sentence_when_mapped_memory_gives_way();
    lattice::cli::main(std::env::args_os())
}

/// SQLite maps the index of the log into memory. Where the disk has no room behind the mapping, as on
/// file systems with small blocks or quotas, touching it raises SIGBUS; nothing can be returned from
/// there, so the process ends as other failures of the disk do. The log itself is flushed before its
/// index is touched: a change may be saved. See `docs/decisions/0028-mapped-memory-that-gives-way.md`.
fn end_with_a_sentence_when_mapped_memory_gives_way() {
    const TEXT: &str = "Error: no room is left on the disk for the index of the log; a change that was being made may or may not be there [COMMIT_UNKNOWN]\nHint: make room on the disk; then look before you try again, with `lattice show TASK` or `lattice list`\n";
    const JSON: &str = "{\"ok\":false,\"error\":{\"code\":\"COMMIT_UNKNOWN\",\"message\":\"no room is left on the disk for the index of the log; a change that was being made may or may not be there\",\"hint\":\"make room on the disk; then look before you try again, with `lattice show TASK` or `lattice list`\"}}\n";
    let json = std::env::args_os().any(|word| word == "--json");
    let action = move || {
        // One call each, without memory or locks: no more is allowed in the handler of a signal.
        let _ = if json {
            rustix::io::write(rustix::stdio::stdout(), JSON.as_bytes())
        } else {
            rustix::io::write(rustix::stdio::stderr(), TEXT.as_bytes())
        };
        signal_hook::low_level::exit(4);
    };
    #[expect(unsafe_code, reason = "what runs in a handler must be safe there: it is two system calls")]
    // SAFETY: the action allocates nothing, takes no lock and does not return.
    let _ = unsafe { signal_hook::low_level::register(signal_hook::consts::SIGBUS, action) };
}
