//! What each step makes of a case: the fold. Pure.

use super::case::Segment;
use super::case::{Case, Outside, State, Task, Whistle};
use super::clock::Stage;
use super::step::{CheckResult, Fact, Step, VerifyResult};
use model::EventTime;

impl Case {
    /// What the case is after a step. The step was decided on this version, or read from the log behind it.
    pub(crate) fn apply(&mut self, step: &Step) {
        assert_eq!(step.version, self.version + 1, "a step follows the one before it");
        self.note(step);
        let count = &mut self.counts;
        match &step.what {
            Fact::Verified { result, .. } => match result {
                VerifyResult::Real => self.state = State::Verified,
                VerifyResult::NotFound => self.reject(step.at),
                VerifyResult::CannotTell => {}
            },
            Fact::Registered { class, .. } => {
                self.class.clone_from(class);
                self.registered_at = Some(step.at);
                self.state = State::Registered;
            }
            Fact::PutOutside { .. } | Fact::OutsideReviewed { .. } | Fact::AskedAgain { .. } => self.triage(step),
            Fact::Dispatched { unit, is_proposed, tasks, task_units, in_order, .. } => {
                count.dispatches += 1;
                count.misdispatches += u32::from(!is_proposed);
                self.state = State::Dispatched;
                self.hand_to(unit, step.at);
                if self.tasks.is_empty() {
                    self.in_order = *in_order;
                    self.tasks = planned(tasks, task_units);
                }
            }
            Fact::Accepted { .. } => {
                self.state = State::Handling;
                self.note_handler();
            }
            Fact::Returned { .. } => {
                count.returns += 1;
                count.misdispatches += 1;
                self.end_segment(step.at);
                self.unit = None;
                self.state = State::Registered;
            }
            Fact::FedBack { .. } => {
                count.feedbacks += 1;
                self.end_segment(step.at);
                self.asked = None;
                self.state = State::Feedback;
            }
            Fact::Suspended { until, .. } => {
                count.suspensions += 1;
                self.suspended_until = Some(*until);
                self.state = State::Suspended;
            }
            Fact::Resumed { .. } => {
                self.suspended_until = None;
                self.state = State::Handling;
            }
            Fact::Checked { result, .. } => match result {
                CheckResult::Fixed => self.close(step.at),
                CheckResult::NotFixed => {
                    count.rework += 1;
                    self.state = State::Handling;
                    if let Some(unit) = self.unit.clone() {
                        self.hand_to(&unit, step.at);
                        self.note_handler();
                    }
                }
                CheckResult::CannotTell => {}
            },
            Fact::SelfCleared { .. } | Fact::PartsDone => self.close(step.at),
            Fact::Voided { of, .. } => {
                self.before_void = Some(self.state);
                self.duplicate_of = Some(*of);
                self.state = State::Void;
            }
            Fact::Unmerged { .. } => {
                self.state = self.before_void.take().unwrap_or(State::Reported);
                self.duplicate_of = None;
            }
            Fact::Transferred { unit, before, .. } => {
                count.transfers += 1;
                if let (Some(last), Some(before)) = (self.segments.last_mut(), before) {
                    last.clone_from(before);
                }
                self.transfer_to(unit, step.at);
            }
            Fact::Evaluated { score, .. } => {
                self.score = Some(*score);
                self.state = State::Evaluated;
            }
            Fact::Reopened { .. } => {
                count.reopened += 1;
                (self.closed_at, self.score, self.unit) = (None, None, None);
                self.state = State::Registered;
            }
            _ => self.remember(step),
        }
    }

    /// What says that it is not the city's to do, or takes that back.
    fn triage(&mut self, step: &Step) {
        match &step.what {
            Fact::PutOutside { reason, where_to } => {
                let (reason, where_to, by) = (reason.clone(), where_to.clone(), step.by.name.clone());
                self.outside = Some(Outside { reason, where_to, by, before: self.state, upheld: false });
                self.state = State::Outside;
            }
            Fact::OutsideReviewed { upheld: true, .. } => {
                self.outside.iter_mut().for_each(|outside| outside.upheld = true);
                self.reject(step.at);
            }
            Fact::OutsideReviewed { upheld: false, .. } => {
                self.state = self.outside.take().map_or(State::Reported, |outside| outside.before);
            }
            Fact::AskedAgain { .. } => {
                self.counts.reopened += 1;
                (self.closed_at, self.outside) = (None, None);
                self.state = State::Reported;
            }
            _ => {}
        }
    }

