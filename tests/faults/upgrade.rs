//! Upgrading a tracker of an older schema on a failing disk: the old one or the new one, whole, and
//! the next command goes on from there.

use lattice::app::{App, Level, World};
use rusqlite::{Connection, OpenFlags};

use crate::injector::{Ending, Injector, SIGKILL, injector, writes};
use crate::sandbox::{chosen, copy_of, empty, names, say};
use crate::support::{Project, each};

/// Upgrades and does nothing else.
const UPGRADE: [&str; 3] = ["doctor", "--fix", "--quiet"];
/// What `doctor` says of the fixture, whatever its schema is.
const KNOWN: [&str; 3] = ["short_ids", "quarantine", "resources"];

/// The log, to the letter.
type Log = Vec<(String, String, Vec<u8>, Vec<u8>)>;

fn log_of(conn: &Connection) -> Log {
    let mut statement = conn.prepare("SELECT id, raw, hash, chain FROM events ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn log(project: &Project) -> Log {
    log_of(&Connection::open(project.database()).unwrap())
}

/// The copies that upgrades have kept; each must be a whole tracker of the first schema.
fn copies(project: &Project, log: &Log, when: &dyn Fn() -> String) -> usize {
    let copies: Vec<String> = names(project).into_iter().filter(|name| name.contains("backup")).collect();
    for name in &copies {
        let path = project.lattice().join(name);
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(ask("PRAGMA user_version"), 1.into(), "{name}: {}", when());
        assert_eq!(ask("PRAGMA integrity_check"), "ok".to_owned().into(), "{name}: {}", when());
        assert_eq!(log_of(&conn), *log, "{name}: {}", when());
    }
    copies.len()
}

/// Whether the tracker is of the new schema; of neither it must not be.
fn is_upgraded(project: &Project, when: &dyn Fn() -> String) -> bool {
    let run = project.run(["list", "--quiet"]);
    if run.status == 4 {
        assert!(run.stderr.contains("STORE_TOO_OLD"), "{run:?}: {}", when());
        return false;
    }
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}: {}", when());
    true
}

/// The tracker is whole and of the new schema, and holds all that it held and what came since.
fn whole(project: &Project, log: &Log, more: usize, when: &dyn Fn() -> String) {
    let world = World::real();
    let app = App::locate(&world, project.path()).and_then(|root| App::open_read(root, world)).unwrap();
    let report = app.examine(|_| {}).unwrap_or_else(|failure| panic!("{}: {failure}", when()));
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.check).collect();
    assert_eq!(found, KNOWN, "{:?}: {}", report.findings, when());
    assert!(report.findings.iter().all(|finding| finding.level == Level::Warning), "{}", when());
    let now = self::log(project);
    assert_eq!((now.len(), &now[..log.len()]), (log.len() + more, &log[..]), "{}", when());
}

/// A fault: the place of a call, the call, and what it meets.
type Fault<'a> = (usize, &'a str, &'static str);

/// Whether an upgrade that met this fault was done, and whether it was killed.
fn met(injector: &Injector, original: &Project, log: &Log, &(at, call, action): &Fault<'_>) -> (bool, bool) {
    let project = copy_of(original);
    let ending: Ending = injector.run(&project, &[&format!("*:{action}:{}", at + 1)], UPGRADE);
    let when = || format!("{action} at {at}, {call}: {ending:?}");
    assert!(!ending.fired.is_empty(), "nothing happened: {}", when());
    let upgraded = is_upgraded(&project, &when);
    let killed = ending.signal == Some(SIGKILL);
    let acknowledged = !killed && ending.code().is_none();
    assert!(upgraded || !acknowledged, "acknowledged and not done: {}", when());
    let kept = copies(&project, log, &when);
    assert!(!upgraded || kept == 1, "upgraded with {kept} copies: {}", when());

    let next = project.tried(["create", "next", "--quiet"]);
    assert_eq!((next.status, next.stderr.as_str()), (0, ""), "after {}: {next:?}", when());
    whole(&project, log, 1, &when);
    assert_eq!(copies(&project, log, &when), 1, "{}", when());
    let left: Vec<_> = names(&project).into_iter().filter(|name| name.contains(".tmp")).collect();
    assert!(upgraded || left.is_empty(), "{left:?}: {}", when());
    (upgraded, killed)
}

#[test]
fn an_upgrade_is_whole_or_not_begun_whatever_fails() {
    let Some(injector) = injector() else { return };
    let original = empty().of_the_first_schema();
    let log = log(&original);
    let calls = injector.calls(&copy_of(&original), UPGRADE);
    let faults = calls.iter().enumerate().flat_map(|(at, call)| {
        let of_writes: &[&str] = if writes(call) { &["torn", "short"] } else { &[] };
        chosen(at, of_writes).into_iter().map(move |action| (at, call.as_str(), action))
    });
    let faults: Vec<Fault<'_>> = faults.collect();
    let ends = each::done(&faults, |fault| met(injector, &original, &log, fault));
    let count = |is: fn(&(bool, bool)) -> bool| ends.iter().filter(|end| is(end)).count();
    let (new, killed) = (count(|end| end.0), count(|end| end.1));
    let old = ends.len() - new;
    assert!(old > 20 && new > 5 && killed > 10, "{old} old, {new} new, {killed} killed: {calls:#?}");
    let (met, at) = (faults.len(), calls.len());
    say(&format!(
        "an upgrade met {met} faults at {at} calls: {old} times it was not begun, {killed} times it was killed"
    ));
}
