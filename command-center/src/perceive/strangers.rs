//! Sensors that speak and are not registered: what the dead letter and the rules stage say of them. In memory.
//!
//! It counts what is on the tails of the two topics that are read at a start, and what comes after. It forgets the
//! sensor heard longest ago when there are too many, and says how many it forgot.

use model::Registry;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use utoipa::ToSchema;

/// Sensors that are remembered. At the bound the one heard longest ago is forgotten.
const STRANGERS_MAX: usize = 1_000;
/// Characters of a payload that are kept; the dead letter has it whole.
const PAYLOAD_CHARS: usize = 1_000;
/// The reason of ingest's list that says that a value cannot be true.
const OUT_OF_RANGE: &str = "out-of-range";
/// The reason of that list that speaks of them.
const UNKNOWN: &str = "unknown-sensor";

/// What is to be done about a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Todo {
    /// It is not registered: register it, then send again what was refused.
    Register,
    /// It is registered by now: what was refused can be sent again.
    Retry,
}

/// A sensor that spoke before it was registered, or after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UnknownSensor {
    pub(crate) id: String,
    /// The MQTT topic of the last message; null if none was refused.
    topic: Option<String>,
    /// Messages of it that were refused, or are on the log without a sensor.
    count: u64,
    /// When it was heard first and last, by the wall; what was not refused has the time that it says itself.
    first_at: i64,
    pub(crate) last_at: i64,
    /// The last payload that was refused, its first 1,000 characters; null if none was.
    payload: Option<String>,
    /// Where the last refused message stands in the dead letter, as `citywatch dead-letter` names it.
    letter: Option<String>,
    /// Whether the registry had it and lost it.
    removed: bool,
    pub(crate) todo: Todo,
}

/// What is needed of a letter.
#[derive(Deserialize)]
struct Letter<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow, default)]
    sensor: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    received_at: i64,
    #[serde(borrow)]
    payload: Option<Cow<'a, str>>,
}

/// Of a letter about a reading that cannot be true, the sensor and when that came.
pub(super) fn out_of_range(value: &[u8]) -> Option<(String, i64)> {
    let letter = serde_json::from_slice::<Letter<'_>>(value).ok()?;
    (letter.reason == OUT_OF_RANGE).then(|| (letter.sensor.into_owned(), letter.received_at))
}

/// All of them.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<Held>);

#[derive(Default)]
struct Held {
    by_id: BTreeMap<String, UnknownSensor>,
    forgotten: u64,
}

impl Strangers {
    /// A record of the dead letter, and its place as `dead-letter list` names it. What is refused for another reason
    /// is no stranger's.
    pub(crate) fn letter(&self, place: impl FnOnce() -> String, value: &[u8]) {
        let Ok(letter) = serde_json::from_slice::<Letter<'_>>(value) else { return };
        if letter.reason != UNKNOWN {
            return;
        }
        let mut held = self.lock();
        let stranger = held.hear(&letter.sensor, letter.received_at);
        stranger.count += 1;
        if stranger.last_at == letter.received_at {
            stranger.topic = Some(letter.topic.into_owned());
            stranger.payload = letter.payload.map(|payload| payload.chars().take(PAYLOAD_CHARS).collect());
            stranger.letter = Some(place());
        }
    }

    /// The rules stage met a reading of a sensor that is not registered, or the registry lost one.
    pub(crate) fn told(&self, sensor: &str, time: i64, removed: bool) {
        let mut held = self.lock();
        let stranger = held.hear(sensor, time);
        stranger.removed |= removed;
        stranger.count += u64::from(!removed);
    }

    /// How many of them are not registered.
    pub(crate) fn unknown(&self, registry: &Registry) -> u64 {
        let held = self.lock();
        held.by_id.keys().filter(|id| registry.index_of(id).is_none()).count() as u64
    }

