//! Each command of a batch does and, with `--full`, answers what the command itself does.

mod support;

use serde_json::{Value, json};
use support::Project;

/// Runs one line and gives its answer.
fn one(project: &Project, flags: &[&str], line: &Value) -> Value {
    let run = project.fed([&["batch"], flags].concat(), format!("{line}\n").as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// What is the same in two trackers: no ids, no times.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, plain(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.into_iter().map(plain).collect(),
        Value::String(text)
            if ["ev_", "task_0", "art_", "res_", "20"].iter().any(|start| text.starts_with(start)) =>
        {
            json!("…")
        }
        other => other,
    }
}

#[test]
fn with_full_a_line_answers_what_the_command_answers() {
    let (alone, together) = (Project::new(), Project::new());
    let cases: [(&[&str], Value); 16] = [
        (&["create", "a"], json!({"create": {"title": "a"}})),
        (&["archive", "LAT-1"], json!({"archive": {"task": "LAT-1"}})),
        (&["unarchive", "LAT-1"], json!({"unarchive": {"task": "LAT-1"}})),
        (&["event", "LAT-1", "x_a"], json!({"event": {"task": "LAT-1", "type": "x_a"}})),
        (&["attach", "LAT-1", "--inline", "t"], json!({"attach": {"task": "LAT-1", "inline": "t"}})),
        (&["renumber", "LAT-1", "LAT-7"], json!({"renumber": {"task": "LAT-1", "to": "LAT-7"}})),
        (
            &["config", "set", "workflow.wip_limits.review", "7"],
            json!({"config set": {"path": "workflow.wip_limits.review", "value": 7}}),
        ),
        (
            &["config", "set", "workflow.wip_limits.review", "7"],
            json!({"config set": {"path": "workflow.wip_limits.review", "value": 7}}),
        ),
        (
            &["config", "unset", "/workflow/wip_limits/review"],
            json!({"config unset": {"path": "/workflow/wip_limits/review"}}),
        ),
        (
            &["resource", "create", "gpu", "--ttl", "60", "--max-holders", "2", "--description", "d"],
            json!({"resource create": {"resource": "gpu", "ttl": 60, "max_holders": 2, "description": "d"}}),
        ),
        (
            &["resource", "acquire", "gpu", "--task", "LAT-7"],
            json!({"resource acquire": {"resource": "gpu", "task": "LAT-7"}}),
        ),
        (&["resource", "heartbeat", "gpu"], json!({"resource heartbeat": {"resource": "gpu"}})),
        (
            &["resource", "acquire", "gpu", "--actor", "agent:b"],
            json!({"resource acquire": {"resource": "gpu", "actor": "agent:b"}}),
        ),
        (
            &["resource", "acquire", "gpu", "--force", "--actor", "agent:c"],
            json!({"resource acquire": {"resource": "gpu", "force": true, "actor": "agent:c"}}),
        ),
        (
            &["resource", "release", "gpu", "--actor", "agent:c"],
            json!({"resource release": {"resource": "gpu", "actor": "agent:c"}}),
        ),
        (&["comment", "LAT-7", "hi"], json!({"comment": {"task": "LAT-7", "text": "hi"}})),
    ];
    for (words, line) in cases {
        let answer = one(&together, &["--full"], &line);
        assert_eq!(plain(answer["data"].clone()), plain(alone.json(words)), "{line}");
    }
    let kinds = |project: &Project| -> Vec<Value> {
        let text = project.ok(["events", "--json"]);
        let of = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].take();
        text.lines()
            .skip(2)
            .map(of)
            .map(|mut event| plain(json!([event["type"], event["data"].take()])))
            .collect()
    };
    assert_eq!(kinds(&together), kinds(&alone));
}

#[test]
fn answers_about_resources_and_settings_name_no_task() {
    let project = Project::new();
    let answer = one(&project, &[], &json!({"resource create": {"resource": "gpu"}}));
    assert_eq!(answer, json!({"line": 1, "ok": true, "resource": "gpu"}));
    let set = json!({"config set": {"path": "project_name", "value": "x"}});
    assert_eq!(one(&project, &[], &set), json!({"line": 1, "ok": true}));
    assert_eq!(one(&project, &[], &set), json!({"line": 1, "ok": true, "unchanged": true}));
    let line = json!({"resource acquire": {"resource": "gpu"}});
    let run = project.fed(["batch", "--quiet"], line.to_string().as_bytes());
    assert!(run.stdout.starts_with("res_"), "{run:?}");
}

