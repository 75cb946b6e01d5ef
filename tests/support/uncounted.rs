//! SQLite without its count of the memory that it takes: the count stands behind one lock of the whole
//! process, and tests that open trackers on every processor spend a third of their time waiting there.
//! <https://sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus>
#![allow(unsafe_code, reason = "SQLite is only set up by its C function")]

use std::sync::Once;

use rusqlite::ffi::{SQLITE_CONFIG_MEMSTATUS, SQLITE_MISUSE, SQLITE_OK, sqlite3_config};

/// Comes before whatever else a process does with SQLite; later it changes nothing, and the tests take
/// longer. Limits on memory need the count: where one is tested in the same process, this has no place.
pub fn memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the arguments are those of this option. Once SQLite runs it refuses them; where another thread
        // is just starting it, all that changes is one number that says whether to count.
        let answer = unsafe { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) };
        assert!([SQLITE_OK, SQLITE_MISUSE].contains(&answer), "SQLite was not set up: {answer}");
    });
}
