//! Plays rows against the real program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::script::{Section, Step, Want, parse};
use super::shapes;
use super::support::{Project, Run};

/// Exit statuses by code, from docs/errors.md.
static STATUS: LazyLock<BTreeMap<String, i32>> = LazyLock::new(|| {
    let page = include_str!("../../docs/errors.md");
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim);
        let code = cells.nth(1)?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        Some((code, cells.next()?.parse().ok()?))
    };
    page.lines().filter_map(row).collect()
});

/// Plays all sections of a file; every row that fails is told.
pub fn file(text: &str) {
    let play = |section: Section| {
        let mut complaints = Stage::new(false).play(&section);
        if section.steps.iter().any(|step| matches!(step, Step::Author { .. })) {
            complaints.extend(Stage::new(true).play(&section));
        }
        complaints
    };
    let complaints: Vec<String> = parse(text).into_iter().flat_map(play).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// A tracker, and what the rows so far have kept.
struct Stage {
    project: Project,
    env: Vec<(String, String)>,
    stdin: Option<String>,
    kept: BTreeMap<String, String>,
    /// Whether the author is a session.
    named: bool,
    complaints: Vec<String>,
}

impl Stage {
    fn new(named: bool) -> Self {
        Self {
            project: Project::new(),
            env: vec![("LATTICE_ACTOR".to_owned(), "agent:test".to_owned())],
            stdin: None,
            kept: BTreeMap::new(),
            named,
            complaints: Vec::new(),
        }
    }

    fn play(mut self, section: &Section) -> Vec<String> {
        if self.named {
            self.project.ok(["session", "start", "--model", "human", "--name", "Zoe", "--quiet"]);
        }
        for step in &section.steps {
            match step {
                Step::Empty => self.project = Project::empty(),
                Step::Folder(name) => std::fs::create_dir(self.project.path().join(name)).unwrap(),
                Step::File { name, text } => self.project.file(name, text),
                Step::Env { name, value } => self.env.push((name.clone(), value.clone())),
                Step::Stdin(text) => self.stdin = Some(text.clone()),
                Step::Call { line, words, wants } => {
                    let before = self.complaints.len();
                    self.call(words, wants);
                    self.name_them(before, *line, section, words);
                }
                Step::Author { line, words } => {
                    let before = self.complaints.len();
                    self.author(words);
                    self.name_them(before, *line, section, words);
                }
            }
        }
        self.complaints
    }

    fn name_them(&mut self, from: usize, line: usize, section: &Section, words: &[String]) {
        let mut told = self.complaints.split_off(from);
        told.dedup();
        if !told.is_empty() {
            let call = words.join(" ");
            self.complaints.push(format!(
                "line {line} ({}): {call}\n    {}",
                section.title,
                told.join("\n    ")
            ));
        }
    }

    fn check(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(complaint());
        }
    }

    /// Puts in what was kept.
    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.kept.iter().rev() {
            text = text.replace(&format!("${name}"), value);
        }
        text.replace("$HERE", &self.project.path().to_string_lossy())
    }

    fn who(&self) -> [&'static str; 2] {
        if self.named { ["--name", "Zoe-1"] } else { ["--actor", "human:zoe"] }
    }

    fn run(&self, words: &[String], more: &[&str], stdin: Option<&str>) -> Run {
        let filled = words.iter().flat_map(|word| match word.as_str() {
            "$who" => self.who().map(str::to_owned).to_vec(),
            word => vec![self.filled(word)],
        });
        let mut line: Vec<String> = filled.collect();
        // What stands behind `--` is no flag.
        let end = line.iter().position(|word| word == "--").unwrap_or(line.len());
        line.splice(end..end, more.iter().map(|&word| word.to_owned()));
        let mut command = self.project.command(line);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(text) = stdin {
            self.project.file("stdin-of-this-row", text);
            command.stdin(std::fs::File::open(self.project.path().join("stdin-of-this-row")).unwrap());
        }
        Run::of(command.output().unwrap())
    }

    fn call(&mut self, words: &[String], wants: &[Want]) {
        let stdin = self.stdin.take();
        if let Some((code, message)) = wants.iter().find_map(|want| match want {
            Want::Refused { code, message } => Some((code, message)),
            _ => None,
        }) {
            return self.refused(words, code, message, stdin.as_deref(), &[&["--json", "--quiet"], &[]]);
        }
        let json = wants
            .iter()
            .any(|want| matches!(want, Want::Shape { .. } | Want::Member { .. } | Want::Keep { .. }));
        let run = self.run(words, if json { &["--json"] } else { &[] }, stdin.as_deref());
        let exit =
            wants.iter().find_map(|want| if let Want::Exit(status) = want { Some(*status) } else { None });
        self.check(run.status == exit.unwrap_or(0), || format!("{run:?}"));
        let warned = wants.iter().any(|want| matches!(want, Want::Stderr(_)));
        self.check(warned || run.stderr.is_empty(), || format!("stderr: {}", run.stderr));
        let document: Value = if json { self.document(&run) } else { Value::Null };
        self.lines(&run, wants);
        for want in wants {
            match want {
                Want::Contains(text) => {
                    let text = self.filled(text);
                    self.check(run.stdout.contains(&text), || {
                        format!("not in stdout: {text}\n{}", run.stdout)
                    });
                }
                Want::Stderr(text) => {
                    self.check(run.stderr.contains(text), || format!("stderr: {}", run.stderr));
                }
                Want::Shape { name, beside } => {
                    let complaints = shapes::complaints(name, beside, &document);
                    self.complaints.extend(complaints);
                }
                Want::Member { pointer, value } => {
                    let value: Value = serde_json::from_str(&self.filled(value)).unwrap();
                    let found = document.pointer(pointer);
                    self.check(found == Some(&value), || format!("{pointer} is {found:?} in {document}"));
                }
                Want::Keep { name, pointer } => match document.pointer(pointer) {
                    Some(Value::String(text)) => drop(self.kept.insert(name.clone(), text.clone())),
                    Some(other) => drop(self.kept.insert(name.clone(), other.to_string())),
                    None => self.complaints.push(format!("no {pointer} in {document}")),
                },
                Want::Line(_) | Want::Exit(_) | Want::Refused { .. } => {}
            }
        }
    }

    fn lines(&mut self, run: &Run, wants: &[Want]) {
        let lines: Vec<String> = wants
            .iter()
            .filter_map(|want| if let Want::Line(line) = want { Some(self.filled(line)) } else { None })
            .collect();
        if !lines.is_empty() {
            let expected = if lines == [""] { String::new() } else { lines.join("\n") + "\n" };
            self.check(run.stdout == expected, || format!("printed: {:?}", run.stdout));
        }
    }

    fn document(&mut self, run: &Run) -> Value {
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| {
            self.complaints.push(format!("{error}: {run:?}"));
            Value::Null
        })
    }

    /// The call is refused in every form, and nothing has changed.
    fn refused(
        &mut self,
        words: &[String],
        code: &str,
        message: &str,
        stdin: Option<&str>,
        forms: &[&[&str]],
    ) {
        let Some(&status) = STATUS.get(code) else {
            return self.complaints.push(format!("docs/errors.md does not know {code}"));
        };
        let before = self.arrived();
        for more in forms {
            let run = self.run(words, more, stdin);
            self.check(run.status == status, || format!("exit {status} expected: {run:?}"));
            if more.first() == Some(&"--json") {
                self.check(run.stderr.is_empty(), || format!("stderr beside --json: {}", run.stderr));
                let document = self.document(&run);
                let found = document.pointer("/error/code").and_then(Value::as_str);
                self.check(found == Some(code), || format!("refused otherwise: {document}"));
                let text = document.pointer("/error/message").and_then(Value::as_str).unwrap_or("");
                let message = self.filled(message);
                self.check(text.contains(&message), || format!("{message:?} is not in {text:?}"));
                let complaints = shapes::refusal(&document);
                self.complaints.extend(complaints);
            } else {
                self.check(run.stdout.is_empty(), || format!("stdout of a refusal: {}", run.stdout));
                // What is wrong with the words of a call is told as the parser tells it.
                let named = code == "USAGE" || run.stderr.contains(&format!("[{code}]"));
                let good = run.stderr.starts_with("Error: ") && named;
                self.check(good, || format!("stderr: {}", run.stderr));
            }
        }
        let after = self.arrived();
        self.check(before == after, || format!("a refusal wrote: {before:?}, then {after:?}"));
    }

    /// Every change takes the same options of authorship.
    fn author(&mut self, words: &[String]) {
        const JSON: &[&[&str]] = &[&["--json"]];
        if self.named {
            return self.author_is_a_session(words);
        }
        let env = std::mem::take(&mut self.env);
        let with = |more: &[&str]| -> Vec<String> {
            words.iter().cloned().chain(more.iter().map(|&word| word.to_owned())).collect()
        };
        self.refused(words, "MISSING_ACTOR", "", None, JSON);
        for bad in ["robot:x", "agent", "agent:", ":x", ""] {
            self.refused(&with(&["--actor", bad]), "INVALID_ACTOR", "", None, JSON);
        }
        self.refused(&with(&["--name", "Nobody-9"]), "SESSION_NOT_FOUND", "Nobody-9", None, JSON);
        let for_nobody = with(&["--actor", "agent:a", "--on-behalf-of", "nobody"]);
        self.refused(&for_nobody, "INVALID_ACTOR", "nobody", None, JSON);
        self.env = vec![("LATTICE_ACTOR".to_owned(), "agent:hidden".to_owned())];
        let all = with(&[
            "--actor",
            "human:zoe",
            "--model",
            "m-1",
            "--session",
            "s-1",
            "--triggered-by",
            "a push",
            "--on-behalf-of",
            "team:core",
            "--reason",
            "because",
            "--quiet",
        ]);
        let run = self.run(&all, &[], None);
        self.check(run.status == 0 && run.stderr.is_empty(), || format!("{run:?}"));
        let (_, event) = self.arrived().unwrap();
        let event: Value = serde_json::from_str(&event).unwrap();
        let kept = json!([event["actor"], event["agent_meta"], event["provenance"]]);
        let expected = json!([
            "human:zoe",
            {"model": "m-1", "session": "s-1"},
            {"triggered_by": "a push", "on_behalf_of": "team:core", "reason": "because"},
        ]);
        self.check(kept == expected, || format!("the event keeps {kept}"));
        self.env = env;
    }

    /// A session is kept with all that is known of it.
    fn author_is_a_session(&mut self, words: &[String]) {
        let run = self.run(words, &["--name", "Zoe-1", "--quiet"], None);
        self.check(run.status == 0 && run.stderr.is_empty(), || format!("{run:?}"));
        let (_, event) = self.arrived().unwrap();
        let event: Value = serde_json::from_str(&event).unwrap();
        let id = event["actor"]["session"].as_str().unwrap_or_default().to_owned();
        let expected =
            json!({"name": "Zoe-1", "base_name": "Zoe", "serial": 1, "session": id, "model": "human"});
        self.check(event["actor"] == expected && !id.is_empty(), || {
            format!("the event keeps {}", event["actor"])
        });
    }

    /// How many events there are, and the last.
    fn arrived(&self) -> Option<(i64, String)> {
        let file = self.project.database();
        file.exists().then(|| {
            let database = rusqlite::Connection::open(file).unwrap();
            let last = "SELECT seq, raw FROM events ORDER BY seq DESC LIMIT 1";
            database.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        })
    }
}
