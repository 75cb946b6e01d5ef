//! The tracker that is damaged: small, but no table of it is empty.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::support::Project;

/// Every kind of thing that a tracker holds, all of it in the database and nothing in the log.
pub fn full() -> Project {
    let project = Project::empty();
    project.ok(["init", "--project-code", "LAT", "--actor", "human:ada"]);
    let first = project.planned("Read the log of the weather station");
    let second = project.task("Say what the \u{7}bell means, in words: größer, naïve");
    let third = project.task("Nobody needs this one");
    project.ok([
        "update",
        &first,
        "priority=high",
        "tags=log,weather",
        "urgency=immediate",
        "custom_fields.beads_id=gar-7",
    ]);
    project.ok(["link", &second, "depends_on", &first]);
    project.ok(["branch-link", &first, "feature/log"]);
    let comment = project.say(&["comment", &first, "The log ends in March"]);
    project.ok(["react", &first, &comment, "thumbsup"]);
    project.ok(["comment-edit", &first, &comment, "The log ends in April\u{1f}"]);
    let secret = project.say(&["comment", &second, "the key is 1234"]);
    assert_eq!(project.fed(["notes", &first, "--file", "-"], b"# Notes\n\nIt rained.\n").status, 0);
    assert_eq!(project.fed(["context", "--file", "-"], b"# A tracker\n").status, 0);
    project.ok(["assign", &first, "agent:test"]);
    project.ok(["config", "set", "workflow.wip_limits.review", "5"]);
    project.ok(["resource", "create", "gpu", "--max-holders", "2"]);
    project.ok(["resource", "acquire", "gpu"]);
    project.ok(["session", "start", "--model", "human"]);
    project.ok(["status", &first, "review", "--force", "--reason", "test"]);
    project.ok(["complete", &first, "--review", "Looks right"]);
    project.file("photo.bin", [0_u8, 159, 146, 150].repeat(3000));
    project.ok(["attach", &second, "photo.bin"]);
    project.ok(["archive", &third]);
    project.ok(["redact", &secret, "--reason", "a key"]);
    set_aside(&project);
    // Sums are kept of the log in blocks, and words are indexed in batches.
    let lines =
        format!("{{\"comment\":{{\"task\":\"{second}\",\"text\":\"more words of rain\"}}}}\n").repeat(70);
    assert_eq!(project.fed(["batch"], lines.as_bytes()).status, 0);
    compact(&project.database());
    project
}

/// What lost against other content under its id, in the log and among the payloads.
fn set_aside(project: &Project) {
    project.ok(["export", "--to", "out"]);
    let folder = project.path().join("out/artifacts/payload");
    for payload in fs::read_dir(folder).unwrap() {
        fs::write(payload.unwrap().path(), "A lie").unwrap();
    }
    let run = project.tried(["import", "out", "--prefer", "database"]);
    assert_eq!(run.status, 0, "{run:?}");
    fs::remove_dir_all(project.path().join("out")).unwrap();
}

/// Without room between the rows that nothing uses: most bits mean something then.
fn compact(database: &Path) {
    let conn = Connection::open(database).unwrap();
    conn.execute_batch("VACUUM").unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
