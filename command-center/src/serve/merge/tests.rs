//! Scores by hand; and radius and window on the requests that citizens of Baltimore made, whose city marked duplicates.

use super::*;
use crate::supervise::statistics::{poisson_interval, wilson};
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn matter(id: &str, class: &str, (lon, lat): (f64, f64), hours: i64) -> Matter {
    Matter {
        id: id.to_owned(),
        class: class.to_owned(),
        point: Point { lon, lat, datum_unknown: false },
        at: EventTime(hours * 3_600_000),
    }
}

/// A point so many metres north of one in Beijing.
fn north(metres: f64) -> (f64, f64) {
    (116.4, 39.9 + metres / METRES_PER_DEGREE)
}

#[test]
fn a_score_is_class_distance_and_time() {
    let merging = Merging { radius_m: 100.0, days: 5.0, least: 0.3, classes: BTreeMap::new() };
    let appeal = matter("appeal", "0402", north(0.0), 120);
    let score = |known: Matter| merging.score(&appeal, &known).map(|one| (one.score * 1e6).round() / 1e6);
    assert_eq!(score(matter("same", "0402", north(0.0), 120)), Some(1.0));
    assert_eq!(score(matter("half the radius", "0402", north(50.0), 120)), Some(0.75));
    assert_eq!(score(matter("half the window, later", "0402", north(0.0), 180)), Some(0.75));
    assert_eq!(score(matter("both, another small class", "0404", north(50.0), 60)), Some(0.281_25));
    assert_eq!(score(matter("too far", "0402", north(100.1), 120)), None);
    assert_eq!(score(matter("too early", "0402", north(0.0), -1)), None);
    assert_eq!(score(matter("another matter", "0102", north(0.0), 120)), None);
}

#[test]
fn the_likeliest_comes_first_and_is_taken_if_it_is_likely_enough() {
    let mut merging = Merging { radius_m: 100.0, days: 5.0, least: 0.3, classes: BTreeMap::new() };
    let appeal = matter("appeal", "0402", north(0.0), 100);
    let known = [
        matter("far", "0402", north(90.0), 100),
        matter("young", "0402", north(10.0), 110),
        matter("old", "0402", north(10.0), 90),
        matter("older", "0402", north(10.0), 90),
        matter("elsewhere", "0402", north(500.0), 100),
    ];
    let order: Vec<String> = merging.matches(&appeal, &known).into_iter().map(|one| one.id).collect();
    assert_eq!(order, ["old", "older", "young", "far"], "equal ones by age, then by id");
    assert_eq!(merging.merges_into(&appeal, &known).unwrap().id, "old");
    assert_eq!(merging.merges_into(&appeal, &known[..1]), None, "0.19 is shown, not merged");
    let mut unsure = appeal.clone();
    unsure.point.datum_unknown = true;
    assert_eq!(merging.merges_into(&unsure, &known), None);
    merging.classes.insert("0402".to_owned(), Reach { radius_m: 5.0, days: 5.0 });
    assert!(merging.matches(&appeal, &known).is_empty(), "a class has its own radius");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    assert_eq!(Merging::seeded().reach("0402"), Reach { radius_m: 75.0, days: 5.0 });
    for (text, said) in [
        ("radius_m = 0\ndays = 5\nleast = 0.3", "above 0"),
        ("radius_m = 10\ndays = 5\nleast = 1.3", "from 0 to 1"),
        ("radius_m = 10\ndays = 5", "does not say how"),
        ("radius_m = 10\ndays = 5\nleast = 0.3\nclasses.0404 = { radius_m = -1, days = 1 }", "above 0"),
    ] {
        let error = Merging::parse("merge.toml", text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn scores_are_from_0_to_1_fall_with_distance_and_do_not_care_who_is_first(
        metres in -300.0..300.0_f64, hours in -400..400_i64, closer in 0.0..1.0_f64,
    ) {
        let merging = Merging::seeded();
        let (here, there) = (matter("a", "0402", north(0.0), 0), matter("b", "0402", north(metres), hours));
        let (one, other) = (merging.score(&here, &there), merging.score(&there, &here));
        prop_assert_eq!(one.as_ref().map(|one| one.score), other.map(|one| one.score));
        if let Some(one) = one {
            prop_assert!((0.0..=1.0).contains(&one.score));
            let near = merging.score(&here, &matter("b", "0402", north(metres * closer), hours)).unwrap();
            prop_assert!(near.score >= one.score);
        }
    }
}

/// One request of the set.
struct Request {
    matter: Matter,
    is_duplicate: bool,
}

/// Coordinates that more requests share are an office's own, not a place: the city's billing office has 29.
const SHARED_MAX: usize = 10;
const RADII_M: [f64; 6] = [25.0, 50.0, 75.0, 100.0, 150.0, 200.0];
const DAYS: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 7.0, 14.0];

fn data() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var_os("CITYWATCH_DATA").map_or_else(|| here.join("../../shared/data"), PathBuf::from);
    let file = data.join("baltimore_311/appeals.csv");
    if !file.is_file() {
        eprintln!("NOT RUN: {} is absent (set CITYWATCH_DATA)", file.display());
        return None;
    }
    Some(file)
}

/// The fields of a line of the set: only the address is quoted, and it holds no quotes.
fn fields(line: &str) -> Vec<&str> {
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let quoted = rest.strip_prefix('"').and_then(|text| text.split_once('"'));
        let (field, after) = quoted.unwrap_or_else(|| rest.split_at(rest.find(',').unwrap_or(rest.len())));
        fields.push(field);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return fields,
        }
    }
}

