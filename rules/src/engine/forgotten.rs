//! What tests of rules make the evaluator forget: a metric that counts no longer, whatever its age.

/// Slots of metrics whose newest value counts until an instant at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Forgotten(Vec<(u32, i64)>);

impl Forgotten {
    /// Until when the newest value of a slot counts at most.
    pub fn until(forgotten: Option<&Forgotten>, slot: usize) -> i64 {
        let found = forgotten.and_then(|all| all.0.iter().find(|(other, _)| *other as usize == slot));
        found.map_or(i64::MAX, |(_, until)| *until)
    }

    /// Has the newest value of a slot count until `until` at most.
    pub fn forget(&mut self, slot: u32, until: i64) {
        self.remember(slot);
        self.0.push((slot, until));
    }

    /// A newer value came.
    pub fn remember(&mut self, slot: u32) {
        self.0.retain(|(other, _)| *other != slot);
    }

    /// A slot was put in before others.
    pub fn make_room(&mut self, inserted: u32) {
        self.0.iter_mut().filter(|(slot, _)| *slot >= inserted).for_each(|(slot, _)| *slot += 1);
    }
}
