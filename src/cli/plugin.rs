//! Plugins: a program `lattice-NAME` on PATH answers `lattice NAME`. Only absolute folders of PATH
//! count: what lies in the folder that one happens to stand in is never run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::context::Context;
use crate::app::{Code, Failure, World};

const PREFIX: &str = "lattice-";

/// The program that answers to a name, the first on PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    if !is_name(name) {
        return None;
    }
    folders().map(|folder| folder.join(format!("{PREFIX}{name}"))).find(|path| is_program(path))
}

/// All plugins by name, those that a command of the same name hides too.
pub fn all() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for folder in folders() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
            if is_name(name) && !found.contains_key(name) && is_program(&entry.path()) {
                found.insert(name.to_owned(), entry.path());
            }
        }
    }
    found
}

/// Becomes the plugin: its exit status and the signals that it gets are its own.
///
/// # Errors
/// `NOT_FOUND` if it cannot be started.
pub fn become_it(path: &Path, args: &[OsString], context: &Context) -> Failure {
    let mut command = Command::new(path);
    command.args(args);
    if let Ok(root) = context.root()
        && let Some(project) = root.lattice.parent()
    {
        command.env("LATTICE_ROOT", project);
    }
    if let Ok(program) = std::env::current_exe() {
        command.env("LATTICE_BIN", program);
    }
    let error = command.exec();
    Failure::new(Code::NotFound, format!("the plugin {} could not be started: {error}", path.display()))
        .hint("see `lattice plugins`")
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = World::real().variable("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = split(&path).filter(|folder| folder.is_absolute()).collect();
    folders.into_iter()
}

fn split(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).collect::<Vec<_>>().into_iter()
}

/// A name that is one plain word: no way out of a folder, no option, nothing hidden.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
