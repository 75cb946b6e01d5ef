//! Running the real program while chosen system calls of it fail, fall short or kill it.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::sandbox::skip;
use crate::support::Project;

/// The program that makes faults; see `inject.c`.
pub struct Injector {
    program: PathBuf,
}

/// What a run ended with.
#[derive(Debug)]
pub struct Ending {
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The calls that were made to fail: `name path`.
    pub fired: Vec<String>,
}

pub const SIGKILL: i32 = 9;

/// The injector, made once for each run of the tests. None, and said, where it does not work: it
/// needs Linux, a C compiler and the right to hand system calls to another process.
pub fn injector() -> Option<&'static Injector> {
    static MADE: OnceLock<Result<Injector, String>> = OnceLock::new();
    match MADE.get_or_init(Injector::make) {
        Ok(injector) => Some(injector),
        Err(reason) => {
            skip(&format!("no faults can be injected: {reason}"));
            None
        }
    }
}

impl Injector {
    fn make() -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("only Linux has what it needs".to_owned());
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/inject.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join("inject");
        // Under its own name first: another run of the tests may be using the last one.
        let fresh = folder.join(format!("inject-{}", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut compile = Command::new(compiler);
        compile.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).args([&fresh, &source]);
        let built = compile.output().map_err(|error| format!("cc: {error}"))?;
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
        std::fs::rename(&fresh, &program).map_err(|error| error.to_string())?;
        let log = folder.join("inject.log");
        let trial = Command::new(&program).arg(&log).args(["nowhere", "--", "/bin/true"]).output();
        let trial = trial.map_err(|error| error.to_string())?;
        if !trial.status.success() {
            return Err(String::from_utf8_lossy(&trial.stderr).into_owned());
        }
        Ok(Self { program })
    }

    /// The calls of a clean run that change the project's folder, in order: `name path`.
    pub fn calls<S: AsRef<OsStr>>(
        &self,
        project: &Project,
        args: impl IntoIterator<Item = S>,
    ) -> Vec<String> {
        let ending = self.run(project, &[], args);
        assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{ending:?}");
        assert!(!ending.fired.is_empty(), "no call was seen");
        ending.fired
    }

    /// Runs `lattice` in the project with these faults, as `agent:test`.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        project: &Project,
        faults: &[&str],
        args: impl IntoIterator<Item = S>,
    ) -> Ending {
        self.start(project, faults, project.command(args).env("LATTICE_ACTOR", "agent:test"))
    }

    /// Runs `command` with faults in what it does to the project's folder.
    pub fn start(&self, project: &Project, faults: &[&str], command: &Command) -> Ending {
        let log = tempfile::NamedTempFile::new().unwrap();
        let within = project.path().canonicalize().unwrap();
        let mut ending = Ending::of(self.command(&within, faults, command, log.path()));
        assert_ne!(ending.status, Some(125), "the injector itself failed: {ending:?}");
        let fired = std::fs::read_to_string(log.path()).unwrap();
        ending.fired = fired.lines().map(str::to_owned).collect();
        ending
    }

    /// `command` with faults in what it does to paths with this in them, for who starts it. What was
    /// made to fail is written to `log`.
    pub fn command(&self, within: &Path, faults: &[&str], command: &Command, log: &Path) -> Command {
        let mut injected = Command::new(&self.program);
        injected.arg(log).arg(within).args(faults);
        injected.arg("--").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        injected.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => injected.env(name, value),
                None => injected.env_remove(name),
            };
        }
        injected
    }
}

impl Ending {
    /// Runs a command to its end.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        Self {
            status: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            fired: Vec::new(),
        }
    }

    /// The code of the error that it printed, if it failed. A failure must look like one: exit 3
    /// or 4, a sentence, a code, a next step, and nothing of the machinery behind it.
    pub fn code(&self) -> Option<&str> {
        for word in ["panicked", "RUST_BACKTRACE", "SQLITE_", "Error code", "stack backtrace", "src/"] {
            assert!(!self.stderr.contains(word), "{self:#?}");
        }
        let status = self.status.unwrap_or_else(|| panic!("killed: {self:#?}"));
        if status == 0 {
            assert!(!self.stderr.contains("Error:"), "{self:#?}");
            return None;
        }
        assert!(status == 3 || status == 4, "{self:#?}");
        assert_eq!(self.stdout, "", "an answer and a failure: {self:#?}");
        let mut lines = self.stderr.lines();
        let (sentence, code) = lines
            .find_map(|line| line.strip_prefix("Error: "))
            .and_then(|line| line.strip_suffix(']')?.rsplit_once(" ["))
            .unwrap_or_else(|| panic!("no sentence with a code: {self:#?}"));
        assert!(sentence.len() > 10, "{self:#?}");
        assert!(code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{self:#?}");
        assert_eq!(status == 3, code == "STORE_BUSY", "{self:#?}");
        assert!(lines.any(|line| line.starts_with("Hint: ")), "no next step: {self:#?}");
        Some(code)
    }
}

/// Whether a listed call writes bytes, so that it can be made to write half of them.
pub fn writes(call: &str) -> bool {
    call.starts_with("write ") || call.starts_with("pwrite64 ")
}
