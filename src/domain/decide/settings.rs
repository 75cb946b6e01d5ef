//! The configuration and the codes of short ids.

use serde_json::{Value, json};

use crate::domain::actor::Actor;
use crate::domain::artifact::MOST_PAYLOAD;
use crate::domain::config::{Config, differences, dotted, escape};
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::hooks::{ends, is_commands};
use crate::domain::json;
use crate::domain::rejection::Rejection;
use crate::domain::resource::is_name;
use crate::domain::short_id::is_code;
use crate::domain::workflow::PRIORITIES;

pub(super) fn set(facts: &Facts, path: &str, to: &Value) -> Result<Vec<EventBody>, Rejection> {
    check_way(&facts.config, path)?;
    check(&facts.config, path, to)?;
    if facts.config.get(path) == Some(to) {
        return Ok(Vec::new());
    }
    settled(facts, vec![changed(path, to.clone())])
}

pub(super) fn unset(facts: &Facts, path: &str) -> Result<Vec<EventBody>, Rejection> {
    check_way(&facts.config, path)?;
    if path == "/instance_id" {
        return Err(fixed());
    }
    if facts.config.get(path).is_none() {
        return Err(Rejection::NoSuchSetting { path: dotted(path) });
    }
    settled(facts, vec![removed(path)])
}

/// One event for each setting that differs. What is checked is the result, so that a status can
/// come in together with the settings that name it.
pub(super) fn edit(facts: &Facts, base: &Value, to: &Value) -> Result<Vec<EventBody>, Rejection> {
    if facts.config.value() != base {
        return Err(Rejection::ChangedMeanwhile { what: "configuration" });
    }
    if !to.is_object() {
        return Err(Rejection::Invalid {
            what: "configuration",
            got: to.to_string(),
            rule: "it is a JSON object",
        });
    }
    let result = Config::new(to.clone());
    let mut events = Vec::new();
    for (path, change) in differences(base, to) {
        match change {
            Some(value) => {
                check(&result, &path, &value)?;
                events.push(changed(&path, value));
            }
            None if path == "/instance_id" => return Err(fixed()),
            None => events.push(removed(&path)),
        }
    }
    settled(facts, events)
}

/// New tasks must keep a status to begin in. What was wrong before does not stand in the way of
/// other settings.
fn settled(facts: &Facts, events: Vec<EventBody>) -> Result<Vec<EventBody>, Rejection> {
    let before = &facts.config;
    let mut after = before.clone();
    for event in &events {
        after.change(&event.data);
    }
    let statuses = after.statuses();
    let same = before.default_status() == after.default_status() && before.statuses() == statuses;
    if !same && !statuses.iter().any(|status| status == after.default_status()) {
        return Err(Rejection::Invalid {
            what: "setting",
            got: format!("workflow.statuses = {}", json!(statuses)),
            rule: "it must hold the default status; `lattice config edit` changes both at once",
        });
    }
    Ok(events)
}

fn changed(path: &str, to: Value) -> EventBody {
    EventBody::of_instance(kind::CONFIG_CHANGED, json!({"path": path, "to": to}))
}

fn removed(path: &str) -> EventBody {
    EventBody::of_instance(kind::CONFIG_CHANGED, json!({"path": path, "removed": true}))
}

fn fixed() -> Rejection {
    Rejection::Invalid {
        what: "setting",
        got: "instance_id".to_owned(),
        rule: "the tracker's id never changes",
    }
}

/// A path must lead through objects. The fold would replace whatever else stands in the way, so
/// that a slip such as `workflow.statuses.0` would cost the whole list.
fn check_way(config: &Config, path: &str) -> Result<(), Rejection> {
    let wrong = |rule| Err(Rejection::Invalid { what: "setting", got: dotted(path), rule });
    if !path.starts_with('/') || path.split('/').skip(1).any(str::is_empty) {
        return wrong("name one setting, such as workflow.review_cycle_limit");
    }
    for (end, _) in path.match_indices('/').skip(1) {
        match config.get(&path[..end]) {
            Some(Value::Object(_)) | None => {}
            Some(Value::Array(_)) => return wrong("a list is set as a whole"),
            Some(_) => return wrong("there is a plain value on the way to it"),
        }
    }
    Ok(())
}

/// Settings that Lattice reads must have the type that it reads, however deep they stand in the
/// value; all others are free.
fn check(config: &Config, path: &str, to: &Value) -> Result<(), Rejection> {
    if path.matches('/').count() + json::depth(to) > json::MAX_DEPTH {
        return Err(Rejection::Invalid {
            what: "setting",
            got: path.to_owned(),
            rule: "at most 100 levels deep",
        });
    }
    check_one(config, path, to)?;
    if let Value::Object(members) = to {
        for (key, value) in members {
            check(config, &format!("{path}/{}", escape(key)), value)?;
        }
    }
    Ok(())
}

