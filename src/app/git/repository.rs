//! The repository that a project lies in: where it is, and the settings that Lattice keeps there.
//!
//! Nothing here is called by a command that was not asked for git. git itself says what belongs to
//! which repository, so `GIT_DIR`, linked worktrees, submodules and `core.hooksPath` mean here what
//! they mean to git.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::program;
use crate::app::{Code, Failure, World};

/// The setting of git that says how files marked `merge=lattice` are merged, and its value. git puts
/// names of its own files for the first three, and the quoted path for the last.
pub const DRIVER: (&str, &str) = ("merge.lattice.driver", "lattice merge-driver --quiet %O %A %B %P");
/// What git calls the driver when it speaks of it, and how.
const NAME: (&str, &str) = ("merge.lattice.name", "files that Lattice derives and writes anew");
/// The section that holds both.
const SECTION: &str = "merge.lattice";
/// Variables by which somebody points git at a repository; paths in them may be relative.
const POINTERS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"];
/// Where git keeps the index of a commit of named files only (`builtin/commit.c`).
const PARTIAL: &str = "next-index-";

/// A repository with the working tree that a project lies in.
#[derive(Debug)]
pub struct Repository {
    git: PathBuf,
    pointers: Vec<(&'static str, OsString)>,
    /// The top of the working tree.
    pub top: PathBuf,
    /// Where the project is in it; empty if it is the top.
    pub inside: PathBuf,
}

impl Repository {
    /// The repository that `project` lies in, for a call in the folder `here`.
    ///
    /// # Errors
    /// `GIT_FAILED` if there is no git or it refuses; `NOT_FOUND` if there is no working tree.
    pub fn of(world: &World, here: &Path, project: &Path) -> Result<Self, Failure> {
        let git = program(world, "git").ok_or_else(|| {
            Failure::new(Code::GitFailed, "there is no git on the search path").hint("install git")
        })?;
        let pointers = POINTERS.into_iter().filter_map(|name| {
            let value = world.variable(name).filter(|value| !value.is_empty())?;
            Some((name, here.join(value).into_os_string()))
        });
        let mut repository =
            Self { git, pointers: pointers.collect(), top: project.to_path_buf(), inside: PathBuf::new() };
        // Who names a repository and no working tree means the folder of the call, as hooks do.
        if repository.pointers.iter().any(|(name, _)| *name == "GIT_DIR") {
            repository.top = here.to_path_buf();
        }
        let output = repository.run(&["rev-parse", "--show-toplevel"], b"")?;
        if !output.status.success() {
            let said = words(&output);
            // Somebody else's repository, which git does not touch, is told in git's own words.
            return Err(if said.contains("not a git repository") || said.contains("work tree") {
                Failure::new(Code::NotFound, format!("{} lies in no working tree of git", project.display()))
                    .hint("`git init` makes a repository; in a bare one, work in a worktree")
            } else {
                failed(&said)
            });
        }
        let top = path(&output.stdout);
        repository.top = top.canonicalize().map_err(|error| Failure::io(&error, &top))?;
        repository.inside = match project.strip_prefix(&repository.top) {
            Ok(inside) => inside.to_path_buf(),
            Err(_) => {
                return Err(Failure::new(
                    Code::NotFound,
                    format!("{} is not in the working tree {}", project.display(), repository.top.display()),
                )
                .hint("unset GIT_DIR and GIT_WORK_TREE, or call this inside the working tree"));
            }
        };
        Ok(repository)
    }

    /// The folder that git looks for hooks in.
    ///
    /// # Errors
    /// `CONFLICT` if it is one that serves other repositories too; `GIT_FAILED`.
    pub fn hooks_folder(&self) -> Result<PathBuf, Failure> {
        let wide = self.setting(&["--type=path"], "core.hooksPath")?;
        if let Some(folder) = wide
            && self.setting(&["--local"], "core.hooksPath")?.is_none()
        {
            return Err(Failure::new(
                Code::Conflict,
                format!("core.hooksPath is {folder} for more than this repository"),
            )
            .hint("nothing was changed; `git config --local core.hooksPath FOLDER` gives this one its own"));
        }
        let said = self.ask(&["rev-parse", "--git-path", "hooks"])?;
        Ok(self.top.join(path(&said)))
    }

