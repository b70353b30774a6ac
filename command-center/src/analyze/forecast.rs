//! When a value will reach a limit if it goes on as it went: a bin is full, water stands at the crown of its pipe.
//!
//! The slope is the median of the slopes between all pairs of readings, which one reading in four may spoil without
//! moving it far, with the interval of Kendall's statistic; where that does not keep clear of zero nothing is foretold.
//! How good it is comes along: the same method from earlier moments of the same stretch, against what was measured then.
//! Pure.
//!
//! P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968), after H. Theil (1950).

use serde::Serialize;
use utoipa::ToSchema;

/// Fewer readings are no course.
pub(crate) const READINGS_MIN: usize = 8;
/// More are thinned out evenly: pairs grow with the square.
const READINGS_MAX: usize = 120;
/// The point of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// What is further off than so many times the stretch looked at is not told.
const FAR: f64 = 10.0;
/// Moments from which it is foretold to see how good that is.
const CUTS: usize = 8;

/// When a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Forecast {
    /// By the middle slope.
    pub(crate) at: i64,
    /// By the steepest and the flattest slope of the 95 % interval; `latest` is null where that is too far off to tell.
    pub(crate) earliest: i64,
    pub(crate) latest: Option<i64>,
    /// An hour.
    pub(crate) slope_per_hour: f64,
    /// What foretelling from earlier moments would have missed by; null where the stretch is too short to try.
    pub(crate) error: Option<HeldOut>,
}

/// How far forecasts from earlier moments were off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct HeldOut {
    /// Half of the forecasts were off by no more than this, in the value's unit.
    pub(crate) off_by: f64,
    /// So long ahead.
    pub(crate) ahead_ms: i64,
    /// Forecasts that were tried.
    pub(crate) forecasts: u64,
}

struct Line {
    slope: f64,
    low: f64,
    high: f64,
    /// The median of what remains of the values.
    level: f64,
}

/// When readings, in order of time, reach `limit` from below if they go on; nothing where there are too few, where they
/// do not surely rise, where they are there already, or where it is too far off to tell.
pub(crate) fn reaches(readings: &[(i64, f64)], limit: f64) -> Option<Forecast> {
    let line = line(readings)?;
    let (first, last) = (readings.first()?.0, readings.last()?.0);
    let now = line.at(last - first);
    if line.low <= 0.0 || now >= limit {
        return None;
    }
    let far = (last - first) as f64 * FAR;
    let after = |slope: f64| (limit - now) / slope;
    let reached = |slope: f64| Some(after(slope)).filter(|ms| *ms <= far).map(|ms| last + ms.round() as i64);
    Some(Forecast {
        at: reached(line.slope)?,
        earliest: reached(line.high)?,
        latest: reached(line.low),
        slope_per_hour: line.slope * 3_600_000.0,
        error: held_out(readings),
    })
}

impl Line {
    /// The value so long after the first reading.
    fn at(&self, after: i64) -> f64 {
        self.level + self.slope * after as f64
    }
}

/// The middle line through readings.
fn line(readings: &[(i64, f64)]) -> Option<Line> {
    let step = readings.len().div_ceil(READINGS_MAX).max(1);
    // From the end, so that the newest reading always counts.
    let some: Vec<(i64, f64)> = readings.iter().rev().step_by(step).rev().copied().collect();
    let count = some.len();
    if count < READINGS_MIN {
        return None;
    }
    let pairs = some.iter().enumerate().flat_map(|(at, a)| some[at + 1..].iter().map(move |b| (a, b)));
    let slope = |(a, b): (&(i64, f64), &(i64, f64))| (b.0 > a.0).then(|| (b.1 - a.1) / (b.0 - a.0) as f64);
    let mut slopes: Vec<f64> = pairs.filter_map(slope).collect();
    slopes.sort_by(f64::total_cmp);
    let middle = median(&slopes)?;
    let n = count as f64;
    let spread = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let all = slopes.len() as f64;
    let low = slopes[((all - spread) / 2.0 - 1.0).floor().max(0.0) as usize];
    let high = slopes[(((all + spread) / 2.0).ceil() as usize).min(slopes.len() - 1)];
    let begin = readings[0].0;
    let mut rest: Vec<f64> = some.iter().map(|(time, value)| value - middle * (time - begin) as f64).collect();
    rest.sort_by(f64::total_cmp);
    Some(Line { slope: middle, low, high, level: median(&rest)? })
}

