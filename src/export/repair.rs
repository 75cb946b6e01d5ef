//! Bringing text that is almost JSON back to JSON, when somebody asked for it.

/// The same text as JSON, if the only faults are those that other programs are known to write:
/// `NaN` and infinities become null, halves of surrogate pairs become U+FFFD. `None` if there was
/// nothing of the kind.
pub(super) fn almost_json(text: &str) -> Option<(String, &'static str)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    let mut what = None;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\\' if in_string => {
                let (length, lone) = escape(rest);
                taken = length;
                if lone {
                    out.push_str("\\ufffd");
                    what = what.or(Some("half a surrogate pair became U+FFFD"));
                } else {
                    out.push_str(&rest[..length]);
                }
            }
            'N' | 'I' | '-' if !in_string => {
                match ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word)) {
                    Some(word) => {
                        out.push_str("null");
                        taken = word.len();
                        what = what.or(Some("a number that is none became null"));
                    }
                    None => out.push(c),
                }
            }
            _ => out.push(c),
        }
        rest = &rest[taken..];
    }
    what.map(|what| (out, what))
}

/// The length of the escape that `text` begins with, and whether it is half a surrogate pair.
fn escape(text: &str) -> (usize, bool) {
    match unit(text) {
        Some(high) if (0xd800..0xdc00).contains(&high) => match unit(&text[6..]) {
            Some(low) if (0xdc00..0xe000).contains(&low) => (12, false),
            _ => (6, true),
        },
        Some(low) if (0xdc00..0xe000).contains(&low) => (6, true),
        Some(_) => (6, false),
        None => (1 + text[1..].chars().next().map_or(0, char::len_utf8), false),
    }
}

/// The number of an escape such as `\u00e9` that `text` begins with.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_becomes_null_outside_of_text_only() {
        let text = r#"{"a":NaN,"b":[-Infinity,Infinity,-1],"c":"NaN \" Infinity"}"#;
        let fixed = r#"{"a":null,"b":[null,null,-1],"c":"NaN \" Infinity"}"#;
        assert_eq!(almost_json(text).unwrap().0, fixed);
        assert_eq!(almost_json(fixed), None);
    }

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        let text = r#"["\ud83d\ude00 \ud83d \ude00\ud83dx \\ud83d é\"]"#;
        assert_eq!(almost_json(text).unwrap().0, r#"["\ud83d\ude00 \ufffd \ufffd\ufffdx \\ud83d é\"]"#);
        assert_eq!(almost_json("\"\\"), None);
    }
}
