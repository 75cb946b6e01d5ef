//! The hooks of git that keep files and tracker together: what they say, and whose a file is.

use std::path::Path;

use crate::app::Failure;

/// The hooks, as git calls them.
pub const GIT_HOOKS: [&str; 4] = ["pre-commit", "post-merge", "post-checkout", "post-rewrite"];

/// What stands in a hook's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookFile {
    /// Nothing.
    Absent,
    /// What [`hook_script`] gives, to the letter.
    Ours,
    /// The same, but git does not run it: it may not be executed.
    Idle,
    /// Somebody's file that calls Lattice for this project.
    Calls,
    /// Somebody's file that does not.
    Foreign,
}

/// The line that calls Lattice, for hooks that somebody else wrote. `inside` is the project's folder
/// in the working tree.
#[must_use]
pub fn hook_call(hook: &str, inside: &Path) -> String {
    let folder = if inside.as_os_str().is_empty() { ".".into() } else { inside.to_string_lossy() };
    format!("lattice git run-hook {hook} --in {} -- \"$@\"", quoted(&folder))
}

/// The whole hook. It never fails: no commit waits for a tracker.
#[must_use]
pub fn hook_script(hook: &str, inside: &Path) -> String {
    let call = hook_call(hook, inside);
    format!(
        "#!/bin/sh
# Written by `lattice git install-hooks`; `lattice git uninstall-hooks` takes it away.
# To do more here, write a hook of your own that has the line with `lattice` in it.
if command -v lattice >/dev/null 2>&1; then
    {call} || echo 'lattice: {hook} failed; `lattice sync` brings files and tracker together' >&2
else
    echo 'lattice: not on PATH, so files and tracker were not brought together' >&2
fi
exit 0
"
    )
}

/// What stands in the place of a hook.
///
/// # Errors
/// `STORE_…` if it cannot be looked at.
pub fn hook_file(path: &Path, hook: &str, inside: &Path) -> Result<HookFile, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HookFile::Absent),
        Err(error) => return Err(Failure::io(&error, path)),
    };
    // What a link leads to may be read; it is never ours.
    let text = match path.metadata() {
        Ok(meta) if meta.is_file() => std::fs::read(path).map_err(|error| Failure::io(&error, path))?,
        _ => return Ok(HookFile::Foreign),
    };
    let text = String::from_utf8_lossy(&text);
    Ok(if meta.is_file() && text == hook_script(hook, inside) {
        if meta.permissions().mode() & 0o111 != 0 { HookFile::Ours } else { HookFile::Idle }
    } else if calls(&text, hook, inside) {
        HookFile::Calls
    } else {
        HookFile::Foreign
    })
}

/// Whether a hook has the call; what follows the folder is its author's choice.
fn calls(text: &str, hook: &str, inside: &Path) -> bool {
    let call = hook_call(hook, inside);
    let call = call.split(" -- ").next().unwrap_or(&call);
    let is_call = |line: &str| {
        let end = line.find(call).map(|at| &line[at + call.len()..]);
        !line.trim_start().starts_with('#')
            && end.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
    };
    text.lines().any(is_call)
}

/// A word of the shell that stands for this text.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    if !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_whatever_follows_it() {
        let is = |line: &str| calls(line, "post-merge", Path::new("web"));
        assert!(
            is("npm test && lattice git run-hook post-merge --in web")
                && is("lattice git run-hook post-merge --in web || :")
        );
        for other in ["web2", "web/x", "."] {
            assert!(!is(&format!("lattice git run-hook post-merge --in {other} -- \"$@\"")), "{other}");
        }
        assert!(
            !is("# lattice git run-hook post-merge --in web")
                && !is("lattice git run-hook pre-commit --in web")
        );
    }

    #[test]
    fn folders_are_words_of_the_shell() {
        for (folder, word) in [("", "."), ("web/app", "web/app"), ("a b", "'a b'"), ("it's", "'it'\\''s'")] {
            let call = hook_call("pre-commit", Path::new(folder));
            assert!(call.contains(&format!("--in {word} -- \"$@\"")), "{call}");
        }
    }
}
