//! Hooks: which commands the configuration asks to run after which event. Running them, and
//! whether they may run at all, is decided elsewhere.

use serde_json::Value;

use super::config::{Config, dotted, escape};
use super::event::{Event, kind};

/// A command that somebody wants to be run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// The setting that asks for it, such as `hooks.on.comment_added`.
    pub point: String,
    /// What the shell is given.
    pub command: String,
}

/// Every hook of the configuration, in the order in which an event would call them.
#[must_use]
pub fn all(config: &Config) -> Vec<Hook> {
    let mut found = at(config, "/hooks/post_event");
    for group in ["/hooks/on", "/hooks/transitions"] {
        for key in config.get(group).and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
            found.extend(at(config, &format!("{group}/{}", escape(key))));
        }
    }
    found
}

/// The hooks that an event calls, in order: for every event, for its type, for its transition
/// from the exact one to the widest.
#[must_use]
pub fn called(config: &Config, event: &Event) -> Vec<Hook> {
    if config.get("/hooks").is_none() {
        return Vec::new();
    }
    let mut called = at(config, "/hooks/post_event");
    called.extend(at(config, &format!("/hooks/on/{}", escape(&event.kind))));
    if let (kind::STATUS_CHANGED, Some(from), Some(to)) =
        (event.kind.as_str(), event.text("from"), event.text("to"))
        && let Some(transitions) = config.get("/hooks/transitions").and_then(Value::as_object)
    {
        for wanted in [(from, to), ("*", to), (from, "*"), ("*", "*")] {
            for key in transitions.keys().filter(|key| ends(key) == Some(wanted)) {
                called.extend(at(config, &format!("/hooks/transitions/{}", escape(key))));
            }
        }
    }
    called
}

/// The two statuses of a transition as it is written: `review -> done`, `* -> done`.
#[must_use]
pub fn ends(key: &str) -> Option<(&str, &str)> {
    let (from, to) = key.split_once("->")?;
    let (from, to) = (from.trim(), to.trim());
    (!from.is_empty() && !to.is_empty()).then_some((from, to))
}

/// Whether a value can be what a setting runs: a text, or a list of texts.
#[must_use]
pub fn is_commands(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(list) => list.iter().all(Value::is_string),
        _ => false,
    }
}

/// The commands of one setting. Blank ones, and what is no text, are none.
fn at(config: &Config, pointer: &str) -> Vec<Hook> {
    let commands: Vec<&str> = match config.get(pointer) {
        Some(Value::String(command)) => vec![command],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let point = dotted(pointer);
    let hook = |command: &str| Hook { point: point.clone(), command: command.to_owned() };
    commands.into_iter().filter(|command| !command.trim().is_empty()).map(hook).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, data: &Value) -> Event {
        Event::from_value(json!({
            "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": kind,
            "actor": "agent:x", "task_id": "task_01KPH4C22FWF63BPQ4SET7E5JG", "data": data, "parents": [],
        }))
        .unwrap()
    }

    fn commands(config: &Config, event: &Event) -> Vec<String> {
        called(config, event).into_iter().map(|hook| hook.command).collect()
    }

    #[test]
    fn an_event_calls_its_hooks_from_the_exact_to_the_widest() {
        let config = Config::new(json!({"hooks": {
            "post_event": "first",
            "on": {"status_changed": ["second", " "], "comment_added": "comment"},
            "transitions": {
                "* -> *": "sixth", "review -> *": "fifth", "*->done": ["fourth", "and again"],
                "review -> done": "third", "done -> review": "never", "nonsense": "never",
            },
        }}));
        let moved = event("status_changed", &json!({"from": "review", "to": "done"}));
        assert_eq!(
            commands(&config, &moved),
            ["first", "second", "third", "fourth", "and again", "fifth", "sixth"]
        );
        assert_eq!(commands(&config, &event("comment_added", &json!({"body": "x"}))), ["first", "comment"]);
        assert_eq!(commands(&Config::new(json!({"hooks": 7})), &moved), Vec::<String>::new());
    }

    #[test]
    fn every_hook_that_can_be_called_is_listed() {
        let config = Config::new(json!({"hooks": {
            "post_event": "a", "on": {"x_thing": "b"}, "transitions": {"* -> done": ["c", "d"]},
        }}));
        let points: Vec<_> = all(&config).into_iter().map(|hook| (hook.point, hook.command)).collect();
        let expected = [
            ("hooks.post_event", "a"),
            ("hooks.on.x_thing", "b"),
            ("hooks.transitions.* -> done", "c"),
            ("hooks.transitions.* -> done", "d"),
        ];
        assert_eq!(points, expected.map(|(point, command)| (point.to_owned(), command.to_owned())));
        let moved = event("status_changed", &json!({"from": "a", "to": "done"}));
        assert!(called(&config, &moved).iter().all(|hook| all(&config).contains(hook)));
    }
}
