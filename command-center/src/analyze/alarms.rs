//! How well the alarms serve those who see to them: their load, the few that make most of it, those that chatter or stand.
//!
//! An alarm is a rule at a key; it sounds when an incident opens that nothing inhibits. Pure. The figures are those of
//! EEMUA publication 191 and ISA-18.2, and stand beside what was counted ([`Recommended`]).

use model::{Millis, Severity};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The figures are told for stretches of so long.
const STRETCH: i64 = 10 * Millis::MINUTE.0;
/// A flood begins with more than so many alarms in ten minutes, and ends with fewer than the other number.
const FLOOD_BEGINS: u64 = 10;
const FLOOD_ENDS: u64 = 5;
/// An alarm chatters that sounds three times within a minute.
const CHATTER_TIMES: usize = 3;
const CHATTER_WITHIN: i64 = Millis::MINUTE.0;
/// An alarm flaps that sounds again within an hour of its end.
const FLAP_WITHIN: i64 = Millis::HOUR.0;
/// An alarm stands that is open for longer than a day.
const STANDS_AFTER: i64 = Millis::DAY.0;
/// So many alarms are the few that may make most of the load.
const FEW: usize = 10;

/// One alarm that sounded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) rule: String,
    pub(crate) key: String,
    pub(crate) severity: Severity,
    pub(crate) opened_at: i64,
    pub(crate) cleared_at: Option<i64>,
    /// By whom, and when.
    pub(crate) acknowledged: Option<(String, i64)>,
}

/// What alarms are over a stretch of time.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct AlarmHealth {
    /// The stretch, from the first instant to the one after the last.
    from: i64,
    to: i64,
    load: Load,
    /// How many sounded, by severity.
    severities: BTreeMap<&'static str, u64>,
    /// Which part the ten alarms have that sounded most often; null if none sounded.
    top_ten_share: Option<f64>,
    /// Alarms that sounded three times within a minute.
    chattering: u64,
    /// Alarms that were open for more than a day at the end.
    standing: u64,
    recommended: Recommended,
    /// Those with the most alarms first.
    rules: Vec<RuleHealth>,
    /// Those who acknowledged the most first; the alarms that nobody acknowledged under null.
    operators: Vec<OperatorHealth>,
}

/// How many alarms there were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Load {
    alarms: u64,
    /// In ten minutes, on average.
    per_ten_minutes: f64,
    /// The most in any ten minutes.
    peak: u64,
    /// The part of the time in which there were more than anybody can see to.
    flood_share: f64,
}

/// What EEMUA 191 and ISA-18.2 recommend for one operator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Recommended {
    /// At most, on average.
    per_ten_minutes: f64,
    /// At most, in any ten minutes.
    peak: u64,
    /// At most.
    flood_share: f64,
    /// At most.
    top_ten_share: f64,
    /// None.
    chattering: u64,
    /// At most.
    standing: u64,
    /// The parts of low, middle and high priority.
    severities: [f64; 3],
}

const RECOMMENDED: Recommended = Recommended {
    per_ten_minutes: 1.0,
    peak: 10,
    flood_share: 0.01,
    top_ten_share: 0.05,
    chattering: 0,
    standing: 5,
    severities: [0.8, 0.15, 0.05],
};

/// The alarms of one rule.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RuleHealth {
    rule: String,
    load: Load,
    /// Which part of all alarms.
    share: f64,
    /// Of its alarms, so many chatter.
    chattering: u64,
    /// Times that one sounded again within an hour of its end.
    flapping: u64,
    /// Of its alarms, so many stand.
    standing: u64,
    acknowledged: u64,
}

/// The alarms that one person acknowledged.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OperatorHealth {
    by: Option<String>,
    load: Load,
    /// The middle of the times from sounding to being acknowledged; null for those that nobody did.
    to_acknowledge_ms: Option<i64>,
}

