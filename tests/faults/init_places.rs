//! `init` in places that are full, shut, or taken by something else.

use std::fs;
use std::process::Command;

use crate::injector::Ending;
use crate::sandbox::{as_nobody, content, empty, is_root, names, open_to_all, say, skip, sound};
use crate::support::Project;

fn init(project: &Project) -> Ending {
    Ending::of(project.command(["init", "--project-code", "LAT"]))
}

fn made(project: &Project) {
    let ending = init(project);
    assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{ending:?}");
    project.task("first");
    sound(project, &|| "made".to_owned());
}

#[test]
fn an_empty_folder_is_completed() {
    let project = empty();
    fs::create_dir(project.lattice()).unwrap();
    made(&project);
}

#[test]
fn a_file_in_the_folders_place_is_left_alone() {
    let project = empty();
    fs::write(project.lattice(), "mine").unwrap();
    let ending = init(&project);
    assert_eq!(ending.code(), Some("STORE_IO"), "{ending:?}");
    assert_eq!(fs::read(project.lattice()).unwrap(), b"mine");
}

#[test]
fn links_in_the_folders_or_the_databases_place_are_refused() {
    let elsewhere = empty();
    let project = empty();
    std::os::unix::fs::symlink(elsewhere.path(), project.lattice()).unwrap();
    assert_eq!(init(&project).code(), Some("STORE_DENIED"));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    fs::remove_file(project.lattice()).unwrap();
    fs::create_dir(project.lattice()).unwrap();
    let victim = elsewhere.path().join("victim");
    std::os::unix::fs::symlink(&victim, project.database()).unwrap();
    assert_eq!(init(&project).code(), Some("STORE_DENIED"));
    assert!(!victim.exists());
    assert_eq!(names(&project), ["lattice.db"]);
}

/// The predecessor made its files one after the other; here it was stopped on the way.
#[test]
fn what_a_stopped_predecessor_left_is_completed_or_refused_untouched() {
    let folders = ["tasks", "events", "artifacts/meta", "artifacts/payload", "plans", "notes"];
    let config = "{\"schema_version\": 1, \"default_status\": \"backlog\", \"project_code\": \"OLD\"";
    for (count, config) in [(1, None), (3, None), (6, None), (6, Some("")), (6, Some(config))] {
        let project = empty();
        for folder in &folders[..count] {
            fs::create_dir_all(project.lattice().join(folder)).unwrap();
        }
        if let Some(config) = config {
            fs::write(project.lattice().join("config.json"), config).unwrap();
        }
        let before = content(&project.lattice());
        let ending = init(&project);
        if ending.status == Some(0) {
            assert_eq!(config, None, "a broken configuration was taken in: {ending:?}");
            made(&project);
            continue;
        }
        // A person must say what the broken file was to be; that is a refusal and no failure.
        assert_eq!((ending.status, ending.stdout.as_str()), (Some(1), ""), "{ending:?}");
        assert!(ending.stderr.contains("config.json"), "{ending:?}");
        assert!(ending.stderr.contains("[IMPORT_INVALID]"), "{ending:?}");
        assert!(content(&project.lattice()) == before, "{ending:?}");
        fs::remove_file(project.lattice().join("config.json")).unwrap();
        made(&project);
    }
}

/// SQLite would play it back into the new database; and it may be all that is left of an old one.
#[test]
fn a_journal_without_its_database_is_neither_played_back_nor_removed() {
    for suffix in ["-wal", "-journal"] {
        let project = empty();
        let other = crate::sandbox::tracker();
        other.task("of another tracker");
        fs::create_dir(project.lattice()).unwrap();
        let stray = project.lattice().join(format!("lattice.db{suffix}"));
        fs::copy(other.lattice().join("lattice.db-wal"), &stray).unwrap();
        let before = content(&project.lattice());
        let ending = init(&project);
        assert_eq!(ending.code(), Some("STORE_CORRUPT"), "{ending:?}");
        assert!(ending.stderr.contains(&format!("lattice.db{suffix}")), "{ending:?}");
        assert!(content(&project.lattice()) == before, "{:?}", names(&project));
        fs::remove_file(stray).unwrap();
        made(&project);
    }
}

#[test]
fn a_folder_that_one_may_not_write_to_is_said_to_be_one() {
    let project = empty();
    open_to_all(project.path(), 0o555);
    let Some(command) = as_nobody(project.command(["init"])) else { return };
    let ending = Ending::of(command);
    assert_eq!(ending.code(), Some("STORE_DENIED"), "{ending:?}");
    assert!(!project.lattice().exists());
    // The folder itself is there already.
    open_to_all(project.path(), 0o755);
    fs::create_dir(project.lattice()).unwrap();
    open_to_all(&project.lattice(), 0o555);
    let ending = Ending::of(as_nobody(project.command(["init"])).unwrap());
    assert_eq!(ending.code(), Some("STORE_DENIED"), "{ending:?}");
    assert_eq!(names(&project), Vec::<String>::new());
    open_to_all(&project.lattice(), 0o755);
    made(&project);
}

/// A real small file system, from one that holds nothing to one that holds the tracker.
#[test]
fn init_on_a_disk_that_is_too_small_leaves_nothing_and_works_when_there_is_room() {
    if !is_root() {
        skip("small file systems: only root may mount them");
        return;
    }
    let script = r#"
        mount -t tmpfs -o size=$1,mode=755 none "$2" || exit 77
        cd "$2"; shift
        shift; "$@"; echo "ended $?"
        ls -A; ls -A .lattice 2>/dev/null
        mount -o remount,size=4M "$PWD" && "$@" >/dev/null && "$1" create first --actor agent:a --quiet
    "#;
    let (mut refused, mut worked) = (0, 0);
    for size in
        ["4k", "8k", "12k", "16k", "32k", "64k", "128k", "200k", "220k", "240k", "260k", "280k", "320k"]
    {
        let project = empty();
        let program = project.command(["init", "--project-code", "LAT"]);
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh", size]).arg(project.path());
        command.arg(program.get_program()).args(program.get_args());
        let ending = Ending::of(command);
        if ending.status == Some(77) {
            skip(&format!("small file systems: {}", ending.stderr.trim()));
            return;
        }
        let lines: Vec<_> = ending.stdout.lines().collect();
        assert_eq!((ending.status, lines.last()), (Some(0), Some(&"LAT-1")), "{size}: {ending:?}");
        if lines[0] == "ended 4" {
            refused += 1;
            assert!(ending.stderr.contains("[STORE_FULL]"), "{size}: {ending:?}");
            assert_eq!(lines, ["ended 4", "LAT-1"], "something was left behind at {size}: {ending:?}");
        } else {
            worked += 1;
            assert!(lines.contains(&"ended 0") && lines.contains(&"lattice.db"), "{size}: {ending:?}");
        }
    }
    assert!(refused > 5 && worked > 0, "{refused} refused, {worked} worked");
    say(&format!("init met {refused} small file systems"));
}
