//! Why a rule did not fire at a key: from the log of a running or stopped citywatch, or from recorded readings.
//!
//! Rules and registry are those that were in force then; the evaluations of the stretch before the instant are calculated
//! once more from the observations; incidents are those on the log. It only reads.

use crate::explain::{Version, in_force_all, offset_at, scan, transitions};
use crate::failure::Failure;
use ::rules::Settings;
use ::rules::ast::{Condition, Rule, RuleSet};
use ::rules::check;
use ::rules::naive::{Explainer, MemberRule, Stands, Unselected, WhyNot, members, unselected};
use bus::{BusError, EventLog, Topic};
use model::{
    Entry, EventTime, IncidentState, Millis, Offset, PARTITIONS, Partition, Registry, Severity, Transition,
    TransitionKind,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Entries read of a partition; what is beyond them is not seen, and the answer says how far the clock came.
const ENTRIES_MAX: u64 = 2_000_000;

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The rule's id.
    pub rule: String,
    /// The sensor or area.
    pub key: String,
    /// When it did not fire.
    pub at: EventTime,
    /// How long before that near misses count.
    pub within: Millis,
}

/// All that is known of why a rule did not fire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// The reason, in a word.
    pub verdict: Verdict,
    /// The rule set that was in force; none if the log does not hold it, or has no such rule.
    pub rules: Option<Version>,
    /// What could not be found out, and why.
    pub problem: Option<String>,
    /// Why the rule has no state at the key.
    pub unselected: Vec<Unselected>,
    /// What its evaluations fell short by.
    pub why: Option<WhyNot>,
    /// Of a `correlate` rule: what its members did.
    pub members: Vec<MemberRule>,
    /// The rule's incidents at the key that touch the stretch.
    pub incidents: Vec<Seen>,
}

/// The reason in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It did fire: an incident was open.
    Fired,
    /// It did fire, and another incident kept it quiet.
    Inhibited,
    /// It did fire, as a shadow that nobody is shown.
    Shadow,
    /// There is no such rule among those in force.
    NoRule,
    /// The rule says `enabled: false`.
    Disabled,
    /// It does not look at that sensor or area.
    NotSelected,
    /// Its condition was true, outside its schedule or during its cooldown.
    HeldBack,
    /// Its condition was true, and not for long enough.
    TooShort,
    /// Something that it needs was not known.
    Unknown,
    /// Its condition was false.
    Missed,
    /// Steps or members were lacking.
    Incomplete,
    /// Rules, registry or readings of then could not be had.
    NotKnown,
}

/// An incident of the rule at the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub incident: Uuid,
    /// When it opened.
    pub opened_at: EventTime,
    /// When it cleared, if it did by then.
    pub cleared_at: Option<EventTime>,
    /// How bad it was at the end of the stretch.
    pub severity: Severity,
    /// What kept it quiet then.
    pub inhibited_by: Vec<By>,
}

/// An incident that keeps another one quiet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct By {
    /// Its id.
    pub incident: Uuid,
    /// Its rule, if it is known.
    pub rule: Option<String>,
    /// Where it is.
    pub key: Option<String>,
}

/// The rules and sensors of then.
pub struct Then {
    /// The rules, without those that are disabled.
    pub set: RuleSet,
    /// Their files.
    pub files: Vec<(String, String)>,
    /// The sensors.
    pub registry: Arc<Registry>,
    /// What the rules ran with.
    pub settings: Settings,
    /// The rule set's hash, and since when it was in force.
    pub version: (String, EventTime),
}

