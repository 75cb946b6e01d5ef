//! Damaged files: no command panics or hangs over one, and what was written is never silently
//! something else.

use std::fs;

use serde_json::Value;

use crate::injector::{Ending, injector, writes};
use crate::sandbox::{copy_of, say, soak, tracker};
use crate::support::{Project, Run};

/// A tracker with some tasks, all in the database and nothing in the log.
fn example() -> Project {
    let project = tracker();
    for (number, title) in ["first", "second", "third"].iter().enumerate() {
        let task = project.task(title);
        project.ok(["comment", &task, &format!("remark {number} about the weather")]);
    }
    checkpointed(&project);
    project
}

fn checkpointed(project: &Project) {
    let conn = rusqlite::Connection::open(project.database()).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Runs a command over a damaged file: it may answer, refuse, or find the damage; it may not
/// crash, nor say what is behind it.
fn survived(project: &Project, args: &[&str], what: &str) -> Ending {
    let mut command = project.command(args);
    command.env("LATTICE_ACTOR", "agent:test");
    let ending = Ending::of(command);
    let status = ending.status.unwrap_or_else(|| panic!("{what}, {args:?}: {ending:?}"));
    assert!([0, 1, 4].contains(&status), "{what}, {args:?}: {ending:?}");
    for word in ["panicked", "SQLITE_", "RUST_BACKTRACE"] {
        assert!(!ending.stderr.contains(word), "{what}, {args:?}: {ending:?}");
    }
    assert!(status != 4 || ending.code().is_some());
    ending
}

/// The errors that `doctor` reports, by check; its own failure counts as one.
fn diagnosis(project: &Project, what: &str) -> Vec<String> {
    let run = Run::of(project.command(["doctor", "--json"]).output().unwrap());
    assert!([0, 1, 4].contains(&run.status), "{what}: {run:?}");
    let document: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{what}: {e}: {run:?}"));
    if let Some(code) = document["error"]["code"].as_str() {
        return vec![code.to_owned()];
    }
    let findings = document["data"]["findings"].as_array().unwrap_or_else(|| panic!("{what}: {document}"));
    let errors = findings.iter().filter(|finding| finding["level"] == "error");
    errors.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_page_of_nonsense_anywhere_is_survived() {
    let original = example();
    let bytes = fs::read(original.database()).unwrap();
    let pages = bytes.len() / 4096;
    let mut found = 0;
    for page in 0..pages {
        if !soak() && page % 3 != 0 && page > 6 {
            continue;
        }
        let what = format!("nonsense in page {page}");
        let project = copy_of(&original);
        let mut damaged = bytes.clone();
        // The very first bytes make it a database at all.
        let from = page * 4096 + if page == 0 { 100 } else { 0 };
        for (place, byte) in damaged[from..(page + 1) * 4096].iter_mut().enumerate() {
            *byte = (place * 31 + page * 7 + 3) as u8;
        }
        fs::write(project.database(), &damaged).unwrap();
        for args in [&["list"][..], &["show", "LAT-2"], &["create", "another"], &["export", "--file", "-"]] {
            survived(&project, args, &what);
        }
        found += usize::from(!diagnosis(&project, &what).is_empty());
    }
    assert!(found > 5, "{found}");
}

#[test]
fn a_shortened_file_is_survived_and_found() {
    let original = example();
    let bytes = fs::read(original.database()).unwrap();
    let borders = (1..bytes.len() / 4096).map(|page| page * 4096);
    let mut lengths: Vec<usize> = borders.clone().chain(borders.map(|at| at + 1700)).collect();
    lengths.extend([512, 1000, bytes.len() - 1]);
    for (number, length) in lengths.iter().enumerate() {
        let what = format!("{length} of {} bytes", bytes.len());
        let project = copy_of(&original);
        fs::write(project.database(), &bytes[..*length]).unwrap();
        if soak() || number % 12 == 0 {
            for args in
                [&["list"][..], &["show", "LAT-2"], &["create", "another"], &["export", "--file", "-"]]
            {
                survived(&project, args, &what);
            }
        }
        assert!(!diagnosis(&project, &what).is_empty(), "{what}");
    }
    say(&format!("doctor found {} of {} shortened files", lengths.len(), lengths.len()));
}

/// An empty file is what is left where no room was: nothing takes it for a tracker, or makes it one.
#[test]
fn an_empty_file_is_refused_by_everybody_and_stays_empty() {
    let project = example();
    for args in
        [&["list"][..], &["show", "LAT-2"], &["create", "a"], &["doctor"], &["doctor", "--fix"], &["sync"]]
    {
        fs::write(project.database(), b"").unwrap();
        let ending = survived(&project, args, "empty");
        assert_eq!(ending.code(), Some("STORE_NOT_A_DATABASE"), "{args:?}");
        assert_eq!(fs::read(project.database()).unwrap(), b"", "{args:?}");
    }
}

/// A disk may fail once, and nobody is told of it because of one bad read. A wrong byte that is read
/// once cannot be made here: the call itself has to fail.
#[test]
fn a_read_that_fails_once_is_had_again_and_one_that_fails_for_good_is_told() {
    let Some(injector) = injector() else { return };
    let project = example();
    let (mut passed, mut told) = (0, 0);
    for args in [&["list"][..], &["show", "LAT-2"], &["export", "--file", "-"], &["doctor"]] {
        let clean = project.ok(args);
        for number in 1.. {
            let ending = injector.run(&project, &[&format!("pread64:EIO:{number}")], args);
            if ending.fired.is_empty() {
                break;
            }
            let is_same = (ending.status, &ending.stdout) == (Some(0), &clean);
            assert!(is_same, "read {number} of {args:?}: {ending:#?}");
            passed += 1;
            if number % 4 == 1 {
                let ending = injector.run(&project, &[&format!("pread64:EIO:{number}+")], args);
                assert_eq!(ending.code(), Some("STORE_IO"), "read {number} of {args:?}");
                told += 1;
            }
        }
    }
    assert!(passed > 20 && told > 5, "{passed}, {told}");
    say(&format!("{passed} reads failed once and nobody was told; {told} failed for good and were"));
}

/// SQLite's own check does not look at content; the chain over the events does.
#[test]
fn every_flipped_byte_of_an_event_is_found() {
    let original = example();
    let bytes = fs::read(original.database()).unwrap();
    let conn = rusqlite::Connection::open(original.database()).unwrap();
    let mut statement = conn.prepare("SELECT raw FROM events ORDER BY seq").unwrap();
    let events: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(events.len() > 6);
    let mut flips = 0;
    for event in &events[2..] {
        // SQLite may have moved a row and left its old bytes where they were.
        let copies: Vec<usize> = places_of(&bytes, event.as_bytes());
        assert!(!copies.is_empty(), "not in one piece: {event}");
        let step = if soak() { 1 } else { 37 };
        for place in (0..event.len()).step_by(step) {
            for bit in if soak() { &[0, 3, 7][..] } else { &[0][..] } {
                let what = format!("bit {bit} of byte {place}, in {event}");
                let project = copy_of(&original);
                let mut damaged = bytes.clone();
                copies.iter().for_each(|at| damaged[at + place] ^= 1 << bit);
                fs::write(project.database(), &damaged).unwrap();
                let found = diagnosis(&project, &what);
                let named = found.iter().filter(|check| *check == "event_chain").count();
                assert_eq!(named, 1, "the event and no other: {what}: {found:?}");
                flips += 1;
            }
        }
    }
    assert!(flips > 30, "{flips}");
    say(&format!("doctor found {flips} of {flips} flipped bits in events"));
}

fn places_of(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(part.len()).enumerate();
    windows.filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
}

/// Derived rows can be made anew; the log decides what they say.
#[test]
fn a_changed_derived_row_is_found_and_mended() {
    let project = example();
    let conn = rusqlite::Connection::open(project.database()).unwrap();
    conn.execute("UPDATE tasks SET title = 'forged' WHERE title = 'second'", []).unwrap();
    drop(conn);
    assert_eq!(diagnosis(&project, "forged"), ["derived_tables"]);
    let run = Run::of(project.command(["doctor", "--fix"]).output().unwrap());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(diagnosis(&project, "mended"), Vec::<String>::new());
    assert_eq!(project.json(["show", "LAT-2"])["title"], "second");
}

/// SQLite cannot know that a log belongs to another database: it plays it back.
#[test]
fn the_log_of_another_tracker_is_found() {
    let other = tracker();
    for _ in 0..3 {
        other.task("of another tracker");
    }
    let project = example();
    let before = fs::read(project.database()).unwrap();
    fs::copy(other.lattice().join("lattice.db-wal"), project.lattice().join("lattice.db-wal")).unwrap();
    let _ = fs::remove_file(project.lattice().join("lattice.db-shm"));
    let found = diagnosis(&project, "another's log");
    assert!(!found.is_empty(), "nothing was found");
    for args in [&["list"][..], &["show", "LAT-1"]] {
        survived(&project, args, "another's log");
    }
    assert!(fs::read(project.database()).unwrap() == before, "looking changed the database");
    for log in [vec![0; 50_000], b"no log at all".to_vec(), before[..9000].to_vec()] {
        fs::write(project.lattice().join("lattice.db-wal"), log).unwrap();
        assert_eq!(diagnosis(&project, "no log of SQLite"), Vec::<String>::new());
        assert_eq!(project.json(["show", "LAT-2"])["title"], "second");
    }
}

/// What a kill left of a change was never promised to anybody: no alarm where the next change is as long, and
/// the next command works.
#[test]
fn a_writer_that_was_killed_leaves_no_damage_in_the_log() {
    let Some(injector) = injector() else { return };
    let original = example();
    original.task("in the log");
    let args = ["comment", "LAT-4", "cut off"];
    let calls = injector.calls(&copy_of(&original), args);
    let mut kills = 0;
    for (number, call) in calls.iter().enumerate() {
        for action in if writes(call) { &["kill", "torn"][..] } else { &["kill"][..] } {
            let project = copy_of(&original);
            injector.run(&project, &[&format!("*:{action}:{}", number + 1)], args);
            for _ in 0..2 {
                let found = diagnosis(&project, call);
                assert_eq!(found, Vec::<String>::new(), "{action} in {call}");
                project.ok(args);
            }
            kills += 1;
        }
    }
    assert!(kills > 8, "{kills}");
}

/// What a bit in the log hides is told before anybody writes over it, and not written over by mending.
#[test]
fn a_bit_in_the_log_is_found_before_the_file_is_opened() {
    let project = example();
    project.task("in the log");
    project.task("behind it");
    let log = project.lattice().join("lattice.db-wal");
    let mut damaged = fs::read(&log).unwrap();
    damaged[32 + 24 + 100] ^= 4;
    fs::write(&log, &damaged).unwrap();
    for args in [&["doctor"][..], &["doctor", "--fix"]] {
        let run = project.run(args);
        assert_eq!(run.status, 1, "{run:?}");
        let told =
            "its frame 1 is not what was written, and SQLite reads no further: 2 changes that were made";
        assert!(run.stdout.contains(told) && run.stdout.contains("docs/recovery.md"), "{run:?}");
        assert!(fs::read(&log).unwrap() == damaged, "{args:?} wrote into the log");
    }
    assert_eq!(diagnosis(&project, "a bit in the log"), ["write_ahead_log"]);
}

/// Taking the log away takes back what was only in it. The rest is whole.
#[test]
fn a_log_that_is_gone_leaves_a_tracker_that_works() {
    let project = example();
    project.task("only in the log");
    let head = project.ok(["log", "--head"]);
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(project.lattice().join(format!("lattice.db{suffix}"))).unwrap();
    }
    assert_eq!(diagnosis(&project, "no log"), Vec::<String>::new());
    // No file knows of itself what its end was; who kept the head does.
    let run = project.run(["doctor", "--since-head", head.trim()]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("the others are gone"), "{run:?}");
    assert_eq!(project.task("the next"), "LAT-4");
}
