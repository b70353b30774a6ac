//! The names that the rules of these tests may use.

use rules::check::{AttrKind, Known};

pub fn known() -> Known {
    let metrics = [
        ("level_m", "m"),
        ("distance_m", "m"),
        ("flow_m3s", "m3/s"),
        ("rain_mm_h", "mm/h"),
        ("pm2_5_ugm3", "ug/m3"),
        ("pm10_ugm3", "ug/m3"),
        ("speed_kmh", "km/h"),
        ("pump_on", "1"),
        ("fill_ratio", "1"),
        ("value", "1"),
    ];
    let attributes = [
        ("kind", AttrKind::Text),
        ("diameter_m", AttrKind::Number),
        ("covered", AttrKind::Bool),
        ("road", AttrKind::Mixed),
    ];
    Known {
        calendars: ["every-day", "workdays"].map(str::to_owned).into(),
        metrics: metrics.map(|(name, unit)| (name.to_owned(), unit.to_owned())).into(),
        attributes: attributes.map(|(name, kind)| (name.to_owned(), kind)).into(),
    }
}

/// A rule file with one rule of each: sensor, with these further lines.
pub fn rule(lines: &str) -> String {
    let mut text = "rules:\n  - id: test.rule\n    title: Test\n    domain: drainage\n    each: sensor\n".to_owned();
    for line in lines.lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}
