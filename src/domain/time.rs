//! Time values: whole seconds in UTC. The clock itself is read elsewhere.

use std::fmt;

/// A moment, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The moment this many seconds after the epoch, clamped to the years that can be written.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        let clamped = seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second() - 1);
        Self(jiff::Timestamp::from_second(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// Reads an RFC 3339 time with any offset; fractions of a second are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_seconds(parsed.as_second()))
    }

    /// The day, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|c| *c != 'T').collect()
    }

    /// The week of the year as ISO 8601 counts them, `YYYY-Www`.
    #[must_use]
    pub fn week(self) -> String {
        let week = self.0.to_zoned(jiff::tz::TimeZone::UTC).date().iso_week_date();
        format!("{:04}-W{:02}", week.year(), week.week())
    }

    /// The first moment of the week: Monday, 00:00.
    #[must_use]
    pub fn week_begin(self) -> Self {
        // The epoch was a Thursday.
        let monday = 3 * DAY;
        Self::from_seconds(self.seconds() - (self.seconds() + monday).rem_euclid(7 * DAY))
    }

    /// The moment this many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_seconds(self.seconds().saturating_add(seconds))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Milliseconds since the epoch, 0 for times before it: the unit of event ids.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.as_millisecond()).unwrap_or(0)
    }
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// `YYYY-MM-DDTHH:MM:SSZ`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_belong_to_the_year_of_their_thursday() {
        for (time, week, begin) in [
            ("2026-01-01T00:00:00Z", "2026-W01", "2025-12-29T00:00:00Z"),
            ("2027-01-03T23:59:59Z", "2026-W53", "2026-12-28T00:00:00Z"),
            ("2027-01-04T00:00:00Z", "2027-W01", "2027-01-04T00:00:00Z"),
            ("1969-12-31T12:00:00Z", "1970-W01", "1969-12-29T00:00:00Z"),
        ] {
            let time = Timestamp::parse(time).unwrap();
            assert_eq!((time.week(), time.week_begin().to_string()), (week.to_owned(), begin.to_owned()));
        }
    }

    #[test]
    fn a_time_reads_back_as_it_was_written() {
        let text = "2026-07-10T15:32:23Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        assert_eq!(Timestamp::parse("2026-07-10T17:32:23.9+02:00").unwrap().to_string(), text);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
