//! How rows are written.
//!
//! ```text
//! == what this section is about              a fresh tracker with the project code LAT
//! empty                                      … or an empty folder
//! file NAME "text"                           a file in it; the text as a JSON string
//! folder NAME                                a folder in it
//! env NAME=VALUE                             for the calls of this section
//! stdin "text"                               for the next call
//! $ create "A title" --priority high         a call, by agent:test; it must end with 0
//! > LAT-1                                    … and print exactly these lines
//! ~ LAT-1                                    … or something with this in it
//! ? over its limit                           … and this on standard error, which is empty else
//! : task                                     … with --json: `data` has this shape, to the member
//! : task +task_context                       … and the document this member more
//! .status = "backlog"                        … and this value in `data`
//! /warnings/0 = "…"                          … or in the document
//! c := .last_event_id                        keeps a value; `$c` stands for it from here on
//! exit 1                                     … and ends with this
//! ! CODE a word                              the call is refused, with --json and without, by
//!                                            this code, its exit status, this in its message;
//!                                            nothing has changed
//! $ … $who                                  the author of the `author` call: `--actor …`, `--name …`
//! author assign LAT-1 agent:x                the call takes and keeps every common option of
//!                                            changes, and is refused without a good author; the
//!                                            section is played again for a session as author
//! ```

/// A part of a file with a tracker of its own.
#[derive(Debug)]
pub struct Section {
    pub title: String,
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug)]
pub enum Step {
    Empty,
    Folder(String),
    File { name: String, text: String },
    Env { name: String, value: String },
    Stdin(String),
    Call { line: usize, words: Vec<String>, wants: Vec<Want> },
    Author { line: usize, words: Vec<String> },
}

/// What a call must answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Want {
    Line(String),
    Contains(String),
    Stderr(String),
    Shape { name: String, beside: Vec<String> },
    Member { pointer: String, value: String },
    Keep { name: String, pointer: String },
    Exit(i32),
    Refused { code: String, message: String },
}

/// Reads a file of rows.
pub fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (n, raw) in text.lines().enumerate() {
        let line = raw.trim();
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        if first == "==" {
            sections.push(Section { title: rest.to_owned(), steps: Vec::new() });
            continue;
        }
        if line.is_empty() || first.starts_with('#') {
            continue;
        }
        let section = sections.last_mut().unwrap_or_else(|| panic!("line {}: no section yet", n + 1));
        let step = match first {
            "empty" => Step::Empty,
            "folder" => Step::Folder(rest.to_owned()),
            "file" => {
                let (name, text) = rest.split_once(' ').unwrap();
                Step::File { name: name.to_owned(), text: quoted(text) }
            }
            "env" => {
                let (name, value) = rest.split_once('=').unwrap();
                Step::Env { name: name.to_owned(), value: value.to_owned() }
            }
            "stdin" => Step::Stdin(quoted(rest)),
            "$" => Step::Call { line: n + 1, words: words(rest), wants: Vec::new() },
            "author" => Step::Author { line: n + 1, words: words(rest) },
            _ => {
                let want = want(first, rest).unwrap_or_else(|| panic!("line {}: {line}", n + 1));
                match section.steps.last_mut() {
                    Some(Step::Call { wants, .. }) => wants.push(want),
                    _ => panic!("line {}: no call to ask this of", n + 1),
                }
                continue;
            }
        };
        section.steps.push(step);
    }
    sections
}

fn want(first: &str, rest: &str) -> Option<Want> {
    Some(match first {
        ">" => Want::Line(rest.to_owned()),
        "~" => Want::Contains(rest.to_owned()),
        "?" => Want::Stderr(rest.to_owned()),
        "exit" => Want::Exit(rest.parse().ok()?),
        ":" => {
            let mut parts = rest.split_whitespace();
            let name = parts.next()?.to_owned();
            Want::Shape { name, beside: parts.map(|p| p.trim_start_matches('+').to_owned()).collect() }
        }
        "!" => {
            let (code, message) = rest.split_once(' ').unwrap_or((rest, ""));
            Want::Refused { code: code.to_owned(), message: message.to_owned() }
        }
        _ if first.starts_with(['.', '/']) => {
            Want::Member { pointer: pointer(first), value: rest.strip_prefix("= ")?.to_owned() }
        }
        name => Want::Keep { name: name.to_owned(), pointer: pointer(rest.strip_prefix(":= ")?) },
    })
}

/// `.a.0` is in `data`, `/a/0` in the document.
fn pointer(text: &str) -> String {
    match text.strip_prefix('.') {
        Some("") => "/data".to_owned(),
        Some(path) => format!("/data/{}", path.replace('.', "/")),
        None => text.to_owned(),
    }
}

fn words(text: &str) -> Vec<String> {
    shlex::split(text).unwrap_or_else(|| panic!("an open quote: {text}"))
}

fn quoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
