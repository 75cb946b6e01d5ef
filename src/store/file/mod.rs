//! The tracker file itself: finding it, making it, opening and closing it, and
//! proving that it is ours. What the rows mean is no business of this part.

mod ahead;
mod announce;
mod backup;
mod close;
mod create;
mod durable;
mod gitfiles;
mod lacking;
mod lock;
mod migrate;
mod open;
mod paths;
mod read;
mod restore;
mod root;
mod schema;
mod turn;
mod wal;

pub use backup::{Copied, backup_to};
pub use create::{Created, create, traces};
pub use gitfiles::GIT_ATTRIBUTES;
pub use lacking::Lacking;
pub use open::{WriteFile, open_write};
pub(in crate::store) use paths::{DATABASE, sidecar};
pub use read::{ReadFile, ReadMode, open_read};
pub use restore::{RestoreError, Restored, restore};
pub use root::{Root, RootError, find, place};
pub use schema::SCHEMA_VERSION;
pub use wal::{LogDamage, damage as log_damage};

/// Memory for pages, 32 MiB instead of 2, for work on the whole file: pages that change often are
/// then written once.
pub(in crate::store) const LARGE_CACHE: &str = "PRAGMA cache_size = -32768";

/// An empty tracker in memory, of the newest schema.
pub(in crate::store) fn in_memory() -> Result<rusqlite::Connection, super::error::StoreError> {
    let conn = migrate::in_memory(SCHEMA_VERSION)?;
    // As a file's: the append-only triggers guard against other programs, and there are none here.
    open::guard(&conn).map_err(|e| super::error::from_sqlite(&e, std::path::Path::new(":memory:")))?;
    Ok(conn)
}

/// The first object of the schema that is not as this program made it.
pub(in crate::store) fn strange_object(
    conn: &rusqlite::Connection,
) -> Result<Option<String>, super::error::StoreError> {
    let path = std::path::Path::new(conn.path().unwrap_or(DATABASE));
    match schema::check(conn, path, SCHEMA_VERSION) {
        Err(super::error::StoreError::SchemaTampered { object }) => Ok(Some(object)),
        checked => checked.map(|()| None),
    }
}

#[cfg(test)]
pub(in crate::store) use open::tests;
