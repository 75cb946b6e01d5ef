//! One command against the bare program that does the least for the same.

use rusqlite::Connection;

use crate::report::Report;
use crate::run::{Call, Pairs};
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// The length of the log beyond which `lattice` empties it at close (`src/store/file/close.rs`).
const CHECKPOINT_PAGES: &str = "128";

/// `show`, `next` and a page of `list`.
pub fn reads(bench: &Bench, report: &mut Report) -> Result<()> {
    let tracker = Tracker::make(&bench.folder("reads"), bench.size(10_000, 300), 5)?;
    let count = bench.size(200, 5);
    report.heading(&format!("Reads, {} tasks, against a bare read of one row by its key", tracker.tasks));
    let keys = keys(&tracker)?;
    let bare = |turn: usize| {
        let key = &keys[turn * 37 % keys.len()];
        Call::new(&bench.bare_read, &tracker.dir, [tracker.file().into_os_string(), key.into()])
    };
    let lattice = |args: &[&str]| tracker.call(&bench.lattice, args);
    let git =
        |asked: &str| lattice(&["config", "set", "git.detect", asked, "--actor", "agent:bench"]).output();
    let hello = |_: usize| Call::new(&bench.bare_hello, &tracker.dir, [""; 0]);
    let pairs = Pairs::measure(count, |_| lattice(&["--version"]), hello)?;
    report.pairs("--version against a bare hello", &pairs, None);
    let pairs = Pairs::measure(count, bare, hello)?;
    report.pairs("bare read against a bare hello", &pairs, None);
    let show = |turn: usize| lattice(&["show", &tracker.name(turn * 37)]);
    report.pairs("show", &Pairs::measure(count, show, bare)?, Some(1.4));
    let show = |turn: usize| lattice(&["show", &tracker.name(turn * 37), "--json"]);
    report.pairs("show --json", &Pairs::measure(count, show, bare)?, Some(1.4));
    git("true")?;
    let show = |turn: usize| lattice(&["show", &tracker.name(turn * 37)]);
    report.pairs("show, asking git", &Pairs::measure(count, show, bare)?, None);
    git("false")?;
    let pairs = Pairs::measure(count, |_| lattice(&["next"]), bare)?;
    report.pairs("next", &pairs, Some(1.4));
    let pairs = Pairs::measure(count, |_| lattice(&["list", "--limit", "20"]), bare)?;
    report.pairs("list --limit 20", &pairs, Some(1.4));
    Ok(())
}

pub fn keys(tracker: &Tracker) -> Result<Vec<String>> {
    let conn = Connection::open(tracker.file())?;
    let mut statement = conn.prepare("SELECT id FROM tasks ORDER BY id LIMIT 500")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<std::result::Result<_, _>>()?)
}

/// `create`, `status` and `comment`.
pub fn writes(bench: &Bench, report: &mut Report) -> Result<()> {
    let tracker = Tracker::make(&bench.folder("writes"), bench.size(10_000, 300), 5)?;
    let twin = tracker.copy(&bench.folder("writes-twin"))?;
    let plain = plain_database(bench, tracker.tasks)?;
    let count = bench.size(200, 5);
    report.heading(&format!(
        "Durable writes, {} tasks, against a bare insert of an event and a task into a copy",
        tracker.tasks
    ));
    let turns = std::cell::Cell::new(0);
    let key = || {
        turns.set(turns.get() + 1);
        format!("01{:024}", turns.get())
    };
    let bare = |file: std::path::PathBuf, tables: &str| {
        let args = [file.into_os_string(), key().into(), tables.into(), CHECKPOINT_PAGES.into()];
        Call::new(&bench.bare_write, &tracker.dir, args)
    };
    let lattice = |args: &[&str]| {
        let args = [args, &["--actor", "agent:bench"]].concat();
        tracker.call(&bench.lattice, &args)
    };
    let create = |turn: usize| lattice(&["create", &format!("Measured task {turn}")]);
    let status = |turn: usize| lattice(&["status", &tracker.backlog(turn), "in_planning"]);
    let comment = |turn: usize| lattice(&["comment", &tracker.backlog(turn * 37), "Seen in the logs again"]);
    let against = |_: usize| bare(plain.clone(), "plain");
    let same_tables = |_: usize| bare(twin.file(), "tracker");
    report.pairs("create", &Pairs::measure(count, create, same_tables)?, Some(1.5));
    report.pairs("status", &Pairs::measure(count, status, same_tables)?, Some(1.5));
    report.pairs("comment", &Pairs::measure(count, comment, same_tables)?, Some(1.5));
    let on = |turn: usize| turn + count;
    let pairs = Pairs::measure(count, |turn| create(on(turn)), against)?;
    report.pairs("create, against plain tables", &pairs, None);
    let pairs = Pairs::measure(count, |turn| status(on(turn)), against)?;
    report.pairs("status, against plain tables", &pairs, None);
    let pairs = Pairs::measure(count, |turn| comment(on(turn)), against)?;
    report.pairs("comment, against plain tables", &pairs, None);
    let pairs = Pairs::measure(count, same_tables, against)?;
    report.pairs("bare: same tables against plain", &pairs, None);
    Ok(())
}

/// A database with as many rows as the tracker has tasks, in two tables with one index each.
fn plain_database(bench: &Bench, rows: usize) -> Result<std::path::PathBuf> {
    let path = bench.folder("plain.db");
    let conn = Connection::open(&path)?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.execute_batch(
        "CREATE TABLE facts (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
         CREATE TABLE things (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;",
    )?;
    for (table, column) in [("facts", "body"), ("things", "state")] {
        conn.execute(
            &format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                 INSERT INTO {table} (id, {column}) SELECT printf('00%024d', i), printf('%.700c', 'x') FROM n"
            ),
            [rows as i64],
        )?;
    }
    Ok(path)
}
