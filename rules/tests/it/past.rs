//! What the functions that compare a reading with its own past find in labelled traffic: figures of docs/real-data.md.

use crate::real::{agrees_with_naive, real_data, registry, run_rules};
use rules::backtest::Options;
use rules::check::{Known, load};
use std::sync::Arc;

/// A rule on each of the three metrics; occupancy and travel time are bad when high, speed when low.
fn rules_on(function: &str, limit: u32) -> String {
    let mut text = "rules:\n".to_owned();
    for (name, sign, metric) in
        [("occupancy", "", "occupancy_ratio"), ("speed", "-", "speed_kmh"), ("travel-time", "", "travel_time_s")]
    {
        let z = format!("{sign}{}", function.replace("METRIC", metric));
        text.push_str(&format!(
            "  - id: {name}\n    title: {name}\n    domain: traffic\n    each: sensor\n    severity: minor\n    \
             when: \"{z} > {limit}\"\n    clear_when: \"{z} < {}\"\n    clear_for: 1h\n",
            f64::from(limit) / 2.0
        ));
    }
    text
}

/// Incidents, and of the five labels those that were noticed, by metric.
fn figures(function: &str, limit: u32) -> Option<[(usize, usize); 3]> {
    let folder = real_data("nab", "traffic_against_its_own_past")?;
    let registry = Arc::new(registry(&[folder.join("sensors.csv")]));
    let files = [("past.yaml".to_owned(), rules_on(function, limit))];
    let loaded = load(&files, &Known::of(&registry)).unwrap_or_else(|errors| panic!("{errors}"));
    let run = run_rules(&folder, Arc::new(loaded.rules), registry, &Options::default());
    agrees_with_naive(&run, &folder);
    Some(["occupancy", "speed", "travel-time"].map(|rule| {
        let (incidents, noticed) = run.figures(rule);
        (incidents, noticed.expect("there are labels").0)
    }))
}

#[test]
fn traffic_against_its_own_past() {
    let Some(days) = figures("robust_z(METRIC, '2d')", 5) else { return };
    assert_eq!(days, [(6, 1), (3, 1), (22, 3)]);
    assert_eq!(figures("robust_z(METRIC, '2d')", 15), Some([(0, 0), (1, 0), (7, 2)]));
    assert_eq!(figures("seasonal_z(METRIC, '56d')", 8), Some([(5, 0), (4, 1), (24, 3)]));
    assert_eq!(figures("seasonal_z(METRIC, '56d')", 20), Some([(0, 0), (0, 0), (13, 3)]));
}
