//! How far a sequence came.

use super::clauses::{Clause, Leaves};
use crate::ast::Step;
use crate::naive::sequence::Attempt;
use crate::naive::value::Moment;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// What was seen of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempted {
    /// Its steps in their order.
    pub steps: Vec<StepSeen>,
    /// The attempt that came furthest: when its first step fitted, and how many steps it had then.
    pub furthest: Option<(EventTime, usize)>,
}

/// What was seen of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSeen {
    /// Its condition.
    pub when: String,
    /// Whether it must not be seen.
    pub not: bool,
    /// Evaluations at which it fitted, in whatever order.
    pub fitted: usize,
    /// The last of them.
    pub last: Option<EventTime>,
    /// What it is made of.
    pub clauses: Vec<Clause>,
}

/// The steps of a sequence while it is watched.
#[derive(Debug)]
pub(super) struct Steps {
    steps: Vec<Watched>,
    furthest: Option<(EventTime, usize)>,
}

#[derive(Debug)]
struct Watched {
    step: Step,
    fitted: usize,
    last: Option<EventTime>,
    leaves: Leaves,
}

impl Steps {
    pub(super) fn of(steps: &[Step]) -> Steps {
        let watched =
            |step: &Step| Watched { step: step.clone(), fitted: 0, last: None, leaves: Leaves::of(&step.when) };
        Steps { steps: steps.iter().map(watched).collect(), furthest: None }
    }

    /// Sees an evaluation: by a reading, of the sensor whose newest value is of this moment.
    pub(super) fn see(&mut self, moment: &Moment<'_>, attempts: &[Attempt]) {
        for attempt in attempts {
            let seen = attempt.readings.len();
            if self.furthest.is_none_or(|(_, most)| seen >= most) {
                self.furthest = Some((attempt.first, seen));
            }
        }
        for watched in &mut self.steps {
            let mut named = Vec::new();
            watched.step.when.collect_metrics(&mut named);
            let spoke = |sensor: &&u32| {
                let newest = |metric| moment.world.readings.of(**sensor, metric).last();
                named.iter().any(|metric| newest(metric).is_some_and(|held| held.time == moment.at))
            };
            let Some(&sensor) = moment.members.iter().find(spoke) else { continue };
            watched.leaves.see_of(moment, Some(sensor));
            if moment.truth_for(&watched.step.when, sensor) == Some(true) {
                watched.fitted += 1;
                watched.last = Some(moment.at);
            }
        }
    }

    pub(super) fn told(&self, moment: &Moment<'_>) -> Attempted {
        let told = |watched: &Watched| StepSeen {
            when: watched.step.when.to_string(),
            not: watched.step.not,
            fitted: watched.fitted,
            last: watched.last,
            clauses: watched.leaves.told(moment),
        };
        Attempted { steps: self.steps.iter().map(told).collect(), furthest: self.furthest }
    }
}
