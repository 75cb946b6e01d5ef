//! Sessions: beginning and ending them, and looking at them. Local state, so without events.

use super::{App, Code, Failure};
use crate::domain::Actor;
use crate::domain::session::{self, NewSession, Session};
use crate::store::Reader;

impl App {
    /// Begins a session under a name that nobody bore before, as far as this file knows. Says what
    /// the caller should know although it worked.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub fn start_session(&mut self, new: &NewSession) -> Result<(Session, Vec<String>), Failure> {
        let world = &self.world;
        self.store.write(|tx| {
            let warnings = new.parent.as_deref().map(|parent| stranger(tx, parent)).transpose()?.flatten();
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
            Ok((begun, warnings.into_iter().collect()))
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

/// What there is to say of a parent that is nobody here. It is kept all the same: it may be somebody
/// of another tracker.
fn stranger(reader: &Reader<'_>, parent: &str) -> Result<Option<String>, Failure> {
    let known = Actor::parse(parent).is_some() || find(reader, parent)?.is_some();
    Ok((!known).then(|| {
        format!("the parent {parent} is neither an actor nor a session of this tracker (see `lattice session list --all`)")
    }))
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
