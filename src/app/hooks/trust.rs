//! Which hooks may run. Trust is kept in the user's own folder, not in the tracker: a repository
//! that was cloned can bring any configuration and even a whole database, but not this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::{Code, Failure, World, hex, sha256};
use crate::domain::hooks::Hook;
use crate::domain::json::document;

/// What was decided about a hook on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Trusted,
    /// Nobody decided; it does not run, and that is mentioned.
    Unknown,
    /// It does not run, and somebody wants it so.
    Declined,
}

impl Standing {
    /// The word for it, in JSON and in text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Unknown => "untrusted",
            Self::Declined => "declined",
        }
    }
}

/// What a hook is known by: the SHA-256 of the setting and the exact command. A command that is
/// moved to another setting is another hook.
#[must_use]
pub fn hook_id(hook: &Hook) -> String {
    hex(&sha256(format!("{}\0{}", hook.point, hook.command).as_bytes()))
}

/// The right to change the decisions, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    /// The kernel releases the lock when the file is closed.
    _file: File,
}

/// The decisions about one tracker's hooks.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The file that holds them, `None` where the user has no folder of their own.
    file: Option<PathBuf>,
    tracker: PathBuf,
    decisions: BTreeMap<String, bool>,
}

impl Trust {
    /// Reads what was decided about the tracker in this `.lattice/`. What cannot be read trusts
    /// nothing.
    #[must_use]
    pub fn of(world: &World, lattice: &Path) -> Self {
        let name = hex(&sha256(lattice.as_os_str().as_bytes()));
        let file =
            world.state_folder().map(|folder| folder.join("lattice/hooks").join(format!("{name}.json")));
        let found = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let value: Value = found.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let ids = |member: &str| -> BTreeSet<String> {
            let list = value.get(member).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut decisions: BTreeMap<_, _> = ids("trusted").into_iter().map(|id| (id, true)).collect();
        decisions.extend(ids("declined").into_iter().map(|id| (id, false)));
        Self { file, tracker: lattice.to_path_buf(), decisions }
    }

    /// What was decided about a hook.
    #[must_use]
    pub fn standing(&self, hook: &Hook) -> Standing {
        match self.decisions.get(&hook_id(hook)) {
            Some(true) => Standing::Trusted,
            Some(false) => Standing::Declined,
            None => Standing::Unknown,
        }
    }

    /// Decides about some of the hooks. Decisions about hooks that are configured no more are
    /// forgotten: what comes back has to be looked at again.
    pub fn decide<'h>(&mut self, hooks: &[Hook], about: impl IntoIterator<Item = &'h Hook>, trusted: bool) {
        let present: BTreeSet<String> = hooks.iter().map(hook_id).collect();
        self.decisions.retain(|id, _| present.contains(id));
        self.decisions.extend(about.into_iter().map(|hook| (hook_id(hook), trusted)));
    }

    /// The folder that the decisions are kept in.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where the user has no folder of their own.
    pub fn folder(&self) -> Result<&Path, Failure> {
        self.place().map(|file| file.parent().unwrap_or(file))
    }

    /// Waits until nobody else decides. What was read before may be old by then: read it again.
    ///
    /// # Errors
    /// `STORE_…` if the lock file cannot be made, `VALIDATION_ERROR` where the user has no folder of
    /// their own.
    pub fn turn(&self) -> Result<Turn, Failure> {
        // The file that holds the decisions is replaced, so another one has to be locked.
        let path = self.place()?.with_extension("lock");
        let fail = |error: io::Error| Failure::io(&error, &path);
        let file = File::options().create(true).append(true).open(&path).map_err(fail)?;
        match file.lock() {
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(fail(error)),
            _ => Ok(Turn { _file: file }),
        }
    }

    fn place(&self) -> Result<&Path, Failure> {
        self.file.as_deref().ok_or_else(|| {
            Failure::new(Code::ValidationError, "there is no place to keep trust in: HOME is not set")
                .hint("set HOME or XDG_STATE_HOME")
        })
    }

    /// The file to write, and what it is to hold.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where the user has no folder of their own.
    pub fn file(&self) -> Result<(PathBuf, String), Failure> {
        let file = self.place()?.to_path_buf();
        let ids = |wanted: bool| -> Vec<&String> {
            self.decisions.iter().filter(|(_, trusted)| **trusted == wanted).map(|(id, _)| id).collect()
        };
        let content =
            json!({"tracker": self.tracker.to_string_lossy(), "trusted": ids(true), "declined": ids(false)});
        Ok((file, document(&content)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_for_this_command_at_this_setting() {
        let hook = |point: &str, command: &str| Hook { point: point.into(), command: command.into() };
        let hooks = [hook("hooks.on.a", "x"), hook("hooks.on.b", "y")];
        let mut trust = Trust::of(&World::scripted(0, 0), Path::new("/p/.lattice"));
        trust.decide(&hooks, &hooks[..1], true);
        assert_eq!(trust.standing(&hooks[0]), Standing::Trusted);
        assert_eq!(trust.standing(&hooks[1]), Standing::Unknown);
        assert_eq!(trust.standing(&hook("hooks.on.b", "x")), Standing::Unknown);
        assert_eq!(trust.standing(&hook("hooks.on.a", "x ")), Standing::Unknown);
        trust.decide(&hooks[1..], &hooks[1..], false);
        assert_eq!(trust.standing(&hooks[1]), Standing::Declined);
        assert_eq!(trust.standing(&hooks[0]), Standing::Unknown, "what was gone is looked at again");
    }
}
