//! Taking the members of a command apart: each is asked for once, and what nobody asks for is
//! refused.

use serde_json::{Map, Value};

use crate::app::identity::Identity;
use crate::app::{Code, Failure};
use crate::domain::split_tags;

/// The members of one command. Asking never fails; [`Fields::finish`] tells of the first fault, so
/// that a slip in a name is not told as a member that is missing.
pub struct Fields {
    command: &'static str,
    members: Map<String, Value>,
    asked: Vec<&'static str>,
    fault: Option<Failure>,
}

impl Fields {
    /// The members of this command.
    pub fn new(command: &'static str, members: Map<String, Value>) -> Self {
        Self { command, members, asked: Vec::new(), fault: None }
    }

    /// A text that may be absent.
    pub fn maybe(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => self.plain(key, text),
            _ => self.wrong(key, "a text"),
        }
    }

    /// A text that must be there.
    pub fn text(&mut self, key: &'static str) -> String {
        let text = self.maybe(key);
        if text.is_none() {
            self.refuse(&format!("{} lacks `{key}`", self.command));
        }
        text.unwrap_or_default()
    }

    /// A text or null, one of which must be there.
    pub fn nullable(&mut self, key: &'static str) -> Option<String> {
        match self.members.get(key) {
            Some(Value::Null) => self.maybe(key),
            _ => Some(self.text(key)),
        }
    }

    /// Notes that the members do not fit together.
    pub fn refuse(&mut self, message: &str) {
        let fault = || invalid(self.command, message.to_owned());
        self.fault.get_or_insert_with(fault);
    }

    /// A flag that must be set, because the command does nothing else here.
    pub fn must_be_set(&mut self, key: &'static str) {
        if !self.flag(key) {
            self.refuse(&format!("{} needs `{key}`: true here", self.command));
        }
    }

    /// A flag; absent is false.
    pub fn flag(&mut self, key: &'static str) -> bool {
        match self.take(key) {
            None => false,
            Some(Value::Bool(set)) => set,
            Some(_) => self.wrong(key, "true or false").unwrap_or_default(),
        }
    }

    /// A list of texts, or one text with commas.
    pub fn list(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        self.commas(key, value).map(|text| split_tags(&text))
    }

    /// A whole number; absent is none.
    pub fn number(&mut self, key: &'static str) -> Option<i64> {
        let value = self.take(key)?;
        value.as_i64().or_else(|| self.wrong(key, "a whole number"))
    }

    /// Any value but null, which must be there.
    pub fn value(&mut self, key: &'static str) -> Value {
        let value = self.take(key);
        if value.is_none() {
            self.refuse(&format!("{} lacks `{key}`", self.command));
        }
        value.unwrap_or_default()
    }

    /// An object.
    pub fn object(&mut self, key: &'static str) -> Map<String, Value> {
        match self.take(key) {
            None => Map::new(),
            Some(Value::Object(map)) => map,
            Some(_) => self.wrong(key, "an object").unwrap_or_default(),
        }
    }

    /// Who writes: what stands here before what stands in `common`.
    pub fn author(&mut self, common: &Identity) -> Identity {
        let mut who = common.clone();
        let (name, actor) = (self.maybe("name"), self.maybe("actor"));
        if name.is_some() || actor.is_some() {
            (who.name, who.actor) = (name, actor);
        }
        for (key, place) in [
            ("model", &mut who.model),
            ("session", &mut who.session),
            ("triggered_by", &mut who.triggered_by),
            ("on_behalf_of", &mut who.on_behalf_of),
            ("reason", &mut who.reason),
        ] {
            if let Some(text) = self.maybe(key) {
                *place = Some(text);
            }
        }
        // Of a fault only the command's own members are told.
        self.asked.clear();
        who
    }

    /// All members that nobody asked for, as text: fields to set, null clearing them.
    pub fn rest(&mut self) -> Vec<(String, String)> {
        let mut rest = Vec::new();
        for (key, value) in std::mem::take(&mut self.members) {
            let text = match value {
                Value::Null => Some(String::new()),
                value => self.commas(&key, value),
            };
            rest.extend(text.map(|text| (key, text)));
        }
        rest
    }

    /// What was asked for, for the tests that hold it against the command line.
    #[must_use]
    pub fn asked(&self) -> &[&'static str] {
        &self.asked
    }

    /// The end of asking.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`: a member that nobody asked for, else the first one that was wrong.
    pub fn finish(self) -> Result<(), Failure> {
        if let Some(unknown) = self.members.keys().next() {
            return Err(Failure::new(
                Code::ValidationError,
                format!("{} has no member `{unknown}`", self.command),
            )
            .hint(format!(
                "its members: {}; of the author: actor, name, model, session, triggered_by, on_behalf_of, reason",
                self.asked.join(", ")
            )));
        }
        self.fault.map_or(Ok(()), Err)
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.members.remove(key).filter(|value| !value.is_null())
    }

    fn commas(&mut self, key: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) => self.plain(key, text),
            Value::Array(list) => {
                let mut texts = Vec::with_capacity(list.len());
                for item in list {
                    match item {
                        Value::String(text) if !text.contains(',') => texts.push(self.plain(key, text)?),
                        _ => return self.wrong(key, "a text, or a list of texts without commas"),
                    }
                }
                Some(texts.join(","))
            }
            _ => self.wrong(key, "a text, or a list of texts"),
        }
    }

    /// A NUL would cut the text off wherever somebody reads it as C does.
    fn plain(&mut self, key: &str, text: String) -> Option<String> {
        if text.contains('\0') { self.wrong(key, "a text without NUL") } else { Some(text) }
    }

    fn wrong<T>(&mut self, key: &str, right: &str) -> Option<T> {
        let fault = || invalid(self.command, format!("`{key}` of {} must be {right}", self.command));
        self.fault.get_or_insert_with(fault);
        None
    }
}

fn invalid(command: &str, message: String) -> Failure {
    Failure::new(Code::ValidationError, message)
        .hint(format!("`lattice {command} --help` names the members, an underscore for a dash"))
}
