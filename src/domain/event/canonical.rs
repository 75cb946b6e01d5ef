//! Whether a text is in canonical form already: most lines of a log are, and are kept as they are.
//!
//! It may say no to a text that is, never yes to one that is not: whoever hears no brings the text
//! into form and loses nothing but time.

/// Levels beyond which nobody looks.
const LEVELS: usize = 64;

/// Whether this is one JSON object as [`crate::domain::json::line`] writes it.
pub(super) fn is_canonical(text: &str) -> bool {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.peek() == Some(b'{') && scan.value(LEVELS).is_some() && scan.at == scan.bytes.len()
}

/// A place in the text. `None` is no, or not for sure.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn literal(&mut self, rest: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(rest).then(|| self.at += rest.len())
    }

    fn value(&mut self, levels: usize) -> Option<()> {
        let below = levels.checked_sub(1)?;
        match self.next()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(below),
            b'[' => self.list(below),
            b'n' => self.literal(b"ull"),
            b't' => self.literal(b"rue"),
            b'f' => self.literal(b"alse"),
            // Whole numbers only: of others there are several ways to write one.
            b'0' => self.peek().is_none_or(|next| !b".eE0123456789".contains(&next)).then_some(()),
            b'1'..=b'9' => {
                while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    self.at += 1;
                }
                self.peek().is_none_or(|next| !b".eE".contains(&next)).then_some(())
            }
            _ => None,
        }
    }

    /// What stands between the quotes, the first of which is read.
    fn string(&mut self) -> Option<&'a [u8]> {
        let begin = self.at;
        loop {
            match self.next()? {
                b'"' => return self.bytes.get(begin..self.at - 1),
                // Characters that have a number in their escape are rare.
                b'\\' if !b"\"\\bfnrt".contains(&self.next()?) => return None,
                0..=0x1f => return None,
                // The beginnings of U+0085, U+2028 and U+2029, which are escaped.
                0xc2 if self.peek()? == 0x85 => return None,
                0xe2 if matches!(self.bytes.get(self.at..self.at + 2)?, [0x80, 0xa8 | 0xa9]) => return None,
                _ => {}
            }
        }
    }

    /// Members in order, and so none of them twice.
    fn object(&mut self, levels: usize) -> Option<()> {
        if self.literal(b"}").is_some() {
            return Some(());
        }
        let mut last: Option<&[u8]> = None;
        loop {
            self.literal(b"\"")?;
            let key = self.string()?;
            // An escaped name has another place in the order than its letters; some with a dollar mean
            // more to the reader of JSON than they say.
            if key.contains(&b'\\') || key.first() == Some(&b'$') || last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
            self.literal(b":")?;
            self.value(levels)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn list(&mut self, levels: usize) -> Option<()> {
        if self.literal(b"]").is_some() {
            return Some(());
        }
        loop {
            self.value(levels)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::domain::event::{Event, strict_json};
    use crate::domain::json::line;

    #[test]
    fn a_plain_line_is_canonical_and_what_reads_the_same_is_not() {
        let plain = r#"{"a":[],"b":{"c":"x\n\"é","d":[1,0,null,true]},"e":false}"#;
        assert!(is_canonical(plain));
        for other in [
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a": 1}"#,
            r#"{"a":1} "#,
            r#"{"a":1e5}"#,
            r#"{"a":1.50}"#,
            r#"{"a":-0}"#,
            r#"{"a":00}"#,
            r#"{"a":"\/"}"#,
            r#"{"a":"\u0041"}"#,
            "{\"a\":\"\u{85}\"}",
            "{\"a\":\"\u{2028}\"}",
            r#"{"\u0061":1}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":"b}"#,
            "[1]",
            "",
        ] {
            assert!(!is_canonical(other), "{other}");
        }
        assert!(!is_canonical(&format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200))));
    }

    /// Text of the parts that JSON is made of, well-formed now and then.
    fn almost_json() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"b\":"),
            Just("\"a\":"),
            Just("\"\\u0009\""),
            Just("\"\\t\""),
            Just("\"\u{2029}\""),
            Just("null"),
            Just("-0"),
            Just("12"),
            Just("0"),
            Just("1.0"),
            Just("1E3"),
            Just(" "),
            Just("{\"a\":"),
            Just("\"ü\u{2020}\"")
        ];
        proptest::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn what_is_called_canonical_is_written_as_it_was_read(text in almost_json()) {
            for text in [format!("{{\"a\":{text}}}"), format!("{{{text}}}"), text] {
                if is_canonical(&text) {
                    prop_assert_eq!(line(&strict_json(&text).unwrap()), text);
                }
            }
        }

        #[test]
        fn an_event_reads_the_same_whether_its_text_is_in_form_or_not(
            data in "[a-z\\\\\"\u{80}-\u{90}\u{2020}-\u{2030}\n]{0,8}", key in "[a-z]{1,3}",
            extra in proptest::option::of("parents|task_id|resource_id|redacted|ts|aa"),
            with in "null|\\[\\]|\"x\"|\\{\\}|7",
        ) {
            let mut value = serde_json::json!({
                "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "x_a",
                "actor": "human:a", "data": {key: data},
            });
            if let Some(extra) = extra {
                value[extra] = serde_json::from_str::<Value>(&with).unwrap();
            }
            let text = line(&value);
            prop_assert_eq!(Event::parse(&text), Event::from_value(value));
        }
    }
}
