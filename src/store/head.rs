//! The head of the log: how many events have arrived, and the chain over them. Kept elsewhere, it
//! proves later that none of them has changed.

use std::fmt;

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::events::{self, GENESIS};
use super::hash::{bytes_of_hex, hex};
use super::unplaced::SqlResult;

/// The end of the log at some moment; as text `COUNT-HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many events had arrived.
    pub events: i64,
    /// The chain over their hashes.
    pub chain: [u8; 32],
}

impl Head {
    /// The head that a text names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, hash) = text.split_once('-')?;
        let events = count.parse().ok().filter(|count| *count >= 0)?;
        Some(Self { events, chain: bytes_of_hex(hash)? })
    }

    /// The hash alone.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&self.chain)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.events, self.hash())
    }
}

/// The present head, as it is stored.
pub(super) fn of(conn: &Connection) -> Result<Head, StoreError> {
    let tail = events::tail(conn)?;
    Ok(Head { events: tail.seq, chain: tail.chain })
}

/// The head that the first events give, at most so many, and how many of them are redacted. Made
/// anew from the texts: hashes and chains that are stored beside them prove nothing.
pub(super) fn at(conn: &Connection, most: i64) -> Result<(Head, i64), StoreError> {
    let mut statement = conn.prepare("SELECT raw FROM events ORDER BY seq LIMIT ?1").sql()?;
    let mut rows = statement.query(params![most]).sql()?;
    let mut head = Head { events: 0, chain: GENESIS };
    let mut redacted = 0;
    while let Some(row) = rows.next().sql()? {
        let bytes = row.get_ref(0).sql()?.as_bytes().unwrap_or_default();
        let (event, hash) = events::read_back(bytes);
        redacted += i64::from(event.is_some_and(|event| event.redacted.is_some()));
        head = Head { events: head.events + 1, chain: events::link(&head.chain, &hash) };
    }
    Ok((head, redacted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back_from_its_text_and_nothing_else_does() {
        let head = Head { events: 12, chain: [0xa7; 32] };
        let text = head.to_string();
        assert_eq!(Head::parse(&text), Some(head));
        let hash = head.hash();
        for other in ["", "12", &hash, "12-a7", &format!("-1-{hash}"), &format!("x-{hash}"), &text[..60]] {
            assert_eq!(Head::parse(other), None, "{other}");
        }
    }
}
