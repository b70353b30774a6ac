//! The statistics of supervision: what may be said of counts, and how surely.
//!
//! What it promises: exact where counts are small, an answer of nothing where there is no data, and the source of each
//! formula beside it. All intervals are of 95 %. What it does not do: it knows nothing of cases or units.

mod counts;
mod discovery;
mod interval;
mod special;
mod strata;

pub use counts::{binomial_test, poisson_interval, poisson_test};
pub use discovery::adjusted;
pub use interval::{Interval, clopper_pearson, weighted_sum, wilson};
pub use strata::{Conditional, Odds, Table, mantel_haenszel, risk_difference};

pub use special::{normal_two_sided, student_above};

/// Half of what an interval of 95 % leaves out.
const TAIL: f64 = 0.025;
/// The point of the normal distribution above which 2.5 % lie.
const Z: f64 = 1.959_963_984_540_054;
