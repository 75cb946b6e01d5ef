//! The configuration: one JSON document that `config_changed` events build, path by path.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{Event, kind};
pub use super::pointer::{differences, dotted, escape, pointer, unescape};
use super::pointer::{set, unset};
use super::workflow::DEFAULT_STATUSES;

/// What a status asks for before a task may enter it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionPolicy {
    /// Roles that evidence must be there for.
    pub require_roles: Vec<String>,
    /// Whether somebody must be assigned.
    pub require_assigned: bool,
}

/// Typed reading of the configuration. Members of the wrong type count as absent: the document
/// may come from a newer version or from a hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Shared: every command of a batch looks at it, and hardly any changes it.
    value: Arc<Value>,
}

impl Config {
    /// Reads this document.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value: Arc::new(value) }
    }

    /// The document that the tracker's own events build, given in canonical order.
    #[must_use]
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut config = Self::new(Value::Object(Map::new()));
        for event in events {
            config.apply(event);
        }
        config
    }

    /// Applies one event of the tracker; other types and broken paths change nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.kind != kind::CONFIG_CHANGED {
            return;
        }
        self.change(&event.data);
    }

    /// Applies what one `config_changed` says.
    pub fn change(&mut self, data: &Map<String, Value>) {
        let Some(path) = data.get("path").and_then(Value::as_str) else { return };
        match data.get("to") {
            Some(to) => set(Arc::make_mut(&mut self.value), path, to.clone()),
            None if data.get("removed") == Some(&Value::Bool(true)) => {
                unset(Arc::make_mut(&mut self.value), path)
            }
            None => {}
        }
    }

    /// The whole document.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value at a JSON pointer (RFC 6901).
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        if pointer.contains('~') {
            return self.value.pointer(pointer);
        }
        // Without escapes no name has to be copied to be found.
        pointer.strip_prefix('/').map_or_else(
            || self.value.pointer(pointer),
            |path| {
                path.split('/').try_fold(&*self.value, |value, name| match value {
                    Value::Object(map) => map.get(name),
                    // A list is rare enough.
                    other => other.pointer(&format!("/{name}")),
                })
            },
        )
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer).and_then(Value::as_str)
    }

    fn texts(&self, pointer: &str) -> Option<Vec<&str>> {
        Some(self.get(pointer)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    fn list(&self, pointer: &str) -> Option<Vec<String>> {
        Some(self.texts(pointer)?.into_iter().map(str::to_owned).collect())
    }

    /// The statuses in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<String> {
        self.known_statuses().into_iter().map(str::to_owned).collect()
    }

    /// The same, not copied.
    #[must_use]
    pub fn known_statuses(&self) -> Vec<&str> {
        let configured = self.texts("/workflow/statuses").filter(|list| !list.is_empty());
        configured.unwrap_or_else(|| DEFAULT_STATUSES.to_vec())
    }

    /// Explicit transitions from a status, in listed order.
    #[must_use]
    pub fn transitions(&self, from: &str) -> Vec<String> {
        self.list(&format!("/workflow/transitions/{}", escape(from))).unwrap_or_default()
    }

    /// Statuses that can be entered from everywhere.
    #[must_use]
    pub fn universal_targets(&self) -> Vec<String> {
        self.list("/workflow/universal_targets").unwrap_or_default()
    }

    /// Statuses that end a task's work.
    #[must_use]
    pub fn finished(&self) -> Vec<&str> {
        self.texts("/workflow/finished").unwrap_or_else(|| vec!["done", "cancelled"])
    }

    /// Roles that evidence may have: the configured ones and those that policies ask for. Empty
    /// means that any will do.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let mut roles = self.list("/workflow/roles").unwrap_or_default();
        if let Some(policies) = self.get("/workflow/completion_policies").and_then(Value::as_object) {
            for status in policies.keys() {
                for role in self.completion_policy(status).map(|p| p.require_roles).unwrap_or_default() {
                    if !roles.contains(&role) {
                        roles.push(role);
                    }
                }
            }
        }
        roles
    }

    /// What a status asks for, `None` if nothing.
    #[must_use]
    pub fn completion_policy(&self, status: &str) -> Option<CompletionPolicy> {
        let at = format!("/workflow/completion_policies/{}", escape(status));
        self.get(&at)?.as_object()?;
        Some(CompletionPolicy {
            require_roles: self.list(&format!("{at}/require_roles")).unwrap_or_default(),
            require_assigned: self
                .get(&format!("{at}/require_assigned"))
                .and_then(Value::as_bool)
                .unwrap_or(false),
        })
    }

    /// How often a task may go back from review to work.
    #[must_use]
    pub fn review_cycle_limit(&self) -> u64 {
        self.get("/workflow/review_cycle_limit").and_then(Value::as_u64).unwrap_or(3)
    }

    /// How many tasks a status should hold at most.
    #[must_use]
    pub fn wip_limit(&self, status: &str) -> Option<u64> {
        self.get("/workflow/wip_limits")?.as_object()?.get(status)?.as_u64()
    }

    /// What people call a status: its configured name, else the slug with spaces.
    #[must_use]
    pub fn display_name(&self, status: &str) -> String {
        self.text(&format!("/workflow/display_names/{}", escape(status)))
            .map_or_else(|| status.replace('_', " "), str::to_owned)
    }

    /// The status of a slug or, in any case, of a display name.
    #[must_use]
    pub fn find_status(&self, text: &str) -> Option<String> {
        let statuses = self.statuses();
        if let Some(exact) = statuses.iter().find(|s| *s == text) {
            return Some(exact.clone());
        }
        let wanted = text.to_lowercase();
        statuses.into_iter().find(|s| self.display_name(s).to_lowercase() == wanted)
    }

    /// Types that a task may have.
    #[must_use]
    pub fn task_types(&self) -> Vec<&str> {
        self.texts("/task_types").unwrap_or_else(|| vec!["task", "bug", "spike", "chore"])
    }

    /// The status of a new task.
    #[must_use]
    pub fn default_status(&self) -> &str {
        self.text("/default_status").unwrap_or("backlog")
    }

    /// The priority of a new task.
    #[must_use]
    pub fn default_priority(&self) -> &str {
        self.text("/default_priority").unwrap_or("medium")
    }

    /// Who writes at a terminal when nobody was named.
    #[must_use]
    pub fn default_actor(&self) -> Option<&str> {
        self.text("/default_actor")
    }

    /// The project's code, and its sub-project's behind a dash: the prefix of new short ids.
    #[must_use]
    pub fn short_id_prefix(&self) -> Option<String> {
        let code = self.project_code()?;
        Some(match self.text("/subproject_code") {
            Some(sub) => format!("{code}-{sub}"),
            None => code.to_owned(),
        })
    }

    /// The project's code.
    #[must_use]
    pub fn project_code(&self) -> Option<&str> {
        self.text("/project_code")
    }

    /// Names of the resources that are declared here.
    #[must_use]
    pub fn resources(&self) -> Vec<&str> {
        let declared = self.get("/resources").and_then(Value::as_object);
        declared.map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// What is declared of a resource: an object.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Map<String, Value>> {
        self.get(&format!("/resources/{}", escape(name)))?.as_object()
    }

    /// Whether `show` looks for branches and commits that name the task.
    #[must_use]
    pub fn detects_git(&self) -> bool {
        self.get("/git/detect").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The tracker's id.
    #[must_use]
    pub fn instance_id(&self) -> Option<&str> {
        self.text("/instance_id")
    }
}

