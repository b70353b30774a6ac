//! The indexes that a city is spoken of by: air quality of HJ 633, traffic of GB/T 33171. Pure. Unknown stays unknown.

use model::aqi::{Edition, INDEXES, Pollutant};

/// Hours that end after this are judged by the edition of 2026: 1 March 2026 by the clocks of China.
const FROM_2026: i64 = 1_772_294_400_000;
/// Delay-time proportions at which the traffic index reaches 0, 2, 4, 6, 8 and 10 (GB/T 33171-2016, annex C).
const DELAYS: [f64; 6] = [0.0, 0.3, 0.5, 0.6, 0.7, 1.0];
/// Up to this the index names no primary pollutant (clause 5.2).
const EXCELLENT: u16 = 50;

/// The index of an hour's mean in µg/m³: in proportion between two limits, rounded up (clause 4.2).
fn iaqi(pollutant: Pollutant, mean: f64, ended_at: i64) -> Option<u16> {
    let edition = if ended_at > FROM_2026 { Edition::Of2026 } else { Edition::Of2012 };
    let limits = pollutant.limits(edition);
    let steps = (mean / f64::from(pollutant.step_ugm3())).round_ties_even().max(0.0) as u64;
    let Some(row) = limits.iter().position(|limit| u64::from(*limit) >= steps) else {
        return pollutant.beyond(edition);
    };
    let Some(before) = row.checked_sub(1) else { return Some(INDEXES[0]) };
    let (low, high) = (u64::from(limits[before]), u64::from(limits[row]));
    let (from, to) = (u64::from(INDEXES[before]), u64::from(INDEXES[row]));
    Some((from + ((to - from) * (steps - low)).div_ceil(high - low)) as u16)
}

/// The air quality index of means by metric, of an hour that ended then: the largest of those that were measured, and
/// the pollutant that it is of where it is above 50; nothing if none was measured.
pub(crate) fn aqi<'a>(
    means: impl Iterator<Item = (&'a str, f64)>,
    ended_at: i64,
) -> Option<(u16, Option<&'static str>)> {
    let index = |(metric, mean): (&str, f64)| {
        let pollutant = Pollutant::of(metric)?;
        Some((iaqi(pollutant, mean, ended_at)?, pollutant))
    };
    let worst = means.filter_map(index).max_by_key(|(index, _)| *index);
    worst.map(|(index, pollutant)| (index, (index > EXCELLENT).then(|| pollutant.metric())))
}

/// 1 (excellent) to 6 (severely polluted).
pub(crate) fn air_class(index: u16) -> u8 {
    1 + [50, 100, 150, 200, 300].into_iter().filter(|limit| index > *limit).count() as u8
}

/// The traffic performance index, 0 to 10, of a delay-time proportion: linear within its bands.
pub(crate) fn traffic_index(delay: f64) -> f64 {
    let held = delay.clamp(0.0, 1.0);
    let band = DELAYS.iter().skip(1).position(|limit| held <= *limit).unwrap_or(DELAYS.len() - 2);
    2.0 * (band as f64 + (held - DELAYS[band]) / (DELAYS[band + 1] - DELAYS[band]))
}

/// 1 (free flow) to 5 (heavily congested).
pub(crate) fn traffic_class(index: f64) -> u8 {
    (1 + (index / 2.0).floor() as u8).min(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOV_2026: i64 = 1_795_932_000_000;

    /// The values of the standard's table that the page's tests have too.
    #[test]
    fn the_air_index_is_that_of_the_table() {
        let of = |mean: f64| iaqi(Pollutant::Pm2_5, mean, NOV_2026).unwrap();
        let found = [0.0, 1.0, 35.0, 36.0, 45.0, 60.0, 61.0, 75.0, 115.0, 900.0].map(of);
        assert_eq!(found, [0, 2, 50, 52, 70, 100, 101, 114, 150, 500]);
        assert_eq!((of(35.5), of(36.5)), (of(36.0), of(36.0)), "halves to even");
        assert_eq!(iaqi(Pollutant::Co, 5_000.0, NOV_2026), Some(50));
        assert_eq!(iaqi(Pollutant::Pm2_5, 75.0, FROM_2026), Some(100), "the hour before it is judged by 2012");
        assert_eq!(iaqi(Pollutant::So2, 900.0, FROM_2026), None);
        let worst = aqi([("pm2_5_ugm3", 45.0), ("o3_ugm3", 100.0)].into_iter(), NOV_2026);
        assert_eq!(worst, Some((70, Some("pm2_5_ugm3"))));
        assert_eq!(aqi([("pm2_5_ugm3", 20.0)].into_iter(), NOV_2026), Some((29, None)));
        assert_eq!(aqi([("level_m", 3.0)].into_iter(), NOV_2026), None);
        assert_eq!([50, 51, 100, 150, 200, 300, 301].map(air_class), [1, 2, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_traffic_index_has_its_bands() {
        let of = |delay: f64| (traffic_index(delay) * 100.0).round() / 100.0;
        let found = [0.0, 0.25, 0.3, 0.5, 0.55, 0.6, 0.75, 1.0, 1.4, -1.0].map(of);
        assert_eq!(found, [0.0, 1.67, 2.0, 4.0, 5.0, 6.0, 8.33, 10.0, 10.0, 0.0]);
        assert_eq!([0.0, 1.9, 2.0, 5.0, 7.9, 8.0, 10.0].map(traffic_class), [1, 1, 2, 3, 4, 5, 5]);
    }
}
