//! The part of kept readings inside one length of window, and what is known of it at any moment.

use super::sorted::Sorted;
use super::window::UNKNOWN;
use std::collections::VecDeque;

/// Values beyond this make `sum` and `avg` of their window unknown: below it, the exact sum of 2²⁶ readings fits.
const SUMMABLE: f64 = (1_u64 << 40) as f64;
const FIXED_ONE: f64 = (1_u64 << 60) as f64;

/// What one length of window needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ViewSpec {
    /// Length in milliseconds.
    pub span: i64,
    /// Whether sums are asked for.
    pub sum: bool,
    /// Whether the smallest is asked for.
    pub min: bool,
    /// Whether the largest is asked for.
    pub max: bool,
    /// Whether values by their rank are asked for.
    pub sorted: bool,
}

/// The part of the readings inside one length of window.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub spec: ViewSpec,
    /// Readings at or before this are outside.
    pub low: i64,
    /// Sequence number of the first reading inside.
    pub first: u64,
    sum: i128,
    /// The sum as the nearest f64, unless it changed since: fifty rules over one window ask for it fifty times.
    rounded: Option<f64>,
    /// Readings inside that cannot be summed.
    unsummable: u32,
    /// Sequence numbers of candidates, values ascending from front to back.
    pub min: VecDeque<u64>,
    /// The same, values descending.
    pub max: VecDeque<u64>,
    /// All values inside, where they are asked for by rank.
    pub sorted: Option<Box<Sorted>>,
}

impl ViewSpec {
    /// A window that only keeps its readings.
    pub fn of(span: i64) -> ViewSpec {
        ViewSpec { span, sum: false, min: false, max: false, sorted: false }
    }
}

impl View {
    pub fn new(spec: ViewSpec) -> View {
        let (min, max) = (VecDeque::new(), VecDeque::new());
        let sorted = spec.sorted.then(Box::default);
        View { spec, low: i64::MIN, first: 0, sum: 0, rounded: None, unsummable: 0, min, max, sorted }
    }

    /// A reading came in.
    pub fn add(&mut self, value: f64) {
        if self.spec.sum {
            self.rounded = None;
            if value.abs() <= SUMMABLE {
                self.sum += fixed(value);
            } else {
                self.unsummable += 1;
            }
        }
        if let Some(sorted) = &mut self.sorted {
            sorted.insert(value);
        }
    }

    /// The first reading left.
    pub fn remove_first(&mut self, value: f64) {
        if self.spec.sum {
            self.rounded = None;
            if value.abs() <= SUMMABLE {
                self.sum -= fixed(value);
            } else {
                self.unsummable -= 1;
            }
        }
        if let Some(sorted) = &mut self.sorted {
            sorted.remove(value);
        }
        if self.min.front() == Some(&self.first) {
            self.min.pop_front();
        }
        if self.max.front() == Some(&self.first) {
            self.max.pop_front();
        }
        self.first += 1;
    }

    /// A reading outside the window was put in before its candidates: their numbers move up by one.
    pub fn shift_candidates(&mut self, inserted: u64) {
        for candidate in self.min.iter_mut().chain(self.max.iter_mut()) {
            debug_assert!(*candidate >= inserted);
            *candidate += 1;
        }
    }

    /// The exact sum as the nearest f64, or unknown.
    pub fn sum(&self) -> f64 {
        self.rounded.unwrap_or_else(|| self.rounded_sum())
    }

    /// Has the sum at hand: whoever reads a window ends it first.
    #[inline]
    pub fn round(&mut self) {
        if self.rounded.is_none() && self.spec.sum {
            self.rounded = Some(self.rounded_sum());
        }
    }

    fn rounded_sum(&self) -> f64 {
        if self.unsummable > 0 { UNKNOWN } else { self.sum as f64 / FIXED_ONE }
    }
}

fn fixed(value: f64) -> i128 {
    (value * FIXED_ONE).round() as i128
}
