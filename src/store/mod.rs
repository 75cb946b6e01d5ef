//! The file: schema, SQL, transactions, locks, migrations and the read-only gate. The repository
//! layer: it never decides anything and words nothing for users; rusqlite is named nowhere else.

mod artifacts;
mod check;
mod custom_fields;
mod error;
mod events;
mod feed;
mod file;
mod hash;
mod head;
mod histories;
mod instance;
mod new_tasks;
mod noted;
mod project;
mod query;
mod reader;
mod redact;
mod resources;
mod rows;
mod search;
mod search_fill;
mod search_index;
mod sessions;
mod short_ids;
mod sql;
mod sql_schema;
mod stats;
mod steps;
mod tallies;
mod touched;
mod tracker;
mod transaction;
mod tree_record;
mod unplaced;
mod walk;

pub use artifacts::{ArtifactAdded, ArtifactFault};
pub use check::Totals;
pub use error::StoreError;
pub use feed::{Arrival, FeedQuery};
pub use file::{
    Copied, Created, GIT_ATTRIBUTES, Lacking, LogDamage, RestoreError, Restored, Root, RootError, find,
    log_damage, open_read, place, restore, traces,
};
pub use hash::{hex, sha256, sha256_of};
pub use head::Head;
pub use query::{Incoming, NextCursor, TaskFilter, TaskSort, Waiting};
pub use reader::Reader;
pub use rows::TextKind;
pub use search::{FoundIn, Hit, Piece};
pub use short_ids::ShortIdIndex;
pub use sql::{Answer, Limits, Query, SQL_VIEWS, SqlValue, run_sql};
pub use sql_schema::{Table, documented_tables};
pub use stats::{AT_WORK, EventCounts, NAMED, Several, Stays, TaskCounts, TaskLine};
pub use tracker::{Moment, Store};
pub use transaction::Transaction;
pub use tree_record::{TaskPrint, TreeRecord, TreeUpdate};
