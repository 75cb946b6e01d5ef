//! Making the schema and bringing an older file up to date, with the embedded
//! migrations. The common open never comes here.

use std::path::Path;

use refinery::{Runner, Target};
use rusqlite::Connection;

use super::backup;
use super::schema::{self, APPLICATION_ID};
use crate::store::error::{StoreError, from_sqlite};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// All migrations, to be run in one transaction: otherwise a crash could part a
/// migration from its history row.
fn runner() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// The number of the newest embedded migration.
#[cfg(test)]
pub(super) fn newest() -> i64 {
    runner().get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

/// Makes the newest schema in the empty database behind `conn` and signs it.
///
/// # Errors
/// Those of writing.
pub(super) fn make(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    run(&runner(), conn, path)?;
    sign(conn, path, schema::SCHEMA_VERSION)
}

/// A database in memory with the schema of `version`, to compare with.
pub(super) fn in_memory(version: i64) -> Result<Connection, StoreError> {
    let path = Path::new(":memory:");
    let unknown = || StoreError::Unexpected { detail: format!("no migration {version}") };
    let target = i32::try_from(version).map_err(|_| unknown())?;
    let mut conn = Connection::open_in_memory().map_err(|e| from_sqlite(&e, path))?;
    run(&runner().set_target(Target::Version(target)), &mut conn, path)?;
    Ok(conn)
}

/// Brings a file of the older version `found` up to date, in one transaction: from V2 on every
/// migration sets the number of its version too. The caller holds the lock; `conn` is in no
/// transaction.
///
/// # Errors
/// `SchemaTampered` if the file is not what version `found` made, before anything is written; then
/// those of writing. After any failure the file is the old or the new one, and the next call goes
/// on from there.
pub(super) fn upgrade(conn: &mut Connection, path: &Path, found: i64) -> Result<(), StoreError> {
    upgrade_with(conn, path, found, &runner(), |_| Ok(()))
}

/// The same for a file that somebody works with: a copy of it as it was stays in the same
/// directory, as `lattice-v{found}.backup.db`.
///
/// # Errors
/// As [`upgrade`], and those of making the copy.
pub(super) fn upgrade_in_place(conn: &mut Connection, path: &Path, found: i64) -> Result<(), StoreError> {
    upgrade_with(conn, path, found, &runner(), |conn| backup::before_upgrade(conn, path, found))
}

fn upgrade_with(
    conn: &mut Connection,
    path: &Path,
    found: i64,
    runner: &Runner,
    before: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    schema::check(conn, path, found)?;
    check_history(conn, path, runner, found)?;
    before(conn)?;
    run(runner, conn, path)
}

fn run(runner: &Runner, conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: refinery::Error| {
        let refinery::error::Kind::Connection(_, source) = error.kind() else {
            return StoreError::SchemaTampered { object: format!("migration history: {error}") };
        };
        match source.downcast_ref::<rusqlite::Error>() {
            Some(error) => from_sqlite(error, path),
            None => StoreError::Unexpected { detail: error.to_string() },
        }
    };
    runner.run(conn).map(drop).map_err(failed)
}

fn sign(conn: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let sql = format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {version}; COMMIT;"
    );
    conn.execute_batch(&sql).map_err(|e| from_sqlite(&e, path))
}

