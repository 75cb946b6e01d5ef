//! No command and no flag without a row, and none of the predecessor's missing.

use std::collections::{BTreeMap, BTreeSet};

use super::ROWS;
use super::script::{Step, Want, parse};
use super::support::Project;

/// The predecessor's commands that are not built yet. Must become empty.
const NOT_YET: &[&str] = &["dashboard", "demo init", "stats", "weather"];

/// The predecessor's flags that are not built yet. Must become empty.
const FLAGS_NOT_YET: &[&str] = &[];

/// Commands of the predecessor that will never be there; docs/compatibility.md says why.
const NEVER: &[&str] = &["restart"];

/// Flags that take part in no answer of their own.
const TAKEN_FOR_GRANTED: &[&str] = &["--help"];

/// Flags of changes: the `author` rows try them all.
const AUTHOR: [&str; 8] =
    ["--name", "--actor", "--model", "--session", "--triggered-by", "--on-behalf-of", "--reason", "--quiet"];

/// Commands and flags that no row can be accepted with, and why.
const NEVER_ACCEPTED: &[(&str, &str)] = &[
    ("plan --edit", "needs a terminal: tests/cli_texts.rs"),
    ("notes --edit", "needs a terminal: tests/cli_texts.rs"),
    ("context --edit", "needs a terminal: tests/cli_texts.rs"),
    ("config edit", "needs a terminal: tests/cli_config.rs"),
];

fn is_excused(name: &str) -> bool {
    NEVER_ACCEPTED.iter().any(|(excused, _)| *excused == name)
}

/// Flags by command.
type Flags = BTreeMap<String, BTreeSet<String>>;

/// What the program says that it takes; hidden flags are not among them.
fn programs_own() -> Flags {
    let mut flags = Flags::new();
    let root = help(&[]);
    for command in names(&root) {
        learn(&[&command], &mut flags);
    }
    assert!(flags.len() > 30, "the list of commands was not understood: {root}");
    flags
}

fn learn(path: &[&str], flags: &mut Flags) {
    let text = help(path);
    if let Some((_, commands)) = text.split_once("\nCommands:\n") {
        for command in names(commands.split("\n\n").next().unwrap()) {
            learn(&[path, &[&command]].concat(), flags);
        }
        return;
    }
    let flag = |line: &str| {
        let line = line.trim_start().trim_start_matches("-h, ");
        let word = line.split([' ', ',', '=']).next()?;
        word.starts_with("--").then(|| word.to_owned())
    };
    let found = text.lines().filter(|line| line.starts_with("  ")).filter_map(flag);
    flags.insert(path.join(" "), found.filter(|f| !TAKEN_FOR_GRANTED.contains(&f.as_str())).collect());
}

fn help(path: &[&str]) -> String {
    Project::empty().ok([path, &["--help"]].concat())
}

/// The first words of indented lines.
fn names(text: &str) -> Vec<String> {
    let first = |line: &str| Some(line.strip_prefix("  ")?.split(' ').next()?.to_owned());
    text.lines().filter_map(first).filter(|name| !name.is_empty()).collect()
}

/// What rows try: by command, with the flags of accepted calls and those of refused ones.
fn tried(known: &Flags) -> (Flags, Flags) {
    let (mut accepted, mut refused) = (Flags::new(), Flags::new());
    for (_, text) in ROWS {
        for step in parse(text).into_iter().flat_map(|section| section.steps) {
            let (words, good, more): (_, _, &[&str]) = match &step {
                Step::Call { words, wants, .. } => {
                    let good = !wants.iter().any(|want| matches!(want, Want::Refused { .. }));
                    let json = wants.iter().any(|want| matches!(want, Want::Shape { .. }));
                    (words, good, if json { &["--json"] } else { &[] })
                }
                Step::Author { words, .. } => (words, true, &AUTHOR),
                _ => continue,
            };
            let Some(command) = command_of(words, known) else { continue };
            let into = if good { &mut accepted } else { &mut refused };
            let flags = words
                .iter()
                .filter(|word| word.starts_with("--"))
                .map(|word| word.split('=').next().unwrap_or_default().to_owned());
            into.entry(command).or_default().extend(flags.chain(more.iter().map(|&flag| flag.to_owned())));
        }
    }
    (accepted, refused)
}

fn command_of(words: &[String], known: &Flags) -> Option<String> {
    [2, 1]
        .into_iter()
        .filter(|&n| words.len() >= n)
        .map(|n| words[..n].join(" "))
        .find(|name| known.contains_key(name))
}

#[test]
fn every_command_and_flag_has_a_row_that_is_accepted_and_every_command_one_that_is_refused() {
    let known = programs_own();
    let (accepted, refused) = tried(&known);
    let mut missing = Vec::new();
    for (command, flags) in &known {
        let nothing = BTreeSet::new();
        let good = accepted.get(command).unwrap_or(&nothing);
        if !accepted.contains_key(command) && !is_excused(command) {
            missing.push(format!("{command}: no row that is accepted"));
        }
        if !refused.contains_key(command) {
            missing.push(format!("{command}: no row that is refused"));
        }
        for flag in flags.difference(good) {
            let tried = refused.get(command).is_some_and(|flags| flags.contains(flag));
            if !(tried && is_excused(&format!("{command} {flag}")) || is_excused(command)) {
                missing.push(format!("{command} {flag}"));
            }
        }
    }
    assert!(missing.is_empty(), "without a row in tests/contract/rows:\n{}", missing.join("\n"));
}

#[test]
fn nothing_that_the_predecessor_took_is_unknown() {
    let known = programs_own();
    let mut missing = Vec::new();
    let mut waiting: BTreeSet<&str> = NOT_YET.iter().chain(FLAGS_NOT_YET).copied().collect();
    for line in include_str!("predecessor.txt").lines().filter(|line| !line.starts_with('#')) {
        let (command, flags) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        let there = known.contains_key(command);
        if waiting.remove(command) {
            assert!(!there, "{command} is there now: take it from NOT_YET");
            continue;
        }
        if NEVER.contains(&command) {
            assert!(!there, "{command} is there now: take it from NEVER");
            continue;
        }
        if !there {
            missing.push(command.to_owned());
            continue;
        }
        for flag in flags.split_whitespace() {
            let name = format!("{command} {flag}");
            // Flags that are taken and change nothing are hidden from help.
            let taken = known[command].contains(flag) || is_taken(command, flag);
            if waiting.remove(name.as_str()) {
                assert!(!taken, "{name} is there now: take it from FLAGS_NOT_YET");
            } else if !taken {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "the predecessor takes these, the program does not:\n{}", missing.join("\n"));
    assert!(waiting.is_empty(), "the predecessor never had these: {waiting:?}");
    println!("not yet: {NOT_YET:?} {FLAGS_NOT_YET:?}");
}

/// Whether the program knows a flag that it does not tell of.
fn is_taken(command: &str, flag: &str) -> bool {
    let words = command.split(' ').chain([flag, "--help"]);
    let run = Project::empty().run(words);
    run.status == 0 && run.stdout.contains("Usage:")
}

#[test]
fn every_file_of_rows_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/rows");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let played: BTreeSet<String> = ROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, played);
}
