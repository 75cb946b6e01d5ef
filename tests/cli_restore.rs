//! `restore` among others who have the tracker open: they let go, or are told apart.

mod support;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use support::{Project, Run};

/// A tracker with a task, and its backup `copy.db`.
fn backed_up() -> Project {
    let project = Project::new();
    project.task("first");
    project.ok(["backup", "copy.db"]);
    project
}

fn spawned(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> Run {
    Run::of(child.wait_with_output().unwrap())
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has the database open.
#[cfg(target_os = "linux")]
fn has_open(child: &Child, project: &Project) -> bool {
    let database = project.database().metadata().unwrap().ino();
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten();
    descriptors.filter_map(|entry| entry.unwrap().path().metadata().ok()).any(|file| file.ino() == database)
}

#[cfg(target_os = "linux")]
#[test]
fn a_writer_that_waits_for_its_turn_lets_restore_go_first() {
    let project = backed_up();
    let lock = File::open(project.lattice().join("lock")).unwrap();
    lock.lock().unwrap();
    let inode = lock.metadata().unwrap().ino();
    let queued = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().filter(|line| line.contains("->") && line.contains(&format!(":{inode} "))).count()
    };
    let restore = spawned(project.command(["restore", "copy.db"]));
    wait_until("restore waits", || queued() == 1);
    let writers: Vec<Child> = (0..3)
        .map(|number| {
            let writer =
                spawned(project.command(["create", &format!("later {number}"), "--actor", "human:ada"]));
            wait_until("the writer waits", || queued() == 2 + number && has_open(&writer, &project));
            writer
        })
        .collect();
    drop(lock);
    let run = ended(restore);
    assert_eq!(run.status, 0, "{run:?}");
    for writer in writers {
        let run = ended(writer);
        assert_eq!(run.status, 0, "{run:?}");
    }
    assert_eq!(project.json(["doctor"])["summary"]["errors"], 0);
    assert_eq!(project.task("last"), "LAT-5", "all of them wrote to the new file");
    assert!(!project.lattice().join("restoring").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn who_follows_lets_go_for_restore_and_is_told_that_its_cursor_is_gone() {
    let project = backed_up();
    let follower = spawned(project.command(["events", "--follow", "--format", "jsonl"]));
    wait_until("it follows", || has_open(&follower, &project));
    project.ok(["restore", "copy.db"]);
    let run = ended(follower);
    assert!(run.status == 1 && run.stderr.contains("CURSOR_EXPIRED"), "{run:?}");
}

#[test]
fn who_waits_for_a_resource_lets_restore_pass() {
    let project = Project::new();
    project.ok(["resource", "create", "db", "--actor", "agent:a"]);
    project.ok(["resource", "acquire", "db", "--actor", "agent:a"]);
    project.ok(["backup", "copy.db"]);
    let line = ["resource", "acquire", "db", "--wait", "--actor", "agent:b", "--quiet"];
    let waiting = spawned(project.command(line));
    project.ok(["restore", "copy.db"]);
    project.ok(["resource", "release", "db", "--actor", "agent:a"]);
    let run = ended(waiting);
    assert_eq!(run.status, 0, "{run:?}");
}

#[test]
fn waiting_for_a_resource_takes_no_more_descriptors_however_often_it_asks() {
    let project = Project::new();
    project.ok(["resource", "create", "db", "--actor", "agent:a"]);
    project.ok(["resource", "acquire", "db", "--actor", "agent:a"]);
    let line = ["resource", "acquire", "db", "--wait", "--timeout", "3", "--actor", "agent:b"];
    let real = project.command(line);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 16; exec \"$0\" \"$@\""]).arg(real.get_program()).args(real.get_args());
    limited.current_dir(project.path()).env_clear();
    limited.envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.env("PATH", "/usr/bin:/bin");
    let run = ended(spawned(limited));
    assert!(run.stderr.contains("[TIMEOUT]"), "{run:?}");
}

#[test]
fn a_hook_may_restore() {
    let project = Project::new();
    let hooks = json!({"on": {"comment_added":
        format!("'{}' restore copy.db --force > restored 2>&1", env!("CARGO_BIN_EXE_lattice"))}});
    assert_eq!(project.tried(["config", "set", "hooks", &hooks.to_string()]).status, 0);
    project.ok(["hooks", "trust", "--all"]);
    project.task("first");
    project.ok(["backup", "copy.db"]);
    let mut comment = project.command(["comment", "LAT-1", "undo me", "--actor", "human:ada"]);
    let run = Run::of(comment.env("LATTICE_LOCK_TIMEOUT", "2").output().unwrap());
    assert_eq!(run.status, 0, "{run:?}");
    let mut said = String::new();
    File::open(project.path().join("restored")).unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("Restored"), "{said}");
}

#[test]
fn what_only_the_tracker_has_beside_events_is_not_lost_by_restoring() {
    for (what, change, first) in [
        ("quarantine", "INSERT INTO quarantine VALUES ('ev_1', 'event', '2026', 'lost')", "ev_1"),
        ("a floor", "INSERT OR REPLACE INTO meta VALUES ('next_seq:LAT', '99')", "LAT"),
        ("an artifact", "UPDATE artifacts SET meta = json_set(meta, '$.title', 'other')", "art_"),
    ] {
        let project = Project::new();
        project.task("first");
        project.file("note.txt", "text");
        project.ok(["attach", "LAT-1", "note.txt"]);
        project.ok(["backup", "copy.db"]);
        let conn = Connection::open(project.database()).unwrap();
        assert_eq!(conn.execute(change, []).unwrap(), 1, "{what}");
        drop(conn);
        let (_, error) = project.refused(["restore", "copy.db"]);
        assert_eq!((&error["code"], &error["details"]["lacking"]), (&json!("RESTORE_CONFLICT"), &json!(1)));
        assert!(error["details"]["first"].as_str().unwrap().starts_with(first), "{what}: {error}");
        let answer = project.json(["restore", "copy.db", "--force"]);
        assert!(answer["kept"].is_string(), "{what}: {answer}");
        project.ok(["restore", answer["kept"].as_str().unwrap(), "--force"]);
    }
}

/// Taken numbers need no floor, and floors that the backup has, too, are no reason to refuse.
#[test]
fn a_floor_that_the_backup_has_or_does_not_need_is_no_reason_to_refuse() {
    let project = Project::new();
    let floor = |value: &str| {
        let conn = Connection::open(project.database()).unwrap();
        conn.execute("INSERT OR REPLACE INTO meta VALUES ('next_seq:LAT', ?1)", [value]).unwrap();
    };
    assert_eq!(project.task("first"), "LAT-1");
    project.ok(["backup", "copy.db"]);
    floor("2");
    project.ok(["restore", "copy.db"]);
    floor("9");
    project.ok(["backup", "copy.db", "--force"]);
    project.ok(["restore", "copy.db"]);
    assert_eq!(project.task("second"), "LAT-9");
}