    /// Whether the merge driver is set up in this repository, as this version would.
    ///
    /// # Errors
    /// `GIT_FAILED`.
    pub fn has_driver(&self) -> Result<bool, Failure> {
        for (name, value) in [NAME, DRIVER] {
            if self.setting(&["--local"], name)?.as_deref() != Some(value) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sets the merge driver up, in the repository's own settings.
    ///
    /// # Errors
    /// `GIT_FAILED`.
    pub fn set_driver(&self) -> Result<(), Failure> {
        for (name, value) in [NAME, DRIVER] {
            self.ask(&["config", "--local", "--replace-all", name, value])?;
        }
        Ok(())
    }

    /// Takes the merge driver out of the settings; whether there was one.
    ///
    /// # Errors
    /// `GIT_FAILED`.
    pub fn unset_driver(&self) -> Result<bool, Failure> {
        let mut is_there = false;
        for (name, _) in [NAME, DRIVER] {
            is_there |= self.setting(&["--local"], name)?.is_some();
        }
        if is_there {
            self.ask(&["config", "--local", "--remove-section", SECTION])?;
        }
        Ok(is_there)
    }

    /// Whether the commit that is being made takes named files only: what is put into its index
    /// would be missing from the real one afterwards.
    #[must_use]
    pub fn is_partial_commit(&self) -> bool {
        let index = self.pointers.iter().find(|(name, _)| *name == "GIT_INDEX_FILE");
        let name = index.and_then(|(_, path)| Path::new(path).file_name());
        name.is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL))
    }

    /// Files below `folder` that differ from what is staged, relative to the top. What git is told
    /// to ignore is not among them.
    ///
    /// # Errors
    /// `GIT_FAILED`.
    pub fn unstaged(&self, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let line = ["-c", "core.fsmonitor=false", "status", "--porcelain=v1", "-z", "--no-renames"];
        let line: Vec<OsString> =
            line.into_iter().chain(["--untracked-files=all", "--"]).map(Into::into).collect();
        let output = self.run_os(&[line, vec![folder.into()]].concat(), b"")?;
        let said = checked(output)?;
        // `XY path`, X what is staged and Y what is not.
        let entries = said.split(|byte| *byte == 0).filter(|entry| entry.len() > 3);
        Ok(entries.filter(|entry| entry[1] != b' ').map(|entry| path(&entry[3..])).collect())
    }

    /// Stages these files as they are, those that are gone too. Paths are relative to the top.
    ///
    /// # Errors
    /// `GIT_FAILED`.
    pub fn stage(&self, paths: &[PathBuf]) -> Result<(), Failure> {
        use std::os::unix::ffi::OsStrExt;
        if paths.is_empty() {
            return Ok(());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend(path.as_os_str().as_bytes());
            input.push(0);
        }
        checked(self.run(&["update-index", "--add", "--remove", "-z", "--stdin"], &input)?).map(drop)
    }

    /// A setting, `None` if it is not there.
    fn setting(&self, how: &[&str], name: &str) -> Result<Option<String>, Failure> {
        let output = self.run(&[&["config"], how, &["--get", name]].concat(), b"")?;
        match output.status.code() {
            Some(0) => Ok(Some(path(&output.stdout).to_string_lossy().into_owned())),
            Some(1) => Ok(None),
            _ => Err(failed(&words(&output))),
        }
    }

    fn ask(&self, line: &[&str]) -> Result<Vec<u8>, Failure> {
        checked(self.run(line, b"")?)
    }

    fn run(&self, line: &[&str], input: &[u8]) -> Result<Output, Failure> {
        self.run_os(&line.iter().map(OsString::from).collect::<Vec<_>>(), input)
    }

    /// Runs git at the top, with this on its standard input.
    fn run_os(&self, line: &[OsString], input: &[u8]) -> Result<Output, Failure> {
        let fail = |error: std::io::Error| Failure::io(&error, &self.git);
        let mut command = Command::new(&self.git);
        command.args(line).current_dir(&self.top);
        command.envs(self.pointers.iter().map(|(name, value)| (name, value)));
        command.envs([("LC_ALL", "C"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_LITERAL_PATHSPECS", "1")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(fail)?;
        // Who takes no input closes it early, and says why itself. git reads all of a list before it
        // prints, so neither waits for the other.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input);
        }
        child.wait_with_output().map_err(fail)
    }
}

fn checked(output: Output) -> Result<Vec<u8>, Failure> {
    if output.status.success() { Ok(output.stdout) } else { Err(failed(&words(&output))) }
}

/// The first line that git complained with.
fn words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines().next().unwrap_or_default().to_owned()
}

fn failed(said: &str) -> Failure {
    Failure::new(Code::GitFailed, format!("git did not do it: {said}"))
        .hint("mend what git complains of, then run the command again")
}

/// A path as git prints it, a newline at the end.
fn path(said: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(said.strip_suffix(b"\n").unwrap_or(said))).to_path_buf()
}
