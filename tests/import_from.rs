//! Coming from another tracker: every format with a small file of its own, once, again, changed,
//! and broken.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod export_support;
mod support;

use std::path::PathBuf;

use export_support::{NOW, copy, export, files, folder, import as import_tree, init, init_with, open_at};
use lattice::app::Intake;
use lattice::intake::{Format, read};
use serde_json::{Value, json};
use support::Project;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign").join(name)
}

/// Takes a fixture in, with more words on the line.
fn import(project: &Project, from: &str, path: &str, more: &[&str]) -> Value {
    let path = fixture(path).display().to_string();
    project.json([&["import", "--from", from, path.as_str()], more].concat())
}

fn task(project: &Project, name: &str) -> Value {
    project.json(["show", name])
}

/// Everything in the log, in order.
fn log(project: &Project) -> String {
    project.ok(["events", "--json"])
}

const FORMATS: [(&str, &str, &[&str]); 6] = [
    ("beads", "beads.jsonl", &[]),
    ("github", "github.json", &[]),
    ("taskwarrior", "taskwarrior.json", &[]),
    ("backlog", "backlog", &[]),
    ("csv", "table.csv", &["--map", CSV]),
    ("json", "list.json", &["--map", JSON]),
];
const CSV: &str =
    "id=Issue key,title=Summary,status=State,author=Reporter,created=Opened,depends_on=Waits for";
const JSON: &str = "id=key,title=fields.summary,status=fields.status.name,tags=fields.labels";

#[test]
fn every_format_comes_in_once_and_the_tracker_stays_sound() {
    let project = Project::new();
    for (from, path, more) in FORMATS {
        let plan = import(&project, from, path, &[more, &["--dry-run"]].concat());
        assert_eq!(project.ok(["list", "--quiet"]), "", "{from}");
        let done = import(&project, from, path, more);
        assert_eq!(plan["new_events"], done["new_events"], "{from}");
        assert_eq!(
            done["tasks"].as_array().unwrap().len() as u64,
            done["records"].as_u64().unwrap(),
            "{from}"
        );
        let before = log(&project);
        let again = import(&project, from, path, more);
        assert_eq!((&again["new_events"], &again["unchanged"]), (&json!(0), &done["records"]), "{from}");
        assert_eq!(log(&project), before, "{from}");
        assert_eq!(again["kept"], json!([]), "{from}");
        // So that the next one begins with an empty list.
        for line in project.ok(["list", "--quiet"]).lines() {
            project.ok(["archive", line]);
        }
    }
    let doctor = project.json(["doctor"]);
    assert_eq!(doctor["findings"], json!([]));
}

#[test]
fn clones_that_take_in_the_same_file_make_the_same_facts() {
    let facts = |project: &Project| {
        let events: Vec<Value> =
            log(project).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut facts: Vec<String> = events
            .iter()
            .map(|line| line.get("event").unwrap_or(line))
            .filter(|event| !event["task_id"].is_null() && event["type"] != "task_short_id_assigned")
            .map(|event| format!("{} {} {}", event["id"], event["ts"], event["data"]))
            .collect();
        facts.sort();
        facts
    };
    for (from, path, more) in FORMATS {
        let (one, two) = (Project::new(), Project::new());
        two.task("Another that was there before");
        import(&one, from, path, more);
        import(&two, from, path, more);
        let (one, mut two) = (facts(&one), facts(&two));
        two.retain(|fact| !fact.contains("Another that was there before"));
        assert!(!one.is_empty());
        assert_eq!(one, two, "{from}");
    }
}

