//! What a reading sets off, step by step as `docs/semantics.md` has them: timers before it, its values, the rules for
//! which it is newer, timers up to it.

use super::area::{AreaContext, AreaKey, MemberReading};
use super::layout::{self, Layout};
use super::presence::At;
use super::program::{MetricId, Program, Stage};
use super::sensor::{Link, SensorContext, SensorState};
use super::telling::Teller;
use super::timers::{Key, Timers};
use super::{Engine, hash};
use model::{Offset, Reading, Transition};
use smallvec::SmallVec;

/// The values of a reading by slot.
type Slotted = SmallVec<[(u32, f64); 4]>;
/// Places of rules.
type Places = SmallVec<[u32; 8]>;

impl Engine {
    /// The one value of a reading of a sensor that always has that one: the commonest case, without any list.
    #[inline]
    fn slotted_as_laid_out(&self, place: usize, reading: &Reading<'_>) -> Option<(u32, f64)> {
        let names = &self.layouts[self.sensors[place].layout as usize].names;
        match (&**names, reading.values.as_slice()) {
            ([only], [(name, value)]) if **only == **name => Some((0, *value)),
            _ => None,
        }
    }

    /// The reading's values by slot, without those that nobody wants.
    fn slotted(&mut self, place: usize, reading: &Reading<'_>) -> Slotted {
        let layout = &self.layouts[self.sensors[place].layout as usize];
        let mut values = Slotted::new();
        if layout.names.len() == reading.values.len() {
            for (slot, (name, value)) in reading.values.iter().enumerate() {
                if *layout.names[slot] == **name {
                    values.push((slot as u32, *value));
                }
            }
            if values.len() == reading.values.len() {
                return values;
            }
            values.clear();
        }
        let mut by_metric: SmallVec<[(MetricId, f64); 4]> = SmallVec::new();
        for (name, value) in &reading.values {
            if let Some(metric) = self.room_for(place, name) {
                by_metric.push((metric, *value));
            }
        }
        let layout = &self.layouts[self.sensors[place].layout as usize];
        for (metric, value) in by_metric {
            values.push((layout.slot(metric).expect("room was made for the metric") as u32, value));
        }
        values
    }

    /// Makes room for a metric in a sensor's layout; `None` if nobody wants anything of it.
    pub(super) fn room_for(&mut self, place: usize, name: &str) -> Option<MetricId> {
        let class = self.layouts[self.sensors[place].layout as usize].class as usize;
        let silence_matters = !self.program.classes[class].silent.is_empty();
        // A name that nobody knows gets no number, so that a stream of made-up names cannot fill the memory.
        if !silence_matters && !self.program.metric_ids.contains_key(name) {
            return None;
        }
        let metric = self.metric_id(name);
        if !layout::class_wants(&self.program.classes[class], metric) {
            return None;
        }
        if self.layouts[self.sensors[place].layout as usize].slot(metric).is_none() {
            self.add_metric(place, metric);
        }
        Some(metric)
    }

    #[inline]
    pub(super) fn place_of(&self, id: &[u8]) -> Option<usize> {
        let found = self.by_id.find(hash(id), |&place| self.sensors[place as usize].id.as_slice() == id);
        found.map(|&place| place as usize)
    }

    /// Applies a reading of the sensor at `place`.
    pub(super) fn reading(
        &mut self,
        place: Option<u32>,
        offset: Offset,
        reading: &Reading<'_>,
        out: &mut Vec<Transition>,
    ) {
        let Some(place) = place.map(|place| place as usize) else {
            if self.program.stage == Stage::Wide {
                // A new rule set or registry no longer needs it here.
                return;
            }
            self.counters.unregistered += 1;
            // A sensor of another partition, perhaps one that moved, is no stranger.
            if self.program.registry.sensor(&reading.sensor).is_none() {
                let at = At { partition: self.partition, offset };
                self.presence.stranger(&reading.sensor, reading.time.0, at);
            }
            return;
        };
        let timing = self.program.timings[self.sensors[place].timing as usize];
        let time = reading.time.0;
        if self.clock.is_some_and(|clock| time < clock.saturating_sub(timing.lateness)) {
            self.counters.late += 1;
            return;
        }
        self.counters.readings += 1;
        if self.program.stage == Stage::Local && self.presence.see(place, reading) {
            let at = At { partition: self.partition, offset };
            self.presence.notice(place, reading, &self.program.registry.metrics, self.clock, at);
        }
        let known = self.slotted_as_laid_out(place, reading);
        let slotted;
        let values: &[(u32, f64)] = match &known {
            Some(single) => std::slice::from_ref(single),
            None => {
                slotted = self.slotted(place, reading);
                &slotted
            }
        };
        let Engine { program, layouts, sensors, areas, timers, counters, .. } = self;
        let mut teller = Teller { program, out };
        let layout = &layouts[sensors[place].layout as usize];
        let context = SensorContext { program, layout, timing, offset };

        let sensor = &mut sensors[place];
        let mut merged = Places::new();
        let rules = newer_for(values, time, sensor, &layout.rules_by_slot, &mut merged);
        if !rules.is_empty() && sensor.next_timer < time {
            sensor.fire(&context, time - 1, &mut teller);
        }
        if layout.area_rules.is_empty() {
            for &(slot, value) in values {
                let applied = sensor.apply(slot, time, offset, value);
                counters.duplicates += u64::from(!applied);
            }
        } else {
            let mut merged = Places::new();
            let newer = newer_for(values, time, sensor, &layout.area_rules_by_slot, &mut merged);
            let newer = by_area(newer, sensor.links());
            let mut shared = Areas { program, layouts, areas, timers };
            shared.fire_before(sensors, &newer, time, &mut teller);
            counters.duplicates += shared.apply(sensors, place, time, offset, values);
            shared.evaluate(sensors, &newer, (place as u32, offset), time, &mut teller);
        }

        let sensor = &mut sensors[place];
        if !rules.is_empty() {
            sensor.key_time = sensor.key_time.max(time);
            let at = sensor.key_time;
            let quiet = match values {
                [(slot, _)] => layout.quiet_by_slot[*slot as usize].as_ref(),
                _ => None,
            };
            sensor.evaluate(&context, rules, quiet, at, &mut teller);
            if sensor.next_timer <= time {
                sensor.fire(&context, time, &mut teller);
            }
            timers.arm(Key::Sensor(place as u32), sensor.next_timer, timing.wait, &mut sensor.armed);
        }
    }
}

