//! Every command that changes something, with a tracker in which it does. A command of the program
//! that is missing here and among those that only read fails a test.

use std::collections::BTreeSet;

use crate::sandbox::{copy_folder, empty, tracker};
use crate::support::Project;

/// A command to try.
pub struct Case {
    /// As in help: the command, and its subcommand.
    pub name: &'static str,
    /// What is run before it, in a copy of [`example`].
    pub before: &'static [&'static str],
    /// The line; `{comment}` is a comment's id.
    pub line: &'static str,
}

const fn case(name: &'static str, line: &'static str) -> Case {
    Case { name, before: &[], line }
}

const fn after(name: &'static str, before: &'static [&'static str], line: &'static str) -> Case {
    Case { name, before, line }
}

/// All that writes. `init` begins in an empty folder, where there is nothing to prepare.
pub const WRITES: &[Case] = &[
    case("create", "create new --tags a,b"),
    case("update", "update LAT-1 title=other"),
    case("status", "status LAT-1 in_planning"),
    case("assign", "assign LAT-1 human:bo"),
    after("next", &["plan LAT-1 --file text"], "next --claim"),
    case("complete", "complete LAT-5 --review good"),
    case("link", "link LAT-1 blocks LAT-2"),
    case("unlink", "unlink LAT-2 depends_on LAT-4"),
    case("branch-link", "branch-link LAT-1 topic"),
    case("branch-unlink", "branch-unlink LAT-2 linked"),
    case("archive", "archive LAT-1"),
    case("unarchive", "unarchive LAT-3"),
    case("event", "event LAT-1 x_seen"),
    case("batch", "batch --file lines"),
    case("resource create", "resource create tpu"),
    case("resource acquire", "resource acquire free"),
    case("resource release", "resource release gpu"),
    case("resource heartbeat", "resource heartbeat gpu"),
    case("session start", "session start --model m --framework f --name Other"),
    case("session end", "session end Argus-1"),
    case("comment", "comment LAT-1 word"),
    case("comment-edit", "comment-edit LAT-1 {comment} word"),
    case("comment-delete", "comment-delete LAT-1 {comment}"),
    case("react", "react LAT-1 {comment} heart"),
    case("unreact", "unreact LAT-1 {comment} thumbsup"),
    case("plan", "plan LAT-1 --file text"),
    case("notes", "notes LAT-1 --file text"),
    case("attach", "attach LAT-1 text"),
    case("artifact", "artifact art_01J00000000000000000000000 --output out.txt"),
    after("sync", &["import tree", "export", "create later"], "sync"),
    after("settle", &["update LAT-2 title=ours", "import tree"], "settle LAT-2"),
    case("export", "export"),
    case("export", "export --file out.json"),
    case("import", "import tree"),
    case("import", "import --from beads records.jsonl"),
    case("doctor", "doctor --fix"),
    case("backup", "backup second.db"),
    after("restore", &["create later"], "restore copy.db --force"),
    case("redact", "redact {comment} --reason r"),
    case("rebuild", "rebuild --all"),
    case("init", "init --project-code LAT --actor human:ada"),
    case("context", "context --file text"),
    case("config set", "config set default_priority high"),
    after("config unset", &["config set default_priority high"], "config unset default_priority"),
    case("set-project-code", "set-project-code LATT --force"),
    case("set-subproject-code", "set-subproject-code F"),
    case("backfill-ids", "backfill-ids --code OTH --force"),
    case("renumber", "renumber LAT-1"),
    after("hooks trust", &["config set hooks.post_event true --text"], "hooks trust --all"),
    after("hooks untrust", &["config set hooks.post_event true --text"], "hooks untrust"),
    case("setup-claude", "setup-claude"),
    case("setup-claude-skill", "setup-claude-skill"),
    case("setup-codex", "setup-codex"),
    case("setup-openclaw", "setup-openclaw"),
];

/// All that only reads, or writes what a person types at a terminal.
const READS: &[&str] = &[
    "resource status",
    "resource list",
    "session list",
    "session show",
    "comments",
    "list",
    "search",
    "show",
    "history",
    "ready",
    "blocked",
    "events",
    "stats",
    "weather",
    "sql",
    "conflicts",
    "config get",
    "config list",
    "config edit",
    "hooks list",
    "plugins",
    "man",
    "completions",
    "setup-prompt",
    "log",
];

/// What writes for git, or at its call, and is not swept: the tests in `tests/git/` are about it.
const FOR_GIT: &[&str] = &[
    "git install-hooks",
    "git run-hook",
    "git setup",
    "git teardown",
    "git uninstall-hooks",
    "merge-driver",
];

/// A tracker in which every case has something to do, and the id of a comment in it.
pub fn example() -> (Project, String) {
    let project = tracker();
    for title in ["first", "second", "third", "fourth"] {
        project.task(title);
    }
    let comment = project.say(&["comment", "LAT-1", "what was said"]);
    project.file("text", "# A text\n\nof two paragraphs\n");
    project.file("lines", "{\"create\":{\"title\":\"one\"}}\n{\"create\":{\"title\":\"two\"}}\n");
    project.file(
        "records.jsonl",
        "{\"id\":\"g-1\",\"title\":\"A\",\"status\":\"open\",\"created_at\":\"2026-01-01T00:00:00Z\"}\n",
    );
    std::fs::create_dir(project.home()).unwrap();
    for line in [
        &["react", "LAT-1", &comment, "thumbsup"][..],
        &["link", "LAT-2", "depends_on", "LAT-4"],
        &["branch-link", "LAT-2", "linked"],
        &["archive", "LAT-3"],
        &["resource", "create", "gpu", "--ttl", "31000000"],
        &["resource", "create", "free"],
        &["resource", "acquire", "gpu"],
        &["session", "start", "--model", "m", "--framework", "f", "--name", "Argus"],
        &["attach", "LAT-4", "text", "--id", "art_01J00000000000000000000000"],
    ] {
        project.ok(line);
    }
    let fifth = project.planned("fifth");
    for status in ["in_planning", "planned", "in_progress", "review"] {
        project.ok(["status", &fifth, status]);
    }
    project.ok(["backup", "copy.db"]);
    let other = empty();
    copy_folder(&project.lattice(), &other.lattice());
    other.ok(["create", "from elsewhere"]);
    other.ok(["comment", "LAT-1", "from elsewhere"]);
    other.ok(["update", "LAT-2", "title=theirs"]);
    other.ok(["export", "--to", project.path().join("tree").to_str().unwrap()]);
    (project, comment)
}

#[test]
fn every_command_of_the_program_is_swept_or_only_reads() {
    let project = empty();
    let names = |help: &str, section: &str| -> Vec<String> {
        let first = |line: &str| {
            let rest = line.strip_prefix("  ")?;
            (!rest.starts_with(' ')).then(|| rest.split(' ').next().unwrap().to_owned())
        };
        help.split(section).skip(1).flat_map(|text| text.lines().filter_map(first)).collect()
    };
    let mut all = BTreeSet::new();
    for command in names(&project.ok(["--help"]), "COMMAND [ARGUMENTS]") {
        let help = project.ok([&command, "--help"]);
        match help.split_once("\nCommands:\n") {
            Some((_, commands)) => {
                let commands = format!("\n{}", commands.split("\n\n").next().unwrap());
                all.extend(names(&commands, "\n").into_iter().map(|sub| format!("{command} {sub}")));
            }
            None => drop(all.insert(command)),
        }
    }
    assert!(all.len() > 60, "{all:?}");
    let writes: BTreeSet<_> = WRITES.iter().map(|case| case.name.to_owned()).collect();
    let others = READS.iter().chain(FOR_GIT).map(|&name| name.to_owned());
    let known: BTreeSet<_> = writes.iter().cloned().chain(others).collect();
    assert_eq!(all, known, "commands without a case in one of the tables, or the other way round");
    assert!(READS.iter().all(|&name| !writes.contains(name)));
}
