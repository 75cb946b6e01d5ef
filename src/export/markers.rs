//! The lines that git leaves in a file which it could not merge.

use std::path::Path;

const LENGTH: usize = 7;

/// Whether a line of an event log is a marker. An event never begins so.
pub(super) fn is_marker(line: &[u8]) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| begins(line, marker.as_bytes()))
}

fn begins(line: &[u8], marker: &[u8]) -> bool {
    line.starts_with(marker) && line.get(LENGTH).is_none_or(|next| next.is_ascii_whitespace())
}

/// A text that git could not merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The first marker's line, from 1.
    pub(super) line: usize,
    /// The text as either side has it; `None` where the markers are no longer whole.
    pub(super) sides: Option<[String; 2]>,
}

/// The two texts behind a text with markers, `None` if there are no markers. A line of `=` counts
/// only between the others: in Markdown it underlines a heading.
pub(super) fn conflict(text: &str) -> Option<Conflict> {
    #[derive(PartialEq)]
    enum At {
        Both,
        Ours,
        Base,
        Theirs,
    }
    let mut at = At::Both;
    let mut first = None;
    let mut whole = true;
    let [mut ours, mut theirs] = [String::new(), String::new()];
    for (place, line) in text.split_inclusive('\n').enumerate() {
        let is = |marker: &str| begins(line.as_bytes(), marker.as_bytes());
        let next = match at {
            At::Both if is("<<<<<<<") => Some(At::Ours),
            At::Ours if is("|||||||") => Some(At::Base),
            At::Ours | At::Base if is("=======") => Some(At::Theirs),
            At::Theirs if is(">>>>>>>") => Some(At::Both),
            _ => {
                if is("<<<<<<<") || is(">>>>>>>") {
                    whole = false;
                    first.get_or_insert(place + 1);
                }
                None
            }
        };
        if let Some(next) = next {
            first.get_or_insert(place + 1);
            at = next;
            continue;
        }
        if matches!(at, At::Both | At::Ours) {
            ours.push_str(line);
        }
        if matches!(at, At::Both | At::Theirs) {
            theirs.push_str(line);
        }
    }
    let whole = whole && at == At::Both;
    first.map(|line| Conflict { line, sides: whole.then_some([ours, theirs]) })
}

/// What there is to say of a file with markers from which nothing is missing.
pub(super) fn passed_over(path: &Path) -> String {
    format!("{}: conflict markers ignored, the log has both sides", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_out_of_a_conflict() {
        let text = "a\n<<<<<<< ours\nb\n||||||| base\nx\n=======\nc\n>>>>>>> theirs\nd\n";
        let found = conflict(text).unwrap();
        assert_eq!(found, Conflict { line: 2, sides: Some(["a\nb\nd\n".into(), "a\nc\nd\n".into()]) });
        assert_eq!(conflict("<<<<<<< a\nb\n").unwrap(), Conflict { line: 1, sides: None });
        assert_eq!(conflict("x\n>>>>>>> a\n").unwrap().line, 2);
    }

    #[test]
    fn a_heading_underlined_is_no_conflict() {
        assert_eq!(conflict("Title\n=======\n\n>>> doctest\n<<<<<<<<\n"), None);
    }

    #[test]
    fn markers_in_a_log_are_told_from_events() {
        for line in ["<<<<<<< HEAD", "=======", "||||||| 12ab", ">>>>>>> branch", "=======\r"] {
            assert!(is_marker(line.as_bytes()), "{line}");
        }
        assert!(!is_marker(br#"{"id":1}"#) && !is_marker(b"========"));
    }
}
