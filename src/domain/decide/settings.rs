//! The configuration and the codes of short ids.

use serde_json::{Value, json};

use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::rejection::Rejection;
use crate::domain::short_id::is_code;
use crate::domain::workflow::PRIORITIES;

pub(super) fn set(facts: &Facts, path: &str, to: &Value) -> Result<Vec<EventBody>, Rejection> {
    check(facts, path, to)?;
    if facts.config.get(path) == Some(to) {
        return Ok(Vec::new());
    }
    Ok(vec![changed(path, to.clone())])
}

pub(super) fn unset(facts: &Facts, path: &str) -> Result<Vec<EventBody>, Rejection> {
    if path == "/instance_id" {
        return Err(fixed());
    }
    if facts.config.get(path).is_none() {
        return Err(Rejection::NoSuchSetting { path: path.to_owned() });
    }
    Ok(vec![EventBody::of_instance(kind::CONFIG_CHANGED, json!({"path": path, "removed": true}))])
}

fn changed(path: &str, to: Value) -> EventBody {
    EventBody::of_instance(kind::CONFIG_CHANGED, json!({"path": path, "to": to}))
}

fn fixed() -> Rejection {
    Rejection::Invalid {
        what: "setting",
        got: "instance_id".to_owned(),
        rule: "the tracker's id never changes",
    }
}

/// Settings that Lattice reads must have the type that it reads; all others are free.
fn check(facts: &Facts, path: &str, to: &Value) -> Result<(), Rejection> {
    let wrong =
        |rule: &'static str| Err(Rejection::Invalid { what: "setting", got: format!("{path} = {to}"), rule });
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["instance_id"] => Err(fixed()),
        ["workflow"] if !to.is_object() => wrong("the workflow is an object"),
        ["workflow", "statuses"] if !is_texts(to) || to.as_array().is_none_or(Vec::is_empty) => {
            wrong("a list of at least one status")
        }
        ["task_types"]
        | ["workflow", "roles" | "universal_targets" | "finished"]
        | ["workflow", "transitions", _]
            if !is_texts(to) =>
        {
            wrong("a list of texts")
        }
        ["workflow", "wip_limits", _] | ["workflow", "review_cycle_limit"] if to.as_u64().is_none() => {
            wrong("a whole number, 0 or more")
        }
        ["default_status"]
            if !to.as_str().is_some_and(|s| facts.config.statuses().iter().any(|known| known == s)) =>
        {
            wrong("one of the workflow's statuses")
        }
        ["default_priority"] if !to.as_str().is_some_and(|p| PRIORITIES.contains(&p)) => {
            wrong("critical, high, medium or low")
        }
        ["project_code" | "subproject_code"] if !to.as_str().is_some_and(is_code) => wrong(CODE),
        _ => Ok(()),
    }
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

const CODE: &str = "1 to 5 letters or digits, a letter first";

/// A code for short ids, in upper case.
///
/// # Errors
/// [`Rejection::Invalid`].
pub fn checked_code(what: &'static str, code: &str) -> Result<String, Rejection> {
    let upper = code.trim().to_ascii_uppercase();
    if is_code(&upper) {
        Ok(upper)
    } else {
        Err(Rejection::Invalid { what, got: code.to_owned(), rule: CODE })
    }
}

pub(super) fn project_code(facts: &Facts, code: &str, force: bool) -> Result<Vec<EventBody>, Rejection> {
    set_code(facts, "project code", "/project_code", code, force)
}

pub(super) fn subproject_code(facts: &Facts, code: &str, force: bool) -> Result<Vec<EventBody>, Rejection> {
    if facts.config.project_code().is_none() {
        return Err(Rejection::NoProjectCode);
    }
    set_code(facts, "sub-project code", "/subproject_code", code, force)
}

fn set_code(
    facts: &Facts,
    what: &'static str,
    path: &str,
    code: &str,
    force: bool,
) -> Result<Vec<EventBody>, Rejection> {
    let upper = checked_code(what, code)?;
    match facts.config.get(path).and_then(Value::as_str) {
        Some(current) if current == upper => Ok(Vec::new()),
        Some(current) if !force => Err(Rejection::CodeExists { what, current: current.to_owned() }),
        _ => Ok(vec![changed(path, json!(upper))]),
    }
}
