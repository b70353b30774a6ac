//! Why an incident is: read back from the log, and calculated once more from it.
//!
//! Its transitions come from `analyze`, the rule and the registry that were in force from `config`, and the readings from
//! `observations`, where their offsets say. What the condition and its parts were worth is calculated by the naive
//! evaluator; the answer says whether that found the same transitions. It only reads.

use ::rules::Settings;
use ::rules::ast::{Rule, RuleSet};
use ::rules::naive::{Decided, Explainer, Told};
use bus::{BusError, EventLog, Topic};
use model::{
    Entry, EventTime, Marker, MarkerKind, Millis, Offset, PARTITIONS, Partition, Registry, Transition, TransitionKind,
    partition_of,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of one read.
const READ_BYTES: usize = 256 * 1024;
/// Entries within which the place of an instant is found by reading on, not by halving.
const NEAR: u64 = 2_048;
/// Entries read to calculate an incident once more; beyond it the later transitions come without their values.
const ENTRIES_MAX: u64 = 2_000_000;
/// How far the clock may run past the last transition before it is given up.
const PATIENCE: Millis = Millis::HOUR;

/// All that is known of why an incident is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The incident.
    pub incident: Uuid,
    /// The rule's id.
    pub rule: String,
    /// The sensor or area.
    pub key: String,
    /// The rule set that was in force; none if the log does not hold it any more.
    pub rules: Option<Version>,
    /// Whether all transitions, calculated once more, are those on the log.
    pub same: bool,
    /// Why they are not, where that is known.
    pub problem: Option<String>,
    /// Its steps, oldest first.
    pub steps: Vec<Step>,
}

/// The rule as it was.
#[derive(Debug, Serialize, Deserialize)]
pub struct Version {
    /// Content hash of the rule set.
    pub hash: String,
    /// When it was put in force.
    pub since: EventTime,
    /// The file in it.
    pub path: String,
    /// The rule's own text.
    pub text: String,
}

/// One transition and its reasons.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    /// As it stands on the log.
    pub transition: Transition,
    /// The observations of its evidence as they stand on the log, in the same order; null where retention took one.
    pub observations: Vec<Option<String>>,
    /// The condition that decided, and its parts; none for silence, and where it could not be calculated.
    pub decided: Option<Decided>,
}

/// Explains an incident of this log; `None` if it is not there. `settings` are those that the rules ran with.
pub fn explain(log: &dyn EventLog, incident: Uuid, settings: &Settings) -> Result<Option<Explanation>, BusError> {
    let transitions = transitions(log, incident)?;
    let Some(first) = transitions.first().cloned() else { return Ok(None) };
    let opened_at = first.opened_at;
    let mut found = Explanation {
        incident,
        rule: first.rule.clone(),
        key: first.key.clone(),
        rules: None,
        same: false,
        problem: None,
        steps: Vec::new(),
    };
    let mut told = Vec::new();
    match in_force(log, &first.rule, opened_at)? {
        Err(problem) => found.problem = Some(problem),
        Ok((rule, registry, version)) => {
            found.rules = Some(version);
            match Explainer::new(&rule, &registry, settings, &first.key) {
                None => found.problem = Some(format!("the registry then had no sensor of this rule at {}", first.key)),
                Some(explainer) => told = again(log, explainer, &transitions)?,
            }
        }
    }
    let mut same = true;
    for transition in transitions {
        let twin = told.iter().find(|told| is_same(&told.transition, &transition));
        // What a new rule set or registry cleared, no reading did; nor what other incidents marked.
        let marked = transition.transition == TransitionKind::Updated && transition.evidence.is_empty();
        same &= twin.is_some() || transition.reason.is_some() || marked;
        let decided = twin.and_then(|told| told.decided.clone());
        let observations = observations(log, &transition)?;
        found.steps.push(Step { transition, observations, decided });
    }
    found.same = same;
    if !same && found.problem.is_none() {
        let why = "the log from before it, or settings such as lateness and prefix, are not those of then";
        found.problem = Some(why.to_owned());
    }
    Ok(Some(found))
}

/// The incident's transitions, each once, oldest first.
pub fn transitions(log: &dyn EventLog, incident: Uuid) -> Result<Vec<Transition>, BusError> {
    let key = incident.to_string();
    let partition = partition_of(key.as_bytes(), PARTITIONS);
    let mut found: Vec<Transition> = Vec::new();
    let held = log.bounds(Topic::Analyze, partition)?;
    scan(log, Topic::Analyze, partition, held.start, &mut |_, record_key, value| {
        if record_key == key.as_bytes()
            && let Ok(transition) = serde_json::from_slice::<Transition>(value)
            && found.iter().all(|known| known.revision != transition.revision)
        {
            found.push(transition);
        }
        true
    })?;
    found.sort_by_key(|transition| transition.revision);
    Ok(found)
}

type InForce = Result<(Arc<Rule>, Registry, Version), String>;

/// The rule and the registry as they were at an instant; the inner error says what the log lacks.
fn in_force(log: &dyn EventLog, rule: &str, at: EventTime) -> Result<InForce, BusError> {
    Ok(in_force_all(log, at)?.and_then(|(set, files, registry, (hash, since))| {
        let found = set.rules.iter().find(|one| one.id == rule);
        let found = found.ok_or_else(|| format!("the rules of then have no {rule}"))?;
        let (path, text) = ::rules::check::source(&files, rule).unwrap_or_default();
        Ok((Arc::clone(found), registry, Version { hash, since, path, text }))
    }))
}

