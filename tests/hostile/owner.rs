//! A tracker that belongs to somebody else (decision 0032).

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::stranger::{COMMANDS, Stranger, content, copy, say, skip};
use crate::support::Run;

/// Who owns nothing.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// Gives everything below a folder to somebody.
fn give(folder: &Path, owner: u32) {
    let all: Vec<_> = content(folder).into_keys().chain([folder.to_path_buf()]).collect();
    for path in all {
        std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
    }
}

#[test]
fn what_belongs_to_somebody_else_is_read_and_only_written_where_its_owner_lets_us() {
    if !is_root() {
        return skip("a tracker of another user: only root can make one");
    }
    // Root in somebody's tracker: everything works, and what is new is root's.
    let stranger = Stranger::new();
    give(stranger.project.path(), NOBODY);
    let mut runs = 0;
    for args in COMMANDS {
        let run = stranger.run("a tracker of nobody's, as root", args);
        assert_eq!(run.status, 0, "{args:?}: {run:?}");
        runs += 1;
    }
    // Somebody in root's: what reads works, what writes is refused, and nothing changes.
    let stranger = Stranger::new();
    let folder = stranger.project.path();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let programs = tempfile::tempdir().unwrap();
    std::fs::set_permissions(programs.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = programs.path().join("lattice");
    std::fs::copy(stranger.project.command([""]).get_program(), &program).unwrap();
    let original = content(&stranger.project.lattice());
    let scratch = programs.path().join("tmp");
    copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign").as_path(), &scratch);
    std::fs::set_permissions(&scratch, std::fs::Permissions::from_mode(0o777)).unwrap();
    for (args, status) in [
        (&["list"][..], 0),
        (&["show", "LAT-1"], 0),
        (&["sql", "SELECT count(*) FROM events"], 0),
        (&["doctor"], 0),
        (&["export", "--file", "-"], 0),
        (&["create", "x"], 4),
        (&["sync"], 4),
        (&["export"], 4),
        (&["rebuild", "--all"], 4),
    ] {
        let mut command = std::process::Command::new(&program);
        command.args(args).current_dir(folder).uid(NOBODY).gid(NOBODY).env("TMPDIR", &scratch);
        command.env("LATTICE_ACTOR", "agent:test").env_remove("LATTICE_ROOT").env("HOME", "/nowhere");
        let run = Run::of(command.output().unwrap());
        assert_eq!(run.status, status, "{args:?}: {run:?}");
        assert!(content(&stranger.project.lattice()) == original, "{args:?}");
        runs += 1;
    }
    say(&format!("owner: {runs} runs in trackers of somebody else"));
}
