//! How the calls are written.
//!
//! ```text
//! == a title               two fresh folders, each with a tracker of its program, code LAT
//! bare                     … without one
//! file NAME "text"         a file in both
//! stdin "text"             for the next call
//! setting a.b {"c": 1}     a setting in both
//! plan LAT-1 "text"        a plan in both
//! second                   a second passes: times of the predecessor are in whole ones
//! $ create "A title"       a call; `--json` and `--actor agent:test` are put behind it where the
//!                          predecessor knows these flags and nothing like them stands there
//! % next                   a call as it stands
//! c := .last_event_id      keeps a value of the last answer of each side; `$c` stands for it
//! ```

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Calls on one pair of folders.
pub struct Section {
    pub title: String,
    pub steps: Vec<Step>,
}

/// One thing to do on both sides.
pub enum Step {
    Bare,
    Second,
    File { name: String, text: String },
    Stdin(String),
    Setting { path: String, value: String },
    Plan { task: String, text: String },
    Keep { name: String, pointer: String },
    Call { line: usize, words: Vec<String>, text: String },
}

impl Section {
    /// Whether there is no tracker to begin with.
    pub fn is_bare(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Bare))
    }
}

/// Flags of the predecessor by command.
static FLAGS: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let page = include_str!("../contract/predecessor.txt");
    let row = |line: &'static str| {
        line.split_once(':').map(|(name, flags)| (name, flags.split_whitespace().collect()))
    };
    page.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect()
});

/// Reads the calls.
pub fn read(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (n, line) in text.lines().map(str::trim).enumerate() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if first == "==" {
            sections.push(Section { title: rest.to_owned(), steps: Vec::new() });
        } else if !line.is_empty() && !first.starts_with('#') {
            sections.last_mut().unwrap().steps.push(step(n + 1, first, rest));
        }
    }
    sections
}

fn step(line: usize, first: &str, rest: &str) -> Step {
    let two = || {
        let (a, b) = rest.split_once(' ').unwrap_or_else(|| panic!("calls.txt, line {line}"));
        (a.to_owned(), b.to_owned())
    };
    let quoted = |text: &str| -> String {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("calls.txt, line {line}: {error}"))
    };
    let call = |words: Vec<String>| Step::Call { line, words, text: rest.to_owned() };
    let split = || shlex::split(rest).unwrap_or_else(|| panic!("calls.txt, line {line}: an open quote"));
    match first {
        "bare" => Step::Bare,
        "second" => Step::Second,
        "file" => Step::File { name: two().0, text: quoted(&two().1) },
        "stdin" => Step::Stdin(quoted(rest)),
        "setting" => Step::Setting { path: two().0, value: two().1 },
        "plan" => Step::Plan { task: two().0, text: quoted(&two().1) },
        "%" => call(split()),
        "$" => call(completed(split())),
        name => match rest.strip_prefix(":= .") {
            Some(path) => {
                Step::Keep { name: name.to_owned(), pointer: format!("/data/{}", path.replace('.', "/")) }
            }
            None => panic!("calls.txt, line {line}: what is {name}?"),
        },
    }
}

/// With the flags that almost every call needs.
fn completed(mut words: Vec<String>) -> Vec<String> {
    let two = words.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
    let flags = FLAGS.get(two.as_str()).or_else(|| FLAGS.get(words[0].as_str()));
    let has = |flag: &str| flags.is_some_and(|flags| flags.contains(&flag));
    let stands = |words: &[String], flag: &str| words.iter().any(|word| word == flag);
    let is_reading = words[0] == "next" || words[0] == "init";
    if has("--actor")
        && !is_reading
        && !stands(&words, "--actor")
        && !(has("--actor") && stands(&words, "--name"))
    {
        words.extend(["--actor".to_owned(), "agent:test".to_owned()]);
    }
    if has("--json") && !stands(&words, "--json") && !stands(&words, "--quiet") {
        words.push("--json".to_owned());
    }
    words
}
