//! What people read: sentences that fit what happened, hints that can be typed, help.

mod support;

use support::Project;

#[test]
fn a_hint_to_override_is_a_command_that_exists() {
    let project = Project::new();
    let task = project.task("Read the log");
    for line in
        [vec!["next", "--claim"], vec!["complete", &task, "--review", "fine"], vec!["status", &task, "done"]]
    {
        let (_, error) = project.refused(line);
        let hint = error["hint"].as_str().unwrap();
        let command = hint.rsplit("override: `lattice ").next().unwrap().trim_end_matches('`');
        let words: Vec<&str> = command.split(' ').map(|w| if w == "TEXT" { "why" } else { w }).collect();
        assert_eq!(words[..2], ["status", &task], "{hint}");
        project.ok(words);
        project.ok(["status", &task, "backlog", "--force", "--reason", "again"]);
    }
}

#[test]
fn doctor_says_above_findings_what_they_are() {
    let project = Project::new();
    project.ok(["export"]);
    project.task("Read the log");
    let text = project.ok(["doctor"]);
    assert!(text.contains("! the exported tree and the database are not in step\n"), "{text}");
    assert!(
        text.contains("    the database holds 1 change that the tree does not; `lattice export`"),
        "{text}"
    );
    assert!(text.contains("✓ no short id is claimed twice\n"), "{text}");
}

#[test]
fn a_setting_is_named_as_it_was_typed() {
    let project = Project::new();
    let (_, error) = project.refused(["config", "set", "default_priority", "zz"]);
    assert_eq!(error["message"], "setting `default_priority = \"zz\"` is not valid");
    assert_eq!(error["hint"], "critical, high, medium or low");
    let (_, error) = project.refused(["config", "unset", "my.own"]);
    assert_eq!(error["message"], "nothing is set at my.own");
    let (_, error) = project.refused(["config", "edit"]);
    assert_eq!(error["hint"], "use `lattice config set PATH VALUE`");
}

#[test]
fn no_setting_takes_the_status_of_new_tasks_away() {
    let project = Project::new();
    let (_, error) = project.refused(["config", "set", "workflow.statuses", r#"["inbox"]"#]);
    assert!(error["hint"].as_str().unwrap().contains("default status"), "{error}");
    // The built-in statuses hold it.
    project.ok(["config", "set", "workflow", "{}"]);
    project.ok(["config", "set", "workflow.statuses", r#"["backlog","inbox"]"#]);
    project.ok(["config", "set", "default_status", "inbox"]);
    project.ok(["config", "set", "workflow.statuses", r#"["inbox"]"#]);
    assert_eq!(project.json(["create", "A title"])["status"], "inbox");
}

#[test]
fn the_version_of_the_format_is_no_setting() {
    let project = Project::new();
    let (_, error) = project.refused(["config", "set", "schema_version", "2"]);
    assert_eq!(error["code"], "VALIDATION_ERROR");
    project.ok(["config", "set", "schema_version", "1"]);
}

#[test]
fn the_name_alone_says_where_one_is_and_what_to_type() {
    let nowhere = Project::empty();
    assert!(nowhere.ok([] as [&str; 0]).contains("\n  lattice init "));
    let project = Project::new();
    let text = project.ok([] as [&str; 0]);
    assert!(text.contains(".lattice\n") && text.contains("\n  lattice next --claim "), "{text}");
    let run = support::Run::of(project.command([] as [&str; 0]).env("LATTICE_ROOT", "").output().unwrap());
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("LATTICE_ROOT is set, but empty"), "{run:?}");
}

#[test]
fn help_is_the_same_however_it_is_asked_for() {
    let nowhere = Project::empty();
    let text = nowhere.ok(["sql", "--help"]);
    for line in [["sql", "-h"], ["help", "sql"]] {
        assert_eq!(nowhere.ok(line), text);
    }
    assert!(!text.contains("see a summary"), "{text}");
    assert_eq!(nowhere.ok(["help"]), nowhere.ok(["--help"]));
    let run = nowhere.run(["list", "--limit", "-1"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("write a whole number, 0 or more"), "{}", run.stderr);
}

#[test]
fn a_task_that_waits_for_nothing_is_said_to_be_free() {
    let project = Project::new();
    let task = project.task("Read the log");
    assert_eq!(project.ok(["blocked", &task]), "LAT-1 is not blocked.\n");
    assert_eq!(project.ok(["blocked", &task, "--quiet"]), "");
}

#[test]
fn events_name_the_other_task_of_a_relation() {
    let project = Project::new();
    let (one, two) = (project.task("One"), project.task("Two"));
    project.ok(["link", &one, "blocks", &two]);
    project.ok(["unlink", &one, "blocks", &two]);
    for text in [project.ok(["show", &one]), project.ok(["events"])] {
        assert!(text.contains("relationship_removed  agent:test  blocks LAT-2\n"), "{text}");
    }
}

#[test]
fn a_field_with_escapes_in_its_name_reaches_no_terminal() {
    let project = Project::new();
    let task = project.task("Read the log");
    let text = project.ok(["update", &task, "custom_fields.\u{1b}[31m=1"]);
    assert_eq!(text, "Updated LAT-1: custom_fields.\\u{1b}[31m\n");
}

#[test]
fn init_takes_the_flags_of_scripts_that_decline() {
    let project = Project::empty();
    project.ok(["init", "--project-code", "LAT", "--no-setup-agents", "--no-setup-claude", "--no-seed"]);
    assert_eq!(project.task("One"), "LAT-1");
}

#[test]
fn a_text_can_come_out_of_another_command() {
    let project = Project::new();
    project.task("Read the log");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", r#""$0" plan LAT-1 --file <(printf 'one step\n')"#, env!("CARGO_BIN_EXE_lattice")]);
    let run = shell.current_dir(project.path()).env("LATTICE_ACTOR", "agent:test").output().unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(project.ok(["plan", "LAT-1"]), "one step\n");
}

#[test]
fn force_needs_a_reason_only_where_it_overrides() {
    let project = Project::new();
    let task = project.task("Read the log");
    let (_, error) = project.refused(["status", &task, "done", "--force"]);
    assert_eq!(error["message"], "--force needs a reason");
    project.ok(["status", &task, "planned", "--force"]);
    let event = project.json(["show", &task])["events"][1].take();
    assert_eq!(event["data"], serde_json::json!({"force": true, "from": "backlog", "to": "planned"}));
}

#[test]
fn a_folder_that_is_gone_is_said_to_be_gone() {
    let project = Project::empty();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" list"]);
    let run = shell.arg(env!("CARGO_BIN_EXE_lattice")).current_dir(project.path()).env_remove("LATTICE_ROOT");
    let run = support::Run::of(run.output().unwrap());
    assert_eq!(run.status, 4);
    assert!(run.stderr.starts_with("Error: the folder that this runs in is gone"), "{run:?}");
}

#[test]
fn doctor_says_what_tasks_with_a_contested_number_are_called() {
    let (here, there) = (Project::new(), Project::empty());
    here.task("One");
    here.ok(["export", "--to", there.lattice().to_str().unwrap()]);
    there.ok(["init"]);
    assert_eq!((here.task("Mine"), there.task("Theirs")), ("LAT-2".to_owned(), "LAT-2".to_owned()));
    there.ok(["export"]);
    here.ok(["import", there.path().to_str().unwrap()]);
    let text = here.ok(["doctor"]);
    let sentence = "LAT-2 was claimed by 2 tasks; the first has it, the others are called LAT-3\n";
    assert!(text.contains("! short ids that were claimed twice\n") && text.contains(sentence), "{text}");
}
