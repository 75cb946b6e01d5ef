//! JSON objects out of a text, each with the line on which it begins: a list of them, one on each
//! line, or one after the other.

use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::invalid;
use super::members::Members;
use crate::app::{Failure, Place};
use crate::domain::event::{MAX_BYTES, strict_json};

const MEND: &str = "write it anew with the other tracker, or mend that line";

/// All objects of a text.
///
/// # Errors
/// `IMPORT_INVALID` with the line that is no JSON, no object, or too long.
pub(super) fn all(text: &str, file: &Path) -> Result<Vec<Members>, Failure> {
    let mut objects = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| broken(file, error.line(), &error))?;
        if !value.get().starts_with('[') {
            objects.push(object(value, file, &mut lines)?);
            continue;
        }
        let begin = lines.of(value.get());
        let list: Vec<&RawValue> = serde_json::from_str(value.get())
            .map_err(|error| broken(file, begin + error.line().saturating_sub(1), &error))?;
        for value in list {
            objects.push(object(value, file, &mut lines)?);
        }
    }
    Ok(objects)
}

fn broken(file: &Path, line: usize, error: &serde_json::Error) -> Failure {
    let place = Place { file: file.to_path_buf(), line: Some(line) };
    // Its own words name a place in a part of the text.
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    invalid(&place, &format!("not JSON: {words}"), MEND)
}

fn object(value: &RawValue, file: &Path, lines: &mut Lines<'_>) -> Result<Members, Failure> {
    let place = Place { file: file.to_path_buf(), line: Some(lines.of(value.get())) };
    if value.get().len() > MAX_BYTES {
        return Err(invalid(&place, &format!("a record has more than {MAX_BYTES} bytes"), MEND));
    }
    match strict_json(value.get()).map_err(|error| invalid(&place, &error.to_string(), MEND))? {
        Value::Object(map) => Ok(Members { map, place }),
        _ => Err(invalid(&place, "not a JSON object", MEND)),
    }
}

/// Finds the lines of parts of a text, walking on from the last part.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, part: &str) -> usize {
        let place = part.as_ptr() as usize - self.text.as_ptr() as usize;
        let between = self.text.as_bytes().get(self.at..place).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = self.at.max(place);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<usize>, String> {
        let found = all(text, Path::new("f")).map_err(|failure| failure.message)?;
        Ok(found.into_iter().map(|object| object.place.line.unwrap_or_default()).collect())
    }

    #[test]
    fn a_list_and_lines_read_the_same() {
        assert_eq!(lines("[\n{\"a\":1},\n\n{\"b\":[{}]}]\n"), Ok(vec![2, 4]));
        assert_eq!(lines("{\"a\":1}\n\n{\"b\":[{}]}\n"), Ok(vec![1, 3]));
        assert_eq!(lines("{\n\"a\":1}{}[]"), Ok(vec![1, 2]));
        assert_eq!(lines(" \n"), Ok(vec![]));
    }

    #[test]
    fn what_is_broken_is_named_by_its_line() {
        for (text, message) in [
            ("{}\n{\"a\":}\n", "f:2: not JSON: expected value"),
            ("{}\n<<<<<<< HEAD\n", "f:2: not JSON: expected value"),
            ("[{},\n 3]", "f:2: not a JSON object"),
            ("{}\n{\"a\":1,\"a\":2}", "f:2: `a` appears twice in one object"),
            ("[{}\n", "f:2: not JSON: EOF while parsing a list"),
        ] {
            assert_eq!(lines(text), Err(message.to_owned()), "{text}");
        }
    }
}
