//! Finding the tracker: which `.lattice/` a command means. Looks at names only;
//! it opens no database and calls no git.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::paths::DATABASE;

/// The directory inside a project that holds everything.
const LATTICE: &str = ".lattice";
/// What an exported tree has; one of them is enough.
const TREE: [&str; 3] = ["events", "tasks", "config.json"];

/// Where a tracker is. All paths are canonical: they contain no symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The directory whose `.lattice/` is `tree`: in a linked worktree, its own.
    pub project: PathBuf,
    /// The `.lattice/` with the database, which all worktrees share.
    pub lattice: PathBuf,
    /// The `.lattice/` that this worktree exports to and imports from. In a
    /// linked worktree it need not exist yet.
    pub tree: PathBuf,
}

/// Why there is no tracker to use.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// No database was found.
    #[error("no tracker at or above {}", place.display())]
    NotInitialized {
        /// Where `init` would make one: the directory that holds the tree, or
        /// the one where the search began, or what `LATTICE_ROOT` says.
        place: PathBuf,
        /// Whether an exported tree is there, waiting for `init`.
        tree_found: bool,
        /// Whether `LATTICE_ROOT` named the place.
        from_env: bool,
    },
    /// `.lattice` or the database is a symbolic link.
    #[error("symbolic link: {}", path.display())]
    SymlinkRefused {
        /// The link.
        path: PathBuf,
    },
    /// The operating system does not let this user look.
    #[error("permission denied: {}", path.display())]
    Denied {
        /// The directory or file.
        path: PathBuf,
    },
    /// A directory on the way cannot be looked at.
    #[error("{}: {detail}", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        detail: String,
    },
}

/// Finds the tracker for a command that runs in `start`. `env_root` is the
/// value of `LATTICE_ROOT`, the directory that contains `.lattice/`; if it is
/// given nothing else counts.
///
/// # Errors
/// See [`RootError`].
pub fn find(start: &Path, env_root: Option<OsString>) -> Result<Root, RootError> {
    if let Some(root) = env_root {
        return named(Path::new(&root));
    }
    let start = start.canonicalize().map_err(|e| failed(start, &e))?;
    // Directories without a database since the last `.git`, deepest first, and
    // the first of them that holds a tree: nothing above it can be meant.
    let mut passed: Vec<&Path> = Vec::new();
    let mut tree: Option<&Path> = None;
    for dir in start.ancestors() {
        match look(dir)? {
            Held::Database if tree.is_none() => return Ok(own(dir)),
            Held::Tree if tree.is_none() => tree = Some(dir),
            Held::Database | Held::Tree | Held::Nothing => {}
        }
        if tree.is_none_or(|tree| tree == dir) {
            passed.push(dir);
        }
        if !exists(&dir.join(".git")) {
            continue;
        }
        if let Some(main) = main_worktree(dir)? {
            for here in &passed {
                let there = main.join(here.strip_prefix(dir).unwrap_or(Path::new("")));
                match look(&there)? {
                    Held::Database => {
                        return Ok(Root {
                            project: here.to_path_buf(),
                            lattice: there.join(LATTICE),
                            tree: here.join(LATTICE),
                        });
                    }
                    Held::Tree => return Err(missing(&there, true, false)),
                    Held::Nothing => {}
                }
            }
        }
        if tree.is_some() {
            break;
        }
        passed.clear();
    }
    Err(missing(tree.unwrap_or(&start), tree.is_some(), false))
}

/// Where `init` in this very folder makes a tracker: there or, in a linked
/// worktree, in the same folder of the main one, so that all worktrees share it.
///
/// # Errors
/// See [`RootError`].
pub fn place(project: &Path) -> Result<Root, RootError> {
    let project = project.canonicalize().map_err(|e| failed(project, &e))?;
    let repository = project.ancestors().find(|dir| exists(&dir.join(".git")));
    if let Some(dir) = repository
        && let Some(main) = main_worktree(dir)?
    {
        let there = main.join(project.strip_prefix(dir).unwrap_or(Path::new("")));
        if there.is_dir() {
            let tree = project.join(LATTICE);
            return Ok(Root { project, lattice: there.join(LATTICE), tree });
        }
    }
    Ok(own(&project))
}

