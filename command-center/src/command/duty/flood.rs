//! Storm mode: when alarms come faster than somebody can read them. Pure.
//!
//! The bounds are those of ISA-18.2 and EEMUA 191 for one operator: a flood begins with ten new alarms in ten minutes
//! and ends when fewer than five came in ten minutes, so that it does not come and go around one number.

use model::Millis;

/// The time over which new alarms are counted.
pub(crate) const WINDOW: Millis = Millis(10 * Millis::MINUTE.0);
/// So many in that time begin a flood.
pub(crate) const BEGINS: u64 = 10;
/// Fewer than so many end it.
pub(crate) const ENDS: u64 = 5;

/// Whether there is a flood, after one or none before.
pub(crate) fn is_flood(was: bool, count: u64) -> bool {
    if was { count >= ENDS } else { count >= BEGINS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_ten_and_ends_below_five() {
        let counts = [0, 9, 10, 9, 5, 4, 9, 10, 0];
        let mut is = false;
        let states: Vec<bool> = counts
            .iter()
            .map(|count| {
                is = is_flood(is, *count);
                is
            })
            .collect();
        assert_eq!(states, [false, false, true, true, true, false, false, true, false]);
    }
}
