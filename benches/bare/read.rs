//! The least that a read can do: open the tracker file, ask for one row by its key, print it.
//!
//! Usage: `bare_read FILE TASK_ID`
#![expect(clippy::print_stdout, reason = "a read answers")]

use std::error::Error;

use rusqlite::{Connection, OpenFlags};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, key] = args.as_slice() else { return Err("usage: bare_read FILE TASK_ID".into()) };
    let conn = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let state: String =
        conn.prepare("SELECT state FROM tasks WHERE id = ?1")?.query_row([key], |row| row.get(0))?;
    println!("{state}");
    Ok(())
}
