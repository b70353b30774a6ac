//! The rule language of citywatch: parse, check, evaluate, test, backtest.
//!
//! Pure: no I/O and no clock. The same rules, registry and log give the same transitions, byte for byte.
//! `docs/semantics.md` says what each thing means exactly.

pub mod aqi;
pub mod ast;
pub mod backtest;
pub mod check;
pub mod data;
pub mod engine;
pub mod feed;
pub mod lint;
pub mod naive;
pub mod syntax;
pub mod testing;

use jiff::tz::TimeZone;
use model::{Calendars, Entry, EventTime, Millis, Offset, Partition, Transition};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Read once; settings are made often.
static SEEDED: LazyLock<Arc<Calendars>> = LazyLock::new(|| Arc::new(Calendars::seeded()));

/// What the city sets for all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Topic prefix; part of every incident's id.
    pub prefix: String,
    /// How long the clock must be past a timer before it fires by the clock.
    pub settle: Millis,
    /// How far behind the clock a reading may be, by domain.
    pub lateness_by_domain: BTreeMap<String, Millis>,
    /// The same for all other domains.
    pub lateness: Millis,
    /// How far behind its partition's clock a reading may be for wide rules, which wait so long for it.
    pub wide_lateness: Millis,
    /// Where the city's days, hours of the week and schedules are.
    pub zone: TimeZone,
    /// The calendars that schedules name.
    pub calendars: Arc<Calendars>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            prefix: "citywatch.".to_owned(),
            settle: Millis(2_000),
            lateness_by_domain: BTreeMap::new(),
            lateness: Millis(120_000),
            wide_lateness: Millis(10_000),
            zone: TimeZone::fixed(jiff::tz::offset(8)),
            calendars: Arc::clone(&SEEDED),
        }
    }
}

/// All rules of a city, local and wide, over the log of all its partitions.
pub trait CityRules {
    /// Applies the entry at `offset` of a partition and appends the transitions that follow from it to `out`.
    ///
    /// Entries of one partition come in the order of their offsets. Markers are not for this.
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>);

    /// As [`PartitionRules::forget`].
    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, out: &mut Vec<Transition>) -> bool;
}

/// The local rules of one log partition: a pure state machine over its entries.
pub trait PartitionRules {
    /// Applies the entry at `offset` and appends the transitions that follow from it to `out`.
    ///
    /// Entries come in the order of their offsets. Markers are not for this: whoever hosts the rules builds new ones.
    fn apply(&mut self, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>);

    /// Makes a metric of a sensor stale from `time` on, until its next newer value: the `stale` of rule tests.
    ///
    /// Only tests call it; nothing on a log does this. False where the evaluator cannot: nothing has happened then.
    fn forget(&mut self, _sensor: &str, _metric: &str, _time: EventTime, _out: &mut Vec<Transition>) -> bool {
        false
    }
}
