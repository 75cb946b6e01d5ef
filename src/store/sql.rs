//! The gate for users' SQL: one statement, reading only, within limits.
//!
//! A read-only connection is not enough, because `ATTACH` and `VACUUM INTO`
//! write elsewhere; so an authorizer allows what reading takes, and nothing
//! else. Only then is the statement run, against a schema that was proved to be
//! ours: views are code.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Batch, Connection, ErrorCode, Statement, params_from_iter};

use super::error::StoreError;
use super::file::{ReadFile, open_read};

/// A value in a row or a parameter, as SQLite knows them.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text; bytes that are no UTF-8 stand as U+FFFD.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// What a user asks.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// One statement; comments and a semicolon may follow it.
    pub sql: &'a str,
    /// The values of its parameters `?1`, `?2` and so on.
    pub params: &'a [SqlValue],
    /// How much it may take.
    pub limits: Limits,
}

/// How much a user's statement may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time inside SQLite; what the receiver of the rows takes does not count.
    pub timeout: Duration,
    /// Rows handed out. One more is read to know whether there are more.
    pub rows: usize,
}

/// How a query ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The names of the columns, also if there was no row.
    pub columns: Vec<String>,
    /// The number of rows handed out.
    pub rows: usize,
    /// Whether there were more.
    pub truncated: bool,
}

/// All memory that SQLite may use in this process once a query has run.
const MEMORY: u64 = 256 * 1024 * 1024;
/// Instructions of SQLite's machine between two looks at the time.
const STEPS: i32 = 1000;
/// Ceilings that no honest question meets. A value may be as long as a large
/// artifact; a LIKE pattern is short because matching one cannot be interrupted.
const CEILINGS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_COLUMN, 500),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];
/// Functions that reach outside the database, in this build of SQLite or in the
/// `sqlite3` program.
const FORBIDDEN_FUNCTIONS: &[&str] = &["edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"];
/// Pragmas whose argument names what to tell about. None of them sets anything.
const INFORMATION: &[&str] = &[
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// The views that users may count on, made anew for the connection.
pub const SQL_VIEWS: &str = include_str!("views.sql");

/// Runs a user's statement on the tracker in `lattice_dir` and hands each row to
/// `receive`, with the names of the columns. The statement sees one moment of
/// the tracker. It gets a connection of its own, which is good for nothing else
/// afterwards.
///
/// # Errors
/// `Sql` if the statement is wrong, `SqlRefused` if it does more than read,
/// `SqlTimeout`, `SqlTooBig`, `SchemaTampered`; those of opening and reading;
/// those of `receive`, which end the query.
pub fn run_sql<E: From<StoreError>>(
    lattice_dir: &Path,
    query: &Query<'_>,
    mut receive: impl FnMut(&[String], &[SqlValue]) -> Result<(), E>,
) -> Result<Answer, E> {
    let mut file = open_read(lattice_dir)?;
    prepare_connection(file.conn()).map_err(|e| file.error(&e))?;
    // Inside the transaction that the query will run in: nobody can change the
    // schema after it was looked at.
    file.check_schema()?;
    let refused = close_the_gate(file.conn_mut()).map_err(|e| file.error(&e))?;
    let clock = Clock::start(query.limits.timeout);
    clock.watch(file.conn_mut()).map_err(|e| file.error(&e))?;

    let failed = |error: rusqlite::Error| explain(&error, &file, &refused, query.limits);
    let mut statement = one_statement(file.conn(), query.sql, &failed)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let params = params_from_iter(query.params.iter().map(to_sqlite));
    let mut cursor = statement.query(params).map_err(failed)?;
    let mut values = Vec::with_capacity(columns.len());
    let mut rows = 0;
    while let Some(row) = cursor.next().map_err(failed)? {
        if rows == query.limits.rows {
            return Ok(Answer { columns, rows, truncated: true });
        }
        values.clear();
        for column in 0..columns.len() {
            values.push(from_sqlite_value(row.get_ref(column).map_err(failed)?));
        }
        let handed_over = Instant::now();
        receive(&columns, &values)?;
        clock.forgive(handed_over.elapsed());
        rows += 1;
    }
    Ok(Answer { columns, rows, truncated: false })
}

/// Everything that the authorizer would refuse afterwards.
fn prepare_connection(conn: &Connection) -> rusqlite::Result<()> {
    for (limit, ceiling) in CEILINGS {
        conn.set_limit(*limit, *ceiling)?;
    }
    // Large sorts stay in memory: a read leaves no trace on the disk.
    conn.execute_batch(&format!(
        "PRAGMA hard_heap_limit = {MEMORY}; PRAGMA temp_store = MEMORY; {SQL_VIEWS} \
         PRAGMA query_only = ON; BEGIN;"
    ))
}

/// The first thing that was refused, if anything was.
type Refused = Arc<Mutex<Option<String>>>;

fn close_the_gate(conn: &mut Connection) -> rusqlite::Result<Refused> {
    let refused = Refused::default();
    let first = Arc::clone(&refused);
    conn.authorizer(Some(move |context: AuthContext<'_>| {
        if is_reading(&context.action) {
            return Authorization::Allow;
        }
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| name(&context.action));
        Authorization::Deny
    }))?;
    Ok(refused)
}

