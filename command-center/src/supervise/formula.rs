//! A scoring formula: a dated, versioned file that says what counts how much. Nothing of it is in the code.

use super::kpi::Kpi;
use super::period::{Month, Period};
use crate::auth::secret::hexadecimal;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A formula, as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formula {
    /// Its name; it stays when the version changes.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// The first month that it counts for.
    pub valid_from: String,
    /// The last month that it counts for; none while it is in force.
    pub valid_until: Option<String>,
    /// The day on which a month begins: 1, or a day of the month before, up to 28.
    pub month_begins_on: i8,
    /// The city's time zone, as in the IANA list.
    pub zone: String,
    /// What a citizen who is mostly satisfied counts, from 0 to 1.
    pub mostly_satisfied: f64,
    /// The least denominator with which a unit is ranked.
    pub least: u64,
    /// A score from which on it sits at the ceiling.
    pub ceiling: f64,
    /// The weight of each indicator; together 1.
    pub weights: BTreeMap<Kpi, f64>,
    /// Groups of units that are compared with each other: the beginnings of their codes.
    pub peers: BTreeMap<String, Vec<String>>,
    /// What each class counts, and how hard it is.
    pub classes: BTreeMap<String, ClassWeight>,
    /// What makes a finding of selective enforcement.
    pub findings: Limits,
    /// Where the clock and the blame of a case that is handed on are split; without it what is late is late with the last
    /// unit alone.
    pub hand_over: Option<HandOver>,
    /// Whether upheld objections of units count, and until when they are filed; without it they change nothing.
    pub objections: Option<ObjectionTerms>,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(skip)]
    pub digest: String,
}

/// How a case that is handed on counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandOver {
    /// Each unit answers for its own time.
    Split,
}

/// Until when a unit may object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionTerms {
    /// Days after something was counted.
    pub days: i64,
    /// Days after the first review in which a second may be asked for.
    pub again_days: i64,
}

/// How a class counts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassWeight {
    /// Points for handling a case of it.
    pub points: f64,
    /// Whether it is hard: long, costly, or met with resistance.
    pub hard: bool,
}

/// What makes a finding.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The share of false ones among all findings, at most.
    pub false_share: f64,
    /// The least cases of a unit on each side of a comparison.
    pub least: u64,
    /// The least units to compare with.
    pub peers_least: u64,
    /// By how much honest units are known to differ, as a standard deviation of log odds.
    pub spread: f64,
    /// How many units that knowledge is worth beside those of the month.
    pub spread_units: f64,
    /// The least difference of shares.
    pub difference: f64,
    /// Points up to which a class counts as low in score.
    pub low_points: f64,
    /// Days within which a case of the same class in the same cell is a repeat, and a case opened again counts.
    pub again_days: i64,
    /// The last part of a case's time that is just before its limit, from 0 to 1.
    pub just_before: f64,
}

/// What is wrong with a formula.
#[derive(Debug, thiserror::Error)]
pub enum FormulaError {
    /// It is no such file.
    #[error("{file} is no scoring formula")]
    Form {
        /// The file.
        file: String,
        /// What is wrong, by line and column.
        #[source]
        source: toml::de::Error,
    },
    /// It says something that cannot be.
    #[error("{file}: {what}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong, and what to write.
        what: String,
    },
}

impl ObjectionTerms {
    /// The last instant for an objection to what was counted at a time.
    pub fn until(self, counted_at: EventTime) -> EventTime {
        counted_at + Millis(self.days * Millis::DAY.0)
    }

    /// The last instant to ask for a second review after the first.
    pub fn again_until(self, reviewed_at: EventTime) -> EventTime {
        reviewed_at + Millis(self.again_days * Millis::DAY.0)
    }
}

impl Formula {
    /// Reads the text of a formula; `file` is its name in errors.
    pub fn parse(file: &str, text: &str) -> Result<Formula, FormulaError> {
        let mut formula: Formula =
            toml::from_str(text).map_err(|source| FormulaError::Form { file: file.to_owned(), source })?;
        formula.digest = hexadecimal(&Sha256::digest(text.as_bytes()));
        match formula.wrong() {
            None => Ok(formula),
            Some(what) => Err(FormulaError::Content { file: file.to_owned(), what }),
        }
    }

    /// The formula that every city starts with.
    pub fn seeded() -> Formula {
        let text = include_str!("../../../seeds/scoring/city-2026.toml");
        Formula::parse("seeds/scoring/city-2026.toml", text).expect("a test reads the seeded formula")
    }

    /// Its name and version, as results carry them.
    pub fn id(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }

    /// Whether it counts for a month.
    pub fn counts_for(&self, month: Month) -> bool {
        let bound = |text: &str| text.parse::<Month>().expect("bounds were checked when the formula was read");
        bound(&self.valid_from) <= month && self.valid_until.as_deref().is_none_or(|until| month <= bound(until))
    }

    /// The stretch of time that counts for a month.
    pub fn period(&self, month: Month) -> Period {
        month.period(self.month_begins_on, &self.time_zone())
    }

    /// The month that an instant counts for; none beyond the calendar.
    pub fn month_of(&self, at: EventTime) -> Option<Month> {
        let day = self.time_zone().to_datetime(Timestamp::from_millisecond(at.0).ok()?).date();
        let next = day.last_of_month().tomorrow().ok()?;
        [day, next].into_iter().map(Month::of).find(|month| self.period(*month).holds(at))
    }

