//! The transcripts in the README and the documents are run, and what they say is what happens.
//!
//! In a block marked `console` each line that begins with `$ ` is a command, and the lines below
//! it are its output. `[..]` stands for anything within a line, a line `...` for any lines.
//! All blocks of one document are played in one folder, in order.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::Project;

/// A command of a transcript with what it should print.
struct Step {
    line: usize,
    command: String,
    output: Vec<String>,
}

fn steps(document: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(document).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(Step { line: number + 1, command: command.to_owned(), output: Vec::new() });
                }
                None => steps.last_mut().expect("a command stands first").output.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Whether printed lines fit expected ones, wildcards included.
fn fits(expected: &[String], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "..." => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        Some((first, rest)) => {
            printed.split_first().is_some_and(|(line, more)| line_fits(first, line) && fits(rest, more))
        }
    }
}

fn line_fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = part;
    }
    rest.is_empty() || (pattern.contains("[..]") && (last.is_empty() || line.ends_with(last)))
}

fn play(document: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(document);
    let project = Project::empty();
    let program = Path::new(env!("CARGO_BIN_EXE_lattice")).parent().unwrap().to_owned();
    let search = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let steps = steps(&path);
    assert!(!steps.is_empty(), "{document} has no transcript");
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {} ; }} 2>&1", step.command)])
            .current_dir(project.path())
            .env("PATH", &search)
            .env("LATTICE_ACTOR", "agent:claude")
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_SYSTEM", "/dev/null"),
                ("LC_ALL", "C.UTF-8"),
            ])
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")])
            .env_remove("LATTICE_ROOT")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        assert!(
            fits(&step.output, &lines),
            "{document}:{}: {}\nexpected:\n{}\nprinted:\n{printed}",
            step.line,
            step.command,
            step.output.join("\n")
        );
    }
}

#[test]
fn the_transcript_of_the_readme_is_true() {
    play("README.md");
}

#[test]
fn the_transcript_of_coming_from_another_tracker_is_true() {
    play("docs/import.md");
}

#[test]
fn the_transcripts_about_sharing_are_true() {
    play("docs/sharing.md");
}

#[test]
fn the_transcript_of_keeping_a_head_is_true() {
    play("docs/integrity.md");
}

#[test]
fn wildcards_match_within_lines_and_over_lines() {
    assert!(
        line_fits("a[..]c", "abc")
            && line_fits("a[..]", "a")
            && !line_fits("a[..]c", "ab")
            && !line_fits("a", "ab")
    );
    let expected = ["a".to_owned(), "...".to_owned(), "d".to_owned()];
    assert!(
        fits(&expected, &["a", "b", "c", "d"])
            && fits(&expected, &["a", "d"])
            && !fits(&expected, &["a", "b"])
    );
}

#[test]
fn the_readme_names_the_commands_that_make_and_test() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let makefile = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Makefile")).unwrap();
    let checks = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run")).unwrap();
    for target in ["demo", "test"] {
        assert!(readme.contains(&format!("make {target}")), "README: make {target}");
        assert!(makefile.lines().any(|line| line.starts_with(&format!("{target}:"))), "Makefile: {target}");
    }
    assert!(checks.contains("make test"), ".ci/run: make test");
}
