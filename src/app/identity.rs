//! Who acts: from flags, the environment, a session, or the configuration.

use serde_json::{Map, Value};

use super::code::Code;
use super::failure::Failure;
use super::session;
use crate::domain::actor::PREFIXES;
use crate::domain::command::Author;
use crate::domain::event::Stamp;
use crate::domain::{Actor, Config};
use crate::store::Reader;

/// The prefix of the names that the program writes under where nobody is named.
const PROGRAM: &str = "system:";

/// What a caller said about itself. Nothing of it has been checked.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// A session's name.
    pub name: Option<String>,
    /// `prefix:identifier`.
    pub actor: Option<String>,
    /// The value of `LATTICE_ACTOR`: an actor, or, as hooks get it, the name of a session or one of the
    /// program's own names.
    pub environment: Option<String>,
    /// Who is written down where nobody is named, for commands that never asked for a name.
    pub stand_in: Option<&'static str>,
    /// Whether a person may be assumed: standard input is a terminal.
    pub at_terminal: bool,
    /// The model that acts.
    pub model: Option<String>,
    /// A session's text, kept as it is.
    pub session: Option<String>,
    /// What made it happen, free text.
    pub triggered_by: Option<String>,
    /// For whom.
    pub on_behalf_of: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Identity {
    /// The author of a change.
    ///
    /// # Errors
    /// `MISSING_ACTOR`, `INVALID_ACTOR`, `SESSION_NOT_FOUND`.
    pub fn author(&self, reader: &Reader<'_>, config: &Config) -> Result<Author, Failure> {
        let actor = match self.explicit(reader)? {
            Some(actor) => actor,
            None => self.assumed(config).ok_or_else(|| {
                Failure::new(Code::MissingActor, "nobody is named as the author of this change")
                    .hint("add --actor agent:NAME (or human:NAME), or set LATTICE_ACTOR")
            })?,
        };
        Ok(Author { stamp: self.stamp(&actor)?, model: self.model.clone(), actor })
    }

    /// The actor that was named, `None` if none was: for commands that can do without.
    ///
    /// # Errors
    /// `INVALID_ACTOR`, `SESSION_NOT_FOUND`.
    pub fn explicit(&self, reader: &Reader<'_>) -> Result<Option<Actor>, Failure> {
        if let Some(name) = &self.name {
            return running(reader, name).map(Some);
        }
        let Some(text) = &self.actor else { return self.surrounding(reader) };
        match actor(text) {
            Err(failure) if session::find(reader, text)?.is_some() => {
                Err(failure.hint(format!("it is a session: act as it with --name {text}")))
            }
            result => result.map(Some),
        }
    }

    /// Whom the environment names. A hook finds there who made the change that called it, which is
    /// not always somebody that a caller may write as.
    fn surrounding(&self, reader: &Reader<'_>) -> Result<Option<Actor>, Failure> {
        let Some(text) = &self.environment else { return Ok(None) };
        match actor(text) {
            Err(_) if text.starts_with(PROGRAM) => Ok(None),
            Err(_) if session::find(reader, text)?.is_some() => running(reader, text).map(Some),
            result => result.map(Some),
        }
    }

    /// The configured author, only at a terminal: an agent that forgets its name must not write
    /// as the person.
    fn assumed(&self, config: &Config) -> Option<Actor> {
        let person = if self.at_terminal { config.default_actor().and_then(Actor::parse) } else { None };
        person.or_else(|| self.stand_in.map(|name| Actor::Plain(name.to_owned())))
    }

    fn stamp(&self, by: &Actor) -> Result<Stamp, Failure> {
        let mut stamp = Stamp::default();
        if let Some(whom) = &self.on_behalf_of {
            actor(whom)?;
        }
        fill(&mut stamp.provenance, "triggered_by", self.triggered_by.as_ref());
        fill(&mut stamp.provenance, "on_behalf_of", self.on_behalf_of.as_ref());
        fill(&mut stamp.provenance, "reason", self.reason.as_ref());
        if matches!(by, Actor::Plain(_)) {
            fill(&mut stamp.agent_meta, "model", self.model.as_ref());
            fill(&mut stamp.agent_meta, "session", self.session.as_ref());
        }
        Ok(stamp)
    }
}

fn fill(map: &mut Map<String, Value>, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::String(value.clone()));
    }
}

/// An actor as a caller writes it.
///
/// # Errors
/// `INVALID_ACTOR`.
pub fn actor(text: &str) -> Result<Actor, Failure> {
    Actor::parse(text).ok_or_else(|| {
        Failure::new(Code::InvalidActor, format!("`{text}` is not an actor"))
            .hint(format!("write PREFIX:NAME, where PREFIX is one of: {}", PREFIXES.join(", ")))
    })
}

/// An actor or the name of a session, for commands that name somebody else.
///
/// # Errors
/// `INVALID_ACTOR`.
pub fn actor_or_session(reader: &Reader<'_>, text: &str) -> Result<Actor, Failure> {
    let failure = match actor(text) {
        Ok(actor) => return Ok(actor),
        Err(failure) => failure,
    };
    match session::find(reader, text)? {
        Some(session) => match session.ended_at() {
            None => Ok(session.actor()),
            Some(at) => Err(Failure::new(Code::InvalidActor, format!("the session {text} ended at {at}"))
                .hint("see `lattice session list`")),
        },
        None => {
            let hint = failure.hint.clone().unwrap_or_default();
            Err(failure.hint(format!("{hint}; or name a session of `lattice session list`")))
        }
    }
}

/// The actor of a session that goes on.
fn running(reader: &Reader<'_>, name: &str) -> Result<Actor, Failure> {
    const HINT: &str = "`lattice session start` gives a name; or use --actor agent:NAME";
    let message = match session::find(reader, name)? {
        Some(session) => match session.ended_at() {
            None => return Ok(session.actor()),
            Some(at) => format!("the session {name} ended at {at}"),
        },
        None => format!("there is no session {name}"),
    };
    Err(Failure::new(Code::SessionNotFound, message).hint(HINT))
}
