//! The commands that clones carry out: every one that writes events. What the rules refuse is no
//! fault; what the file or the disk says would be one.

use std::collections::BTreeSet;

use lattice::app::{
    App, Code, ExitClass, Failure, Identity, ImportSet, Merge, Outcome, Place, Sourced, TaskFilter,
};
use lattice::domain::artifact::{Attached, Attachment};
use lattice::domain::command::{NewResource, NewTask};
use lattice::domain::id::EventId;
use lattice::domain::workflow::{DEFAULT_STATUSES, RELATIONSHIP_TYPES};
use lattice::domain::{Actor, Command, Event, ShortId, Task, TaskId};
use serde_json::json;

use crate::team::Team;

/// What each kind of command is called in the counts; kinds that stand twice happen more often.
const NAMES: &[&str] = &[
    "create",
    "create",
    "create",
    "update",
    "update",
    "status",
    "status",
    "assign",
    "comment",
    "comment",
    "edit",
    "delete",
    "react",
    "unreact",
    "link",
    "unlink",
    "archive",
    "archive",
    "unarchive",
    "unarchive",
    "plan",
    "plan",
    "notes",
    "notes",
    "context",
    "config",
    "config",
    "code",
    "attach",
    "resource",
    "acquire",
    "acquire",
    "release",
    "renumber",
    "redact",
    "backfill",
    "branch",
    "claim",
    "custom",
];
/// How many kinds of command there are.
pub const KINDS: u8 = NAMES.len() as u8;

/// The tasks that all clones begin with, one of them with a comment and a plan, and a resource; and
/// what the predecessor left: a task whose events name no parents, and a number to go on from.
pub fn seed(app: &mut App) {
    let line = |text: &&str| {
        let place = Place { file: "log".into(), line: None };
        Sourced { item: Event::parse(text).unwrap(), place }
    };
    let events = PREDECESSORS.iter().map(line).collect();
    let set = ImportSet { events, number_floors: vec![("LAT".into(), 5)], ..ImportSet::default() };
    app.import(&set, &Merge::default(), false, |_| {}).unwrap();
    for (kind, dice) in [
        ("create", [1, 0, 0]),
        ("create", [2, 0, 0]),
        ("create", [3, 0, 0]),
        ("comment", [0, 1, 0]),
        ("react", [0, 0, 0]),
        ("plan", [0, 1, 0]),
        ("link", [0, 1, 0]),
        ("resource", [0, 7199, 1]),
    ] {
        carry_out(app, kind, dice).unwrap();
    }
}

/// A short history as the predecessor wrote it.
const PREDECESSORS: [&str; 3] = [
    r#"{"actor":"human:old","data":{"priority":"medium","short_id":"LAT-2","status":"backlog","title":"old","type":"task"},"id":"ev_01KAZ3NDEKTSV4RRFFQ69G5FAA","schema_version":1,"task_id":"task_01KAZ3NDEKTSV4RRFFQ69G5FAV","ts":"2025-11-26T03:29:50Z","type":"task_created"}"#,
    r#"{"actor":"human:old","data":{"body":"Old\n\n- first\n- second\n- third\n"},"id":"ev_01KAZ3NDEMTSV4RRFFQ69G5FAB","schema_version":1,"task_id":"task_01KAZ3NDEKTSV4RRFFQ69G5FAV","ts":"2025-11-26T03:29:50Z","type":"plan_updated"}"#,
    r#"{"actor":"human:old","data":{"body":"old words"},"id":"ev_01KAZ3NDENTSV4RRFFQ69G5FAC","schema_version":1,"task_id":"task_01KAZ3NDEKTSV4RRFFQ69G5FAV","ts":"2025-11-26T03:29:50Z","type":"comment_added"}"#,
];

/// One command in one clone.
pub fn command(team: &mut Team<'_>, n: usize, kind: u8, [a, b, c, _]: [u16; 4]) {
    let kind = NAMES[usize::from(kind)];
    let app = &mut team.clones[n].app;
    let done = match kind {
        "redact" => redact(app, a).map(|redacted| {
            team.counts.add("redactions", redacted.iter().len());
            team.redacted.extend(redacted);
        }),
        "backfill" => app.backfill_ids(&who(c), None, false).map(drop),
        _ => carry_out(app, kind, [a, b, c]).map(|outcome| {
            // A review that completes a task is an artifact too, with another payload.
            if let (Some(artifact), Attached::Inline(text)) = (&outcome.artifact, content(b))
                && kind == "attach"
                && !artifact.is_sensitive()
            {
                team.counts.one("payloads");
                team.payloads.insert(artifact.id.to_string(), text.into_bytes());
            }
        }),
    };
    match done {
        Ok(()) => team.counts.one(kind),
        Err(failure) => {
            assert_eq!(failure.code.exit_class(), ExitClass::Refused, "{kind}: {failure:?}");
            team.counts.one("refusals");
        }
    }
    team.note(n);
}

