//! Text from others, made safe for a terminal.

use std::borrow::Cow;

/// One line: control characters are shown instead of sent, so that no title can move the cursor,
/// change colours or turn the reading direction. Printable text passes as it is.
pub fn printable(text: &str) -> String {
    escape(text, false)
}

/// How many of something.
pub fn several(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Several lines: the same, but line feeds and tabs stay.
pub fn printable_lines(text: &str) -> String {
    escape(text, true)
}

/// JSON as it goes to a terminal: what its writer leaves as it is and a terminal would obey, or not show,
/// is escaped. It says the same; other text holds nothing of the kind any more.
pub fn json_for_a_terminal(text: &str) -> Cow<'_, str> {
    let acts = |c: char| matches!(c, '\u{7f}'..='\u{9f}') || is_unseen(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match acts(c) {
            true => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")))
            }
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn escape(text: &str, lines: bool) -> String {
    // Nearly all text is plain, and told so much faster than it is copied letter by letter.
    // Every byte is looked at, because going on is faster than asking each time whether to stop.
    if text.bytes().fold(true, |plain, b| plain & (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if lines => safe.push(c),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if c.is_control() || is_unseen(c) => safe.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// Characters that turn the reading direction or are not seen at all, so that a text reads otherwise
/// than it is, to people or to agents: Unicode TR #9 and #36, and the tags of chapter 23.9. The joiners
/// U+200C and U+200D stay, because scripts and emoji are written with them.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_not_sent() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}c\n\u{202e}d"), "a\\u{1b}[2Jb\\u{9b}c\\n\\u{202e}d");
        assert_eq!(printable_lines("a\nb\tc\r"), "a\nb\tc\\r");
        assert_eq!(printable("a\u{200b}b\u{e0041}c\u{2028}"), "a\\u{200b}b\\u{e0041}c\\u{2028}");
        assert_eq!(printable("می\u{200c}خواهم 👩\u{200d}👧"), "می\u{200c}خواهم 👩\u{200d}👧");
        assert_eq!(json_for_a_terminal("[\"\u{1b}é\u{9b}\u{e0041}\"]"), "[\"\u{1b}é\\u009b\\udb40\\udc41\"]");
        assert_eq!(printable("šŽ 漢字 🎉"), "šŽ 漢字 🎉");
    }
}