/// Refinery takes its history rows for its own and panics where they are not.
/// So each must be one that it would have written, and there must be one for each version up to
/// `found`: what has no row it would run again.
fn check_history(conn: &Connection, path: &Path, runner: &Runner, found: i64) -> Result<(), StoreError> {
    let read = || -> rusqlite::Result<Vec<(i64, String, String, String)>> {
        let mut statement = conn.prepare(
            "SELECT version, name, applied_on, checksum FROM refinery_schema_history ORDER BY version",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        rows.collect()
    };
    let tampered =
        |version: i64| StoreError::SchemaTampered { object: format!("refinery_schema_history {version}") };
    let rows = read().map_err(|e| from_sqlite(&e, path))?;
    if !rows.iter().map(|(version, ..)| *version).eq(1..=found) {
        return Err(tampered(found));
    }
    for (version, name, applied_on, checksum) in rows {
        let known = runner.get_migrations().iter().any(|migration| {
            i64::from(migration.version()) == version
                && migration.name() == name
                && migration.checksum().to_string() == checksum
        });
        if !known || !is_timestamp(&applied_on) {
            return Err(tampered(version));
        }
    }
    Ok(())
}

/// Whether `text` is a time as refinery writes it: RFC 3339 in UTC, with up to
/// nine digits behind the point.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let fraction = shape.strip_prefix("0000-00-00T00:00:00").and_then(|f| f.strip_suffix('Z'));
    let well_formed = fraction.is_some_and(|fraction| {
        fraction.is_empty() || ((2..=10).contains(&fraction.len()) && fraction.trim_end_matches('0') == ".")
    });
    let field = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (field(0, 4), field(5, 7), field(8, 10)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    well_formed
        && (1..=days).contains(&day)
        && field(11, 13).is_some_and(|hour| hour < 24)
        && field(14, 16).is_some_and(|minute| minute < 60)
        && field(17, 19).is_some_and(|second| second < 60)
}

#[cfg(test)]
mod tests {
    use refinery::Migration;

    use super::*;
    use crate::store::file::open::tests::made;

    /// The migrations with one more, which could be the next.
    fn with_one_more() -> Runner {
        let mut migrations = runner().get_migrations().clone();
        let next = newest() + 1;
        let sql = format!("CREATE TABLE novelty (x TEXT) STRICT; PRAGMA user_version = {next};");
        migrations.push(Migration::unapplied(&format!("V{next}__create_novelty"), &sql).unwrap());
        Runner::new(&migrations).set_grouped(true)
    }

    fn number(conn: &Connection, sql: &str) -> i64 {
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn schema_and_number_change_together_and_what_fails_before_changes_nothing() {
        let (_dir, path) = made();
        let mut conn = Connection::open(&path).unwrap();
        let found = newest();
        let refused = upgrade_with(&mut conn, &path, found, &with_one_more(), |_| Err(StoreError::Full));
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        assert_eq!(number(&conn, "PRAGMA user_version"), found);
        upgrade_with(&mut conn, &path, found, &with_one_more(), |_| Ok(())).unwrap();
        assert_eq!(number(&conn, "PRAGMA user_version"), found + 1);
        assert_eq!(number(&conn, "SELECT count(*) FROM novelty"), 0);
    }

    /// Otherwise a kill between the two would leave a schema under the number of another.
    #[test]
    fn from_the_second_on_every_migration_sets_its_number() {
        for version in 2..=newest() {
            assert_eq!(number(&in_memory(version).unwrap(), "PRAGMA user_version"), version);
        }
    }

    #[test]
    fn an_upgrade_refuses_a_changed_history_before_refinery_sees_it() {
        for change in [
            "UPDATE refinery_schema_history SET applied_on = 'yesterday'",
            "UPDATE refinery_schema_history SET checksum = '1'",
            "UPDATE refinery_schema_history SET name = 'other'",
            "DELETE FROM refinery_schema_history WHERE version = 1",
            "INSERT INTO refinery_schema_history VALUES (99, 'other', '2030-01-01T00:00:00Z', '1')",
        ] {
            let (_dir, path) = made();
            let mut conn = Connection::open(&path).unwrap();
            conn.execute_batch(change).unwrap();
            let found = newest();
            let result = upgrade_with(&mut conn, &path, found, &with_one_more(), |_| panic!("it goes on"));
            assert!(matches!(result, Err(StoreError::SchemaTampered { .. })), "{result:?}");
            assert_eq!(number(&conn, "PRAGMA user_version"), found);
        }
    }

    #[test]
    fn only_times_that_exist_are_times() {
        for good in ["2024-02-29T23:59:59Z", "2026-12-31T00:00:00.123456789Z"] {
            assert!(is_timestamp(good), "{good}");
        }
        for bad in [
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "",
            "Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00",
        ] {
            assert!(!is_timestamp(bad), "{bad}");
        }
    }
}
