//! The real program run under `strace`, and its system calls one by one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Project, Run};

/// A system call that has returned.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// As `strace` writes them: strings and paths of files in hexadecimal.
    pub args: Vec<String>,
    /// What it gave; `Err` if it failed, so that nothing has happened.
    pub result: Result<String, String>,
}

/// Whether there is `strace`, and it may look into programs.
pub fn is_there() -> bool {
    let mut trial = Command::new("strace");
    trial.args(["-qq", "-o", "/dev/null", "true"]).output().is_ok_and(|output| output.status.success())
}

/// Runs the program as `agent:test`. What it did, and what came of it.
pub fn run(project: &Project, args: &[&str]) -> (Vec<Call>, Run) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls");
    let mut program = project.command(args);
    program.env("LATTICE_ACTOR", "agent:test");
    let output = traced(&program, &log).output().unwrap();
    let calls = parse(&fs::read_to_string(&log).unwrap());
    (calls.unwrap_or_else(|why| panic!("{args:?}: {why}")), Run::of(Output { ..output }))
}

/// The same command, watched: every call, all threads, whole strings.
fn traced(program: &Command, log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "100000000", "-o"]).arg(log);
    command.arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// The calls of a log in the order in which they returned.
pub fn parse(log: &str) -> Result<Vec<Call>, String> {
    let mut calls = Vec::new();
    // Of threads that wait in a call: its beginning.
    let mut begun: Vec<(&str, &str)> = Vec::new();
    for line in log.lines() {
        let strange = || format!("a line that is not understood: {}", short(line));
        let (thread, rest) = line.split_once(' ').ok_or_else(strange)?;
        let rest = rest.trim_start();
        if rest.starts_with("+++ exited with ") {
            continue;
        }
        let whole = if let Some(beginning) = rest.strip_suffix(" <unfinished ...>") {
            begun.push((thread, beginning));
            continue;
        } else if rest.starts_with("<... ") {
            let at = begun.iter().position(|(of, _)| *of == thread).ok_or_else(strange)?;
            let (_, end) = rest.split_once(" resumed>").ok_or_else(strange)?;
            format!("{}{end}", begun.remove(at).1)
        } else {
            rest.to_owned()
        };
        calls.push(call(&whole).ok_or_else(strange)?);
    }
    // Those that end the process never return.
    match begun.iter().find(|(_, call)| !call.starts_with("exit")) {
        Some((_, call)) => Err(format!("a call that never returned: {}", short(call))),
        None => Ok(calls),
    }
}

fn call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (args, result) = rest.rsplit_once(" = ")?;
    let args = args.trim_end().strip_suffix(')')?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let failed = result.starts_with('-') || result.starts_with('?') && !name.starts_with("exit");
    let result = result.to_owned();
    Some(Call {
        name: name.to_owned(),
        args: split(args),
        result: if failed { Err(result) } else { Ok(result) },
    })
}

/// Arguments, parted at commas that stand in no brackets.
fn split(args: &str) -> Vec<String> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, byte) in args.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(args[from..at].trim().to_owned());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(args[from..].trim().to_owned());
    parts
}

/// The bytes between quotes, of all strings in an argument; `None` if one was cut short.
pub fn bytes(arg: &str) -> Option<Vec<u8>> {
    if arg.contains("\"...") {
        return None;
    }
    let mut bytes = Vec::with_capacity(arg.len() / 4);
    for text in arg.split('"').skip(1).step_by(2) {
        unhex(text, &mut bytes)?;
    }
    Some(bytes)
}

/// The path of an open file that stands behind its number: `3<…>`.
pub fn path(arg: &str) -> Option<String> {
    let (_, path) = arg.split_once('<')?;
    let mut bytes = Vec::new();
    unhex(path.split_once('>')?.0, &mut bytes)?;
    String::from_utf8(bytes).ok()
}

/// The number of an open file.
pub fn number(arg: &str) -> Option<i64> {
    arg.split(['<', ' ']).next()?.parse().ok()
}

fn unhex(text: &str, into: &mut Vec<u8>) -> Option<()> {
    for digits in text.as_bytes().chunks(4) {
        let [b'\\', b'x', high, low] = digits else { return None };
        let digit = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
        into.push(digit(high)? << 4 | digit(low)?);
    }
    Some(())
}

fn short(line: &str) -> String {
    line.chars().take(200).collect()
}

#[test]
fn calls_are_read_and_nothing_is_passed_over() {
    let log = "1 write(1<\\x61>, \"\\x62\\x2c\", 2) = 2\n1 futex(0x1, FUTEX_WAIT <unfinished ...>\n\
        2 fsync(3<\\x61>) = -1 EIO (Input/output error)\n1 <... futex resumed>) = 0\n1 exit_group(0) = ?\n\
        1 +++ exited with 0 +++\n";
    let calls = parse(log).unwrap();
    let names: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.result.is_ok())).collect();
    assert_eq!(names, [("write", true), ("fsync", false), ("futex", true), ("exit_group", true)]);
    assert_eq!(bytes(&calls[0].args[1]).unwrap(), b"b,");
    assert_eq!((path(&calls[0].args[0]).as_deref(), number(&calls[0].args[0])), (Some("a"), Some(1)));
    for strange in ["1 --- SIGTERM {si_signo=SIGTERM} ---", "1 what", "1 fsync(3 <unfinished ...>"] {
        assert!(parse(strange).is_err(), "{strange}");
    }
    assert_eq!(bytes("\"\\x62\"..."), None);
}
