//! Text that a command is given: a file, standard input, or what somebody types in an editor.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::{Code, Failure, World};
use crate::domain::Rejection;

/// Most bytes that a text may have.
pub const MOST: u64 = 16 * 1024 * 1024;

/// Where a new text comes from; without any of them the old one is shown.
#[derive(clap::Args, Debug, Default)]
pub struct SourceArgs {
    /// Take the text from this file (- for standard input)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Change the text in $VISUAL or $EDITOR, at a terminal
    #[arg(long, conflicts_with = "file")]
    pub edit: bool,
}

/// A new text.
pub struct Draft {
    /// The text.
    pub text: String,
    /// The text that it was made from in an editor.
    pub base: Option<String>,
    file: Option<EditedFile>,
}

impl Draft {
    /// Ends the work on the draft. If saving it failed, what somebody typed is kept and named.
    ///
    /// # Errors
    /// That of `result`.
    pub fn settle<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        let Some(file) = self.file else { return result };
        result.map_err(|failure| file.keep(failure))
    }
}

/// The file that an editor works on, gone at the end unless it is kept.
struct EditedFile {
    path: PathBuf,
    kept: bool,
}

impl EditedFile {
    /// A new file that only its owner reads, under a name that nobody can guess.
    fn new(text: &str, suffix: &str) -> Result<Self, Failure> {
        let world = World::real();
        let folder = world.variable("TMPDIR").filter(|f| !f.is_empty()).unwrap_or_else(|| "/tmp".into());
        let random = world.artifact_id().to_string().replace("art_", "");
        let name = format!("lattice-{random}{suffix}");
        let path = PathBuf::from(folder).join(name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut open = opened.map_err(|error| Failure::io(&error, &path))?;
        let file = Self { path, kept: false };
        open.write_all(text.as_bytes()).map_err(|error| Failure::io(&error, &file.path))?;
        Ok(file)
    }

    /// Keeps the file for good, and says where it is.
    fn keep(mut self, failure: Failure) -> Failure {
        self.kept = true;
        let hint = failure.hint.clone().unwrap_or_default();
        failure.hint(format!("{hint}; what you wrote is kept in {}", self.path.display()))
    }

    /// Keeps the file if it is there and does not hold just what it held before.
    fn keep_changed(self, before: &str, failure: Failure) -> Failure {
        let held = open(&self.path, "", "").and_then(|file| {
            // One byte more shows that it has grown, whatever its size.
            up_to(file, before.len() as u64).map_err(|error| unreadable("", &error))
        });
        let gone = self.path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let same = held.is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes == before.as_bytes()));
        if gone || same { failure } else { self.keep(failure) }
    }
}

