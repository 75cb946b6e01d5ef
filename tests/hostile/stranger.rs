//! A clone with a trap in it, beside something precious; running commands in it while every program that
//! is started and every file that is opened for writing is seen; and what has to hold afterwards.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::output::harmless;
use crate::support::{Project, Run};

/// Who takes longer is taken to wait for something that never comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the calls that the log may hold have in common: they start a program or open a file.
const TRACE: &str = "trace=execve,execveat,open,openat,openat2,creat";
/// Commands that meet a trap: some that read, some that write, and all that deal with files.
pub const COMMANDS: [&[&str]; 18] = [
    &["sync"],
    &["create", "second"],
    &["list"],
    &["export"],
    &["doctor"],
    &["init", "--project-code", "LAT"],
    &["show", "LAT-1"],
    &["import"],
    &["sql", "SELECT * FROM tasks, events"],
    &["comment", "LAT-1", "well"],
    &["rebuild", "--all"],
    &["search", "first"],
    &["doctor", "--fix"],
    &["backup", "copy.db"],
    &["stats"],
    &["import", "--dry-run"],
    &["plan", "LAT-1"],
    &[],
];

/// Whether every command is to be tried with everything.
pub fn soak() -> bool {
    std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1")
}

/// Says what was done, past the test runner.
pub fn say(line: &str) {
    std::io::stderr().write_all(format!("hostile: {line}\n").as_bytes()).unwrap();
}

/// Says that something could not be tried here.
pub fn skip(what: &str) {
    say(&format!("SKIPPED: {what}"));
    assert!(std::env::var_os("CI").is_none(), "nothing may be skipped here: {what}");
}

/// An empty project.
pub fn empty() -> Project {
    Project::empty()
}

/// Copies a folder of plain files.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The `.lattice/` that strangers begin with: a tracker with an exported tree.
fn original() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let project = empty();
        project.ok(["init", "--project-code", "LAT", "--actor", "human:ada"]);
        project.planned("first");
        project.ok(["comment", "LAT-1", "said"]);
        project.file("kept", "kept");
        project.ok(["attach", "LAT-1", "kept"]);
        project.ok(["context", "--file", "kept"]);
        project.ok(["resource", "create", "gpu"]);
        project.task("second");
        project.ok(["notes", "LAT-2", "--file", "kept"]);
        project.ok(["archive", "LAT-2"]);
        project.ok(["export"]);
        // Nothing takes a static away at the end: the next run finds it here, and makes it anew.
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-original");
        drop(std::fs::remove_dir_all(&kept));
        copy(&project.lattice(), &kept);
        std::fs::remove_file(kept.join("lock")).unwrap();
        kept
    })
}

/// A clone of somebody's repository, and a folder with precious things beside it.
pub struct Stranger {
    pub project: Project,
    precious: Project,
}

impl Stranger {
    /// With database and tree.
    pub fn new() -> Self {
        let (project, precious) = (empty(), empty());
        copy(original(), &project.lattice());
        std::fs::create_dir(project.path().join("tmp")).unwrap();
        precious.file("file", "precious\n");
        std::fs::create_dir(precious.path().join("folder")).unwrap();
        precious.file("folder/file", "precious too\n");
        Self { project, precious }
    }

    /// With the tree alone, as git hands it over.
    pub fn tree() -> Self {
        let stranger = Self::new();
        for name in ["lattice.db", "lattice.db-wal", "lattice.db-shm", "lattice.db-seen"] {
            drop(std::fs::remove_file(stranger.project.lattice().join(name)));
        }
        stranger
    }

    /// The precious folder, or something in it.
    pub fn precious(&self, name: &str) -> PathBuf {
        self.precious.path().join(name)
    }

    /// Runs a command as `agent:test` and holds it against all that must never happen.
    pub fn run(&self, what: &str, args: &[&str]) -> Run {
        let mut command = self.project.command(args);
        command.env("LATTICE_ACTOR", "agent:test").env("TMPDIR", self.project.path().join("tmp"));
        let before = content(self.precious.path());
        let log = tempfile::NamedTempFile::new().unwrap();
        let run = ended(traced(&command, log.path()), &format!("{what}, {args:?}"));
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains("panicked") && harmless(text), "{what}, {args:?}: {run:?}");
        }
        assert!((0..=4).contains(&run.status), "{what}, {args:?}: {run:?}");
        assert!(content(self.precious.path()) == before, "{what}, {args:?}: reached out of the clone");
        assert!(!self.project.home().exists(), "{what}, {args:?}: wrote into the user's home");
        self.seen(&std::fs::read_to_string(log.path()).unwrap(), &format!("{what}, {args:?}"));
        run
    }

    /// Looks at what was started and opened for writing.
    fn seen(&self, log: &str, what: &str) {
        if tracer().is_none() {
            return;
        }
        let started: Vec<&str> =
            log.lines().filter(|line| line.contains("exec") && line.contains(" = 0")).collect();
        assert_eq!(started.len(), 1, "{what}: started a program\n{started:#?}");
        let inside = self.project.path().canonicalize().unwrap();
        for line in
            log.lines().filter(|line| ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|f| line.contains(f)))
        {
            // `… = 5</whole/path>`: where it really is, whatever links led there.
            let Some((_, place)) = line.rsplit_once(" = ").and_then(|(_, end)| end.split_once('<')) else {
                continue;
            };
            let place = place.trim_end().trim_end_matches("(deleted)").trim_end_matches('>');
            let fine = Path::new(place).starts_with(&inside) || ["/dev/null", "/dev/tty"].contains(&place);
            assert!(fine, "{what}: opened for writing outside of the clone: {line}");
        }
    }
}

/// Whether programs that are started can be seen here.
fn tracer() -> Option<&'static str> {
    static WORKS: OnceLock<bool> = OnceLock::new();
    let works = WORKS.get_or_init(|| {
        let trial =
            Command::new("strace").args(["-f", "-qq", "-y", "-e", TRACE, "-o", "/dev/null", "true"]).output();
        let works = trial.is_ok_and(|output| output.status.success());
        if !works {
            skip("strace is missing or may not trace: started programs are not seen, their traces are");
        }
        works
    });
    works.then_some("strace")
}

/// The same command with its calls logged.
fn traced(command: &Command, log: &Path) -> Command {
    let mut traced = match tracer() {
        Some(program) => {
            let mut traced = Command::new(program);
            traced.args(["-f", "-qq", "-y", "--seccomp-bpf", "-e", TRACE, "-o"]).arg(log).arg("--");
            traced.arg(command.get_program());
            traced
        }
        None => Command::new(command.get_program()),
    };
    traced.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}

/// Runs a command that must come to its end by itself.
fn ended(mut command: Command, what: &str) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().unwrap();
    let group = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (send, receive) = channel();
    std::thread::spawn(move || drop(send.send(child.wait_with_output())));
    let Ok(output) = receive.recv_timeout(PATIENCE) else {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        panic!("{what}: hangs");
    };
    Run::of(output.unwrap())
}

/// All names below a folder, files with their content. Links are not followed.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path(), kind.is_file().then(|| std::fs::read(entry.path()).unwrap()));
        }
    }
    found
}

/// Some of the commands, others each time it is asked; all of them in a soak.
pub fn some_commands(number: usize) -> Vec<&'static [&'static str]> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    if soak() {
        return COMMANDS.to_vec();
    }
    let first = NEXT.fetch_add(number, Ordering::Relaxed);
    (first..first + number).map(|at| COMMANDS[at % COMMANDS.len()]).collect()
}
