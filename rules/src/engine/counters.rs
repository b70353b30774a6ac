//! What an evaluator counts.

/// What the evaluator counted since it was made; part of its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Readings of registered sensors that were not late.
    pub readings: u64,
    /// Readings of sensors that are not registered.
    pub unregistered: u64,
    /// Readings that came too late.
    pub late: u64,
    /// Values that were there already.
    pub duplicates: u64,
    /// Transitions that came out.
    pub transitions: u64,
}

impl Counters {
    /// The sums of both.
    pub fn plus(self, other: Counters) -> Counters {
        Counters {
            readings: self.readings + other.readings,
            unregistered: self.unregistered + other.unregistered,
            late: self.late + other.late,
            duplicates: self.duplicates + other.duplicates,
            transitions: self.transitions + other.transitions,
        }
    }
}
