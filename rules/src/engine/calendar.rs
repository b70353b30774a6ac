//! Hours by the city's clocks.

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const HOUR: i64 = 3_600_000;
/// Hours of a week.
const WEEK: i64 = 168;
/// 2026-03-01T00:00 as if the city's clock were UTC.
const MARCH_2026: i64 = 1_772_323_200_000;

/// What the city's clocks show, as milliseconds since 1970 there. Times that no calendar has count as UTC.
fn local(zone: &TimeZone, time: i64) -> i64 {
    let offset = Timestamp::from_millisecond(time).map_or(0, |time| zone.to_offset(time).seconds());
    time.saturating_add(i64::from(offset) * 1_000)
}

/// Where the hour [h:00, h + 1:00) that holds an instant begins, and which of the week's 168 hours it is.
pub(super) fn hour_of_week(zone: &TimeZone, time: i64) -> (i64, u8) {
    let local = local(zone, time);
    (time.saturating_sub(local.rem_euclid(HOUR)), local.div_euclid(HOUR).rem_euclid(WEEK) as u8)
}

/// The last full hour at or before an instant.
pub(super) fn last_full_hour(zone: &TimeZone, time: i64) -> i64 {
    time.saturating_sub(local(zone, time).rem_euclid(HOUR))
}

/// The first full hour after an instant.
pub(super) fn next_full_hour(zone: &TimeZone, time: i64) -> i64 {
    last_full_hour(zone, time).saturating_add(HOUR)
}

/// Whether the city's date is 1 March 2026 or later.
pub(super) fn is_from_march_2026(zone: &TimeZone, time: i64) -> bool {
    local(zone, time) >= MARCH_2026
}
