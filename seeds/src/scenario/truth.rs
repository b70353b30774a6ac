//! What truly holds at a sensor's place at any moment: a function of place and time, without state.
//!
//! Time is cut into cycles of twelve hours from the start of the scenario; what happens in one (the storm, an accident, a
//! device that dies) is thrown for each place and lies wholly within it. Only the rounds of the bins have a rhythm of their own.

use super::device::{Device, Kind};
use super::storm::{Responses, State, rain_mm_h};
use crate::dice::{between, mix, noise, share, throw};
use model::{EventTime, Millis};
use std::f64::consts::TAU;

/// From one storm to the next.
pub const CYCLE: Millis = Millis(12 * Millis::HOUR.0);
const HOUR: f64 = Millis::HOUR.0 as f64;
const MINUTE: f64 = Millis::MINUTE.0 as f64;
/// Beijing is so far ahead of UTC, all year.
const ZONE: i64 = 8 * Millis::HOUR.0;

/// The storm comes to the north-west of the city so many hours into a cycle, and crosses it in so many.
const STORM_AT_H: f64 = 3.5;
const CROSSING_H: f64 = 2.0;
/// One low spot in this many is not fit for a storm, and another one is hardly fit.
const WEAK: u64 = 12;

/// Smog lies over what is further south-east than this; it is full a little further.
const SMOG_FROM: f64 = 0.68;
const SMOG_FULL: f64 = 0.72;

/// From one emptying of a bin to the next.
const ROUND: i64 = 12 * Millis::HOUR.0;

/// What a scenario plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub storm: bool,
    pub smog: bool,
    /// Accidents, missed rounds, fires, open covers, gas, and devices that die or stick.
    pub mishaps: bool,
}

/// What holds at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth {
    /// Level over diameter.
    Fill(f64),
    /// Water on the road, metres.
    Pond(f64),
    /// Level of a river over its lowest alert level.
    River(f64),
    /// Tilt of a cover, degrees.
    Tilt(f64),
    Gas {
        h2s_ppm: f64,
        ch4_lel: f64,
    },
    /// Speed over free flow; vehicles an hour a lane that want to pass.
    Road {
        speed: f64,
        demand: f64,
    },
    Bin {
        fill: f64,
        celsius: f64,
    },
    Air {
        pm2_5: f64,
    },
    Rain {
        mm_h: f64,
    },
}

/// A span within a cycle, milliseconds into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    pub fn holds(self, into: i64) -> bool {
        (self.from..self.to).contains(&into)
    }

    /// 0 outside, 1 inside but for its ends, which are so many minutes long.
    fn swell(self, into: i64, minutes: f64) -> f64 {
        let edge = minutes * MINUTE;
        let inside = (into - self.from).min(self.to - into) as f64;
        (inside / edge).clamp(0.0, 1.0)
    }
}

/// The world of one scenario.
#[derive(Debug)]
pub struct World {
    pub parts: Parts,
    pub start: EventTime,
    pub seed: u64,
    pub responses: Responses,
}

/// What is thrown for a device in a cycle.
#[derive(Clone, Copy)]
enum Mishap {
    Accident = 1,
    Opened,
    Gas,
    Fire,
    Silent,
    Stuck,
    Halt,
    Fouled,
    Missed,
    MissedByAll,
}

impl World {
    /// The cycle of a moment, and how far it is into it.
    pub fn cycle(&self, time: EventTime) -> (i64, i64) {
        let since = (time - self.start).0;
        (since.div_euclid(CYCLE.0), since.rem_euclid(CYCLE.0))
    }

    /// What holds at the device's place.
    pub fn truth(&self, device: &Device, time: EventTime) -> Truth {
        let (cycle, into) = self.cycle(time);
        match device.kind {
            Kind::Well { .. } => {
                let base = 0.16 + 0.08 * share(device.who) + 0.03 * day_wave(time, 20.0);
                let rise = self.storm(device, cycle, into).rise;
                Truth::Fill(base * (1.0 - rise).max(0.0) + rise)
            }
            Kind::Underpass => Truth::Pond(self.storm(device, cycle, into).pond_m),
            Kind::River { alert_m } => {
                let base = 0.25 + 0.1 * share(device.who);
                Truth::River((base + self.storm(device, cycle, into).river_m) / alert_m)
            }
            Kind::Cover => {
                let open = self.mishap(device.who, cycle, Mishap::Opened, 30, 30.0, 120.0);
                Truth::Tilt(if open.is_some_and(|span| span.holds(into)) { 50.0 } else { 1.0 })
            }
            Kind::Gas => {
                let leak = self.mishap(device.who, cycle, Mishap::Gas, 25, 50.0, 110.0);
                let strength = leak.map_or(0.0, |span| span.swell(into, 10.0)) * between(device.who, 0.7, 1.0);
                Truth::Gas { h2s_ppm: 1.0 + 29.0 * strength, ch4_lel: 0.02 + 0.55 * strength }
            }
            Kind::Loop { .. } => self.road(device, time, cycle, into),
            Kind::Bin { crew } => Truth::Bin {
                fill: self.fill(device, crew, time),
                celsius: 25.0 + 5.0 * day_wave(time, 15.0) + 85.0 * self.fire(device, cycle, into),
            },
            Kind::Air => Truth::Air { pm2_5: self.pm2_5(device, time, cycle, into) },
            Kind::Rain => Truth::Rain { mm_h: self.rain(device, cycle, into) },
        }
    }

