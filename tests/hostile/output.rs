//! What people are shown: whatever a tracker says, in whatever field, no command sends a terminal anything
//! but text, line ends and our own colours, and no text passes for a line of ours.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::stranger::{empty, say, soak};
use crate::support::{Project, Run, terminal};

/// What is in every field of the tracker that was exported, until it is replaced.
const MARK: &str = "zqz";
/// What a text says that wants to look like a failure of ours.
const FORGED: &str = "Error: forged [STORE_CORRUPT]";

/// Pieces that harm: they clear, hide, colour, name the window, write the clipboard, ask the terminal to
/// answer, move, turn the direction, or are not seen.
const PIECES: [&str; 34] = [
    "\u{1b}[2J",
    "\u{1b}[8m",
    "\u{1b}[31m",
    "\u{1b}]0;evil\u{7}",
    "\u{1b}]52;c;ZXZpbA==\u{1b}\\",
    "\u{1b}[6n",
    "\u{1b}[1A",
    "\u{1b}P$q\u{1b}\\",
    "\u{1b}c",
    "\u{9b}2J",
    "\u{9d}0;evil\u{9c}",
    "\u{90}",
    "\u{85}",
    "\r",
    "\n",
    "\t",
    "\u{8}",
    "\u{7f}",
    "\u{b}",
    "\u{c}",
    "\u{e}",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{61c}",
    "\u{2028}",
    "\u{2029}",
    "\u{200b}",
    "\u{2060}",
    "\u{feff}",
    "\u{e0041}",
    "|",
    "`",
    "<b>",
];

/// All pieces in an order of their own for each number, and what would be a line of ours.
fn nasty(number: u64) -> String {
    let mut pieces = PIECES.to_vec();
    let mut lot = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for at in (1..pieces.len()).rev() {
        lot = lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        pieces.swap(at, usize::try_from(lot >> 33).unwrap() % (at + 1));
    }
    let body: String = pieces.iter().flat_map(|piece| [*piece, "x"]).collect();
    format!("a{body}\n{FORGED}\nz")
}

/// Whether a text holds nothing but what can be seen, line ends and tabs.
pub fn harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// The same at a terminal, without its line ends, our colours, and what a line that counts is drawn with.
fn plain(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n");
    for ours in ["0", "1", "31", "32", "33", "1;31", "1;32", "1;33"] {
        text = text.replace(&format!("\u{1b}[{ours}m"), "");
    }
    text.replace("\r\u{1b}[2K", "").replace("\u{1b}[2K", "").trim_end_matches('\r').to_owned()
}

/// Every command of the program in the words that it is tried with; `{…}` stands for an id or a text.
/// Behind `=` it prints somebody's text to the letter where no terminal is, behind `+` JSON always.
const LINES: &str = "
create {nasty}
update LAT-1 title={nasty}
update LAT-1 {nasty}=x
update LAT-1 custom_fields.{nasty}={nasty}
status LAT-1 {nasty}
status LAT-1 planned --force --reason {nasty}
assign LAT-1 agent:{nasty}
next
next --claim
complete LAT-1 --review {nasty}
link LAT-1 blocks LAT-2 --note {nasty}
unlink LAT-1 blocks LAT-2
branch-link LAT-1 {nasty}
branch-unlink LAT-1 {nasty}
archive LAT-2 {nasty}
unarchive LAT-2
event LAT-1 x_{nasty} --data {nasty}
event LAT-1 x_a --data {json}
batch --file batch
resource create {nasty}
resource acquire gpu --task LAT-1
resource acquire {nasty}
resource list
resource status gpu
resource heartbeat gpu
resource release gpu
session start --name {nasty} --model {nasty} --framework {nasty} --prompt {nasty}
session start --name Odd --model {nasty} --framework {nasty} --prompt {nasty} --agent-type {nasty}
session list
session show Odd-1
session show {nasty}
session end Odd-1 --reason {nasty}
comment LAT-1 {nasty}
comment LAT-1 reply --reply-to {nasty}
comments LAT-1
comment-edit LAT-1 {comment} {nasty}
comment-delete LAT-1 {nasty}
react LAT-1 {comment} {nasty}
react LAT-1 {comment} eyes
unreact LAT-1 {comment} eyes
=plan LAT-1
plan LAT-1 --file a
plan LAT-1 --file {nasty}
=plan LAT-2
=notes LAT-1
notes {nasty}
attach LAT-1 --inline {nasty} --title {nasty} --summary {nasty} --role {nasty}
attach LAT-1 {nasty}
attach LAT-1 http://example.com/{nasty}
artifact {artifact}
=artifact {artifact} --payload
artifact {nasty}
list
list --format markdown
+list --format jsonl
=list --format csv
list --tag {nasty}
list --fields short_id,title,tags,custom_fields.mine
list --status {nasty}
search {nasty}
search x
show LAT-1
show LAT-1 --events
show {nasty}
history LAT-1
=history LAT-1 --plan
=history LAT-1 --notes
ready
blocked
events
log
log --head
events --type {nasty}
stats
stats --by {nasty}
weather
sql {sql}
sql --format markdown {sql}
=sql --format csv {sql}
sql {nasty}
sync
conflicts
settle LAT-1 {nasty}
+export --file -
export
export --to {nasty}
import {nasty}
import --dry-run
import other --dry-run
import --from csv records.csv --dry-run
import --from csv records.csv --map {nasty}
git setup
git hooks
merge-driver a b c {nasty}
doctor
doctor --since-head {nasty}
backup copy.db
backup {nasty}
restore copy.db
restore {nasty}
redact {nasty}
redact {comment}
rebuild --all
rebuild {nasty}
init
init --project-code {nasty}
=context
context --file a
config list
config get mine
config get {nasty}
config set {nasty} {nasty}
config set mine {nasty}
set-project-code {nasty}
set-subproject-code {nasty}
backfill-ids
renumber {nasty}
renumber LAT-1
hooks list
hooks trust {nasty}
plugins
man
completions bash
completions {nasty}
setup-claude --dir {nasty}
setup-claude-skill
setup-codex
setup-openclaw
setup-prompt
{nasty}
{nasty} --json
--{nasty}
";

