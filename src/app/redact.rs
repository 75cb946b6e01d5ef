//! Taking the content of an event away, for good: out of the log, the tables and the file.

use super::execute::Outcome;
use super::{App, Code, Failure, Identity};
use crate::domain::event::kind;
use crate::domain::redact::{as_stored, texts};
use crate::domain::{ArtifactId, Command, EventId};
use crate::store::Reader;

/// What a redaction did, and what it could not.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// What was written; nothing if the event was redacted already.
    pub outcome: Outcome,
    /// Ids of events and artifacts in which the same text still stands.
    pub also: Vec<String>,
    /// Why the file may still hold traces of it; `None` if it does not.
    pub traces: Option<String>,
}

/// Other places that are named, at most.
const NAMED: usize = 20;

impl App {
    /// Takes the content of the event of this id away. Of one that is redacted already, traces are
    /// taken away that an earlier call had to leave.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ID`, `VALIDATION_ERROR` without a reason; nothing was changed then.
    pub fn redact(&mut self, who: &Identity, id: &str) -> Result<Redaction, Failure> {
        let reason = who.reason.clone().unwrap_or_default();
        if reason.trim().is_empty() {
            return Err(Failure::new(Code::ValidationError, "a redaction needs a reason")
                .hint("add --reason TEXT; it is kept, so it must not repeat what is taken away"));
        }
        let mut taken = Vec::new();
        let payload = self.read(|reader| payload_of(reader, id))?;
        let outcome = self.execute(who, |names| {
            let event = names.event(id)?;
            taken = texts(&event).iter().map(|text| as_stored(text)).collect();
            Ok(Command::Redact { subject: event.subject.clone(), event: event.id, reason })
        })?;
        let traces = self.scrub();
        let also = match outcome.events.is_empty() {
            true => Vec::new(),
            false => self.read(|reader| also(reader, &taken, payload.as_ref()))?,
        };
        Ok(Redaction { outcome, also, traces })
    }

    /// Copies of the file beside it, made by upgrades and restores: what is redacted here may stand
    /// in them.
    #[must_use]
    pub fn kept_copies(&self) -> Vec<std::path::PathBuf> {
        self.store.kept_copies()
    }

    /// Takes out of the file what is left of content that was taken away. What fails is no failure
    /// of the command: the content is gone from all that Lattice shows. Says why traces are left.
    pub(super) fn scrub(&mut self) -> Option<String> {
        match self.store.scrub() {
            Ok(true) => None,
            Ok(false) => Some("somebody reads the file".to_owned()),
            Err(error) => Some(Failure::from(error).message),
        }
    }
}

/// The hash of the payload that goes with the event of this id.
fn payload_of(reader: &Reader<'_>, event: &str) -> Result<Option<[u8; 32]>, Failure> {
    let Some(id) = EventId::parse_foreign(event.trim()) else { return Ok(None) };
    let event = reader.find_event(&id)?.filter(|event| event.kind == kind::ARTIFACT_ATTACHED);
    let artifact = event.and_then(|event| ArtifactId::parse_foreign(event.text("artifact_id")?));
    Ok(artifact.map(|id| reader.payload_hash(&id)).transpose()?.flatten())
}

/// Where the same texts, or the same payload, still stand.
fn also(reader: &Reader<'_>, texts: &[String], payload: Option<&[u8; 32]>) -> Result<Vec<String>, Failure> {
    let mut found = reader.events_holding(texts, NAMED)?;
    found.extend(reader.artifacts_holding(texts, NAMED)?);
    if let Some(payload) = payload {
        found.extend(reader.artifacts_with_payload(payload)?);
    }
    found.truncate(NAMED);
    Ok(found)
}
