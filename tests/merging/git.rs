//! Real git: one repository, a branch and a worktree for each clone, so that a merge needs no
//! transfer. The merges are those of any clone.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A repository, and what of git's own behaviour is chosen.
pub struct Repository {
    home: PathBuf,
    conflict_style: &'static str,
    /// Seconds that git is told; merges of merges depend on the order of commits.
    moment: Cell<u64>,
}

/// How a merge ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    Nothing,
    FastForward,
    Clean,
    /// What git says of each conflict.
    Conflicts(Vec<String>),
}

impl Repository {
    /// A new one in this folder, which is the worktree of the first clone.
    pub fn new(home: &Path, conflict_style: &'static str) -> Self {
        let new = Self { home: home.to_path_buf(), conflict_style, moment: Cell::new(1_767_225_600) };
        new.must(home, &["init", "-q", "--template=", "-b", &branch(0)]);
        new
    }

    /// A worktree for one more clone, on a branch of its own that begins where the first stands.
    pub fn add(&self, clone: usize, at: &Path) {
        self.must(&self.home, &["worktree", "add", "-q", "-b", &branch(clone), at.to_str().unwrap()]);
    }

    /// Commits all that is there, conflict markers too.
    pub fn commit(&self, at: &Path) {
        self.must(at, &["add", "-A"]);
        let output = self.run(at, &["commit", "-qm", "work"]);
        let said = text(&output);
        assert!(output.status.success() || said.contains("nothing to commit"), "{said}");
    }

    /// Merges another clone's branch, as it was last committed.
    pub fn merge(&self, at: &Path, other: usize) -> Merged {
        let output = self.run(at, &["merge", "--no-edit", "--no-stat", &branch(other)]);
        let said = text(&output);
        if !output.status.success() {
            let conflicts: Vec<String> =
                said.lines().filter(|line| line.starts_with("CONFLICT")).map(str::to_owned).collect();
            assert!(!conflicts.is_empty(), "{said}");
            return Merged::Conflicts(conflicts);
        }
        if said.contains("Already up to date") {
            Merged::Nothing
        } else if said.contains("Fast-forward") {
            Merged::FastForward
        } else {
            Merged::Clean
        }
    }

    /// Whether everything is committed.
    pub fn is_clean(&self, at: &Path) -> bool {
        text(&self.run(at, &["status", "--porcelain"])).is_empty()
    }

    fn must(&self, at: &Path, args: &[&str]) {
        let output = self.run(at, args);
        assert!(output.status.success(), "git {args:?}: {}", text(&output));
    }

    fn run(&self, at: &Path, args: &[&str]) -> Output {
        self.moment.set(self.moment.get() + 1);
        let date = format!("{} +0000", self.moment.get());
        Command::new("git")
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.fsync=none"])
            .args([
                "-c",
                "commit.gpgsign=false",
                "-c",
                &format!("merge.conflictStyle={}", self.conflict_style),
            ])
            .args(args)
            .current_dir(at)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .envs([("GIT_AUTHOR_NAME", "t"), ("GIT_AUTHOR_EMAIL", "t@example.org")])
            .envs([("GIT_COMMITTER_NAME", "t"), ("GIT_COMMITTER_EMAIL", "t@example.org")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap()
    }
}

fn branch(clone: usize) -> String {
    format!("clone-{clone}")
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
