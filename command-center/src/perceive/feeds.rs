//! How fresh the feeds are: of each domain its sensors by state, how old their newest readings are, and how late the
//! ones that came last came. Pure.

use super::sensors::{SensorCounts, SensorState, View};
use model::Sensor;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

const MINUTE_MS: i64 = 60_000;
/// Ages up to which newest readings are counted together; older ones come last.
const AGES_MS: [i64; 5] = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS, 360 * MINUTE_MS];

/// The sensors of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Feed {
    /// Free text, weather for one.
    domain: String,
    sensors: SensorCounts,
    /// Sensors of which a reading was refused within the last hour because it cannot be true.
    out_of_range: u64,
    /// Sensors that a window of maintenance is about now: their own, or their subdistrict's or district's.
    maintenance: u64,
    /// Time of the newest reading; null if none is known.
    heard_at: Option<i64>,
    /// How old the newest readings of its sensors are, from fresh to old. Sensors that were never heard are in none.
    ages: Vec<AgeCount>,
    /// How late the readings that came last came; null while none came since the start.
    delay: Option<FeedDelay>,
}

/// How many sensors were heard last so long ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AgeCount {
    /// At most so long ago, and longer than those before; null: longer than all of them.
    up_to_ms: Option<i64>,
    sensors: u64,
}

/// How far the log's clock was past a reading when that came, over the last reading of each sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FeedDelay {
    median_ms: i64,
    /// Nineteen of twenty were not later.
    p95_ms: i64,
    sensors: u64,
}

#[derive(Default)]
struct Gathered {
    sensors: SensorCounts,
    out_of_range: u64,
    maintenance: u64,
    heard_at: Option<i64>,
    ages: [u64; AGES_MS.len() + 1],
    delays: Vec<i64>,
}

/// Whether a sensor stands in the district, subdistrict or cell of this code.
pub(crate) fn stands_in(sensor: &Sensor, area: &str) -> bool {
    sensor.district == area || sensor.subdistrict == area || sensor.cell.as_deref() == Some(area)
}

/// By domain, of the sensors in an area or in all. `is_worked_on` says whether a sensor is in maintenance.
pub(crate) fn feeds(now: &View<'_>, area: Option<&str>, is_worked_on: impl Fn(&Sensor) -> bool) -> Vec<Feed> {
    let mut domains: BTreeMap<&str, Gathered> = BTreeMap::new();
    for (index, sensor) in now.registry().sensors().iter().enumerate() {
        if area.is_some_and(|area| !stands_in(sensor, area)) {
            continue;
        }
        let feed = domains.entry(&sensor.domain).or_default();
        let seen = now.sensor(index);
        feed.sensors.count(seen.state);
        feed.out_of_range += u64::from(now.out_of_range(index).is_some());
        feed.maintenance += u64::from(is_worked_on(sensor));
        if let Some(heard) = seen.heard_at {
            feed.heard_at = feed.heard_at.max(Some(heard.0));
            let age = now.clock().map_or(0, |clock| clock.0.saturating_sub(heard.0));
            feed.ages[AGES_MS.iter().position(|most| age <= *most).unwrap_or(AGES_MS.len())] += 1;
        }
        feed.delays.extend(seen.delay);
    }
    domains.into_iter().map(|(domain, gathered)| gathered.told(domain)).collect()
}

impl Gathered {
    fn told(mut self, domain: &str) -> Feed {
        self.delays.sort_unstable();
        let bounds = AGES_MS.into_iter().map(Some).chain([None]);
        Feed {
            domain: domain.to_owned(),
            sensors: self.sensors,
            out_of_range: self.out_of_range,
            maintenance: self.maintenance,
            heard_at: self.heard_at,
            ages: bounds.zip(self.ages).map(|(up_to_ms, sensors)| AgeCount { up_to_ms, sensors }).collect(),
            delay: delay(&self.delays),
        }
    }
}

/// Of delays from small to large: the smallest that half, and nineteen of twenty, do not exceed.
fn delay(sorted: &[i64]) -> Option<FeedDelay> {
    let at = |share: usize| sorted.get((sorted.len() * share).div_ceil(100).max(1) - 1).copied();
    Some(FeedDelay { median_ms: at(50)?, p95_ms: at(95)?, sensors: sorted.len() as u64 })
}

impl SensorCounts {
    /// One more in this state.
    pub(crate) fn count(&mut self, state: SensorState) {
        self.total += 1;
        *match state {
            SensorState::Online => &mut self.online,
            SensorState::Silent => &mut self.silent,
            SensorState::Stuck => &mut self.stuck,
            SensorState::Never => &mut self.never,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nineteen_of_twenty_are_counted_by_hand() {
        let of = |delays: &[i64]| delay(delays).map(|found| (found.median_ms, found.p95_ms));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some((7, 7)));
        assert_eq!(of(&[1, 2, 3, 4]), Some((2, 4)));
        let twenty: Vec<i64> = (1..=20).collect();
        assert_eq!(of(&twenty), Some((10, 19)), "one of twenty is later");
    }
}