#[test]
fn a_setting_holds_for_the_lines_behind_it_and_is_undone_with_them() {
    let project = Project::new();
    let types = json!({"config set": {"path": "task_types", "value": ["task", "story"]}});
    let story = json!({"create": {"title": "a", "type": "story"}});
    let bug = json!({"create": {"title": "a", "type": "bug"}});
    let run = project.fed(["batch"], format!("{types}\n{bug}\n").as_bytes());
    assert!(run.stderr.contains("line 2: type `bug` is not known"), "{run:?}");
    assert_eq!(project.json(["config", "get", "task_types"])["value"][1], "bug");
    let run = project.fed(["batch"], format!("{types}\n{story}\n").as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
}

#[test]
fn what_they_cannot_take_is_refused() {
    let project = Project::new();
    for (line, message) in [
        (json!({"config set": {"path": "a", "value": null}}), "config set lacks `value`"),
        (json!({"config set": {"value": 1}}), "config set lacks `path`"),
        (
            json!({"resource create": {"resource": "a", "ttl": "1"}}),
            "`ttl` of resource create must be a whole number",
        ),
        (
            json!({"resource acquire": {"resource": "a", "wait": true}}),
            "resource acquire has no member `wait`",
        ),
        (json!({"renumber": {"task": "LAT-1", "to": "seven"}}), "`seven` is no short id"),
        (json!({"session": {"start": 1}}), "`session` is no command of a batch"),
    ] {
        let run = project.fed(["batch", "--json"], line.to_string().as_bytes());
        let error = &serde_json::from_str::<Value>(&run.stdout).unwrap()["error"];
        assert_eq!(error["message"], format!("line 1: {message}"));
        assert!(error["hint"].is_string());
    }
}

#[test]
fn numbers_go_on_behind_whatever_the_lines_before_took() {
    let project = Project::new();
    let ids = |lines: &[Value]| -> Vec<String> {
        let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let run = project.fed(["batch"], input.as_bytes());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
        let answers = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        answers.map(|answer| answer["id"].as_str().unwrap_or("none").to_owned()).collect()
    };
    let (task, named) = (json!({"create": {"title": "one"}}), json!({"create": {"title": "one"}, "as": "a"}));
    let renumber = |task: &str, to: &str| json!({"renumber": {"task": task, "to": to}});
    let code = json!({"config set": {"path": "project_code", "value": "PEN"}});
    let lines = [&task, &named, &task, &renumber("$a", "LAT-9"), &task, &renumber("$a", "LAT-2"), &task];
    let found =
        ids(&[&lines[..], &[&code, &task, &task, &task]].concat().into_iter().cloned().collect::<Vec<_>>());
    assert_eq!(found[..7], ["LAT-1", "LAT-2", "LAT-3", "LAT-9", "LAT-10", "LAT-2", "LAT-11"]);
    assert_eq!(found[7..], ["none", "PEN-1", "PEN-2", "PEN-3"]);

    // Where somebody has the last number of all, the free ones before it are left.
    let last = "PEN-999999999999999";
    let found = ids(&[renumber("PEN-1", last), task.clone(), task.clone(), task]);
    assert_eq!(found, [last, "PEN-1", "PEN-4", "PEN-5"]);
    project.ok(["doctor"]);
}

/// Whether `doctor`, which makes words and sums anew from the log, finds these the same.
fn is_sound(project: &Project) -> bool {
    let summary = &project.json(["doctor"])["summary"];
    (summary["errors"].as_u64(), summary["warnings"].as_u64()) == (Some(0), Some(0))
}

fn run(project: &Project, lines: &[Value]) {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let run = project.fed(["batch"], input.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
}

#[test]
fn words_and_sums_behind_a_long_batch_are_what_the_log_says() {
    let project = Project::new();
    let found = |word: &str| project.json(["search", word, "--limit", "500"]).as_array().unwrap().len();
    for round in 0..3 {
        let mut lines = Vec::new();
        for n in 0..40 {
            let (task, remark) = (format!("t{n}"), format!("c{n}"));
            let at = |more: Value| {
                let mut members = more;
                members["task"] = json!(format!("${task}"));
                members
            };
            let of_remark = |more: Value| {
                let mut members = at(more);
                members["comment"] = json!(format!("${remark}"));
                members
            };
            lines
                .push(json!({"create": {"title": format!("early {n}"), "description": "plain"}, "as": task}));
            lines.push(json!({"comment": at(json!({"text": "first thought"})), "as": remark}));
            match n % 8 {
                0 => lines.push(json!({"update": at(json!({"title": "renamed"}))})),
                1 => lines.push(json!({"update": at(json!({"description": "explained"}))})),
                2 => lines.push(json!({"comment-edit": of_remark(json!({"new_text": "second thought"}))})),
                3 => lines.push(json!({"comment-delete": of_remark(json!({}))})),
                4 => lines.push(json!({"plan": at(json!({"text": "planned words"}))})),
                5 => lines.push(json!({"notes": at(json!({"text": "noted words"}))})),
                6 => lines.push(json!({"status": at(json!({"new_status": "in_planning"}))})),
                _ => lines.push(json!({"archive": at(json!({}))})),
            }
            // Something that was there before the batch, and is in the index.
            if round > 0 && n < 3 {
                lines.push(json!({"update": {"task": format!("LAT-{}", n + 2), "title": "changed later"}}));
                lines
                    .push(json!({"status": {"task": format!("LAT-{}", n + 2), "new_status": "in_planning"}}));
            }
        }
        run(&project, &lines);
        assert!(is_sound(&project), "{}", project.ok(["doctor"]));
        let so_far = 5 * (round + 1);
        for (word, count) in [
            ("renamed", so_far),
            ("explained", so_far),
            ("second thought", so_far),
            ("planned words", so_far),
            ("noted words", so_far),
            ("first thought", 5 * so_far),
            ("early", 6 * so_far - if round > 0 { 3 } else { 0 }),
        ] {
            assert_eq!(found(word), count, "{word}");
        }
        // Between two steps: the next batch finds it in the log.
        run(&project, &[json!({"comment": {"task": "LAT-1", "text": "between"}})]);
        assert_eq!(found("between"), 1);
    }
}