/// Where the readings and the incidents come from.
pub trait Source {
    /// Gives the entries of a partition, from before `from` on, while `watch` says so.
    fn entries(
        &mut self,
        partition: Partition,
        from: EventTime,
        watch: &mut dyn FnMut(Offset, &Entry<'_>) -> bool,
    ) -> Result<(), Failure>;

    /// The transitions up to `at` of incidents of these rules, in any order.
    fn incidents(&mut self, rules: &[&str], at: EventTime) -> Result<Vec<Transition>, Failure>;

    /// Rule and key of an incident.
    fn name(&mut self, incident: Uuid) -> Result<Option<(String, String)>, Failure>;
}

/// Answers from a log.
pub fn from_log(log: &dyn EventLog, question: &Question, settings: &Settings) -> Result<Answer, Failure> {
    match in_force_all(log, question.at).map_err(Failure::internal)? {
        Err(problem) => Ok(Answer { problem: Some(problem), ..Answer::empty(question, Verdict::NotKnown) }),
        Ok((set, files, registry, version)) => {
            let then = Then { set, files, registry: Arc::new(registry), settings: settings.clone(), version };
            answer(&mut OfLog(log), &then, question)
        }
    }
}

/// Answers from any source.
pub fn answer(source: &mut dyn Source, then: &Then, question: &Question) -> Result<Answer, Failure> {
    let text = check::source(&then.files, &question.rule);
    let Some(rule) = then.set.rules.iter().find(|rule| rule.id == question.rule) else {
        let verdict = if text.is_some() { Verdict::Disabled } else { Verdict::NoRule };
        let ids = then.set.rules.iter().map(|rule| rule.id.as_str());
        let nearest = check::nearest(&question.rule, ids).map(|id| format!("did you mean {id}?"));
        let problem = nearest.filter(|_| verdict == Verdict::NoRule);
        return Ok(Answer { problem, ..Answer::empty(question, verdict) });
    };
    let mut found = Answer::empty(question, Verdict::Missed);
    let (hash, since) = then.version.clone();
    found.rules = text.map(|(path, text)| Version { hash, since, path, text });
    let mut listed = vec![rule.id.as_str()];
    if let Condition::Correlate(correlate) = &rule.condition {
        listed.extend(correlate.of.iter().map(String::as_str));
    }
    let transitions = source.incidents(&listed, question.at)?;
    found.incidents = seen(source, &transitions, question)?;
    if let Condition::Correlate(_) = &rule.condition {
        let members = members(&then.set, &rule.id, &then.registry, &question.key, question.at, &transitions);
        found.members = members.unwrap_or_default();
    } else {
        found.unselected = unselected(rule, &then.registry, &then.settings, &question.key);
        if found.unselected.is_empty() {
            found.why = watched(source, rule, then, question)?;
        }
    }
    found.verdict = found.judge(rule);
    Ok(found)
}

/// The rule's evaluations at the key once more.
fn watched(
    source: &mut dyn Source,
    rule: &Arc<Rule>,
    then: &Then,
    question: &Question,
) -> Result<Option<WhyNot>, Failure> {
    let Some(explainer) = Explainer::new(rule, &then.registry, &then.settings, &question.key) else { return Ok(None) };
    let from = question.at - question.within;
    let mut explainer = explainer.watching(from, question.at);
    let begins = from - explainer.looks_back();
    for partition in explainer.partitions().to_vec() {
        source.entries(partition, begins, &mut |offset, entry| {
            !explainer.wants(entry) || explainer.watch(partition, offset, entry)
        })?;
    }
    Ok(explainer.why_not())
}

/// The rule's own incidents at the key that touch the stretch, oldest first.
fn seen(source: &mut dyn Source, transitions: &[Transition], question: &Question) -> Result<Vec<Seen>, Failure> {
    let mut last: BTreeMap<(EventTime, Uuid), &Transition> = BTreeMap::new();
    let own = |one: &&Transition| one.rule == question.rule && one.key == question.key && one.time <= question.at;
    for transition in transitions.iter().filter(own) {
        let known = last.entry((transition.opened_at, transition.id)).or_insert(transition);
        if known.revision < transition.revision {
            *known = transition;
        }
    }
    let mut found = Vec::new();
    for one in last.into_values() {
        let cleared_at = (one.state == IncidentState::Cleared).then_some(one.time);
        if cleared_at.is_some_and(|time| time <= question.at - question.within) {
            continue;
        }
        let mut inhibited_by = Vec::new();
        for &incident in &one.inhibited_by {
            let (rule, key) = source.name(incident)?.unzip();
            inhibited_by.push(By { incident, rule, key });
        }
        let (incident, opened_at, severity) = (one.id, one.opened_at, one.severity);
        found.push(Seen { incident, opened_at, cleared_at, severity, inhibited_by });
    }
    Ok(found)
}

impl Answer {
    fn empty(question: &Question, verdict: Verdict) -> Answer {
        Answer {
            question: question.clone(),
            verdict,
            rules: None,
            problem: None,
            unselected: Vec::new(),
            why: None,
            members: Vec::new(),
            incidents: Vec::new(),
        }
    }

