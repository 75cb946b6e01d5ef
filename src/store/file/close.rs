//! What happens to the write-ahead log when a writer closes the file. SQLite's
//! own way, a checkpoint by whoever is last out, costs three more flushes for
//! each command; never checkpointing lets the log grow until reads are slow. So
//! the log is emptied when it has become long, and not before.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::paths::{length, sidecar};

/// A log of more pages than this is emptied at close. From 64 to 256 a durable
/// write costs the same, and a reader notices no difference to an empty log.
pub(super) const CHECKPOINT_PAGES: u64 = 128;
/// A page in the log: SQLite's default page and the frame's header.
const FRAME: u64 = 4096 + 24;

/// Empties a log that has become long. Never waits and never fails: what is
/// committed is durable already, and the next close tries again.
pub(super) fn bound_the_log(conn: &Connection, path: &Path) {
    if length(&sidecar(path, "-wal")) > CHECKPOINT_PAGES * FRAME {
        let _ = checkpoint(conn);
    }
}

/// Copies the log into the database and empties it. False if a reader still
/// needs it: a reader must never make a writer wait.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<bool> {
    conn.busy_timeout(Duration::ZERO)?;
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_write;
    use crate::store::file::open::tests::{LONG, made};
    use crate::store::file::read::open_read;

    fn write(dir: &Path, key: u32) {
        let file = open_write(dir, LONG).unwrap();
        let sql = "INSERT INTO meta VALUES (?1, hex(randomblob(2000)))";
        file.conn().execute(sql, [key]).unwrap();
    }

    fn rows(dir: &Path) -> i64 {
        let file = open_read(dir).unwrap();
        file.conn().query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn one_writer_after_another_leaves_a_bounded_log() {
        let (dir, path) = made();
        let log = sidecar(&path, "-wal");
        let (mut longest, mut emptied) = (0, 0);
        for key in 0..120 {
            write(dir.path(), key);
            longest = longest.max(length(&log));
            emptied += u32::from(length(&log) == 0);
        }
        assert!(longest <= CHECKPOINT_PAGES * FRAME + 32, "{longest} bytes");
        assert!(longest > CHECKPOINT_PAGES * FRAME / 2, "emptied too early, at {longest} bytes");
        assert!(emptied > 1);
        assert_eq!(rows(dir.path()), 120);
    }

    #[test]
    fn a_reader_that_stays_holds_up_neither_the_writers_nor_the_bound_for_ever() {
        let (dir, path) = made();
        let reader = open_read(dir.path()).unwrap();
        reader.conn().execute_batch("BEGIN; SELECT count(*) FROM meta;").unwrap();
        for key in 0..80 {
            write(dir.path(), key);
        }
        assert!(length(&sidecar(&path, "-wal")) > CHECKPOINT_PAGES * FRAME);
        drop(reader);
        write(dir.path(), 80);
        assert_eq!(length(&sidecar(&path, "-wal")), 0);
        assert_eq!(rows(dir.path()), 81);
    }
}
