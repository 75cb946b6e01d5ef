//! What people do to files of the tree: edit them, and settle what git could not merge.

use std::fs;
use std::path::{Path, PathBuf};

use lattice::app::{Code, Failure};
use serde_json::{Value, json};

use crate::team::Team;

/// Edits a plan, notes, the context or the configuration where it lies.
pub fn edit(team: &mut Team<'_>, n: usize, [what, which, how, _]: [u16; 4]) {
    let lattice = team.clones[n].lattice.clone();
    let done = match what % 8 {
        0..=2 => task_file(&lattice, "plans", which).is_some_and(|path| text(&path, how)),
        3 | 4 => task_file(&lattice, "notes", which).is_some_and(|path| text(&path, how)),
        5 => new_notes(team, n, which, how),
        6 => text(&lattice.join("context.md"), how),
        _ => configuration(&lattice.join("config.json"), which, how),
    };
    if done {
        team.counts.one("hand edits");
    }
}

/// One of the files of this kind, wherever its task stands.
fn task_file(lattice: &Path, kind: &str, which: u16) -> Option<PathBuf> {
    let folders = [lattice.join(kind), lattice.join("archive").join(kind)];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.get(usize::from(which) % paths.len().max(1)).cloned()
}

/// Words few enough that two people write the same now and then.
fn line(how: u16) -> String {
    format!("- by hand {}\n", how % 4)
}

/// Adds a line before or behind, changes one, or says something else.
fn text(path: &Path, how: u16) -> bool {
    let Ok(before) = fs::read_to_string(path) else { return false };
    let mut lines: Vec<String> = before.split_inclusive('\n').map(str::to_owned).collect();
    match how / 4 % 4 {
        0 => lines.insert(0, line(how)),
        1 => lines.push(line(how)),
        2 if !lines.is_empty() => {
            let place = usize::from(how / 16) % lines.len();
            lines[place] = line(how);
        }
        _ => lines = vec![line(how)],
    }
    let after = lines.concat();
    fs::write(path, &after).unwrap();
    after != before
}

/// Notes where there were none.
fn new_notes(team: &Team<'_>, n: usize, which: u16, how: u16) -> bool {
    let tasks = team.tasks(n);
    let Some(task) = tasks.get(usize::from(which) % tasks.len().max(1)) else { return false };
    let path = team.clones[n].lattice.join(format!("notes/{}.md", task.id));
    let has_folder = fs::create_dir_all(path.parent().unwrap()).is_ok();
    has_folder && !path.exists() && fs::write(&path, line(how)).is_ok()
}

fn configuration(path: &Path, which: u16, how: u16) -> bool {
    let Ok(mut config) = serde_json::from_slice::<Value>(&fs::read(path).unwrap()) else { return false };
    let Some(members) = config.as_object_mut() else { return false };
    let key = ["x_first", "x_second", "zz"][usize::from(which) % 3];
    match how % 5 {
        0 if members.remove(key).is_some() => {}
        0 | 1 => drop(members.insert(key.into(), json!({"deep": {"n": how / 5 % 4}, "list": [how / 5 % 2]}))),
        _ => drop(members.insert(key.into(), json!(how / 5 % 4))),
    }
    fs::write(path, serde_json::to_string_pretty(&config).unwrap() + "\n").unwrap();
    true
}

/// The file that an import was refused for because of git's markers.
pub fn unsettled(failure: &Failure) -> Option<PathBuf> {
    let ours = failure.code == Code::ImportInvalid && failure.message.contains("conflict markers");
    let file = failure.details.as_ref()?.get("file")?.as_str()?;
    ours.then(|| PathBuf::from(file))
}

/// Settles a text with markers: takes one side, or keeps what both say. A configuration that is
/// none then is taken from the tracker.
pub fn settle(team: &mut Team<'_>, n: usize, file: &Path, dice: [u16; 4]) {
    team.counts.one("texts settled by hand");
    let clone = &team.clones[n];
    let path = clone.lattice.join(file);
    let mut settled = without_markers(&fs::read_to_string(&path).unwrap(), dice[2]);
    if file.ends_with("config.json") && serde_json::from_str::<Value>(&settled).is_err() {
        let config = clone.app.read(|reader| Ok(reader.config()?)).unwrap();
        settled = serde_json::to_string(config.value()).unwrap();
    }
    fs::write(&path, settled).unwrap();
}

/// The text without markers: of each conflict one side, or both one after the other.
fn without_markers(text: &str, how: u16) -> String {
    let mut kept = String::new();
    let (mut ours, mut theirs) = (true, true);
    for line in text.split_inclusive('\n') {
        let marker = line.get(..7).filter(|_| line.as_bytes().get(7).is_none_or(u8::is_ascii_whitespace));
        match marker {
            Some("<<<<<<<") => (ours, theirs) = (true, false),
            Some("|||||||") => (ours, theirs) = (false, false),
            Some("=======") if ours != theirs || !ours => (ours, theirs) = (false, true),
            Some(">>>>>>>") => (ours, theirs) = (true, true),
            _ if (ours && (theirs || !how.is_multiple_of(3))) || (theirs && how % 3 != 1) => {
                kept.push_str(line)
            }
            _ => {}
        }
    }
    kept
}

/// Every text of the tree in which git left markers.
pub fn unsettled_texts(lattice: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["plans", "notes", "archive/plans", "archive/notes"] {
        let Ok(entries) = fs::read_dir(lattice.join(folder)) else { continue };
        found.extend(entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name())));
    }
    found.extend(["context.md", "config.json"].map(PathBuf::from));
    found.retain(|file| {
        fs::read_to_string(lattice.join(file))
            .is_ok_and(|text| text.lines().any(|l| l.starts_with("<<<<<<< ")))
    });
    found.sort();
    found
}
