//! The generator: so many sensors, placed in the city as a city would place them.
//!
//! Sensors stand in *sites* of a dozen: a low spot with wells, a gauge for water on the road and two traffic detectors within
//! one unit cell, and bins, a cover, an air station or a rain gauge around it. So one storm can be seen to go from the rain
//! to the sewer, the road and the traffic. Inner subdistricts have more sites than towns.

use crate::areas::{Subdistrict, areas, subdistricts};
use crate::dice::{between, mix, name, throw};
use model::{AttrValue, Millis, Point, Registry, Sensor};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// The most sensors that [`sensors`] makes.
pub const SENSORS_MAX: usize = 2_000_000;

/// What stands at a site, in the order in which a small one is filled.
const SITE: [Device; 12] = [
    Device::Well,
    Device::Loop,
    Device::Bin,
    Device::Well,
    Device::Ponding,
    Device::Bin,
    Device::Loop,
    Device::Well,
    Device::Air,
    Device::Bin,
    Device::Cover,
    Device::Weather,
];
/// What comes last at a site that is not whole, in turns, so that a small city has some of each.
const LAST: [Device; 8] = [
    Device::Air,
    Device::Cover,
    Device::Weather,
    Device::Gas,
    Device::Air,
    Device::River,
    Device::Weather,
    Device::Gas,
];
/// How far from the middle of their site the wells, gauges and detectors stand; a cell is 100 m wide.
const CORE_M: f64 = 40.0;
/// How far the others stand at most.
const AROUND_M: f64 = 350.0;

/// What is put somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Device {
    Well,
    Ponding,
    Cover,
    Gas,
    River,
    Loop,
    Bin,
    Air,
    Weather,
}

/// Roads: class, free-flow speed in km/h, lanes of one direction.
const ROADS: [(&str, f64, f64); 4] =
    [("expressway", 80.0, 3.0), ("main", 60.0, 3.0), ("secondary", 50.0, 2.0), ("branch", 40.0, 1.0)];
/// Pipe diameters in metres.
const DIAMETERS_M: [f64; 6] = [0.6, 0.8, 1.0, 1.2, 1.5, 2.0];
/// Bins: what they take, litres.
const BINS: [(&str, f64); 4] = [("other", 240.0), ("kitchen", 120.0), ("recyclable", 660.0), ("other", 660.0)];

/// `count` sensors in the order of their ids, such as `110105003-L00042`. The same count and seed give the same sensors.
///
/// A count beyond [`SENSORS_MAX`] gives that many.
pub fn sensors(count: usize, seed: u64) -> Vec<Sensor> {
    let subdistricts = subdistricts();
    let mut sensors = Vec::with_capacity(count.min(SENSORS_MAX));
    let shares = shares(&subdistricts, count.min(SENSORS_MAX));
    for (turn, (subdistrict, share)) in subdistricts.iter().zip(shares).enumerate() {
        let from = sensors.len();
        fill(subdistrict, turn, share, seed, &mut sensors);
        sensors[from..].sort_unstable_by(|a, b| a.id.cmp(&b.id));
    }
    sensors
}

/// The areas of the city with [`sensors`] in them.
pub fn registry(count: usize, seed: u64) -> Registry {
    let city = areas().registry;
    Registry::new(sensors(count, seed), city.metrics).with_areas(city.areas.into_values())
}

/// How many sensors each subdistrict gets, all together exactly `count`. 街道, coded below 100, are urban and dense; 镇 and
/// 地区 (100 to 199) less so; 乡 (200 to 299) least; zones have codes from 400.
fn shares(subdistricts: &[Subdistrict], count: usize) -> Vec<usize> {
    let weight = |subdistrict: &Subdistrict| match &subdistrict.code[6..7] {
        "0" => 3_usize,
        "2" => 1,
        _ => 2,
    };
    let whole: usize = subdistricts.iter().map(weight).sum();
    let mut below = 0;
    let shares = subdistricts.iter().map(|subdistrict| {
        let before = below * count / whole;
        below += weight(subdistrict);
        below * count / whole - before
    });
    shares.collect()
}

/// What stands in a slot of a site that has `filled` of them.
fn device(slot: usize, filled: usize, turn: usize) -> Device {
    let is_last = filled < SITE.len() && slot + 1 == filled;
    match SITE[slot] {
        _ if is_last => LAST[turn % LAST.len()],
        Device::Cover if turn % 8 == 5 => Device::River,
        Device::Cover if !turn.is_multiple_of(2) => Device::Gas,
        device => device,
    }
}

