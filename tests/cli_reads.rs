//! The reading commands from outside: what they print, how they cut, and how they end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use lattice::app::{App, DEFAULT_WAIT, Identity, Root, World};
use lattice::domain::Command;
use lattice::domain::command::NewTask;
use support::{Project, Run, terminal};

/// Makes many tasks in one process.
fn fill(project: &Project, count: usize) {
    let lattice = project.lattice().canonicalize().unwrap();
    let root = Root { project: project.path().to_owned(), tree: lattice.clone(), lattice };
    let mut app = App::open_write(root, World::real(), DEFAULT_WAIT).unwrap();
    let who = Identity { actor: Some("agent:test".to_owned()), ..Identity::default() };
    for n in 0..count {
        let task = NewTask { title: format!("Task {n}"), ..NewTask::default() };
        app.execute(&who, |names| Ok(Command::Create { id: names.fresh_task(), chosen: false, task }))
            .unwrap();
    }
}

#[test]
fn lines_of_a_list_stay_as_scripts_know_them() {
    let project = Project::new();
    project.ok([
        "create",
        "A \"quoted\" title",
        "--priority",
        "high",
        "--type",
        "bug",
        "--assigned-to",
        "human:bo",
    ]);
    project.ok(["create", "Asks", "--status", "needs_human"]);
    project.ok(["create", "Gone"]);
    project.ok(["archive", "LAT-3"]);
    assert_eq!(
        project.ok(["list", "--include-archived"]),
        "LAT-1  backlog  high  bug  \"A \"quoted\" title\"  human:bo\n\
         >>> LAT-2  needs human  medium  task  \"Asks\"  unassigned\n\
         LAT-3  backlog  medium  task  \"Gone\"  unassigned [A]\n"
    );
    assert_eq!(project.ok(["list", "--quiet"]), "LAT-1\nLAT-2\n");
    let archived = &project.json(["list", "--include-archived"])[2];
    assert_eq!(archived["archived"], true);
}

#[test]
fn filters_are_joined_and_accept_display_names() {
    let project = Project::empty();
    project.ok(["init", "--project-code", "LAT", "--workflow", "opinionated"]);
    project.ok(["create", "One", "--tags", "a,b", "--assigned-to", "human:bo"]);
    project.ok(["create", "Two", "--tags", "b", "--priority", "low"]);
    let list = |args: &[&str]| project.ok([&["list", "--quiet"], args].concat());
    assert_eq!(list(&["--status", "Thinking About It"]), "LAT-1\nLAT-2\n");
    assert_eq!(list(&["--tag", "b", "--priority", "low"]), "LAT-2\n");
    assert_eq!(list(&["--assigned", "human:bo"]), "LAT-1\n");
    assert_eq!(list(&["--type", "bug"]), "");
    assert_eq!(
        project.ok(["list", "--fields", "status_name,tags"]),
        "STATUS             TAGS\nthinking about it  a,b\nthinking about it  b\n"
    );
}

#[test]
fn an_unknown_status_is_a_warning_and_an_empty_list() {
    let project = Project::new();
    let run = project.run(["list", "--status", "nope"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.starts_with("Warning: there is no status `nope`"), "{}", run.stderr);
    let document: serde_json::Value =
        serde_json::from_str(&project.run(["list", "--status", "nope", "--json"]).stdout).unwrap();
    assert_eq!(document["data"], serde_json::json!([]));
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_cut_list_says_so_and_counts_only_when_asked() {
    let project = Project::new();
    fill(&project, 3);
    let document = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&project.ok([&["list", "--json"], args].concat())).unwrap()
    };
    let cut = document(&["--limit", "2"]);
    assert_eq!((cut["data"].as_array().unwrap().len(), &cut["truncated"]), (2, &true.into()));
    assert_eq!(cut.get("total"), None);
    let whole = document(&["--limit", "3", "--count"]);
    assert_eq!((whole.get("truncated"), &whole["total"]), (None, &3.into()));
    assert_eq!(document(&["--limit", "0"])["truncated"], true);
    let run = project.run(["list", "--limit", "1"]);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, "The first 1; there are more\n"));
    let titles = project.json(["list", "--sort", "title", "--fields", "title", "--limit", "1"]);
    assert_eq!(titles, serde_json::json!([{"title": "Task 0"}]));
    assert_eq!(project.refused(["list", "--fields", "titel"]).1["code"], "VALIDATION_ERROR");
}

#[test]
fn a_list_without_a_match_says_so_to_people_only() {
    let project = Project::new();
    fill(&project, 2);
    let run = project.run(["list", "--tag", "none"]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", "No tasks match\n"));
    for more in [&["--quiet"][..], &["--json"], &["--format", "csv"], &["--format", "jsonl"]] {
        assert_eq!(project.run([&["list", "--tag", "none"], more].concat()).stderr, "", "{more:?}");
    }
    for words in [&["list", "--limit", "1"][..], &["search", "task", "--limit", "1"]] {
        let run = project.run([words, &["--quiet"]].concat());
        assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""), "{words:?}");
    }
}

