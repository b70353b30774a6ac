//! What a run says about each rule: how much work it makes, and how well it fits the labelled events.

use super::{Label, Outcome, Seen};
use crate::ast::RuleSet;
use model::{AreaLevel, EventTime, Millis, Registry, Severity, Transition, TransitionKind};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An incident that opens within this of the end of the one before, at the same rule and key, is flapping.
const FLAPPING: Millis = Millis::HOUR;

/// z of a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// How to judge a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Widens each label on both sides.
    pub tolerance: Millis,
    /// How many operators share the alarms.
    pub operators: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options { tolerance: Millis(0), operators: 1 }
    }
}

/// What a run says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What the files held.
    pub seen: Seen,
    /// Length of the recording in days of 24 hours.
    pub days: f64,
    /// By rule id; rules that found nothing too.
    pub rules: Vec<RuleReport>,
    /// All rules of a domain together against its labels: was an event noticed by any of them?
    pub domains: BTreeMap<String, Scores>,
    /// Labels that lie wholly outside the recording; they count nowhere.
    pub labels_outside: usize,
    /// Keys of labels that are neither a sensor nor an area of the registry; their labels count as missed.
    pub unknown_label_keys: BTreeSet<String>,
}

/// What a run says about one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleReport {
    /// Its id.
    pub rule: String,
    /// Incidents that opened.
    pub incidents: usize,
    /// The same by the highest severity that each reached.
    pub by_severity: BTreeMap<Severity, usize>,
    /// Incidents a day.
    pub per_day: f64,
    /// Incidents a week.
    pub per_week: f64,
    /// Seconds open, all incidents together; what is open at the end is open until then.
    pub open_s: f64,
    /// Incidents still open at the end.
    pub open_at_end: usize,
    /// Times that an operator is told, each operator each day: opened or escalated while nothing inhibits it, and no longer
    /// inhibited.
    pub alarms_per_operator_day: f64,
    /// Incidents that opened within an hour of the end of the one before at the same key.
    pub flapping: usize,
    /// Against the labels of the rule's domain; none without labels.
    pub scores: Option<Scores>,
}

/// How incidents fit labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Labels that an incident touches, of all labels.
    pub recall: Score,
    /// Incidents that touch a label, of all incidents.
    pub precision: Score,
    /// From the start of a label to the opening of the first incident that touches it.
    pub delay: Option<Delay>,
}

/// A share with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// How many were right.
    pub hits: usize,
    /// Of how many.
    pub of: usize,
    /// Their ratio; none of none is unknown.
    pub share: Option<f64>,
    /// Lower end of the 95 % Wilson interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
}

/// Delays in seconds; negative where the incident was open before the label starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delay {
    /// Half of the labels were noticed within this.
    pub median_s: f64,
    /// Nine tenths were.
    pub p90_s: f64,
}

impl Score {
    /// `hits` of `of`, with the Wilson score interval (E. B. Wilson, JASA 22, 1927).
    pub fn new(hits: usize, of: usize) -> Score {
        if of == 0 {
            return Score { hits, of, share: None, low: None, high: None };
        }
        let (n, share) = (of as f64, hits as f64 / of as f64);
        let z2 = Z_95 * Z_95;
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z_95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
        Score { hits, of, share: Some(share), low: Some(low), high: Some(high) }
    }
}

impl Delay {
    /// Nearest-rank quantiles; none of none.
    fn of(mut delays: Vec<Millis>) -> Option<Delay> {
        delays.sort_unstable();
        let rank = |q: f64| {
            let index = (q * delays.len() as f64).ceil() as usize;
            delays.get(index.saturating_sub(1)).map(|delay| delay.0 as f64 / 1_000.0)
        };
        Some(Delay { median_s: rank(0.5)?, p90_s: rank(0.9)? })
    }
}

/// One incident from its first transition to its last.
#[derive(Debug)]
pub(super) struct Incident<'a> {
    pub rule: &'a str,
    pub domain: &'a str,
    pub key: &'a str,
    pub opened: EventTime,
    pub ended: EventTime,
    is_open: bool,
    pub worst: Severity,
    alarms: usize,
    /// When the last alarm was, and whether something inhibits it since.
    told_at: EventTime,
    is_inhibited: bool,
}

