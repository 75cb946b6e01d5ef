//! Each program reads what the other wrote.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::answer::{Difference, differ};
use super::expected::Seen;
use super::side::{Side, Who};
use super::words;

/// Of large trackers so many tasks are shown, evenly spread.
const SHOWN: usize = 12;

/// What stands in a `.lattice/` beside the tree and is no part of it.
const NOT_THE_TREE: [&str; 5] = ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lock", "locks"];

/// After a section: our export for them, their folder for us.
pub fn exchange(title: &str, theirs: &Side, ours: &Side) -> Vec<Seen> {
    let mut seen = Vec::new();
    if ours.path().join(".lattice/lattice.db").exists() {
        let copy = Side::new(Who::Theirs, theirs.program());
        assert_eq!(ours.run(&words("export --include-sensitive --quiet"), None).status, 0);
        copy_tree(&ours.path().join(".lattice"), &copy.path().join(".lattice"));
        seen.extend(same(&format!("our tree after: {title}"), &copy, ours));
    }
    if theirs.path().join(".lattice/config.json").exists() {
        let copy = Side::new(Who::Ours, ours.program());
        copy_tree(&theirs.path().join(".lattice"), &copy.path().join(".lattice"));
        let made = copy.run(&words("init --json"), None);
        assert_eq!(made.status, 0, "{title}: {made:?}");
        seen.extend(same(&format!("their tree after: {title}"), theirs, &copy));
    }
    seen
}

/// Trackers of real projects, through us: the predecessor must find nothing wrong with our export,
/// and say the same of it as we do.
pub fn real(predecessor: &Path) -> Vec<Seen> {
    let mut seen = Vec::new();
    let root = std::env::var_os("LATTICE_REALDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/realdata"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&root) else {
        println!("skipped: there is no real data in {}", root.display());
        return seen;
    };
    for source in entries.map(|entry| entry.unwrap().path()).filter(|path| path.join(".lattice").is_dir()) {
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        println!("real data: {name}");
        let ours = Side::new(Who::Ours, env!("CARGO_BIN_EXE_lattice").as_ref());
        copy_tree(&source.join(".lattice"), &ours.path().join(".lattice"));
        let made = ours.run(&words("init --json"), None);
        assert_eq!(made.status, 0, "{name}: {made:?}");
        let theirs = Side::new(Who::Theirs, predecessor);
        let exported = theirs.path().join(".lattice");
        let export = ["export", "--include-sensitive", "--quiet", "--to", exported.to_str().unwrap()];
        assert_eq!(ours.run(&export.map(str::to_owned), None).status, 0);
        seen.extend(same(&format!("real data: {name}"), &theirs, &ours));
    }
    seen
}

/// Both answer the same questions in the same way, and find no errors.
fn same(name: &str, theirs: &Side, ours: &Side) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut ask = |question: &[String]| {
        let mut differences = Vec::new();
        let (their, our) = (document(theirs, question), document(ours, question));
        differ("", Some(&their), Some(&our), &mut differences);
        seen.push(Seen { source: name.to_owned(), call: format!("{name}: {}", question[0]), differences });
        our
    };
    let all = ask(&words("list --include-archived --json"));
    let tasks: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    for task in tasks.iter().step_by(tasks.len().div_ceil(SHOWN).max(1)) {
        ask(&["show", *task, "--json"].map(str::to_owned));
        ask(&["comments", *task, "--json"].map(str::to_owned));
    }
    for side in [theirs, ours] {
        let report = document(side, &words("doctor --json"));
        let findings = report["data"]["findings"].as_array().cloned().unwrap_or_default();
        let differences: Vec<Difference> = findings
            .iter()
            .filter(|finding| finding["level"] == "error")
            .map(|finding| Difference {
                place: "finding".to_owned(),
                theirs: finding.to_string(),
                ours: "-".to_owned(),
            })
            .collect();
        seen.push(Seen { source: name.to_owned(), call: format!("{name}: doctor"), differences });
    }
    seen
}

/// The answer, in which nothing but the folder is replaced.
fn document(side: &Side, question: &[String]) -> Value {
    let run = side.run(question, None);
    let mut document: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {question:?} {run:?}"));
    plain_paths(&mut document, &side.path().to_string_lossy());
    document
}

fn plain_paths(value: &mut Value, here: &str) {
    match value {
        Value::String(text) if text.contains(here) => *text = text.replace(here, "HERE"),
        Value::Array(items) => items.iter_mut().for_each(|item| plain_paths(item, here)),
        Value::Object(members) => members.values_mut().for_each(|member| plain_paths(member, here)),
        _ => {}
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name();
        if NOT_THE_TREE.contains(&name.to_string_lossy().as_ref()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(name));
        } else {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}