#[test]
fn long_titles_are_cut_to_the_width_of_a_terminal_and_nowhere_else() {
    let project = Project::new();
    let (words, wide) = ("word ".repeat(60), "漢字".repeat(60));
    for title in [words.trim(), &wide] {
        project.ok(["create", title]);
    }
    let run = terminal::run_in(project.command(["list"]), 80);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "one line for each, and the heading: {run:?}");
    assert!(lines[1..].iter().all(|line| line.contains('…') && line.contains("LAT-")), "{run:?}");
    let table = project.ok(["list", "--format", "table"]);
    assert!(table.contains(words.trim()) && table.contains(&wide) && !table.contains('…'), "{table}");
}

#[test]
fn tables_stay_aligned_whatever_the_script_and_send_no_escapes() {
    let project = Project::new();
    for title in ["🎉 party", "漢字", "עברית", "\u{1b}[2Jgone\u{7}", "plain"] {
        project.ok(["create", title]);
    }
    let table = project.ok(["list", "--fields", "title,name", "--format", "table"]);
    assert_eq!(
        table,
        "TITLE               TASK\n\
         🎉 party            LAT-1\n\
         漢字                LAT-2\n\
         עברית               LAT-3\n\
         \\u{1b}[2Jgone\\u{7}  LAT-4\n\
         plain               LAT-5\n"
    );
}

#[test]
fn every_form_of_a_list_reads_back() {
    let project = Project::new();
    project.ok(["create", "a,\"b\"", "--tags", "x,y"]);
    assert_eq!(
        project.ok(["list", "--format", "csv"]),
        "name,status,priority,type,title,assigned_to\nLAT-1,backlog,medium,task,\"a,\"\"b\"\"\",\n"
    );
    assert_eq!(
        project.ok(["list", "--format", "csv", "--fields", "name,tags"]),
        "name,tags\nLAT-1,\"x,y\"\n"
    );
    assert_eq!(
        project.ok(["list", "--format", "markdown", "--fields", "name,title"]),
        "| task | title |\n| --- | --- |\n| LAT-1 | a,\"b\" |\n"
    );
    let line: serde_json::Value = serde_json::from_str(&project.ok(["list", "--format", "jsonl"])).unwrap();
    assert_eq!(line, project.json(["list"])[0]);
    let same = project.ok(["list", "--format", "json"]);
    assert_eq!(same, project.ok(["list", "--json"]));
    assert!(project.run(["list", "--format", "json", "--fields", "x"]).stdout.contains("\"ok\": false"));
}

#[test]
fn show_warns_of_a_reopened_task_only_if_it_was_done() {
    let project = Project::new();
    let task = project.planned("Work");
    project.ok(["status", &task, "needs_human"]);
    project.ok(["status", &task, "planned"]);
    let before = project.json(["show", &task]);
    assert_eq!((&before["reopened_count"], before.get("reopened_warning")), (&1.into(), None));
    for (status, force) in [("done", true), ("in_progress", true)] {
        let mut args = vec!["status", &task, status];
        if force {
            args.extend(["--force", "--reason", "test"]);
        }
        project.ok(args);
    }
    let after = project.json(["show", &task]);
    assert!(after["reopened_warning"].as_str().unwrap().contains("LAT-1"));
    assert_eq!(
        (&after["latest_reopen"]["from"], &after["latest_reopen"]["to"]),
        (&"done".into(), &"in_progress".into())
    );
    assert_eq!(after["latest_reopen"]["actor"], "agent:test");
    let text = project.ok(["show", &task]);
    assert!(text.contains("was taken up again") && text.contains("because: test"), "{text}");
    assert_eq!(project.ok(["show", &task, "--quiet"]), "LAT-1\n");
}

#[test]
fn show_names_both_ends_of_relations() {
    let project = Project::new();
    let (one, two) = (project.task("One"), project.task("Two"));
    project.ok(["link", &one, "depends_on", &two, "--note", "first things first"]);
    let (from, to) = (project.json(["show", &one]), project.json(["show", &two]));
    assert_eq!(from["relationships_enriched"][0]["target_title"], "Two");
    assert_eq!(to["relationships_in"][0]["source_title"], "One");
    assert!(project.ok(["show", &one]).contains("depends_on LAT-2 \"Two\" (first things first)"));
    assert!(project.ok(["show", &two]).contains("<- LAT-1 \"One\" depends_on this"));
    let compact = project.json(["show", &one, "--compact"]);
    assert_eq!((&compact["relationships_out_count"], compact.get("events")), (&1.into(), None));
    assert_eq!(project.json(["show", &one, "--full"])["_full"], true);
}

