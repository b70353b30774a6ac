//! Feedback shows what the unit did: drawn stories of evidence and hand-overs against a second, plain telling, a list of
//! who added what that is looked through from its end.

use super::*;
use crate::command::step::Evidence;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A citizen adds a picture.
    Citizen,
    /// The unit that has it does.
    Unit,
    /// Another unit does, which may have it later.
    Stranger,
    /// The unit says that it is done, with this one of all pictures, counted from the newest.
    Feedback(usize),
    NotFixed,
    /// It goes to the other of two units.
    Transfer,
    /// It is sent back and dispatched anew to the same unit.
    Return,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Citizen),
        Just(Event::Unit),
        Just(Event::Unit),
        Just(Event::Stranger),
        (0..4_usize).prop_map(Event::Feedback),
        (0..2_usize).prop_map(Event::Feedback),
        Just(Event::NotFixed),
        Just(Event::Transfer),
        Just(Event::Return),
    ]
}

const UNITS: [&str; 2] = ["drainage-group", "district-water-110101"];

/// A case and what was told of it: each picture with the unit that added it, and `None` for each hand-over.
struct Story<'a> {
    case: Case,
    told: Vec<Option<(String, Option<String>)>>,
    ground: Ground<'a>,
    now: i64,
}

impl Story<'_> {
    fn act(&mut self, act: &Act, person: usize) -> Result<(), Refused> {
        self.now += 1_000;
        let actor = people(self.case.unit.as_deref()).swap_remove(person);
        let decision = decide(&self.case, act, &actor, EventTime(self.now), &self.ground)?;
        let by = By { name: actor.name, side: act.kind().side(), unit: actor.unit };
        take(&mut self.case, decision, by, EventTime(self.now));
        Ok(())
    }

    fn adds(&mut self, unit: Option<String>) {
        let hash = format!("{:064x}", self.told.len());
        let evidence = Evidence {
            hash: hash.clone(),
            kind: "image/jpeg".to_owned(),
            bytes: 1,
            taken_at: None,
            lon: None,
            lat: None,
        };
        let decision = Decision { fact: Fact::EvidenceAdded(evidence), clocks: Vec::new() };
        let by = By { name: "somebody".to_owned(), side: None, unit: unit.clone() };
        take(&mut self.case, decision, by, EventTime(self.now));
        self.told.push(Some((hash, unit)));
    }

    /// Whether a picture is from after: looked through from the end to the last hand-over.
    fn is_after(&self, hash: &str) -> bool {
        let mut round = self.told.iter().rev().map_while(Option::as_ref);
        round.any(|(told, unit)| told == hash && unit.is_some() && *unit == self.case.unit)
    }

    fn other_unit(&self) -> String {
        UNITS[usize::from(self.case.unit.as_deref() == Some(UNITS[0]))].to_owned()
    }

    fn happens(&mut self, event: Event) -> Option<bool> {
        match event {
            Event::Citizen => self.adds(None),
            Event::Unit => self.adds(self.case.unit.clone()),
            Event::Stranger => self.adds(Some(self.other_unit())),
            Event::Feedback(back) => return self.feedback(back),
            Event::NotFixed => {
                if self.act(&act_of(Kind::Check, 1, 0), INSPECTOR).is_ok() {
                    self.told.push(None);
                }
            }
            Event::Transfer => {
                let to = act::Transfer { unit: self.other_unit(), limit: None, reason: "theirs".to_owned() };
                if self.act(&Act::Transfer(to), DISPATCHER).is_ok() {
                    self.told.push(None);
                }
            }
            Event::Return => {
                let unit = self.case.unit.clone();
                if self.case.state == State::Dispatched {
                    self.act(&Act::Return(why()), WORKER).unwrap();
                    self.act(&Act::Dispatch(act::Dispatch { unit, ..act::Dispatch::default() }), DISPATCHER).unwrap();
                    self.told.push(None);
                }
                if self.case.state == State::Dispatched {
                    self.act(&Act::Accept(note()), WORKER).unwrap();
                }
            }
        }
        None
    }

    /// Whether it was taken; none where it was not this that refused it.
    fn feedback(&mut self, back: usize) -> Option<bool> {
        let pictures: Vec<String> = self.told.iter().rev().flatten().map(|(hash, _)| hash.clone()).collect();
        let hash = pictures.get(back)?.clone();
        if self.case.state != State::Handling {
            return None;
        }
        let is_after = self.is_after(&hash);
        let feedback = act::Feedback { note: String::new(), evidence: vec![hash.clone()] };
        match self.act(&Act::Feedback(feedback), WORKER) {
            Ok(()) => assert!(is_after, "{hash} was taken: {:?}", self.told),
            Err(Refused::Invalid(why)) => assert!(!is_after && why.contains(&hash), "{why}: {:?}", self.told),
            Err(other) => panic!("{other:?}"),
        }
        Some(is_after)
    }
}

#[test]
fn feedback_shows_what_the_unit_added_since_it_was_sent() {
    let (working, duties) = (working(), Duties::seeded());
    let ground = Ground { duties: &duties, working: &working, is_cleared: false };
    let counted = std::cell::Cell::new((0, 0));
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let outcome =
        proptest::test_runner::TestRunner::new(config).run(&prop::collection::vec(event(), 1..40), |events| {
            let mut case = Case::begin(&reported("0402")).unwrap();
            let sent = [
                (Kind::Verify, 0, INSPECTOR),
                (Kind::Register, 0, OPERATOR),
                (Kind::Dispatch, 0, DISPATCHER),
                (Kind::Accept, 0, WORKER),
            ];
            through(&mut case, &sent, &ground);
            let mut story = Story { case, told: vec![None], ground, now: START + 600_000 };
            for event in events {
                let (taken, refused) = counted.get();
                match story.happens(event) {
                    Some(true) => counted.set((taken + 1, refused)),
                    Some(false) => counted.set((taken, refused + 1)),
                    None => {}
                }
            }
            Ok(())
        });
    outcome.unwrap();
    let (taken, refused) = counted.get();
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}
