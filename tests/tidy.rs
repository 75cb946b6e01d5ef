//! The house rules: which room may use which, which packages belong where, every file says what it
//! owns, and every fault of `make mutants` can be planted. The tables here are those of
//! `docs/architecture.md`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A room: its folder, the rooms and the packages that it may use.
struct Room {
    name: &'static str,
    rooms: &'static [&'static str],
    packages: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room { name: "domain", rooms: &[], packages: &["serde", "serde_json", "thiserror", "jiff"] },
    Room {
        name: "store",
        rooms: &["domain"],
        packages: &[
            "rusqlite",
            "refinery",
            "foldhash",
            "sha2",
            "rustix",
            "nix",
            "tempfile",
            "thiserror",
            "serde",
            "serde_json",
        ],
    },
    Room {
        name: "app",
        rooms: &["domain", "store"],
        packages: &["ulid", "serde_json", "rustix", "signal_hook", "foldhash"],
    },
    Room { name: "view", rooms: &["domain", "app"], packages: &["serde_json"] },
    Room {
        name: "export",
        rooms: &["domain", "app"],
        packages: &["tempfile", "rustix", "serde", "serde_json", "base64", "foldhash"],
    },
    Room { name: "intake", rooms: &["domain", "app"], packages: &["csv", "serde_json", "serde_saphyr"] },
    Room {
        name: "cli",
        rooms: &["domain", "app", "view", "export", "intake"],
        packages: &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "comfy_table",
            "csv",
            "indicatif",
            "mime_guess",
            "anstream",
            "anstyle",
            "rustix",
            "serde_json",
            "tempfile",
        ],
    },
];

/// Lines of a file, at most: a file has one subject.
const LONGEST: usize = 420;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
}

/// Names that follow a word in the code: of `crate::` the rooms.
fn names_after<'a>(code: &'a str, word: &str) -> BTreeSet<&'a str> {
    code.match_indices(word)
        .map(|(at, _)| {
            let rest = &code[at + word.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

fn uses(code: &str, package: &str) -> bool {
    code.match_indices(&format!("{package}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn rooms_use_only_what_is_theirs() {
    let packages = dependencies();
    assert!(packages.iter().any(|p| p == "rusqlite"), "the manifest was read: {packages:?}");
    let known: Vec<&str> = ROOMS.iter().map(|room| room.name).collect();
    let mut faults = Vec::new();
    let mut files = 0;
    for room in ROOMS {
        for path in rust_files(&root().join("src").join(room.name)) {
            if is_test(&path) {
                continue;
            }
            files += 1;
            let code = code(&fs::read_to_string(&path).unwrap());
            for used in names_after(&code, "crate::") {
                if known.contains(&used) && used != room.name && !room.rooms.contains(&used) {
                    faults.push(format!("{}: uses the room {used}", path.display()));
                }
            }
            for package in &packages {
                if uses(&code, package) && !room.packages.contains(&package.as_str()) {
                    faults.push(format!("{}: uses the package {package}", path.display()));
                }
            }
        }
    }
    assert!(files > 40, "only {files} files were looked at");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn sql_is_written_in_the_store_only() {
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src")) {
        let inside = path.starts_with(root().join("src/store"));
        let code = code(&fs::read_to_string(&path).unwrap());
        for words in ["SELECT * ", " FROM ", "INSERT INTO ", "DELETE FROM ", "PRAGMA "] {
            if !inside && code.contains(words) {
                faults.push(format!("{}: {words}", path.display()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_file_says_what_it_owns_and_stays_small() {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            if !text.starts_with("//!") {
                faults.push(format!("{}: does not begin with //!", path.display()));
            }
            let lines = text.lines().count();
            if lines > LONGEST {
                faults.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn migrations_say_why() {
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{}: the first line is no comment", path.display());
    }
}

/// The source of a test program: `tests/NAME.rs`, or all files of `tests/NAME/`.
fn source_of(program: &str) -> String {
    let folder = root().join("tests").join(program);
    let file = folder.with_extension("rs");
    let files = if file.exists() { vec![file] } else { rust_files(&folder) };
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// What is wrong with a check of `make mutants`: it has to be one test, by the beginning of its name.
fn fault_of_check(check: &str) -> Option<String> {
    let (_, cargo) = check.split_once("cargo test --test ")?;
    let (program, test) = cargo.split_once(' ')?;
    let source = source_of(program);
    // Those of properties stand further in.
    let tests = source.split("#[test]\n").skip(1).map(str::trim_start);
    let tests = tests.filter(|rest| rest.starts_with(&format!("fn {test}"))).count();
    (tests != 1).then(|| format!("{check}: {tests} tests begin so"))
}

#[test]
fn every_mutant_has_a_check_and_a_patch_that_applies() {
    let folder = root().join("tests/mutants");
    let table = fs::read_to_string(folder.join("mutants.txt")).unwrap();
    let told = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let (mut faults, mut names) = (Vec::new(), BTreeSet::new());
    for line in table.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [name, check, proves] if check.contains("cargo test --test ") && !proves.is_empty() => {
                names.insert(format!("{name}.patch"));
                faults.extend(fault_of_check(check));
                if !told.contains(&format!("`{name}`")) {
                    faults.push(format!("{name}: docs/reliability.md does not tell of it"));
                }
            }
            _ => faults.push(format!("{line}: is not NAME, the check, and what it proves")),
        }
    }
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let files: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    let patches: BTreeSet<String> = files.into_iter().filter(|name| name.ends_with(".patch")).collect();
    let alone = names.symmetric_difference(&patches);
    faults.extend(alone.map(|name| format!("{name}: a line and no file, or a file and no line")));
    for patch in &patches {
        let mut dry = Command::new("patch");
        dry.args(["-p1", "-s", "-f", "--dry-run", "-i"]).arg(folder.join(patch)).current_dir(root());
        match dry.output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => faults.push(format!("{patch}: {}", String::from_utf8_lossy(&output.stdout))),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "patch: {error}");
                let _ = writeln!(std::io::stderr(), "SKIPPED: whether mutants can be planted: {error}");
                break;
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}
