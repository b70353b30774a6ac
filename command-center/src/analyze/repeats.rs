//! What comes again and again at the same place. Pure.

use super::alarms::Alarm;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Twice may be chance.
const TIMES_MIN: u64 = 3;
/// Places told of.
const PLACES_MAX: usize = 100;

/// A place with several incidents.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Repeat {
    /// The sensor or area.
    pub(crate) key: String,
    /// The rules that found them, by id.
    pub(crate) rules: Vec<String>,
    pub(crate) incidents: u64,
    /// On so many days of the city.
    pub(crate) days: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    /// All of them together, up to the end of the stretch.
    pub(crate) open_ms: i64,
}

/// The places where three or more incidents opened from `from` on and before `to`, the worst first; 100 at most, and how
/// many more there were. `day` tells the day of a time.
pub(crate) fn repeats<D: Ord>(alarms: &[Alarm], (from, to): (i64, i64), day: impl Fn(i64) -> D) -> (Vec<Repeat>, u64) {
    let mut places: BTreeMap<&str, Vec<&Alarm>> = BTreeMap::new();
    for alarm in alarms.iter().filter(|alarm| (from..to).contains(&alarm.opened_at)) {
        places.entry(&alarm.key).or_default().push(alarm);
    }
    let repeat = |(key, own): (&str, Vec<&Alarm>)| {
        let rules: BTreeSet<&str> = own.iter().map(|alarm| alarm.rule.as_str()).collect();
        let days: BTreeSet<D> = own.iter().map(|alarm| day(alarm.opened_at)).collect();
        let open = |alarm: &&Alarm| alarm.cleared_at.map_or(to, |cleared| cleared.min(to)) - alarm.opened_at;
        let times = || own.iter().map(|alarm| alarm.opened_at);
        Some(Repeat {
            key: key.to_owned(),
            rules: rules.into_iter().map(str::to_owned).collect(),
            incidents: own.len() as u64,
            days: days.len() as u64,
            first_at: times().min()?,
            last_at: times().max()?,
            open_ms: own.iter().map(open).sum(),
        })
    };
    let mut found: Vec<Repeat> =
        places.into_iter().filter_map(repeat).filter(|one| one.incidents >= TIMES_MIN).collect();
    found.sort_by(|a, b| b.incidents.cmp(&a.incidents).then(b.open_ms.cmp(&a.open_ms)).then_with(|| a.key.cmp(&b.key)));
    let left_out = found.len().saturating_sub(PLACES_MAX) as u64;
    found.truncate(PLACES_MAX);
    (found, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Severity;

    fn alarm(rule: &str, key: &str, opened_at: i64, cleared_at: Option<i64>) -> Alarm {
        let severity = Severity::Minor;
        Alarm { rule: rule.to_owned(), key: key.to_owned(), severity, opened_at, cleared_at, acknowledged: None }
    }

    #[test]
    fn a_place_that_comes_thrice_is_told_with_all_its_rules() {
        let alarms = [
            alarm("b", "P1", 10, Some(20)),
            alarm("a", "P1", 130, Some(150)),
            alarm("a", "P1", 190, None),
            alarm("a", "P1", 200, None),
            alarm("a", "P2", 10, Some(30)),
            alarm("a", "P2", 50, Some(60)),
            alarm("a", "P2", -5, Some(5)),
        ];
        let (found, left_out) = repeats(&alarms, (0, 200), |time| time.div_euclid(100));
        let rules = vec!["a".to_owned(), "b".to_owned()];
        let expected =
            Repeat { key: "P1".to_owned(), rules, incidents: 3, days: 2, first_at: 10, last_at: 190, open_ms: 40 };
        assert_eq!((found, left_out), (vec![expected], 0));
        let many: Vec<Alarm> = (0..330).map(|at| alarm("a", &format!("K{}", at % 110), at, None)).collect();
        let (found, left_out) = repeats(&many, (0, 400), |_| 0);
        assert_eq!((found.len(), left_out, found[0].days), (100, 10, 1));
        assert_eq!(found[0].key, "K0", "the longest open first");
    }
}