impl Incident<'_> {
    /// Counts a transition that an operator is told of unless something inhibits the incident. What is inhibited over the
    /// city is marked so by an update of the same time; one that is inhibited no longer is told then.
    fn tell(&mut self, transition: &Transition, is_worse: bool) {
        let is_inhibited = !transition.inhibited_by.is_empty();
        if !is_inhibited && (is_worse || self.is_inhibited) {
            self.alarms += 1;
            self.told_at = transition.time;
        } else if is_inhibited && !is_worse && !self.is_inhibited && self.told_at == transition.time {
            self.alarms -= 1;
        }
        self.is_inhibited = is_inhibited;
    }

    /// Whether it is what the label says: in its domain, its place and its time.
    pub fn fits(&self, label: &Label, inside: &Inside<'_>, tolerance: Millis) -> bool {
        (self.domain == "cross" || label.domain == self.domain)
            && label.touches(self.opened, self.ended, tolerance)
            && inside.holds(&label.key, self.key)
    }
}

/// The labels that do not lie wholly outside the recording.
pub(super) fn usable_labels<'a>(labels: &'a [Label], seen: &Seen, tolerance: Millis) -> Vec<&'a Label> {
    let (Some(first), Some(last)) = (seen.first, seen.last) else { return Vec::new() };
    labels.iter().filter(|label| label.touches(first, last, tolerance)).collect()
}

/// Judges a run of `rules`. Without labels (`None`) there are no scores.
pub fn report(
    outcome: &Outcome,
    rules: &RuleSet,
    registry: &Registry,
    labels: Option<&[Label]>,
    options: &Options,
) -> Report {
    let seen = &outcome.seen;
    let (first, last) = (seen.first.unwrap_or_default(), seen.last.unwrap_or_default());
    let days = (last - first).0 as f64 / Millis::DAY.0 as f64;
    let incidents = incidents(&outcome.transitions, last);
    let inside = Inside::new(registry);
    let usable = labels.map(|labels| usable_labels(labels, seen, options.tolerance));
    let score = |domain: &str, of: &[&Incident<'_>]| {
        usable.as_ref().map(|labels| scores(domain, of, labels, &inside, options.tolerance))
    };
    let rule_reports = rules.rules.iter().map(|rule| {
        let of: Vec<&Incident<'_>> = incidents.iter().filter(|incident| incident.rule == rule.id).collect();
        let scores = score(rule.domain.as_str(), &of);
        RuleReport { scores, ..load(&rule.id, &of, days, options) }
    });
    let rules: Vec<RuleReport> = rule_reports.collect();
    let domains: BTreeSet<&str> = usable.iter().flatten().map(|label| label.domain.as_str()).collect();
    let domains = domains.into_iter().filter_map(|domain| {
        let of: Vec<&Incident<'_>> = incidents.iter().filter(|incident| incident.domain == domain).collect();
        Some((domain.to_owned(), score(domain, &of)?))
    });
    let keys = labels.unwrap_or_default().iter().map(|label| label.key.as_str());
    Report {
        seen: seen.clone(),
        days,
        rules,
        domains: domains.collect(),
        labels_outside: labels.map_or(0, <[Label]>::len) - usable.as_ref().map_or(0, Vec::len),
        unknown_label_keys: keys.filter(|key| !inside.is_known(key)).map(str::to_owned).collect(),
    }
}

/// The incidents of these transitions, in the order of their opening; what is open is so until `end`.
pub(super) fn incidents(transitions: &[Transition], end: EventTime) -> Vec<Incident<'_>> {
    let mut by_id: BTreeMap<Uuid, Incident<'_>> = BTreeMap::new();
    for transition in transitions {
        let incident = by_id.entry(transition.id).or_insert_with(|| Incident {
            rule: &transition.rule,
            domain: transition.domain.as_str(),
            key: &transition.key,
            opened: transition.opened_at,
            ended: end.max(transition.opened_at),
            is_open: true,
            worst: transition.severity,
            alarms: 0,
            told_at: EventTime::MIN,
            is_inhibited: false,
        });
        match transition.transition {
            TransitionKind::Opened | TransitionKind::Escalated => incident.tell(transition, true),
            TransitionKind::Updated => incident.tell(transition, false),
            TransitionKind::Cleared => (incident.is_open, incident.ended) = (false, transition.time),
            TransitionKind::Deescalated => {}
        }
        incident.worst = incident.worst.max(transition.severity);
    }
    let mut incidents: Vec<Incident<'_>> = by_id.into_values().collect();
    incidents.sort_by(|a, b| (a.opened, a.rule, a.key).cmp(&(b.opened, b.rule, b.key)));
    incidents
}

