//! Hooks: what runs after a change, what it is told, and that nothing else ever runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Project, Run, terminal};

/// A project with these hooks, trusted.
fn hooked(hooks: &Value) -> Project {
    let project = untrusted(hooks);
    project.ok(["hooks", "trust", "--all"]);
    project
}

fn untrusted(hooks: &Value) -> Project {
    let project = Project::new();
    let run = project.tried(["config", "set", "hooks", &hooks.to_string()]);
    assert_eq!(run.status, 0, "{run:?}");
    project
}

/// What a hook left in a file; nothing while there is none.
fn left(project: &Project, name: &str) -> String {
    fs::read_to_string(project.path().join(name)).unwrap_or_default()
}

#[test]
fn hooks_run_in_order_and_hear_of_the_event() {
    let project = hooked(&json!({
        "post_event": "echo every $LATTICE_EVENT_TYPE >> log; cat >> events",
        "on": {"status_changed": "echo type >> log"},
        "transitions": {
            "* -> *": "echo widest >> log",
            "* -> planned": "echo to >> log",
            "backlog -> *": "echo from >> log",
            "backlog -> planned": ["echo $LATTICE_FROM_STATUS $LATTICE_TO_STATUS >> log", "echo second >> log"],
            "planned -> backlog": "echo wrong >> log",
        },
    }));
    let task = project.task("A title");
    fs::remove_file(project.path().join("log")).unwrap();
    fs::remove_file(project.path().join("events")).unwrap();
    project.ok(["status", &task, "planned"]);
    assert_eq!(
        left(&project, "log"),
        "every status_changed\ntype\nbacklog planned\nsecond\nto\nfrom\nwidest\n"
    );
    let line = left(&project, "events");
    assert_eq!(line.lines().count(), 1, "{line}");
    let told: Value = serde_json::from_str(&line).unwrap();
    let events = project.ok(["events", "--task", &task, "--json"]);
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(told, last["event"]);
}

