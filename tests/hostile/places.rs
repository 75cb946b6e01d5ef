//! Links, pipes, loops, devices and folders in the place of every file and folder of a tracker.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::stranger::{Stranger, content, say, some_commands};
use crate::support::each;

/// What stands in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trap {
    /// A link to a file that must not be changed.
    File,
    /// A link to a folder that nothing must be put into.
    Folder,
    /// A link to something that is not there and must not be made.
    Nothing,
    /// A link to bytes without an end.
    Zero,
    /// A link to itself.
    Loop,
    /// A pipe that nobody writes to.
    Pipe,
    /// A folder with something in it where a file is expected, a file where a folder is.
    Other,
}

const TRAPS: [Trap; 7] =
    [Trap::File, Trap::Folder, Trap::Nothing, Trap::Zero, Trap::Loop, Trap::Pipe, Trap::Other];

/// Names beside the tree.
const OWN: [&str; 10] = [
    "lattice.db",
    "lattice.db-wal",
    "lattice.db-shm",
    "lattice.db-journal",
    "lattice.db-seen",
    "lock",
    "restoring",
    ".gitignore",
    ".gitattributes",
    "lattice-v1.backup.db",
];

/// Puts it there.
fn set(stranger: &Stranger, place: &Path, trap: Trap) {
    let was_folder = place.is_dir();
    match was_folder {
        true => std::fs::remove_dir_all(place).unwrap(),
        false => drop(std::fs::remove_file(place)),
    }
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    match trap {
        Trap::File => symlink(stranger.precious("file"), place).unwrap(),
        Trap::Folder => symlink(stranger.precious("folder"), place).unwrap(),
        Trap::Nothing => symlink(stranger.precious("new"), place).unwrap(),
        Trap::Zero => symlink("/dev/zero", place).unwrap(),
        Trap::Loop => symlink(place.file_name().unwrap(), place).unwrap(),
        Trap::Pipe => assert!(Command::new("mkfifo").arg(place).status().unwrap().success()),
        Trap::Other if was_folder => std::fs::write(place, "a file\n").unwrap(),
        Trap::Other => {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("in it"), "kept\n").unwrap();
        }
    }
}

/// Every file and folder of a tree, relative to `.lattice/`.
fn places() -> Vec<std::path::PathBuf> {
    let stranger = Stranger::tree();
    let lattice = stranger.project.lattice();
    let found = content(&lattice).into_keys().map(|path| path.strip_prefix(&lattice).unwrap().to_path_buf());
    let found: Vec<_> = found.filter(|path| !OWN.iter().any(|own| Path::new(own) == path)).collect();
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn no_trap_in_the_place_of_a_file_or_folder_is_followed_or_waited_for() {
    let beside: Vec<_> = OWN.iter().map(Path::new).flat_map(|own| TRAPS.map(|trap| (own, trap))).collect();
    let count: usize = each::done(&beside, |(place, trap)| {
        let what = format!("{trap:?} for {}", place.display());
        let stranger = Stranger::new();
        set(&stranger, &stranger.project.lattice().join(place), *trap);
        let mut commands = vec![&["create", "x"][..], &["list"]];
        commands.extend(some_commands(1));
        commands.iter().for_each(|args| drop(stranger.run(&what, args)));
        commands.len()
    })
    .into_iter()
    .sum();
    let places = places();
    let inside: Vec<_> = places.iter().flat_map(|place| TRAPS.map(|trap| (place, trap))).collect();
    let runs: usize = each::done(&inside, |(place, trap)| {
        let what = format!("{trap:?} for {}", place.display());
        // As git hands it over, `init` is what meets it; beside a database, everything else.
        let stranger = Stranger::new();
        set(&stranger, &stranger.project.lattice().join(place), *trap);
        let mut commands = vec![&["sync"][..]];
        commands.extend(some_commands(1));
        commands.iter().for_each(|args| drop(stranger.run(&what, args)));
        if [Trap::Loop, Trap::Zero].contains(trap) {
            return commands.len();
        }
        let stranger = Stranger::tree();
        set(&stranger, &stranger.project.lattice().join(place), *trap);
        stranger.run(&what, &["init", "--project-code", "LAT", "--actor", "human:ada"]);
        commands.len() + 1
    })
    .into_iter()
    .sum();
    let runs = count + runs;
    say(&format!(
        "places: {} kinds of traps, {runs} runs ({count} beside the tree), nothing followed",
        TRAPS.len()
    ));
}

/// The whole `.lattice/`, and what stands around it.
#[test]
fn a_tracker_that_is_itself_a_trap_is_refused() {
    let mut runs = 0;
    for trap in TRAPS {
        let stranger = Stranger::new();
        set(&stranger, &stranger.project.lattice(), trap);
        for args in some_commands(6) {
            stranger.run(&format!("{trap:?} for .lattice"), args);
            runs += 1;
        }
        let stranger = Stranger::tree();
        set(&stranger, &stranger.project.path().join(".git"), trap);
        for args in [&["list"][..], &["init", "--project-code", "LAT"]] {
            stranger.run(&format!("{trap:?} for .git"), args);
            runs += 1;
        }
    }
    say(&format!("places: {runs} runs with a trap for the whole folder"));
}