/// The configuration of a new tracker (the `classic` workflow), without its id and names.
#[must_use]
pub fn default_config() -> Value {
    json!({
        "schema_version": 1,
        "default_status": "backlog",
        "default_priority": "medium",
        "task_types": ["task", "bug", "spike", "chore"],
        "workflow_preset": "classic",
        "workflow": {
            "statuses": DEFAULT_STATUSES,
            "transitions": {
                "backlog": ["in_planning", "planned", "cancelled"],
                "in_planning": ["planned", "needs_human", "cancelled"],
                "planned": ["in_progress", "review", "blocked", "needs_human", "cancelled"],
                "in_progress": ["review", "blocked", "needs_human", "cancelled"],
                "review": ["done", "in_progress", "in_planning", "needs_human", "cancelled"],
                "done": [],
                "blocked": ["in_planning", "planned", "in_progress", "cancelled"],
                "needs_human": ["in_planning", "planned", "in_progress", "review", "cancelled"],
                "cancelled": [],
            },
            "universal_targets": ["needs_human", "cancelled"],
            "roles": ["review"],
            "wip_limits": {"in_progress": 10, "review": 5},
            "descriptions": {
                "backlog": "Written down; nobody has begun.",
                "in_planning": "Being thought through: questions, scope, approach. No code yet.",
                "planned": "The plan stands. Work may begin.",
                "in_progress": "Somebody is building it.",
                "review": "Built, and being looked at before it counts.",
                "done": "Looked at and delivered.",
                "blocked": "Cannot go on until something outside of it changes.",
                "needs_human": "A person has to decide, allow or supply something.",
                "cancelled": "Given up; nothing more will happen.",
            },
        },
    })
}

/// Display names of the `opinionated` preset.
#[must_use]
pub fn opinionated_names() -> Value {
    json!({
        "backlog": "thinking about it", "in_planning": "figuring it out", "planned": "ready to go",
        "in_progress": "on it", "review": "check my work", "done": "shipped", "blocked": "stuck",
        "needs_human": "ask flesh", "cancelled": "never mind",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_lead_from_one_document_to_the_other() {
        let from = json!({"a": {"b": 1, "c/d": 2}, "e": [1]});
        let to = json!({"a": {"b": 3, "f": {}}, "e": [1, 2]});
        let mut value = from.clone();
        for (path, change) in differences(&from, &to) {
            match change {
                Some(change) => set(&mut value, &path, change),
                None => unset(&mut value, &path),
            }
        }
        assert_eq!(value, to);
    }

    #[test]
    fn a_display_name_finds_its_status_in_any_case() {
        let mut value = default_config();
        value["workflow"]["display_names"] = opinionated_names();
        let config = Config::new(value);
        assert_eq!(config.find_status("SHIPPED").as_deref(), Some("done"));
        assert_eq!(config.find_status("done").as_deref(), Some("done"));
        assert_eq!(config.find_status("nope"), None);
    }

    #[test]
    fn a_path_with_dots_reads_back_unless_a_key_holds_some() {
        assert_eq!(pointer("workflow.wip_limits.review"), "/workflow/wip_limits/review");
        assert_eq!(pointer("hooks.transitions.a/b"), "/hooks/transitions/a~1b");
        assert_eq!(pointer("/a.b/c"), "/a.b/c");
        assert_eq!(dotted("/workflow/wip_limits/review"), "workflow.wip_limits.review");
        assert_eq!(dotted("/a.b/c"), "/a.b/c");
        assert_eq!(dotted("/a~1b"), "/a~1b");
    }
}
