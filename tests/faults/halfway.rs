//! An export that came half the way changes nothing: neither here, where the next sync reads what it
//! left, nor in another clone that takes the half tree in.

use std::collections::BTreeMap;
use std::fs;

use lattice::app::{App, TaskFilter, TextKind, World};

use crate::flushes::Flushes;
use crate::injector::{Ending, Injector, injector};
use crate::sandbox::{copy_of, say, soak, sound, tracker};
use crate::support::Project;

/// What hands may edit in the tree, as the tracker has it: by subject and kind.
type Words = BTreeMap<String, String>;

fn words(project: &Project) -> Words {
    let world = World::real();
    let app = App::open_read(App::locate(&world, project.path()).unwrap(), world).unwrap();
    app.read(|reader| {
        let mut words = Words::new();
        let everything = TaskFilter { include_archived: true, ..TaskFilter::default() };
        for task in reader.tasks(&everything)? {
            for (kind, name) in [(TextKind::Plan, "plan"), (TextKind::Notes, "notes")] {
                let text = reader.find_text(kind, &task.id)?.map(|text| text.body);
                words.extend(text.map(|text| (format!("{} {name}", task.id), text)));
            }
            words.insert(format!("{} title", task.id), task.title);
        }
        words.extend(reader.context()?.map(|text| ("context".to_owned(), text)));
        words.insert("config".to_owned(), reader.config()?.value().to_string());
        words.insert("floors".to_owned(), format!("{:?}", reader.short_id_index()?.floors));
        Ok(words)
    })
    .unwrap()
}

fn write(project: &Project, line: &[&str], text: &str) {
    let run = project.fed(line.iter().chain(&["--file", "-"]), text.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line:?}");
}

/// What a sync says; where snapshots are behind, it may warn of that.
fn sync(project: &Project) -> String {
    let run = project.tried(["sync"]);
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

fn take_in(project: &Project, from: &Project) {
    let run = project.tried(["import", from.lattice().to_str().unwrap()]);
    assert_eq!(run.status, 0, "{run:?}");
}

/// Only a hand can empty notes: here it is that of another clone.
fn empty_notes(project: &Project, task: &str) {
    let other = copy_of(project);
    let id = other.json(["show", task])["id"].as_str().unwrap().to_owned();
    fs::write(other.lattice().join(format!("notes/{id}.md")), "").unwrap();
    other.ok(["sync"]);
    project.ok(["import", other.lattice().to_str().unwrap()]);
}

/// A tracker whose tree is behind, and a clone as it was when the tree was written.
struct Trial {
    ahead: Project,
    clone: Project,
    old: Words,
    new: Words,
    calls: Vec<String>,
}

impl Trial {
    fn new(injector: &Injector) -> Self {
        let ahead = tracker();
        for title in ["plan", "no notes", "put away", "renamed", "taken back"] {
            ahead.task(title);
        }
        write(&ahead, &["plan", "LAT-1"], "plan v1\n");
        write(&ahead, &["notes", "LAT-1"], "notes v1\n");
        write(&ahead, &["notes", "LAT-2"], "to be emptied\n");
        write(&ahead, &["plan", "LAT-3"], "put away v1\n");
        for text in ["taken back v1\n", "taken back v2\n"] {
            write(&ahead, &["plan", "LAT-5"], text);
        }
        write(&ahead, &["context"], "context v1\n");
        ahead.ok(["config", "set", "/workflow/wip_limits/review", "4"]);
        ahead.ok(["sync"]);
        let clone = copy_of(&ahead);
        let old = words(&clone);
        empty_notes(&ahead, "LAT-2");
        for version in ["v2\n", "v3\n"] {
            write(&ahead, &["plan", "LAT-1"], &format!("plan {version}"));
            write(&ahead, &["notes", "LAT-1"], &format!("notes {version}"));
            write(&ahead, &["context"], &format!("context {version}"));
        }
        write(&ahead, &["plan", "LAT-3"], "put away v2\n");
        ahead.ok(["archive", "LAT-3"]);
        ahead.ok(["update", "LAT-4", "title=renamed since"]);
        write(&ahead, &["plan", "LAT-5"], "taken back v1\n");
        ahead.ok(["config", "set", "/workflow/wip_limits/review", "3"]);
        ahead.ok(["config", "unset", "/workflow/wip_limits/in_progress"]);
        ahead.task("new");
        write(&ahead, &["plan", "LAT-6"], "new v1\n");
        let new = words(&ahead);
        let calls = injector.calls(&copy_of(&ahead), ["sync"]);
        Self { ahead, clone, old, new, calls }
    }

    /// Syncs with a fault, and gives what it left.
    fn broken(&self, injector: &Injector, fault: &str) -> (Project, Ending) {
        let project = copy_of(&self.ahead);
        let ending = injector.run(&project, &[fault], ["sync"]);
        assert_eq!(ending.fired.len(), 1, "{fault}: {ending:?}");
        (project, ending)
    }

    /// The numbers of calls that give names or take them away, and with `all` those of every other.
    fn places(&self, all: bool) -> Vec<usize> {
        let tells = |call: &str| ["rename ", "unlink "].iter().any(|name| call.starts_with(name));
        (1..=self.calls.len()).filter(|n| all || tells(&self.calls[n - 1])).collect()
    }
}

#[test]
fn a_sync_that_was_killed_or_failed_leaves_nothing_that_the_next_takes_for_an_edit() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let mut tried = 0;
    for number in trial.places(soak()) {
        let with_full_disk = soak() || number % 3 == 0;
        for action in ["kill", "ENOSPC"].into_iter().take(1 + usize::from(with_full_disk)) {
            let (project, ending) = trial.broken(injector, &format!("*:{action}:{number}"));
            let when = || format!("{action} at {}: {ending:?}", trial.calls[number - 1]);
            assert_eq!(words(&project), trial.new, "{}", when());
            let said = sync(&project);
            assert_eq!(words(&project), trial.new, "{}", when());
            assert!(said.starts_with("In: nothing new."), "{}: {said}", when());
            sound(&project, &when);
            assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n", "{}", when());
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    say(&format!("sync was broken off in {tried} ways"));
}

/// What is written after the export was broken off stays, too.
#[test]
fn what_was_changed_since_a_killed_export_stays() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    for number in trial.places(false) {
        let (project, _) = trial.broken(injector, &format!("*:kill:{number}"));
        write(&project, &["plan", "LAT-1"], "plan v4\n");
        write(&project, &["notes", "LAT-2"], "not so empty\n");
        write(&project, &["context"], "context v4\n");
        project.ok(["config", "set", "/workflow/wip_limits/review", "2"]);
        let before = words(&project);
        sync(&project);
        assert_eq!(words(&project), before, "killed at {}", trial.calls[number - 1]);
    }
}

/// A half tree is committed, or read while it is written. Whoever takes it in gets what it says, and
/// gives back nothing that undoes what it did not say yet.
#[test]
fn a_half_tree_that_went_through_another_clone_undoes_nothing() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    for number in trial.places(false) {
        let (here, _) = trial.broken(injector, &format!("*:kill:{number}"));
        let when = format!("killed at {}", trial.calls[number - 1]);
        let there = copy_of(&trial.clone);
        take_in(&there, &here);
        for (what, text) in words(&there).into_iter().filter(|(what, _)| what != "config") {
            let one = [trial.old.get(&what), trial.new.get(&what)];
            assert!(one.contains(&Some(&text)), "{when}: {what} is {text}");
        }
        sync(&there);
        take_in(&here, &there);
        assert_eq!(words(&here), trial.new, "{when}");
        sync(&here);
        take_in(&there, &here);
        assert_eq!(words(&there), trial.new, "{when}");
        assert_eq!(words(&here), trial.new, "{when}");
    }
}