#[test]
fn the_environment_names_the_event_and_lattice_works_inside() {
    let lattice = env!("CARGO_BIN_EXE_lattice");
    let project = hooked(&json!({"on": {"comment_added": format!(
        "printf '%s\\n' \"$LATTICE_ROOT\" \"$LATTICE_TASK_ID\" \"$LATTICE_EVENT_ID\" \"$LATTICE_ACTOR\" \"$LATTICE_NO_HOOKS\" > seen; cd /; \
         {lattice} comment \"$LATTICE_TASK_ID\" 'said by the hook' --actor agent:hook --quiet"
    )}}));
    let task = project.task("A title");
    let said = project.say(&["comment", &task, "first"]);
    let id = project.json(["show", &task])["id"].as_str().unwrap().to_owned();
    let root = project.path().canonicalize().unwrap();
    assert_eq!(left(&project, "seen"), format!("{}\n{id}\n{said}\nagent:test\n1\n", root.display()));
    let comments = project.json(["comments", &task]);
    let bodies: Vec<&str> =
        comments.as_array().unwrap().iter().map(|comment| comment["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["first", "said by the hook"], "the hook's own comment calls no hook");
}

#[test]
fn lattice_inside_a_hook_knows_a_session_and_the_program_by_lattice_actor() {
    let lattice = env!("CARGO_BIN_EXE_lattice");
    let project = hooked(&json!({
        "on": {"comment_added": format!("echo $LATTICE_ACTOR > seen; {lattice} update \"$LATTICE_TASK_ID\" priority=low --quiet")},
    }));
    let task = project.task("A title");
    let name = project.ok(["session", "start", "--model", "human", "--name", "Juniper", "--quiet"]);
    let name = name.trim();
    project.ok(["comment", &task, "said by a session", "--name", name]);
    assert_eq!(left(&project, "seen").trim(), name);
    let events = project.json(["show", &task])["events"].clone();
    let last = events.as_array().unwrap().last().unwrap();
    assert!(last["type"] == "field_updated" && last["actor"].to_string().contains(name), "{last}");
    let acting = |actor: &str, line: &[&str]| {
        Run::of(project.command(line).args(["--no-hooks"]).env("LATTICE_ACTOR", actor).output().unwrap())
    };
    let update = |actor: &str, value: &str| acting(actor, &["update", &task, value]);
    assert_eq!(update(name, "priority=high").status, 0);
    let run = acting("", &["update", &task, "priority=low", "--actor", name]);
    assert!(run.stderr.contains("INVALID_ACTOR"), "the flag stays strict: {run:?}");
    for (nobody, code) in
        [("system:lattice", "MISSING_ACTOR"), ("system:", "MISSING_ACTOR"), ("Nobody-1", "INVALID_ACTOR")]
    {
        let run = update(nobody, "priority=medium");
        assert!(run.status == 1 && run.stderr.contains(code), "{nobody}: {run:?}");
    }
    let run = acting("system:lattice", &["ready"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    project.ok(["session", "end", name]);
    let run = update(name, "priority=medium");
    assert!(run.stderr.contains("SESSION_NOT_FOUND"), "{run:?}");
}

#[test]
fn hooks_run_after_the_lock_is_let_go_and_before_the_answer() {
    let lattice = env!("CARGO_BIN_EXE_lattice");
    let project = hooked(&json!({"on": {"task_created": format!(
        "LATTICE_LOCK_TIMEOUT=0 {lattice} create 'made by the hook' --actor agent:hook --quiet > made"
    )}}));
    let out = project.ok(["create", "A title", "--quiet"]);
    assert_eq!((out.as_str(), left(&project, "made").as_str()), ("LAT-1\n", "LAT-2\n"));
}

#[test]
fn what_fails_hangs_or_floods_is_one_line_and_changes_nothing() {
    for (command, expected) in [
        ("echo out; echo 'went \u{1b}[2Jwrong' >&2; exit 3", "failed with status 3: went \\u{1b}[2Jwrong"),
        ("kill -9 $$", "was ended by signal 9"),
        ("exec 0<&-; exit 1", "failed with status 1"),
        ("no-such-program", "failed with status 127"),
        ("sleep 60", "did not end within 0.3 s and was stopped"),
        ("trap '' TERM HUP INT; while true; do echo flood; done", "did not end within 0.3 s and was stopped"),
    ] {
        let project = hooked(&json!({"post_event": command}));
        let mut line = project.command(["create", "A title", "--quiet"]);
        line.env("LATTICE_ACTOR", "agent:test").env("LATTICE_HOOK_TIMEOUT", "0.3");
        let run = Run::of(line.output().unwrap());
        assert_eq!((run.status, run.stdout.as_str()), (0, "LAT-1\n"), "{command}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{command}: {run:?}");
        assert!(
            run.stderr.contains(expected) && run.stderr.contains("hooks.post_event"),
            "{command}: {run:?}"
        );
        assert_eq!(project.ok(["list", "--quiet", "--no-hooks"]), "LAT-1\n", "{command}");
    }
}

#[test]
fn output_and_input_of_any_size_hold_nobody_up() {
    let project = hooked(&json!({"on": {
        "task_created": "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2",
        "comment_added": "true",
    }}));
    let task = project.task("A title");
    let run = project.fed(["comment", &task, "--file", "-"], &vec![b'x'; 1_000_000]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "a hook need not read");
}

#[test]
fn a_hook_that_hangs_is_stopped_with_all_that_it_started() {
    let project = hooked(&json!({"post_event": "sleep 600 & echo $! > inner; sleep 600"}));
    let mut line = project.command(["create", "A title"]);
    line.env("LATTICE_ACTOR", "agent:test").env("LATTICE_HOOK_TIMEOUT", "0.3");
    assert_eq!(Run::of(line.output().unwrap()).status, 0);
    let inner = left(&project, "inner");
    let state = || fs::read_to_string(format!("/proc/{}/stat", inner.trim()));
    // A killed process may wait a moment to be buried by whoever inherits it.
    let gone = |stat: &str| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
    let begun = Instant::now();
    while state().is_ok_and(|stat| !gone(&stat)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{inner} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn a_hook_that_hangs_is_not_tried_for_every_event() {
    let project = hooked(&json!({"post_event": "echo x >> tries; sleep 60"}));
    let task = project.ok(["create", "A title", "--quiet", "--no-hooks"]);
    for status in ["planned", "review"] {
        project.ok(["status", task.trim(), status, "--no-hooks"]);
    }
    let mut line = project.command(["complete", task.trim(), "--review", "Right.", "--json"]);
    line.env("LATTICE_ACTOR", "agent:test").env("LATTICE_HOOK_TIMEOUT", "0.2");
    let run = Run::of(line.output().unwrap());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let warnings = document["warnings"].as_array().unwrap();
    assert!(
        warnings.len() == 1 && warnings[0].as_str().unwrap().contains("hooks.post_event"),
        "{warnings:?}"
    );
    assert_eq!(left(&project, "tries"), "x\n");
}

#[test]
fn somebody_who_stops_the_program_stops_the_hook_and_keeps_the_change() {
    let project = hooked(&json!({"post_event": "echo $PPID > parent; sleep 600"}));
    let mut line = project.command(["create", "A title", "--quiet"]);
    line.env("LATTICE_ACTOR", "agent:test").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = line.spawn().unwrap();
    let begun = Instant::now();
    while left(&project, "parent").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the hook never ran");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!((run.status, run.stdout.as_str()), (0, "LAT-1\n"), "{run:?}");
    assert!(run.stderr.contains("was stopped"), "{run:?}");
}

#[test]
fn nothing_runs_that_is_not_trusted() {
    let project = untrusted(&json!({"post_event": "touch marker"}));
    let run = project.tried(["create", "One"]);
    assert_eq!(run.status, 0);
    assert!(run.stderr.contains("lattice hooks trust") && run.stderr.lines().count() == 1, "{run:?}");
    for flags in [["--json"], ["--quiet"]] {
        project.ok(["create", "Two"].into_iter().chain(flags));
    }
    assert!(!project.path().join("marker").exists());
    project.ok(["hooks", "untrust"]);
    project.ok(["create", "Three"]);
    assert!(!project.path().join("marker").exists());
    let id = project.ok(["hooks", "list", "--quiet"]);
    project.ok(["hooks", "trust", id.trim()]);
    project.ok(["create", "Four"]);
    assert!(project.path().join("marker").exists());
    let run = project.tried(["config", "set", "hooks.post_event", "touch other"]);
    assert!(run.stderr.contains("lattice hooks trust"), "another command is another hook: {run:?}");
    project.tried(["create", "Five"]);
    assert!(!project.path().join("other").exists());
}

#[test]
fn a_clone_with_hostile_hooks_runs_nothing() {
    let hostile = untrusted(&json!({
        "post_event": "touch marker",
        "on": {"task_created": "touch marker"},
        "transitions": {"* -> *": "touch marker"},
    }));
    hostile.ok(["hooks", "trust", "--all"]);
    hostile.ok(["create", "Bait", "--no-hooks"]);
    hostile.ok(["export"]);
    // As a tree that is imported, and as a whole database that was put into the repository.
    for with_database in [false, true] {
        let victim = Project::empty();
        copy(&hostile.lattice(), &victim.lattice(), with_database);
        // Even of the same user: trust is bound to the place of the tracker.
        copy(&hostile.home(), &victim.home(), true);
        assert_eq!(victim.run(["init"]).status, 0);
        let task = victim.tried(["create", "A title", "--quiet"]);
        for line in [
            vec!["status", "LAT-1", "planned"],
            vec!["comment", "LAT-1", "x"],
            vec!["import"],
            vec!["doctor"],
            vec!["hooks", "list"],
            vec!["rebuild", "--all"],
        ] {
            assert_eq!(victim.tried(line.clone()).status, 0, "{line:?} {task:?}");
        }
        for folder in [victim.path().to_owned(), victim.lattice()] {
            assert!(!folder.join("marker").exists(), "with the database: {with_database}");
        }
    }
    assert!(!hostile.path().join("marker").exists());
}

fn copy(from: &std::path::Path, to: &std::path::Path, with_database: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(&name), with_database);
        } else if with_database || !name.to_string_lossy().starts_with("lattice.db") {
            fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}

#[test]
fn bulk_commands_and_reads_call_no_hooks() {
    let project = hooked(&json!({"post_event": "echo $LATTICE_EVENT_TYPE >> log"}));
    project.task("A title");
    assert_eq!(left(&project, "log"), "task_created\n");
    project.ok(["export"]);
    let plan = project.lattice().join("plans").read_dir().unwrap().next().unwrap().unwrap().path();
    fs::write(plan, "# Edited by hand\n").unwrap();
    assert_eq!(project.json(["import"])["new_events"], 1);
    project.ok(["rebuild", "--all"]);
    project.ok(["doctor", "--fix"]);
    project.ok(["list"]);
    assert_eq!(left(&project, "log"), "task_created\n");
    project.ok(["archive", "LAT-1"]);
    assert_eq!(left(&project, "log"), "task_created\ntask_archived\n");
}

#[test]
fn every_event_of_every_task_calls_its_hooks() {
    let project = hooked(&json!({"post_event": "echo $LATTICE_EVENT_TYPE >> log"}));
    for title in ["One", "Two"] {
        project.planned(title);
    }
    fs::write(project.path().join("log"), "").unwrap();
    project.ok(["next", "--claim", "--actor", "agent:a"]);
    assert_eq!(left(&project, "log"), "assignment_changed\nstatus_changed\nstatus_changed\n");
    fs::write(project.path().join("log"), "").unwrap();
    let run = project.tried(["archive", "LAT-1", "LAT-9", "LAT-2"]);
    assert_eq!(run.status, 1);
    assert_eq!(left(&project, "log"), "task_archived\ntask_archived\n");
    fs::write(project.path().join("log"), "").unwrap();
    project.ok(["config", "set", "mine", "1"]);
    assert_eq!(left(&project, "log"), "config_changed\n");
    project.refused(["status", "LAT-1", "nowhere"]);
    assert_eq!(left(&project, "log"), "config_changed\n", "what is refused calls nothing");
}

#[test]
fn hooks_are_switched_off_for_one_call() {
    let project = hooked(&json!({"post_event": "touch marker"}));
    project.ok(["create", "One", "--no-hooks"]);
    project.ok(["--no-hooks", "create", "Two"]);
    let mut line = project.command(["create", "Three", "--actor", "agent:a"]);
    assert!(line.env("LATTICE_NO_HOOKS", "1").output().unwrap().status.success());
    assert!(!project.path().join("marker").exists());
    let mut line = project.command(["create", "Four", "--actor", "agent:a"]);
    assert!(line.env("LATTICE_NO_HOOKS", "0").output().unwrap().status.success());
    assert!(project.path().join("marker").exists());
}

#[test]
fn hooks_are_listed_and_trusted_one_by_one() {
    let project = Project::new();
    assert_eq!(project.ok(["hooks", "list"]), "No hooks are configured.\n");
    assert_eq!(project.ok(["hooks", "trust"]), "No hooks are configured.\n");
    let project = untrusted(&json!({"post_event": "touch a", "on": {"x_y": "touch \u{1b}b"}}));
    let hooks = project.json(["hooks", "list"])["hooks"].clone();
    assert_eq!(hooks.as_array().unwrap().len(), 2);
    assert_eq!(
        (&hooks[1]["point"], &hooks[1]["command"], &hooks[1]["state"]),
        (&json!("hooks.on.x_y"), &json!("touch \u{1b}b"), &json!("untrusted"))
    );
    let id = hooks[1]["id"].as_str().unwrap();
    assert_eq!(id.len(), 64);
    let text = project.ok(["hooks", "trust", &id[..10]]);
    assert!(text.contains("untrusted  hooks.post_event: touch a\n"), "{text}");
    assert!(text.contains("trusted    hooks.on.x_y: touch \\u{1b}b\n"), "{text}");
    let after = project.json(["hooks", "untrust", id])["hooks"].clone();
    assert_eq!((&after[0]["state"], &after[1]["state"]), (&json!("untrusted"), &json!("declined")));
    let (status, error) = project.refused(["hooks", "trust", "00000000"]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    let mut homeless = project.command(["hooks", "trust", "--all", "--json"]);
    let run = Run::of(homeless.env_remove("HOME").output().unwrap());
    assert!(run.status == 1 && run.stdout.contains("HOME is not set"), "{run:?}");
}

#[test]
fn hooks_must_be_commands() {
    let project = Project::new();
    for (path, value) in [
        ("hooks", "7"),
        ("hooks.post_event", "7"),
        ("hooks.on.comment_added", r#"{"a": 1}"#),
        ("hooks.transitions.done", "true"),
        ("hooks", r#"{"transitions": {"a -> b": [1]}}"#),
    ] {
        let (status, error) = project.refused(["config", "set", path, value]);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{path} {value}");
    }
}

#[test]
fn hooks_leave_the_terminal_alone() {
    let project = hooked(&json!({"post_event": "echo loud; cat > /dev/null; test ! -t 0 && test ! -t 1"}));
    let mut line = project.command(["create", "A title", "--quiet"]);
    line.env("LATTICE_ACTOR", "agent:test");
    let run = terminal::run(line);
    assert_eq!((run.status, run.stdout.as_str()), (0, "LAT-1\r\n"));
}
