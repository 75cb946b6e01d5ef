//! The gate: what may pass, and a list of things that must not.

use std::path::Path;

use super::*;
use crate::store::file::open_write;
use crate::store::file::tests::{LONG, made};

const LIMITS: Limits = Limits { timeout: Duration::from_secs(20), rows: 1000 };

fn ask_within(
    dir: &Path,
    sql: &str,
    params: &[SqlValue],
    limits: Limits,
) -> Result<(Answer, Vec<Vec<SqlValue>>), StoreError> {
    let mut rows = Vec::new();
    let query = Query { sql, params, limits };
    let answer = run_sql(dir, &query, |_, row| {
        rows.push(row.to_vec());
        Ok::<_, StoreError>(())
    })?;
    Ok((answer, rows))
}

fn ask(dir: &Path, sql: &str) -> Result<Vec<Vec<SqlValue>>, StoreError> {
    ask_within(dir, sql, &[], LIMITS).map(|(_, rows)| rows)
}

/// A tracker with three rows to steal or to spoil.
fn filled() -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, path) = made();
    let file = open_write(dir.path(), LONG).unwrap();
    let sql = "INSERT INTO meta VALUES ('a', '1'), ('b', '2'), ('c', '3')";
    file.conn().execute(sql, []).unwrap();
    file.close();
    (dir, path)
}

#[test]
fn values_of_every_kind_come_out_and_go_in() {
    let (dir, _path) = filled();
    let params = [
        SqlValue::Null,
        SqlValue::Integer(-7),
        SqlValue::Real(1.5),
        SqlValue::Text("t".into()),
        SqlValue::Blob(vec![0, 255]),
    ];
    let sql = "SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, ?5 AS e -- and a comment";
    let (answer, rows) = ask_within(dir.path(), sql, &params, LIMITS).unwrap();
    assert_eq!(answer.columns, ["a", "b", "c", "d", "e"]);
    assert_eq!(rows, [params.to_vec()]);
}

