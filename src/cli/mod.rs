//! The command line: one file per command, and one table that names them all.
//!
//! Command files are alike: help text, an argument struct, `run`. They hold no rules.

mod context;
mod format;
mod history;
mod output;
mod parse;
mod prompt;
mod style;
mod table;
mod text;
mod write;

mod create;
mod init;
mod list;
mod show;
mod status;

use std::ffi::OsString;

use clap::Command as Clap;

use context::Context;
use output::Done;
use parse::Line;

use crate::app::Failure;

/// A command: its name, what help says of it, how its arguments are declared, and what it does.
struct Entry {
    name: &'static str,
    about: &'static str,
    /// The heading that help lists it under.
    group: Group,
    declare: fn(Clap) -> Clap,
    run: fn(&clap::ArgMatches, &Context) -> Result<Done, Failure>,
}

/// Headings of the list of commands, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Tracker,
    Tasks,
    Talk,
    Questions,
    Sharing,
}

impl Group {
    const ALL: [Self; 5] = [Self::Tasks, Self::Talk, Self::Questions, Self::Sharing, Self::Tracker];

    fn heading(self) -> &'static str {
        match self {
            Self::Tracker => "The tracker",
            Self::Tasks => "Tasks",
            Self::Talk => "Comments, plans, notes",
            Self::Questions => "Questions",
            Self::Sharing => "Sharing",
        }
    }
}

/// The entry of a command module, which holds `Args` and `run`.
macro_rules! entry {
    ($module:ident, $name:literal, $group:ident, $about:literal) => {
        Entry {
            name: $name,
            about: $about,
            group: Group::$group,
            declare: <$module::Args as clap::Args>::augment_args,
            run: |matches, context| {
                let args = <$module::Args as clap::FromArgMatches>::from_arg_matches(matches)
                    .map_err(|error| output::usage(&error))?;
                $module::run(args, context)
            },
        }
    };
}

/// All commands, in the order of help.
const COMMANDS: &[Entry] = &[
    entry!(create, "create", Tasks, "Make a task"),
    entry!(list, "list", Questions, "List tasks"),
    entry!(show, "show", Questions, "Show one task with its history"),
    entry!(init, "init", Tracker, "Make the tracker of a project"),
    entry!(status, "status", Tasks, "Move a task to another status"),
];

/// Runs the program and says how it ends.
pub fn main(args: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let context = Context::new(&args);
    let result = parse::command_line(&args).and_then(|line| match line {
        Line::Command(entry, matches) => (entry.run)(&matches, &context),
        Line::Answer(done) => Ok(done),
    });
    output::finish(result, &context)
}
