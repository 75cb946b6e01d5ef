//! `lattice init` from outside: it makes a whole tracker or leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use support::{Project, Run, terminal};

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entry = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(entry).collect();
    names.sort();
    names
}

const TASK: &str = "task_01KPH4C22FWF63BPQ4SET7E5JG";

/// What the predecessor leaves: configuration, a log, a snapshot, an index.
fn predecessor(lattice: &Path) {
    put(
        lattice,
        "config.json",
        r#"{"default_priority":"medium","default_status":"backlog","instance_id":"inst_01KPH4C22FWF63BPQ4SET7E5JA","project_code":"OLD","schema_version":1,"task_types":["task"],"workflow":{"statuses":["backlog","done"],"transitions":{"backlog":["done"]}}}"#,
    );
    let event = format!(
        r#"{{"actor":"human:bo","data":{{"short_id":"OLD-7","status":"backlog","title":"Sweep","type":"task"}},"id":"ev_01KPH4C22JNABBN4W02JP1GNNS","schema_version":1,"task_id":"{TASK}","ts":"2026-04-18T20:26:31Z","type":"task_created"}}"#
    );
    put(lattice, &format!("events/{TASK}.jsonl"), &format!("{event}\n"));
    put(lattice, "events/_lifecycle.jsonl", &format!("{event}\n"));
    put(
        lattice,
        "ids.json",
        r#"{"map":{"OLD-7":"task_01KPH4C22FWF63BPQ4SET7E5JG"},"next_seqs":{"OLD":12},"schema_version":2}"#,
    );
    put(lattice, "orchestration/mine.txt", "not yours");
}

#[test]
fn a_new_tracker_answers_and_works_at_once() {
    let project = Project::empty();
    let data =
        project.json(["init", "--project-code", "web", "--project-name", "Site", "--actor", "human:ada"]);
    assert_eq!(data["created"], true);
    assert_eq!(data["project_code"], "WEB");
    assert_eq!(data["imported"], serde_json::Value::Null);
    assert_eq!(Path::new(data["path"].as_str().unwrap()), project.lattice().canonicalize().unwrap());
    assert!(data["instance_id"].as_str().unwrap().starts_with("inst_"));
    assert_eq!(names(project.path()), [".lattice"], "nothing outside of .lattice/ is touched");
    assert_eq!(project.task("First"), "WEB-1");
}

#[test]
fn a_second_init_changes_nothing() {
    let project = Project::new();
    project.task("Kept");
    let data = project.json(["init", "--project-code", "OTHER"]);
    assert_eq!((&data["created"], &data["project_code"]), (&false.into(), &"LAT".into()));
    assert!(project.ok(["init"]).starts_with("Already initialised: "));
    assert_eq!(project.ok(["list", "--quiet"]), "LAT-1\n");
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let project = Project::empty();
    let run = project.fed(["init"], b"ada\nSite\nWEB\n");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(!run.stdout.contains('?') && !run.stdout.contains("name ("), "{}", run.stdout);
    assert_eq!(project.json(["init"])["project_code"], serde_json::Value::Null);
}

#[test]
fn of_sixteen_at_once_one_makes_it() {
    let project = Project::empty();
    let runs = project.at_once((0..16).map(|_| vec!["init", "--project-code", "LAT", "--json"]));
    let mut made = 0;
    for run in &runs {
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        made += usize::from(document["data"]["created"] == true);
    }
    assert_eq!(made, 1);
    assert_eq!(project.task("Works"), "LAT-1");
    assert!(names(&project.lattice()).iter().all(|name| !name.ends_with(".tmp")));
}

#[test]
fn wrong_flags_leave_nothing_behind() {
    for (args, code) in [
        (vec!["init", "--project-code", "TOOLONG"], "VALIDATION_ERROR"),
        (vec!["init", "--project-code", "A-B"], "VALIDATION_ERROR"),
        (vec!["init", "--subproject-code", "WEB"], "VALIDATION_ERROR"),
        (vec!["init", "--actor", "ada"], "INVALID_ACTOR"),
        (vec!["init", "--workflow", "modern"], "USAGE"),
        (vec!["init", "--path", "nowhere"], "USAGE"),
    ] {
        let project = Project::empty();
        let (status, error) = project.refused(args.clone());
        assert_eq!((status, &error["code"]), (if code == "USAGE" { 2 } else { 1 }, &code.into()), "{args:?}");
        assert_eq!(names(project.path()), Vec::<String>::new(), "{args:?}");
    }
}

#[test]
fn an_empty_folder_is_completed() {
    let project = Project::empty();
    fs::create_dir(project.lattice()).unwrap();
    assert_eq!(project.json(["init", "--project-code", "LAT"])["created"], true);
    assert_eq!(project.task("Works"), "LAT-1");
}

#[test]
fn a_half_made_tracker_of_the_predecessor_is_completed() {
    let project = Project::empty();
    for folder in ["tasks", "events", "archive/events", "locks"] {
        fs::create_dir_all(project.lattice().join(folder)).unwrap();
    }
    assert_eq!(project.json(["init", "--project-code", "LAT"])["created"], true);
    assert_eq!(project.task("Works"), "LAT-1");
}

