//! The demo city's day: what each seeded sensor measures at each moment, as a pure function of sensor and time.
//!
//! It is a stage set, no model: storms, full bins, jams and smog come often enough that something is always open.
//! Being a pure function it needs no state: a restarted demo goes on, and fills its gap, as if it had never stopped.

use model::{AttrValue, EventTime, Millis, Sensor};

/// A storm, a jam: how often they come to a place that has them.
const EVENT_EVERY: Millis = Millis(2 * Millis::HOUR.0);
/// And how long they stay.
const EVENT_LASTS: Millis = Millis(50 * Millis::MINUTE.0);
/// One wave of smog over the city, from clear to clear.
const SMOG_EVERY: Millis = Millis(5 * Millis::HOUR.0);
/// From one emptying of a bin to the next.
const BIN_EVERY: Millis = Millis(5 * Millis::HOUR.0);
/// One place in this many has events.
const EVENTFUL: u64 = 3;

/// The moments in (`after`, `until`] at which the sensor measures: one each interval, at an offset of its own.
pub fn moments(sensor: &Sensor, after: EventTime, until: EventTime) -> impl Iterator<Item = EventTime> {
    let interval = sensor.interval.0.max(Millis::SECOND.0);
    let offset = (hash(&sensor.id, 0) % (interval as u64 / 1_000)) as i64 * 1_000;
    let first = (after.0 - offset).div_euclid(interval) + 1;
    let last = (until.0 - offset).div_euclid(interval);
    (first..=last).map(move |count| EventTime(count * interval + offset))
}

/// What the sensor measures then; nothing for a domain that the demo does not play.
pub fn values(sensor: &Sensor, time: EventTime) -> Vec<(&'static str, f64)> {
    let wobble = |salt: u64, wide: f64| 1.0 + wide * (2.0 * unit(hash(&sensor.id, salt ^ time.0 as u64)) - 1.0);
    match sensor.domain.as_str() {
        "drainage" => {
            let diameter = number(sensor, "diameter_m").unwrap_or(1.0);
            let share = (0.22 + 0.85 * swell(sensor, time)) * wobble(1, 0.03);
            vec![("level_m", round(diameter * share, 3)), ("flow_m3s", round(0.4 * diameter * share.min(1.0), 3))]
        }
        "waste" => {
            let into = unit_phase(sensor, time, BIN_EVERY);
            // The last fifth of the way a bin is full: its crew comes late.
            vec![("fill_ratio", round((0.05 + 1.15 * into).min(1.0) * wobble(2, 0.01), 3).min(1.0))]
        }
        "traffic" => {
            let free = number(sensor, "free_flow_kmh").unwrap_or(60.0);
            let jam = swell(sensor, time);
            let speed = free * (0.9 - 0.72 * jam) * wobble(3, 0.05);
            vec![("speed_kmh", round(speed, 1)), ("occupancy_ratio", round(0.08 + 0.6 * jam, 3))]
        }
        "air" => {
            // All stations breathe the same wave, each a few minutes apart.
            let shift = (hash(&sensor.id, 4) % 20) as i64 * Millis::MINUTE.0;
            let phase = (time.0 - shift).rem_euclid(SMOG_EVERY.0) as f64 / SMOG_EVERY.0 as f64;
            let smog = (std::f64::consts::TAU * phase).sin().max(0.0);
            let fine = (35.0 + 230.0 * smog) * wobble(5, 0.05);
            vec![("pm2_5_ugm3", round(fine, 0)), ("pm10_ugm3", round(1.4 * fine, 0))]
        }
        _ => Vec::new(),
    }
}

/// How far a storm or jam is here, 0 to 1: up in a fifth of its time, down in another.
fn swell(sensor: &Sensor, time: EventTime) -> f64 {
    if !hash(&sensor.id, 6).is_multiple_of(EVENTFUL) {
        return 0.0;
    }
    let into = unit_phase(sensor, time, EVENT_EVERY) * EVENT_EVERY.0 as f64 / EVENT_LASTS.0 as f64;
    if into >= 1.0 { 0.0 } else { (into.min(1.0 - into) * 5.0).min(1.0) }
}

/// Where the sensor is on its own way through a span, 0 to 1.
fn unit_phase(sensor: &Sensor, time: EventTime, span: Millis) -> f64 {
    let shift = (hash(&sensor.id, 7) % span.0 as u64) as i64;
    (time.0 - shift).rem_euclid(span.0) as f64 / span.0 as f64
}

fn number(sensor: &Sensor, attribute: &str) -> Option<f64> {
    match sensor.attr.get(attribute) {
        Some(AttrValue::Number(number)) => Some(*number),
        _ => None,
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// FNV-1a of the text and the salt (Fowler, Noll, Vo), its bits spread by the finaliser of SplitMix64 (Steele 2014).
fn hash(text: &str, salt: u64) -> u64 {
    let bytes = text.bytes().chain(salt.to_le_bytes());
    let folded =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (folded ^ (folded >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(id: &str, domain: &str) -> Sensor {
        serde_json::from_value(serde_json::json!({
            "id": id, "domain": domain, "lon": 116.4, "lat": 39.9, "interval": 60_000, "subdistrict": "110101001",
        }))
        .unwrap()
    }

    #[test]
    fn moments_meet_without_gap_or_overlap() {
        let sensor = sensor("D-1", "drainage");
        let at = |minutes: i64| EventTime(1_763_884_800_000 + minutes * 60_000 + 17_000);
        let whole: Vec<_> = moments(&sensor, at(0), at(30)).collect();
        let parts: Vec<_> = moments(&sensor, at(0), at(7)).chain(moments(&sensor, at(7), at(30))).collect();
        assert_eq!(whole, parts);
        assert_eq!(whole.len(), 30);
    }

    #[test]
    fn every_domain_has_a_bad_hour_in_any_six() {
        let bad = |domain: &str, value: f64| match domain {
            "drainage" => value > 0.95,
            "waste" => value > 0.95,
            "traffic" => value < 20.0,
            _ => value > 200.0,
        };
        for domain in ["drainage", "waste", "traffic", "air"] {
            for start in (0..40).map(|step| EventTime(1_763_884_800_000 + step * 1_111_000)) {
                let sensors = (0..10).map(|n| sensor(&format!("{domain}-{n:02}"), domain));
                let minutes: usize = sensors
                    .map(|sensor| {
                        let six = moments(&sensor, start, start + Millis(6 * Millis::HOUR.0));
                        six.filter(|time| bad(domain, values(&sensor, *time)[0].1)).count()
                    })
                    .sum();
                assert!(minutes >= 20, "{domain}: {minutes} bad minutes of ten sensors in six hours");
            }
        }
    }
}
