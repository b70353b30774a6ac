//! The rules in force and a draft over the same readings: what each finds, and what the draft changes.

use crate::failure::Failure;
use crate::past::{self, Head, Source, Stretch};
use crate::readings::{entry, give};
use crate::retry::Desk;
use ::rules::Settings;
use ::rules::ast::RuleSet;
use ::rules::backtest::{self, Diff, Found, Options, Outcome, Report, Run};
use command_center::workbench::{
    Backtested, IncidentChange, IncidentSpan, Progress, RuleBacktest, RuleLoad, WorkbenchError,
};
use model::{Entry, EventTime, Millis, Registry, TransitionKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Readings of one backtest; more are refused: a shorter stretch has fewer.
const READINGS_MAX: u64 = 20_000_000;
/// Transitions that one rule set may find: rules that find more are not what anybody wants, and would fill the memory.
const FOUND_MAX: usize = 500_000;
/// Changed incidents that are told; more are counted.
const CHANGES_MAX: usize = 1_000;
/// Entries between two looks at whether to go on.
const LOOK_EVERY: u64 = 8_192;
/// Steps of a chart, at most, and how long they may be.
const STEPS_MAX: i64 = 60;
const STEPS: [Millis; 6] = [
    Millis(5 * Millis::MINUTE.0),
    Millis(15 * Millis::MINUTE.0),
    Millis::HOUR,
    Millis(3 * Millis::HOUR.0),
    Millis(6 * Millis::HOUR.0),
    Millis::DAY,
];

/// What a draft is tried on.
pub struct Trial<'t> {
    /// The log, and history.
    pub desk: &'t Desk,
    /// What the rules run with.
    pub settings: &'t Settings,
    /// The sensors.
    pub registry: &'t Arc<Registry>,
}

/// Why reading ended before its end.
enum Ended {
    Cancelled,
    Refused(String),
    Failed(Failure),
}

impl Trial<'_> {
    /// Runs both sets over what was measured from an instant up to another. `sets` are the one in force, and the draft.
    pub fn run(
        &self,
        sets: &[Arc<RuleSet>; 2],
        from: EventTime,
        to: EventTime,
        watch: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Option<Backtested>, WorkbenchError> {
        let mut runs = sets.each_ref().map(|set| Run::new(set, self.registry, self.settings));
        let (mut source, mut ended, mut progress) = (None, None, Progress::default());
        let mut count = 0_u64;
        let length = (to - from).0.max(1) as f64;
        let mut line = |line: &[u8]| -> Result<(), Ended> {
            let Some(source) = source else {
                let head: Head =
                    serde_json::from_slice(line).map_err(|error| Ended::Failed(Failure::internal(error)))?;
                source = Some(head.source);
                return Ok(());
            };
            let (place, entry) = entry(source, line).map_err(Ended::Failed)?;
            let time = match &entry {
                Entry::Reading(reading) => {
                    progress.readings += 1;
                    // On the log the ticks tell the time: a reading may be late.
                    (source == Source::History).then_some(reading.time)
                }
                Entry::Tick(time) | Entry::Rest(time) => Some(*time),
                Entry::Marker(_) => None,
            };
            if let Some(time) = time {
                progress.done = ((time - from).0 as f64 / length).clamp(progress.done, 1.0);
            }
            give(&mut runs, place, &entry);
            count += 1;
            if progress.readings > READINGS_MAX {
                return Err(Ended::Refused(format!("more than {READINGS_MAX} readings: try a shorter stretch")));
            }
            if runs.iter().any(|run| run.found() > FOUND_MAX) {
                return Err(Ended::Refused(format!("a rule set tells more than {FOUND_MAX} changes of incidents")));
            }
            if count.is_multiple_of(LOOK_EVERY) && !watch(progress) {
                return Err(Ended::Cancelled);
            }
            Ok(())
        };
        let history = self.desk.history.get().map(|history| &**history);
        let read = past::tell(&*self.desk.log, history, self.settings, Stretch { from, to }, &mut |piece| {
            let lines = piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for one in lines {
                if let Err(why) = line(one) {
                    ended = Some(why);
                    return false;
                }
            }
            true
        });
        read.map_err(super::error_of)?;
        match ended {
            Some(Ended::Cancelled) => return Ok(None),
            Some(Ended::Refused(why)) => return Err(WorkbenchError::Refused(why)),
            Some(Ended::Failed(failure)) => return Err(super::error_of(failure)),
            None => {}
        }
        // A last look: whoever cancelled during the last entries is heard.
        if !watch(Progress { done: 1.0, ..progress }) {
            return Ok(None);
        }
        Ok(Some(self.told(sets, &runs.map(Run::finish), source.unwrap_or(Source::Log), from, to)))
    }

    fn told(
        &self,
        sets: &[Arc<RuleSet>; 2],
        outcomes: &[Outcome; 2],
        source: Source,
        from: EventTime,
        to: EventTime,
    ) -> Backtested {
        let options = Options::default();
        let reports: [Report; 2] =
            [0, 1].map(|side| backtest::report(&outcomes[side], &sets[side], self.registry, None, &options));
        let diff = backtest::diff([&sets[0], &sets[1]], outcomes.each_ref(), self.registry, None, &options);
        let seen = &outcomes[0].seen;
        // Where nothing was measured there is nothing to draw.
        let (begin, end) = (seen.first.unwrap_or(from), seen.last.unwrap_or(from).min(to));
        let steps = Steps::over(begin, end);
        let opened = outcomes.each_ref().map(|outcome| steps.opened(outcome));
        let loads = [0, 1].map(|side| loads(&reports[side], &opened[side], &steps));
        let changed: BTreeMap<&str, &backtest::RuleDiff> = diff.rules.iter().map(|rule| (&*rule.rule, rule)).collect();
        let ids: BTreeSet<&str> = loads.iter().flat_map(|side| side.keys().copied()).collect();
        let rule = |id: &&str| {
            let of = changed.get(id);
            let count = |count: fn(&backtest::RuleDiff) -> usize| of.map_or(0, |rule| count(rule) as u64);
            RuleBacktest {
                rule: (*id).to_owned(),
                live: loads[0].get(id).cloned(),
                draft: loads[1].get(id).cloned(),
                same: count(|rule| rule.same),
                added: count(|rule| rule.only_new.len()),
                gone: count(|rule| rule.only_old.len()),
                moved: count(|rule| rule.moved.len()),
            }
        };
        let rules = ids.iter().map(rule).collect();
        let mut changes = changes(&diff);
        let changes_left_out = changes.len().saturating_sub(CHANGES_MAX) as u64;
        changes.truncate(CHANGES_MAX);
        Backtested {
            source: if source == Source::Log { "log" } else { "history" }.to_owned(),
            readings: seen.readings,
            late: seen.late,
            first: seen.first.map(|time| time.0),
            last: seen.last.map(|time| time.0),
            steps_from: steps.from,
            step_ms: steps.length,
            rules,
            changes,
            changes_left_out,
        }
    }
}

