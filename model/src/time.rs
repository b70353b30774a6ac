//! Event time and spans, both in whole milliseconds.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

/// An instant on the city's time line: milliseconds since 1970-01-01T00:00:00Z.
///
/// Event time comes from readings and ticks in the log, never from a clock inside the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EventTime(pub i64);

/// A span of event time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Millis(pub i64);

/// Text that is not an RFC 3339 instant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not an RFC 3339 time such as 2026-07-20T08:00:00+08:00")]
pub struct TimeError(pub String);

/// Text that is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a duration such as 90s, 10m, 1h, 7d")]
pub struct DurationError(pub String);

impl EventTime {
    /// Before every instant that a log can hold.
    pub const MIN: EventTime = EventTime(i64::MIN / 4);
    /// After every instant that a log can hold.
    pub const MAX: EventTime = EventTime(i64::MAX / 4);
}

impl Add<Millis> for EventTime {
    type Output = EventTime;
    fn add(self, span: Millis) -> EventTime {
        EventTime(self.0.saturating_add(span.0))
    }
}

impl Sub<Millis> for EventTime {
    type Output = EventTime;
    fn sub(self, span: Millis) -> EventTime {
        EventTime(self.0.saturating_sub(span.0))
    }
}

impl Sub for EventTime {
    type Output = Millis;
    fn sub(self, other: EventTime) -> Millis {
        Millis(self.0.saturating_sub(other.0))
    }
}

impl FromStr for EventTime {
    type Err = TimeError;
    /// Reads RFC 3339; a fraction beyond milliseconds is cut.
    fn from_str(text: &str) -> Result<EventTime, TimeError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError(text.to_owned()))?;
        Ok(EventTime(instant.as_millisecond()))
    }
}

impl fmt::Display for EventTime {
    /// RFC 3339 in UTC; the bare number of milliseconds where the calendar ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Millis {
    /// One second.
    pub const SECOND: Millis = Millis(1_000);
    /// One minute.
    pub const MINUTE: Millis = Millis(60_000);
    /// One hour.
    pub const HOUR: Millis = Millis(3_600_000);
    /// One day of 24 hours.
    pub const DAY: Millis = Millis(86_400_000);
}

impl FromStr for Millis {
    type Err = DurationError;
    /// Reads `500ms`, `90s`, `10m`, `1h`, `7d` and their compounds from large to small (`1h30m`).
    fn from_str(text: &str) -> Result<Millis, DurationError> {
        let fail = || DurationError(text.to_owned());
        let mut rest = text.trim();
        let mut total: i64 = 0;
        let mut last_unit = i64::MAX;
        if rest.is_empty() {
            return Err(fail());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = rest[..digits].parse().map_err(|_| fail())?;
            rest = &rest[digits..];
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit = match &rest[..letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(fail()),
            };
            if unit >= last_unit {
                return Err(fail());
            }
            last_unit = unit;
            rest = &rest[letters..];
            total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(fail)?;
        }
        Ok(Millis(total))
    }
}

impl fmt::Display for Millis {
    /// The shortest compound that [`Millis::from_str`] reads back; `0s` for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
            if rest >= unit {
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, ms) in [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("5ms", 5)] {
            assert_eq!(text.parse::<Millis>().unwrap(), Millis(ms));
        }
        assert_eq!(Millis(90_000).to_string(), "1m30s");
        for bad in ["", "5", "m", "1.5h", "5 m", "1m1h", "-5m", "99999999999999999d", "5y"] {
            assert!(bad.parse::<Millis>().is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_read_and_write() {
        let time: EventTime = "2026-07-20T08:00:00+08:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-07-20T00:00:00Z");
        assert!("2026-07-20".parse::<EventTime>().is_err());
        assert_eq!("2014-01-07T16:00:00.5Z".parse::<EventTime>().unwrap().0 % 1000, 500);
    }
}
