//! Supervision 监察: how the city's units do their work, counted from the log alone.
//!
//! What it promises: every figure is a pure function of what stands on the log, the month and a formula file, equal to
//! the last digit each time; numerator and denominator are kept; without a denominator there is no value; what is
//! unknown never raises a score; rankings and findings say how sure they are. What it does not do: it judges nobody.
//! A finding goes to people.

mod calls;
mod case;
mod checks;
mod enforcement;
mod exposure;
mod fold;
mod formula;
mod kpi;
mod month_checks;
mod objections;
mod pdf;
mod period;
mod publish;
mod score;
mod seen;
pub mod statistics;
mod told;

pub use case::{CallBack, Case, Check, Closing, Deduction, Dispatch, Satisfaction, Seen, Sensed, Source};
pub use checks::{Estimate, Visit};
pub(crate) use checks::{Stratum, check_plan};
pub use enforcement::{Enforcement, Finding, Kind, enforcement};
pub use exposure::{Exposed, Reason, exposure};
pub(crate) use fold::CELLS_PER_DEGREE;
pub use fold::StepError;
pub use formula::{ClassWeight, Formula, FormulaError, HandOver, Limits, ObjectionTerms};
pub use kpi::{By, Kpi, Kpis, Rate, kpis};
pub(crate) use month_checks::CheckFold;
pub use month_checks::{Checked, MonthChecks};
pub use objections::{Contested, Correction, Upheld, corrected};
pub use pdf::pdf;
pub use period::{Month, MonthError, Period};
pub use publish::{Report, csv, html};
pub use score::{Group, Ranked, Score, ranking};
pub use told::{TOPICS, Telling, Told};
