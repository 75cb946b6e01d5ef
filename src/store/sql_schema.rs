//! The tables and views that users' SQL may count on: what `docs/sql.md` describes.

use std::path::Path;
use std::time::Duration;

use super::error::StoreError;
use super::sql::{Limits, Query, SqlValue, run_sql};

/// A documented table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// What it holds, in a line.
    pub about: &'static str,
    /// Its columns in order: name and type (empty where SQLite does not know it).
    pub columns: Vec<(String, String)>,
}

/// What a user may ask for, in the order of `docs/sql.md`.
const DOCUMENTED: [(&str, &str); 28] = [
    ("tasks", "one row per task, as its history leaves it"),
    ("events", "every change ever made, in order of arrival"),
    ("comments", "comments, deleted ones too"),
    ("reactions", "reactions on comments"),
    ("relationships", "relations from task to task"),
    ("task_tags", "one row per task and tag"),
    ("task_names", "what other trackers call tasks"),
    ("branch_links", "git branches that were linked by hand"),
    ("artifacts", "artifacts, without their payloads"),
    ("payloads", "payloads of artifacts by SHA-256"),
    ("task_artifacts", "which artifact speaks for which task"),
    ("plans", "plans that somebody wrote"),
    ("notes", "notes"),
    ("search", "the index of words behind `lattice search`"),
    ("tallies", "sums over most of the log, behind `lattice stats`"),
    ("short_ids", "numbers that tasks claim and show"),
    ("resources", "resources and who holds them"),
    ("sessions", "working sessions known to this file"),
    ("statuses", "the workflow's statuses in order"),
    ("quarantine", "what lost against other content under the same id"),
    ("meta", "single values, the configuration among them"),
    ("ready", "tasks that could be begun now, best first"),
    ("blocked", "tasks that wait for unfinished ones, and for which"),
    ("waiting_on", "pairs of tasks: which waits for which"),
    ("stale", "open tasks that nobody touched for a week"),
    ("wip", "how full each status is"),
    ("cycle_times", "hours from creation to done"),
    ("activity", "events per day and actor"),
];

/// The documented tables and views with their columns, as this file has them.
///
/// # Errors
/// Those of opening and reading.
pub fn documented_tables(lattice_dir: &Path) -> Result<Vec<Table>, StoreError> {
    let sql = "SELECT s.name, s.type, c.name, c.type
                 FROM (SELECT name, type FROM sqlite_schema UNION ALL SELECT name, type FROM sqlite_temp_schema) s,
                      pragma_table_xinfo(s.name) c
                WHERE s.type IN ('table', 'view') ORDER BY s.name, c.cid";
    let limits = Limits { timeout: Duration::from_secs(10), rows: 10_000 };
    let mut rows: Vec<[String; 4]> = Vec::new();
    run_sql(lattice_dir, &Query { sql, params: &[], limits }, |_, row| {
        let text = |value: &SqlValue| match value {
            SqlValue::Text(text) => text.clone(),
            _ => String::new(),
        };
        if let [table, kind, column, kind_of_column] = row {
            rows.push([text(table), text(kind), text(column), text(kind_of_column)]);
        }
        Ok::<(), StoreError>(())
    })?;
    let of = |name: &str, about| {
        let mine = || rows.iter().filter(|row| row[0] == name);
        Table {
            name: name.to_owned(),
            is_view: mine().any(|row| row[1] == "view"),
            about,
            columns: mine().map(|row| (row[2].clone(), row[3].clone())).collect(),
        }
    };
    Ok(DOCUMENTED.iter().map(|(name, about)| of(name, about)).collect())
}
