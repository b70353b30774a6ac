//! When what could not be delivered is tried again. Pure: no clock, no I/O.

use crate::settings::Retries;
use model::Millis;

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It was taken.
    Delivered { status: Option<u16> },
    /// This message was refused; others may be taken.
    Refused { status: Option<u16>, why: String },
    /// Nobody is there, or not now: all that goes there waits.
    Away { status: Option<u16>, why: String, after: Option<Millis> },
    /// The end-point says that it wants nothing any more, for ever.
    Gone { why: String },
    /// Nothing may be sent there.
    Barred { why: String },
}

impl Retries {
    /// How long to wait after the try with this number, from 1: twice as long each time, up to an hour, and up to a fifth
    /// more or less by `salt`, so that what failed together does not come again together.
    pub(crate) fn wait(&self, number: u64, salt: &[u8]) -> Millis {
        let doubled = self.first.0.saturating_mul(1 << number.saturating_sub(1).min(30));
        let plain = doubled.min(self.longest.0);
        let mixed = salt.iter().fold(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), |mixed, byte| {
            (mixed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let share = (mixed >> 33) % 401;
        Millis(plain * (800 + share as i64) / 1_000)
    }

    /// Whether it is tried no more: its first try was so long ago.
    pub(crate) fn is_over(&self, first_at: i64, now: i64) -> bool {
        now - first_at >= self.give_up.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_differ() {
        let retries = Retries::default();
        for number in 1..60 {
            let plain = (5_000_i64 << (number - 1).min(20)).min(3_600_000);
            let waits: Vec<i64> = (0..50_u8).map(|salt| retries.wait(number, &[salt]).0).collect();
            assert!(waits.iter().all(|wait| (plain * 8 / 10..=plain * 12 / 10).contains(wait)), "{number}: {waits:?}");
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(most - least > plain / 5, "{number}: they differ");
        }
        assert_eq!(retries.wait(3, b"a"), retries.wait(3, b"a"), "and are functions of what they are given");
    }

    #[test]
    fn a_day_of_tries_is_some_thirty() {
        let retries = Retries::default();
        let (mut now, mut tries) = (0, 0);
        while !retries.is_over(0, now) {
            tries += 1;
            now += retries.wait(tries, b"x").0;
        }
        assert!((25..45).contains(&tries), "{tries}");
    }
}
