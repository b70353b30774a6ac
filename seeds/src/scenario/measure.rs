//! From what holds to what a sensor says: noise, readings that are lost, single bad ones, devices that die or stick.

use super::device::{Device, Kind};
use super::truth::{Truth, World, day_wave};
use crate::dice::{noise, throw};
use model::EventTime;

/// One reading in this many is lost on its way.
const LOST: u64 = 500;
/// One reading in this many is wrong, beside those of a sensor that is fouled for minutes.
const BAD: u64 = 3_000;
/// A loop of 7 m is covered by a vehicle for that share of a kilometre, in percent and one.
const VEHICLE_KM: f64 = 0.007;

/// Takes one metric and its value.
type Take<'t> = &'t mut dyn FnMut(&'static str, f64);

impl World {
    /// Tells what the device measures at a moment of its own; false if nothing arrives.
    pub fn measure(&self, device: &Device, time: EventTime, take: Take<'_>) -> bool {
        let (cycle, into) = self.cycle(time);
        let thrown = throw(device.who, time.0 as u64);
        if thrown.is_multiple_of(LOST) || self.silent(device, cycle).is_some_and(|span| span.holds(into)) {
            return false;
        }
        match self.stuck(device, cycle).filter(|span| span.holds(into)) {
            Some(span) => {
                let since = EventTime(time.0 - into + span.from);
                say(device, since, self.truth(device, since), noise(device.who), false, take);
            }
            None => {
                let fouled = self.fouled(device, cycle).is_some_and(|span| span.holds(into));
                let bad = fouled || (thrown >> 20).is_multiple_of(BAD);
                say(device, time, self.truth(device, time), noise(throw(thrown, 1)), bad, take);
            }
        }
        true
    }
}

/// The values of a reading, with noise between -1 and 1, or of a bad one.
fn say(device: &Device, time: EventTime, truth: Truth, wobble: f64, bad: bool, take: Take<'_>) {
    let mut tell = |metric: &'static str, value: f64, digits: f64| {
        take(metric, (value * digits).round() / digits);
    };
    match (truth, device.kind) {
        (Truth::Fill(fill), Kind::Well { diameter_m }) => {
            let level = diameter_m * fill * (1.0 + 0.015 * wobble) + if bad { 1.5 } else { 0.0 };
            // Full-bore velocity of some 1.1 m/s; the flow of a pipe that is not full goes with a power of its fill.
            let full = 0.86 * diameter_m * diameter_m;
            tell("level_m", level, 1_000.0);
            tell("flow_m3s", full * fill.clamp(0.0, 1.0).powf(1.6), 1_000.0);
        }
        (Truth::Pond(pond_m), _) => {
            let splash = if bad { 0.5 } else { 0.006 * wobble };
            tell("level_m", (pond_m + splash).max(0.0), 1_000.0);
        }
        (Truth::River(share), Kind::River { alert_m }) => {
            let wave = if bad { 1.2 } else { 0.015 * wobble };
            tell("level_m", share * alert_m + wave, 1_000.0);
        }
        (Truth::Tilt(tilt), _) => tell("cover_tilt_deg", tilt + 0.5 * wobble, 2.0),
        (Truth::Gas { h2s_ppm, ch4_lel }, _) => {
            tell("h2s_ppm", h2s_ppm * (1.0 + 0.05 * wobble), 10.0);
            tell("ch4_lel_ratio", ch4_lel * (1.0 + 0.05 * wobble), 100.0);
            tell("o2_ratio", 0.209 - 0.01 * ch4_lel, 1_000.0);
        }
        (Truth::Road { speed, demand }, Kind::Loop { free_kmh, lanes }) => {
            let speed = if bad { 0.02 } else { speed * (1.0 + 0.06 * wobble) };
            // In a queue the loop counts what trickles through.
            let flow = demand * (speed / 0.5).clamp(0.2, 1.0);
            let occupancy = (flow / (speed * free_kmh).max(1.0) * VEHICLE_KM).min(0.9);
            tell("speed_kmh", speed * free_kmh, 10.0);
            tell("flow_vph", flow * lanes, 1.0);
            tell("occupancy_ratio", occupancy, 1_000.0);
        }
        (Truth::Bin { fill, celsius }, _) => {
            let fill = if bad { 1.0 } else { fill * (1.0 + 0.01 * wobble) };
            tell("fill_ratio", fill, 100.0);
            tell("temperature_c", celsius + 0.5 * wobble, 10.0);
        }
        (Truth::Air { pm2_5 }, _) => {
            let fine = pm2_5 * (1.0 + 0.06 * wobble) + if bad { 300.0 } else { 0.0 };
            let noon = 0.5 + 0.5 * day_wave(time, 14.0);
            tell("pm2_5_ugm3", fine, 1.0);
            tell("pm10_ugm3", 1.4 * fine, 1.0);
            tell("no2_ugm3", 55.0 - 25.0 * noon + 4.0 * wobble, 1.0);
            tell("o3_ugm3", 40.0 + 90.0 * noon + 5.0 * wobble, 1.0);
        }
        (Truth::Rain { mm_h }, _) => {
            let hours = device.interval as f64 / 3_600_000.0;
            tell("rain_mm", mm_h * hours, 10.0);
            tell("rain_mm_h", mm_h, 10.0);
            let cooled = (mm_h / 20.0).min(1.0);
            tell("temperature_c", 26.0 + 4.0 * day_wave(time, 15.0) - 5.0 * cooled + 0.2 * wobble, 10.0);
            tell("humidity_ratio", 0.6 + 0.35 * cooled, 100.0);
        }
        (truth, kind) => {
            unreachable!("what holds at a place is of the kind that is watched there: {truth:?}, {kind:?}")
        }
    }
}