#[test]
fn questions_that_people_ask_are_answered() {
    let (dir, _path) = filled();
    for sql in [
        "SELECT * FROM meta ORDER BY key",
        "SELECT * FROM ready; -- a view of ours",
        "SELECT * FROM stale",
        "SELECT * FROM wip",
        "SELECT * FROM cycle_times; ",
        "SELECT * FROM activity /* that is all */ ;;",
        "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 9) SELECT x FROM c",
        "SELECT j.value FROM json_each('[1, 2]') AS j",
        "SELECT group_concat(key, ', ' ORDER BY key DESC) FROM meta",
        "SELECT row_number() OVER (ORDER BY key) FROM meta",
        "SELECT name, sql FROM sqlite_schema",
        "SELECT name FROM pragma_table_info('tasks')",
        "PRAGMA table_info(tasks)",
        "PRAGMA table_list",
        "PRAGMA data_version",
        "EXPLAIN QUERY PLAN SELECT * FROM tasks WHERE id = 'x'",
        "VALUES (1), (2)",
    ] {
        ask(dir.path(), sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

#[test]
fn a_cut_answer_says_so_and_a_whole_one_does_not() {
    let (dir, _path) = filled();
    for (limit, rows, truncated) in [(2, 2, true), (3, 3, false), (0, 0, true)] {
        let limits = Limits { rows: limit, ..LIMITS };
        let (answer, _) = ask_within(dir.path(), "SELECT key FROM meta", &[], limits).unwrap();
        assert_eq!((answer.rows, answer.truncated), (rows, truncated), "limit {limit}");
    }
    let (answer, _) = ask_within(dir.path(), "SELECT key FROM meta WHERE 0", &[], LIMITS).unwrap();
    assert_eq!(answer, Answer { columns: vec!["key".into()], rows: 0, truncated: false });
}

#[test]
fn whatever_could_write_is_refused_and_leaves_no_trace() {
    let (dir, path) = filled();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim.db");
    let victim = victim.display();
    let statements = [
        "INSERT INTO meta VALUES ('x', 'y')".to_owned(),
        "REPLACE INTO meta VALUES ('a', 'y')".to_owned(),
        "UPDATE meta SET value = 'y'".to_owned(),
        "DELETE FROM meta RETURNING key".to_owned(),
        "WITH a AS (SELECT 1) INSERT INTO meta SELECT 'x', 'y' FROM a".to_owned(),
        "EXPLAIN DELETE FROM meta".to_owned(),
        "DROP TABLE meta".to_owned(),
        "ALTER TABLE meta RENAME TO mine".to_owned(),
        "CREATE TABLE t (x)".to_owned(),
        "CREATE INDEX t ON meta (value)".to_owned(),
        "CREATE VIEW t AS SELECT 1".to_owned(),
        "CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END".to_owned(),
        "CREATE TEMP TABLE t (x)".to_owned(),
        "CREATE TEMP VIEW t AS SELECT 1".to_owned(),
        "CREATE VIRTUAL TABLE t USING fts5(x)".to_owned(),
        format!("ATTACH '{victim}' AS v"),
        format!("ATTACH 'file:{victim}?mode=rwc' AS v"),
        "ATTACH ':memory:' AS v".to_owned(),
        "DETACH main".to_owned(),
        "VACUUM".to_owned(),
        format!("VACUUM INTO '{victim}'"),
        "ANALYZE".to_owned(),
        "REINDEX".to_owned(),
        "BEGIN IMMEDIATE".to_owned(),
        "COMMIT".to_owned(),
        "ROLLBACK".to_owned(),
        "SAVEPOINT s".to_owned(),
        "PRAGMA user_version = 99".to_owned(),
        "PRAGMA user_version".to_owned(),
        "PRAGMA data_version = 1".to_owned(),
        "PRAGMA journal_mode = DELETE".to_owned(),
        "PRAGMA query_only = OFF".to_owned(),
        "PRAGMA writable_schema = ON".to_owned(),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
        format!("PRAGMA temp_store_directory = '{}'", outside.path().display()),
        "PRAGMA hard_heap_limit = 0".to_owned(),
        "SELECT * FROM pragma_journal_mode".to_owned(),
        "SELECT load_extension('evil.so')".to_owned(),
        "SELECT LOAD_EXTENSION('evil.so')".to_owned(),
        "SELECT fts3_tokenizer('simple')".to_owned(),
        "SELECT 1; DELETE FROM meta".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1; nonsense".to_owned(),
        "; SELECT 1; VACUUM".to_owned(),
    ];
    let before = std::fs::read(&path).unwrap();
    for sql in statements {
        let result = ask(dir.path(), &sql);
        assert!(matches!(result, Err(StoreError::SqlRefused { .. })), "{sql}: {result:?}");
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let count = ask(dir.path(), "SELECT count(*), group_concat(value) FROM meta").unwrap();
    assert_eq!(count, [[SqlValue::Integer(3), SqlValue::Text("1,2,3".into())]]);
}

#[test]
fn a_wrong_statement_is_the_users_mistake() {
    let (dir, _path) = filled();
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    for sql in [
        "",
        " -- nothing",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT ?1",
        "SELECT abs('x', 1)",
        "SELECT json_extract('{', '$')",
        "SELECT abs(-9223372036854775808)",
        "SELECT 'no end",
        &deep,
    ] {
        let result = ask(dir.path(), sql);
        assert!(matches!(result, Err(StoreError::Sql { .. })), "{sql:.40}: {result:?}");
    }
}

#[test]
fn a_question_without_end_is_stopped() {
    let (dir, _path) = filled();
    let limits = Limits { timeout: Duration::from_millis(100), ..LIMITS };
    let endless = "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) \
                   SELECT count(*) FROM c";
    let started = Instant::now();
    let result = ask_within(dir.path(), endless, &[], limits);
    assert!(matches!(result, Err(StoreError::SqlTimeout { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_slow_reader_of_the_rows_does_not_use_up_the_time() {
    let clock = Clock::start(Duration::from_secs(1));
    clock.forgive(Duration::from_secs(5));
    assert_eq!(clock.forgiven.load(Ordering::Relaxed), 5_000_000_000);
}

#[test]
fn memory_is_bounded() {
    let (dir, _path) = filled();
    for sql in [
        "SELECT length(zeroblob(900000000) || 'x')",
        "SELECT length(printf('%.900000000c', 'x'))",
        "SELECT randomblob(100000000)",
        "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c LIMIT 2000) \
         SELECT x, randomblob(1000000) AS b FROM c ORDER BY b",
    ] {
        let result = ask(dir.path(), sql);
        assert!(matches!(result, Err(StoreError::SqlTooBig)), "{sql}: {result:?}");
    }
}

#[test]
fn a_foreign_view_is_never_run() {
    let (dir, path) = filled();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE VIEW ready AS SELECT 'lies' AS title").unwrap();
    let result = ask(dir.path(), "SELECT * FROM ready");
    assert!(matches!(result, Err(StoreError::SchemaTampered { .. })), "{result:?}");
}