#[test]
fn clones_that_take_in_undated_records_at_different_times_agree() {
    let ((_one, here), (_two, there)) = (folder(), folder());
    export(&init_with(&here, None), &here);
    copy(&here, &there);
    drop(init(&there));
    let file = here.join("issues.jsonl");
    let issue = |id: &str, more: Value| {
        let mut issue = json!({"id": id, "title": id, "status": "closed", "design": "A plan"});
        issue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issue.to_string() + "\n"
    };
    let comments = json!([{"author": "ada", "text": "Undated"}]);
    let links = json!([{"issue_id": "b", "depends_on_id": "a", "type": "blocks"}]);
    let (first, dated) = ("1970-01-01T00:00:00Z", "2025-05-05T00:00:00Z");
    let mut trackers = [(&here, 0), (&there, 120_000)].map(|(dir, later)| {
        let mut app = open_at(dir, 7 + later, NOW + later);
        for version in [json!({}), json!({"comments": comments, "dependencies": links})] {
            let (a, c) = (json!({"comments": comments}), json!({"comments": comments, "created_at": dated}));
            std::fs::write(&file, issue("a", a) + &issue("b", version) + &issue("c", c)).unwrap();
            let records = read(Format::Beads, &file, &Vec::new()).unwrap().records;
            let intake = Intake { source: "beads".to_owned(), records, ..Intake::default() };
            app.take_in(&intake, false, |_| {}).unwrap();
        }
        app
    });
    std::fs::remove_file(&file).unwrap();
    let [one, two] = &mut trackers;
    export(one, &here);
    export(two, &there);
    import_tree(one, &there);
    import_tree(two, &here);
    export(one, &here);
    export(two, &there);
    assert_eq!(files(&here), files(&there));
    assert_eq!(one.examine(|_| {}).unwrap().findings, []);
    for (name, created, links) in [("a", first, 0), ("b", first, 1), ("c", dated, 0)] {
        let task = one.task(name).unwrap();
        assert_eq!((task.created_at.as_str(), task.status.as_str()), (created, "done"), "{name}");
        assert_eq!((task.comment_count, task.relationships_out.len()), (1, links), "{name}");
        let log = std::fs::read_to_string(here.join(format!("events/{}.jsonl", task.id))).unwrap();
        assert_eq!(log.lines().count(), 4 + links, "a creation, a plan, a status, a comment: {log}");
    }
}

