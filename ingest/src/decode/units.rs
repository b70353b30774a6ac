//! Units as the formats write them, and what they become: the unit that is the last part of a metric's name.
//!
//! Only units that convert by a factor of whole numbers are known, so that a conversion rounds at most once.

use crate::validate::{Reason, Refusal};
use std::borrow::Cow;

/// Names of a unit (SenML, RFC 8798, UCUM, UN/CEFACT as in NGSI's `unitCode`, and common symbols), the ending of a
/// metric that it gives, and the factor as a fraction. A name without a unit takes the first row that has the unit.
const CONVERSIONS: &[(&[&str], &str, f64, f64)] = &[
    (&["m", "MTR"], "_m", 1.0, 1.0),
    (&["cm", "CMT"], "_m", 1.0, 100.0),
    (&["mm", "MMT"], "_mm", 1.0, 1.0),
    (&["mm", "MMT"], "_m", 1.0, 1_000.0),
    (&["mm/h", "H67"], "_mm_h", 1.0, 1.0),
    (&["Cel", "°C", "℃", "CEL"], "_c", 1.0, 1.0),
    (&["hPa", "A97"], "_hpa", 1.0, 1.0),
    (&["Pa", "PAL"], "_hpa", 1.0, 100.0),
    (&["kPa", "KPA"], "_hpa", 10.0, 1.0),
    (&["/", "1", "C62"], "_ratio", 1.0, 1.0),
    (&["%", "%RH", "/100", "P1"], "_ratio", 1.0, 100.0),
    (&["/1000"], "_ratio", 1.0, 1_000.0),
    (&["m/s", "MTS"], "_ms", 1.0, 1.0),
    (&["m/s", "MTS"], "_kmh", 18.0, 5.0),
    (&["km/h", "KMH"], "_kmh", 1.0, 1.0),
    (&["km/h", "KMH"], "_ms", 5.0, 18.0),
    (&["m3/s", "m³/s", "MQS"], "_m3s", 1.0, 1.0),
    (&["l/s", "L/s", "G51"], "_m3s", 1.0, 1_000.0),
    (&["ug/m3", "µg/m3", "µg/m³", "μg/m3", "μg/m³", "GQ"], "_ugm3", 1.0, 1.0),
    (&["mg/m3", "mg/m³", "GP"], "_ugm3", 1_000.0, 1.0),
    (&["ppm", "[ppm]", "59"], "_ppm", 1.0, 1.0),
    (&["deg", "°", "DD"], "_deg", 1.0, 1.0),
    (&["s", "SEC"], "_s", 1.0, 1.0),
    (&["ms", "C26"], "_s", 1.0, 1_000.0),
    (&["min", "MIN"], "_s", 60.0, 1.0),
    (&["h", "HUR"], "_s", 3_600.0, 1.0),
    (&["V", "VLT"], "_v", 1.0, 1.0),
    (&["mV", "2Z"], "_v", 1.0, 1_000.0),
    (&["kg", "KGM"], "_kg", 1.0, 1.0),
    (&["g", "GRM"], "_kg", 1.0, 1_000.0),
    (&["/h", "1/h"], "_vph", 1.0, 1.0),
    (&["1/min"], "_vph", 60.0, 1.0),
];

/// The metric that a name and a unit mean, and the value in the metric's unit.
///
/// A name that ends in a unit (`level_m`) is a metric, and the value is converted to it. Any other name gets the ending
/// of its unit: `PM2.5` in `ug/m3` is `pm2_5_ugm3`. Without a unit the name is the metric.
pub(super) fn measure<'a>(name: &'a str, unit: Option<&str>, value: f64) -> Result<(Cow<'a, str>, f64), Refusal> {
    let Some(unit) = unit.filter(|unit| !unit.is_empty()) else { return Ok((Cow::Borrowed(name), value)) };
    if CONVERSIONS.iter().any(|(_, ending, ..)| name.ends_with(ending)) {
        return Ok((Cow::Borrowed(name), convert(name, unit, value)?));
    }
    let Some((_, ending, times, by)) = CONVERSIONS.iter().find(|(units, ..)| units.contains(&unit)) else {
        return Err(Refusal::new(Reason::UnknownUnit, format!("the unit \"{unit}\" of \"{name}\" is not known")));
    };
    let plain = |letter: char| if matches!(letter, '.' | '-' | ' ') { '_' } else { letter.to_ascii_lowercase() };
    let metric = name.chars().map(plain).chain(ending.chars()).collect();
    Ok((Cow::Owned(metric), value * times / by))
}

/// The value in the unit that the metric's name ends in.
pub(super) fn convert(metric: &str, unit: &str, value: f64) -> Result<f64, Refusal> {
    let row = CONVERSIONS.iter().find(|(units, ending, ..)| metric.ends_with(ending) && units.contains(&unit));
    match row {
        Some((.., times, by)) => Ok(value * times / by),
        None => {
            let detail = format!("\"{metric}\" cannot be converted from the unit \"{unit}\"");
            Err(Refusal::new(Reason::UnknownUnit, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Metrics;

    #[test]
    fn names_and_units_make_metrics() {
        for (name, unit, value, metric, expected) in [
            ("level_m", Some("m"), 0.83, "level_m", 0.83),
            ("level_m", Some("cm"), 83.0, "level_m", 0.83),
            ("level_m", None, 0.83, "level_m", 0.83),
            ("level_m", Some(""), 0.83, "level_m", 0.83),
            ("level", Some("mm"), 830.0, "level_mm", 830.0),
            ("PM2.5", Some("ug/m3"), 35.0, "pm2_5_ugm3", 35.0),
            ("humidity", Some("%RH"), 45.0, "humidity_ratio", 0.45),
            ("speed_kmh", Some("m/s"), 10.0, "speed_kmh", 36.0),
            ("wind_speed_ms", Some("km/h"), 36.0, "wind_speed_ms", 10.0),
            ("temperature", Some("Cel"), -3.5, "temperature_c", -3.5),
            ("pump_on", None, 1.0, "pump_on", 1.0),
        ] {
            assert_eq!(measure(name, unit, value), Ok((metric.into(), expected)), "{name} {unit:?}");
        }
        for (name, unit) in [("level_m", "Cel"), ("temperature_c", "K"), ("level", "furlong")] {
            assert_eq!(measure(name, Some(unit), 1.0).unwrap_err().reason, Reason::UnknownUnit, "{name} {unit}");
        }
    }

    /// A seeded metric whose name ends in a unit can be given in that unit, as UCUM writes it.
    #[test]
    fn every_seeded_metric_takes_its_own_unit() {
        for (name, metric) in &Metrics::seeded().0 {
            if CONVERSIONS.iter().any(|(_, ending, ..)| name.ends_with(ending)) {
                assert_eq!(convert(name, &metric.unit, 0.7), Ok(0.7), "{name} in {}", metric.unit);
            } else {
                assert_eq!(metric.unit, "1", "{name}");
            }
        }
    }
}
