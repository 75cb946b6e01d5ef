//! The words of other trackers in ours: statuses, priorities, types, people.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Link, Record, Remark, id_field};
use crate::domain::workflow::{COMPLEXITIES, PRIORITIES, URGENCIES};
use crate::domain::{Actor, Config, TaskId, Timestamp};

/// Who is named as the author where the other tracker names nobody.
pub const NOBODY: &str = "system:import";

/// Statuses of other trackers by what they mean here. The first that the workflow has is taken.
const MEANINGS: [(&[&str], &[&str]); 6] = [
    (
        &[
            "open",
            "new",
            "todo",
            "to_do",
            "pending",
            "backlog",
            "deferred",
            "waiting",
            "recurring",
            "draft",
            "pinned",
            "reopened",
            "triage",
        ],
        &[],
    ),
    (&["ready", "planned", "next", "selected"], &["planned"]),
    (
        &["in_progress", "doing", "started", "active", "hooked", "wip", "working", "in_development"],
        &["in_progress"],
    ),
    (&["review", "in_review", "reviewing", "testing", "in_testing", "qa"], &["review"]),
    (&["blocked", "on_hold", "stuck"], &["blocked"]),
    (&["closed", "done", "completed", "complete", "resolved", "fixed", "finished", "shipped"], &["done"]),
];

/// Statuses that end a task without its being done.
const GIVEN_UP: [&str; 12] = [
    "cancelled",
    "canceled",
    "deleted",
    "tombstone",
    "not_planned",
    "duplicate",
    "wontfix",
    "wont_fix",
    "won't_fix",
    "won't_do",
    "abandoned",
    "rejected",
];

/// Priorities of other trackers, most urgent first.
const RANKS: [&[&str]; 4] = [
    &["critical", "highest", "urgent", "blocker", "immediate", "p0", "0"],
    &["high", "h", "major", "p1", "1"],
    &["medium", "m", "normal", "moderate", "p2", "2"],
    &["low", "l", "lowest", "minor", "trivial", "p3", "p4", "3", "4"],
];

/// Types of other trackers that mean one of ours.
const KINDS: [(&str, &str); 7] = [
    ("defect", "bug"),
    ("fix", "bug"),
    ("research", "spike"),
    ("investigation", "spike"),
    ("maintenance", "chore"),
    ("docs", "chore"),
    ("documentation", "chore"),
];

/// What a tracker's words mean here.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Where the records are from.
    pub source: &'a str,
    /// The configuration.
    pub config: &'a Config,
    /// Statuses of the source, plain as [`plain`] makes them, with ours.
    pub statuses: &'a BTreeMap<String, String>,
}

/// A word that nobody knows here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// `status`, `priority`, `type`, …
    pub what: &'static str,
    /// The word.
    pub word: String,
    /// What was taken for it, if anything.
    pub taken: String,
}

/// A record in our words.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Wanted {
    pub title: String,
    pub author: Actor,
    /// Fields that were said, by name, null where there is nothing.
    pub fields: BTreeMap<&'static str, Value>,
    pub status: String,
    /// Who it is given to, null for nobody; `None` where nothing was said.
    pub assigned_to: Option<Value>,
    pub custom: Map<String, Value>,
    pub plan: Option<String>,
    pub notes: Option<String>,
    pub created: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    /// When the status became what it is.
    pub moved: Option<Timestamp>,
    pub reason: Option<String>,
    pub archived: bool,
    pub comments: Vec<Remark>,
    /// Relations whose other end is known.
    pub links: Option<Vec<(Link, TaskId)>>,
}

/// A word in small letters, with one sign between its parts.
#[must_use]
pub fn plain(word: &str) -> String {
    word.trim().to_lowercase().split([' ', '-', '_']).filter(|p| !p.is_empty()).collect::<Vec<_>>().join("_")
}

/// Somebody of another tracker: an actor as it stands, else a person of that name.
#[must_use]
pub fn person(name: &str) -> Option<Actor> {
    let name = name.trim().trim_start_matches('@').trim();
    if name.is_empty() {
        return None;
    }
    Some(Actor::parse(name).unwrap_or_else(|| Actor::Plain(format!("human:{name}"))))
}