#[test]
fn a_tracker_of_the_predecessor_is_taken_in() {
    let project = Project::empty();
    predecessor(&project.lattice());
    let data = project.json(["init"]);
    assert_eq!(
        (&data["project_code"], &data["instance_id"]),
        (&"OLD".into(), &"inst_01KPH4C22FWF63BPQ4SET7E5JA".into())
    );
    assert_eq!((&data["imported"]["tasks"], &data["imported"]["unknown_files"]), (&1.into(), &1.into()));
    assert_eq!(project.ok(["list"]), "OLD-7  backlog  -  task  \"Sweep\"  unassigned\n");
    assert_eq!(project.task("Next"), "OLD-12", "numbers below the old floor are not given out");
    assert_eq!(fs::read_to_string(project.lattice().join("orchestration/mine.txt")).unwrap(), "not yours");
    assert_eq!(project.run(["doctor"]).status, 0);
}

#[test]
fn a_broken_tree_is_refused_and_stays_as_it_was() {
    let project = Project::empty();
    predecessor(&project.lattice());
    put(&project.lattice(), &format!("events/{TASK}.jsonl"), "{broken\n");
    let before = names(&project.lattice());
    let (status, error) = project.refused(["init"]);
    assert_eq!((status, &error["code"]), (1, &"IMPORT_INVALID".into()), "{error}");
    assert!(error["message"].as_str().unwrap().contains(&format!("{TASK}.jsonl:1")), "{error}");
    assert_eq!(names(&project.lattice()), before);
}

#[test]
fn a_file_in_the_way_is_refused() {
    let project = Project::empty();
    fs::write(project.lattice(), "mine").unwrap();
    let (status, error) = project.refused(["init"]);
    assert_eq!((status, &error["code"]), (4, &"STORE_IO".into()), "{error}");
    assert_eq!(fs::read_to_string(project.lattice()).unwrap(), "mine");
}

#[test]
fn something_else_under_the_databases_name_is_refused() {
    for content in
        ["", "not a database at all, but long enough to look at: 0123456789 0123456789 0123456789 0123456789"]
    {
        let project = Project::empty();
        put(&project.lattice(), "lattice.db", content);
        let (status, error) = project.refused(["init"]);
        assert_eq!((status, &error["code"]), (4, &"STORE_NOT_A_DATABASE".into()), "{error}");
        assert_eq!(fs::read_to_string(project.database()).unwrap(), content);
    }
}

#[test]
fn without_permission_nothing_is_made() {
    let project = Project::empty();
    let root = fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    let mode = if root { 0o755 } else { 0o555 };
    // The program where everybody can run it.
    let program = tempfile::tempdir().unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = program.path().join("lattice");
    fs::copy(env!("CARGO_BIN_EXE_lattice"), &binary).unwrap();
    fs::set_permissions(project.path(), fs::Permissions::from_mode(mode)).unwrap();
    let mut command = std::process::Command::new(&binary);
    command.args(["init", "--json"]).current_dir(project.path());
    if root {
        command.uid(65534);
    }
    let run = Run::of(command.output().unwrap());
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &document["error"]["code"]), (4, &"STORE_DENIED".into()), "{document}");
    assert_eq!(names(project.path()), Vec::<String>::new());
}

#[test]
fn a_linked_worktree_shares_the_tracker_of_the_main_one() {
    let project = Project::empty();
    let main = project.path().join("main");
    fs::create_dir(&main).unwrap();
    let git = |folder: &Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(args).current_dir(folder);
        command.output().is_ok_and(|output| output.status.success())
    };
    let ready = git(&main, &["init", "-q"]) && git(&main, &["commit", "-q", "--allow-empty", "-m", "a"]);
    assert!(ready && git(&main, &["worktree", "add", "-q", "../side"]), "this test needs git");
    let run = |folder: &str, args: &[&str]| {
        Run::of(project.command(args).current_dir(project.path().join(folder)).output().unwrap())
    };
    assert_eq!(run("main", &["init", "--project-code", "LAT"]).status, 0);
    let side = run("side", &["init", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&side.stdout).unwrap();
    assert_eq!(document["data"]["created"], false, "{side:?}");
    assert!(document["data"]["path"].as_str().unwrap().ends_with("main/.lattice"));
    assert!(!project.path().join("side/.lattice").exists());
}

#[test]
fn a_root_that_points_elsewhere_is_mentioned() {
    let (project, other) = (Project::empty(), Project::new());
    let output = project.command(["init"]).env("LATTICE_ROOT", other.path()).output().unwrap();
    let run = Run::of(output);
    assert_eq!(run.status, 0);
    assert!(run.stderr.contains("LATTICE_ROOT"), "{}", run.stderr);
}

#[test]
fn at_a_terminal_what_is_open_is_asked() {
    let project = Project::empty();
    let run = terminal::talk(project.command(["init"]), "ada\n\nnot a code\nweb\nperhaps\nn\n\n");
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.stdout.contains("Your name") && run.stdout.contains("is not valid"), "{}", run.stdout);
    assert!(
        run.stdout.contains("Default actor: human:ada") && run.stdout.contains("WEB-1"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("answer y or n") && !project.path().join("CLAUDE.md").exists());
    assert_eq!(project.ok(["list", "--quiet"]), "");
    let again = terminal::run(project.command(["init"]));
    assert!(again.stdout.starts_with("Already initialised"), "{}", again.stdout);
    let other = Project::empty();
    let run = terminal::run(other.command(["init", "--project-code", "LAT", "--actor", "human:bo"]));
    assert!(!run.stdout.contains("Your name"), "{}", run.stdout);
}
