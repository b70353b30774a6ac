//! How often strangers may ask: from one address, and all together.
//!
//! What it promises: of one address at most a burst at once and then one at each interval, and the same for all; memory
//! does not grow, however many addresses ask. What it does not do: it names nobody. Addresses share places by their hash.

use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Mutex;

/// Places for addresses: two of a million share one, and slow each other down.
const SLOTS: usize = 4_096;

/// So many at once, then one each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) burst: i64,
    pub(crate) every_ms: i64,
}

/// A gate with two paces.
pub(crate) struct Gate {
    each: Pace,
    all: Pace,
    /// When all who came are paid for: together, and by place.
    paid_until: Mutex<(i64, Vec<i64>)>,
}

impl Pace {
    /// Until when it is paid for after one more at `now`; `Err` with how long to wait, in milliseconds.
    fn one_more(self, paid_until: i64, now: i64) -> Result<i64, i64> {
        let paid_until = paid_until.max(now);
        let beyond = paid_until - now - self.every_ms * (self.burst - 1);
        if beyond > 0 { Err(beyond) } else { Ok(paid_until + self.every_ms) }
    }
}

impl Gate {
    pub(crate) fn new(each: Pace, all: Pace) -> Gate {
        Gate { each, all, paid_until: Mutex::new((0, vec![0; SLOTS])) }
    }

    /// Lets one from this address through, or says how many seconds to wait. Who is refused pays nothing.
    pub(crate) fn pass(&self, address: &str, now: i64) -> Result<(), i64> {
        let mut paid = self.paid_until.lock().expect("nothing panics while it holds this lock");
        let slot = place(address);
        let seconds = |ms: i64| (ms + 999) / 1_000;
        let each = self.each.one_more(paid.1[slot], now).map_err(seconds)?;
        let all = self.all.one_more(paid.0, now).map_err(seconds)?;
        (paid.0, paid.1[slot]) = (all, each);
        Ok(())
    }
}

/// What counts as one address: of IPv6 a household's network.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

fn place(address: &str) -> usize {
    let hash = Sha256::digest(address.as_bytes());
    usize::from(u16::from_be_bytes([hash[0], hash[1]])) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bucket of tokens, told plainly: the gate's other name.
    struct Bucket {
        pace: Pace,
        /// In parts of a token, one each millisecond.
        level: i64,
        at: i64,
    }

    impl Bucket {
        fn take(&mut self, now: i64) -> bool {
            self.level = (self.level + now - self.at).min(self.pace.burst * self.pace.every_ms);
            self.at = now;
            let is_enough = self.level >= self.pace.every_ms;
            self.level -= if is_enough { self.pace.every_ms } else { 0 };
            is_enough
        }
    }

    proptest! {
        #[test]
        fn it_is_two_buckets(asks in prop::collection::vec((0..3_usize, 0..3_000_i64), 1..200), burst in 1..5_i64, every in 1..2_000_i64) {
            let (each, all) = (Pace { burst, every_ms: every }, Pace { burst: burst * 2, every_ms: every / 2 + 1 });
            let bucket = |pace: Pace| Bucket { pace, level: pace.burst * pace.every_ms, at: 0 };
            let gate = Gate::new(each, all);
            let mut buckets = [bucket(each), bucket(each), bucket(each), bucket(all)];
            let mut now = 0;
            for (who, later) in asks {
                now += later;
                let (mine, total) = (buckets[who].take(now), buckets[3].take(now));
                // Who is refused by one pays neither.
                if mine && !total {
                    buckets[who].level += each.every_ms;
                }
                if total && !mine {
                    buckets[3].level += all.every_ms;
                }
                let passed = gate.pass(["a", "b", "c"][who], now);
                prop_assert_eq!(passed.is_ok(), mine && total);
                if let Err(seconds) = passed {
                    prop_assert!(seconds > 0);
                }
            }
        }
    }

    #[test]
    fn a_household_is_one() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::5"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::5"), network("2001:db8:1:3::5"));
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn who_is_signed_in_is_slowed_down_alone() {
        let gates = crate::center::Gates::new();
        let passed = (0..7_000).filter(|_| gates.signed.pass("anna", 1_000).is_ok()).count();
        assert_eq!((passed, gates.signed.pass("anna", 1_000)), (6_000, Err(1)));
        assert!(gates.signed.pass("ben", 1_000).is_ok(), "others are not");
        assert_eq!((0..7_000).filter(|_| gates.signed.pass("anna", 2_000).is_ok()).count(), 200);
    }
}
