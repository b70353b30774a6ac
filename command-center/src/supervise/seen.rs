//! What the sensors saw, from the log: the fold of the incidents on `citywatch.analyze`, held against the cases.
//!
//! What it promises: an incident counts once, for the unit whose duty it was when it opened, as the dispatches on the log
//! say it; where no duty can be read off the log, the incident is not asked about. What it deliberately leaves out: incidents
//! that another one inhibits, those without a reading that shows them, those that opened while their alarm was set aside,
//! those that somebody verified and that were not so, and those that nobody was sent to.

use super::case::{Case, Seen};
use super::fold::StepError;
use model::EventTime;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, HashMap};

/// Duplicates of duplicates that are followed at most.
const DUPLICATES_MAX: usize = 8;

/// A rule and a key.
type Alarm = (String, String);

/// All incidents of a log and all alarms that were set aside, as far as it was read.
#[derive(Debug, Default)]
pub struct SeenFold {
    incidents: BTreeMap<String, Opened>,
    asides: BTreeMap<String, Aside>,
}

/// An incident.
#[derive(Debug)]
struct Opened {
    alarm: Alarm,
    at: EventTime,
}

/// An alarm that was set aside for a time.
#[derive(Debug)]
struct Aside {
    alarm: Alarm,
    from: EventTime,
    until: Option<EventTime>,
}

/// What is read of a transition.
#[derive(Deserialize)]
struct Transition {
    id: String,
    rule: String,
    key: String,
    opened_at: EventTime,
    #[serde(default)]
    evidence: Vec<IgnoredAny>,
    #[serde(default)]
    inhibited_by: Vec<IgnoredAny>,
}

/// What is read of an alarm that is set aside, or returns.
#[derive(Deserialize)]
struct AsideTold {
    aside: Option<String>,
    rule: Option<String>,
    key: Option<String>,
    until: Option<EventTime>,
    at: Option<EventTime>,
}

impl SeenFold {
    /// Takes the data of one event of `citywatch.analyze`.
    pub fn add(&mut self, data: &[u8]) -> Result<(), StepError> {
        let told: Transition = serde_json::from_slice(data).map_err(StepError::of)?;
        if told.inhibited_by.is_empty() && !told.evidence.is_empty() {
            let opened = Opened { alarm: (told.rule, told.key), at: told.opened_at };
            self.incidents.entry(told.id).or_insert(opened);
        }
        Ok(())
    }

    /// Takes the data of one event of `citywatch.command`; those that set no alarm aside change nothing.
    pub fn add_act(&mut self, data: &[u8]) -> Result<(), StepError> {
        let told: AsideTold = serde_json::from_slice(data).map_err(StepError::of)?;
        let (Some(aside), Some(rule), Some(key), Some(at)) = (told.aside, told.rule, told.key, told.at) else {
            return Ok(());
        };
        match self.asides.get_mut(&aside) {
            // The second time it is told of, it returns.
            Some(held) if held.from < at => held.until = Some(held.until.map_or(at, |until| until.min(at))),
            Some(_) => {}
            None => {
                self.asides.insert(aside, Aside { alarm: (rule, key), from: at, until: told.until });
            }
        }
        Ok(())
    }

    /// The incidents that opened before `until`, by id, with what was made of them by then.
    pub fn seen(&self, cases: &[Case], until: EventTime) -> Vec<Seen> {
        let by_id: HashMap<&str, &Case> = cases.iter().map(|case| (&*case.id, case)).collect();
        let mut of_incident: HashMap<&str, &Case> = HashMap::new();
        let mut duties: HashMap<&Alarm, Vec<&Case>> = HashMap::new();
        for case in cases {
            let known = case.sensed.incidents.iter().filter(|(at, _)| *at < until);
            of_incident.extend(known.map(|(_, incident)| (incident.as_str(), case)));
            if let Some(alarm) = case.sensed.alarm.as_ref().filter(|_| case.sensed.owner(until).is_some()) {
                duties.entry(alarm).or_default().push(case);
            }
        }
        duties.values_mut().for_each(|cases| cases.sort_by_key(|case| (case.reported_at, &case.id)));
        let mut aside: HashMap<&Alarm, Vec<&Aside>> = HashMap::new();
        self.asides.values().for_each(|one| aside.entry(&one.alarm).or_default().push(one));
        let counts = |opened: &Opened| {
            let holds = |one: &&Aside| one.from <= opened.at && one.until.is_none_or(|until| opened.at < until);
            opened.at < until && !aside.get(&opened.alarm).is_some_and(|all| all.iter().any(holds))
        };
        let seen = self.incidents.iter().filter(|(_, opened)| counts(opened)).filter_map(|(id, opened)| {
            let (of, taken_at) = match of_incident.get(id.as_str()) {
                Some(case) => made(case, &by_id, until)?,
                None => (before(duties.get(&opened.alarm)?, opened.at), None),
            };
            let unit = of.sensed.owner(until).unwrap_or_default().to_owned();
            Some(Seen { incident: id.clone(), class: of.class.clone(), unit, at: opened.at, taken_at })
        });
        seen.filter(|seen| !seen.unit.is_empty()).collect()
    }
}

/// The case that says whose duty it was, and when it was taken up; nothing for what was not so or not sent to anybody.
fn made<'a>(
    case: &'a Case,
    by_id: &HashMap<&str, &'a Case>,
    until: EventTime,
) -> Option<(&'a Case, Option<EventTime>)> {
    let by_then = |at: &EventTime| *at < until;
    let mut whole = case;
    for _ in 0..DUPLICATES_MAX {
        let of = whole.sensed.duplicate_of.as_ref().filter(|(at, _)| by_then(at));
        let Some(of) = of.and_then(|(_, of)| by_id.get(of.as_str())) else { break };
        whole = of;
    }
    let taken_at = whole.sensed.taken_at.filter(by_then);
    let is_asked = whole.sensed.refuted_at.filter(by_then).is_none()
        && (taken_at.is_some() || whole.sensed.owner(until).is_some());
    is_asked.then(|| (if case.sensed.owner(until).is_some() { case } else { whole }, taken_at))
}

/// The newest case of an alarm that was reported by a time, or else the first after it.
fn before<'a>(of_alarm: &[&'a Case], at: EventTime) -> &'a Case {
    of_alarm[of_alarm.partition_point(|case| case.reported_at <= at).saturating_sub(1)]
}

#[cfg(test)]
mod tests;
