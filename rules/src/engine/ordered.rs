//! Transitions that wait until all before them has come: what makes the order of event time out of any other.

use super::codec::{Broken, Reader, Writer};
use model::{EventTime, Transition};
use std::collections::BTreeMap;

/// Waiting transitions, in the order of (instant, key, rule, arrival).
///
/// What one rule says of one key comes from one place, in its order; so this order is the same however the places
/// interleave. It is bounded by what happens in the span that is waited for.
#[derive(Debug)]
pub(super) struct Ordered {
    waiting: BTreeMap<Place, Transition>,
    arrived: u64,
    /// All before this instant is done: what comes for an earlier one has its turn here.
    done: EventTime,
}

type Place = (EventTime, String, String, u64);

impl Default for Ordered {
    fn default() -> Ordered {
        Ordered::from(EventTime::MIN)
    }
}

impl Ordered {
    /// Nothing waits, and all before an instant is done.
    pub fn from(done: EventTime) -> Ordered {
        Ordered { waiting: BTreeMap::new(), arrived: 0, done }
    }

    pub fn put(&mut self, at: EventTime, transition: Transition) {
        let place = (at.max(self.done), transition.key.clone(), transition.rule.clone(), self.arrived);
        self.arrived += 1;
        self.waiting.insert(place, transition);
    }

    /// The first instant at which something waits, if it is before this one.
    pub fn first_before(&self, below: EventTime) -> Option<EventTime> {
        self.waiting.first_key_value().map(|((at, ..), _)| *at).filter(|at| *at < below)
    }

    /// What waits for this instant, of each rule and key only the first.
    pub fn take_step(&mut self, at: EventTime) -> Vec<Transition> {
        let mut later = self.waiting.split_off(&(EventTime(at.0.saturating_add(1)), String::new(), String::new(), 0));
        let mut taken: Vec<Transition> = Vec::new();
        for (place, transition) in std::mem::take(&mut self.waiting) {
            let is_second = |last: &Transition| (&last.key, &last.rule) == (&transition.key, &transition.rule);
            if taken.last().is_some_and(is_second) {
                later.insert(place, transition);
            } else {
                taken.push(transition);
            }
        }
        self.waiting = later;
        taken
    }

    /// All that waits for instants before this one; with `all`, the rest as well, as if just before it.
    pub fn release(&mut self, below: EventTime, all: bool, out: &mut Vec<(EventTime, Transition)>) {
        while let Some(entry) = self.waiting.first_entry() {
            let at = entry.key().0;
            if at >= below && !all {
                break;
            }
            out.push((at.min(EventTime(below.0.saturating_sub(1))), entry.remove()));
        }
        self.done(below);
    }

    /// All before this instant is done.
    pub fn done(&mut self, below: EventTime) {
        self.done = self.done.max(below);
    }

    /// Appends all of it: the same state gives the same bytes.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.signed(self.done.0);
        writer.unsigned(self.waiting.len() as u64);
        for ((at, ..), transition) in &self.waiting {
            writer.signed(at.0);
            let json = serde_json::to_string(transition).expect("text and finite numbers always serialise");
            writer.text(&json);
        }
    }

    /// Takes up what [`Ordered::save`] wrote.
    pub fn load(reader: &mut Reader<'_>) -> Result<Ordered, Broken> {
        let mut ordered = Ordered::from(EventTime(reader.signed()?));
        for _ in 0..reader.count()? {
            let at = EventTime(reader.signed()?);
            ordered.put(at, serde_json::from_str(reader.text()?).map_err(|_| Broken)?);
        }
        Ok(ordered)
    }
}
