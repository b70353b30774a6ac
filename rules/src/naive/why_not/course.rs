//! How a truth went over a stretch: what a page draws.

use model::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// So many changes are kept; where there are more, the newest.
const CHANGES_MAX: usize = 500;

/// The changes of a truth, oldest first: since when it was true, false, or unknown (null). The newest 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Course(VecDeque<(EventTime, Option<bool>)>);

impl Course {
    /// The changes, oldest first.
    pub fn changes(&self) -> impl Iterator<Item = (EventTime, Option<bool>)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn see(&mut self, at: EventTime, truth: Option<bool>) {
        if self.0.back().is_some_and(|(_, last)| *last == truth) {
            return;
        }
        if self.0.len() == CHANGES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at, truth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_kept_and_only_the_newest() {
        let mut course = Course::default();
        for at in 0..3 {
            course.see(EventTime(at), Some(at == 2));
        }
        course.see(EventTime(3), None);
        let seen: Vec<_> = course.changes().collect();
        assert_eq!(seen, [(EventTime(0), Some(false)), (EventTime(2), Some(true)), (EventTime(3), None)]);
        assert_eq!(serde_json::to_string(&course).unwrap(), "[[0,false],[2,true],[3,null]]");
        for at in 4..2_000 {
            course.see(EventTime(at), Some(at % 2 == 0));
        }
        assert_eq!(course.changes().count(), CHANGES_MAX);
        assert_eq!(course.changes().last(), Some((EventTime(1_999), Some(false))));
    }
}