/// Looks at the alarms that sounded in a stretch, and at those before that were open at its end, which count as
/// standing only. In any order.
pub(crate) fn health(alarms: &[Alarm], from: i64, to: i64) -> AlarmHealth {
    let mut by_rule: BTreeMap<&str, Vec<&Alarm>> = BTreeMap::new();
    let mut by_operator: BTreeMap<Option<&str>, Vec<&Alarm>> = BTreeMap::new();
    let mut by_alarm: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut severities: BTreeMap<&'static str, u64> = Severity::ALL.iter().map(|one| (one.as_str(), 0)).collect();
    let sounded = |alarm: &&Alarm| (from..to).contains(&alarm.opened_at);
    for alarm in alarms {
        by_rule.entry(&alarm.rule).or_default().push(alarm);
        if sounded(&alarm) {
            by_operator.entry(alarm.acknowledged.as_ref().map(|(by, _)| by.as_str())).or_default().push(alarm);
            *by_alarm.entry((alarm.rule.as_str(), alarm.key.as_str())).or_default() += 1;
            *severities.entry(alarm.severity.as_str()).or_default() += 1;
        }
    }
    let all = load(alarms.iter().filter(sounded), from, to);
    let mut most: Vec<u64> = by_alarm.into_values().collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let few: u64 = most.iter().take(FEW).sum();
    let mut rules: Vec<RuleHealth> =
        by_rule.into_iter().map(|(rule, own)| of_rule(rule, &own, all.alarms, (from, to))).collect();
    rules.sort_by(|a, b| b.load.alarms.cmp(&a.load.alarms).then_with(|| a.rule.cmp(&b.rule)));
    let mut operators: Vec<OperatorHealth> =
        by_operator.into_iter().map(|(by, own)| of_operator(by, &own, (from, to))).collect();
    operators.sort_by(|a, b| b.load.alarms.cmp(&a.load.alarms).then_with(|| a.by.cmp(&b.by)));
    AlarmHealth {
        from,
        to,
        load: all,
        severities,
        top_ten_share: (all.alarms > 0).then(|| few as f64 / all.alarms as f64),
        chattering: rules.iter().map(|rule| rule.chattering).sum(),
        standing: rules.iter().map(|rule| rule.standing).sum(),
        recommended: RECOMMENDED,
        rules,
        operators,
    }
}

fn of_rule(rule: &str, own: &[&Alarm], all: u64, (from, to): (i64, i64)) -> RuleHealth {
    let mut by_key: BTreeMap<&str, Vec<&Alarm>> = BTreeMap::new();
    for alarm in own {
        by_key.entry(&alarm.key).or_default().push(alarm);
    }
    let (mut chattering, mut flapping) = (0, 0);
    for alarms in by_key.values_mut() {
        alarms.retain(|alarm| (from..to).contains(&alarm.opened_at));
        alarms.sort_by_key(|alarm| alarm.opened_at);
        let together = |some: &[&Alarm]| some[CHATTER_TIMES - 1].opened_at - some[0].opened_at < CHATTER_WITHIN;
        chattering += u64::from(alarms.windows(CHATTER_TIMES).any(together));
        let soon = |pair: &&[&Alarm]| pair[0].cleared_at.is_some_and(|end| pair[1].opened_at - end < FLAP_WITHIN);
        flapping += alarms.windows(2).filter(soon).count() as u64;
    }
    let stands =
        |alarm: &&&Alarm| alarm.cleared_at.is_none_or(|cleared| cleared >= to) && alarm.opened_at < to - STANDS_AFTER;
    let sounded = || own.iter().copied().filter(|alarm| (from..to).contains(&alarm.opened_at));
    let load = load(sounded(), from, to);
    RuleHealth {
        rule: rule.to_owned(),
        load,
        share: if all == 0 { 0.0 } else { load.alarms as f64 / all as f64 },
        chattering,
        flapping,
        standing: own.iter().filter(stands).count() as u64,
        acknowledged: sounded().filter(|alarm| alarm.acknowledged.is_some()).count() as u64,
    }
}

fn of_operator(by: Option<&str>, own: &[&Alarm], (from, to): (i64, i64)) -> OperatorHealth {
    let waited = own.iter().filter_map(|alarm| Some(alarm.acknowledged.as_ref()?.1 - alarm.opened_at));
    let mut waited: Vec<i64> = waited.collect();
    waited.sort_unstable();
    OperatorHealth {
        by: by.map(str::to_owned),
        load: load(own.iter().copied(), from, to),
        to_acknowledge_ms: (!waited.is_empty()).then(|| waited[(waited.len() - 1) / 2]),
    }
}

fn load<'a>(alarms: impl Iterator<Item = &'a Alarm>, from: i64, to: i64) -> Load {
    let mut times: Vec<i64> = alarms.map(|alarm| alarm.opened_at).collect();
    times.sort_unstable();
    let (mut first, mut peak) = (0, 0);
    for (at, time) in times.iter().enumerate() {
        while time - times[first] >= STRETCH {
            first += 1;
        }
        peak = peak.max(at - first + 1);
    }
    let stretches = ((to - from).max(1) as u64).div_ceil(STRETCH as u64);
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for time in &times {
        *counts.entry(((time - from) / STRETCH) as u64).or_default() += 1;
    }
    // A flood ends at the latest in the first stretch without alarms, so that only those with some are gone through.
    let (mut flooded, mut before) = (0, None);
    for (stretch, count) in counts {
        let goes_on = before.is_some_and(|before| before + 1 == stretch) && count >= FLOOD_ENDS;
        let is_flood = count > FLOOD_BEGINS || goes_on;
        flooded += u64::from(is_flood);
        before = is_flood.then_some(stretch);
    }
    Load {
        alarms: times.len() as u64,
        per_ten_minutes: times.len() as f64 * STRETCH as f64 / (to - from).max(1) as f64,
        peak: peak as u64,
        flood_share: flooded as f64 / stretches as f64,
    }
}

#[cfg(test)]
mod tests;
