//! A database that is code: triggers, views, checks, generated columns, indexes of expressions, tables of
//! words, statistics, histories of migrations, rows and journals that somebody made to be run.

use rusqlite::Connection;

use crate::stranger::{COMMANDS, Stranger, say, soak, some_commands};
use crate::support::each;

/// What would be seen if it ran: every trigger and check wants to do this.
const EVIL: &str =
    "DELETE FROM events; UPDATE tasks SET title = 'EVIL RAN'; INSERT INTO meta VALUES ('evil', 'ran')";

/// Changes of the schema. All of them are known for what they are.
fn schemas() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for table in ["events", "tasks", "comments", "meta", "plans", "search_data", "relationships", "artifacts"]
    {
        for when in ["AFTER INSERT", "BEFORE INSERT", "BEFORE DELETE", "AFTER UPDATE"] {
            all.push(("a trigger", format!("CREATE TRIGGER evil {when} ON {table} BEGIN {EVIL}; END")));
        }
    }
    let code = "instr(hex(zeroblob(2000)), hex(zeroblob(1000)) || '1')";
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    for (what, sql) in [
        ("a view", format!("CREATE VIEW evil AS {endless}")),
        ("a table that is a view", format!("ALTER TABLE plans RENAME TO was; CREATE VIEW plans AS SELECT * FROM was, ({endless})")),
        ("tasks that are a view", format!("ALTER TABLE tasks RENAME TO was; CREATE VIEW tasks AS SELECT * FROM was, ({endless})")),
        ("meta that is a view", format!("DROP TABLE meta; CREATE VIEW meta AS SELECT 'a' AS key, ({endless}) AS value")),
        ("a trigger on a view", format!("CREATE VIEW evil AS SELECT 1 AS x; CREATE TRIGGER t INSTEAD OF INSERT ON evil BEGIN {EVIL}; END")),
        ("a check", format!("DROP TABLE meta; CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT, CHECK ({code} = 0))")),
        ("a default", format!("DROP TABLE meta; CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT, x DEFAULT ({code}))")),
        ("a generated column", format!("ALTER TABLE tasks ADD COLUMN evil INTEGER AS ({code})")),
        ("a table of words elsewhere", "CREATE VIRTUAL TABLE evil USING fts5(a, content='events')".to_owned()),
        ("another table of words", "DROP TABLE search; CREATE VIRTUAL TABLE search USING fts5(title, body, content='events', tokenize='trigram')".to_owned()),
        ("a table of the wrong module", "CREATE VIRTUAL TABLE evil USING rtree(id, a, b)".to_owned()),
        ("an index of an expression", "CREATE INDEX evil ON events (length(raw))".to_owned()),
        ("an index of some rows", "CREATE INDEX evil ON tasks (title) WHERE length(title) > 3".to_owned()),
        ("an index with another order", "CREATE INDEX evil ON tasks (title COLLATE RTRIM)".to_owned()),
        ("a unique index", "CREATE UNIQUE INDEX evil ON events (ts, id)".to_owned()),
        ("no guard", "DROP TRIGGER events_are_never_deleted".to_owned()),
        ("a trigger that calls itself an index", format!("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('index', 'mine', 'events', 0, 'CREATE TRIGGER evil AFTER INSERT ON events BEGIN {}; END')", EVIL.replace('\'', "''"))),
        ("a name with an escape", "CREATE TABLE \"\u{1b}[2Jevil\u{202e}\n\" (x)".to_owned()),
    ] {
        all.push((what, sql));
    }
    all
}

/// Rows that say something else than our own programs would write. Reading them is no crime; no command
/// may run, loop or lie about them.
const ROWS: [(&str, &str); 14] = [
    (
        "texts that are escapes",
        "UPDATE tasks SET title = char(27) || '[2J' || char(155, 8238, 10, 7) || 'evil'",
    ),
    ("events of other text", "DROP TRIGGER events_are_never_changed; UPDATE events SET raw = '{}'"),
    (
        "statistics",
        "CREATE TABLE IF NOT EXISTS x (a); DROP TABLE x; ANALYZE; DELETE FROM sqlite_stat1; INSERT INTO sqlite_stat1 VALUES ('tasks', 'tasks_in_order', '99999999999999999999 -1 x'), ('evil', char(27), 'unordered')",
    ),
    (
        "a history of migrations",
        "PRAGMA user_version = 1; UPDATE refinery_schema_history SET name = '../../evil' || char(27) WHERE version = 1",
    ),
    ("no version", "PRAGMA user_version = 0"),
    ("a negative version", "PRAGMA user_version = -1"),
    ("words that are garbage", "UPDATE search_data SET block = zeroblob(100)"),
    ("long words", "UPDATE search_data SET block = randomblob(100000)"),
    ("no words", "DELETE FROM search_data"),
    ("no facts about the tracker", "DELETE FROM meta"),
    (
        "facts that are garbage",
        "UPDATE meta SET value = char(27) || '[31m' || char(10) || 'Error: all is well'",
    ),
    ("a configuration that is none", "UPDATE meta SET value = '[[[[[' "),
    ("no tasks", "DELETE FROM tasks"),
    ("payloads that are other bytes", "UPDATE payloads SET content = zeroblob(3)"),
];

