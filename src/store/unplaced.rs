//! Results of SQLite on their way to the surface of the room, where the file's path is known.

use super::error::StoreError;

/// Carries a result of SQLite upward; [`super::Reader`] turns it into what it stands for.
pub(super) trait SqlResult<T> {
    /// The same with the error wrapped.
    fn sql(self) -> Result<T, StoreError>;
}

impl<T> SqlResult<T> for rusqlite::Result<T> {
    fn sql(self) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Unplaced(Box::new(error)))
    }
}
