//! What the process tests share: a folder of its own for each test, and the real program in it.
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a helper that fails has to fail its test, and half a file in a test's folder harms nobody"
)]

pub mod each;
pub mod shapes;
pub mod terminal;
pub mod uncounted;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use lattice::app::{App, DEFAULT_WAIT, InitOptions, World};
use lattice::domain::Actor;
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

/// Moves all that is temporary into memory where there is room: thousands of real flushes would tell no
/// more, and take minutes. `TMPDIR=/tmp` has them.
pub fn in_memory() {
    static MOVED: OnceLock<()> = OnceLock::new();
    MOVED.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let is_good = rustix::fs::statvfs(memory).is_ok_and(|place| {
            // Some tests start programs there.
            let may_run = !place.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
            may_run && place.f_bavail.saturating_mul(place.f_frsize) >= ROOM
        });
        if is_good && std::env::var_os("TMPDIR").is_none() && tempfile::tempfile_in(memory).is_ok() {
            drop(tempfile::env::override_temp_dir(memory));
        }
    });
}

/// More than all projects that there are at once.
const ROOM: u64 = 1 << 30;

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        in_memory();
        uncounted::memory();
        Self { folder: tempfile::Builder::new().prefix("lattice-test-").tempdir().unwrap() }
    }

    /// A folder with a fresh tracker, project code LAT.
    pub fn new() -> Self {
        let project = Self::empty();
        let options = InitOptions {
            actor: Some(Actor::Plain("human:ada".to_owned())),
            project_code: Some("LAT".to_owned()),
            ..InitOptions::default()
        };
        App::init(&project.lattice(), &World::real(), DEFAULT_WAIT, &options, None).unwrap();
        project
    }

    /// Makes it a project with the tracker of `tests/fixtures/`, as the first schema's program left it.
    pub fn of_the_first_schema(self) -> Self {
        self.of_schema(1)
    }

    /// The same of another schema.
    pub fn of_schema(self, number: u32) -> Self {
        let fixture = format!("{}/tests/fixtures/schema-{number}.tar.gz", env!("CARGO_MANIFEST_DIR"));
        let unpacked = Command::new("tar").args(["-xzf", &fixture, "-C"]).arg(self.path()).status().unwrap();
        assert!(unpacked.success());
        self
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

    /// The home of the user who runs the program; made when something is put there.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Makes a file here.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Runs it as `agent:test`, however it ends.
    pub fn tried<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command(args).env("LATTICE_ACTOR", "agent:test").output().unwrap())
    }

    /// Adds a comment with this line and gives its id, which is that of its event.
    pub fn say(&self, line: &[&str]) -> String {
        self.json(line)["last_event_id"].as_str().unwrap().to_owned()
    }

    /// The program, about to run here, knowing nothing of the tester's surroundings.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        // `make soak` names the release here.
        let program = std::env::var_os("LATTICE_PROGRAM");
        let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_lattice").into()));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["LATTICE_ROOT", "LATTICE_ACTOR", "LATTICE_LOCK_TIMEOUT", "NO_COLOR"] {
            command.env_remove(name);
        }
        for name in ["LATTICE_NO_HOOKS", "LATTICE_HOOK_TIMEOUT", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", self.home());
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
        let mut document: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert_eq!(document["ok"], Value::Bool(false), "{document}");
        assert_ne!(run.status, 0);
        (run.status, document["error"].take())
    }

    /// Runs it as `agent:test` with this on standard input.
    pub fn fed<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
        let mut command = self.command(args);
        command.env("LATTICE_ACTOR", "agent:test");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that refuses before it reads closes the pipe.
        drop(child.stdin.take().unwrap().write_all(input));
        Run::of(child.wait_with_output().unwrap())
    }

    /// Runs all of these at once, each as its own actor (`agent:0`, `agent:1`, …).
    pub fn at_once<S: AsRef<OsStr>>(&self, lines: impl IntoIterator<Item = Vec<S>>) -> Vec<Run> {
        let start = |(n, line): (usize, Vec<S>)| {
            let mut command = self.command(line);
            command.env("LATTICE_ACTOR", format!("agent:{n}"));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = lines.into_iter().enumerate().map(start).collect();
        children.into_iter().map(|child| Run::of(child.wait_with_output().unwrap())).collect()
    }

    /// Makes a task with a plan, ready to be begun.
    pub fn planned(&self, title: &str) -> String {
        let task = self.task(title);
        let run = self.fed(["plan", &task, "--file", "-"], b"# The way\n\n- one step\n");
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        task
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