/// The same from earlier moments, a quarter of the stretch ahead.
fn held_out(readings: &[(i64, f64)]) -> Option<HeldOut> {
    let (first, last) = (readings.first()?.0, readings.last()?.0);
    let ahead_ms = (last - first) / 4;
    let mut off: Vec<f64> = Vec::new();
    for cut in 0..CUTS {
        // From the middle of the stretch on, up to where what is foretold was still measured.
        let until =
            first + (last - first) / 2 + (last - first - ahead_ms - (last - first) / 2) * cut as i64 / CUTS as i64;
        let known = &readings[..readings.partition_point(|(time, _)| *time <= until)];
        let Some((&(from, _), line)) = known.first().zip(line(known)) else { continue };
        let Some(&(time, value)) = readings.iter().find(|(time, _)| *time >= until + ahead_ms) else { continue };
        off.push((line.at(time - from) - value).abs());
    }
    off.sort_by(f64::total_cmp);
    Some(HeldOut { off_by: median(&off)?, ahead_ms, forecasts: off.len() as u64 })
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The readings since the last great fall, which is an emptying and no course: more than half of the limit from one
/// reading to the next.
pub(crate) fn since_emptied(readings: &[(i64, f64)], limit: f64) -> &[(i64, f64)] {
    let fell = |pair: &[(i64, f64)]| pair[0].1 - pair[1].1 > limit / 2.0;
    let from = readings.windows(2).rposition(fell).map_or(0, |at| at + 1);
    &readings[from..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn rising(count: i64, noise: impl Fn(i64) -> f64) -> Vec<(i64, f64)> {
        (0..count).map(|at| (at * HOUR, 0.2 + 0.01 * at as f64 + noise(at))).collect()
    }

    /// A straight line of 0.01 an hour, 0.59 at the fortieth reading: at 0.9 after another 31 hours.
    #[test]
    fn a_straight_line_goes_on() {
        let found = reaches(&rising(40, |_| 0.0), 0.9).unwrap();
        let hours = |time: i64| (time as f64 / HOUR as f64 * 100.0).round() / 100.0;
        assert_eq!((hours(found.at), hours(found.earliest), found.latest.map(hours)), (70.0, 70.0, Some(70.0)));
        assert!((found.slope_per_hour - 0.01).abs() < 1e-12);
        let error = found.error.unwrap();
        assert!(error.off_by < 1e-12 && error.forecasts == 8 && error.ahead_ms == 39 * HOUR / 4, "{error:?}");
    }

    /// Sen's own example (1968, section 6): t = 1, 2, 3, 4, 10, 12, 18 and y = 9, 15, 19, 20, 45, 55, 78 have the slope 4.
    #[test]
    fn the_slope_of_the_paper_is_four() {
        let paper = [(1, 9.0), (2, 15.0), (3, 19.0), (4, 20.0), (10, 45.0), (12, 55.0), (18, 78.0)];
        let mut slopes: Vec<f64> = Vec::new();
        for (at, a) in paper.iter().enumerate() {
            slopes.extend(paper[at + 1..].iter().map(|b| (b.1 - a.1) / f64::from(b.0 - a.0)));
        }
        slopes.sort_by(f64::total_cmp);
        assert_eq!(median(&slopes), Some(4.0));
    }

    #[test]
    fn what_does_not_surely_rise_is_not_foretold() {
        assert_eq!(reaches(&rising(READINGS_MIN as i64 - 1, |_| 0.0), 0.9), None, "too few");
        let flat: Vec<(i64, f64)> = (0..40).map(|at| (at * HOUR, 0.5 + 0.01 * (at * 7 % 5) as f64)).collect();
        assert_eq!(reaches(&flat, 0.9), None, "up and down");
        let falling: Vec<(i64, f64)> = (0..40).map(|at| (at * HOUR, 0.8 - 0.01 * at as f64)).collect();
        assert_eq!(reaches(&falling, 0.9), None);
        assert_eq!(reaches(&rising(40, |_| 0.0), 0.4), None, "it is there already");
        assert_eq!(reaches(&rising(40, |_| 0.0), 90.0), None, "too far off");
        assert_eq!(reaches(&[(5, 1.0); 20], 2.0), None, "all at one time");
    }

    #[test]
    fn a_spoilt_reading_in_six_moves_it_little() {
        let spoilt = rising(60, |at| if at % 6 == 3 { -0.4 } else { 0.0 });
        let (clean, found) = (reaches(&rising(60, |_| 0.0), 0.9).unwrap(), reaches(&spoilt, 0.9).unwrap());
        assert!((found.at - clean.at).abs() < 3 * HOUR, "{found:?} is not {clean:?}");
    }

    #[test]
    fn an_emptying_begins_anew() {
        let mut readings = rising(40, |_| 0.0);
        readings.extend((40..60).map(|at| (at * HOUR, 0.02 * (at - 40) as f64)));
        let found = since_emptied(&readings, 1.0);
        assert_eq!((found.len(), found[0]), (20, (40 * HOUR, 0.0)));
        assert_eq!(since_emptied(&readings[..40], 1.0).len(), 40);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_interval_holds_the_middle(values in prop::collection::vec(0.0..1.0_f64, 8..200), lift in 0.0..0.05_f64) {
            let readings: Vec<(i64, f64)> =
                values.iter().enumerate().map(|(at, value)| (at as i64 * 60_000, value + lift * at as f64)).collect();
            let last = readings.last().unwrap().0;
            if let Some(found) = reaches(&readings, 20.0) {
                prop_assert!(last <= found.earliest && found.earliest <= found.at);
                prop_assert!(found.latest.is_none_or(|latest| found.at <= latest));
                prop_assert!(found.slope_per_hour > 0.0);
            }
        }
    }
}
