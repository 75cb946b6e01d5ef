//! Questions in SQL.

use super::{App, Failure};
use crate::store::{self, Answer, Limits, Query, Root, SqlValue, Table};

impl App {
    /// Runs one statement that only reads, on a connection of its own. All rows are taken before
    /// the caller sees any, so that a slow reader of the answer holds nothing up.
    ///
    /// # Errors
    /// `SQL_ERROR`, `SQL_REFUSED`, `SQL_TIMEOUT`, `SQL_TOO_BIG`, or a `STORE_…` code.
    pub fn ask(root: &Root, sql: &str, limits: Limits) -> Result<(Answer, Vec<Vec<SqlValue>>), Failure> {
        let mut rows = Vec::new();
        let query = Query { sql, params: &[], limits };
        let answer = store::run_sql(&root.lattice, &query, |_, row| {
            rows.push(row.to_vec());
            Ok::<(), Failure>(())
        })?;
        Ok((answer, rows))
    }

    /// The tables and views that questions may count on.
    ///
    /// # Errors
    /// A `STORE_…` code.
    pub fn tables(root: &Root) -> Result<Vec<Table>, Failure> {
        Ok(store::documented_tables(&root.lattice)?)
    }
}