fn fill(subdistrict: &Subdistrict, turn: usize, count: usize, seed: u64, sensors: &mut Vec<Sensor>) {
    let whom = throw(name(&subdistrict.code), seed);
    let mut numbers: BTreeMap<char, usize> = BTreeMap::new();
    // The wells of a subdistrict stand on one sewer; the first is where it leaves.
    let mut well_before: Option<String> = None;
    for site in 0..count.div_ceil(SITE.len()) {
        let whom = throw(whom, site as u64);
        let middle = subdistrict.cell_middle(subdistrict.point(whom));
        // Expressways are few, branch roads many.
        let road = ROADS[[0, 1, 1, 2, 2, 3, 3, 3][(throw(whom, 10) % 8) as usize]];
        let diameter = DIAMETERS_M[(throw(whom, 11) % DIAMETERS_M.len() as u64) as usize];
        let filled = SITE.len().min(count - site * SITE.len());
        for slot in 0..filled {
            let device = device(slot, filled, turn + site);
            let whom = throw(whom, 100 + slot as u64);
            let number = numbers.entry(letter(device)).or_default();
            *number += 1;
            let mut attr = attributes(device, diameter, road, whom);
            for (name, text) in belongings(device, &subdistrict.code, site, *number, road.0) {
                attr.insert(name.to_owned(), AttrValue::Text(text));
            }
            let (en, zh) = titles(device);
            attr.insert("name".to_owned(), AttrValue::Text(format!("{} {en} {number}", subdistrict.name_en)));
            attr.insert("name_zh".to_owned(), AttrValue::Text(format!("{}{number}号{zh}", subdistrict.name_zh)));
            let reach = if is_core(device) { CORE_M } else { AROUND_M };
            let (turn, far) = (between(throw(whom, 1), 0.0, TAU), between(throw(whom, 2), 0.2, 1.0) * reach);
            let point = subdistrict.near(middle, far * turn.cos(), far * turn.sin());
            let point = point.map(|degrees| (degrees * 1e6).round() / 1e6);
            let id = format!("{}-{}{number:05}", subdistrict.code, letter(device));
            let downstream = if device == Device::Well { well_before.replace(id.clone()) } else { None };
            sensors.push(Sensor {
                id,
                domain: domain(device).to_owned(),
                point: Some(Point::new(point[0], point[1])),
                interval: interval(device),
                lateness: None,
                stale_after: None,
                cell: Some(subdistrict.cell(point)),
                subdistrict: subdistrict.code.clone(),
                district: subdistrict.district.clone(),
                downstream,
                in_service: true,
                attr,
            });
        }
    }
}

fn letter(device: Device) -> char {
    match device {
        Device::Well | Device::Ponding | Device::Cover | Device::Gas | Device::River => 'L',
        Device::Loop => 'T',
        Device::Bin => 'W',
        Device::Air => 'A',
        Device::Weather => 'M',
    }
}

fn domain(device: Device) -> &'static str {
    match device {
        Device::Well | Device::Ponding | Device::Cover | Device::Gas | Device::River => "drainage",
        Device::Loop => "traffic",
        Device::Bin => "waste",
        Device::Air => "air",
        Device::Weather => "weather",
    }
}

fn interval(device: Device) -> Millis {
    match device {
        Device::Ponding | Device::Loop => Millis::MINUTE,
        Device::Well => Millis(2 * Millis::MINUTE.0),
        Device::Cover | Device::Gas | Device::River | Device::Bin | Device::Air | Device::Weather => {
            Millis(5 * Millis::MINUTE.0)
        }
    }
}

fn is_core(device: Device) -> bool {
    matches!(device, Device::Well | Device::Ponding | Device::Loop)
}

fn titles(device: Device) -> (&'static str, &'static str) {
    match device {
        Device::Well => ("well", "检查井"),
        Device::Ponding => ("underpass", "下凹桥"),
        Device::Cover => ("cover", "井盖"),
        Device::Gas => ("gas probe", "井下气体探头"),
        Device::River => ("river gauge", "河道水位站"),
        Device::Loop => ("detector", "交通检测器"),
        Device::Bin => ("bin", "桶站"),
        Device::Air => ("air station", "空气站"),
        Device::Weather => ("rain gauge", "雨量站"),
    }
}

/// What a device stands on: the sewer that the wells of a subdistrict share, a brook, a road; and on expressways, which of
/// the two detectors of a site is the upper end of the section between them.
fn belongings(device: Device, code: &str, site: usize, number: usize, class: &str) -> Vec<(&'static str, String)> {
    let road = format!("{code}-R{:04}", site + 1);
    match device {
        Device::Well => vec![("sewer", format!("{code}-S0001"))],
        Device::River => vec![("river", format!("{code}-V{number:04}"))],
        Device::Loop if class == "expressway" => {
            // The first detector of a site has an odd number.
            let end = if number.is_multiple_of(2) { "down" } else { "up" };
            vec![("section", road.clone()), ("section_end", end.to_owned()), ("road", road)]
        }
        Device::Loop => vec![("road", road)],
        _ => Vec::new(),
    }
}

fn attributes(device: Device, diameter_m: f64, road: (&str, f64, f64), whom: u64) -> BTreeMap<String, AttrValue> {
    let text = |name: &str, value: &str| (name.to_owned(), AttrValue::Text(value.to_owned()));
    let number = |name: &str, value: f64| (name.to_owned(), AttrValue::Number(value));
    let chosen = mix(whom) % 4;
    let pairs = match device {
        Device::Well => {
            let kind = ["combined", "storm", "combined", "sanitary"][chosen as usize];
            vec![text("kind", kind), number("diameter_m", diameter_m), number("depth_m", diameter_m + 2.0)]
        }
        Device::Ponding => vec![text("kind", "underpass")],
        Device::Cover => vec![text("kind", "cover")],
        Device::Gas => vec![text("kind", "gas")],
        Device::River => {
            // Alert levels as the rules name them, above the gauge's own zero.
            let alerts = [("siaga3_cm", 120.0), ("siaga2_cm", 170.0), ("siaga1_cm", 220.0)];
            alerts.iter().map(|(name, cm)| number(name, *cm)).chain([text("kind", "river")]).collect()
        }
        Device::Loop => {
            vec![text("road_class", road.0), number("free_flow_kmh", road.1), number("lanes", road.2)]
        }
        Device::Bin => {
            let (stream, litres) = BINS[chosen as usize];
            vec![text("stream", stream), number("volume_l", litres)]
        }
        Device::Air => vec![text("kind", ["micro", "micro", "roadside", "reference"][chosen as usize])],
        Device::Weather => vec![text("kind", "rain-gauge")],
    };
    pairs.into_iter().collect()
}
