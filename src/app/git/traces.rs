//! What git knows of a task: branches and commits that name it.
//!
//! git may be missing, broken, slow or somebody's trap: whatever it does, the answer is what it said
//! in time, and nothing else happens. It starts no program that a repository's own settings name,
//! takes no lock and reaches for no network.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::program;
use crate::app::World;
use crate::domain::Timestamp;
use crate::domain::short_id::is_code;

/// How long git may take, both questions together.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of an answer that are looked at.
const LONGEST: u64 = 1024 * 1024;
/// Branches and commits that are shown, at most.
const MOST: usize = 50;
/// Commits older than the task by more than this cannot be about it; less may be a clock's fault.
const SLACK: i64 = 24 * 60 * 60;

/// Branches and commits whose names and messages name a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Local branches, sorted; then those of remotes, as git last saw them, that are no local ones.
    pub branches: Vec<String>,
    /// Commits on local branches and on what is checked out, newest first.
    pub commits: Vec<Commit>,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its whole name.
    pub sha: String,
    /// When its author made it.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

/// Both questions, asked at once, so that other work can be done while git looks.
#[derive(Debug)]
pub struct Search {
    name: Name,
    branches: Option<Running>,
    commits: Option<Running>,
    until: Instant,
}

impl Search {
    /// Asks git about the task of this name, if the project lies in a repository.
    #[must_use]
    pub fn start(world: &World, project: &Path, name: &str, code: Option<&str>, since: &str) -> Option<Self> {
        project.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())?;
        let git = program(world, "git")?;
        let ask = |line: &[String]| Running::start(&git, project, line);
        Some(Self {
            branches: ask(&branch_line(name)),
            commits: ask(&commit_line(name, since)),
            name: Name { text: name.to_owned(), code: code.map(str::to_owned) },
            until: Instant::now() + PATIENCE,
        })
    }

    /// Waits for the answers, as long as there is time.
    #[must_use]
    pub fn finish(self) -> Traces {
        let Self { name, branches, commits, until } = self;
        let answer = |running: Option<Running>| running.map(|r| r.answer(until)).unwrap_or_default();
        let branches = answer(branches);
        let commits = answer(commits);
        Traces { branches: name.branches(&branches), commits: name.commits(&commits) }
    }
}

/// Only branches that hold the name somewhere; the whole answer would be long.
fn branch_line(name: &str) -> Vec<String> {
    let mut words = ["for-each-ref", "--ignore-case", "--format=%(refname)"].map(str::to_owned).to_vec();
    for place in ["heads", "remotes"] {
        words.extend(["", "/**"].map(|rest| format!("refs/{place}/**/*{name}*{rest}")));
    }
    words
}

fn commit_line(name: &str, since: &str) -> Vec<String> {
    let mut line: Vec<String> = [
        "log",
        "--no-show-signature",
        "--no-color",
        "--no-decorate",
        "--no-mailmap",
        "--date-order",
        "--encoding=UTF-8",
        "--extended-regexp",
        "--format=tformat:%H%x00%at%x00%s%x00%B%x00",
    ]
    .map(str::to_owned)
    .to_vec();
    line.push(format!("--max-count={MOST}"));
    line.push(format!("--grep=(^|[^0-9A-Za-z]){name}($|[^0-9A-Za-z])"));
    if let Some(created) = Timestamp::parse(since) {
        line.push(format!("--since={}", Timestamp::from_seconds(created.seconds() - SLACK)));
    }
    // A repository without a commit has no HEAD.
    line.extend(["--ignore-missing", "--branches", "HEAD", "--"].map(str::to_owned));
    line
}

/// Variables that would point git at another repository, or make it run or write something.
const UNSET: [&str; 16] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_EXTERNAL_DIFF",
];
/// Nothing is locked, asked for or fetched.
const SET: [(&str, &str); 5] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("LC_ALL", "C"),
];

/// A git that is at work, in a process group of its own.
#[derive(Debug)]
struct Running {
    child: Child,
    output: Receiver<Vec<u8>>,
}

impl Running {
    fn start(git: &Path, project: &Path, line: &[String]) -> Option<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(git);
        command.arg("-C").arg(project).args(["--no-pager", "-c", "core.fsmonitor=false"]).args(line);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        for name in UNSET {
            command.env_remove(name);
        }
        let mut child = command.envs(SET).spawn().ok()?;
        let stdout = child.stdout.take()?;
        let (send, output) = channel();
        // The thread ends with the last process that holds the pipe, or with this one.
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is as good as any other beginning.
            drop(stdout.take(LONGEST).read_to_end(&mut bytes));
            drop(send.send(bytes));
        });
        Some(Self { child, output })
    }

    /// What it said until then. It does not outlive the answer.
    fn answer(self, until: Instant) -> Vec<u8> {
        let left = until.saturating_duration_since(Instant::now());
        self.output.recv_timeout(left).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Until it is waited for, its number is nobody else's. If it has ended there is nothing to
        // end, and its helpers are gone or end now.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.child.wait());
    }
}

/// What a task is called, to be found in text.
#[derive(Debug)]
struct Name {
    text: String,
    /// The project's code: with it before a dash, a short id is that of another task.
    code: Option<String>,
}