impl Drop for EditedFile {
    fn drop(&mut self) {
        if !self.kept {
            // What is left in a temporary folder does no harm.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// The text that the flags ask for, `None` if they ask for none. `now` gives what an editor
/// starts from.
///
/// # Errors
/// `NOT_FOUND` or `VALIDATION_ERROR`, naming the file; what `now` fails with.
pub fn draft(
    args: &SourceArgs,
    now: impl FnOnce() -> Result<String, Failure>,
) -> Result<Option<Draft>, Failure> {
    if let Some(path) = &args.file {
        return Ok(Some(Draft { text: read(path)?, base: None, file: None }));
    }
    if !args.edit {
        return Ok(None);
    }
    let editor = editor("use `--file FILE`, or `--file -` for standard input")?;
    edit(&editor, now()?, ".md").map(Some)
}

/// A file, or standard input where the path is `-`, and what to call it.
///
/// # Errors
/// `NOT_FOUND` or `VALIDATION_ERROR`, naming the file.
pub fn reader(path: &Path) -> Result<(String, Box<dyn Read>), Failure> {
    if path == Path::new("-") {
        return Ok(("standard input".to_owned(), Box::new(io::stdin().lock())));
    }
    let name = path.display().to_string();
    let file = open(path, &name, "pipe it in, with `-` as the file")?;
    Ok((name, Box::new(file)))
}

/// Reads a file, or standard input where the path is `-`, as UTF-8.
///
/// # Errors
/// `NOT_FOUND` or `VALIDATION_ERROR`, naming the file.
pub fn read(path: &Path) -> Result<String, Failure> {
    let piped = path == Path::new("-");
    let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
    let bytes = if piped {
        all_of(io::stdin().lock())
    } else {
        all_of(open(path, &name, "pipe it in with `--file -`")?)
    };
    let bytes = bytes.map_err(|error| unreadable(&name, &error))?;
    if bytes.len() as u64 > MOST {
        return Err(invalid(format!("{name} holds more than {} MiB", MOST >> 20)).hint("give a shorter text"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        invalid(format!("{name} is not UTF-8 text (byte {place})")).hint("convert it to UTF-8 first")
    })
}

/// All bytes of a file, at most `limit`.
///
/// # Errors
/// `NOT_FOUND` or `VALIDATION_ERROR`, naming the file; `PAYLOAD_TOO_LARGE`, without reading it where
/// its size says so.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    let file = open(path, &name, "copy what it gives into a file first")?;
    let size = file.metadata().map_err(|error| unreadable(&name, &error))?.len();
    if size > limit {
        return Err(Rejection::PayloadTooLarge { size: Some(size), limit }.into());
    }
    let bytes = up_to(file, limit).map_err(|error| unreadable(&name, &error))?;
    bytes.ok_or_else(|| Rejection::PayloadTooLarge { size: None, limit }.into())
}

/// Everything, `None` if it is more than `limit` bytes: a file may grow while it is read.
fn up_to(from: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

fn all_of(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file only: opening a pipe that nobody writes to would wait for ever.
fn open(path: &Path, name: &str, instead: &str) -> Result<File, Failure> {
    let kind = path.metadata().map_err(|error| unreadable(name, &error))?;
    if kind.is_dir() {
        return Err(invalid(format!("{name} is a folder")).hint("name a file"));
    }
    if !kind.is_file() && !is_open_already(path) {
        return Err(invalid(format!("{name} is not a regular file")).hint(instead));
    }
    File::open(path).map_err(|error| unreadable(name, &error))
}

/// Whether the path is a descriptor of this process, as the `<(…)` of a shell is: somebody writes
/// to that one.
fn is_open_already(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// What a file that does not read stands for.
pub fn unreadable(name: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => {
            Failure::new(Code::NotFound, format!("there is no file {name}")).hint("check the path")
        }
        _ => invalid(format!("{name} cannot be read: {error}")).hint("check the file"),
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(Code::ValidationError, message)
}

/// The editor that somebody prefers. There must be a terminal, else `instead` is the hint: an agent
/// would wait for ever.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn editor(instead: &str) -> Result<String, Failure> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(invalid("an editor needs a terminal".to_owned()).hint(instead));
    }
    ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| World::real().variable(name)?.into_string().ok())
        .find(|editor| !editor.trim().is_empty())
        .ok_or_else(|| {
            invalid("neither VISUAL nor EDITOR names an editor".to_owned())
                .hint("set EDITOR, for example to vi")
        })
}

/// Lets somebody change a text.
///
/// # Errors
/// `VALIDATION_ERROR` if the editor fails; `STORE_…` if there is no room for its file.
pub fn edit(editor: &str, before: String, suffix: &str) -> Result<Draft, Failure> {
    let file = EditedFile::new(&before, suffix)?;
    // The variable may hold arguments (`code --wait`), so the shell takes it apart.
    let ended = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "lattice"])
        .arg(&file.path)
        .status()
        .map_err(|error| invalid(format!("the editor could not be started: {error}")).hint("check EDITOR"))?;
    let text = match ended.success() {
        true => read(&file.path),
        false => Err(invalid(format!("the editor ended with {ended}")).hint("nothing was changed")),
    };
    match text {
        Ok(text) => Ok(Draft { text, base: Some(before), file: Some(file) }),
        Err(failure) => Err(file.keep_changed(&before, failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_kept_if_it_cannot_be_saved() {
        let draft = edit("printf more >>", "some ".to_owned(), ".md").unwrap();
        assert_eq!((draft.text.as_str(), draft.base.as_deref()), ("some more", Some("some ")));
        let failure = draft.settle::<()>(Err(invalid("no".to_owned()).hint("try"))).unwrap_err();
        let hint = failure.hint.unwrap();
        let path = hint.strip_prefix("try; what you wrote is kept in ").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "some more");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_never_ends_is_not_read_to_the_end() {
        assert_eq!(up_to(io::repeat(b'x'), 1000).unwrap(), None);
        assert_eq!(up_to(io::repeat(b'x').take(1000), 1000).unwrap().unwrap().len(), 1000);
    }

    #[test]
    fn an_editor_that_fails_changes_nothing() {
        for editor in ["false", "no-such-editor", "rm -f", "f() { rm \"$1\"; false; }; f"] {
            let failure = edit(editor, "some".to_owned(), ".md").err().unwrap();
            assert!(!failure.hint.unwrap().contains("kept"), "{editor}");
        }
    }

    #[test]
    fn what_was_typed_is_kept_if_the_editor_ends_badly_or_the_file_does_not_read() {
        for (editor, size) in [
            ("printf '\\377' >>", 5),
            ("head -c 16777216 /dev/zero >>", 16_777_220),
            ("f() { printf more >> \"$1\"; exit 3; }; f", 8),
            ("f() { printf less > \"$1\"; kill -9 $$; }; f", 4),
        ] {
            let failure = edit(editor, "some".to_owned(), ".md").err().unwrap();
            let hint = failure.hint.unwrap();
            let (_, path) = hint.split_once("; what you wrote is kept in ").unwrap_or_default();
            assert_eq!(std::fs::metadata(path).map(|meta| meta.len()).ok(), Some(size), "{editor}: {hint}");
            std::fs::remove_file(path).unwrap();
        }
    }
}