impl Words<'_> {
    /// The record in our words; `links` are those of its relations whose other end is known.
    /// Words that nobody knows are noted.
    #[must_use]
    pub fn wanted(
        &self,
        record: &Record,
        links: Option<Vec<(Link, TaskId)>>,
        unknown: &mut Vec<Unknown>,
    ) -> Wanted {
        let mut custom = Map::new();
        custom.insert(id_field(self.source), json!(record.id));
        let mut keep = |name: &str, value: Value| {
            custom.insert(format!("{}.{name}", self.source), value);
        };
        let mut fields = BTreeMap::new();
        if let Some(text) = &record.description {
            fields.insert("description", said(text));
        }
        if let Some(tags) = &record.tags {
            fields.insert("tags", if tags.is_empty() { Value::Null } else { json!(tags) });
        }
        let mut note = |what: &'static str, word: &str, taken: &str| {
            unknown.push(Unknown { what, word: word.trim().to_owned(), taken: taken.to_owned() });
        };
        for (name, word, known) in [
            ("priority", &record.priority, &PRIORITIES[..]),
            ("urgency", &record.urgency, &URGENCIES[..]),
            ("complexity", &record.complexity, &COMPLEXITIES[..]),
        ] {
            let Some(word) = word.as_deref().filter(|word| !word.trim().is_empty()) else { continue };
            let small = plain(word);
            let ranked = RANKS.iter().position(|rank| rank.contains(&small.as_str()));
            let ours = match known.iter().find(|ours| **ours == small) {
                Some(ours) => Some(*ours),
                None if name == "priority" => ranked.map(|rank| PRIORITIES[rank]),
                None => None,
            };
            match ours {
                Some(ours) => {
                    fields.insert(name, json!(ours));
                    // `p3` and `p4` are both low, so the word says more.
                    if small.ends_with('4') || small == "lowest" || small == "trivial" {
                        keep(name, json!(word.trim()));
                    }
                }
                None => {
                    keep(name, json!(word.trim()));
                    note(name, word, if name == "priority" { self.config.default_priority() } else { "" });
                }
            }
        }
        if let Some(word) = record.kind.as_deref().filter(|word| !word.trim().is_empty()) {
            let (ours, is_exact) = self.kind(word);
            if !is_exact {
                keep("type", json!(word.trim()));
            }
            fields.insert("type", json!(ours));
        }
        let word = record.status.as_deref().filter(|word| !word.trim().is_empty());
        let status = match word {
            None => self.config.default_status().to_owned(),
            Some(word) => self.status(word).unwrap_or_else(|| {
                note("status", word, self.config.default_status());
                keep("status", json!(word.trim()));
                self.config.default_status().to_owned()
            }),
        };
        if let Some(reason) = record.close_reason.as_deref().filter(|reason| !reason.trim().is_empty()) {
            keep("close_reason", json!(reason));
        }
        for (name, value) in &record.rest {
            keep(name, value.clone());
        }
        let finished = self.config.finished().contains(&status.as_str());
        let moved = if finished { record.closed } else { record.started };
        Wanted {
            title: record.title.trim().to_owned(),
            author: record.author.as_deref().and_then(person).unwrap_or_else(|| Actor::Plain(NOBODY.into())),
            fields,
            moved: moved.or(record.updated),
            reason: record.close_reason.clone().filter(|reason| finished && !reason.trim().is_empty()),
            status,
            assigned_to: record
                .assignee
                .as_deref()
                .map(|name| person(name).map_or(Value::Null, |actor| actor.to_value())),
            custom,
            plan: filled(record.plan.as_deref()),
            notes: filled(record.notes.as_deref()),
            created: record.created,
            updated: record.updated,
            archived: record.archived,
            comments: record.comments.clone(),
            links,
        }
    }

    /// The status that a word means, `None` if nobody knows.
    fn status(&self, word: &str) -> Option<String> {
        let small = plain(word);
        if let Some(ours) = self.statuses.get(&small) {
            return Some(ours.clone());
        }
        let ours = self.config.statuses();
        if let Some(same) = self.config.find_status(word.trim()).or_else(|| self.config.find_status(&small)) {
            return Some(same);
        }
        if GIVEN_UP.contains(&small.as_str()) {
            return ours.iter().find(|s| *s == "cancelled").cloned().or_else(|| self.any_end());
        }
        let (_, meanings) = MEANINGS.iter().find(|(words, _)| words.contains(&small.as_str()))?;
        if let Some(meant) = meanings.iter().find(|meant| ours.iter().any(|status| status == *meant)) {
            return Some((*meant).to_owned());
        }
        match meanings.first() {
            None => Some(self.config.default_status().to_owned()),
            Some(&"done") => self.any_end(),
            Some(_) => None,
        }
    }

    /// A status of the workflow that ends a task.
    fn any_end(&self) -> Option<String> {
        let ours = self.config.known_statuses();
        self.config.finished().into_iter().find(|status| ours.contains(status)).map(str::to_owned)
    }

    /// The type that a word means, and whether that is the same word.
    fn kind(&self, word: &str) -> (String, bool) {
        let small = plain(word);
        let ours = self.config.task_types();
        if let Some(same) = ours.iter().find(|kind| plain(kind) == small) {
            return ((*same).to_owned(), true);
        }
        let meant = KINDS.iter().find(|(theirs, _)| *theirs == small).map(|(_, meant)| *meant);
        let known = meant.filter(|meant| ours.iter().any(|kind| kind == meant));
        (known.unwrap_or("task").to_owned(), false)
    }
}