/// What the kinds are called.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

fn who(name: u16) -> Identity {
    let names = ["agent:a", "agent:b", "human:ada"];
    Identity {
        actor: Some(names[usize::from(name) % 3].into()),
        reason: Some("because".into()),
        ..Identity::default()
    }
}

/// Takes the content of some event away; its id, unless it was gone already.
fn redact(app: &mut App, which: u16) -> Result<Option<String>, Failure> {
    let mut ids = Vec::new();
    app.read(|reader| {
        reader.each_raw(|raw| {
            ids.push(
                serde_json::from_str::<serde_json::Value>(raw).unwrap()["id"].as_str().unwrap().to_owned(),
            );
            Ok::<(), Failure>(())
        })
    })?;
    let id = &ids[usize::from(which) % ids.len()];
    let redaction = app.redact(&who(which), id)?;
    Ok((!redaction.outcome.events.is_empty()).then(|| id.clone()))
}

/// What a clone knows: ids of events, and whether they are redacted.
pub fn knowledge(app: &App) -> BTreeSet<(String, bool)> {
    let mut known = BTreeSet::new();
    app.read(|reader| {
        reader.each_raw(|raw| {
            let event = Event::parse(raw).unwrap();
            known.insert((event.id.to_string(), false));
            known.insert((event.id.to_string(), event.redacted.is_some()));
            Ok::<(), Failure>(())
        })
    })
    .unwrap();
    known
}

fn carry_out(app: &mut App, kind: &str, [a, b, c]: [u16; 3]) -> Result<Outcome, Failure> {
    let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
    let known = app.read(|reader| Ok(reader.tasks(&filter)?))?;
    let pick = |die: u16| known.get(usize::from(die) % known.len().max(1)).map(|task| task.id.clone());
    let (Some(task), Some(target)) = (pick(a), pick(b)) else {
        return app.execute(&who(c), |names| Ok(create(names.fresh_task(), a, b)));
    };
    let of_comment = matches!(kind, "edit" | "delete" | "react" | "unreact");
    let all = if of_comment { comments(app, &known)? } else { Vec::new() };
    let comment = all.get(usize::from(b) % all.len().max(1)).cloned();
    let linked = known.iter().flat_map(|task| task.relationships_out.iter().map(move |to| (task, to)));
    let link = linked.clone().nth(usize::from(a) % linked.count().max(1));
    let text = format!("text {}", b % 5);
    // Who takes a reaction away has to be who gave it.
    let (comment, c) = if kind == "unreact" { (all.first().cloned(), 0) } else { (comment, c) };
    app.execute(&who(c), |names| {
        let nothing = || Failure::new(Code::NotFound, "nothing to do it to");
        Ok(match kind {
            "create" => create(names.fresh_task(), a, b),
            "update" => update(task, b, text),
            "status" => {
                let to = DEFAULT_STATUSES[usize::from(b) % DEFAULT_STATUSES.len()].to_owned();
                Command::Status { task, to, force: c % 2 == 0 }
            }
            "assign" => {
                let to = (b % 3 > 0).then(|| Actor::Plain(format!("agent:{}", b % 3)));
                Command::Assign { task, to }
            }
            "comment" => {
                let role = (b % 3 == 0).then(|| "review".into());
                Command::Comment { task, body: text, reply_to: None, role }
            }
            "edit" | "delete" | "react" | "unreact" => {
                let (task, comment) = comment.ok_or_else(nothing)?;
                let emoji = "e".to_owned();
                match kind {
                    "edit" => Command::CommentEdit { task, comment, body: text, role: None },
                    "delete" => Command::CommentDelete { task, comment },
                    "react" => Command::React { task, comment, emoji },
                    _ => Command::Unreact { task, comment, emoji },
                }
            }
            "link" => {
                let relation = RELATIONSHIP_TYPES[usize::from(c) % 3].to_owned();
                Command::Link { task, kind: relation, target, note: None }
            }
            "unlink" => {
                let (task, relation) = link.ok_or_else(nothing)?;
                let target = names.relation_end(&relation.target_task_id)?;
                Command::Unlink { task: task.id.clone(), kind: relation.kind.clone(), target }
            }
            "archive" => Command::Archive { task },
            "unarchive" => {
                let archived = known.iter().find(|task| task.archived);
                Command::Unarchive { task: archived.map_or(task, |task| task.id.clone()) }
            }
            "plan" => Command::SetPlan { task, body: body(b), base: None },
            "notes" => Command::SetNotes { task, body: body(b), base: None },
            "context" => Command::SetContext { body: body(b), base: None },
            "config" => config(b, c),
            "code" => match a % 4 {
                0 => Command::UnsetConfig { path: "/project_code".into() },
                n => Command::SetProjectCode {
                    code: ["LAT", "LAT", "CAT"][usize::from(n) - 1].into(),
                    force: true,
                },
            },
            "attach" => {
                let (title, sensitive) = (Some(text), c % 8 == 0);
                let attachment =
                    Attachment { kind: None, title, summary: None, sensitive, content: content(b) };
                Command::Attach { task, id: None, attachment, role: None }
            }
            "resource" | "acquire" | "release" => of_resource(names, kind, [a, b, c]),
            "renumber" => {
                let number = i64::from(b % 40) + 1;
                let to = (c % 3 > 0).then(|| ShortId { prefix: "LAT".into(), number });
                Command::Renumber { task, to }
            }
            "branch" => {
                let (branch, repo) = (format!("branch-{}", b % 2), None);
                match c % 3 {
                    0 => Command::BranchUnlink { task, branch, repo },
                    _ => Command::BranchLink { task, branch, repo },
                }
            }
            "claim" => match c % 2 {
                0 => Command::Claim { task },
                _ => Command::Complete { task, review: text },
            },
            "custom" => {
                let data = json!({"n": b, "deep": [{"x": 1.50}]}).as_object().cloned().unwrap_or_default();
                Command::Custom { task, kind: "x_thing".into(), data, id: None }
            }
            other => panic!("{other} is no kind of command"),
        })
    })
}