impl Name {
    fn branches(&self, output: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(whole_lines(output));
        let of = |place: &str| -> Vec<&str> {
            let names = text.lines().filter_map(|line| line.strip_prefix(place));
            let mut found: Vec<&str> = names.filter(|name| self.is_in(name, true)).collect();
            found.sort_unstable();
            found
        };
        let local = of("refs/heads/");
        // What was pushed under its own name is the same branch.
        let pushed = |name: &&str| name.split_once('/').is_some_and(|(_, branch)| local.contains(&branch));
        let elsewhere = of("refs/remotes/").into_iter().filter(|name| !pushed(name));
        local.iter().copied().chain(elsewhere).take(MOST).map(str::to_owned).collect()
    }

    fn commits(&self, output: &[u8]) -> Vec<Commit> {
        let text = String::from_utf8_lossy(output);
        // What stands behind the last zero byte was cut off.
        let fields: Vec<&str> = text.split('\0').collect();
        let (records, _) = fields[..fields.len() - 1].as_chunks::<4>();
        let one = |[sha, date, subject, message]: &[&str; 4]| {
            let sha = sha.trim();
            let date = Timestamp::from_seconds(date.parse().ok()?).to_string();
            let is_sha = (40..=64).contains(&sha.len()) && sha.bytes().all(|b| b.is_ascii_hexdigit());
            let commit = || Commit { sha: sha.to_owned(), date, subject: (*subject).to_owned() };
            (is_sha && self.is_in(message, false)).then(commit)
        };
        records.iter().filter_map(one).take(MOST).collect()
    }

    /// Whether text names the task: the whole id, not a part of another one.
    fn is_in(&self, text: &str, any_case: bool) -> bool {
        let original = text;
        let (text, name) = match any_case {
            true => (text.to_ascii_uppercase(), self.text.to_ascii_uppercase()),
            false => (text.to_owned(), self.text.clone()),
        };
        text.match_indices(&name).any(|(at, _)| {
            // Raising letters keeps every place.
            let (before, after) = (&original[..at], &original[at + name.len()..]);
            !before.ends_with(char::is_alphanumeric)
                && !after.starts_with(char::is_alphanumeric)
                && !self.continues(before)
        })
    }

    /// Whether the id goes on to the left, as `WEB-1` does in `LAT-WEB-1`. A word of small letters
    /// is one (`fix-lat-1`), unless it is the project's code.
    fn continues(&self, before: &str) -> bool {
        let Some(before) = before.strip_suffix('-') else { return false };
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let is_prefix = is_code(word) || self.code.as_ref().is_some_and(|c| c.eq_ignore_ascii_case(word));
        is_prefix && self.text.matches('-').count() == 1
    }
}
/// All up to the last line end.
fn whole_lines(output: &[u8]) -> &[u8] {
    &output[..output.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name { text: text.to_owned(), code: Some("LAT".to_owned()) }
    }

    #[test]
    fn only_the_whole_id_names_a_task() {
        for text in
            ["LAT-1", "feature/lat-1-login", "LAT-1_x", "fix-lat-1", "x-LAT-1.2", "[LAT-1]", "LAT-12, LAT-1"]
        {
            assert!(name("LAT-1").is_in(text, true), "{text}");
        }
        for text in ["LAT-12", "XLAT-1", "xlat-1", "LAT-WEB-1", "WEB-LAT-1", "LAT-1a", "éLAT-1", "LAT-01", ""]
        {
            assert!(!name("LAT-1").is_in(text, true), "{text}");
        }
        assert!(!name("LAT-1").is_in("lat-1", false));
    }

    #[test]
    fn an_id_of_a_sub_project_is_one_id() {
        for text in ["LAT-WEB-1", "fix/lat-web-1", "fix-LAT-WEB-1", "A-LAT-WEB-1"] {
            assert!(name("LAT-WEB-1").is_in(text, true), "{text}");
            assert!(!name("WEB-1").is_in(text, true), "{text}");
        }
        assert!(!name("LAT-WEB-1").is_in("LAT-WEB-12", true));
        assert!(name("WEB-1").is_in("fix-web-1", true));
    }

    #[test]
    fn an_answer_that_is_cut_off_or_strange_gives_what_is_whole() {
        let sha = "0123456789012345678901234567890123456789";
        let record = format!("{sha}\01700000000\0LAT-1 x\0LAT-1 x\n\0\n");
        let found = name("LAT-1").commits(format!("{record}{record}{sha}\017").as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].date, "2023-11-14T22:13:20Z");
        for strange in ["", "LAT-1\n", "LAT-1\0LAT-1\0LAT-1\0LAT-1\0", "\0\0\0\0\0\0\0\0"] {
            assert_eq!(name("LAT-1").commits(strange.as_bytes()), [], "{strange:?}");
        }
        assert_eq!(name("LAT-1").branches(b"LAT-1\nrefs/heads/LAT-1\nrefs/heads/LAT-1-cut"), ["LAT-1"]);
    }

    #[test]
    fn branches_of_remotes_stand_behind_local_ones_unless_they_are_the_same() {
        let said = b"refs/heads/x/lat-1\nrefs/heads/a-LAT-1\nrefs/remotes/origin/a-LAT-1\nrefs/remotes/origin/LAT-1-b\nrefs/remotes/origin/LAT-12\nrefs/tags/LAT-1\n";
        assert_eq!(name("LAT-1").branches(said), ["a-LAT-1", "x/lat-1", "origin/LAT-1-b"]);
    }
}
