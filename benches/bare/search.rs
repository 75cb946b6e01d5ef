//! The least that a search can do: open the tracker file, ask the index of words for the best
//! twenty rows, print their numbers.
//!
//! Usage: `bare_search FILE QUERY`, the query in the language of FTS5.
#![expect(clippy::print_stdout, reason = "a search answers")]

use std::error::Error;

use rusqlite::{Connection, OpenFlags};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, query] = args.as_slice() else { return Err("usage: bare_search FILE QUERY".into()) };
    let conn = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let mut statement =
        conn.prepare("SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rank LIMIT 20")?;
    let mut rows = statement.query([query])?;
    while let Some(row) = rows.next()? {
        println!("{}", row.get::<_, i64>(0)?);
    }
    Ok(())
}
