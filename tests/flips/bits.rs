//! Bits of the database and of its log, flipped one at a time, each examined through the library.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use lattice::app::{App, Level, Root, World};

use crate::content::Content;
use crate::support::Project;
use crate::{Lot, say, soak, tracker};

/// What became of some flips.
#[derive(Default)]
struct Counts {
    flips: usize,
    /// Those that changed what the tracker says.
    changed: usize,
    /// Those that changed what nothing says again.
    alone: usize,
    /// Those that `doctor` reported.
    found: usize,
    /// What went wrong, by flip.
    faults: Vec<String>,
}

impl Counts {
    fn and(mut self, other: Self) -> Self {
        self.flips += other.flips;
        self.changed += other.changed;
        self.alone += other.alone;
        self.found += other.found;
        self.faults.extend(other.faults);
        self
    }
}

/// A tracker's files: the database, and the log beside it.
struct Files<'a> {
    content: Content,
    bytes: [(&'a str, Vec<u8>); 2],
    /// Which of the two is damaged.
    damaged: usize,
}

#[test]
fn every_bit_of_the_database_that_changes_what_the_tracker_says_is_found() {
    let original = tracker::full();
    assert_eq!(Content::of(&original.database()).empty(), Vec::<&str>::new(), "every table has rows");
    let counts = flipped_by_all(&original, 0, if soak() { 95_000 } else { 3_800 });
    assert!(counts.changed * 5 > counts.flips, "most bits mean nothing: {}", counts.changed);
}

/// What is behind such a bit SQLite does not even read.
#[test]
fn every_bit_of_the_log_that_hides_what_was_saved_is_found() {
    let original = tracker::full();
    for number in 0..4 {
        original.ok(["comment", "LAT-2", &format!("only in the log: {number}")]);
        original.ok(["update", "LAT-2", &format!("title=The bell, {number}")]);
    }
    let counts = flipped_by_all(&original, 1, if soak() { 5_000 } else { 200 });
    // A commit that is torn changes nothing but the table's own sums if it is the last.
    assert!(counts.changed * 10 > counts.flips * 9, "a log that is not read: {}", counts.changed);
}

/// Flips so many bits of one of the files on all cores, and says what came of it.
fn flipped_by_all(original: &Project, damaged: usize, flips: usize) -> Counts {
    assert_eq!(report(original.path()), Ok(()), "it is whole");
    let content = Content::of(&original.database());
    let bytes = ["lattice.db", "lattice.db-wal"].map(|name| {
        let bytes = fs::read(original.lattice().join(name)).unwrap_or_default();
        (name, bytes)
    });
    let files = &Files { content, bytes, damaged };
    let counts = std::thread::scope(|scope| {
        let parts: Vec<_> =
            (0..2).map(|part| scope.spawn(move || flipped(files, Lot(part), flips / 2))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).fold(Counts::default(), Counts::and)
    });
    let Counts { flips, changed, alone, found, faults } = &counts;
    say(&format!(
        "{flips} bits of the {} KiB of {}: {changed} changed what the tracker says, {alone} only what nothing \
         else says; doctor found {found}, missed {}",
        files.bytes[damaged].1.len() / 1024,
        files.bytes[damaged].0,
        faults.len()
    ));
    assert_eq!(*faults, Vec::<String>::new());
    counts
}

/// Flips so many bits of a copy, one after the other.
fn flipped(files: &Files<'_>, mut lot: Lot, flips: usize) -> Counts {
    let project = Project::empty();
    fs::create_dir(project.lattice()).unwrap();
    for (name, bytes) in &files.bytes {
        fs::write(project.lattice().join(name), bytes).unwrap();
    }
    let (name, bytes) = &files.bytes[files.damaged];
    let damaged = project.lattice().join(name);
    let mut counts = Counts { flips, ..Counts::default() };
    for _ in 0..flips {
        let (place, bit) = (lot.below(bytes.len()), lot.below(8));
        put(&damaged, place, bytes[place] ^ (1 << bit));
        let content = Content::of(&project.database());
        let changed = content.changed(&files.content);
        // Most bits mean nothing, and to examine a tracker takes long.
        let is_examined = !changed.is_empty() || lot.below(4) == 0;
        let found =
            catch_unwind(AssertUnwindSafe(|| if is_examined { report(project.path()) } else { Ok(()) }));
        let what = || format!("bit {bit} of byte {place}: {changed:?}");
        counts.changed += usize::from(!changed.is_empty());
        counts.alone += usize::from(changed.is_empty() && content != files.content);
        match found {
            Err(_) => counts.faults.push(format!("a panic: {}", what())),
            Ok(Ok(())) if !changed.is_empty() => counts.faults.push(what()),
            Ok(Ok(())) => {}
            Ok(Err(_)) => counts.found += 1,
        }
        put(&damaged, place, bytes[place]);
    }
    for (name, bytes) in &files.bytes {
        assert!(fs::read(project.lattice().join(name)).unwrap() == *bytes, "looking changed {name}");
    }
    counts
}

/// Puts a byte into a file that nobody has open.
fn put(path: &Path, place: usize, byte: u8) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[byte], place as u64).unwrap();
}

/// What `doctor` says of a tracker: nothing, or what is wrong.
fn report(project: &Path) -> Result<(), String> {
    let lattice = project.join(".lattice");
    let root = Root { project: project.to_owned(), tree: lattice.clone(), lattice };
    let log = App::examine_log(&root).map_err(|failure| failure.to_string())?;
    let app = App::open_read(root, World::real()).map_err(|failure| failure.to_string())?;
    let report = app.examine(|_| {}).map_err(|failure| failure.to_string())?;
    match log.into_iter().chain(report.findings).find(|finding| finding.level == Level::Error) {
        None => Ok(()),
        Some(finding) => Err(format!("{}: {}", finding.check, finding.message)),
    }
}
