//! `lattice git setup` and `teardown`: how git merges the derived files of the tree.

use std::path::{Path, PathBuf};

use super::{places, warn_of_path};
use crate::app::{Code, Failure};
use crate::cli::context::Context;
use crate::cli::output::Done;
use crate::cli::text::printable;
use crate::cli::write::OutputArgs;
use crate::export::{ATTRIBUTES_FILE, make_folders, replace_file, with_driver, without_driver};
use crate::view::git as view;

/// Sets it up where it is not.
pub fn set_up(output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let (root, repository) = places(context)?;
    let file = root.tree.join(ATTRIBUTES_FILE);
    let attributes = with_driver(&text(&file)?);
    let was_there = repository.has_driver()?;
    if !was_there {
        repository.set_driver()?;
    }
    if let Some(attributes) = &attributes {
        let written = make_folders(&root.tree).and_then(|()| replace_file(&file, attributes.as_bytes()));
        if let Err(failure) = written {
            if !was_there {
                repository.unset_driver()?;
            }
            return Err(failure);
        }
    }
    let changed = changed(attributes.is_some(), !was_there);
    let said = match changed.as_slice() {
        [] => "git merges derived files here already.".to_owned(),
        _ => format!("git merges derived files by itself now.\n{}", to_commit(&file, &changed)),
    };
    Ok(warn_of_path(answer(output, &repository.top, &file, &changed, said)))
}

/// Takes it away where it is.
pub fn take_down(output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let (root, repository) = places(context)?;
    let file = root.tree.join(ATTRIBUTES_FILE);
    let attributes = without_driver(&text(&file)?);
    if let Some(attributes) = &attributes {
        replace_file(&file, attributes.as_bytes())?;
    }
    let changed = changed(attributes.is_some(), repository.unset_driver()?);
    let said = match changed.as_slice() {
        [] => "Nothing of it is set up here.".to_owned(),
        _ => format!("git merges derived files as text again.\n{}", to_commit(&file, &changed)),
    };
    Ok(answer(output, &repository.top, &file, &changed, said))
}

const ATTRIBUTES: &str = "attributes";

fn changed(attributes: bool, driver: bool) -> Vec<&'static str> {
    [(ATTRIBUTES, attributes), ("driver", driver)]
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| name)
        .collect()
}

/// What of it travels to others, and what does not.
fn to_commit(file: &Path, changed: &[&str]) -> String {
    match changed.contains(&ATTRIBUTES) {
        true => format!("Commit {}; the rest holds for this clone.", printable(&file.display().to_string())),
        false => "This holds for this clone.".to_owned(),
    }
}

fn answer(output: OutputArgs, top: &Path, file: &Path, changed: &[&str], said: String) -> Done {
    let lines = || changed.iter().map(|name| format!("{name}\n")).collect();
    output.reply(|| view::setup(top, file, changed), lines, || said)
}

/// The attributes as they are; nothing if there are none.
fn text(file: &PathBuf) -> Result<String, Failure> {
    match file.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(Failure::io(&error, file)),
        Ok(meta) if !meta.is_file() => {
            return Err(Failure::new(Code::StoreDenied, format!("{} is not a plain file", file.display()))
                .hint("nothing was changed; put a plain file there, or take it away"));
        }
        Ok(_) => {}
    }
    let bytes = std::fs::read(file).map_err(|error| Failure::io(&error, file))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(Code::ValidationError, format!("{} is not UTF-8", file.display()))
            .hint("nothing was changed; mend the file")
    })
}
