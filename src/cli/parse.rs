//! From the words on the line to the command that they name.
//!
//! Building the arguments of all commands costs more than most commands take, so a line that
//! names a known command is parsed with that one alone; everything else (help, a slip, nothing)
//! sees them all.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use super::output::{self, Done};
use super::{COMMANDS, Entry, Group, plugin};
use crate::app::{Code, Failure};

/// What a line asks for.
pub enum Line {
    /// A command with its arguments.
    Command(&'static Entry, ArgMatches),
    /// Text that answers already: help or the version.
    Answer(Done),
    /// The words behind a command that is not ours, and the program that answers it.
    Plugin(PathBuf, Vec<OsString>),
    /// The program's name and no more.
    Nothing,
}

/// The flag of every command that keeps hooks from running. Help of commands does not repeat it.
pub const NO_HOOKS: &str = "no-hooks";

/// Parses a line, the program's name first.
///
/// # Errors
/// `USAGE`.
pub fn command_line(args: &[OsString]) -> Result<Line, Failure> {
    // `lattice help create` is what people try first.
    let asked: Vec<OsString>;
    let args = match args {
        [program, help, of @ ..] if help == "help" => {
            asked = [program].into_iter().chain(of).cloned().chain(["--help".into()]).collect();
            &asked
        }
        _ => args,
    };
    let named = args.get(1).and_then(|arg| arg.to_str());
    let only = named.and_then(|name| COMMANDS.iter().find(|entry| entry.name == name));
    if only.is_none()
        && let Some(path) = named.filter(|name| *name != "help").and_then(plugin::find)
    {
        return Ok(Line::Plugin(path, args.get(2..).unwrap_or_default().to_vec()));
    }
    let root = match only {
        Some(entry) => program().subcommand(declared(entry)),
        None if matches!(named, Some("--version" | "-V")) => program(),
        None => whole_program(),
    };
    let mut matches = match root.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Line::Answer(Done::lines(error.render().to_string())));
        }
        Err(error) => return Err(output::usage(error)),
    };
    match matches.remove_subcommand() {
        Some((name, matches)) => {
            let entry = COMMANDS
                .iter()
                .find(|entry| entry.name == name)
                .ok_or_else(|| Failure::new(Code::Usage, format!("there is no command {name}")))?;
            Ok(Line::Command(entry, matches))
        }
        None => Ok(Line::Nothing),
    }
}

/// The program with all commands: for help, completions and slips.
pub fn whole_program() -> Clap {
    let root = program().override_help(overview());
    COMMANDS.iter().fold(root, |root, entry| root.subcommand(declared(entry)))
}

fn program() -> Clap {
    Clap::new("lattice")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A task tracker inside a repository, for AI agents and the people beside them")
        .args_override_self(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new(NO_HOOKS)
                .long(NO_HOOKS)
                .action(ArgAction::SetTrue)
                .global(true)
                .hide(true)
                .help("Run no hooks this time [env: LATTICE_NO_HOOKS]"),
        )
}

fn declared(entry: &Entry) -> Clap {
    let command = (entry.declare)(Clap::new(entry.name)).about(entry.about).long_about(None);
    short_help(taking_dashes(command))
}

/// Help is the same for `-h` and `--help`: an option on a line.
fn short_help(command: Clap) -> Clap {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help("Print help");
    command.disable_help_flag(true).arg(help).mut_subcommands(short_help)
}

/// A whole number on the command line.
///
/// # Errors
/// The sentence that the usage error ends with.
pub fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number, 0 or more".to_owned())
}

/// A whole number on the command line, of any sign.
///
/// # Errors
/// The sentence that the usage error ends with.
pub fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}

/// Seconds on the command line.
///
/// # Errors
/// The sentence that the usage error ends with.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "write a number of seconds, 0 or more".to_owned())
}

/// What stands behind an option is its value, even if it begins with a dash, as the items of a
/// list in Markdown do.
fn taking_dashes(command: Clap) -> Clap {
    let command = command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_hyphen_values(true),
        false => arg,
    });
    command.mut_subcommands(taking_dashes)
}

/// The list of commands by heading.
fn overview() -> String {
    let width = COMMANDS.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut text = String::from(
        "A task tracker inside a repository, for AI agents and the people beside them\n\nUsage: lattice COMMAND [ARGUMENTS]\n",
    );
    for group in Group::ALL {
        let members: Vec<&Entry> = COMMANDS.iter().filter(|entry| entry.group == group).collect();
        if !members.is_empty() {
            text.push_str(&format!("\n{}:\n", group.heading()));
        }
        for entry in members {
            text.push_str(&format!("  {:width$}  {}\n", entry.name, entry.about));
        }
    }
    text.push_str("\n`lattice COMMAND --help` tells more. `--json` on any command answers for programs; `--no-hooks` runs none.\n");
    text
}