fn check_one(config: &Config, path: &str, to: &Value) -> Result<(), Rejection> {
    let wrong = |rule: &'static str| {
        Err(Rejection::Invalid { what: "setting", got: format!("{} = {to}", dotted(path)), rule })
    };
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["instance_id"] => Err(fixed()),
        ["schema_version"] if config.get(path) != Some(to) => {
            wrong("the format's version never changes by hand")
        }
        ["workflow"]
        | ["hooks"]
        | ["hooks", "on" | "transitions"]
        | ["workflow", "transitions" | "wip_limits" | "completion_policies" | "display_names"]
        | ["workflow", "completion_policies", _]
            if !to.is_object() =>
        {
            wrong("an object")
        }
        ["hooks", "post_event"] | ["hooks", "on" | "transitions", _] if !is_commands(to) => {
            wrong("a command for the shell, or a list of them")
        }
        ["hooks", "transitions", key] if ends(key).is_none() => {
            wrong("a transition is written `from -> to`, with * for any status")
        }
        ["workflow", "statuses"] if !is_texts(to) || to.as_array().is_none_or(Vec::is_empty) => {
            wrong("a list of at least one status")
        }
        ["task_types"]
        | ["workflow", "roles" | "universal_targets" | "finished"]
        | ["workflow", "transitions", _]
        | ["workflow", "completion_policies", _, "require_roles"]
            if !is_texts(to) =>
        {
            wrong("a list of texts")
        }
        ["workflow", "completion_policies", _, "require_assigned"] if !to.is_boolean() => {
            wrong("true or false")
        }
        ["resources"] | ["resources", _] if !to.is_object() => wrong("an object"),
        ["resources", name] if !is_name(name) => wrong(
            "a resource's name is a letter or digit, then up to 63 of letters, digits, dot, underscore and dash",
        ),
        ["resources", _, "max_holders" | "ttl_seconds"] if to.as_i64().is_none_or(|n| n < 1) => {
            wrong("a whole number, 1 or more")
        }
        ["resources", _, "description"] if !to.is_string() => wrong("a text"),
        ["workflow", "display_names", _] if !to.is_string() => wrong("a text"),
        ["artifacts"] if !to.is_object() => wrong("an object"),
        ["artifacts", "max_bytes"] if !to.as_u64().is_some_and(|n| (1..=MOST_PAYLOAD).contains(&n)) => {
            wrong("a whole number of bytes, from 1 to 268435456")
        }
        ["git"] if !to.is_object() => wrong("an object"),
        ["git", "detect"] if !to.is_boolean() => wrong("true or false"),
        ["workflow", "wip_limits", _] | ["workflow", "review_cycle_limit"] if to.as_u64().is_none() => {
            wrong("a whole number, 0 or more")
        }
        ["default_status"]
            if !to.as_str().is_some_and(|s| config.statuses().iter().any(|known| known == s)) =>
        {
            wrong("one of the workflow's statuses")
        }
        ["default_priority"] if !to.as_str().is_some_and(|p| PRIORITIES.contains(&p)) => {
            wrong("critical, high, medium or low")
        }
        ["default_actor"] if to.as_str().and_then(Actor::parse).is_none() => {
            wrong("an actor, such as human:ada")
        }
        ["project_code" | "subproject_code"] if !to.as_str().is_some_and(is_code) => wrong(CODE),
        _ => Ok(()),
    }
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

const CODE: &str = "1 to 5 capital letters or digits, a letter first";

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
        return Err(Rejection::NoProjectCode { purpose: "a sub-project" });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::default_config;

    fn rule(outcome: Result<(), Rejection>) -> &'static str {
        match outcome {
            Err(Rejection::Invalid { rule, .. }) => rule,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_path_through_a_list_or_a_plain_value_is_refused() {
        let config = Config::new(default_config());
        assert_eq!(rule(check_way(&config, "/workflow/statuses/0")), "a list is set as a whole");
        assert!(check_way(&config, "/default_status/deep").is_err());
        assert!(check_way(&config, "").is_err() && check_way(&config, "/").is_err());
        assert_eq!(check_way(&config, "/new/deep/setting"), Ok(()));
        assert_eq!(check_way(&config, "/workflow/statuses"), Ok(()));
    }

    #[test]
    fn a_wrong_type_is_found_inside_a_whole_object_too() {
        let config = Config::new(default_config());
        assert!(check(&config, "/workflow", &json!({"wip_limits": {"review": "many"}})).is_err());
        assert!(check(&config, "/workflow", &json!({"statuses": []})).is_err());
        assert_eq!(check(&config, "/workflow", &json!({"statuses": ["a"], "mine": {"x": 1}})), Ok(()));
    }
}