    fn judge(&self, rule: &Rule) -> Verdict {
        if let Some(open) = self.incidents.iter().find(|one| one.cleared_at.is_none()) {
            return match () {
                () if rule.about.shadow => Verdict::Shadow,
                () if !open.inhibited_by.is_empty() => Verdict::Inhibited,
                () => Verdict::Fired,
            };
        }
        if !self.unselected.is_empty() {
            return Verdict::NotSelected;
        }
        let Some(why) = &self.why else { return Verdict::Incomplete };
        let is_on = |level: &::rules::naive::LevelWhy| matches!(level.stands, Stands::On | Stands::Clearing(_));
        if why.levels.iter().any(is_on) {
            return if rule.about.shadow { Verdict::Shadow } else { Verdict::Fired };
        }
        if !why.held_back.is_empty() {
            return Verdict::HeldBack;
        }
        if why.sequence.is_some() {
            return Verdict::Incomplete;
        }
        if why.levels.iter().any(|level| level.held > 0) || why.silence.is_some() {
            return Verdict::TooShort;
        }
        if let Some(stuck) = &why.stuck {
            return if stuck.since.is_some() { Verdict::TooShort } else { Verdict::Unknown };
        }
        let lacks = |level: &::rules::naive::LevelWhy| {
            level.unknown > 0 || level.clauses.iter().any(|clause| !clause.missing.is_empty())
        };
        if why.levels.iter().any(lacks) { Verdict::Unknown } else { Verdict::Missed }
    }
}

struct OfLog<'l>(&'l dyn EventLog);

impl Source for OfLog<'_> {
    fn entries(
        &mut self,
        partition: Partition,
        from: EventTime,
        watch: &mut dyn FnMut(Offset, &Entry<'_>) -> bool,
    ) -> Result<(), Failure> {
        let from = offset_at(self.0, partition, from).map_err(Failure::internal)?;
        let read = scan(self.0, Topic::Observations, partition, from, &mut |offset, _, value| {
            let Ok(entry) = Entry::decode(value) else { return true };
            watch(offset, &entry) && offset - from < ENTRIES_MAX
        });
        read.map_err(Failure::internal)
    }

    fn incidents(&mut self, rules: &[&str], at: EventTime) -> Result<Vec<Transition>, Failure> {
        let read = || -> Result<Vec<Transition>, BusError> {
            let mut found = Vec::new();
            for partition in 0..PARTITIONS {
                let held = self.0.bounds(Topic::Analyze, partition)?;
                scan(self.0, Topic::Analyze, partition, held.start, &mut |_, _, value| {
                    if let Ok(transition) = serde_json::from_slice::<Transition>(value)
                        && rules.contains(&transition.rule.as_str())
                        && transition.time <= at
                    {
                        found.push(transition);
                    }
                    true
                })?;
            }
            Ok(found)
        };
        read().map_err(Failure::internal)
    }

    fn name(&mut self, incident: Uuid) -> Result<Option<(String, String)>, Failure> {
        let of = transitions(self.0, incident).map_err(Failure::internal)?;
        Ok(of.into_iter().next().map(|one| (one.rule, one.key)))
    }
}

/// Recorded readings, turned into a log, and what the rules found in them.
pub struct OfRecording {
    /// By partition: offsets with their entries.
    entries: Vec<Vec<Entry<'static>>>,
    transitions: Vec<Transition>,
}

impl OfRecording {
    /// Of the entries of each partition from offset 0 on, and the transitions of all rules.
    pub fn new(entries: Vec<Vec<Entry<'static>>>, transitions: Vec<Transition>) -> OfRecording {
        OfRecording { entries, transitions }
    }
}

impl Source for OfRecording {
    fn entries(
        &mut self,
        partition: Partition,
        _from: EventTime,
        watch: &mut dyn FnMut(Offset, &Entry<'_>) -> bool,
    ) -> Result<(), Failure> {
        for (offset, entry) in self.entries[partition as usize].iter().enumerate() {
            if !watch(offset as Offset, entry) {
                break;
            }
        }
        Ok(())
    }

    fn incidents(&mut self, rules: &[&str], at: EventTime) -> Result<Vec<Transition>, Failure> {
        let of = |one: &&Transition| rules.contains(&one.rule.as_str()) && one.time <= at;
        Ok(self.transitions.iter().filter(of).cloned().collect())
    }

    fn name(&mut self, incident: Uuid) -> Result<Option<(String, String)>, Failure> {
        let opened = |one: &&Transition| one.id == incident && one.transition == TransitionKind::Opened;
        Ok(self.transitions.iter().find(opened).map(|one| (one.rule.clone(), one.key.clone())))
    }
}
