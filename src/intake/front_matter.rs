//! A Markdown file with YAML between two lines of `---` at its top.

use std::path::Path;

use serde_json::{Map, Value};

use super::invalid;
use super::members::Members;
use crate::app::{Failure, Place};

const MEND: &str = "mend the lines between the two `---`";

/// The members of the front matter, and the Markdown behind it; `None` for a file that has none.
///
/// # Errors
/// `IMPORT_INVALID` with the line that is no YAML.
pub(super) fn split(text: &str, file: &Path) -> Result<Option<(Members, String)>, Failure> {
    let text = text.replace("\r\n", "\n");
    let Some(inside) = text.strip_prefix("---\n") else { return Ok(None) };
    let Some(end) = inside.find("\n---\n").or_else(|| inside.strip_suffix("\n---").map(str::len)) else {
        return Ok(None);
    };
    let (yaml, body) = (&inside[..=end], inside.get(end + 5..).unwrap_or_default());
    let place = |line| Place { file: file.to_path_buf(), line };
    let value: Value = serde_saphyr::from_str(&quoted(yaml)).map_err(|error| {
        let line = error.location().map(|at| usize::try_from(at.line()).unwrap_or(0) + 1);
        let words = error.without_snippet().to_string();
        let words = words.lines().next().unwrap_or_default();
        invalid(&place(line), &format!("not YAML: {words}"), MEND)
    })?;
    match value {
        Value::Object(map) => Ok(Some((Members { map, place: place(Some(1)) }, body.to_owned()))),
        Value::Null => Ok(Some((Members { map: Map::new(), place: place(Some(1)) }, body.to_owned()))),
        _ => Err(invalid(&place(Some(1)), "the front matter is no mapping", MEND)),
    }
}

/// Backlog.md writes names such as `@ada` bare, with which no YAML may begin, and puts the quotes
/// there before it reads them; so does this.
fn quoted(yaml: &str) -> String {
    let line = |line: &str| {
        let quote = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        if let Some((key, value)) = line.split_once(':')
            && matches!(key.trim(), "assignee" | "reporter")
        {
            let value = value.trim();
            if value.starts_with('@') {
                return format!("{key}: {}", quote(value));
            }
            if let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let names = list.split(',').map(str::trim).map(|name| match name.starts_with('@') {
                    true => quote(name),
                    false => name.to_owned(),
                });
                return format!("{key}: [{}]", names.collect::<Vec<_>>().join(", "));
            }
        }
        match line.trim_start().strip_prefix("- @") {
            Some(name) => {
                format!("{}- {}", &line[..line.len() - line.trim_start().len()], quote(&format!("@{name}")))
            }
            None => line.to_owned(),
        }
    };
    yaml.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_quotes_are_read_as_backlog_reads_them() {
        let text = "---\nid: BACK-1\nassignee: @ada\nreporter: [@bo, 'c']\nnames:\n  - @dee\n---\n\nBody\n---\nmore\n";
        let (members, body) = split(text, Path::new("f")).unwrap().unwrap();
        let expected = serde_json::json!({
            "id": "BACK-1", "assignee": "@ada", "reporter": ["@bo", "c"], "names": ["@dee"],
        });
        assert_eq!(Value::Object(members.map), expected);
        assert_eq!(body, "\nBody\n---\nmore\n");
    }

    #[test]
    fn what_is_no_front_matter_is_none_or_named_by_its_line() {
        assert!(split("# Heading\n", Path::new("f")).unwrap().is_none());
        assert!(split("---\nid: 1\n", Path::new("f")).unwrap().is_none());
        assert!(split("---\n---\n", Path::new("f")).unwrap().is_none());
        assert!(split("---\r\nid: x\r\n---", Path::new("f")).unwrap().is_some());
        for (text, line) in [
            ("---\nid: 1\ntitle: [a\n---\n", None),
            ("---\nid: 1\nid: 2\n---\n", Some(3)),
            ("---\n- a\n---\n", Some(1)),
            ("---\nid: *nobody\n---\n", Some(2)),
        ] {
            let failure = split(text, Path::new("f")).unwrap_err();
            assert!(failure.message.starts_with("f:"), "{failure}");
            if let Some(line) = line {
                assert!(failure.message.starts_with(&format!("f:{line}: ")), "{failure}");
            }
            assert!(!failure.message.contains('\n'), "{failure}");
        }
    }

    #[test]
    fn references_do_not_grow_without_bound() {
        let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = format!("*a{}", n - 1);
            yaml.push_str(&format!("a{n}: &a{n} [{}]\n", vec![before; 10].join(", ")));
        }
        assert!(split(&format!("---\n{yaml}---\n"), Path::new("f")).is_err());
    }
}
