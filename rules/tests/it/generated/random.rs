//! A small seeded generator of numbers (splitmix64), so that a seed means the same case for ever.

use model::Millis;
use std::ops::Mul;

/// How often a case's times are as long: seconds, or ten minutes each, so that hours and weeks pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pace(pub i64);

impl Pace {
    const SLOW: Pace = Pace(600);

    pub fn draw(random: &mut Random) -> Pace {
        if random.percent(20) { Pace::SLOW } else { Pace(1) }
    }

    pub fn is_slow(self) -> bool {
        self == Pace::SLOW
    }
}

impl Mul<Pace> for Millis {
    type Output = Millis;

    fn mul(self, pace: Pace) -> Millis {
        Millis(self.0 * pace.0)
    }
}

/// The state; one step a draw.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to `end` − 1.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// One of `from`, so many times in a hundred.
    pub fn maybe<T: Clone>(&mut self, share: usize, from: &[T]) -> Option<T> {
        self.percent(share).then(|| self.pick(from))
    }
}