/// Changes the file as any program can.
fn craft(stranger: &Stranger, sql: &str) -> Result<(), rusqlite::Error> {
    Connection::open(stranger.project.database())?.execute_batch(sql)
}

/// The events in it; `None` where SQLite itself does not take the schema.
fn count(stranger: &Stranger) -> Option<i64> {
    let conn = Connection::open(stranger.project.database()).unwrap();
    conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).ok()
}

#[test]
fn nothing_in_the_schema_of_a_database_runs() {
    let writes = [&["create", "x"][..], &["sql", "SELECT * FROM ready"]];
    let crafts = schemas();
    let runs = each::done(&crafts, |(what, sql)| {
        let what = format!("{what}: {sql}");
        let stranger = Stranger::new();
        craft(&stranger, sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        let events = count(&stranger);
        for args in writes {
            let run = stranger.run(&what, args);
            // SQLite itself does not take triggers on the tables behind an index of words.
            let code = if events.is_none() || sql.contains("ON search_data") {
                "STORE_"
            } else {
                "[STORE_TAMPERED]"
            };
            assert!(run.status == 4 && run.stderr.contains(code), "{what}, {args:?}: {run:?}");
        }
        let others = some_commands(2);
        for args in &others {
            let run = stranger.run(&what, args);
            assert!(!(run.stdout + &run.stderr).contains("EVIL RAN"), "{what}, {args:?}");
        }
        assert_eq!(count(&stranger), events, "{what}: a command wrote");
        others.len()
    });
    say(&format!(
        "database: {} crafted schemas, {} writes and questions refused, {} other runs",
        crafts.len(),
        crafts.len() * writes.len(),
        runs.into_iter().sum::<usize>()
    ));
}

#[test]
fn nothing_in_the_rows_of_a_database_runs_or_stops_a_command() {
    let mut runs = 0;
    for (what, sql) in ROWS {
        let stranger = Stranger::new();
        craft(&stranger, sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        for args in some_commands(if soak() { COMMANDS.len() } else { 5 }) {
            stranger.run(what, args);
            runs += 1;
        }
    }
    say(&format!("database: {} crafted sets of rows, {runs} runs", ROWS.len()));
}

/// A rollback journal may name a journal above it, which SQLite takes away once it has played back the
/// last of its parts.
#[test]
fn a_journal_that_names_a_file_elsewhere_takes_nothing_away() {
    let mut runs = 0;
    for name in ["file", "file-mj00000009ab"] {
        for args in COMMANDS {
            let stranger = Stranger::new();
            let target = stranger.precious(name);
            if !target.exists() {
                std::fs::write(&target, "precious as well\n").unwrap();
            }
            let pages = std::fs::metadata(stranger.project.database()).unwrap().len() / 4096;
            let name = target.to_str().unwrap().as_bytes();
            let magic = 0xd9d5_05f9_20a1_63d7_u64.to_be_bytes();
            // Header, no pages; then the name with its length and sum (the file format, section 3).
            let words = [0, 0, u32::try_from(pages).unwrap(), 512, 4096].map(u32::to_be_bytes);
            let mut journal = [&magic[..], words.as_flattened()].concat();
            journal.resize(512, 0);
            journal.extend((0x4000_0000_u32 / 4096 + 1).to_be_bytes());
            journal.extend(name);
            journal.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
            journal.extend(name.iter().map(|byte| u32::from(*byte)).sum::<u32>().to_be_bytes());
            journal.extend(magic);
            std::fs::write(stranger.project.lattice().join("lattice.db-journal"), journal).unwrap();
            stranger.run("a journal of a journal", args);
            runs += 1;
        }
    }
    say(&format!("database: {runs} runs beside a journal that names a file elsewhere"));
}