/// What citizens asked for, with a place: the city's own crews, source Internal, are left out.
fn requests(file: &Path) -> Vec<Request> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut requests = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let fields = fields(line);
        assert_eq!(fields.len(), 9, "line {}", index + 1);
        let (Ok(lat), Ok(lon)) = (fields[3].parse(), fields[4].parse()) else { continue };
        if fields[2] != "Internal" {
            let (class, at) = (fields[1].to_owned(), fields[0].parse().unwrap());
            let matter = Matter { id: index.to_string(), class, point: Point { lon, lat, datum_unknown: false }, at };
            requests.push(Request { matter, is_duplicate: fields[6].contains("Duplicate") });
        }
    }
    let place = |request: &Request| (request.matter.point.lon.to_bits(), request.matter.point.lat.to_bits());
    let mut shared: HashMap<(u64, u64), usize> = HashMap::new();
    requests.iter().for_each(|request| *shared.entry(place(request)).or_default() += 1);
    requests.retain(|request| shared[&place(request)] <= SHARED_MAX);
    requests
}

/// Pairs of one class within a radius and a window.
#[derive(Clone, Copy, Default)]
struct Near {
    pairs: u64,
    /// Pairs that chance alone would bring so near: as many near in place, and near in time as often as all pairs are.
    by_chance: f64,
    /// Pairs of which one is marked a duplicate.
    marked: u64,
}

/// E. G. Knox, "The detection of space-time interactions", J. R. Stat. Soc. C 13 (1964), class by class.
fn near(requests: &[Request]) -> Vec<[Near; DAYS.len()]> {
    let mut by_class: HashMap<&str, Vec<&Request>> = HashMap::new();
    requests.iter().for_each(|request| by_class.entry(&request.matter.class).or_default().push(request));
    let mut classes: Vec<_> = by_class.into_iter().collect();
    classes.sort_by_key(|(class, _)| *class);
    let mut table = vec![[Near::default(); DAYS.len()]; RADII_M.len()];
    for (_, requests) in classes {
        let (mut all, mut in_time, mut in_place) = (0_u64, [0_u64; DAYS.len()], [0_u64; RADII_M.len()]);
        for (index, a) in requests.iter().enumerate() {
            for b in &requests[..index] {
                let metres = distance_m(a.matter.point, b.matter.point);
                let days = (a.matter.at - b.matter.at).0.abs() as f64 / Millis::DAY.0 as f64;
                all += 1;
                (0..DAYS.len()).filter(|at| days <= DAYS[*at]).for_each(|at| in_time[at] += 1);
                for radius in (0..RADII_M.len()).filter(|at| metres <= RADII_M[*at]) {
                    in_place[radius] += 1;
                    for window in (0..DAYS.len()).filter(|at| days <= DAYS[*at]) {
                        table[radius][window].pairs += 1;
                        table[radius][window].marked += u64::from(a.is_duplicate || b.is_duplicate);
                    }
                }
            }
        }
        for (radius, row) in table.iter_mut().enumerate() {
            for (window, near) in row.iter_mut().enumerate().filter(|_| all > 0) {
                near.by_chance += in_place[radius] as f64 * in_time[window] as f64 / all as f64;
            }
        }
    }
    table
}

/// The set is a thin random sample: the original of a marked duplicate is hardly ever in it, so that the marks say
/// nothing of the radius (the first part shows it). What a sample keeps is the ratio of pairs near in place and time to
/// those that chance brings there: both thin out alike. So the share of near pairs beyond chance is the precision of
/// taking them for one, and the pairs beyond chance, against the most of any radius and window, the recall.
#[test]
fn radius_and_window_are_those_that_real_requests_choose() {
    let Some(file) = data() else { return };
    let requests = requests(&file);
    let marked = requests.iter().filter(|request| request.is_duplicate).count() as u64;
    let table = near(&requests);
    let beyond = |near: &Near| (near.pairs as f64 - near.by_chance).max(0.0);
    let most = table.iter().flatten().map(beyond).fold(0.0, f64::max);
    let mut best = (0.0, 0.0, 0.0);
    println!("{} requests, {marked} marked as duplicates", requests.len());
    for (radius, row) in RADII_M.iter().zip(&table) {
        for (days, near) in DAYS.iter().zip(row) {
            let (precision, recall) = (beyond(near) / near.pairs.max(1) as f64, beyond(near) / most);
            let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
            let pairs = poisson_interval(near.pairs);
            println!(
                "{radius} m {days} d: {} pairs ({:.1} to {:.1}), {:.1} by chance, precision {precision:.2}, recall {recall:.2}, F1 {f1:.2}, {} marked",
                near.pairs, pairs.low, pairs.high, near.by_chance, near.marked
            );
            if f1 > best.0 {
                best = (f1, *radius, *days);
            }
        }
    }
    let seeded = Merging::seeded();
    assert_eq!((best.1, best.2), (seeded.radius_m, seeded.days), "seeds/serving/merge.toml says what the data says");

    let widest = table[RADII_M.len() - 1][DAYS.len() - 1];
    let recall = wilson(widest.marked, marked).unwrap();
    println!("marks: {} of {marked} within {} m and {} days", widest.marked, RADII_M[5], DAYS[5]);
    assert_eq!((marked, widest.marked), (118, 0), "no marked duplicate has its original in the sample");
    assert!(recall.high < 0.04);
}