    /// While a device says nothing at all.
    pub fn silent(&self, device: &Device, cycle: i64) -> Option<Span> {
        self.mishap(device.who, cycle, Mishap::Silent, 100, 60.0, 180.0)
    }

    /// While a device says one thing for ever.
    pub fn stuck(&self, device: &Device, cycle: i64) -> Option<Span> {
        self.mishap(device.who, cycle, Mishap::Stuck, 120, 60.0, 240.0)
    }

    /// While what stands before a sensor makes all its readings wrong: a bag, a rag, a lorry on the loop. It needs no mishap.
    pub fn fouled(&self, device: &Device, cycle: i64) -> Option<Span> {
        spell(device.who, cycle, Mishap::Fouled, 60, 2.0, 8.0)
    }

    /// One whom in `odds` has the mishap in a cycle, for a number of minutes.
    fn mishap(&self, who: u64, cycle: i64, what: Mishap, odds: u64, least: f64, most: f64) -> Option<Span> {
        if !self.parts.mishaps {
            return None;
        }
        spell(who, cycle, what, odds, least, most)
    }

    /// When the storm comes to a place, hours into the cycle; it never leaves the cycle.
    fn arrival_h(&self, device: &Device) -> f64 {
        STORM_AT_H + CROSSING_H * device.way
    }

    /// How strong the storm of a cycle is at a place, 1 being what a sound place takes: stronger here and there, over some
    /// 20 km.
    fn strength(&self, device: &Device, cycle: i64) -> f64 {
        let storm = throw(self.seed, mix(cycle as u64));
        let (east, north) = (device.east_km / 20.0, device.north_km / 20.0);
        let at = |x: f64, y: f64| between(throw(storm, ((x as i64) << 20 | y as i64) as u64), 0.75, 1.15);
        let (x, y) = (east.floor(), north.floor());
        let (a, b) = (smooth(east - x), smooth(north - y));
        let south = at(x, y) * (1.0 - a) + at(x + 1.0, y) * a;
        let further = at(x, y + 1.0) * (1.0 - a) + at(x + 1.0, y + 1.0) * a;
        south * (1.0 - b) + further * b
    }

    fn storm(&self, device: &Device, cycle: i64, into: i64) -> State {
        let minutes = into as f64 / MINUTE - 60.0 * self.arrival_h(device);
        if !self.parts.storm || minutes < 0.0 {
            return State::default();
        }
        let weakness = match device.site % WEAK {
            // One river in three is steep.
            0..4 if matches!(device.kind, Kind::River { .. }) => between(mix(device.site), 1.4, 2.2),
            0 => between(mix(device.site), 1.8, 2.3),
            1 => between(mix(device.site), 0.8, 1.8),
            _ => between(mix(device.site), 0.45, 0.8),
        };
        self.responses.at(weakness * self.strength(device, cycle), minutes)
    }

    fn rain(&self, device: &Device, cycle: i64, into: i64) -> f64 {
        let minutes = into as f64 / MINUTE - 60.0 * self.arrival_h(device);
        if !self.parts.storm || minutes < 0.0 {
            return 0.0;
        }
        rain_mm_h(self.strength(device, cycle), minutes)
    }

    fn road(&self, device: &Device, time: EventTime, cycle: i64, into: i64) -> Truth {
        // One cycle in six is a holiday: few drive, and nobody is held up.
        let holiday = throw(self.seed, cycle as u64).is_multiple_of(6);
        let hour = local_hour(time);
        let rush = |at: f64| (-((hour - at) / 1.2).powi(2)).exp();
        let peak = rush(8.0) + rush(18.0);
        let (dip, traffic) = if holiday { (0.0, 0.4) } else { (0.24 * peak * between(device.who, 0.7, 1.0), 1.0) };
        let day = 0.1 + 0.55 * (0.5 + 0.5 * day_wave(time, 15.0)) + 0.35 * peak.min(1.0);
        let accident = self.mishap(device.who, cycle, Mishap::Accident, 40, 10.0, 100.0);
        // Everybody stops for two or three minutes now and then; that is no jam, in no scenario.
        let halt = spell(device.who, cycle, Mishap::Halt, 8, 2.0, 3.5);
        let slowed = [
            self.storm(device, cycle, into).slowed,
            accident.map_or(0.0, |span| span.swell(into, 5.0)) * between(mix(device.who), 0.5, 0.88),
            halt.map_or(0.0, |span| if span.holds(into) { 0.6 } else { 0.0 }),
        ];
        let slowed = slowed.into_iter().fold(0.0, f64::max);
        Truth::Road { speed: (0.95 - dip) * (1.0 - slowed), demand: 1_500.0 * day * traffic }
    }

