//! The configuration and the codes of short ids.

use serde_json::{Value, json};

use crate::domain::actor::Actor;
use crate::domain::artifact::MOST_PAYLOAD;
use crate::domain::config::{Config, differences, dotted, escape, unescape};
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::hooks::{ends, is_commands};
use crate::domain::json;
use crate::domain::rejection::Rejection;
use crate::domain::resource::{TTL_RULE, is_name, is_ttl};
use crate::domain::short_id::is_code;
use crate::domain::workflow::PRIORITIES;

pub(super) fn set(facts: &Facts, path: &str, to: &Value) -> Result<Vec<EventBody>, Rejection> {
    check_way(&facts.config, path)?;
    let event = changed(path, to.clone());
    let mut after = facts.config.clone();
    after.change(&event.data);
    check(&facts.config, &after, path, to)?;
    if facts.config.get(path) == Some(to) {
        return Ok(Vec::new());
    }
    settled(facts, vec![event])
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
                check(&facts.config, &result, &path, &value)?;
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

/// Settings that Lattice reads must have the type that it reads, and name what there is, however
/// deep they stand in the value; all others are free. `after` is the configuration as it will be.
fn check(before: &Config, after: &Config, path: &str, to: &Value) -> Result<(), Rejection> {
    if path.matches('/').count() + json::depth(to) > json::MAX_DEPTH {
        return Err(Rejection::Invalid {
            what: "setting",
            got: path.to_owned(),
            rule: "at most 100 levels deep",
        });
    }
    check_one(before, after, path, to)?;
    if let Value::Object(members) = to {
        for (key, value) in members {
            check(before, after, &format!("{path}/{}", escape(key)), value)?;
        }
    }
    Ok(())
}

fn check_one(before: &Config, after: &Config, path: &str, to: &Value) -> Result<(), Rejection> {
    let wrong = |rule: &'static str| {
        Err(Rejection::Invalid { what: "setting", got: format!("{} = {to}", dotted(path)), rule })
    };
    let statuses = after.statuses();
    let is_status = |text: &str| statuses.iter().any(|known| known == text);
    let are_statuses =
        || to.as_array().is_some_and(|list| list.iter().all(|value| value.as_str().is_some_and(is_status)));
    let parts: Vec<String> = path.split('/').skip(1).map(unescape).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["instance_id"] => Err(fixed()),
        ["schema_version"] if before.get(path) != Some(to) => {
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
        ["hooks", other] if !["post_event", "on", "transitions"].contains(other) => {
            wrong("hooks stand under hooks.post_event, hooks.on and hooks.transitions")
        }
        ["hooks", "on", kind] if !kind.starts_with("x_") && !kind::BUILT_IN.contains(kind) => {
            wrong("a type of event, such as comment_added, or one of your own, which begins with x_")
        }
        ["hooks", "transitions", key] => match ends(key) {
            None => wrong("a transition is written `from -> to`, with * for any status"),
            Some((from, to)) if [from, to].iter().any(|end| *end != "*" && !is_status(end)) => {
                wrong("a transition leads from one of the workflow's statuses to another, or from or to *")
            }
            Some(_) => Ok(()),
        },
        ["workflow", "statuses"] if !is_names(to) => wrong("a list of at least one status"),
        ["task_types"] if !is_names(to) => wrong("a list of at least one type"),
        ["workflow", "roles"] | ["workflow", "completion_policies", _, "require_roles"] if !is_texts(to) => {
            wrong("a list of texts")
        }
        ["workflow", "transitions" | "wip_limits" | "display_names" | "completion_policies", status]
            if !is_status(status) =>
        {
            wrong("it is about one of the workflow's statuses: `lattice config get workflow.statuses`")
        }
        ["workflow", "universal_targets" | "finished"] | ["workflow", "transitions", _]
            if !are_statuses() =>
        {
            wrong("a list of the workflow's statuses: `lattice config get workflow.statuses`")
        }
        ["workflow", "completion_policies", _, other]
            if !["require_roles", "require_assigned"].contains(other) =>
        {
            wrong("a policy has require_roles and require_assigned")
        }
        ["workflow", "completion_policies", _, "require_assigned"] if !to.is_boolean() => {
            wrong("true or false")
        }
        ["resources"] | ["resources", _] if !to.is_object() => wrong("an object"),
        ["resources", name] if !is_name(name) => wrong(
            "a resource's name is a letter or digit, then up to 63 of letters, digits, dot, underscore and dash",
        ),
        ["resources", _, other] if !["description", "max_holders", "ttl_seconds"].contains(other) => {
            wrong("a resource has description, max_holders and ttl_seconds")
        }
        ["resources", _, "max_holders"] if to.as_i64().is_none_or(|n| n < 1) => {
            wrong("a whole number, 1 or more")
        }
        ["resources", _, "ttl_seconds"] if !to.as_i64().is_some_and(is_ttl) => wrong(TTL_RULE),
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
        ["default_status"] if !to.as_str().is_some_and(is_status) => wrong("one of the workflow's statuses"),
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

/// A list of at least one text, none of them blank.
fn is_names(value: &Value) -> bool {
    let is_name = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_name))
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
        assert!(checked("/workflow", json!({"wip_limits": {"review": "many"}})).is_err());
        assert!(checked("/workflow", json!({"statuses": []})).is_err());
        assert_eq!(checked("/workflow", json!({"statuses": ["a"], "mine": {"x": 1}})), Ok(()));
        let both = json!({"statuses": ["a", "b"], "transitions": {"a": ["b"]}});
        assert_eq!(checked("/workflow", both), Ok(()), "what is checked is the result");
    }

    fn checked(path: &str, to: Value) -> Result<(), Rejection> {
        let before = Config::new(default_config());
        let mut after = before.clone();
        after.change(&changed(path, to.clone()).data);
        check(&before, &after, path, &to)
    }

    #[test]
    fn settings_that_name_what_is_not_there_are_refused() {
        for (path, to) in [
            ("/task_types", json!([])),
            ("/task_types", json!(["task", " "])),
            ("/workflow/statuses", json!(["backlog", ""])),
            ("/workflow/wip_limits/reviw", json!(3)),
            ("/workflow/transitions/reviw", json!(["done"])),
            ("/workflow/transitions/review", json!(["don"])),
            ("/workflow/universal_targets", json!(["canceled"])),
            ("/workflow/finished", json!(["canceled"])),
            ("/workflow/display_names/reviw", json!("x")),
            ("/workflow/completion_policies/don", json!({"require_assigned": true})),
            ("/workflow/completion_policies/done", json!({"require_asigned": true})),
            ("/hooks/post_evnt", json!("x")),
            ("/hooks", json!({"transition": {}})),
            ("/hooks/on/comment_aded", json!("x")),
            ("/hooks/transitions/review -> don", json!("x")),
            ("/resources/gpu", json!({"max_holder": 2})),
            ("/resources/gpu/ttl_seconds", json!(31_622_401)),
            ("/schema_version", json!(2)),
        ] {
            assert!(checked(path, to.clone()).is_err(), "{path} {to}");
        }
        for (path, to) in [
            ("/task_types", json!(["story"])),
            ("/workflow/finished", json!([])),
            ("/workflow/completion_policies/done", json!({"require_assigned": true})),
            ("/hooks/on/x_deployed", json!("x")),
            ("/hooks/on/comment_added", json!(["x", "y"])),
            ("/hooks/transitions/* -> done", json!("x")),
            ("/resources/gpu", json!({"max_holders": 2, "ttl_seconds": 31_622_400})),
            ("/mine", json!({"anything": []})),
        ] {
            assert_eq!(checked(path, to.clone()), Ok(()), "{path} {to}");
        }
    }
}
