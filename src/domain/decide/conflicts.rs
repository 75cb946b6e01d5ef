//! Leaving things as they are that two sides changed without knowing of each other.

use serde_json::json;

use crate::domain::event::{EventBody, Subject, kind};
use crate::domain::facts::Facts;
use crate::domain::rejection::Rejection;

/// One event that names what is left as it is: these things, or all that are open. Its author knows
/// both sides, since its parents are all heads of the history.
pub(super) fn settle(facts: &Facts, subject: &Subject, what: &[String]) -> Result<Vec<EventBody>, Rejection> {
    if let Some(unknown) = what.iter().find(|what| !facts.open.contains(what)) {
        return Err(Rejection::NothingOpen { what: unknown.clone(), open: facts.open.clone() });
    }
    let named = |open: &&String| what.is_empty() || what.contains(open);
    let settled: Vec<&String> = facts.open.iter().filter(named).collect();
    if settled.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![EventBody::of(subject.clone(), kind::CONFLICT_SETTLED, json!({"what": settled}))])
}
