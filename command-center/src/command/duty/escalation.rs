//! A chain at work on a group: when whom is told what, and when it stops. Pure: no clock, no I/O.
//!
//! The group is told first `wait` after it began; what joins later is told `interval` after the last notice at the
//! earliest; what goes on is told again after `repeat`. Beside that the steps of the chain are gone up, each its `wait`
//! after the one before, as long as somebody's answer is missing. What is acknowledged leaves for good; what is over
//! leaves too, and who was told of it is told so. When nothing is left that wants an answer, the next that comes begins
//! at the first step.
//!
//! A notice that should have gone out earlier goes out once, and the waits count from then: after a stop of the
//! process nobody is told five steps at once.

use super::quiet::Quiet;
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Times between notices, as a chain has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace<'a> {
    /// From the begin of a group to its first notice.
    pub(crate) wait: Millis,
    /// From one notice to the next of what joined, or is over.
    pub(crate) interval: Millis,
    /// From one notice to the same again.
    pub(crate) repeat: Option<Millis>,
    /// From each step to the next.
    pub(crate) steps: &'a [Millis],
    pub(crate) quiet: Option<Quiet>,
}

/// A group, and how far its chain has gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    members: BTreeMap<String, Member>,
    /// Steps that were told since what is open began.
    step: usize,
    /// The most steps that were told: they hear of what joins and of what is over.
    reached: usize,
    /// When what is open began.
    begun_at: Option<EventTime>,
    /// When the next step is told.
    step_at: Option<EventTime>,
    /// When it is told again.
    repeat_at: Option<EventTime>,
    told_at: Option<EventTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    is_extreme: bool,
    is_over: bool,
    /// When something happened to it that nobody was told yet.
    news_at: Option<EventTime>,
}

/// Why there is a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It began.
    Began,
    /// Nobody answered: the next step is told.
    Escalated,
    /// More joined, or something is over.
    Changed,
    /// It goes on.
    Repeated,
    /// All of it is over.
    Over,
    /// Of no chain: a unit's time for a case grows short.
    Warned,
    /// Of no chain: the time is over, and the next level is called.
    Late,
    /// Of no chain: a whistle calls a unit to a case.
    Whistled,
    /// Of no chain: its time to report in grows short.
    ReportIn,
    /// Of no chain: it did not report in in time.
    Unreported,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) reason: Reason,
    /// Which steps are told: the first and the one behind the last, from 0.
    pub(crate) steps: (usize, usize),
    /// What wants an answer.
    pub(crate) open: Vec<String>,
    /// What is over since the last notice.
    pub(crate) over: Vec<String>,
}

impl Run {
    /// Something wants an answer, or still does and became extreme.
    pub(crate) fn fire(&mut self, id: &str, is_extreme: bool, at: EventTime) {
        if let Some(member) = self.members.get_mut(id).filter(|member| !member.is_over) {
            member.is_extreme = is_extreme;
            return;
        }
        if !self.is_live() {
            (self.step, self.step_at, self.repeat_at, self.begun_at) = (0, None, None, Some(at));
        }
        self.members.insert(id.to_owned(), Member { is_extreme, is_over: false, news_at: Some(at) });
    }

    /// Somebody answered, or no answer is wanted any more: nobody is told of it again.
    pub(crate) fn stop(&mut self, id: &str) {
        // What is over stays over, whoever acknowledges it afterwards.
        if self.members.get(id).is_some_and(|member| !member.is_over) {
            self.members.remove(id);
        }
        self.settle();
    }

    /// It is over by itself.
    pub(crate) fn over(&mut self, id: &str, at: EventTime) {
        match self.members.get_mut(id) {
            Some(member) if member.is_over => {}
            Some(member) if member.news_at.is_none() => (member.is_over, member.news_at) = (true, Some(at)),
            // Nobody was told of it, so nobody need know that it is over.
            Some(_) => drop(self.members.remove(id)),
            None => {}
        }
        self.settle();
    }

    /// When something is to be told, from `now` on; never if nothing is. What is overdue keeps quiet hours too.
    pub(crate) fn due(&self, now: EventTime, pace: &Pace<'_>, zone: &TimeZone) -> Option<EventTime> {
        let at = [self.news_at(pace), self.step_at, self.repeat_at].into_iter().flatten().min()?.max(now);
        let is_extreme = self.members.values().any(|member| member.is_extreme && !member.is_over);
        match pace.quiet {
            Some(quiet) if !is_extreme => Some(quiet.over(at, zone)),
            _ => Some(at),
        }
    }

    /// What is to be told at an instant at which something is due.
    pub(crate) fn tell(&mut self, at: EventTime, pace: &Pace<'_>) -> Telling {
        let is_due = |due: Option<EventTime>| due.is_some_and(|due| due <= at);
        let has_news = is_due(self.news_at(pace));
        let ids = |is_over: bool| {
            let those = self.members.iter().filter(move |(_, member)| member.is_over == is_over);
            those.map(|(id, _)| id.clone()).collect::<Vec<String>>()
        };
        let (open, over) = (ids(false), ids(true));
        let (is_first, reached) = (self.step == 0, self.reached);
        let climbs = !open.is_empty() && self.step < pace.steps.len() && (is_first || is_due(self.step_at));
        if climbs {
            self.step += 1;
            self.reached = self.reached.max(self.step);
            let wait = pace.steps.get(self.step - 1).filter(|_| self.step < pace.steps.len());
            self.step_at = wait.map(|wait| at + *wait);
        }
        let reason = match climbs {
            _ if open.is_empty() => Reason::Over,
            true if is_first => Reason::Began,
            true => Reason::Escalated,
            false if has_news => Reason::Changed,
            false => Reason::Repeated,
        };
        // A step that is told of nothing new is told alone.
        let is_alone = climbs && over.is_empty() && (is_first || !(has_news || is_due(self.repeat_at)));
        let steps = if is_alone { (self.step - 1, self.step) } else { (0, self.reached.max(reached)) };
        self.members.retain(|_, member| !member.is_over);
        self.members.values_mut().for_each(|member| member.news_at = None);
        self.told_at = Some(at);
        self.repeat_at = pace.repeat.map(|repeat| at + repeat);
        self.settle();
        Telling { reason, steps, open, over }
    }

    /// Nobody could be told: the next step is, at once, if there is one.
    pub(crate) fn hurry(&mut self, at: EventTime) -> bool {
        let is_next = self.step_at.is_some();
        self.step_at = self.step_at.map(|_| at);
        is_next
    }

    /// Whether this belongs to it.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.members.contains_key(id)
    }

    /// How many belong to it.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether something wants an answer.
    fn is_live(&self) -> bool {
        self.members.values().any(|member| !member.is_over)
    }

    /// When what is new is told.
    fn news_at(&self, pace: &Pace<'_>) -> Option<EventTime> {
        if self.step == 0 && self.is_live() {
            return self.begun_at.map(|begun| begun + pace.wait);
        }
        let first = self.members.values().filter_map(|member| member.news_at).min()?;
        Some(self.told_at.map_or(first, |told| first.max(told + pace.interval)))
    }

    /// Without anything that wants an answer there are no further steps and no repeats.
    fn settle(&mut self) {
        if !self.is_live() {
            (self.step_at, self.repeat_at) = (None, None);
        }
        if self.members.is_empty() {
            *self = Run::default();
        }
    }
}
