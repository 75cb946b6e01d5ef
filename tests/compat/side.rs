//! One of the two programs, in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::answer::Answer;
use super::support::Run;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Theirs,
    Ours,
}

/// A program, its folder, and what was kept of its answers.
pub struct Side {
    who: Who,
    program: PathBuf,
    folder: tempfile::TempDir,
    kept: BTreeMap<String, String>,
    last: Value,
    /// Whole ids in the order in which they were seen.
    ids: Vec<String>,
}

impl Side {
    pub fn new(who: Who, program: &Path) -> Self {
        Self {
            who,
            program: program.to_owned(),
            folder: tempfile::Builder::new().prefix("lattice-compat-").tempdir().unwrap(),
            kept: BTreeMap::new(),
            last: Value::Null,
            ids: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs the program here.
    pub fn run(&self, words: &[String], stdin: Option<&str>) -> Run {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.path()).stdin(Stdio::null());
        for name in ["LATTICE_ROOT", "LATTICE_ACTOR", "LATTICE_LOCK_TIMEOUT"] {
            command.env_remove(name);
        }
        // Agents' files that a call writes belong into the folder, too.
        command.env("HOME", self.path());
        if let Some(text) = stdin {
            let file = self.path().join("stdin-of-this-call");
            std::fs::write(&file, text).unwrap();
            command.stdin(std::fs::File::open(file).unwrap());
        }
        Run::of(command.output().unwrap_or_else(|error| panic!("{}: {error}", self.program.display())))
    }

    /// A call of the script.
    pub fn call(&mut self, words: &[String], stdin: Option<&str>) -> Answer {
        let words: Vec<String> = words.iter().map(|word| self.filled(word)).collect();
        let run = self.run(&words, stdin);
        self.last = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
        let here = self.path().to_string_lossy().into_owned();
        Answer::of(&run, &words, &here, &mut self.ids)
    }

    /// Keeps a value of the last answer.
    pub fn keep(&mut self, name: &str, pointer: &str) {
        let value = self.last.pointer(pointer).and_then(Value::as_str);
        let value = value.unwrap_or_else(|| panic!("{:?}: no {pointer} in {}", self.who, self.last));
        self.kept.insert(name.to_owned(), value.to_owned());
    }

    fn filled(&self, text: &str) -> String {
        self.kept
            .iter()
            .rev()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// Changes a setting in the way that this program has for it.
    pub fn set(&self, path: &str, value: &str) {
        if self.who == Who::Ours {
            let words = ["config", "set", path, value, "--actor", "human:ada"].map(str::to_owned);
            let run = self.run(&words, None);
            assert_eq!(run.status, 0, "{run:?}");
            return;
        }
        let file = self.path().join(".lattice/config.json");
        let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let mut place = &mut config;
        for name in path.split('.') {
            place = &mut place[name];
        }
        *place = serde_json::from_str(value).unwrap();
        std::fs::write(file, serde_json::to_string_pretty(&config).unwrap() + "\n").unwrap();
    }

    /// Writes a plan in the way that this program has for it.
    pub fn plan(&self, task: &str, text: &str) {
        if self.who == Who::Ours {
            let words = ["plan", task, "--file", "-", "--actor", "agent:test"].map(str::to_owned);
            let run = self.run(&words, Some(text));
            assert_eq!(run.status, 0, "{run:?}");
            return;
        }
        let run = self.run(&["plan", task, "--json"].map(str::to_owned), None);
        let shown: Value = serde_json::from_str(&run.stdout).unwrap();
        std::fs::write(shown["data"]["plan_path"].as_str().unwrap(), text).unwrap();
    }
}
