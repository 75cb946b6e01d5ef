//! Reading a line of a batch: one command, and the name of what it makes.

use serde_json::{Map, Value};

use super::commands::{COMMANDS, Entry, NAMING, Wish};
use super::fields::Fields;
use crate::app::identity::Identity;
use crate::app::{Code, Failure};
use crate::domain::event::{EventError, MAX_BYTES, strict_json};

/// A line that reads.
pub struct Line {
    /// The name that it gives to what it makes.
    pub name: Option<String>,
    /// The command's name.
    pub command: &'static str,
    /// Who writes.
    pub who: Identity,
    /// What it wants.
    pub wish: Wish,
}

impl Line {
    /// Reads a line. What it does not say of the author stands in `common`.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub fn read(bytes: &[u8], common: &Identity) -> Result<Self, Failure> {
        let mut members = object(bytes)?;
        let name = match members.remove("as") {
            None => None,
            Some(Value::String(name)) if is_name(&name) => Some(name),
            Some(_) => {
                return Err(invalid("`as` is no name")
                    .hint("a letter, then up to 63 letters, digits, underscores or dashes"));
            }
        };
        let (&(command, take), arguments) = command(members)?;
        if name.is_some() && !NAMING.contains(&command) {
            return Err(invalid(format!("{command} makes nothing that `as` could name"))
                .hint(format!("`as` stands beside {}", NAMING.join(", "))));
        }
        let mut fields = Fields::new(command, arguments);
        let who = fields.author(common);
        let wish = take(&mut fields);
        fields.finish()?;
        Ok(Self { name, command, who, wish })
    }
}

/// The one command of a line, and its arguments.
fn command(mut members: Map<String, Value>) -> Result<(&'static Entry, Map<String, Value>), Failure> {
    let Some(entry) = COMMANDS.iter().find(|(name, _)| members.contains_key(*name)) else {
        let Some(other) = members.keys().next() else {
            return Err(invalid("no command is named").hint(EXAMPLE));
        };
        let known: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        return Err(invalid(format!("`{other}` is no command of a batch"))
            .hint(format!("commands: {}", known.join(", "))));
    };
    let name = entry.0;
    let arguments = members.remove(name).unwrap_or_default();
    if let Some(other) = members.keys().next() {
        return Err(invalid(format!("`{other}` stands beside `{name}`"))
            .hint("a line holds one command, its arguments inside, and `as`"));
    }
    match arguments {
        Value::Object(arguments) => Ok((entry, arguments)),
        _ => Err(invalid(format!("the arguments of {name} are no object")).hint(EXAMPLE)),
    }
}

const EXAMPLE: &str = "write a line such as {\"create\":{\"title\":\"Parser\"},\"as\":\"p\"}";

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.len() > MAX_BYTES {
        return Err(invalid(format!("it is longer than {} MiB", MAX_BYTES >> 20))
            .hint("keep long material in a file, and write where it is"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        invalid(format!("it is not UTF-8 text (byte {})", error.valid_up_to() + 1))
            .hint("convert the input to UTF-8 first")
    })?;
    match strict_json(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(invalid("it is JSON, but no object").hint(EXAMPLE)),
        Err(EventError::Json(_)) => Err(invalid(why(text)).hint(EXAMPLE)),
        Err(error) => Err(invalid(error.to_string()).hint("name each member once")),
    }
}

/// What keeps a text from being JSON, and where.
fn why(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Err(error) if error.is_eof() => "the JSON ends in the middle".to_owned(),
        Err(error) => format!("it is no JSON from column {} on", error.column()),
        Ok(_) => "it is no JSON".to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Code::ValidationError, message)
}