/// The areas of a partition while one of its sensors has a reading.
struct Areas<'a> {
    program: &'a Program,
    layouts: &'a [Layout],
    areas: &'a mut [AreaKey],
    timers: &'a mut Timers,
}

/// Areas, with the places of their rules for which a reading is newer.
type NewerInAreas = SmallVec<[(u32, Places); 2]>;

impl Areas<'_> {
    fn fire_before(&mut self, sensors: &[SensorState], newer: &NewerInAreas, time: i64, teller: &mut Teller<'_>) {
        for (key, _) in newer {
            let area = &mut self.areas[*key as usize];
            if area.next_timer < time {
                let context = AreaContext { program: self.program, layouts: self.layouts, sensors, reading: None };
                area.fire(&context, time - 1, teller);
            }
        }
    }

    /// Applies the values to the sensor and to the area rules that it is a member of; returns the number of duplicates.
    fn apply(
        &mut self,
        sensors: &mut [SensorState],
        place: usize,
        time: i64,
        offset: Offset,
        values: &[(u32, f64)],
    ) -> u64 {
        let sensor = &mut sensors[place];
        let count = values.len();
        let mut newest_before: SmallVec<[i64; 4]> = SmallVec::new();
        let mut applied = Slotted::new();
        for &(slot, value) in values {
            let newest = sensor.metrics[slot as usize].time;
            if sensor.apply(slot, time, offset, value) {
                newest_before.push(newest);
                applied.push((slot, value));
            }
        }
        let sensor = &sensors[place];
        let layout = &self.layouts[sensor.layout as usize];
        for (part, link) in layout.area_rules.iter().zip(sensor.links()) {
            if *link != Link::NOWHERE && applied.iter().any(|(slot, _)| part.named.contains(slot)) {
                let reading = MemberReading {
                    member: link.member,
                    part,
                    sensor,
                    metrics: &layout.metrics,
                    time,
                    offset,
                    values: &applied,
                    newest_before: &newest_before,
                };
                self.areas[link.area as usize].rules[link.rule as usize].apply(self.program, &reading);
            }
        }
        (count - applied.len()) as u64
    }

    fn evaluate(
        &mut self,
        sensors: &[SensorState],
        newer: &NewerInAreas,
        reading: (u32, Offset),
        time: i64,
        teller: &mut Teller<'_>,
    ) {
        for (key, places) in newer {
            let context = AreaContext { program: self.program, layouts: self.layouts, sensors, reading: Some(reading) };
            let area = &mut self.areas[*key as usize];
            area.key_time = area.key_time.max(time);
            let at = area.key_time;
            area.evaluate(&context, places, at, teller);
            if area.next_timer <= time {
                area.fire(&context, time, teller);
            }
            self.timers.arm(Key::Area(*key), area.next_timer, self.program.area_wait(), &mut area.armed);
        }
    }
}

/// The places of rules for which a reading is newer: usually those of one slot, as they stand in the layout.
#[inline]
fn newer_for<'a>(
    values: &[(u32, f64)],
    time: i64,
    sensor: &SensorState,
    by_slot: &'a [Box<[u32]>],
    merged: &'a mut Places,
) -> &'a [u32] {
    if let [(slot, _)] = values {
        return if time > sensor.metrics[*slot as usize].time { &by_slot[*slot as usize] } else { &[] };
    }
    let mut only: &'a [u32] = &[];
    for (slot, _) in values {
        if time <= sensor.metrics[*slot as usize].time {
            continue;
        }
        let places = &by_slot[*slot as usize];
        if only.is_empty() && merged.is_empty() {
            only = places;
        } else {
            if merged.is_empty() {
                merged.extend_from_slice(only);
            }
            merged.extend_from_slice(places);
        }
    }
    if merged.is_empty() {
        return only;
    }
    merged.sort_unstable();
    merged.dedup();
    merged
}

/// Groups places of area rules in a layout by the area in which the sensor is a member, as places in that area.
fn by_area(parts: &[u32], links: &[Link]) -> NewerInAreas {
    let mut grouped = NewerInAreas::new();
    for &part in parts {
        let link = links[part as usize];
        if link == Link::NOWHERE {
            continue;
        }
        match grouped.iter_mut().find(|(area, _)| *area == link.area) {
            Some((_, places)) => places.push(link.rule),
            None => grouped.push((link.area, SmallVec::from_slice(&[link.rule]))),
        }
    }
    grouped
}
