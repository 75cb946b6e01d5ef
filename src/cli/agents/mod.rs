//! The texts that teach agents the work cycle, and putting them where agents look: a marked block
//! in a file of the user's, or a file of our own.

use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use super::write::OutputArgs;
use super::{output::Done, text::printable};
use crate::app::{Code, Failure, World};
use crate::export::{make_folders, replace_file};
use crate::view;

/// The whole lesson, as a skill.
pub const SKILL: &str = include_str!("skill.md");
/// The short one, for files that are read at every start.
pub const BLOCK: &str = include_str!("block.md");

const BEGIN: &str = "<!-- lattice:begin -->";
const END: &str = "<!-- lattice:end -->";
/// A file with instructions is no longer than this.
const MOST: u64 = 4 * 1024 * 1024;

/// What has to be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is none yet.
    Created,
    /// The block is put behind what is there.
    Added,
    /// Ours is renewed.
    Replaced,
    /// It says what it should.
    Unchanged,
    /// Ours is there with another text, and stays.
    Kept,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
        }
    }
}

/// A file as it is to be, not written yet.
pub struct Draft {
    path: PathBuf,
    content: String,
    change: Change,
}

impl Draft {
    /// The marked block in a file of a project. Everything around it stays as it is.
    ///
    /// # Errors
    /// What keeps the file from being read, or `CONFLICT` where the marks are broken.
    pub fn block(base: &Path, name: &str, force: bool) -> Result<Self, Failure> {
        let path = inside(base, Path::new(name))?;
        let block = format!("{BEGIN}\n{}\n{END}\n", BLOCK.trim_end());
        let Some(old) = read(&path)? else {
            let title = base.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let title = printable(&title);
            let heading = if title.is_empty() { String::new() } else { format!("# {title}\n\n") };
            return Ok(Self { path, content: heading + &block, change: Change::Created });
        };
        let (content, change) = match marked(&old).ok_or_else(|| broken(&path))? {
            None => {
                let gap = match old.trim_end_matches('\r') {
                    "" => "",
                    text if text.ends_with("\n\n") => "",
                    text if text.ends_with('\n') => "\n",
                    _ => "\n\n",
                };
                (format!("{old}{gap}{block}"), Change::Added)
            }
            Some((from, to)) if old.get(from..to) == Some(block.as_str()) => (old, Change::Unchanged),
            Some(_) if !force => (old, Change::Kept),
            Some((from, to)) => {
                let (before, after) = (&old[..from], &old[to..]);
                (format!("{before}{block}{after}"), Change::Replaced)
            }
        };
        Ok(Self { path, content, change })
    }

    /// A file that is all ours.
    ///
    /// # Errors
    /// What keeps the file from being read.
    pub fn whole(base: &Path, name: &Path, content: &str, force: bool) -> Result<Self, Failure> {
        let path = inside(base, name)?;
        let change = match read(&path)? {
            None => Change::Created,
            Some(old) if old == content => Change::Unchanged,
            Some(_) if force => Change::Replaced,
            Some(_) => Change::Kept,
        };
        Ok(Self { path, content: content.to_owned(), change })
    }

    /// Writes it, durably, if there is something to write.
    ///
    /// # Errors
    /// What the disk says; the file is the old one or the new one then, whole.
    pub fn write(&self) -> Result<(), Failure> {
        if matches!(self.change, Change::Unchanged | Change::Kept) {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            make_folders(folder)?;
        }
        replace_file(&self.path, self.content.as_bytes())
    }

    /// What was done, for people.
    pub fn sentence(&self) -> String {
        let path = printable(&self.path.display().to_string());
        match self.change {
            Change::Created => format!("Made {path}"),
            Change::Added => format!("Added to {path}"),
            Change::Replaced => format!("Renewed {path}"),
            Change::Unchanged => format!("Up to date: {path}"),
            Change::Kept => {
                format!("Kept {path}: it differs from the present text, which --force puts there")
            }
        }
    }

    /// What was done, for programs.
    pub fn value(&self) -> serde_json::Value {
        view::written(&self.path, self.change.word())
    }

    /// Writes it and says so.
    ///
    /// # Errors
    /// As [`Draft::write`].
    pub fn finish(&self, output: OutputArgs) -> Result<Done, Failure> {
        self.write()?;
        let path = || self.path.display().to_string();
        Ok(output.reply(|| self.value(), path, || self.sentence()))
    }
}

/// The file in a project that agents of every make read: the one that is there, else the
/// predecessor's.
pub fn agents_file(base: &Path) -> &'static str {
    if base.join("AGENTS.md").symlink_metadata().is_ok() { "AGENTS.md" } else { "agents.md" }
}

/// The user's own folder.
///
/// # Errors
/// `VALIDATION_ERROR` where there is none.
pub fn home() -> Result<PathBuf, Failure> {
    let found = World::real().home().and_then(|home| home.canonicalize().ok());
    found.filter(|home| home.is_dir()).ok_or_else(|| {
        Failure::new(Code::ValidationError, "HOME names no folder").hint("set HOME to your own folder")
    })
}

