//! The members of a record: a reader takes those that it knows, and what is left is kept.

use serde_json::{Map, Value};

use super::invalid;
use crate::app::{Failure, Place};
use crate::domain::Timestamp;
use crate::domain::foreign::parse_time;

const MEND: &str = "mend it there, or leave it out";

/// An object as it was read, and where.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub(super) map: Map<String, Value>,
    pub(super) place: Place,
}

impl Members {
    fn wrong(&self, name: &str, what: &str) -> Failure {
        invalid(&self.place, &format!("`{name}` is {what}"), MEND)
    }

    /// Takes a text; numbers count as theirs. `None` if it is absent or null.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it is something else.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(name, "no text")),
        }
    }

    /// The same for a text that must be there and not be blank.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it is not.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, Failure> {
        match self.text(name)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.trim().to_owned()),
            None => Err(self.wrong(name, "missing or empty")),
        }
    }

    /// Takes a time; none where the text is blank.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it is no time.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.text(name)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        // How Go writes a time that was never set.
        if text.starts_with("0001-01-01") {
            return Ok(None);
        }
        parse_time(&text).map(Some).ok_or_else(|| self.wrong(name, &format!("no time: {}", text.trim())))
    }

    /// Takes a list of texts, or one text alone. `None` if it is absent or null.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it holds something else.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let list = match self.map.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(one) => vec![one],
        };
        let mut texts = Vec::new();
        for one in list {
            match one {
                Value::String(text) => texts.push(text.trim().to_owned()),
                Value::Number(number) => texts.push(number.to_string()),
                _ => return Err(self.wrong(name, "no list of texts")),
            }
        }
        texts.retain(|text| !text.is_empty());
        Ok(Some(texts))
    }

    /// Takes a list of objects; none if it is absent or null.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it is something else.
    pub(super) fn objects(&mut self, name: &str) -> Result<Option<Vec<Self>>, Failure> {
        let list = match self.map.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(self.wrong(name, "no list")),
        };
        let one = |value| match value {
            Value::Object(map) => Ok(Self { map, place: self.place.clone() }),
            _ => Err(self.wrong(name, "no list of objects")),
        };
        list.into_iter().map(one).collect::<Result<_, _>>().map(Some)
    }

    /// Takes an object; none if it is absent or null.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if it is something else.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Failure> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { map, place: self.place.clone() })),
            Some(_) => Err(self.wrong(name, "no object")),
        }
    }

    /// Throws members away that follow from others.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.map.remove(*name);
        }
    }

    /// What is left, without members that say nothing.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.map.into_iter().filter(|(_, value)| says_something(value)).collect()
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
