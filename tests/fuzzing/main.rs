//! The corpus of `fuzz/`, played again, and changes of it made by lot, the same each time: what `cargo fuzz`
//! found once stays mended where nobody has it. `LATTICE_SOAK=1` makes a hundred times as many.

mod targets;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use targets::TARGETS;

/// Changes of each file of the corpus.
const CHANGES: usize = 12;
/// Bytes that mean something to one reader or another.
const WORDS: [&[u8]; 16] = [
    b"\"",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"\n",
    b"\0",
    b"\xff",
    b"null",
    b"-1",
    b"1e999",
    b"task_",
    b"\"id\":",
    b"=== ",
    b"9223372036854775808",
    b"\xe2\x80\xa8",
];

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", name].iter().collect()
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder("corpus").join(target)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// The same bytes with a few changed, put in, taken out or doubled.
fn changed(bytes: &[u8], lot: &mut u64) -> Vec<u8> {
    let mut draw = |below: usize| {
        *lot = lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*lot >> 33).unwrap() % below.max(1)
    };
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + draw(4) {
        let at = draw(bytes.len() + 1);
        let end = (at + draw(16)).min(bytes.len());
        match draw(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draw(8),
            1 => drop(bytes.splice(at..at, WORDS[draw(WORDS.len())].iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                let to = draw(bytes.len() + 1);
                drop(bytes.splice(to..to, part));
            }
            _ => drop(bytes.splice(at..end, WORDS[draw(WORDS.len())].iter().copied())),
        }
    }
    bytes
}

fn play(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let soak = std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1");
    let changes = if soak { CHANGES * 100 } else { CHANGES };
    let (files, mut runs) = (corpus(name), 0);
    let mut lot = 1;
    for (path, bytes) in &files {
        let mut run = |bytes: &[u8]| {
            if std::panic::catch_unwind(|| target(bytes)).is_err() {
                panic!("{}, changed to {:?}", path.display(), String::from_utf8_lossy(bytes));
            }
            runs += 1;
        };
        run(bytes);
        (0..changes).for_each(|_| run(&changed(bytes, &mut lot)));
    }
    assert!(files.len() >= 5, "{name}: only {} files", files.len());
    let line = format!("fuzzing: {name}: {} files, {runs} inputs, 0 findings\n", files.len());
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

#[test]
fn batches() {
    play("batch");
}

#[test]
fn configurations() {
    play("config");
}

#[test]
fn databases() {
    play("database");
}

#[test]
fn events() {
    play("event");
}

#[test]
fn ids() {
    play("id");
}

#[test]
fn questions() {
    play("sql");
}

#[test]
fn trees() {
    play("tree");
}

/// What can be fuzzed has a corpus and a program, and nothing else has.
#[test]
fn every_target_has_a_corpus_and_a_program() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there = |name: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder(name)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(there("corpus"), names);
    assert_eq!(there("fuzz_targets"), names);
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    assert!(names.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))), "{manifest}");
}
