//! Plans, notes and the context. Writing what stands there already is no event.

use serde_json::json;

use super::status::current_plan;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;

pub(super) fn plan(
    facts: &Facts,
    task: &Task,
    body: &str,
    base: Option<&str>,
) -> Result<Vec<EventBody>, Rejection> {
    let changed = is_changed("plan", &current_plan(facts, task), body, base)?;
    Ok(changed
        .then(|| EventBody::of_task(&task.id, kind::PLAN_UPDATED, json!({"body": body})))
        .into_iter()
        .collect())
}

pub(super) fn notes(
    facts: &Facts,
    task: &Task,
    body: &str,
    base: Option<&str>,
) -> Result<Vec<EventBody>, Rejection> {
    let changed = is_changed("notes", facts.notes.as_deref().unwrap_or_default(), body, base)?;
    Ok(changed
        .then(|| EventBody::of_task(&task.id, kind::NOTES_UPDATED, json!({"body": body})))
        .into_iter()
        .collect())
}

pub(super) fn context(facts: &Facts, body: &str, base: Option<&str>) -> Result<Vec<EventBody>, Rejection> {
    let changed = is_changed("context", facts.context.as_deref().unwrap_or_default(), body, base)?;
    Ok(changed
        .then(|| EventBody::of_instance(kind::CONTEXT_UPDATED, json!({"body": body})))
        .into_iter()
        .collect())
}

/// Whether the body is another than the text that is there. A blank one is refused: it comes from
/// a pipe whose other end failed more often than from somebody who wants it.
fn is_changed(what: &'static str, now: &str, body: &str, base: Option<&str>) -> Result<bool, Rejection> {
    if body.trim().is_empty() {
        return Err(Rejection::Blank { what });
    }
    if base.is_some_and(|base| base != now) {
        return Err(Rejection::ChangedMeanwhile { what });
    }
    Ok(body != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_made_from_an_older_one_is_refused() {
        assert_eq!(
            is_changed("plan", "new", "mine", Some("old")),
            Err(Rejection::ChangedMeanwhile { what: "plan" })
        );
        assert_eq!(is_changed("plan", "old", "mine", Some("old")), Ok(true));
        assert_eq!(is_changed("plan", "new", "mine", None), Ok(true));
        assert_eq!(is_changed("plan", "mine", "mine", None), Ok(false));
        assert_eq!(is_changed("plan", "old", " \n", None), Err(Rejection::Blank { what: "plan" }));
    }
}
