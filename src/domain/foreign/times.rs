//! The ways in which trackers write a time.

use crate::domain::Timestamp;

/// Reads a time: RFC 3339 with any offset, ISO 8601 with or without signs between its parts, or a
/// date alone. Without an offset it is meant in UTC.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(time) = Timestamp::parse(text) {
        return Some(time);
    }
    // Names of zones would make the answer depend on a table of the system.
    if text.contains('[') {
        return None;
    }
    let local: jiff::civil::DateTime = text.trim_end_matches('Z').parse().ok()?;
    let at = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_seconds(at.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tracker_has_its_own_way_of_writing_a_time() {
        for (text, time) in [
            ("2026-01-15T16:37:36.319632-08:00", "2026-01-16T00:37:36Z"),
            ("2026-03-14 19:55", "2026-03-14T19:55:00Z"),
            ("2026-03-14T19:55:01", "2026-03-14T19:55:01Z"),
            ("2026-03-14", "2026-03-14T00:00:00Z"),
            ("20141018T050231Z", "2014-10-18T05:02:31Z"),
            (" 2026-03-14T19:55:01Z ", "2026-03-14T19:55:01Z"),
        ] {
            assert_eq!(parse_time(text).map(|t| t.to_string()).as_deref(), Some(time), "{text}");
        }
        for text in ["", "yesterday", "14.03.2026", "1700000000", "2026-03-14T19:55[Europe/Paris]", "Z"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