    /// Where no round is missed a bin is emptied before it is full.
    fn fill(&self, device: &Device, crew: u64, time: EventTime) -> f64 {
        let offset = (crew % ROUND as u64) as i64 + (mix(device.who) % 40) as i64 * Millis::MINUTE.0;
        let (round, into) = ((time.0 - offset).div_euclid(ROUND), (time.0 - offset).rem_euclid(ROUND) as f64);
        let before = self.overdue(device, crew, round - 1);
        let fill = if into < before {
            self.pace(device, round - 1, true) * (ROUND as f64 + into) / ROUND as f64
        } else {
            let missed = self.overdue(device, crew, round) > 0.0;
            0.04 + self.pace(device, round, missed) * (into - before) / ROUND as f64
        };
        fill.min(1.15)
    }

    /// How late the crew empties the bin at the end of a round, in milliseconds: mostly not at all.
    fn overdue(&self, device: &Device, crew: u64, round: i64) -> f64 {
        let all = self.mishap(crew, round, Mishap::MissedByAll, 50, 1.0, 2.0).is_some();
        let own = || self.mishap(device.who, round, Mishap::Missed, 25, 1.0, 2.0).is_some();
        if all || own() { between(throw(device.who, round as u64), 2.5, 5.0) * HOUR } else { 0.0 }
    }

    /// By how much the bin fills in a round; more where the crew does not come, for the same feast that keeps it away.
    fn pace(&self, device: &Device, round: i64, missed: bool) -> f64 {
        let throw = throw(device.who ^ mix(round as u64), 77);
        if missed { between(throw, 0.95, 1.1) } else { between(throw, 0.4, 0.75) }
    }

    /// How far a bin burns, 0 to 1: one in five hundred, once a cycle.
    fn fire(&self, device: &Device, cycle: i64, into: i64) -> f64 {
        let span = self.mishap(device.who, cycle, Mishap::Fire, 300, 35.0, 70.0);
        span.map_or(0.0, |span| span.swell(into, 7.0))
    }

    fn pm2_5(&self, device: &Device, time: EventTime, cycle: i64, into: i64) -> f64 {
        let local = 30.0 + 12.0 * share(device.who) + 6.0 * day_wave(time, 8.0);
        if !self.parts.smog {
            return local;
        }
        let hours = into as f64 / HOUR;
        // It thickens slowly until the storm washes it out, or else the wind turns, and comes again.
        let thick = |hours: f64| (80.0 + 45.0 * hours).min(205.0);
        let turns = if self.parts.storm { self.arrival_h(device) + 0.4 } else { 9.0 };
        let smog = if hours < turns {
            thick(hours)
        } else {
            let comes = (80.0 * (hours - 7.5) / 4.5).max(0.0);
            (thick(turns) * (-(hours - turns) / 0.4).exp()).max(comes)
        };
        let patch = 1.0 + 0.08 * noise(throw(device.who, cycle as u64));
        local + smog * patch * smooth(((device.way - SMOG_FROM) / (SMOG_FULL - SMOG_FROM)).clamp(0.0, 1.0))
    }
}

/// One whom in `odds` has the mishap in a cycle; it lasts for a number of minutes and lies within the cycle.
fn spell(who: u64, cycle: i64, what: Mishap, odds: u64, least: f64, most: f64) -> Option<Span> {
    let thrown = throw(who ^ mix(cycle as u64), what as u64);
    if !thrown.is_multiple_of(odds) {
        return None;
    }
    let lasts = (between(mix(thrown), least, most) * MINUTE) as i64;
    let from = (share(mix(thrown ^ 1)) * (CYCLE.0 - lasts) as f64) as i64;
    Some(Span { from, to: from + lasts })
}

/// Hour of the day in Beijing, with its fraction.
pub fn local_hour(time: EventTime) -> f64 {
    (time.0 + ZONE).rem_euclid(Millis::DAY.0) as f64 / HOUR
}

/// 1 at this hour of the day, -1 twelve hours later.
pub fn day_wave(time: EventTime, hour: f64) -> f64 {
    (TAU * (local_hour(time) - hour) / 24.0).cos()
}

/// From 0 to 1 without a kink.
fn smooth(part: f64) -> f64 {
    part * part * (3.0 - 2.0 * part)
}