/// A tracker with this in every text of every event, file and setting that a tree can carry, and what a
/// command can put into the rest.
fn filled(text: &str) -> Project {
    let source = empty();
    source.ok(["init", "--project-code", "LAT", "--actor", &format!("human:{MARK}")]);
    let task = ["create", MARK, "--description", MARK, "--tags", MARK];
    let by = [
        "--actor",
        &format!("agent:{MARK}")[..],
        "--reason",
        MARK,
        "--model",
        MARK,
        "--on-behalf-of",
        &format!("human:{MARK}"),
    ];
    source.ok([&task[..], &by].concat());
    source.task(MARK);
    source.file(MARK, MARK);
    for line in [
        &["update", "LAT-1", "custom_fields.mine=zqz", "custom_fields.zqz=zqz"][..],
        &["comment", "LAT-1", MARK],
        &["branch-link", "LAT-1", MARK, "--repo", MARK],
        &["link", "LAT-1", "depends_on", "LAT-2", "--note", MARK],
        &["plan", "LAT-1", "--file", MARK],
        &["notes", "LAT-1", "--file", MARK],
        &["plan", "LAT-2", "--file", MARK],
        &["context", "--file", MARK],
        &["event", "LAT-1", "x_zqz", "--data", r#"{"zqz": "zqz"}"#],
        &["attach", "LAT-1", "--inline", "content", "--title", MARK, "--summary", MARK, "--role", "review"],
        &["assign", "LAT-2", "agent:zqz"],
        &["status", "LAT-2", "needs_human", "--force", "--reason", MARK],
        &["resource", "create", "gpu"],
        &["config", "set", "mine", MARK],
        &["config", "set", "hooks.post_event", MARK],
        &["export"],
    ] {
        let run = source.tried([line, &by].concat());
        let run = if run.status == 2 { source.tried(line) } else { run };
        assert_eq!(run.status, 0, "{line:?}: {run:?}");
    }
    let project = empty();
    crate::stranger::copy(&source.lattice(), &project.lattice());
    let escaped = Value::from(text).to_string();
    let escaped = format!("{}\\u0000", &escaped[1..escaped.len() - 1]);
    for (path, content) in crate::stranger::content(&project.lattice()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("lattice.db") || name == "lock" {
            std::fs::remove_file(path).unwrap();
        } else if let Some(content) = content {
            let new = if name.ends_with(".md") { text } else { &escaped };
            std::fs::write(path, String::from_utf8(content).unwrap().replace(MARK, new)).unwrap();
        }
    }
    let run = project.tried(["init", "--project-code", "LAT", "--actor", "human:ada"]);
    assert!(run.status == 0 && harmless(&run.stdout) && harmless(&run.stderr), "{run:?}");
    let other = project.path().join("other");
    crate::stranger::copy(&source.lattice(), &other);
    for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lock"] {
        drop(std::fs::remove_file(other.join(name)));
    }
    project.file(
        "records.csv",
        format!("title,status,\"{0}\"\n\"{0}\",\"{0}\",\"{0}\"\n", text.replace('"', "\"\"")),
    );
    let batch = json!({"command": "create", "title": text});
    project.file("batch", format!("{batch}\n{}\n", json!({"command": text, text: text})));
    for name in ["a", "b", "c"] {
        project.file(name, text);
    }
    project
}

