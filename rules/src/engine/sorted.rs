//! The values of a window in order, so that each is found by its rank: for quantiles, medians, and deviations from one.
//!
//! They stand in blocks of at most [`BLOCK`]. Adding and removing moves a part of one block; finding a rank walks over
//! the lengths of the blocks, which are a few hundred for a reading a minute over the longest window.

/// Values in one block at most; half as many after it was split.
const BLOCK: usize = 256;

/// Makes the median deviation of normal noise its standard deviation: 1 / Φ⁻¹(3/4).
pub(super) const MAD_TO_SIGMA: f64 = 1.4826;

/// Values in the order of [`f64::total_cmp`].
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    blocks: Vec<Vec<f64>>,
    len: usize,
}

/// The same without one of the values: by its rank.
struct Without<'a> {
    all: &'a Sorted,
    rank: usize,
}

impl Sorted {
    pub fn insert(&mut self, value: f64) {
        self.len += 1;
        let at = self.block_of(value).min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(vec![value]);
            return;
        };
        block.insert(below(block, value), value);
        if block.len() > BLOCK {
            let upper = block.split_off(BLOCK / 2);
            self.blocks.insert(at + 1, upper);
        }
    }

    /// Takes a value out, which must be there.
    pub fn remove(&mut self, value: f64) {
        let at = self.block_of(value);
        let place = below(&self.blocks[at], value);
        debug_assert!(self.blocks[at][place].total_cmp(&value).is_eq());
        self.blocks[at].remove(place);
        self.len -= 1;
        if self.blocks[at].is_empty() {
            self.blocks.remove(at);
        } else {
            self.join(at);
            self.join(at.saturating_sub(1));
        }
    }

    /// The quantile `q` of values that are there, between neighbours in proportion: Hyndman & Fan (1996), type 7.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (self.len - 1) as f64 * q;
        let (whole, part) = (rank.floor(), rank - rank.floor());
        let low = self.at(whole as usize);
        if part == 0.0 { low } else { low + (self.at(whole as usize + 1) - low) * part }
    }

    /// How far `value`, one of at least two, is from the median of the others, in parts of their spread.
    pub fn robust_z(&self, value: f64, resolution: f64) -> f64 {
        let others = Without { all: self, rank: self.rank(value) };
        let median = others.middle(|rank| others.at(rank));
        let not_above = others.count_up_to(median);
        let deviation = others.middle(|rank| others.deviation(median, not_above, rank));
        (value - median) / (MAD_TO_SIGMA * deviation.max(resolution))
    }

    fn at(&self, mut rank: usize) -> f64 {
        for block in &self.blocks {
            match block.get(rank) {
                Some(value) => return *value,
                None => rank -= block.len(),
            }
        }
        unreachable!("a rank is less than the number of values")
    }

    /// How many values stand before this one.
    fn rank(&self, value: f64) -> usize {
        let at = self.block_of(value);
        self.blocks[..at].iter().map(Vec::len).sum::<usize>() + self.blocks.get(at).map_or(0, |b| below(b, value))
    }

    /// The first block that does not end below the value.
    fn block_of(&self, value: f64) -> usize {
        self.blocks.partition_point(|block| block[block.len() - 1].total_cmp(&value).is_lt())
    }

    /// Makes one block of two small neighbours, so that a window whose values wander does not leave crumbs.
    fn join(&mut self, at: usize) {
        if at + 1 < self.blocks.len() && self.blocks[at].len() + self.blocks[at + 1].len() <= BLOCK / 2 {
            let upper = self.blocks.remove(at + 1);
            self.blocks[at].extend(upper);
        }
    }
}

impl Without<'_> {
    fn len(&self) -> usize {
        self.all.len - 1
    }

    fn at(&self, rank: usize) -> f64 {
        self.all.at(if rank < self.rank { rank } else { rank + 1 })
    }

    /// The middle one of as many ranked things, or the mean of the middle two.
    fn middle(&self, at: impl Fn(usize) -> f64) -> f64 {
        let upper = at(self.len() / 2);
        if self.len() % 2 == 1 { upper } else { (at(self.len() / 2 - 1) + upper) / 2.0 }
    }

    /// How many values are not above `limit`.
    fn count_up_to(&self, limit: f64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.at(middle) > limit { high = middle } else { low = middle + 1 }
        }
        low
    }

    /// The deviation from the median with this rank among all deviations. Those of values not above the median grow
    /// downwards, those of the values above it upwards; it is found where the two lists meet.
    fn deviation(&self, median: f64, not_above: usize, rank: usize) -> f64 {
        let below = |index: usize| (self.at(not_above - 1 - index) - median).abs();
        let above = |index: usize| (self.at(not_above + index) - median).abs();
        let wanted = rank + 1;
        let mut low = wanted.saturating_sub(self.len() - not_above);
        let mut high = wanted.min(not_above);
        while low < high {
            let from_below = (low + high) / 2;
            if above(wanted - from_below - 1) <= below(from_below) { high = from_below } else { low = from_below + 1 }
        }
        let largest_below = if low > 0 { below(low - 1) } else { 0.0 };
        let largest_above = if wanted > low { above(wanted - low - 1) } else { 0.0 };
        largest_below.max(largest_above)
    }
}

/// How many values of a block stand before this one.
fn below(block: &[f64], value: f64) -> usize {
    block.partition_point(|other| other.total_cmp(&value).is_lt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window that slides over values that wander, with many equal ones.
    #[test]
    fn ranks_are_those_of_a_sorted_list() {
        let value = |step: u64| ((step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) % 700 + step / 8) as f64 / 4.0;
        let mut sorted = Sorted::default();
        let mut list: Vec<f64> = Vec::new();
        for step in 0..6_000 {
            sorted.insert(value(step));
            list.insert(below(&list, value(step)), value(step));
            if step >= 1_500 {
                sorted.remove(value(step - 1_500));
                list.remove(below(&list, value(step - 1_500)));
            }
            assert!(sorted.blocks.iter().all(|block| (1..=BLOCK).contains(&block.len())));
            if step % 97 == 0 {
                let ranked: Vec<f64> = (0..list.len()).map(|rank| sorted.at(rank)).collect();
                assert_eq!(ranked, list);
            }
        }
        assert!(sorted.blocks.len() <= 2 * list.len() / (BLOCK / 4), "{} blocks", sorted.blocks.len());
    }

    #[test]
    fn quantiles_stand_between_neighbours() {
        let mut sorted = Sorted::default();
        [40.0, 15.0, 20.0, 50.0, 35.0].into_iter().for_each(|value| sorted.insert(value));
        let found = [0.0, 0.125, 0.25, 0.5, 0.625, 1.0].map(|q| sorted.quantile(q));
        assert_eq!(found, [15.0, 17.5, 20.0, 35.0, 37.5, 50.0]);
    }

    #[test]
    fn a_score_leaves_its_own_value_out() {
        let mut sorted = Sorted::default();
        [1.0, 2.0, 3.0, 4.0, 9.0].into_iter().for_each(|value| sorted.insert(value));
        // The others are 1 2 3 4: median 2.5, deviations 0.5 0.5 1.5 1.5, their median 1.
        assert_eq!(sorted.robust_z(9.0, 0.0), 6.5 / MAD_TO_SIGMA);
        assert_eq!(sorted.robust_z(9.0, 2.0), 6.5 / (MAD_TO_SIGMA * 2.0));
    }
}