fn is_reading(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => {
            !FORBIDDEN_FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function_name))
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let is = |name: &&str| name.eq_ignore_ascii_case(pragma_name);
            INFORMATION.iter().any(is) || (is(&"data_version") && pragma_value.is_none())
        }
        _ => false,
    }
}

/// What a user would call `action`.
fn name(action: &AuthAction<'_>) -> String {
    match action {
        AuthAction::Insert { table_name } => format!("INSERT INTO {table_name}"),
        AuthAction::Update { table_name, .. } => format!("UPDATE {table_name}"),
        AuthAction::Delete { table_name } => format!("DELETE FROM {table_name}"),
        AuthAction::Attach { .. } => "ATTACH".into(),
        AuthAction::Detach { .. } => "DETACH".into(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => "transaction".into(),
        AuthAction::Pragma { pragma_name, .. } => format!("PRAGMA {pragma_name}"),
        AuthAction::Function { function_name } => format!("{function_name}()"),
        AuthAction::Analyze { .. } => "ANALYZE".into(),
        AuthAction::Reindex { .. } => "REINDEX".into(),
        AuthAction::AlterTable { table_name, .. } => format!("ALTER TABLE {table_name}"),
        _ => "change of the schema".into(),
    }
}

/// Prepares `sql` if it is one statement that reads. That SQLite finds it
/// read-only is asked as well: the authorizer is not asked about VACUUM.
fn one_statement<'conn>(
    conn: &'conn Connection,
    sql: &str,
    failed: &impl Fn(rusqlite::Error) -> StoreError,
) -> Result<Statement<'conn>, StoreError> {
    let mut batch = Batch::new(conn, sql);
    let Some(statement) = batch.next().map_err(failed)? else {
        return Err(StoreError::Sql { detail: "there is no statement".into() });
    };
    if !statement.readonly() {
        return Err(StoreError::SqlRefused { what: "statement that writes".into() });
    }
    match batch.next() {
        Ok(None) => Ok(statement),
        _ => Err(StoreError::SqlRefused { what: "second statement".into() }),
    }
}

/// The time that a query has used, as seen from SQLite's progress handler.
struct Clock {
    started: Instant,
    limit: Duration,
    /// Nanoseconds that count for somebody else.
    forgiven: Arc<AtomicU64>,
}

impl Clock {
    fn start(limit: Duration) -> Self {
        Self { started: Instant::now(), limit, forgiven: Arc::default() }
    }

    fn watch(&self, conn: &mut Connection) -> rusqlite::Result<()> {
        let (started, limit) = (self.started, self.limit);
        let forgiven = Arc::clone(&self.forgiven);
        let is_over = move || {
            let others = Duration::from_nanos(forgiven.load(Ordering::Relaxed));
            started.elapsed().saturating_sub(others) > limit
        };
        conn.progress_handler(STEPS, Some(is_over))
    }

    fn forgive(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.forgiven.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// Tells a wrong statement from a forbidden one, and both from a bad file.
fn explain(error: &rusqlite::Error, file: &ReadFile, refused: &Refused, limits: Limits) -> StoreError {
    if let Some(what) = refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return StoreError::SqlRefused { what };
    }
    match (error.sqlite_error_code(), error) {
        (Some(ErrorCode::OperationInterrupted), _) => StoreError::SqlTimeout { after: limits.timeout },
        (Some(ErrorCode::TooBig | ErrorCode::OutOfMemory), _) => StoreError::SqlTooBig,
        (Some(ErrorCode::AuthorizationForStatementDenied), _) => {
            StoreError::SqlRefused { what: error.to_string() }
        }
        (_, rusqlite::Error::SqlInputError { msg, offset, .. }) => {
            let place = if *offset < 0 { String::new() } else { format!(" at offset {offset}") };
            StoreError::Sql { detail: format!("{msg}{place}") }
        }
        (_, rusqlite::Error::InvalidParameterCount(..))
        | (Some(ErrorCode::Unknown | ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange), _) => {
            StoreError::Sql { detail: error.to_string() }
        }
        _ => file.error(error),
    }
}

fn to_sqlite(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(*number),
        SqlValue::Real(number) => Value::Real(*number),
        SqlValue::Text(text) => Value::Text(text.clone()),
        SqlValue::Blob(bytes) => Value::Blob(bytes.clone()),
    }
}

fn from_sqlite_value(value: ValueRef<'_>) -> SqlValue {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(number) => SqlValue::Integer(number),
        ValueRef::Real(number) => SqlValue::Real(number),
        ValueRef::Text(text) => SqlValue::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
    }
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