fn said(text: &str) -> Value {
    if text.trim().is_empty() { Value::Null } else { json!(text) }
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::default_config;

    fn wanted(record: &Record, config: &Config) -> (Wanted, Vec<Unknown>) {
        let statuses = BTreeMap::from([("icebox".to_owned(), "blocked".to_owned())]);
        let words = Words { source: "beads", config, statuses: &statuses };
        let mut unknown = Vec::new();
        (words.wanted(record, None, &mut unknown), unknown)
    }

    #[test]
    fn statuses_of_others_find_their_place_in_the_workflow() {
        let config = Config::new(default_config());
        for (word, status) in [
            ("open", "backlog"),
            ("To Do", "backlog"),
            ("In Progress", "in_progress"),
            ("hooked", "in_progress"),
            ("closed", "done"),
            ("NOT_PLANNED", "cancelled"),
            ("needs-human", "needs_human"),
            ("Icebox", "blocked"),
        ] {
            let record = Record { status: Some(word.to_owned()), ..Record::default() };
            let (wanted, unknown) = wanted(&record, &config);
            assert_eq!((wanted.status.as_str(), unknown.len()), (status, 0), "{word}");
        }
        let record = Record { status: Some("Limbo".to_owned()), ..Record::default() };
        let (wanted, unknown) = wanted(&record, &config);
        assert_eq!((wanted.status.as_str(), unknown[0].word.as_str()), ("backlog", "Limbo"));
        assert_eq!(wanted.custom["beads.status"], "Limbo");
    }

    #[test]
    fn a_workflow_without_our_words_is_served_by_its_own() {
        let mut value = default_config();
        value["workflow"]["statuses"] = json!(["ideas", "shipped"]);
        value["workflow"]["finished"] = json!(["shipped"]);
        value["default_status"] = json!("ideas");
        let config = Config::new(value);
        for (word, status, unknown) in [
            ("open", "ideas", 0),
            ("closed", "shipped", 0),
            ("cancelled", "shipped", 0),
            ("in_progress", "ideas", 1),
        ] {
            let record = Record { status: Some(word.to_owned()), ..Record::default() };
            let (wanted, found) = wanted(&record, &config);
            assert_eq!((wanted.status.as_str(), found.len()), (status, unknown), "{word}");
        }
    }

    #[test]
    fn words_without_a_place_are_kept_beside() {
        let config = Config::new(default_config());
        let record = Record {
            id: "bd-1".into(),
            priority: Some("4".into()),
            kind: Some("epic".into()),
            urgency: Some("soon".into()),
            rest: Map::from_iter([("owner".to_owned(), json!("ada"))]),
            ..Record::default()
        };
        let (wanted, unknown) = wanted(&record, &config);
        assert_eq!((&wanted.fields["priority"], &wanted.fields["type"]), (&json!("low"), &json!("task")));
        let custom = json!({
            "beads_id": "bd-1", "beads.priority": "4", "beads.type": "epic", "beads.urgency": "soon",
            "beads.owner": "ada",
        });
        assert_eq!(Value::Object(wanted.custom), custom);
        assert_eq!(unknown.iter().map(|u| u.what).collect::<Vec<_>>(), ["urgency"]);
    }

    #[test]
    fn people_are_actors() {
        assert_eq!(person("@codex").unwrap().display(), "human:codex");
        assert_eq!(person("agent:claude").unwrap().display(), "agent:claude");
        assert_eq!(person("@ "), None);
    }
}
