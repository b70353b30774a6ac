//! Chance without state: numbers that are a function of what they are for.

/// Spreads the bits of a number: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
pub fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A throw for (whom, what).
pub fn throw(whom: u64, what: u64) -> u64 {
    mix(whom ^ mix(what.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

/// A number for a text: FNV-1a (Fowler, Noll, Vo), its bits spread.
pub fn name(text: &str) -> u64 {
    let folded = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    mix(folded)
}

/// A throw as a share, in [0, 1).
pub fn share(throw: u64) -> f64 {
    (throw >> 11) as f64 / (1_u64 << 53) as f64
}

/// A throw as a number in [from, to).
pub fn between(throw: u64, from: f64, to: f64) -> f64 {
    from + share(throw) * (to - from)
}

/// Noise around 0 from one throw, in (-1, 1), more often near 0: the difference of two shares.
pub fn noise(throw: u64) -> f64 {
    let (low, high) = (throw & 0xffff_ffff, throw >> 32);
    (high as f64 - low as f64) / 4_294_967_296.0
}
