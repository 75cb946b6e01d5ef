//! `lattice man`: the manual, in the form that `man` reads.

use std::path::{Path, PathBuf};

use clap::Command as Clap;

use super::context::Context;
use super::output::Done;
use super::parse;
use super::write::OutputArgs;
use crate::app::{Code, Failure};
use crate::export::{make_folders, replace_file};
use crate::view;

/// What people do with it.
const ABOUT: &str = "To read a page: lattice man create | man -l -
To have `man lattice` and `man lattice-create`: lattice man --to ~/.local/share/man/man1";

/// Which page, and where to.
#[derive(clap::Args, Debug)]
#[command(after_help = ABOUT)]
pub struct Args {
    /// A command, such as `create` or `hooks trust` [default: the whole manual]
    command: Vec<String>,
    /// Write a file for each page into this folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// A page: its name, such as `lattice-create`, and its text.
type Page = (String, String);

/// Prints the pages or writes them.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let mut program = parse::whole_program();
    program.build();
    let mut pages = Vec::new();
    collect(wanted(&program, &args.command)?, &name_of(&args.command), &mut pages)?;
    match &args.to {
        Some(folder) => write(folder, &pages, args.output),
        None => {
            let text: String = pages.into_iter().map(|(_, text)| text).collect();
            let plain = || text.clone();
            Ok(args.output.reply(|| view::manual(&text), plain, plain))
        }
    }
}

fn wanted<'c>(program: &'c Clap, words: &[String]) -> Result<&'c Clap, Failure> {
    words.iter().try_fold(program, |at, word| {
        at.find_subcommand(word).ok_or_else(|| {
            Failure::new(Code::NotFound, format!("there is no command {}", words.join(" ")))
                .hint("see `lattice --help`")
        })
    })
}

fn name_of(words: &[String]) -> String {
    ["lattice"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join("-")
}

/// The page of a command, and those of the commands in it.
fn collect(command: &Clap, name: &str, pages: &mut Vec<Page>) -> Result<(), Failure> {
    let unwritten = |error: &dyn std::fmt::Display| {
        Failure::new(Code::OutputFailed, format!("the manual could not be made: {error}"))
    };
    let mut text = Vec::new();
    let page = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    // The release is not in the page of each command: pages would change with every one.
    let page = clap_mangen::Man::new(page).section("1").source("Lattice").manual("Lattice");
    page.render(&mut text).map_err(|error| unwritten(&error))?;
    pages.push((name.to_owned(), String::from_utf8(text).map_err(|error| unwritten(&error))?));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages)?;
    }
    Ok(())
}

fn write(folder: &Path, pages: &[Page], output: OutputArgs) -> Result<Done, Failure> {
    make_folders(folder)?;
    let mut files = Vec::new();
    for (name, text) in pages {
        let file = folder.join(format!("{name}.1"));
        replace_file(&file, text.as_bytes())?;
        files.push(file);
    }
    let lines = || files.iter().map(|file| format!("{}\n", file.display())).collect();
    Ok(output.reply(
        || view::manual_files(&files),
        lines,
        || format!("Wrote {} pages into {}", files.len(), folder.display()),
    ))
}