/// Every comment of these tasks.
fn comments(app: &App, tasks: &[Task]) -> Result<Vec<(TaskId, EventId)>, Failure> {
    let mut found = Vec::new();
    for task in tasks {
        let comments = app.read(|reader| Ok(reader.comments(&task.id)?))?;
        found.extend(comments.iter().filter_map(|c| Some((task.id.clone(), EventId::parse(&c.id)?))));
    }
    Ok(found)
}

fn create(id: TaskId, a: u16, b: u16) -> Command {
    let description = b.is_multiple_of(3).then(|| format!("why {}", b % 7));
    let task = NewTask { title: format!("task {}", a % 100), description, ..NewTask::default() };
    Command::Create { id, chosen: false, task }
}

fn update(task: TaskId, b: u16, text: String) -> Command {
    let field = ["title", "description", "priority", "tags", "custom_fields.k"][usize::from(b) % 5];
    let value = if field == "priority" { "high".to_owned() } else { text };
    Command::Update { task, changes: vec![(field.to_owned(), value)] }
}

/// A text of up to nine lines, or nothing: long enough for git to merge, few enough to meet again.
fn body(b: u16) -> String {
    let line = |n: u16| format!("- step {} of {}\n", n, (b >> (n % 12)) & 1);
    (0..b % 10).map(line).collect()
}

fn config(b: u16, c: u16) -> Command {
    let path = ["/workflow/wip_limits/review", "/workflow/finished", "/x/y", "/x", "/x_first", "/x/y/a"]
        [usize::from(b) % 6];
    let to = [
        json!(b % 4),
        json!(["done"]),
        json!({"a": c % 3}),
        json!({"y": {"a": c % 2}, "z": b % 3}),
        json!(c % 4),
        json!("text"),
    ];
    match c % 5 {
        0 => Command::UnsetConfig { path: path.into() },
        _ => Command::SetConfig { path: path.into(), to: to[usize::from(b) % 6].clone() },
    }
}

fn content(b: u16) -> Attached {
    match b % 4 {
        0 => Attached::Url(format!("https://example.org/{b}")),
        _ => Attached::Inline(format!("payload {}\n", b % 50)),
    }
}

/// Clones make resources of few names, each under ids of its own, and hold them.
fn of_resource(names: &lattice::app::Names<'_>, kind: &str, [a, b, c]: [u16; 3]) -> Command {
    let name = format!("r{}", a % 2);
    let fresh = names.fresh_resource();
    match (kind, b % 3) {
        ("resource", _) => {
            let (max_holders, ttl_seconds) = (Some(i64::from(c % 3) + 1), Some(i64::from(b % 7200) + 1));
            let resource = NewResource { name, max_holders, ttl_seconds, description: None };
            Command::CreateResource { id: fresh, chosen: false, resource }
        }
        ("acquire", _) => Command::AcquireResource { name, fresh, task: None, force: b % 4 == 0 },
        (_, 0) => Command::HeartbeatResource { name },
        _ => Command::ReleaseResource { name },
    }
}
