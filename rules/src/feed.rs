//! Recorded readings as a log: which partition, which offset, and the ticks between them.

use model::{Entry, EventTime, Offset, PARTITIONS, Partition, Reading, Registry};

/// Turns readings in arrival order into the entries of a log, with the ticks that a feed puts between them.
///
/// Entries of one partition get offsets from 0, as if the log were new.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    largest: Option<EventTime>,
    ticked: Option<EventTime>,
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
        let second = |time: EventTime| time.0.div_euclid(1_000);
        if self.largest.is_none_or(|largest| second(reading.time) > second(largest)) {
            self.tick(reading.time, emit);
        }
        self.largest = self.largest.max(Some(reading.time));
        if let Some(sensor) = registry.sensor(&reading.sensor) {
            self.emit(sensor.partition(), &Entry::Reading(reading.clone()), emit);
        }
    }

    /// Puts a tick into every partition; a clock never goes back.
    pub fn tick(&mut self, time: EventTime, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        if self.ticked.is_some_and(|ticked| ticked >= time) {
            return;
        }
        self.ticked = Some(time);
        for partition in 0..PARTITIONS {
            self.emit(partition, &Entry::Tick(time), emit);
        }
    }

    /// The end of the feed: the clock stands at the largest time seen.
    pub fn finish(&mut self, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        if let Some(largest) = self.largest {
            self.tick(largest, emit);
        }
    }

    fn emit(&mut self, partition: Partition, entry: &Entry<'_>, emit: &mut impl FnMut(Partition, Offset, &Entry<'_>)) {
        let offset = &mut self.next_offset[partition as usize];
        emit(partition, *offset, entry);
        *offset += 1;
    }
}
