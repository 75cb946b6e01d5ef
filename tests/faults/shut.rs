//! Trackers that may not be written to, or not be looked at: reading works where it can, writing
//! is refused with a reason, and nothing is touched.

use std::fs;
use std::process::Command;

use crate::injector::Ending;
use crate::sandbox::{as_nobody, content, is_root, open_to_all, skip, tracker};
use crate::support::Project;

/// A tracker with one task. `log`: whose write-ahead log still holds it.
fn example(log: bool) -> Project {
    let project = tracker();
    project.task("first");
    if !log {
        let conn = rusqlite::Connection::open(project.database()).unwrap();
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(conn);
    }
    open_to_all(project.path(), 0o755);
    open_to_all(&project.lattice(), 0o755);
    project
}

fn run(project: &Project, args: &[&str]) -> Option<Ending> {
    let mut command = project.command(args);
    command.env("LATTICE_ACTOR", "agent:test");
    as_nobody(command).map(Ending::of)
}

fn readable_and_refused(log: bool) {
    let project = example(log);
    open_to_all(&project.lattice(), 0o555);
    let before = content(&project.lattice());
    for args in [&["list"][..], &["show", "LAT-1"], &["events"], &["sql", "SELECT title FROM tasks"]] {
        let Some(ending) = run(&project, args) else { return };
        assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{args:?}: {ending:?}");
        assert!(ending.stdout.contains("first"), "{args:?}: {ending:?}");
    }
    for args in [&["create", "second"][..], &["comment", "LAT-1", "a word"], &["export"]] {
        let ending = run(&project, args).unwrap();
        let code = ending.code().unwrap_or_else(|| panic!("{args:?}: {ending:?}"));
        assert!(["STORE_READONLY", "STORE_DENIED"].contains(&code), "{args:?}: {ending:?}");
    }
    // Elsewhere an export may go.
    let ending = run(&project, &["export", "--file", "-"]).unwrap();
    assert!(ending.status == Some(0) && ending.stdout.contains("first"), "{ending:?}");
    let ending = run(&project, &["init"]).unwrap();
    assert_eq!(ending.code(), None, "it is there already: {ending:?}");
    open_to_all(&project.lattice(), 0o755);
    assert!(content(&project.lattice()) == before);
    project.task("second");
}

#[test]
fn a_folder_that_one_may_only_read_is_read() {
    readable_and_refused(false);
}

#[test]
fn a_folder_that_one_may_only_read_is_read_with_its_log() {
    readable_and_refused(true);
}

#[test]
fn what_one_may_not_read_is_said_to_be_shut_and_not_to_be_missing() {
    for (name, mode) in [("lattice.db", 0o000), ("", 0o000), ("", 0o600)] {
        let project = example(false);
        open_to_all(&project.lattice().join(name), mode);
        for args in [&["list"][..], &["create", "second"], &["doctor"]] {
            let Some(ending) = run(&project, args) else { return };
            assert_eq!(ending.code(), Some("STORE_DENIED"), "{name} {mode:o} {args:?}: {ending:?}");
        }
        let ending = run(&project, &["init"]).unwrap();
        assert_eq!(ending.code(), Some("STORE_DENIED"), "{name} {mode:o}: {ending:?}");
        open_to_all(&project.lattice(), 0o755);
        open_to_all(&project.database(), 0o644);
        project.task("second");
    }
}

#[test]
fn somebody_elses_database_is_read_and_not_written() {
    let project = example(false);
    open_to_all(&project.lattice(), 0o777);
    let before = fs::read(project.database()).unwrap();
    if !is_root() {
        open_to_all(&project.database(), 0o444);
    }
    let Some(ending) = run(&project, &["create", "second"]) else { return };
    assert_eq!((ending.status, ending.code().is_some()), (Some(4), true), "{ending:?}");
    for args in [&["list"][..], &["show", "LAT-1"], &["export", "--file", "-"]] {
        let ending = run(&project, args).unwrap();
        assert!(ending.status == Some(0) && ending.stdout.contains("first"), "{args:?}: {ending:?}");
    }
    assert!(fs::read(project.database()).unwrap() == before);
    open_to_all(&project.database(), 0o644);
    project.task("second");
}

