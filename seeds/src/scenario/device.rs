//! What a scenario needs to know of each sensor.

use crate::dice::{name, throw};
use model::{AttrValue, Registry, Sensor};

/// What a sensor watches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Level in a pipe of this diameter in metres.
    Well { diameter_m: f64 },
    /// Water on the road.
    Underpass,
    /// Tilt of a manhole cover.
    Cover,
    /// Gas in a chamber.
    Gas,
    /// Level of a river with its lowest alert level, metres.
    River { alert_m: f64 },
    /// Traffic on so many lanes, with this free-flow speed.
    Loop { free_kmh: f64, lanes: f64 },
    /// A bin, emptied with those of its subdistrict.
    Bin { crew: u64 },
    /// Air quality.
    Air,
    /// Rain.
    Rain,
}

/// One sensor of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// Its place in the registry.
    pub index: u32,
    pub kind: Kind,
    /// Its own number for throws.
    pub who: u64,
    /// The number that all sensors of its unit cell share.
    pub site: u64,
    /// Its moments are at whole intervals since 1970 plus this, both in milliseconds.
    pub phase: i64,
    pub interval: i64,
    /// Kilometres east and north of 115.4 E, 39.4 N.
    pub east_km: f64,
    pub north_km: f64,
    /// How far it lies on the way from the north-west of the city to the south-east, 0 to 1.
    pub way: f64,
}

impl Device {
    /// None for a sensor of which the scenarios know nothing.
    pub fn new(registry: &Registry, index: u32, seed: u64) -> Option<Device> {
        let sensor = &registry.sensors()[index as usize];
        let kind = kind(sensor)?;
        let who = throw(name(&sensor.id), seed);
        let site = sensor.cell.as_deref().unwrap_or(&sensor.id);
        let (lon, lat) = sensor.point.map_or((116.4, 39.9), |point| (point.lon, point.lat));
        let (east_km, north_km) = ((lon - 115.4) * 85.4, (lat - 39.4) * 111.2);
        let interval = sensor.interval.0.max(1_000);
        Some(Device {
            index,
            kind,
            who,
            site: throw(name(site), seed),
            phase: (throw(who, 1) % (interval as u64 / 1_000)) as i64 * 1_000,
            interval,
            east_km,
            north_km,
            way: (((east_km - north_km) * std::f64::consts::FRAC_1_SQRT_2 + 60.0) / 130.0).clamp(0.0, 1.0),
        })
    }
}

fn kind(sensor: &Sensor) -> Option<Kind> {
    let number = |attribute: &str| match sensor.attr.get(attribute) {
        Some(AttrValue::Number(number)) if *number > 0.0 => Some(*number),
        _ => None,
    };
    let text = match sensor.attr.get("kind") {
        Some(AttrValue::Text(text)) => text.as_str(),
        _ => "",
    };
    Some(match (sensor.domain.as_str(), text) {
        ("drainage", "underpass" | "ponding") => Kind::Underpass,
        ("drainage", "cover") => Kind::Cover,
        ("drainage", "gas") => Kind::Gas,
        ("drainage", "river") => Kind::River { alert_m: number("siaga3_cm")? / 100.0 },
        ("drainage", _) => Kind::Well { diameter_m: number("diameter_m")? },
        ("traffic", _) => Kind::Loop { free_kmh: number("free_flow_kmh")?, lanes: number("lanes").unwrap_or(2.0) },
        ("waste", _) => Kind::Bin { crew: name(&sensor.subdistrict) },
        ("air", _) => Kind::Air,
        ("weather", _) => Kind::Rain,
        _ => return None,
    })
}
