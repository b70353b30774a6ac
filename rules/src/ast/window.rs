//! The functions over windows of one metric.

/// A function over the window (t − d, t] of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WindowFunction {
    /// Arithmetic mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Sum.
    Sum,
    /// Number of readings.
    Count,
    /// Standard deviation of the population.
    Stddev,
    /// Last − first.
    Delta,
    /// Least-squares slope per second.
    Rate,
    /// Last − smallest.
    Rise,
    /// Largest − last.
    Fall,
    /// The value that this part of the readings does not pass.
    Quantile(Fraction),
    /// Mean weighted by exp(−age / span); sensor rules only, as the next two.
    Ewma,
    /// Last − median of the others, in parts of their deviation.
    RobustZ,
    /// Last against the earlier readings at its hour of the week.
    SeasonalZ,
}

/// A number from 0 to 1, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fraction(u64);

impl Fraction {
    /// `None` outside of [0, 1].
    pub fn new(value: f64) -> Option<Fraction> {
        // What is not negative is in the order of its bits; adding 0 takes the sign of -0 away.
        (0.0..=1.0).contains(&value).then(|| Fraction((value + 0.0).to_bits()))
    }

    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl WindowFunction {
    /// Fewer readings than this are unknown, unless the rule has `min_readings`.
    pub fn least_readings(self) -> u32 {
        match self {
            WindowFunction::Stddev | WindowFunction::Quantile(_) | WindowFunction::RobustZ => 3,
            WindowFunction::SeasonalZ => 4,
            _ => 1,
        }
    }
}