/// A folder that somebody named, without links on the way.
///
/// # Errors
/// `USAGE` if it is none.
pub fn folder(path: &Path) -> Result<PathBuf, Failure> {
    let found = path.canonicalize().ok().filter(|path| path.is_dir());
    found.ok_or_else(|| Failure::new(Code::Usage, format!("--path {} is not a folder", path.display())))
}

/// Where a file below a folder really is. Links are followed as long as they stay below it.
fn inside(base: &Path, relative: &Path) -> Result<PathBuf, Failure> {
    let mut at = base.to_path_buf();
    for part in relative.components() {
        let Component::Normal(part) = part else { continue };
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => {
                let led = at.canonicalize().ok().filter(|led| led.starts_with(base));
                at = led.ok_or_else(|| {
                    Failure::new(
                        Code::StoreDenied,
                        format!("{} is a link that leads elsewhere", at.display()),
                    )
                    .hint("nothing was changed; put a real file or folder there")
                })?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::io(&error, &at)),
        }
    }
    Ok(at)
}

/// The text of a file, `None` if there is none.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    let fail = |error: std::io::Error| Failure::io(&error, path);
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let refused = |what: &str| {
        Err(Failure::new(Code::ValidationError, format!("{} {what}", path.display()))
            .hint("nothing was changed; move it away, or add the text of `lattice setup-prompt` yourself"))
    };
    if !meta.is_file() {
        return refused("is not a plain file");
    }
    if meta.len() > MOST {
        return refused("is too long to be instructions");
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)).map_err(fail)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => refused("is not UTF-8 text"),
    }
}

/// Where our block is, its marks and line end included. The outer `None`: the marks are broken.
fn marked(text: &str) -> Option<Option<(usize, usize)>> {
    let (begins, ends) = (text.matches(BEGIN).count(), text.matches(END).count());
    match (begins, ends, text.find(BEGIN), text.find(END)) {
        (0, 0, ..) => Some(None),
        (1, 1, Some(from), Some(end)) if from < end => {
            let to = end + END.len();
            let line_end = if text[to..].starts_with('\n') { 1 } else { 0 };
            Some(Some((from, to + line_end)))
        }
        _ => None,
    }
}

fn broken(path: &Path) -> Failure {
    Failure::new(
        Code::Conflict,
        format!("the marks around the block of Lattice in {} are broken", path.display()),
    )
    .hint(format!("nothing was changed; take out what is left of the block, from {BEGIN} to {END}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::whole_program;

    /// Words of a line as a shell takes them, up to a comment or a pipe.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(" #").next().unwrap();
        shlex::split(line).unwrap()
    }

    /// Every `lattice …` of a text: lines of code blocks, and code within lines.
    fn commands(text: &str) -> Vec<String> {
        let (mut found, mut fenced) = (Vec::new(), false);
        for line in text.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                found.push(line.to_owned());
            } else {
                found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
        found.retain(|line| line.starts_with("lattice "));
        found
    }

    #[test]
    fn every_command_and_flag_of_the_texts_exists() {
        let mut seen = 0;
        for text in [SKILL, BLOCK] {
            for line in commands(text) {
                if line == "lattice COMMAND --help" {
                    continue;
                }
                let parsed = whole_program().try_get_matches_from(words(&line));
                let help = parsed.as_ref().is_err_and(|e| e.kind() == clap::error::ErrorKind::DisplayHelp);
                assert!(parsed.is_ok() || help, "{line}: {}", parsed.unwrap_err());
                seen += 1;
            }
            // Flags and commands that stand alone between backticks.
            for word in text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("--")) {
                let help = format!("{:?}", whole_program());
                assert!(help.contains(&format!("\"{}\"", word.trim_start_matches('-'))), "{word}");
            }
        }
        assert!(seen > 30, "only {seen} commands were tried");
    }

    #[test]
    fn the_texts_cost_little() {
        assert!(SKILL.len() + BLOCK.len() < 6 * 1024, "{} bytes", SKILL.len() + BLOCK.len());
        assert!(SKILL.starts_with("---\nname: lattice\ndescription: "), "skills begin with a head");
        assert!(!SKILL.contains(BEGIN) && !BLOCK.contains(BEGIN));
    }

    #[test]
    fn a_block_is_found_by_its_marks_or_not_at_all() {
        assert_eq!(marked("nothing here"), Some(None));
        let text = format!("a\n{BEGIN}\nx\n{END}\nb\n");
        let (from, to) = marked(&text).unwrap().unwrap();
        assert_eq!(format!("{}{}", &text[..from], &text[to..]), "a\nb\n");
        for text in [
            BEGIN.to_owned(),
            END.to_owned(),
            format!("{END}\n{BEGIN}"),
            format!("{BEGIN}{END}{BEGIN}{END}"),
            format!("{BEGIN}{BEGIN}{END}"),
        ] {
            assert_eq!(marked(&text), None, "{text}");
        }
    }
}