type Everything = (RuleSet, Vec<(String, String)>, Registry, (String, EventTime));

/// All rules with their files, and the registry, as they were at an instant, and the rule set's hash and when it came in
/// force; the inner error says what the log lacks.
pub fn in_force_all(log: &dyn EventLog, at: EventTime) -> Result<Result<Everything, String>, BusError> {
    let text_of = |kind: MarkerKind| -> Result<Option<(Marker, String)>, BusError> {
        let Some(marker) = stream::config::in_force(log, kind, at)? else { return Ok(None) };
        Ok(stream::config::text(log, &marker.hash)?.map(|text| (marker, text)))
    };
    let Some((_, registry)) = text_of(MarkerKind::Registry)? else {
        return Ok(Err("the log has no registry of then".to_owned()));
    };
    let Some((marker, rules)) = text_of(MarkerKind::Rules)? else {
        return Ok(Err("the log has no rules of then".to_owned()));
    };
    let read = || {
        let registry = Registry::from_text(&registry).map_err(|error| error.to_string())?;
        let set = stream::config::read_rules(&rules, &registry)?;
        let files = stream::config::rule_files(&rules)?;
        Ok((set, files, registry, (marker.hash, marker.time)))
    };
    Ok(read())
}

/// The rule at the key once more, from before the incident to its last transition.
fn again(log: &dyn EventLog, mut explainer: Explainer, transitions: &[Transition]) -> Result<Vec<Told>, BusError> {
    let (Some(first), Some(last)) = (transitions.first(), transitions.last()) else { return Ok(Vec::new()) };
    let until = last.time + PATIENCE;
    let mut told = Vec::new();
    for partition in explainer.partitions().to_vec() {
        let from = offset_at(log, partition, first.opened_at - explainer.looks_back())?;
        scan(log, Topic::Observations, partition, from, &mut |offset, _, value| {
            let Ok(entry) = Entry::decode(value) else { return true };
            if explainer.wants(&entry) {
                explainer.apply(partition, offset, &entry, &mut told);
            }
            let past = matches!(entry, Entry::Tick(time) | Entry::Rest(time) if time > until);
            let done = told.iter().any(|told| is_same(&told.transition, last));
            !past && !done && offset - from < ENTRIES_MAX
        })?;
    }
    Ok(told)
}

/// A place in the partition before which the clock had not come to `time`, found by halving: ticks only go up.
pub fn offset_at(log: &dyn EventLog, partition: Partition, time: EventTime) -> Result<Offset, BusError> {
    let held = log.bounds(Topic::Observations, partition)?;
    let (mut low, mut high) = (held.start, held.end);
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let mut tick = None;
        scan(log, Topic::Observations, partition, middle, &mut |offset, _, value| {
            if let Ok(Entry::Tick(time) | Entry::Rest(time)) = Entry::decode(value) {
                tick = Some(time);
            }
            tick.is_none() && offset < high
        })?;
        if tick.is_some_and(|tick| tick < time) { low = middle } else { high = middle }
    }
    Ok(low)
}

/// The observations of a transition's evidence.
fn observations(log: &dyn EventLog, transition: &Transition) -> Result<Vec<Option<String>>, BusError> {
    let read = |evidence: &model::Evidence| {
        let mut found = None;
        let at = evidence.position;
        let read = scan(log, Topic::Observations, at.partition, at.offset, &mut |offset, _, value| {
            found = (offset == at.offset).then(|| String::from_utf8_lossy(value).into_owned());
            false
        });
        match read {
            Ok(()) | Err(BusError::OutOfRange { .. }) => Ok(found),
            Err(error) => Err(error),
        }
    };
    transition.evidence.iter().map(read).collect()
}

/// Whether a transition calculated once more is the one on the log. The topic prefix is part of the id, and a setting;
/// what other incidents did to it is not calculated again.
fn is_same(again: &Transition, logged: &Transition) -> bool {
    let Transition { id, revision, shown_from, .. } = *logged;
    let inhibited_by = logged.inhibited_by.clone();
    Transition { id, revision, shown_from, inhibited_by, ..again.clone() } == *logged
}

/// Is given offset, key and value of a record, and says whether to read on.
pub type GoOn<'a> = &'a mut dyn FnMut(Offset, &[u8], &[u8]) -> bool;

/// Reads a partition from an offset on while `go_on` says so.
pub fn scan(
    log: &dyn EventLog,
    topic: Topic,
    partition: Partition,
    from: Offset,
    go_on: GoOn<'_>,
) -> Result<(), BusError> {
    let mut next = from;
    loop {
        let records = log.read(topic, partition, next, READ_BYTES)?;
        let Some(after) = records.next_offset() else { return Ok(()) };
        for (offset, record) in records.iter().filter(|(offset, _)| *offset >= next) {
            if !go_on(offset, record.key, record.value.unwrap_or_default()) {
                return Ok(());
            }
        }
        next = after;
    }
}
