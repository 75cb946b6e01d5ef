//! Short ids such as `LAT-12`: how they read, and which task shows which number.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `CODE-n` or `CODE-SUB-n`. Codes are a letter and up to four more letters or digits (found in
/// real data: `C11`), letters in upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortId {
    /// The code, with the sub-code behind a dash where there is one.
    pub prefix: String,
    /// The number, from 1 (0 only in foreign data).
    pub number: i64,
}

impl ShortId {
    /// Reads a short id in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, digits) = text.rsplit_once('-')?;
        let number = number(digits)?;
        let prefix = prefix.to_ascii_uppercase();
        let parts: Vec<&str> = prefix.split('-').collect();
        (parts.len() <= 2 && parts.iter().all(|p| is_code(p))).then_some(Self { prefix, number })
    }

    /// The one behind it, if there is one.
    #[must_use]
    pub fn following(self) -> Option<Self> {
        (self.number < LAST_NUMBER).then(|| Self { number: self.number + 1, ..self })
    }
}

/// The greatest number that a short id can have.
pub const LAST_NUMBER: i64 = 999_999_999_999_999;

/// Digits without a sign and without leading zeros, so that one number has one text.
fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    (plain && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().ok())?
}

/// Whether text is a project code: 1 to 5 upper-case letters or digits, a letter first.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.prefix, self.number)
    }
}

impl Serialize for ShortId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ShortId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a short id"))
    }
}

/// A claim on a number of one prefix: the number, the claiming event's place, the task.
pub type NumberClaim<'a> = (i64, &'a str, &'a str);

/// Which number each task shows, given all claims under one prefix.
///
/// A number claimed once belongs to its claimant. A contested one belongs to the smallest
/// claiming event; each loser, in order of its claiming event, shows the smallest number above
/// the contested one that nobody claims or shows. A pure function of the set of claims, so clones
/// that hold the same events show the same numbers.
#[must_use]
pub fn shown_numbers<'a>(claims: &[NumberClaim<'a>]) -> BTreeMap<&'a str, i64> {
    let mut by_number: BTreeMap<i64, Vec<(&str, &str)>> = BTreeMap::new();
    for (number, key, task) in claims {
        by_number.entry(*number).or_default().push((key, task));
    }
    let mut taken: BTreeSet<i64> = by_number.keys().copied().collect();
    let mut shown = BTreeMap::new();
    let mut losers = Vec::new();
    for (number, mut claimants) in by_number {
        claimants.sort_unstable();
        for (place, (key, task)) in claimants.into_iter().enumerate() {
            if place == 0 {
                shown.insert(task, number);
            } else {
                losers.push((key, task, number));
            }
        }
    }
    losers.sort_unstable();
    let mut skip: BTreeMap<i64, i64> = BTreeMap::new();
    for (_, task, contested) in losers {
        let free = first_free(&taken, &mut skip, contested.saturating_add(1));
        // Behind the last number that there is, the search goes on from the first.
        let free = if free > LAST_NUMBER { first_free(&taken, &mut skip, 1) } else { free };
        taken.insert(free);
        shown.insert(task, free);
    }
    shown
}

/// The first number from here on that is not taken. `skip` remembers, for every number that was
/// passed over, where to go on, so that thousands of losers do not walk the same run again.
fn first_free(taken: &BTreeSet<i64>, skip: &mut BTreeMap<i64, i64>, from: i64) -> i64 {
    let mut passed = Vec::new();
    let mut number = from;
    while taken.contains(&number) {
        passed.push(number);
        number = skip.get(&number).copied().unwrap_or(number + 1);
    }
    for place in passed {
        skip.insert(place, number + 1);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_read_in_either_case_and_in_one_spelling() {
        assert_eq!(ShortId::parse("lat-web-12").unwrap().to_string(), "LAT-WEB-12");
        assert_eq!(ShortId::parse("c11-1").unwrap().to_string(), "C11-1");
        for bad in ["LAT", "LAT-", "LAT-01", "LAT-+1", "TOOLONG-1", "A-B-C-1", "-1", "1A-1", "LAT-1x"] {
            assert_eq!(ShortId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_loser_of_the_last_number_shows_the_first_free_one() {
        let claims =
            [(LAST_NUMBER, "k1", "a"), (LAST_NUMBER, "k2", "b"), (1, "k3", "c"), (LAST_NUMBER, "k4", "d")];
        let shown = shown_numbers(&claims);
        assert_eq!(shown, BTreeMap::from([("a", LAST_NUMBER), ("b", 2), ("c", 1), ("d", 3)]));
    }

    #[test]
    fn a_contested_number_belongs_to_the_smaller_event() {
        let claims = [(1, "k1", "a"), (1, "k3", "b"), (2, "k2", "c"), (1, "k0", "d")];
        let shown = shown_numbers(&claims);
        assert_eq!(shown, BTreeMap::from([("d", 1), ("c", 2), ("a", 3), ("b", 4)]));
        let mut reversed = claims;
        reversed.reverse();
        assert_eq!(shown_numbers(&reversed), shown);
    }
}
