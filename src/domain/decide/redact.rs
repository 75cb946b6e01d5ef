//! Taking the content of an event away.

use super::Decision;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::redact;
use crate::domain::rejection::Rejection;

/// The tombstone, and an event beside it that says who did it and why; nothing for an event that is
/// redacted already. Archived tasks are no exception: a secret may lie anywhere.
pub(super) fn redact(facts: &Facts, reason: &str) -> Result<Decision, Rejection> {
    let (Some(event), Some(tombstone)) = (&facts.same_id, &facts.tombstone) else {
        return Err(Rejection::Invalid { what: "event", got: String::new(), rule: "must exist" });
    };
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Rejection::Blank { what: "reason" });
    }
    if event.redacted.is_some() {
        return Ok(Decision::default());
    }
    if redact::is_needed(event) {
        return Err(Rejection::NeededEvent { event: event.id.to_string() });
    }
    let said = EventBody::of(event.subject.clone(), kind::EVENT_REDACTED, redact::said(event, reason));
    Ok(Decision { events: vec![said], tombstones: vec![tombstone.clone()], ..Decision::default() })
}