/// The tree of a first export may be as good as empty, and there is nothing to go back to.
#[test]
fn a_first_export_that_was_killed_leaves_no_edits_either() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let files = fs::read_dir(trial.ahead.lattice()).unwrap().map(|entry| entry.unwrap().path());
    let is_tree = |name: &str| !name.starts_with("lattice.db") && !name.starts_with(".git") && name != "lock";
    for path in files.filter(|path| is_tree(path.file_name().unwrap().to_str().unwrap())) {
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    let calls = injector.calls(&copy_of(&trial.ahead), ["export"]);
    let trial = Trial { calls, ..trial };
    for number in trial.places(false) {
        let project = copy_of(&trial.ahead);
        injector.run(&project, &[&format!("*:kill:{number}")], ["export"]);
        sync(&project);
        assert_eq!(words(&project), trial.new, "killed at {}", trial.calls[number - 1]);
        assert_eq!(project.ok(["sync"]), "In: nothing new.\nOut: nothing to write.\n");
    }
}

/// When the power goes, names that are not flushed may be there or not, one by one: so texts are
/// flushed before the first log gets its name, and logs before what is known by them.
#[test]
fn what_is_replaced_is_flushed_before_what_depends_on_it() {
    let Some(injector) = injector() else { return };
    let trial = Trial::new(injector);
    let at = |name: &str, folder: &str| {
        let is = |call: &&String| call.starts_with(name) && call.rsplit(' ').next().unwrap().contains(folder);
        trial.calls.iter().filter(is).count()
    };
    assert!(at("rename ", "/plans/") > 1 && at("rename ", "/events/") > 1 && at("unlink ", "/notes/") > 0);
    for (number, call) in trial.calls.iter().enumerate().filter(|(_, call)| call.starts_with("rename ")) {
        let unflushed = Flushes::of(&trial.calls[..number]).unflushed;
        let target = call.rsplit(' ').next().unwrap();
        let before: &[&str] = match target.rsplit_once("/.lattice").unwrap().1 {
            path if path.ends_with(".jsonl") => &["/.lattice/plans", "/.lattice/notes"],
            path if path.starts_with("/tasks/") || path.starts_with("/ids.json") => &["/.lattice/events"],
            _ => &[],
        };
        let late: Vec<_> = before.iter().filter(|folder| unflushed.contains(**folder)).collect();
        assert!(late.is_empty(), "{late:?} is not flushed before {target}: {:#?}", trial.calls);
    }
}