fn named(root: &Path) -> Result<Root, RootError> {
    let Ok(project) = root.canonicalize() else { return Err(missing(root, false, true)) };
    match look(&project)? {
        Held::Database => Ok(own(&project)),
        held => Err(missing(&project, held == Held::Tree, true)),
    }
}

fn own(project: &Path) -> Root {
    let lattice = project.join(LATTICE);
    Root { project: project.to_path_buf(), tree: lattice.clone(), lattice }
}

#[derive(PartialEq, Eq)]
enum Held {
    Database,
    Tree,
    Nothing,
}

fn look(dir: &Path) -> Result<Held, RootError> {
    let lattice = dir.join(LATTICE);
    match lattice.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => return Err(RootError::SymlinkRefused { path: lattice }),
        Ok(meta) if !meta.is_dir() => return Ok(Held::Nothing),
        Ok(_) => {}
        Err(error) if is_absent(&error) => return Ok(Held::Nothing),
        Err(error) => return Err(failed(&lattice, &error)),
    }
    let database = lattice.join(DATABASE);
    match database.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => Err(RootError::SymlinkRefused { path: database }),
        Ok(_) => Ok(Held::Database),
        Err(error) if !is_absent(&error) => Err(failed(&database, &error)),
        Err(_) if TREE.iter().any(|name| exists(&lattice.join(name))) => Ok(Held::Tree),
        Err(_) => Ok(Held::Nothing),
    }
}

/// The main worktree, if `dir` is a linked one: then `.git` is a file that
/// names a directory with a `commondir` in it (a submodule's has none). The main
/// worktree is the folder around the common directory whose own `.git` leads
/// there, or what `core.worktree` says (as it does in a submodule). None where
/// git itself has no main worktree or does not know it: in a bare repository
/// that lies by itself, and with `--separate-git-dir`.
fn main_worktree(dir: &Path) -> Result<Option<PathBuf>, RootError> {
    let Some(git_dir) = named_by_dot_git(dir)? else { return Ok(None) };
    let Some(common) = small_file(&git_dir.join("commondir"))? else { return Ok(None) };
    let Ok(common) = git_dir.join(common.trim()).canonicalize() else { return Ok(None) };
    if let Some(around) = common.parent() {
        let leads_there = match named_by_dot_git(around)? {
            Some(named) => named.canonicalize().is_ok_and(|named| named == common),
            None => common.file_name().is_some_and(|name| name == ".git"),
        };
        if leads_there {
            return Ok(Some(around.to_path_buf()));
        }
    }
    let config = small_file(&common.join("config"))?.unwrap_or_default();
    let said = core_worktree(&config).map(|worktree| common.join(worktree));
    Ok(said.and_then(|worktree| worktree.canonicalize().ok()))
}

/// The directory that a `.git` file names; None if `.git` is none.
fn named_by_dot_git(dir: &Path) -> Result<Option<PathBuf>, RootError> {
    let text = small_file(&dir.join(".git"))?;
    Ok(text.and_then(|text| text.strip_prefix("gitdir:").map(|named| dir.join(named.trim()))))
}

/// `worktree` of the section `core`, as git writes it.
fn core_worktree(config: &str) -> Option<String> {
    let mut inside = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.eq_ignore_ascii_case("[core]");
        } else if let Some((name, value)) = line.split_once('=')
            && inside
            && name.trim().eq_ignore_ascii_case("worktree")
        {
            let value = value.trim().trim_matches('"');
            found = Some(value.replace("\\\"", "\"").replace("\\\\", "\\"));
        }
    }
    found
}

/// The text of a regular file of git's. None if there is no such file, or if it
/// is not one that git would write.
fn small_file(path: &Path) -> Result<Option<String>, RootError> {
    const LIMIT: u64 = 16 * 1024;
    match path.metadata() {
        Ok(meta) if meta.is_file() && meta.len() <= LIMIT => {}
        Ok(_) => return Ok(None),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    }
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Not there; anything else, such as a missing permission, is told.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

fn failed(path: &Path, error: &io::Error) -> RootError {
    let path = path.to_path_buf();
    match error.kind() {
        io::ErrorKind::PermissionDenied => RootError::Denied { path },
        _ => RootError::Io { path, detail: error.to_string() },
    }
}

fn missing(place: &Path, tree_found: bool, from_env: bool) -> RootError {
    RootError::NotInitialized { place: place.to_path_buf(), tree_found, from_env }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