#[test]
fn issues_of_beads_keep_what_they_say() {
    let project = Project::new();
    let done = import(&project, "beads", "beads.jsonl", &[]);
    let notices = done["notices"].to_string();
    assert!(
        notices.contains("gar-4 was deleted there")
            && notices.contains("a memory is no issue")
            && notices.contains("gar-9, which is not here"),
        "{notices}"
    );
    let epic = task(&project, "gar-1");
    assert_eq!(epic["short_id"], "LAT-1");
    assert_eq!(epic["description"], "Along the north wall.\n\n## Acceptance Criteria\n\n- It stands");
    assert_eq!(
        (&epic["priority"], &epic["type"], &epic["status"]),
        (&json!("high"), &json!("task"), &json!("backlog"))
    );
    assert_eq!(
        (&epic["created_by"], &epic["created_at"]),
        (&json!("human:ada"), &json!("2026-01-10T10:00:00Z"))
    );
    assert_eq!(epic["tags"], json!(["garden", "spring"]));
    let custom = json!({
        "beads_id": "gar-1", "beads.type": "epic", "beads.owner": "ada@example.org", "beads.estimated_minutes": 90,
    });
    assert_eq!(epic["custom_fields"], custom);
    assert_eq!(project.ok(["plan", "gar-1"]), "Dig, then water.\n");
    assert_eq!(project.ok(["notes", "gar-1"]), "Soil is heavy.\n");
    let closed = task(&project, "gar-2");
    assert_eq!((&closed["status"], &closed["done_at"]), (&json!("done"), &json!("2026-01-11T11:00:00Z")));
    assert_eq!((&closed["priority"], &closed["assigned_to"]), (&json!("critical"), &json!("agent:digger")));
    let comments = project.json(["comments", "gar-2"]);
    assert!(
        comments.to_string().contains("Which size?") && comments.to_string().contains("human:bo"),
        "{comments}"
    );
    let history = project.ok(["history", "gar-2", "--json"]);
    assert!(history.contains("Found one in the shed"), "{history}");
    let open = task(&project, "gar-3");
    assert_eq!((&open["status"], &open["priority"]), (&json!("in_progress"), &json!("low")));
    let links: Vec<(&str, &str)> = open["relationships_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["type"].as_str().unwrap(), link["target_task_id"].as_str().unwrap()))
        .collect();
    let id = |task: &Value| task["id"].as_str().unwrap().to_owned();
    assert_eq!(links, [("depends_on", id(&closed).as_str()), ("subtask_of", id(&epic).as_str())]);
}

#[test]
fn issues_of_github_tasks_of_taskwarrior_and_backlog_keep_what_they_say() {
    let project = Project::new();
    import(&project, "github", "github.json", &[]);
    let issue = task(&project, "example/garden#7");
    assert_eq!((&issue["status"], &issue["type"]), (&json!("cancelled"), &json!("bug")));
    assert_eq!((&issue["assigned_to"], &issue["tags"]), (&json!("human:bo"), &json!(["Bug", "area: list"])));
    let custom = &issue["custom_fields"];
    assert_eq!(custom["github.assignees"], json!(["bo", "cy"]));
    assert_eq!(
        (&custom["github.milestone"], &custom["github.close_reason"]),
        (&json!("First harvest"), &json!("not_planned"))
    );
    assert_eq!(custom["github.url"], "https://github.com/example/garden/issues/7");
    assert!(project.json(["comments", "example/garden#7"]).to_string().contains("agent:helper"));

    import(&project, "taskwarrior", "taskwarrior.json", &[]);
    let beans = task(&project, "6f1b2c3d-0000-4000-8000-000000000001");
    assert_eq!((&beans["status"], &beans["priority"]), (&json!("in_progress"), &json!("high")));
    assert_eq!(beans["custom_fields"]["taskwarrior.project"], "garden");
    assert_eq!(
        (&beans["comment_count"], beans["custom_fields"].get("taskwarrior.urgency")),
        (&json!(1), None)
    );
    let sing = task(&project, "6f1b2c3d-0000-4000-8000-000000000003");
    assert_eq!(
        (&sing["status"], sing["relationships_out"].as_array().unwrap().len()),
        (&json!("cancelled"), 2)
    );

    let found = import(&project, "backlog", "backlog", &[]);
    assert!(found["notices"].to_string().contains("readme.md is no task"), "{found}");
    let lawn = task(&project, "TASK-1");
    assert_eq!(lawn["description"], "It is high.\n\n## Acceptance Criteria\n\n- [ ] #1 It is short");
    assert_eq!((&lawn["created_by"], &lawn["assigned_to"]), (&json!("human:cy"), &json!("human:ada")));
    assert_eq!((&lawn["status"], &lawn["comment_count"]), (&json!("in_progress"), &json!(1)));
    assert_eq!(project.ok(["plan", "TASK-1"]), "Row by row.\n");
    let blade = task(&project, "TASK-2");
    assert_eq!((&blade["status"], &blade["created_at"]), (&json!("done"), &json!("2026-02-28T00:00:00Z")));
    assert_eq!(task(&project, "TASK-1.1")["archived"], true);
}

#[test]
fn tables_and_lists_are_mapped() {
    let project = Project::new();
    let done = import(&project, "csv", "table.csv", &["--map", CSV, "--as", "jira"]);
    assert!(done["notices"].to_string().contains("`In Limbo` of 1 record is not known"), "{done}");
    let roses = task(&project, "G-1");
    assert_eq!(
        (&roses["title"], &roses["tags"]),
        (&json!("Prune the \"old\" roses"), &json!(["roses", "spring"]))
    );
    assert_eq!(roses["custom_fields"], json!({"jira_id": "G-1", "jira.Sprint": "7"}));
    let compost = task(&project, "G-2");
    assert_eq!(
        (&compost["status"], compost["relationships_out"].as_array().unwrap().len()),
        (&json!("cancelled"), 2)
    );
    // What the word means is said later.
    let map = ["--map", CSV, "--as", "jira", "--status-map", "In Limbo=blocked"];
    let done = import(&project, "csv", "table.csv", &map);
    assert_eq!((&done["new_events"], &task(&project, "G-3")["status"]), (&json!(1), &json!("blocked")));
    import(&project, "json", "list.json", &["--map", JSON]);
    let fence = task(&project, "J-1");
    assert_eq!((&fence["status"], &fence["tags"]), (&json!("done"), &json!(["wood"])));
}

#[test]
fn what_changed_there_comes_in_and_what_changed_here_stays() {
    let project = Project::new();
    let issues = |title: &str, status: &str| {
        let issue = json!({
            "id": "a-1", "title": title, "status": status, "priority": 2, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z", "comments": [
                {"author": "bo", "text": "secret words", "created_at": "2026-01-01T01:00:00Z"},
                {"author": "bo", "text": "fine", "created_at": "2026-01-01T02:00:00Z"}],
        });
        project.file("issues.jsonl", format!("{issue}\n"));
        project.json(["import", "--from", "beads", "issues.jsonl"])
    };
    issues("One", "open");
    assert_eq!(issues("Two", "open")["new_events"], 1);
    assert_eq!(task(&project, "a-1")["title"], "Two");
    project.ok(["update", "a-1", "title=Mine"]);
    let done = issues("Three", "closed");
    assert_eq!(done["new_events"], 1);
    let kept = json!([{"task": "LAT-1", "field": "title", "here": "Mine", "there": "Three"}]);
    assert_eq!(done["kept"], kept);
    assert_eq!(project.json(["conflicts"])["tasks"], json!([]), "nobody has to settle what was told");
    let now = task(&project, "a-1");
    assert_eq!((&now["title"], &now["status"]), (&json!("Mine"), &json!("done")));
    // What was taken away here stays away.
    let comments = project.json(["comments", "a-1"]);
    let secret = comments[0]["id"].as_str().unwrap().to_owned();
    project.ok(["redact", &secret, "--reason", "a secret"]);
    let done = issues("Three", "closed");
    assert!(!log(&project).contains("secret words"), "{done}");
    assert_eq!(done["new_events"], 0);
    // A task that somebody gave such a name is left alone.
    let own = project.task("Own");
    project.ok(["update", &own, "custom_fields.beads_id=gar-2"]);
    let done = import(&project, "beads", "beads.jsonl", &[]);
    assert!(done["notices"].to_string().contains("bears the name gar-2"), "{done}");
    assert_eq!(task(&project, &own)["title"], "Own");
    // Without the field the task is known all the same.
    project.ok(["update", "a-1", "custom_fields.beads_id="]);
    assert_eq!(issues("Three", "closed")["new_events"], 0);
}