    /// All, last heard first; and how many were forgotten.
    pub(crate) fn list(&self, registry: &Registry) -> (Vec<UnknownSensor>, u64) {
        let held = self.lock();
        let mut all = Vec::new();
        for stranger in held.by_id.values() {
            let is_registered = registry.index_of(&stranger.id).is_some();
            // Registered again, and nothing of it was refused: nothing is to be done.
            if !is_registered || stranger.letter.is_some() {
                let todo = if is_registered { Todo::Retry } else { Todo::Register };
                all.push(UnknownSensor { todo, ..stranger.clone() });
            }
        }
        all.sort_by(|one, other| other.last_at.cmp(&one.last_at).then_with(|| one.id.cmp(&other.id)));
        (all, held.forgotten)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Held {
    fn hear(&mut self, id: &str, at: i64) -> &mut UnknownSensor {
        if self.by_id.len() >= STRANGERS_MAX && !self.by_id.contains_key(id) {
            let oldest = self.by_id.values().min_by_key(|one| one.last_at).map(|one| one.id.clone());
            self.by_id.remove(&oldest.unwrap_or_default());
            self.forgotten += 1;
        }
        let new = || UnknownSensor {
            id: id.to_owned(),
            topic: None,
            count: 0,
            first_at: at,
            last_at: at,
            payload: None,
            letter: None,
            removed: false,
            todo: Todo::Register,
        };
        let stranger = self.by_id.entry(id.to_owned()).or_insert_with(new);
        stranger.first_at = stranger.first_at.min(at);
        stranger.last_at = stranger.last_at.max(at);
        stranger
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Metrics;

    fn letter(reason: &str, sensor: &str, at: i64, payload: &str) -> Vec<u8> {
        let (topic, detail) = (format!("city/air/{sensor}"), "said in words");
        let letter = serde_json::json!({"reason": reason, "detail": detail, "sensor": sensor, "topic": topic,
            "received_at": at, "payload": payload});
        letter.to_string().into_bytes()
    }

    #[test]
    fn the_last_letter_is_shown_and_all_are_counted() {
        let strangers = Strangers::default();
        let nobody = Registry::new(vec![], Metrics::default());
        strangers.letter(|| "3/7".to_owned(), &letter(UNKNOWN, "new", 20, r#"{"say":"\"two\""}"#));
        strangers.letter(|| "3/2".to_owned(), &letter(UNKNOWN, "new", 10, "one"));
        strangers.letter(|| "3/9".to_owned(), &letter("out-of-range", "other", 30, "x"));
        strangers.letter(|| "3/9".to_owned(), b"no letter");
        strangers.told("lost", 15, true);
        let (all, forgotten) = strangers.list(&nobody);
        assert_eq!((all.len(), forgotten, strangers.unknown(&nobody)), (2, 0, 2));
        let [new, lost] = &all[..] else { unreachable!() };
        assert_eq!((&*new.id, new.count, new.first_at, new.last_at), ("new", 2, 10, 20));
        assert_eq!(new.payload.as_deref(), Some(r#"{"say":"\"two\""}"#), "the later one, though it came first");
        assert_eq!((new.letter.as_deref(), new.topic.as_deref()), (Some("3/7"), Some("city/air/new")));
        assert_eq!((&*lost.id, lost.count, lost.removed, &lost.letter), ("lost", 0, true, &None));
    }

    #[test]
    fn at_the_bound_the_one_heard_longest_ago_is_forgotten() {
        let strangers = Strangers::default();
        let nobody = Registry::new(vec![], Metrics::default());
        for at in 0..STRANGERS_MAX as i64 + 5 {
            strangers.letter(|| "0/0".to_owned(), &letter(UNKNOWN, &format!("s{at}"), at, "x"));
        }
        let (all, forgotten) = strangers.list(&nobody);
        assert_eq!((all.len(), forgotten), (STRANGERS_MAX, 5));
        assert_eq!(all[0].id, format!("s{}", STRANGERS_MAX + 4));
        assert_eq!(all[STRANGERS_MAX - 1].id, "s5");
    }
}