    /// The peer group of a unit: that whose longest beginning fits. None if it is compared with nobody.
    pub fn group(&self, unit: &str) -> Option<&str> {
        let fits = |begin: &&String| {
            unit.strip_prefix(begin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let longest = |begins: &Vec<String>| begins.iter().filter(fits).map(String::len).max();
        let groups = self.peers.iter().filter_map(|(name, begins)| Some((longest(begins)?, name.as_str())));
        groups.max_by_key(|(length, _)| *length).map(|(_, name)| name)
    }

    /// Whether each unit answers for its own time with a case that was handed on.
    pub fn splits(&self) -> bool {
        self.hand_over == Some(HandOver::Split)
    }

    /// How a class counts; nothing if the formula does not know it.
    pub fn class(&self, class: &str) -> Option<ClassWeight> {
        self.classes.get(class).copied()
    }

    fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).expect("the zone was checked when the formula was read")
    }

    /// The first thing that cannot be.
    fn wrong(&self) -> Option<String> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let sum: f64 = self.weights.values().sum();
        let bounds = [Some(&self.valid_from), self.valid_until.as_ref()];
        if let Some(Err(error)) = bounds.into_iter().flatten().map(|text| text.parse::<Month>()).find(Result::is_err) {
            return Some(error.to_string());
        }
        let checks = [
            (self.version > 0, "version is from 1".to_owned()),
            ((1..=28).contains(&self.month_begins_on), "month_begins_on is a day from 1 to 28".to_owned()),
            (TimeZone::get(&self.zone).is_ok(), format!("\"{}\" is no time zone: write Asia/Shanghai", self.zone)),
            (share(self.mostly_satisfied), "mostly_satisfied is a share from 0 to 1".to_owned()),
            (self.weights.values().all(|weight| share(*weight)), "a weight is a share from 0 to 1".to_owned()),
            ((sum - 1.0).abs() < 1e-9, format!("the weights make {sum} together: they are to make 1")),
            (self.least > 0 && self.findings.least > 0, "least is from 1".to_owned()),
            (self.findings.peers_least >= 2, "findings.peers_least is from 2".to_owned()),
            (self.findings.spread > 0.0, "findings.spread is above 0".to_owned()),
            (self.findings.spread_units > 0.0, "findings.spread_units is above 0".to_owned()),
            (share(self.findings.false_share), "findings.false_share is a share from 0 to 1".to_owned()),
            (share(self.findings.difference), "findings.difference is a share from 0 to 1".to_owned()),
            (share(self.findings.just_before), "findings.just_before is a share from 0 to 1".to_owned()),
            (self.findings.again_days > 0, "findings.again_days is from 1".to_owned()),
            (self.objections.is_none_or(|terms| terms.days > 0), "objections.days is from 1".to_owned()),
            (self.objections.is_none_or(|terms| terms.again_days > 0), "objections.again_days is from 1".to_owned()),
        ];
        checks.into_iter().find(|(good, _)| !good).map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDED: &str = include_str!("../../../seeds/scoring/city-2026.toml");

    #[test]
    fn the_seeded_formula_is_whole() {
        let formula = Formula::seeded();
        assert_eq!(formula.id(), "city/3");
        assert_eq!(formula.objections, Some(ObjectionTerms { days: 10, again_days: 5 }));
        let first = include_str!("../../../seeds/scoring/city-2026-1.toml");
        let first = Formula::parse("city-2026-1.toml", first).unwrap();
        assert_eq!((first.id(), first.objections), ("city/1".to_owned(), None));
        let second = include_str!("../../../seeds/scoring/city-2026-2.toml");
        let second = Formula::parse("city-2026-2.toml", second).unwrap();
        assert_eq!((second.id(), second.splits(), formula.splits()), ("city/2".to_owned(), false, true));
        assert!(first.digest != second.digest && second.digest != formula.digest, "other files");
        let as_second = Formula { version: 2, objections: formula.objections, digest: second.digest.clone(), ..first };
        assert_eq!(as_second, second, "all else is as it was");
        let as_third = Formula { version: 3, hand_over: formula.hand_over, digest: formula.digest.clone(), ..second };
        assert_eq!(as_third, formula, "all else is as it was");
        assert!(formula.counts_for("2026-01".parse().unwrap()) && !formula.counts_for("2025-12".parse().unwrap()));
        assert_eq!(formula.group("street-office-110101001"), Some("subdistricts"));
        assert_eq!(formula.group("district-water-110101"), Some("district-water"));
        assert_eq!(formula.group("street-officer"), None, "a beginning ends at a dash");
        assert_eq!(formula.class("0101"), Some(ClassWeight { points: 1.0, hard: true }));
        let march = formula.period("2026-03".parse().unwrap());
        assert_eq!(march.from, "2026-02-19T00:00:00+08:00".parse().unwrap());
        let month_of = |at: &str| formula.month_of(at.parse().unwrap()).unwrap().to_string();
        assert_eq!(month_of("2026-03-18T23:59:59+08:00"), "2026-03");
        assert_eq!(month_of("2026-12-19T00:00:00+08:00"), "2027-01");
        assert_eq!(formula.month_of(EventTime(i64::MAX)), None);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_mend() {
        for (from, to, said) in [
            ("closed-in-time = 0.2", "closed-in-time = 0.3", "together: they are to make 1"),
            ("month_begins_on = 19", "month_begins_on = 31", "from 1 to 28"),
            ("Asia/Shanghai", "Asia/Nowhere", "no time zone"),
            ("valid_from = \"2026-01\"", "valid_from = \"2026\"", "no month"),
            ("closed-in-time = 0.2", "closed-on-time = 0.2", "no scoring formula"),
            ("again_days = 30", "", "no scoring formula"),
            ("days = 10", "days = 0", "objections.days is from 1"),
        ] {
            assert!(SEEDED.contains(from), "{from}");
            let error = Formula::parse("x.toml", &SEEDED.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
