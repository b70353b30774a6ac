//! What a reading of a member means for a predicate of an area rule: it is tested at the reading's own time.

use super::area::MemberReading;
use super::expression::{Logic, Truth, Values};
use super::layout::TallyPart;
use super::metric::SensorValues;
use super::program::Program;
use super::sensor::SensorState;
use super::tally::Tallied;
use super::window::UNKNOWN;
use model::AttrValue;

/// Updates a member by one reading.
pub(super) fn apply(
    member: &mut Tallied,
    part: &TallyPart,
    program: &Program,
    reading: &MemberReading<'_>,
    stale_after: i64,
) {
    let Some(predicate) = &part.predicate else { return };
    let carried = |slot: u32| reading.values.iter().position(|(other, _)| *other == slot);
    let Some((slot, place)) = part.slots.iter().find_map(|&slot| Some((slot, carried(slot)?))) else { return };
    let attrs = &program.attr_sets[reading.sensor.attrs as usize];
    let instant = Instant { time: reading.time, slot, value: reading.values[place].1, offset: reading.offset };
    if !part.several {
        let truth = predicate.evaluate(&OneValue { value: instant.value, attrs });
        note(member, truth, reading, &instant);
        return;
    }
    let newest_before = |slot: u32| match carried(slot) {
        Some(place) => reading.newest_before[place],
        None => reading.sensor.metrics[slot as usize].time,
    };
    let forgotten = reading.sensor.forgotten();
    // What a test of rules had forgotten may count again for earlier instants, now that something newer came.
    if forgotten.is_none() && part.slots.iter().all(|&slot| newest_before(slot) < reading.time) {
        let metrics = &reading.sensor.metrics;
        let values =
            SensorValues { program, metrics, attrs, forgotten, stale_after, at: reading.time, by_reading: true };
        note(member, predicate.evaluate(&values), reading, &instant);
    } else {
        recount(member, predicate, part, attrs, reading, stale_after);
    }
}

/// One instant at which a predicate is tested, and the reading that stands for it.
#[derive(Clone, Copy)]
struct Instant {
    time: i64,
    slot: u32,
    value: f64,
    offset: u64,
}

fn note(member: &mut Tallied, truth: Truth, reading: &MemberReading<'_>, instant: &Instant) {
    member.read_at = member.read_at.max(instant.time);
    match truth {
        Truth::True if instant.time >= member.fit_at => {
            member.fit_at = instant.time;
            member.fit_metric = reading.metrics[instant.slot as usize];
            member.fit_offset = instant.offset;
            member.fit_value = instant.value;
        }
        Truth::Unknown => member.unknown_at = member.unknown_at.max(instant.time),
        Truth::True | Truth::False => {}
    }
}

/// A reading came between others: what they meant may have changed, so all instants that are kept are tested again.
fn recount(
    member: &mut Tallied,
    predicate: &Logic,
    part: &TallyPart,
    attrs: &[Option<AttrValue>],
    reading: &MemberReading<'_>,
    stale_after: i64,
) {
    let metrics = &reading.sensor.metrics;
    let held = |slot: u32| {
        let history = metrics[slot as usize].history.as_ref().expect("a predicate of several metrics keeps readings");
        &history.readings
    };
    let mut times: Vec<i64> = part.slots.iter().flat_map(|&slot| held(slot).all().map(|held| held.time)).collect();
    times.sort_unstable();
    times.dedup();
    let fresh = Tallied::new(member.in_service);
    *member = Tallied { reported_at: member.reported_at, ..fresh };
    for time in times {
        let found = |&slot: &u32| held(slot).at(time, ()).map(|held| (slot, held));
        let (slot, held) = part.slots.iter().find_map(found).expect("the time is that of one of them");
        let values = ValuesThen { sensor: reading.sensor, attrs, stale_after, at: time };
        let instant = Instant { time, slot, value: held.value, offset: held.offset };
        note(member, predicate.evaluate(&values), reading, &instant);
    }
}

/// A predicate of one metric sees the reading itself.
struct OneValue<'a> {
    value: f64,
    attrs: &'a [Option<AttrValue>],
}

impl Values for OneValue<'_> {
    fn last(&self, _: usize) -> f64 {
        self.value
    }

    fn attr(&self, place: usize) -> Option<&AttrValue> {
        self.attrs[place].as_ref()
    }
}

/// The values as they were at an earlier instant.
struct ValuesThen<'a> {
    sensor: &'a SensorState,
    attrs: &'a [Option<AttrValue>],
    stale_after: i64,
    at: i64,
}

impl Values for ValuesThen<'_> {
    fn last(&self, place: usize) -> f64 {
        let metric = &self.sensor.metrics[place];
        let held = metric.history.as_ref().and_then(|history| history.readings.at_or_before(self.at));
        let counts = |time: i64| match time == metric.time {
            true => self.sensor.counts_until(place, self.stale_after) >= self.at,
            false => time.saturating_add(self.stale_after) >= self.at,
        };
        held.filter(|held| counts(held.time)).map_or(UNKNOWN, |held| held.value)
    }

    fn attr(&self, place: usize) -> Option<&AttrValue> {
        self.attrs[place].as_ref()
    }
}
