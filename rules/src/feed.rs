//! Recorded readings as a log: which partition, which offset, and the ticks between them.

use model::{Entry, EventTime, FeedClock, Offset, PARTITIONS, Partition, Reading, Registry};

/// Turns readings in arrival order into the entries of a log, with the ticks that a feed puts between them.
///
/// Entries of one partition get offsets from 0, as if the log were new.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    clock: FeedClock,
    next_offset: [Offset; PARTITIONS as usize],
}

impl Feed {
    /// A feed with nothing in it.
    pub fn new() -> Feed {
        Feed::default()
    }

    /// Puts one reading of a registered sensor, after the ticks that it calls for; of an unregistered one only the ticks.
    pub fn push(
        &mut self,
        registry: &Registry,
        reading: &Reading<'_>,
        emit: &mut impl FnMut(Partition, Offset, &Entry<'_>),
    ) {
        if let Some(tick) = self.clock.reading(reading.time) {
            self.emit_tick(tick, emit);
        }
        if let Some(sensor) = registry.sensor(&reading.sensor) {
            self.emit(sensor.partition(), &Entry::Reading(reading.clone()), emit);
        }
    }

    /// Puts a tick into every partition; a clock never goes back.
    pub fn tick(&mut self, time: EventTime, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        if let Some(tick) = self.clock.tick(time) {
            self.emit_tick(tick, emit);
        }
    }

    /// The end of the feed: the clock stands at the largest time seen, and nothing is awaited any longer.
    pub fn finish(&mut self, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        if let Some(rest) = self.clock.rest() {
            self.emit_all(&Entry::Rest(rest), emit);
        }
    }

    fn emit_tick(&mut self, time: EventTime, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        self.emit_all(&Entry::Tick(time), emit);
    }

    fn emit_all(&mut self, entry: &Entry<'_>, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        for partition in 0..PARTITIONS {
            self.emit(partition, entry, emit);
        }
    }

    fn emit(&mut self, partition: Partition, entry: &Entry<'_>, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        let offset = &mut self.next_offset[partition as usize];
        emit(partition, *offset, entry);
        *offset += 1;
    }
}
