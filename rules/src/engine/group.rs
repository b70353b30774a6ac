//! Neighbouring entries at once: while the state of one sensor comes from memory, that of the others comes too.

use super::Engine;
use super::area::AreaKey;
use super::sensor::Link;
use super::tally::Tally;
use model::{Entry, Offset, Transition};

impl Engine {
    /// Entries whose sensors are looked up together: enough to keep the memory busy, few enough that all of their states
    /// stay in the cache until they are used.
    pub const GROUP: usize = 32;

    /// Applies neighbouring entries in their order: what [`apply`](crate::PartitionRules::apply) does with one after the other.
    ///
    /// The sensors of a group of entries are looked up before the first of them is applied, so that the waits for memory
    /// outside the cache overlap.
    pub fn apply_all(&mut self, entries: &[(Offset, Entry<'_>)], out: &mut Vec<Transition>) {
        self.apply_each(entries, out, |_, _| {});
    }

    /// The same; `told` gets what each entry made, with the entry's place.
    pub fn apply_each(
        &mut self,
        entries: &[(Offset, Entry<'_>)],
        out: &mut Vec<Transition>,
        mut told: impl FnMut(usize, &[Transition]),
    ) {
        for (number, group) in entries.chunks(Engine::GROUP).enumerate() {
            let mut places = [None; Engine::GROUP];
            for (place, (_, entry)) in places.iter_mut().zip(group) {
                *place = self.place_for(entry);
            }
            self.touch(&places);
            for (index, (place, (offset, entry))) in places.iter().zip(group).enumerate() {
                let from = out.len();
                self.apply_at(*place, *offset, entry, out);
                if out.len() > from {
                    told(number * Engine::GROUP + index, &out[from..]);
                }
            }
        }
    }

    /// The place of the sensor that a reading is about, if it is registered.
    #[inline]
    pub(super) fn place_for(&self, entry: &Entry<'_>) -> Option<u32> {
        match entry {
            Entry::Reading(reading) => self.place_of(reading.sensor.as_bytes()).map(|place| place as u32),
            _ => None,
        }
    }

    /// Reads a little of each sensor's state here and there, which brings all of it into the cache: first what it holds
    /// itself, then what that leads to.
    fn touch(&self, places: &[Option<u32>]) {
        let sensors = || places.iter().flatten().map(|place| &self.sensors[*place as usize]);
        let mut read = 0;
        for (sensor, place) in sensors().zip(places.iter().flatten()) {
            let metric = sensor.metrics.first().map_or(0, |metric| metric.time);
            let seen = self.presence.seen(*place as usize);
            read ^= seen ^ metric ^ sensor.next_timer ^ sensor.rules.first().map_or(0, |rule| rule.evaluated_at);
        }
        for sensor in sensors() {
            for metric in &sensor.metrics {
                read ^= metric.history.as_ref().map_or(0, |history| history.run_since ^ history.readings.touch());
            }
            for link in sensor.links().iter().filter(|link| **link != Link::NOWHERE) {
                read ^= self.areas[link.area as usize].touch(*link);
            }
        }
        std::hint::black_box(read);
    }
}

impl AreaKey {
    /// Reads a little of what a reading of this member will change.
    fn touch(&self, link: Link) -> i64 {
        let rule = &self.rules[link.rule as usize];
        let counted = |tally: &Tally| tally.low ^ tally.members[link.member as usize].read_at;
        let windows = rule.windows.iter().map(|window| window.readings.touch());
        windows.chain(rule.tallies.iter().map(counted)).fold(self.key_time ^ rule.stale_from, std::ops::BitXor::bitxor)
    }
}
