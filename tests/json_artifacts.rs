//! Readers written from docs/json.md for artifacts, branches, what git knows, and short ids given
//! late: a member more, one less or of another type fails them.
#![allow(dead_code, reason = "members are read to see that they are there")]

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use support::Project;
use support::shapes::{Actor, Envelope, Task, nullable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Artifact {
    schema_version: u8,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(deserialize_with = "nullable")]
    summary: Option<String>,
    created_at: String,
    created_by: Actor,
    #[serde(deserialize_with = "nullable")]
    model: Option<String>,
    tags: Vec<String>,
    payload: Payload,
    token_usage: (),
    sensitive: bool,
    custom_fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    #[serde(deserialize_with = "nullable")]
    file: Option<String>,
    #[serde(deserialize_with = "nullable")]
    content_type: Option<String>,
    #[serde(deserialize_with = "nullable")]
    size_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: String,
    bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BranchLink {
    branch: String,
    #[serde(deserialize_with = "nullable")]
    repo: Option<String>,
    linked_at: String,
    linked_by: Actor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    sha: String,
    date: String,
    subject: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backfill {
    assigned: u64,
    first: Option<String>,
    last: Option<String>,
    message: Option<String>,
}

fn read<T: DeserializeOwned>(project: &Project, line: &[&str]) -> T {
    let text = project.ok([line, &["--json"]].concat());
    let read: Result<Envelope<T>, _> = serde_json::from_str(&text);
    read.unwrap_or_else(|error| panic!("{line:?}: {error}\n{text}")).data
}

#[test]
fn artifacts() {
    let project = Project::new();
    project.task("One");
    project.file("a", "x");
    let file: Artifact = read(&project, &["attach", "LAT-1", "a"]);
    assert_eq!((file.payload.size_bytes, file.model), (Some(1), None));
    let link: Artifact = read(&project, &["attach", "LAT-1", "https://example.org", "--model", "m"]);
    assert!(link.payload.file.is_none() && link.custom_fields["url"] == "https://example.org");
    let note: Artifact =
        read(&project, &["attach", "LAT-1", "--inline", "x", "--summary", "s", "--sensitive"]);
    assert!(note.sensitive && note.summary.as_deref() == Some("s"));
    let again: Artifact = read(&project, &["artifact", &note.id]);
    assert_eq!(again.id, note.id);
    let written: Written = read(&project, &["artifact", &note.id, "--output", "out"]);
    assert_eq!((written.file.as_str(), written.bytes), ("out", 1));
    project.ok(["status", "LAT-1", "planned"]);
    project.ok(["complete", "LAT-1", "--review", "fine"]);
    let evidence = project.json(["show", "LAT-1"])["evidence_refs"].clone();
    let review: Artifact = read(&project, &["artifact", evidence[4]["id"].as_str().unwrap()]);
    assert_eq!(review.title, "Review");
}

#[test]
fn branches_and_commits() {
    let project = Project::new();
    project.task("One");
    let task: Task = read(&project, &["branch-link", "LAT-1", "a", "--repo", "web"]);
    let link: BranchLink = serde_json::from_value(task.branch_links[0].clone()).unwrap();
    assert_eq!(link.repo.as_deref(), Some("web"));
    let task: Task = read(&project, &["branch-unlink", "LAT-1", "a", "--repo", "web"]);
    assert!(task.branch_links.is_empty());
    for line in ["init -q -b LAT-1", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m LAT-1"] {
        let mut git = Command::new("git");
        git.args(line.split(' ')).current_dir(project.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.status().unwrap().success());
    }
    let shown: Value = read(&project, &["show", "LAT-1"]);
    let branches: Vec<String> = serde_json::from_value(shown["auto_detected_branches"].clone()).unwrap();
    let commits: Vec<Commit> = serde_json::from_value(shown["auto_detected_commits"].clone()).unwrap();
    assert_eq!((branches, commits.len()), (vec!["LAT-1".to_owned()], 1));
}

#[test]
fn short_ids_given_late() {
    let project = Project::empty();
    project.ok(["init"]);
    project.ok(["create", "One"]);
    let given: Backfill = read(&project, &["backfill-ids", "--code", "LAT"]);
    assert!(given.assigned == 1 && given.first == given.last && given.message.is_none());
    let none: Backfill = read(&project, &["backfill-ids"]);
    assert!(none.assigned == 0 && none.first.is_none() && none.message.is_some());
}