    /// What a step adds that leaves the case where it stands.
    fn remember(&mut self, step: &Step) {
        let count = &mut self.counts;
        match &step.what {
            Fact::ExtensionAsked { limit, .. } => self.asked = Some(limit.to_string()),
            Fact::ExtensionGranted { .. } => {
                count.extensions += 1;
                self.asked = None;
            }
            Fact::ExtensionRefused { .. } => self.asked = None,
            Fact::Absorbed { .. } => count.absorbed += 1,
            Fact::Released { .. } => count.absorbed = count.absorbed.saturating_sub(1),
            Fact::Urged { .. } => count.urges += 1,
            Fact::Joined { incident, .. } => self.incidents.push(*incident),
            Fact::Separated { incident, .. } => self.incidents.retain(|one| one != incident),
            Fact::EvidenceAdded(evidence) => {
                self.evidence.push(evidence.hash.clone());
                if step.by.unit.is_some() && step.by.unit == self.unit {
                    self.evidence_after.push(evidence.hash.clone());
                }
            }
            Fact::Whistled { units, clock, .. } => {
                let (called_at, clock) = (step.at, clock.clone().map(|clock| *clock));
                self.whistles.extend(units.iter().map(|unit| Whistle {
                    unit: unit.clone(),
                    called_at,
                    reported_at: None,
                    clock: clock.clone(),
                    missed: false,
                }));
            }
            Fact::WhistleWarned { units } | Fact::WhistleBreached { units } => {
                let is_breach = matches!(step.what, Fact::WhistleBreached { .. });
                let due = self.whistles.iter_mut().filter(|call| call.is_waited_for() && units.contains(&call.unit));
                for clock in due.filter_map(|call| call.clock.as_mut()) {
                    match clock.next().filter(|next| *next <= step.at) {
                        Some(_) if is_breach && clock.warned_at.is_some() => clock.breached_at = Some(step.at),
                        Some(_) if !is_breach && clock.warned_at.is_none() => clock.warned_at = Some(step.at),
                        _ => {}
                    }
                }
            }
            Fact::ReportedIn { unit, .. } => {
                let called = self.whistles.iter_mut().filter(|call| call.unit == *unit && call.is_waited_for());
                called.for_each(|call| call.reported_at = Some(step.at));
            }
            Fact::TaskDone { task } => {
                if let Some(task) = self.tasks.get_mut(*task) {
                    (task.done_by, task.done_at) = (Some(step.by.name.clone()), Some(step.at));
                }
            }
            Fact::PartAdded { part } => {
                self.parts.insert(*part, false);
                if self.state == State::Registered {
                    self.state = State::Handling;
                }
            }
            Fact::PartOver { part, over } => drop(self.parts.insert(*part, *over)),
            Fact::Warned { .. } => count.warned += 1,
            Fact::Breached { stage, climbs_to } => {
                count.breached += 1;
                if *stage == Stage::Handle
                    && let Some(segment) = self.segments.last_mut().filter(|segment| segment.until_at.is_none())
                {
                    segment.breached = true;
                }
                self.climbed_to = climbs_to.or(self.climbed_to);
            }
            // A report is a beginning, a note adds nothing; all others are told above.
            _ => {}
        }
    }

    pub(super) fn note(&mut self, step: &Step) {
        self.version = step.version;
        self.changed_at = step.at;
        for clock in &step.clocks {
            match self.clocks.iter_mut().find(|held| held.stage == clock.stage) {
                Some(held) => *held = clock.clone(),
                None => self.clocks.push(clock.clone()),
            }
        }
        self.clocks.sort_by_key(|clock| clock.stage);
        if let Some(side) = step.by.side {
            self.sides.entry(step.by.name.clone()).or_insert(side);
        }
    }

    fn hand_to(&mut self, unit: &str, at: EventTime) {
        self.unit = Some(unit.to_owned());
        self.evidence_after.clear();
        let base_ms = self.clock(Stage::Handle).map_or(0, |clock| clock.used_ms);
        let (unit, from_at) = (unit.to_owned(), at);
        self.segments.push(Segment { unit, from_at, until_at: None, used_ms: None, breached: false, base_ms });
    }

    /// Goes to another unit as it stands.
    fn transfer_to(&mut self, unit: &str, at: EventTime) {
        // What the unit before asked for was its own.
        self.asked = None;
        match self.state {
            // Its time begins if the check sends it back.
            State::Feedback => self.unit = Some(unit.to_owned()),
            _ => self.hand_to(unit, at),
        }
        if matches!(self.state, State::Handling | State::Suspended) {
            self.note_handler();
        }
    }

    fn note_handler(&mut self) {
        let unit = self.unit.clone().unwrap_or_default();
        if !self.handled_by.contains(&unit) {
            self.handled_by.push(unit);
        }
    }

    fn end_segment(&mut self, at: EventTime) {
        let used = self.clock(Stage::Handle).map_or(0, |clock| clock.used_ms);
        if let Some(segment) = self.segments.last_mut().filter(|segment| segment.until_at.is_none()) {
            segment.until_at = Some(at);
            segment.used_ms = Some((used - segment.base_ms).max(0));
        }
    }

    fn reject(&mut self, at: EventTime) {
        self.closed_at = Some(at);
        self.state = State::Rejected;
    }

    fn close(&mut self, at: EventTime) {
        self.end_segment(at);
        self.closed_at = Some(at);
        self.suspended_until = None;
        self.whistles.iter_mut().for_each(|call| call.missed |= call.reported_at.is_none());
        self.state = State::Closed;
    }
}

/// The tasks of a plan, none of them done.
fn planned(tasks: &[String], units: &[Option<String>]) -> Vec<Task> {
    let unit = |at: usize| units.get(at).cloned().flatten();
    let task = |(at, what): (usize, &String)| Task { what: what.clone(), unit: unit(at), done_by: None, done_at: None };
    tasks.iter().enumerate().map(task).collect()
}