#[test]
fn ready_and_blocked_share_the_open_tasks_between_them() {
    let project = Project::new();
    let (one, two, three) = (project.task("One"), project.task("Two"), project.task("Three"));
    project.ok(["link", &one, "depends_on", &two]);
    project.ok(["status", &three, "needs_human"]);
    project.ok(["create", "Mine", "--assigned-to", "agent:test"]);
    assert_eq!(project.run(["ready", "--quiet"]).stdout, "LAT-2\n");
    assert_eq!(project.run(["ready", "--quiet", "--actor", "agent:test"]).stdout, "LAT-2\nLAT-4\n");
    assert_eq!(
        project.ok(["blocked"]),
        "LAT-1  backlog  \"One\"\n  depends on LAT-2  backlog  \"Two\"\nLAT-3  needs_human  \"Three\"\n  a human has to look\n"
    );
    let blocked = project.json(["blocked", &one]);
    assert_eq!(blocked[0]["blocked_by"][0]["reason"], "depends_on");
    assert_eq!(blocked.as_array().unwrap().len(), 1);
    let run = project.run(["blocked", "--limit", "1"]);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (2, "The first 1; there are more\n"));
    project.ok(["status", &two, "cancelled"]);
    assert_eq!(project.ok(["blocked", "--quiet"]), "LAT-3\n");
}

#[test]
fn the_feed_goes_on_where_it_was_left() {
    let project = Project::new();
    project.task("One");
    let lines = |args: &[&str]| -> Vec<serde_json::Value> {
        let text = project.ok([&["events", "--json"], args].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = lines(&[]);
    assert_eq!(all.iter().map(|e| e["seq"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let cursor = all[2]["cursor"].as_str().unwrap();
    assert_eq!(lines(&["--since", cursor]), Vec::<serde_json::Value>::new());
    project.task("Two");
    let next = lines(&["--since", cursor]);
    assert_eq!((next.len(), &next[0]["event"]["data"]["title"]), (1, &"Two".into()));
    assert_eq!(lines(&["--since", "3"]), next);
    assert_eq!(lines(&["--type", "task_created", "--task", "LAT-2"]), next);
    assert_eq!(lines(&["--limit", "1"]).len(), 1);
    for (cursor, code) in
        [("beef:3", "CURSOR_EXPIRED"), ("x", "VALIDATION_ERROR"), ("1:-3", "VALIDATION_ERROR")]
    {
        assert_eq!(project.refused(["events", "--since", cursor]).1["code"], code, "{cursor}");
    }
    assert!(
        project.ok(["events"]).lines().nth(2).unwrap().contains("LAT-1  task_created  agent:test  \"One\"")
    );
    let run = project.run(["events", "--limit", "2"]);
    assert!(run.stderr.contains("--since ") && run.stderr.contains(":2"), "{}", run.stderr);
}

#[test]
fn the_feed_is_whole_over_many_pages() {
    let project = Project::new();
    fill(&project, 600);
    let text = project.ok(["events", "--quiet"]);
    let ids: std::collections::BTreeSet<&str> = text.lines().collect();
    assert_eq!((text.lines().count(), ids.len()), (602, 602));
}

#[test]
fn a_slow_reader_of_the_feed_holds_nobody_up() {
    let project = Project::new();
    fill(&project, 600);
    let mut command = project.command(["events", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    // The pipe is full now and the feed waits in the middle: the log can be put away all the same.
    project.task("Meanwhile");
    let conn = rusqlite::Connection::open(project.database()).unwrap();
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert_eq!(reader.lines().count(), 602, "what came meanwhile is there too");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_pipe_is_a_quiet_end_and_a_full_disk_is_not() {
    let project = Project::new();
    fill(&project, 600);
    for args in [vec!["events", "--json"], vec!["list", "--json"], vec!["list"]] {
        let mut command = project.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = Run::of(child.wait_with_output().unwrap());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}");
        if cfg!(target_os = "linux") {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let run = Run::of(project.command(&args).stdout(full).output().unwrap());
            assert_eq!(run.status, 4, "{args:?}");
            assert!(run.stderr.contains("OUTPUT_FAILED"), "{}", run.stderr);
        }
    }
}

#[test]
fn colours_are_for_terminals() {
    let project = Project::new();
    let run = project.run(["show", "LAT-9"]);
    assert_eq!(run.stderr, "Error: there is no task LAT-9 [NOT_FOUND]\nHint: see `lattice list`\n");
    let output = project.command(["show", "LAT-9"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(Run::of(output).stderr.starts_with("\u{1b}["));
    let output = project.command(["show", "LAT-9"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!Run::of(output).stderr.contains('\u{1b}'));
}

#[test]
fn a_terminal_gets_a_table() {
    let project = Project::new();
    project.task("One");
    let run = terminal::run(project.command(["list"]));
    assert!(run.stdout.contains("TASK") && run.stdout.contains("\u{1b}["), "{}", run.stdout);
    let mut command = project.command(["list"]);
    command.env("NO_COLOR", "1");
    let run = terminal::run(command);
    assert_eq!(
        run.stdout,
        "TASK   STATUS   PRIORITY  TYPE  TITLE  ASSIGNED TO\r\nLAT-1  backlog  medium    task  One\r\n"
    );
}