/// The steps of a chart.
struct Steps {
    from: i64,
    length: i64,
    count: usize,
}

impl Steps {
    fn over(begin: EventTime, end: EventTime) -> Steps {
        let fits = |step: &&Millis| (end - begin).0 / step.0 < STEPS_MAX;
        let length = STEPS.iter().find(fits).unwrap_or(&STEPS[STEPS.len() - 1]).0;
        let from = begin.0.div_euclid(length) * length;
        Steps { from, length, count: ((end.0 - from).div_euclid(length) + 1).max(1) as usize }
    }

    /// By rule: incidents that opened in each step.
    fn opened(&self, outcome: &Outcome) -> BTreeMap<String, Vec<u32>> {
        let mut by_rule: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let opened = outcome.transitions.iter().filter(|one| one.transition == TransitionKind::Opened);
        for transition in opened {
            let step = (transition.time.0 - self.from).div_euclid(self.length).max(0) as usize;
            let steps = by_rule.entry(transition.rule.clone()).or_insert_with(|| vec![0; self.count]);
            // What opens by the clock after the last reading is in the last step.
            steps[step.min(self.count - 1)] += 1;
        }
        by_rule
    }
}

fn loads<'r>(report: &'r Report, opened: &BTreeMap<String, Vec<u32>>, steps: &Steps) -> BTreeMap<&'r str, RuleLoad> {
    let load = |rule: &'r backtest::RuleReport| {
        let load = RuleLoad {
            incidents: rule.incidents as u64,
            per_day: rule.per_day,
            open_s: rule.open_s,
            flapping: rule.flapping as u64,
            alarms_per_day: rule.alarms_per_operator_day,
            opened: opened.get(&rule.rule).cloned().unwrap_or_else(|| vec![0; steps.count]),
        };
        (&*rule.rule, load)
    };
    report.rules.iter().map(load).collect()
}

/// All incidents that are others, by time.
fn changes(diff: &Diff) -> Vec<IncidentChange> {
    let span = |found: &Found| IncidentSpan { opened: found.opened.0, ended: found.ended.0, severity: found.severity };
    let mut changes = Vec::new();
    for rule in &diff.rules {
        let mut push = |live: Option<&Found>, draft: Option<&Found>| {
            let Some(one) = live.or(draft) else { return };
            let (live, draft) = (live.map(span), draft.map(span));
            changes.push(IncidentChange { rule: rule.rule.clone(), key: one.key.clone(), live, draft });
        };
        rule.only_old.iter().for_each(|found| push(Some(found), None));
        rule.only_new.iter().for_each(|found| push(None, Some(found)));
        rule.moved.iter().for_each(|moved| push(Some(&moved.old), Some(&moved.new)));
    }
    let begins = |change: &IncidentChange| {
        let spans = [change.live, change.draft];
        spans.iter().flatten().map(|span| span.opened).min()
    };
    changes.sort_by(|a, b| (begins(a), &a.rule, &a.key).cmp(&(begins(b), &b.rule, &b.key)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_bounded_number_of_steps_that_hold_all_of_its_time() {
        let begin = EventTime(1_784_505_600_123);
        for minutes in [0, 1, 59, 60, 600, 6_000, 44_640] {
            let end = begin + Millis(minutes * Millis::MINUTE.0);
            let steps = Steps::over(begin, end);
            assert!((1..=STEPS_MAX as usize + 1).contains(&steps.count), "{minutes} min: {} steps", steps.count);
            assert!(steps.from <= begin.0 && begin.0 < steps.from + steps.length);
            assert!(end.0 < steps.from + steps.length * steps.count as i64);
        }
    }
}
