//! The file: schema, SQL, transactions, locks, migrations and the read-only
//! gate. It never decides anything and words nothing for users; rusqlite is
//! named nowhere else.

mod error;
mod file;
mod hash;
mod sql;

pub use error::StoreError;
pub use file::{
    APPLICATION_ID, Created, ReadFile, ReadMode, Root, RootError, SCHEMA_VERSION, WriteFile,
    backup_to, create, find, open_read, open_write,
};
pub use hash::{hex, sha256};

pub use sql::{Answer, Limits, Query, SqlValue, run};
