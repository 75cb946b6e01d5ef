//! What Lattice asks git, and what it sets up in a repository when somebody wants it. The only place
//! that runs git.

mod hooks;
mod repository;
mod traces;

use std::path::PathBuf;

pub use hooks::{GIT_HOOKS, HookFile, hook_call, hook_file, hook_script};
pub use repository::{DRIVER, Repository};
pub use traces::{Commit, Search, Traces};

use super::World;

/// A program of the search path. Relative folders are passed over: a program that lies in a
/// repository is not ours to run.
#[must_use]
pub fn program(world: &World, name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = world.variable("PATH")?;
    let is_program = |file: &PathBuf| {
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(is_program)
}
