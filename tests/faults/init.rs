//! `init` on a failing disk: a tracker, whole, or nothing, and a second `init` always works.

use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{INIT, empty, names, say, soak, sound};
use crate::support::Project;

/// What a finished `.lattice/` holds, beside what SQLite keeps while the tracker is in use.
const FINISHED: [&str; 4] = [".gitattributes", ".gitignore", "lattice.db", "lock"];
const SIDECARS: [&str; 2] = ["lattice.db-shm", "lattice.db-wal"];

#[test]
fn init_killed_at_any_change_of_the_disk_is_completed_by_the_next() {
    let Some(injector) = injector() else { return };
    let mut fired = 0;
    for (place, call) in places(injector) {
        fired += 1;
        let project = empty();
        let ending = faulted(injector, &project, "kill", place, &call);
        assert_eq!(ending.signal, Some(SIGKILL), "{ending:?}");
        completed(&project, &|| format!("killed at {place}, {call}"));
        if writes(&call) && (soak() || place % 8 == 0) {
            fired += 1;
            let project = empty();
            let ending = faulted(injector, &project, "torn", place, &call);
            assert_eq!(ending.signal, Some(SIGKILL), "{ending:?}");
            completed(&project, &|| format!("torn at {place}, {call}"));
        }
    }
    say(&format!("init was killed in {fired} ways"));
}

#[test]
fn init_loops_over_short_and_interrupted_writes() {
    let Some(injector) = injector() else { return };
    for faults in [["write:short:1+", "pwrite64:short:1+"], ["write:EINTR:1", "pwrite64:EINTR:3"]] {
        let project = empty();
        let ending = injector.run(&project, &faults, INIT);
        assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{faults:?}");
        assert!(ending.fired.len() > 1, "{ending:?}");
        completed(&project, &|| format!("{faults:?}"));
        let ignored = std::fs::read_to_string(project.lattice().join(".gitignore")).unwrap();
        assert!(ignored.starts_with("/lattice.db\n") && ignored.ends_with("new-*.tmp-*\n"), "{ignored}");
    }
}

/// The disk is full from one moment on, so that not even cleaning up can write.
#[test]
fn a_disk_that_stays_full_leaves_nothing_behind() {
    let Some(injector) = injector() else { return };
    let places = places(injector);
    let mut fired = 0;
    for (place, call) in places.iter().filter(|(place, call)| soak() || !writes(call) || place % 4 == 0) {
        let project = empty();
        let faults = ["create", "write", "pwrite64", "mkdir", "ftruncate"];
        // Of each kind those from this place on.
        let before = |kind: &str| places[..place - 1].iter().filter(|(_, c)| c.starts_with(kind)).count();
        let faults: Vec<_> =
            faults.iter().map(|kind| format!("{kind}:ENOSPC:{}+", before(&format!("{kind} ")) + 1)).collect();
        let faults: Vec<_> = faults.iter().map(String::as_str).collect();
        let ending = injector.run(&project, &faults, INIT);
        if ending.fired.is_empty() {
            continue; // Behind the last write.
        }
        fired += 1;
        match ending.code() {
            // Behind the commit point: reading gets by without room.
            None => assert!(project.database().exists(), "from {place}, {call}: {ending:?}"),
            Some(code) => {
                assert_eq!(code, "STORE_FULL", "from {place}, {call}: {ending:?}");
                assert!(!project.lattice().exists(), "from {place}, {call}: {:?}", names(&project));
            }
        }
        completed(&project, &|| format!("full from {place}, {call}"));
    }
    assert!(fired > 20, "{fired}");
    say(&format!("init met {fired} full disks"));
}

/// The tracker is made, and only then can it not be read: that must not sound like "nothing happened".
#[test]
fn init_that_cannot_read_what_it_made_says_that_it_made_it() {
    let Some(injector) = injector() else { return };
    for json in [false, true] {
        let project = empty();
        let args: Vec<_> = INIT.into_iter().chain(json.then_some("--json")).collect();
        let ending = injector.run(&project, &["open:EIO:1+:/lattice.db"], &args);
        assert!(!ending.fired.is_empty() && project.database().exists(), "{ending:?}");
        let said = format!("{}{}", ending.stdout, ending.stderr);
        assert!(said.contains("the tracker is made"), "{ending:?}");
        assert!(!said.contains("nothing was changed"), "{ending:?}");
        assert_eq!(ending.status, Some(4), "{ending:?}");
        completed(&project, &|| format!("{ending:?}"));
    }
}