#[test]
fn two_clones_with_the_same_file_become_one() {
    let (one, two) = (Project::new(), Project::empty());
    one.ok(["export"]);
    support_copy(&one, &two);
    two.ok(["init"]);
    import(&one, "beads", "beads.jsonl", &[]);
    import(&two, "beads", "beads.jsonl", &[]);
    one.ok(["export"]);
    let folder = one.lattice().display().to_string();
    let merged = two.json(["import", &folder]);
    assert!(merged["tasks"].as_array().unwrap().iter().all(|task| task["new"] == false), "{merged}");
    assert_eq!(two.json(["list", "--status", "done"]).as_array().unwrap().len(), 1);
    assert_eq!(two.json(["doctor"])["summary"]["errors"], 0);
}

/// Copies the exported files.
fn support_copy(from: &Project, to: &Project) {
    let done = std::process::Command::new("sh")
        .args(["-c", "mkdir -p \"$2\" && cd \"$1\" && tar c --exclude 'lattice.db*' --exclude lock . | tar x -C \"$2\""])
        .args(["sh", from.lattice().to_str().unwrap(), to.lattice().to_str().unwrap()])
        .status()
        .unwrap();
    assert!(done.success());
}

#[test]
fn what_is_broken_is_named_and_nothing_comes_in() {
    let project = Project::new();
    let head = r#"{"id":"a-1","title":"A","created_at":"2026-01-01T00:00:00Z"}"#;
    let long = format!("{{\"id\":\"a\",\"title\":\"{}\"}}", "x".repeat(16 * 1024 * 1024));
    let deep = format!("{{\"id\":\"a\",\"title\":\"b\",\"x\":{}{}}}", "[".repeat(110), "]".repeat(110));
    let files: [(&str, &str, Vec<u8>, &str); 17] = [
        ("beads", "", format!("{head}\n{{\"id\":").into(), "file:2: not JSON"),
        ("beads", "", format!("{head}\n<<<<<<< HEAD\n").into(), "file:2: not JSON"),
        ("beads", "", format!("{head}\n7\n").into(), "file:2: not a JSON object"),
        ("beads", "", format!("{head}\n{{\"id\":\"b\"}}\n").into(), "file:2: `title` is missing"),
        (
            "beads",
            "",
            format!("{head}\n{{\"id\":\"b\",\"title\":\" \"}}\n").into(),
            "file:2: `title` is missing",
        ),
        (
            "beads",
            "",
            format!("{head}\n{{\"id\":\"b\",\"title\":[1]}}\n").into(),
            "file:2: `title` is no text",
        ),
        ("beads", "", format!("{head}\n{}\n", head.replace("\"A\"", "\"B\"")).into(), "file:2"),
        (
            "beads",
            "",
            format!("{head}\n").replace("2026-01-01T00:00:00Z", "soon").into(),
            "file:1: `created_at` is no time",
        ),
        ("beads", "", [head.as_bytes(), b"\n\xff\n"].concat(), "file:2: not UTF-8"),
        ("beads", "", long.into(), "file:1: a record has more than"),
        ("beads", "", deep.into(), "levels deep"),
        ("github", "", r#"[{"number":1,"title":"A"}]"#.into(), "no `url`"),
        ("csv", "", "id,title\n1,A\n2\n".into(), "file:3: 1 columns"),
        ("csv", "", "id,id\n1,2\n".into(), "file:1: two columns"),
        ("csv", "", "".into(), "no records"),
        ("json", "", "[]".into(), "no records"),
        ("csv", "title=Nope", "id,title\n1,A\n".into(), "called `Nope`"),
    ];
    for (from, map, bytes, message) in files {
        project.file("file", bytes);
        let mut words = vec!["import", "--from", from, "file"];
        if !map.is_empty() {
            words.extend(["--map", map]);
        }
        let (status, error) = project.refused(words);
        assert_eq!(status, 1, "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{message}: {error}");
        assert!(error["hint"].as_str().unwrap().contains("nothing was imported"), "{error}");
        assert_eq!(project.ok(["list", "--quiet"]), "", "{message}");
    }
}

#[test]
fn circles_are_legal_and_a_time_to_come_is_not() {
    let project = Project::new();
    let line = |id: &str, of: &str, at: &str| {
        json!({"id": id, "title": id, "created_at": at, "dependencies": [
            {"issue_id": id, "depends_on_id": of, "type": "blocks"}]})
        .to_string()
            + "\n"
    };
    let past = "2026-01-01T00:00:00Z";
    project
        .file("file", line("a", "b", past) + &line("b", "a", past) + &line("c", "c", "2999-01-01T00:00:00Z"));
    let done = project.json(["import", "--from", "beads", "file"]);
    let notices = done["notices"].to_string();
    assert!(notices.contains("itself") && notices.contains("times to come"), "{notices}");
    assert_eq!(project.json(["import", "--from", "beads", "file"])["new_events"], 0);
    let later = project.json(["comment", "c", "Now"]);
    assert!(later["updated_at"].as_str().unwrap() < "2990", "{later}");
    assert!(project.json(["doctor"])["findings"].to_string().contains("LAT-"));
}

#[test]
fn an_old_name_names_one_task_or_none() {
    let project = Project::new();
    import(&project, "csv", "table.csv", &["--map", CSV, "--as", "one"]);
    import(&project, "csv", "table.csv", &["--map", CSV, "--as", "two"]);
    let (_, error) = project.refused(["show", "G-1"]);
    assert_eq!(error["code"], "AMBIGUOUS_ID");
    let (_, error) = project.refused(["show", "G-77"]);
    assert_eq!(error["code"], "NOT_FOUND");
    let told = project.run(["search", "G-1"]).stderr;
    assert_eq!(told.matches("another tracker calls LAT-").count(), 2, "{told}");
    // An id of ours comes first.
    project.ok(["update", "LAT-2", "custom_fields.x_id=LAT-1"]);
    assert_eq!(task(&project, "LAT-1")["short_id"], "LAT-1");
}
