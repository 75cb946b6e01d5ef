//! Sessions: beginning and ending them, and looking at them. Local state, so without events.

use super::{App, Code, Failure};
use crate::domain::session::{self, NewSession, Session};
use crate::store::Reader;

impl App {
    /// Begins a session under a name that nobody bore before, as far as this file knows.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub fn start_session(&mut self, new: &NewSession) -> Result<Session, Failure> {
        let world = &self.world;
        self.store.write(|tx| {
            let mut serials = tx.serials()?;
            let id = world.session_id();
            let base = session::base_name(new, &serials, id.value().unwrap_or_default())?;
            let serial = loop {
                let serial = serials.next(&base);
                // A serial too large to be believed may stand in a record that came in.
                if tx.find_session(&format!("{base}-{serial}"))?.is_none() {
                    break serial;
                }
            };
            let begun = Session::begin(new, &base, serial, &id, world.now());
            tx.save_serials(&serials)?;
            tx.save_session(begun.name(), &begun.value())?;
            Ok(begun)
        })
    }

    /// Ends a session. Its name is never given out again.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is none of the name, or if it has ended.
    pub fn end_session(&mut self, name: &str, reason: Option<&str>) -> Result<Session, Failure> {
        let world = &self.world;
        self.store.write(|tx| {
            let ended = existing(tx, name)?.end(reason, world.now())?;
            tx.save_session(name, &ended.value())?;
            Ok(ended)
        })
    }

    /// A session, ended or not.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn session(&self, name: &str) -> Result<Session, Failure> {
        self.read(|reader| existing(reader, name))
    }

    /// Sessions that go on, oldest first; with `ended` the others too.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn sessions(&self, ended: bool) -> Result<Vec<Session>, Failure> {
        self.read(|reader| Ok(reader.sessions(ended)?.into_iter().filter_map(Session::from_value).collect()))
    }
}

/// The record of a name, if there is one.
pub(super) fn find(reader: &Reader<'_>, name: &str) -> Result<Option<Session>, Failure> {
    Ok(reader.find_session(name)?.and_then(Session::from_value))
}

fn existing(reader: &Reader<'_>, name: &str) -> Result<Session, Failure> {
    find(reader, name)?.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("there is no session {name}"))
            .hint("see `lattice session list --all`")
    })
}
