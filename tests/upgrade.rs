//! Trackers of older and newer schemas: an older one is brought up to date by whoever writes first,
//! loses nothing and can be had back; a newer one is left alone.

mod support;

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use support::Project;

const BACKUP: &str = "lattice-v1.backup.db";

fn old() -> Project {
    Project::empty().of_the_first_schema()
}

fn number(project: &Project, sql: &str) -> i64 {
    Connection::open(project.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The log, to the letter.
type Log = Vec<(i64, String, String, Vec<u8>, Vec<u8>)>;

fn log(project: &Project) -> Log {
    let conn = Connection::open(project.database()).unwrap();
    let mut statement = conn.prepare("SELECT seq, id, raw, hash, chain FROM events ORDER BY seq").unwrap();
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The names in `.lattice/` without what SQLite keeps beside a database.
fn names(project: &Project) -> Vec<String> {
    let names = fs::read_dir(project.lattice()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("lattice.db-"));
    names.sort();
    names
}

/// The exported document must be the one that the program of that schema wrote.
fn says_the_same(project: &Project) {
    says_what_it_said(project, 1);
}

fn says_what_it_said(project: &Project, schema: u32) {
    let path = format!("{}/tests/fixtures/schema-{schema}.json", env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(path).unwrap();
    let now = project.ok(["export", "--file", "-"]);
    // The first programs did not write down which numbers are ruled out.
    let [now, then] = [&now, &document]
        .map(|text| text.lines().filter(|line| !line.starts_with("\"floors\":")).collect::<Vec<_>>());
    let differs = now.iter().zip(&then).find(|(now, then)| now != then);
    assert_eq!((differs, now.len()), (None, then.len()));
}

/// What `doctor` finds; errors are none of it.
fn findings(project: &Project) -> Vec<(String, String)> {
    let report = project.json(["doctor"]);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| (text(finding, "level"), text(finding, "check"))).collect()
}

fn whole(project: &Project) {
    assert_eq!(number(project, "PRAGMA user_version"), 5);
    let known = [("warning", "short_ids"), ("warning", "quarantine"), ("warning", "resources")];
    assert_eq!(findings(project), known.map(|(level, check)| (level.to_owned(), check.to_owned())));
    let counted = "SELECT count(*) FROM tasks t
                    WHERE event_count <> (SELECT count(*) FROM events WHERE task_id = t.id)";
    assert_eq!(number(project, counted), 0);
}

/// Brings a file up to date and does nothing else: `doctor --fix` would make good what a migration got wrong.
fn upgrade(project: &Project) {
    let run = project.fed(["batch", "--dry-run"], br#"{"create":{"title":"never"}}"#);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
}

#[test]
fn later_schemas_are_brought_up_to_date_and_say_the_same() {
    for schema in [2, 3, 4] {
        let project = Project::empty().of_schema(schema);
        let before = log(&project);
        assert_eq!(number(&project, "PRAGMA user_version"), i64::from(schema));
        upgrade(&project);
        whole(&project);
        says_what_it_said(&project, schema);
        assert_eq!(log(&project), before);
        let copy = project.lattice().join(format!("lattice-v{schema}.backup.db"));
        let copy = Connection::open(copy).unwrap();
        let number: i64 = copy.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(number, i64::from(schema));
    }
}

/// Whatever the fields hold: `doctor` compares what the migration found with what the program does.
#[test]
fn names_that_other_trackers_gave_are_found_after_an_upgrade() {
    let project = Project::empty().of_schema(4);
    upgrade(&project);
    whole(&project);
    let names = "SELECT count(*) FROM task_names WHERE name IN ('gar-7', 'OPS-12', 'gar-2', 'o/n#3', 'only', 'twice', 'loud')";
    assert_eq!((number(&project, names), number(&project, "SELECT count(*) FROM task_names")), (8, 12));
    assert_eq!(project.json(["show", "OPS-12"])["title"], "Came twice");
    assert_eq!(project.refused(["show", "gar-1"]).1["code"], "NOT_FOUND");
}

/// Words of a task that was made anew before they were due stood in the index too early.
#[test]
fn words_that_an_older_program_wrote_too_early_are_not_left_behind() {
    let project = Project::empty().of_schema(3);
    let conn = Connection::open(project.database()).unwrap();
    let early = "INSERT INTO search (rowid, title, body) SELECT 3000000000000 + e.seq, t.title, ''
                   FROM events e JOIN tasks t ON t.id = e.task_id WHERE t.short_id = 'PEN-24' AND e.type = 'task_created'
                    AND e.seq > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'indexed_to')";
    assert_eq!(conn.execute(early, []).unwrap(), 1);
    drop(conn);
    project.ok(["update", "PEN-24", "title=Found somebody"]);
    for n in 0..64 {
        project.task(&format!("task {n}"));
    }
    whole(&project);
}

/// A record that is damaged is a finding, and not in the way of an upgrade.
#[test]
fn a_record_that_does_not_read_keeps_nobody_from_upgrading() {
    let project = Project::empty().of_schema(3);
    let conn = Connection::open(project.database()).unwrap();
    let damage = "UPDATE tasks SET state = substr(state, 1, 40) WHERE short_id = 'PEN-7'";
    assert_eq!(conn.execute(damage, []).unwrap(), 1);
    drop(conn);
    project.ok(["create", "the next one"]);
    assert_eq!(number(&project, "PRAGMA user_version"), 5);
    let errors = |project: &Project| {
        let report: Value = serde_json::from_str(&project.tried(["doctor", "--json"]).stdout).unwrap();
        let findings = report["data"]["findings"].as_array().unwrap().clone();
        findings.into_iter().filter(|finding| finding["level"] == "error").collect::<Vec<_>>()
    };
    let found = errors(&project);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(project.tried(["doctor", "--fix"]).status, 0);
    assert_eq!(errors(&project), Vec::<Value>::new());
}

#[test]
fn an_older_tracker_is_brought_up_to_date_and_says_the_same() {
    let project = old();
    let before = log(&project);
    assert_eq!(number(&project, "PRAGMA user_version"), 1);
    project.ok(["doctor", "--fix"]);
    whole(&project);
    says_the_same(&project);
    assert_eq!(log(&project), before);
    assert_eq!(names(&project), [".gitattributes", ".gitignore", BACKUP, "lattice.db", "lock"]);

    // From sums and from none, before and after there are any.
    let without_times = |project: &Project| {
        let mut stats = project.json(["stats"]);
        for list in ["recently_active", "stale", "time_in_status"] {
            stats[list] = Value::Null;
        }
        stats
    };
    let first = without_times(&project);
    assert_eq!(number(&project, "SELECT count(*) FROM tallies"), 0);
    project.ok(["rebuild", "--all"]);
    assert!(number(&project, "SELECT count(*) FROM tallies") > 0);
    assert_eq!(without_times(&project), first);
    whole(&project);

    let task = project.task("the next one");
    project.ok(["comment", &task, "goes on"]);
    whole(&project);
    assert_eq!(log(&project)[..before.len()], before[..]);
}

#[test]
fn the_copy_that_an_upgrade_keeps_is_a_working_tracker() {
    let project = old();
    let before = log(&project);
    project.task("after the upgrade");
    let copy = project.lattice().join(BACKUP);
    let conn = Connection::open(&copy).unwrap();
    assert_eq!(conn.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(1));
    drop(conn);

    let elsewhere = Project::empty();
    elsewhere.ok(["restore", copy.to_str().unwrap()]);
    assert_eq!(log(&elsewhere), before);
    whole(&elsewhere);
    says_the_same(&elsewhere);
    assert!(!names(&elsewhere).iter().any(|name| name.contains("backup")), "{:?}", names(&elsewhere));

    // In its own place too: what came after it is kept aside.
    let refused = project.refused(["restore", copy.to_str().unwrap()]);
    assert_eq!((refused.0, refused.1["code"].as_str()), (1, Some("RESTORE_CONFLICT")));
    project.ok(["restore", copy.to_str().unwrap(), "--force"]);
    assert_eq!(log(&project), before);
    whole(&project);
}

#[test]
fn reading_an_older_tracker_says_what_to_do_and_touches_nothing() {
    let project = old();
    let bytes = |project: &Project| {
        ["lattice.db", "lattice.db-wal"].map(|name| fs::read(project.lattice().join(name)).unwrap())
    };
    let (before, named) = (bytes(&project), names(&project));
    for line in [
        &["list"][..],
        &["show", "PEN-1"],
        &["next"],
        &["stats"],
        &["weather"],
        &["search", "ink"],
        &["events"],
        &["history", "PEN-1"],
        &["sql", "SELECT 1"],
        &["doctor"],
        &["backup", "copy.db"],
    ] {
        let (status, error) = project.refused(line);
        assert_eq!((status, error["code"].as_str()), (4, Some("STORE_TOO_OLD")), "{line:?}: {error}");
        assert!(error["hint"].as_str().unwrap().contains("`lattice doctor --fix`"), "{line:?}: {error}");
    }
    assert_eq!((bytes(&project), names(&project)), (before, named));
    assert!(!project.path().join("copy.db").exists());
    project.ok(["init"]);
    assert_eq!(number(&project, "PRAGMA user_version"), 1, "a tracker that is there is not made again");
    project.ok(["doctor", "--fix"]);
    project.ok(["list"]);
}

#[test]
fn many_who_come_at_once_upgrade_once() {
    let project = old();
    let before = log(&project);
    let runs = project.at_once((0..12).map(|n| vec!["create".to_owned(), format!("task {n}")]));
    for run in &runs {
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    }
    whole(&project);
    let after = log(&project);
    assert_eq!((after.len(), &after[..before.len()]), (before.len() + runs.len(), &before[..]));
    let copies: Vec<_> = names(&project).into_iter().filter(|name| name.contains("backup")).collect();
    assert_eq!(copies, [BACKUP]);
}

#[test]
fn somebody_who_reads_the_old_file_neither_stops_the_upgrade_nor_sees_it() {
    let project = old();
    let reader = Connection::open(project.database()).unwrap();
    let count = || reader.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let before = count();
    project.task("meanwhile");
    assert_eq!(count(), before);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), before + 1);
    whole(&project);
}

#[test]
fn a_copy_that_an_upgrade_kept_in_vain_is_used_and_another_file_of_its_name_is_left_alone() {
    let project = old();
    project.ok(["doctor", "--fix"]);
    let copy = fs::read(project.lattice().join(BACKUP)).unwrap();
    for (there, kept) in [(&copy[..], 1), (b"mine", 2)] {
        let project = old();
        fs::write(project.lattice().join(BACKUP), there).unwrap();
        project.ok(["doctor", "--fix"]);
        assert_eq!(fs::read(project.lattice().join(BACKUP)).unwrap(), there);
        let copies = names(&project).into_iter().filter(|name| name.contains("backup")).count();
        assert_eq!(copies, kept);
        whole(&project);
    }
    // One that lacks what came since is no copy of this tracker.
    let project = old();
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch("INSERT INTO quarantine VALUES ('ev_x', 'event', '2026-01-01T00:00:00Z', '{}')")
        .unwrap();
    drop(conn);
    fs::write(project.lattice().join(BACKUP), &copy).unwrap();
    project.ok(["doctor", "--fix"]);
    assert!(project.lattice().join("lattice-v1.backup-2.db").exists());
}

#[test]
fn an_older_tracker_that_somebody_changed_is_refused_and_left_as_it_is() {
    for change in [
        "CREATE TRIGGER evil AFTER INSERT ON meta BEGIN SELECT 1; END",
        "CREATE TABLE tallies (x)",
        "DROP INDEX tasks_by_status; CREATE INDEX tasks_by_status ON tasks (id)",
        "ALTER TABLE tasks ADD COLUMN event_count INTEGER NOT NULL DEFAULT 0",
    ] {
        let project = old();
        Connection::open(project.database()).unwrap().execute_batch(change).unwrap();
        let named = names(&project);
        let run = project.tried(["create", "second", "--json"]);
        let answer: BTreeMap<String, Value> = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.status, answer["error"]["code"].as_str()), (4, Some("STORE_TAMPERED")), "{change}");
        assert_eq!((number(&project, "PRAGMA user_version"), names(&project)), (1, named), "{change}");
    }
}

/// As after an upgrade by the next version of this program.
#[test]
fn a_newer_tracker_is_refused_and_left_alone() {
    let project = old();
    project.ok(["doctor", "--fix"]);
    let conn = Connection::open(project.database()).unwrap();
    conn.execute_batch(
        "BEGIN; CREATE TABLE novelty (x TEXT) STRICT; ALTER TABLE tasks ADD COLUMN novelty TEXT;
         INSERT INTO refinery_schema_history VALUES (99, 'add_novelty', '2030-01-01T00:00:00.5Z', '123');
         PRAGMA user_version = 99; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(conn);
    let (before, named) = (fs::read(project.database()).unwrap(), names(&project));
    for line in [&["create", "second"][..], &["list"], &["doctor", "--fix"], &["sql", "SELECT 1"], &["init"]]
    {
        let (status, error) = project.refused(line);
        assert_eq!((status, error["code"].as_str()), (4, Some("STORE_TOO_NEW")), "{line:?}: {error}");
        assert!(error["hint"].as_str().unwrap().contains("install a newer lattice"), "{error}");
    }
    assert_eq!((fs::read(project.database()).unwrap(), names(&project)), (before, named));
}
