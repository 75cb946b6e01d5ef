//! Readers of resources and sessions, written from docs/json.md, that know every member.
#![allow(dead_code, reason = "members are read to see that they are there")]

mod support;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use support::Project;
use support::shapes::{Actor, Envelope, nullable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    schema_version: u8,
    #[serde(deserialize_with = "nullable")]
    id: Option<String>,
    name: String,
    #[serde(deserialize_with = "nullable")]
    description: Option<String>,
    max_holders: u64,
    ttl_seconds: u64,
    holders: Vec<Holder>,
    #[serde(deserialize_with = "nullable")]
    created_by: Option<Actor>,
    #[serde(deserialize_with = "nullable")]
    created_at: Option<String>,
    #[serde(deserialize_with = "nullable")]
    updated_at: Option<String>,
    #[serde(deserialize_with = "nullable")]
    last_event_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holder {
    actor: Actor,
    acquired_at: String,
    expires_at: String,
    last_heartbeat: String,
    task_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    name: String,
    max_holders: u64,
    holders: Vec<Holder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    name: String,
    base_name: String,
    serial: u64,
    session: String,
    model: String,
    #[serde(deserialize_with = "nullable")]
    framework: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    name: String,
    base_name: String,
    serial: u64,
    session: String,
    model: String,
    framework: Option<String>,
    agent_type: Option<String>,
    prompt: Option<String>,
    parent: Option<String>,
    started_at: String,
    last_active: String,
    status: String,
    ended_at: Option<String>,
    end_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sessions {
    sessions: Vec<Session>,
    count: usize,
}

fn read<T: DeserializeOwned>(project: &Project, line: &[&str]) -> T {
    let text = project.ok(line.iter().chain(&["--json"]));
    let envelope: Envelope<T> =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{line:?}: {e}\n{text}"));
    assert!(envelope.ok);
    envelope.data
}

#[test]
fn resources_have_the_members_that_are_documented() {
    let project = Project::new();
    let task = project.task("A title");
    project.ok(["config", "set", "resources.gpu", "{}"]);
    read::<Resource>(&project, &["resource", "create", "db", "--max-holders", "2"]);
    read::<Resource>(&project, &["resource", "acquire", "db", "--task", &task]);
    let held: Resource = read(&project, &["resource", "heartbeat", "db"]);
    assert!(held.id.is_some() && held.created_by.is_some() && held.last_event_id.is_some());
    assert!(held.holders[0].task_id.is_some());
    read::<Resource>(&project, &["resource", "status", "db"]);
    for line in [["resource", "list"], ["resource", "status"]] {
        let listed: Resources = read(&project, &line);
        let names: Vec<&str> = listed.resources.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["db", "gpu"]);
        assert!(listed.resources[1].id.is_none() && listed.resources[1].created_at.is_none());
    }
    read::<Resource>(&project, &["resource", "status", "gpu"]);
    read::<Resource>(&project, &["resource", "release", "db"]);
    read::<Resource>(&project, &["resource", "acquire", "gpu"]);
    for more in [vec![], vec!["--wait", "--timeout", "0"]] {
        let line = ["resource", "acquire", "gpu", "--actor", "agent:b"].into_iter().chain(more);
        let held: Held = serde_json::from_value(project.refused(line).1["details"].clone()).unwrap();
        assert_eq!((held.name.as_str(), held.max_holders, held.holders.len()), ("gpu", 1, 1));
    }
}

#[test]
fn sessions_have_the_members_that_are_documented() {
    let project = Project::new();
    let begun: Begun = read(&project, &["session", "start", "--model", "human"]);
    assert_eq!(begun.name, format!("{}-{}", begun.base_name, begun.serial));
    assert!(begun.framework.is_none() && begun.session.starts_with("sess_"));
    let line = ["session", "start", "--model", "m", "--framework", "f", "--agent-type", "t", "--prompt", "p"];
    let begun: Begun = read(&project, &line.into_iter().chain(["--parent", "human:ada"]).collect::<Vec<_>>());
    let shown: Session = read(&project, &["session", "show", &begun.name]);
    assert_eq!((shown.agent_type.as_deref(), shown.status.as_str()), (Some("t"), "active"));
    assert_eq!(shown.session, begun.session);
    let ended: Session = read(&project, &["session", "end", &begun.name, "--reason", "over"]);
    assert_eq!((ended.status.as_str(), ended.end_reason.as_deref()), ("ended", Some("over")));
    assert!(ended.ended_at.is_some());
    for (line, count) in [(vec!["session", "list"], 1), (vec!["session", "list", "--all"], 2)] {
        let listed: Sessions = read(&project, &line);
        assert_eq!((listed.count, listed.sessions.len()), (count, count));
    }
}