/// A long file is flushed while it is written. What fails there need not be told by the last flush.
#[test]
fn an_init_that_is_told_early_of_a_failing_disk_makes_nothing() {
    let Some(injector) = injector() else { return };
    let project = empty();
    let log = project.lattice().join("events/task_01KPH4C22JNABBN4W000000000.jsonl");
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    // More than the pages that are kept in memory. Events of a type that says nothing are fast to take in.
    let long = "=".repeat(1 << 20);
    let event = |number: usize, kind: &str, data: String| {
        format!(
            r#"{{"schema_version":1,"id":"ev_01KPH4C22JNABBN4W0{number:08}","ts":"2026-04-18T20:26:31Z","type":"{kind}","actor":"human:a","task_id":"task_01KPH4C22JNABBN4W000000000","data":{data},"parents":[]}}"#
        )
    };
    let created = r#"{"title":"Long","status":"backlog"}"#.to_owned();
    let mut lines = vec![event(0, "task_created", created)];
    lines.extend((1..46).map(|number| event(number, "x_said", format!(r#"{{"text":"{long}"}}"#))));
    std::fs::write(&log, lines.join("\n") + "\n").unwrap();

    // Files for git are flushed first, under such names too. With the database there is an early flush only
    // where it is long.
    let flush = |call: &&String| call.starts_with("fsync ") && call.contains("/new-");
    let short = injector.calls(&empty(), INIT);
    let for_git = short.iter().take_while(|call| !call.starts_with("pwrite64 ")).filter(flush).count();
    let ending = injector.run(&project, &[&format!("fsync:EIO:{}:/new-", for_git + 1)], INIT);
    assert_eq!((ending.fired.len(), ending.code()), (1, Some("STORE_IO")), "{ending:?}");
    assert_eq!(names(&project), ["events"], "{ending:?}");
    let long = injector.calls(&project, INIT);
    assert!(long.iter().filter(flush).count() > short.iter().filter(flush).count(), "{long:#?}");
    assert_eq!(sound(&project, &|| "made by a second init".into()).len(), 1);
}

/// The calls of a clean `init`, counted from 1.
fn places(injector: &Injector) -> Vec<(usize, String)> {
    let calls = injector.calls(&empty(), INIT);
    for part in ["mkdir ", "rename ", "fsync "] {
        assert!(calls.iter().any(|call| call.starts_with(part)), "{calls:#?}");
    }
    calls.into_iter().enumerate().map(|(number, call)| (number + 1, call)).collect()
}

fn faulted(injector: &Injector, project: &Project, action: &str, place: usize, call: &str) -> Ending {
    let ending = injector.run(project, &[&format!("*:{action}:{place}")], INIT);
    let name = |call: &str| call.split(' ').next().map(str::to_owned);
    assert_eq!(ending.fired.len(), 1, "{action} at {place}, {call}: {ending:?}");
    assert_eq!(name(&ending.fired[0]), name(call), "{action} at {place}: {ending:?}");
    ending
}

/// A second `init` without faults works, nothing is in the way, and the tracker can be used.
fn completed(project: &Project, when: &dyn Fn() -> String) {
    let made = Ending::of(project.command(INIT));
    assert_eq!((made.status, made.stderr.as_str()), (Some(0), ""), "{}: {made:?}", when());
    let left: Vec<_> = names(project).into_iter().filter(|name| !SIDECARS.contains(&name.as_str())).collect();
    assert_eq!(left, FINISHED, "{}", when());
    let created = Ending::of(project.command(["create", "first", "--actor", "agent:a", "--quiet"]));
    assert_eq!((created.stdout.as_str(), created.stderr.as_str()), ("LAT-1\n", ""), "{}", when());
    let tasks = sound(project, when);
    assert_eq!(tasks.len(), 1, "{}", when());
}
