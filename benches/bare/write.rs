//! The least that a durable write can do: open, BEGIN IMMEDIATE, two inserts, COMMIT, close, with
//! the durability and the closing that Lattice promises.
//!
//! Usage: `bare_write FILE KEY plain|tracker PAGES`. `plain` inserts into the two tables of a
//! database made for this, `tracker` one event and one task into a copy of a tracker: the same
//! schema to parse and the same indexes to keep. `PAGES` is the length of the log beyond which
//! closing empties it.

use std::error::Error;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// A page in the log: SQLite's default page and the frame's header.
const FRAME: u64 = 4096 + 24;

/// The inserts into the two tables `facts` and `things`.
const PLAIN: [&str; 2] = [
    "INSERT INTO facts (id, body) VALUES (?1, printf('%.400c', 'x'))",
    "INSERT INTO things (id, state) VALUES (?1, printf('%.700c', 'x'))",
];
/// The inserts of an event and a task like the last event.
const TRACKER: [&str; 2] = [
    "INSERT INTO events (seq, id, sort_key, ts, type, task_id, actor, raw, hash, chain)
     SELECT seq + 1, 'ev_' || ?1, ?1, ts, type, 'task_' || ?1, actor, raw, hash, chain
       FROM events ORDER BY seq DESC LIMIT 1",
    "INSERT INTO tasks (id, title, status, created_by, created_at, updated_at, comment_count, reopened_count,
       archived, needs_human, open, priority_rank, urgency_rank, last_event_id, state)
     VALUES ('task_' || ?1, 'A task', 'backlog', 'agent:bare', '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z',
       0, 0, 0, 0, 1, 2, 2, 'ev_' || ?1, printf('%.700c', 'x'))",
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, key, tables, pages] = args.as_slice() else {
        return Err("usage: bare_write FILE KEY plain|tracker PAGES".into());
    };
    let bound: u64 = pages.parse()?;
    let mut conn = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(Duration::from_secs(30))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA synchronous = EXTRA; PRAGMA wal_autocheckpoint = 0")?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for insert in if tables == "tracker" { TRACKER } else { PLAIN } {
        tx.execute(insert, [key])?;
    }
    tx.commit()?;
    if std::fs::metadata(format!("{file}-wal")).is_ok_and(|log| log.len() > bound * FRAME) {
        conn.busy_timeout(Duration::ZERO)?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}
