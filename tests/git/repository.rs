//! A repository of git with a tracker in it, and git as its user calls it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Project, Run};

/// The search path of somebody who has Lattice installed.
pub fn search_path() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_lattice")).parent().unwrap().to_owned();
    let rest = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&rest))).unwrap()
}

/// git, about to run in a folder, knowing nothing of the tester's surroundings.
pub fn git_command<S: AsRef<OsStr>>(at: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"]);
    command.args(args).current_dir(at).stdin(Stdio::null());
    command.env("PATH", search_path()).env("LATTICE_ACTOR", "agent:test");
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null"), ("LC_ALL", "C")]);
    for name in ["LATTICE_ROOT", "LATTICE_LOCK_TIMEOUT", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
}

/// Runs git, however it ends.
pub fn tried<S: AsRef<OsStr>>(at: &Path, args: impl IntoIterator<Item = S>) -> Run {
    Run::of(git_command(at, args).output().unwrap())
}

/// Runs git, which must succeed: what it printed.
pub fn git<S: AsRef<OsStr>>(at: &Path, args: impl IntoIterator<Item = S>) -> String {
    let run = tried(at, args);
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

/// Runs Lattice in a folder; it must succeed: what it printed.
pub fn lattice<S: AsRef<OsStr>>(at: &Path, args: impl IntoIterator<Item = S>) -> String {
    let run = Run::of(lattice_command(at, args).output().unwrap());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    run.stdout
}

/// Lattice, about to run in a folder.
pub fn lattice_command<S: AsRef<OsStr>>(at: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
    command.args(args).current_dir(at).stdin(Stdio::null());
    command
        .env("PATH", search_path())
        .env("LATTICE_ACTOR", "agent:test")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for name in ["LATTICE_ROOT", "LATTICE_LOCK_TIMEOUT", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
}

/// Commits everything that there is to commit, a merge too, without hooks.
pub fn commit_all(at: &Path) {
    git(at, ["add", "-A"]);
    let merges = tried(at, ["rev-parse", "-q", "--verify", "MERGE_HEAD"]).status == 0;
    if merges || tried(at, ["diff", "--cached", "--quiet", "HEAD"]).status != 0 {
        git(at, ["commit", "-qnm", "work"]);
    }
}

/// A repository with a tracker, one task and a tree, all committed.
pub fn repository() -> Project {
    let here = Project::new();
    git(here.path(), ["init", "-q"]);
    here.task("Shared");
    here.ok(["sync"]);
    commit_all(here.path());
    here
}

/// A clone of it with a tracker of its own.
pub fn clone_of(here: &Project) -> Project {
    let there = Project::empty();
    git(there.path(), ["clone", "-q", here.path().to_str().unwrap(), "."]);
    there.ok(["init"]);
    there
}

/// Brings tracker and tree together; there may be warnings.
pub fn sync(project: &Project) {
    let run = project.run(["sync", "--quiet"]);
    assert_eq!(run.status, 0, "{run:?}");
}

/// Names of files below a folder that git tracks.
pub fn tracked(at: &Path) -> Vec<PathBuf> {
    git(at, ["ls-files"]).lines().map(PathBuf::from).collect()
}

/// Where a folder really is.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}