/// The work that a rule makes; `scores` is left empty.
fn load(rule: &str, incidents: &[&Incident<'_>], days: f64, options: &Options) -> RuleReport {
    let per_day = |count: usize| if days > 0.0 { count as f64 / days } else { 0.0 };
    let mut ended: BTreeMap<&str, EventTime> = BTreeMap::new();
    let mut by_severity = BTreeMap::new();
    let mut flapping = 0;
    for incident in incidents {
        *by_severity.entry(incident.worst).or_default() += 1;
        let before = ended.insert(incident.key, incident.ended);
        flapping += usize::from(before.is_some_and(|before| incident.opened - before <= FLAPPING));
    }
    let open: i64 = incidents.iter().map(|incident| (incident.ended - incident.opened).0).sum();
    RuleReport {
        rule: rule.to_owned(),
        incidents: incidents.len(),
        by_severity,
        per_day: per_day(incidents.len()),
        per_week: 7.0 * per_day(incidents.len()),
        open_s: open as f64 / 1_000.0,
        open_at_end: incidents.iter().filter(|incident| incident.is_open).count(),
        alarms_per_operator_day: per_day(incidents.iter().map(|incident| incident.alarms).sum())
            / f64::from(options.operators.max(1)),
        flapping,
        scores: None,
    }
}

fn scores(
    domain: &str,
    incidents: &[&Incident<'_>],
    labels: &[&Label],
    inside: &Inside<'_>,
    tolerance: Millis,
) -> Scores {
    let fits = |incident: &Incident<'_>, label: &Label| incident.fits(label, inside, tolerance);
    let labels: Vec<&Label> =
        labels.iter().copied().filter(|label| domain == "cross" || label.domain == domain).collect();
    // Incidents are in the order of their opening, so the first that fits is the earliest.
    let noticed = labels.iter().filter_map(|label| {
        let first = incidents.iter().find(|incident| fits(incident, label))?;
        Some(first.opened - label.start)
    });
    let delays: Vec<Millis> = noticed.collect();
    let right = incidents.iter().filter(|incident| labels.iter().any(|label| fits(incident, label))).count();
    Scores {
        recall: Score::new(delays.len(), labels.len()),
        precision: Score::new(right, incidents.len()),
        delay: Delay::of(delays),
    }
}

/// Which areas each key lies in.
pub(super) struct Inside<'a> {
    registry: &'a Registry,
    areas_of: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Inside<'a> {
    pub fn new(registry: &'a Registry) -> Inside<'a> {
        let mut areas_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for sensor in registry.sensors() {
            // From small to large; each lies in all that follow.
            let chain = [Some(sensor.id.as_str()), sensor.cell.as_deref(), Some(&sensor.subdistrict)];
            let chain = chain.into_iter().flatten().chain((!sensor.district.is_empty()).then_some(&*sensor.district));
            let chain: Vec<&str> = chain.collect();
            for (index, inner) in chain.iter().enumerate() {
                areas_of.entry(inner).or_default().extend(&chain[index + 1..]);
            }
        }
        Inside { registry, areas_of }
    }

    pub fn is_known(&self, key: &str) -> bool {
        key == "*" || self.areas_of.contains_key(key) || self.registry.areas.contains_key(key)
    }

    /// Whether something at `key` happened at or inside `outer`.
    pub fn holds(&self, outer: &str, key: &str) -> bool {
        let is_city = |code: &str| self.registry.areas.get(code).is_some_and(|area| area.level == AreaLevel::City);
        outer == "*"
            || outer == key
            || self.areas_of.get(key).is_some_and(|areas| areas.contains(outer))
            || is_city(outer)
    }
}
