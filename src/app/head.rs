//! The head of the log, and what one that was kept elsewhere proves.

use super::{App, Code, Failure, Finding, Head, Level, Report};

/// The check that holds the log against a head.
pub const HEAD_CHECK: &str = "since_head";

/// What became of the events that a head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadProof {
    /// The head that was kept.
    pub head: Head,
    /// Whether exactly these events are here, in this order, as they were written.
    pub holds: bool,
    /// How many of them are redacted: their content is gone, their hash is not.
    pub redacted: i64,
}

/// The head that a text names.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn parse_head(text: &str) -> Result<Head, Failure> {
    Head::parse(text).ok_or_else(|| {
        Failure::new(Code::ValidationError, format!("`{text}` is no head of a log"))
            .hint("write it whole, as `lattice log --head` prints it: COUNT-HASH")
    })
}

impl App {
    /// The present head of the log.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn head(&self) -> Result<Head, Failure> {
        self.read(|reader| Ok(reader.head()?))
    }

    /// Holds the log against a head that was kept, and reports what has changed.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn examine_since(&self, head: Head, report: &mut Report) -> Result<(), Failure> {
        let (found, redacted) = match self.read(|reader| Ok(reader.head_at(head.events)?)) {
            Err(failure) if failure.code == Code::StoreCorrupt => {
                report.is_unexamined(HEAD_CHECK, &failure.message);
                report.since_head = Some(HeadProof { head, holds: false, redacted: 0 });
                return Ok(());
            }
            found => found?,
        };
        let holds = found == head;
        let message = match holds {
            true => None,
            false if found.events < head.events => Some(format!(
                "the head was taken of {} events, and {} are here: the others are gone, or it is of another file",
                head.events, found.events
            )),
            false => Some(format!(
                "the first {} events are not those that the head was taken of: one was changed, moved, taken \
                 away or put in between, or it is of another file",
                head.events
            )),
        };
        report.findings.extend(message.map(|message| Finding {
            level: Level::Error,
            check: HEAD_CHECK,
            message,
            task_id: None,
        }));
        report.since_head = Some(HeadProof { head, holds, redacted });
        Ok(())
    }
}