#[test]
fn a_read_only_file_system_is_read_and_refuses_to_be_written() {
    if !is_root() {
        skip("read-only file systems: only root may mount them");
        return;
    }
    let script = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && cd "$1" || exit 77
        shift; exec "$@""#;
    for log in [false, true] {
        let project = example(log);
        let before = content(&project.lattice());
        let run = |args: &[&str]| {
            let program = project.command(args);
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", script, "sh"]).arg(project.path());
            command.arg(program.get_program()).args(args).env("LATTICE_ACTOR", "agent:test");
            Ending::of(command)
        };
        let ending = run(&["list"]);
        if ending.status == Some(77) {
            skip(&format!("read-only file systems: {}", ending.stderr.trim()));
            return;
        }
        assert!(ending.status == Some(0) && ending.stdout.contains("first"), "{ending:?}");
        for args in [&["show", "LAT-1"][..], &["export", "--file", "-"]] {
            let ending = run(args);
            assert!(ending.status == Some(0) && ending.stdout.contains("first"), "{args:?}: {ending:?}");
        }
        // Beside a log that is left, changes show as everywhere.
        let ending = run(&["events", "--follow", "--limit", "1"]);
        let clear = ending.code() == Some("STORE_READONLY")
            && ending.stderr.contains("`lattice events --since CURSOR`");
        assert!(if log { ending.status == Some(0) || clear } else { clear }, "{ending:?}");
        for args in
            [&["create", "second"][..], &["export"], &["archive", "LAT-1"], &["export", "--file", "x.json"]]
        {
            let ending = run(args);
            assert_eq!(ending.code(), Some("STORE_READONLY"), "{args:?}: {ending:?}");
        }
        assert!(content(&project.lattice()) == before);
        fs::remove_dir_all(project.lattice()).unwrap();
        assert_eq!(run(&["init"]).code(), Some("STORE_READONLY"));
        assert!(!project.lattice().exists());
    }
}

/// Every block is taken: the tracker is there to read and to export elsewhere, nothing can be
/// added, and nothing is lost.
#[test]
fn a_full_disk_is_read_refuses_to_be_written_and_works_again_with_room() {
    if !is_root() {
        skip("full disks: only root may mount small ones");
        return;
    }
    let script = r#"
        mount -t tmpfs -o size=600k,mode=755 none "$1" || exit 77
        cd "$1"; shift
        "$1" init --project-code LAT --quiet >/dev/null && "$1" create first --quiet
        n=0; while "$1" create filler --description "$(head -c 4000 /dev/zero | tr '\0' x)" --quiet >/dev/null 2>"$2"
        do n=$((n+1)); [ $n -lt 200 ] || exit 78; done
        cat "$2"
        dd if=/dev/zero of=ballast bs=512 2>/dev/null
        "$1" list --limit 1 --sort created --quiet >/dev/null; echo "list $?"
        "$1" show LAT-1 --quiet >/dev/null; echo "show $?"
        "$1" export --file - >"$2.json"; echo "export $?"
        # Larger than what just failed: that left its place in the log, where a smaller one fits.
        "$1" create no --description "$(head -c 40000 /dev/zero | tr '\0' x)"; echo "create $?"
        "$1" export; echo "tree $?"
        rm ballast; mount -o remount,size=8M "$PWD"
        "$1" create last --quiet >/dev/null; echo "after $?"
        "$1" doctor --quiet; echo "doctor $?"
        "$1" export >/dev/null; echo "export $?"
    "#;
    let project = crate::sandbox::empty();
    let elsewhere = crate::sandbox::empty();
    let program = project.command(["list"]);
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(project.path()).arg(program.get_program());
    command.arg(elsewhere.path().join("said")).env("LATTICE_ACTOR", "agent:test");
    let ending = Ending::of(command);
    if ending.status == Some(77) {
        skip(&format!("full disks: {}", ending.stderr.trim()));
        return;
    }
    let lines: Vec<_> = ending.stdout.lines().collect();
    let expected = ["list 0", "show 0", "export 0", "create 4", "tree 4", "after 0", "doctor 0", "export 0"];
    assert_eq!(lines[0], "LAT-1", "{ending:#?}");
    let said: Vec<_> = lines.iter().filter(|line| expected.contains(line)).copied().collect();
    assert_eq!(said, expected, "{ending:#?}");
    let full = ending.stdout.matches("[STORE_FULL]").count() + ending.stderr.matches("[STORE_FULL]").count();
    assert_eq!(full, 3, "the last create that did not fit, one more, and the tree: {ending:#?}");
    assert!(!ending.stderr.contains("panicked"), "{ending:#?}");
    let exported = fs::read_to_string(elsewhere.path().join("said.json")).unwrap();
    assert!(exported.contains("filler"));
}
