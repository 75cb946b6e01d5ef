//! Identifiers: a prefix and a ULID, kept as text and compared as decoded values.

use std::fmt;

use super::time::Timestamp;

/// Letters and digits of Crockford's base 32, which ULIDs are written in.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The value of each byte as a digit of that alphabet, of either case; [`NO_DIGIT`] for all others.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        digits[ALPHABET[value].to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0xff;
/// Characters of a ULID: 10 of time, 16 of randomness.
const ULID_LENGTH: usize = 26;

/// The value of a ULID, `None` unless it is 26 characters of Crockford's alphabet (either case)
/// whose first is at most 7 (more would not fit 128 bits).
#[must_use]
pub fn decode_ulid(text: &str) -> Option<u128> {
    if text.len() != ULID_LENGTH {
        return None;
    }
    let mut value: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let digit = DIGITS[usize::from(byte)];
        if digit == NO_DIGIT || (place == 0 && digit > 7) {
            return None;
        }
        value = (value << 5) | u128::from(digit);
    }
    Some(value)
}

/// Whether some ULID begins with this text, in either case.
#[must_use]
pub fn begins_ulid(text: &str) -> bool {
    let whole = format!("{text:0<ULID_LENGTH$}");
    decode_ulid(&whole).is_some()
}

/// Writes a value as a ULID.
#[must_use]
pub fn encode_ulid(value: u128) -> String {
    (0..ULID_LENGTH).rev().map(|place| char::from(ALPHABET[((value >> (place * 5)) & 31) as usize])).collect()
}

/// Builds the value of a ULID from milliseconds and 80 random bits.
#[must_use]
pub fn ulid_value(millis: u64, random: u128) -> u128 {
    (u128::from(millis) << 80) | (random & ((1 << 80) - 1))
}

/// Whether text is an id of this kind as found in the wild: the prefix, then 26 letters and
/// digits. Stricter rules would lose real histories; looser ones would not be safe as a path.
fn is_foreign(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == ULID_LENGTH && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// An id of our own making.
            #[must_use]
            pub fn from_value(value: u128) -> Self {
                Self(format!("{}{}", $prefix, encode_ulid(value)))
            }

            /// An id that a caller chose: must be a true ULID; letters are raised to upper case.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                decode_ulid(rest)?;
                Some(Self(format!("{}{}", $prefix, rest.to_ascii_uppercase())))
            }

            /// An id out of somebody's data, kept as it is: prefix and 26 letters or digits.
            #[must_use]
            pub fn parse_foreign(text: &str) -> Option<Self> {
                is_foreign($prefix, text).then(|| Self(text.to_owned()))
            }

            /// The same without a copy; what is no id is given back.
            ///
            /// # Errors
            /// The text, if it is no id.
            pub fn from_foreign(text: String) -> Result<Self, String> {
                if is_foreign($prefix, &text) { Ok(Self(text)) } else { Err(text) }
            }

            /// The whole id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The value of its ULID, `None` where it does not decode.
            #[must_use]
            pub fn value(&self) -> Option<u128> {
                decode_ulid(&self.0[$prefix.len()..])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A task.
    TaskId, "task_");
id!(
    /// An event.
    EventId, "ev_");
id!(
    /// An artifact.
    ArtifactId, "art_");
id!(
    /// A resource; resources are told apart by name, this only orders them.
    ResourceId, "res_");
id!(
    /// A tracker.
    InstanceId, "inst_");
id!(
    /// A working session of an agent or a person.
    SessionId, "sess_");

/// Ids in the upper half of all values (from the year 6429 on) are not believed: a clock pushed
/// there could run out of ids.
const BEYOND: u128 = 1 << 127;
/// How far the time in an id may be from the event's own before the id is not believed.
const BELIEVED_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// The place of an event in the canonical order: text that sorts as the order does.
///
/// A believed id sorts by its value. An id that does not decode, or (on an event without
/// `parents`) lies more than 24 h from the event's time, sorts by that time, then by text, and
/// never pushes the clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey(String);

impl SortKey {
    /// The key of an event. `linked` says that the event names its parents.
    #[must_use]
    pub fn of(id: &EventId, ts: &str, linked: bool) -> Self {
        let at = || Timestamp::parse(ts).map(Timestamp::millis);
        match id.value() {
            Some(value) if value < BEYOND && (linked || near(value, at())) => {
                let written = &id.as_str()[EventId::PREFIX.len()..];
                // Only small letters spell a value in another way. Two spellings are two events: the
                // text decides between them.
                match written.bytes().any(|byte| byte.is_ascii_lowercase()) {
                    false => Self(written.to_owned()),
                    true => Self(format!("{}.{written}", encode_ulid(value))),
                }
            }
            _ => {
                let time = encode_ulid(ulid_value(at().unwrap_or(0), 0));
                // `~` sorts behind every digit and letter.
                Self(format!("{}~{}", &time[..10], id.as_str()))
            }
        }
    }

    /// A key as it was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text that sorts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id's value, if this key may push the clock.
    #[must_use]
    pub fn clock(&self) -> Option<u128> {
        decode_ulid(&self.0).or_else(|| decode_ulid(self.0.split('.').next()?))
    }
}

/// Without a readable time there is nothing to hold the id against: it is believed.
fn near(value: u128, at: Option<u64>) -> bool {
    let time = (value >> 80) as u64;
    at.is_none_or(|at| time.abs_diff(at) <= BELIEVED_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ulid_decodes_to_what_it_was_made_of() {
        let value = ulid_value(1_700_000_000_000, 12_345_678_901_234_567_890);
        assert_eq!(decode_ulid(&encode_ulid(value)), Some(value));
        assert_eq!(decode_ulid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), None);
        assert_eq!(decode_ulid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), Some(u128::MAX));
        assert_eq!(decode_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAU"), None);
    }

    #[test]
    fn a_ulid_begins_with_letters_of_its_alphabet_and_a_digit_up_to_seven() {
        for text in ["01ar", "7ZZZ", "0", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert!(begins_ulid(text), "{text}");
        }
        for text in ["zork", "LAT1", "8000", "01AU", "01ARZ3NDEKTSV4RRFFQ69G5FAV0", "01é"] {
            assert!(!begins_ulid(text), "{text}");
        }
    }

    #[test]
    fn ids_with_path_tricks_are_no_ids() {
        for text in [
            "task_../../../../etc/passwd00",
            "task_",
            "task_01ARZ3NDEKTSV4RRFFQ69G5FA/",
            "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(TaskId::parse_foreign(text), None, "{text}");
        }
        assert!(TaskId::parse_foreign("task_01ARZ3NDEKTSV4RRFFQ69G5FAu").is_some());
    }

    #[test]
    fn an_id_far_from_its_time_sorts_by_the_time() {
        let id = EventId::parse("ev_7ZZZZZZZZZZZZZZZZZZZZZZZZZ").unwrap();
        let odd = SortKey::of(&id, "2020-01-01T00:00:00Z", false);
        let later = EventId::from_value(ulid_value(1_700_000_000_000, 1));
        let normal = SortKey::of(&later, "2023-11-14T22:13:20Z", false);
        assert!(odd < normal);
        assert_eq!(odd.clock(), None);
        assert_eq!(SortKey::of(&id, "2020-01-01T00:00:00Z", true).clock(), None);
        let ahead = EventId::from_value(ulid_value(1_900_000_000_000, 1));
        assert_eq!(SortKey::of(&ahead, "2020-01-01T00:00:00Z", true).clock(), ahead.value());
    }
}
