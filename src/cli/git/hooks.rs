//! `lattice git install-hooks` and `uninstall-hooks`: the hooks of git that call Lattice. A hook that
//! somebody else wrote is never changed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{places, warn_of_path};
use crate::app::{Code, Failure, GIT_HOOKS, HookFile, hook_call, hook_file, hook_script};
use crate::cli::context::Context;
use crate::cli::output::Done;
use crate::cli::text::printable;
use crate::cli::write::OutputArgs;
use crate::export::{create_file, make_folders};
use crate::view::git as view;

/// A hook of the repository.
struct Hook {
    name: &'static str,
    path: PathBuf,
    file: HookFile,
}

/// Installs those that are missing, all or none.
pub fn install(output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let (root, repository) = places(context)?;
    let inside = folder_in(&repository.top, &root.project)?;
    let folder = repository.hooks_folder()?;
    let hooks = look(&folder, &inside)?;
    refuse_foreign(&hooks, &inside)?;
    make_folders(&folder)?;
    let mut changed = Vec::new();
    for hook in &hooks {
        let done = match hook.file {
            HookFile::Absent => create_file(&hook.path, hook_script(hook.name, &inside).as_bytes())
                .map(|()| changed.push(hook))
                .and_then(|()| make_executable(&hook.path)),
            HookFile::Idle => make_executable(&hook.path).map(|()| changed.push(hook)),
            HookFile::Ours | HookFile::Calls | HookFile::Foreign => Ok(()),
        };
        if let Err(failure) = done {
            for hook in changed.iter().filter(|hook| hook.file == HookFile::Absent) {
                // The failure that is told matters more than one in cleaning up.
                let _ = std::fs::remove_file(&hook.path);
            }
            return Err(failure);
        }
    }
    let said = match changed.len() {
        0 => "The hooks are installed already.".to_owned(),
        _ => format!("Installed {} in {}.", names(&changed), printable(&folder.display().to_string())),
    };
    let hooks = look(&folder, &inside)?;
    Ok(warn_of_path(answer(output, &folder, &hooks, &changed, said)))
}

/// Takes away those that are ours; what others wrote stays, and is named where it calls Lattice.
pub fn uninstall(output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let (root, repository) = places(context)?;
    let inside = folder_in(&repository.top, &root.project)?;
    let folder = repository.hooks_folder()?;
    let hooks = look(&folder, &inside)?;
    let changed: Vec<&Hook> =
        hooks.iter().filter(|hook| matches!(hook.file, HookFile::Ours | HookFile::Idle)).collect();
    for hook in &changed {
        std::fs::remove_file(&hook.path).map_err(|error| Failure::io(&error, &hook.path))?;
    }
    let said = match changed.len() {
        0 => "None of the hooks is Lattice's.".to_owned(),
        _ => format!("Took {} out of {}.", names(&changed), printable(&folder.display().to_string())),
    };
    let now = look(&folder, &inside)?;
    let done = answer(output, &folder, &now, &changed, said);
    let callers = now.iter().filter(|hook| hook.file == HookFile::Calls);
    Ok(callers.fold(done, |done, hook| {
        done.warn(format!(
            "{} is somebody's own; take the line with lattice out by hand",
            hook.path.display()
        ))
    }))
}

/// The project's folder in the working tree, as hooks name it.
fn folder_in(top: &Path, project: &Path) -> Result<PathBuf, Failure> {
    let inside = project.strip_prefix(top).unwrap_or(Path::new(""));
    match inside.to_str() {
        Some(text) if !text.contains('\n') => Ok(inside.to_path_buf()),
        _ => Err(Failure::new(
            Code::ValidationError,
            format!("the folder {} cannot be named in a hook", inside.display()),
        )
        .hint("nothing was changed; give it a name in UTF-8 and on one line")),
    }
}

fn look(folder: &Path, inside: &Path) -> Result<Vec<Hook>, Failure> {
    let one = |name: &'static str| {
        let path = folder.join(name);
        let file = hook_file(&path, name, inside)?;
        Ok(Hook { name, path, file })
    };
    GIT_HOOKS.into_iter().map(one).collect()
}

fn refuse_foreign(hooks: &[Hook], inside: &Path) -> Result<(), Failure> {
    let foreign: Vec<&Hook> = hooks.iter().filter(|hook| hook.file == HookFile::Foreign).collect();
    let Some(first) = foreign.first() else { return Ok(()) };
    let list: Vec<String> = foreign.iter().map(|hook| hook.path.display().to_string()).collect();
    let details: Vec<Value> = foreign
        .iter()
        .map(|hook| json!({"file": hook.path.display().to_string(), "line": hook_call(hook.name, inside)}))
        .collect();
    Err(Failure::new(Code::Conflict, format!("somebody else's hooks are there: {}", list.join(", ")))
        .hint(format!(
            "nothing was changed; put this line into it, likewise into others, then run the command again: {}",
            hook_call(first.name, inside)
        ))
        .details(json!({"hooks": details})))
}

/// Whoever may read it may run it.
fn make_executable(path: &Path) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::io(&error, path);
    let mut mode = path.metadata().map_err(fail)?.permissions();
    mode.set_mode(mode.mode() | (mode.mode() & 0o444) >> 2);
    std::fs::set_permissions(path, mode).map_err(fail)
}

fn names(hooks: &[&Hook]) -> String {
    hooks.iter().map(|hook| hook.name).collect::<Vec<_>>().join(", ")
}

fn answer(output: OutputArgs, folder: &Path, hooks: &[Hook], changed: &[&Hook], said: String) -> Done {
    let states: Vec<(&str, HookFile)> = hooks.iter().map(|hook| (hook.name, hook.file)).collect();
    let changed: Vec<&str> = changed.iter().map(|hook| hook.name).collect();
    let lines = || changed.iter().map(|name| format!("{name}\n")).collect();
    output.reply(|| view::hooks(folder, &states, &changed), lines, || said)
}