/// The words of a line.
fn words(line: &str, fill: &[(&str, String)]) -> Vec<String> {
    let fill_in =
        |word: &str| fill.iter().fold(word.to_owned(), |word, (name, text)| word.replace(name, text));
    line.split(' ').filter(|word| !word.is_empty()).map(fill_in).collect()
}

#[test]
fn every_command_is_tried() {
    let help = empty().ok(["--help"]);
    let names = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let tried: BTreeSet<&str> =
        LINES.lines().filter_map(|line| line.trim_start_matches(['=', '+']).split(' ').next()).collect();
    let missing: Vec<&str> = names.filter(|name| !name.is_empty() && !tried.contains(name)).collect();
    assert!(help.contains("  create ") && missing.is_empty(), "no line above for: {missing:?}");
}

#[test]
fn no_output_of_any_command_holds_a_control_byte_that_is_not_ours() {
    let mut runs = 0;
    let rounds = if soak() { 30 } else { 1 };
    for round in 0..rounds {
        let text = nasty(round);
        let project = filled(&text);
        let comment = project.json(["comments", "LAT-1"])[0]["id"].as_str().unwrap().to_owned();
        let shown = project.json(["show", "LAT-1"]);
        assert_eq!(shown["title"], json!(format!("{text}\0")), "the text came in to the letter");
        let artifact = shown["evidence_refs"][0]["id"].as_str().unwrap().to_owned();
        let sql =
            "SELECT title, description, raw FROM tasks JOIN events ON events.task_id = tasks.id".to_owned();
        let fill = [
            ("{comment}", comment),
            ("{artifact}", artifact),
            ("{sql}", sql),
            ("{json}", json!({&text: &text}).to_string()),
            ("{nasty}", text.clone()),
        ];
        for line in LINES.lines().filter(|line| !line.is_empty()) {
            let args = words(line.trim_start_matches(['=', '+']), &fill);
            let what = format!("`{line}` in round {round}");
            let run = project.tried(&args);
            checked(&run, line, &what);
            let json = project.tried(args.iter().map(String::as_str).chain(["--json"]));
            assert!(
                is_json(&json.stdout)
                    || json.stdout.is_empty()
                    || line.contains("payload")
                    || json.status == 0,
                "{what}: {json:?}"
            );
            let mut command = project.command(&args);
            command.env("LATTICE_ACTOR", "agent:test").env("TERM", "xterm-256color");
            let run = terminal::run_in(command, 100);
            assert!((0..=4).contains(&run.status), "{what}: {run:?}");
            assert!(harmless(&plain(&run.stdout)), "{what} at a terminal: {:?}", plain(&run.stdout));
            runs += 3;
        }
    }
    say(&format!(
        "output: {} lines of all commands, {runs} runs, nothing but text and our colours",
        LINES.lines().count()
    ));
}

/// What a program or a file gets.
fn checked(run: &Run, line: &str, what: &str) {
    assert!((0..=4).contains(&run.status), "{what}: {run:?}");
    assert!(harmless(&run.stderr), "{what}: {:?}", run.stderr);
    assert!(
        !run.stderr.lines().any(|line| line.contains("forged") && line.starts_with(FORGED)),
        "{what}: {run:?}"
    );
    match line.as_bytes().first() {
        Some(b'=') => {}
        Some(b'+') => assert!(is_json(&run.stdout), "{what}: {:?}", run.stdout),
        _ => {
            assert!(harmless(&run.stdout), "{what}: {:?}", run.stdout);
            assert!(!run.stdout.lines().any(|line| line.starts_with(FORGED)), "{what}: {:?}", run.stdout);
        }
    }
}

/// One document, or one in each line, with every control character escaped.
fn is_json(text: &str) -> bool {
    let one = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    text.bytes().all(|byte| byte >= b' ' || byte == b'\n') && (one(text) || text.lines().all(one))
}
