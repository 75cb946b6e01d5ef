//! What the process tests share: a folder of its own for each test, and the real program in it.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A temporary project folder.
pub struct Project {
    folder: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::Builder::new().prefix("lattice-test-").tempdir().unwrap() }
    }

    /// A folder with a fresh tracker, project code LAT.
    pub fn new() -> Self {
        let project = Self::empty();
        project.ok(["init", "--project-code", "LAT", "--actor", "human:ada"]);
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn lattice(&self) -> PathBuf {
        self.path().join(".lattice")
    }

    pub fn database(&self) -> PathBuf {
        self.lattice().join("lattice.db")
    }

    /// The program, about to run here, knowing nothing of the tester's surroundings.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["LATTICE_ROOT", "LATTICE_ACTOR", "LATTICE_LOCK_TIMEOUT", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs it as `agent:test`; it must succeed and say nothing on standard error.
    pub fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let run = Run::of(self.command(args).env("LATTICE_ACTOR", "agent:test").output().unwrap());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "stdout: {}", run.stdout);
        run.stdout
    }

    /// The same with `--json`: the document's `data`.
    pub fn json<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Value {
        let mut args: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        args.push("--json".into());
        let mut document: Value = serde_json::from_str(&self.ok(args)).unwrap();
        assert_eq!(document["ok"], Value::Bool(true), "{document}");
        document["data"].take()
    }

    /// Runs it as `agent:test` with `--json`; it must be refused. (exit status, `error`)
    pub fn refused<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> (i32, Value) {
        let mut args: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        args.push("--json".into());
        let run = Run::of(self.command(args).env("LATTICE_ACTOR", "agent:test").output().unwrap());
        let mut document: Value = serde_json::from_str(&run.stdout)
            .unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert_eq!(document["ok"], Value::Bool(false), "{document}");
        assert_ne!(run.status, 0);
        (run.status, document["error"].take())
    }

    /// Makes a task and gives its short id.
    pub fn task(&self, title: &str) -> String {
        self.ok(["create", title, "--quiet"]).trim().to_owned()
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
