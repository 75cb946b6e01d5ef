//! One task with its history and its neighbours.

use serde_json::{Map, Value, json};

use crate::app::{Arrival, Commit, Details, Related};
use crate::domain::event::Event;
use crate::domain::{Task, Timestamp};

/// All that `show --json` says. Members that say nothing are absent: `archived`, `notes_path`, the
/// two about git and the two about a task that left `done`. A plan there always is, at least its scaffold.
#[must_use]
pub fn details(details: &Details, full: bool) -> Value {
    let mut map = details.task.snapshot();
    map.insert("events".into(), details.events.iter().map(Event::value).collect());
    map.insert("valid_transitions".into(), json!(details.valid_transitions));
    map.insert("relationships_enriched".into(), outgoing(details));
    map.insert("relationships_in".into(), incoming(details));
    map.insert("artifact_info".into(), artifacts(details));
    archived(&mut map, &details.task);
    map.insert("plan_path".into(), json!(format!("plans/{}.md", details.task.id)));
    if details.has_notes {
        map.insert("notes_path".into(), json!(format!("notes/{}.md", details.task.id)));
    }
    let traces = &details.traces;
    if !traces.branches.is_empty() {
        map.insert("auto_detected_branches".into(), json!(traces.branches));
    }
    if !traces.commits.is_empty() {
        map.insert("auto_detected_commits".into(), traces.commits.iter().map(commit).collect());
    }
    if let Some(event) = &details.reopened {
        map.insert("reopened_warning".into(), json!(reopened_warning(&details.task)));
        map.insert("latest_reopen".into(), latest_reopen(event));
    }
    if full {
        map.insert("_full".into(), json!(true));
    }
    Value::Object(map)
}

/// The short form: the compact task and where it can go.
#[must_use]
pub fn details_compact(details: &Details) -> Value {
    let mut map = super::compact(&details.task);
    map.insert("valid_transitions".into(), json!(details.valid_transitions));
    archived(&mut map, &details.task);
    Value::Object(map)
}

/// The sentence about a task that was done and is no more, or was done again since.
#[must_use]
pub fn reopened_warning(task: &Task) -> String {
    let now = if task.status == "done" { "has been done again since" } else { "is not done now" };
    format!("{} was done before and was taken up again; it {now}", task.name())
}

fn archived(map: &mut Map<String, Value>, task: &Task) {
    if task.archived {
        map.insert("archived".into(), json!(true));
    }
}

fn outgoing(details: &Details) -> Value {
    let unknown = Related::default();
    let enrich = |relation: &crate::domain::task::Relationship| {
        let mut value = json!(relation);
        let target = details.related.get(&relation.target_task_id).unwrap_or(&unknown);
        value["target_title"] = json!(target.title);
        value
    };
    details.task.relationships_out.iter().map(enrich).collect()
}

fn incoming(details: &Details) -> Value {
    let one = |relation: &crate::app::Incoming| {
        json!({
            "source_task_id": relation.source,
            "source_title": relation.source_title,
            "type": relation.kind,
            "note": relation.note,
        })
    };
    details.incoming.iter().map(one).collect()
}

fn artifacts(details: &Details) -> Value {
    let one = |info: &crate::app::ArtifactInfo| {
        let mut value = json!({"id": info.id, "role": info.role});
        if let Some(artifact) = &info.artifact {
            value["title"] = json!(artifact.text("title"));
            value["type"] = json!(artifact.text("type"));
        }
        value
    };
    details.artifacts.iter().map(one).collect()
}

fn commit(commit: &Commit) -> Value {
    json!({"sha": commit.sha, "date": commit.date, "subject": commit.subject})
}

fn latest_reopen(event: &Event) -> Value {
    let date = Timestamp::parse(&event.ts).map(Timestamp::date);
    json!({
        "ts": event.ts,
        "date": date,
        "actor": event.actor.display(),
        "from": event.text("from"),
        "to": event.text("to"),
    })
}

/// One event of the feed: the event to the letter, its place, and the cursor to go on from.
#[must_use]
pub fn arrival(arrival: &Arrival, epoch: &str) -> Value {
    json!({
        "cursor": format!("{epoch}:{}", arrival.seq),
        "event": arrival.event.value(),
        "seq": arrival.seq,
    })
}
