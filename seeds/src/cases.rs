//! Two months of the work of a city's twelve district offices, with known truth: whether any of them picks what it does.
//!
//! An honest office is not an average one: offices differ in how much they get done, in what they are good at and in
//! what their districts bring, days differ, and citizens' cases go first. All of that is in a city without bias, and
//! none of it is selective. Times are natural hours: no calendar is needed to tell what was done from what was not.

use crate::dice::{name, share, throw};
use model::{EventTime, Millis};

/// Offices of a city.
pub const OFFICES: usize = 12;

/// What one office does on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// It skips half of its hard cases.
    SkipsHard,
    /// It skips half of the cases that count little.
    SkipsLowScore,
    /// It mends for the day: a third comes back at the same place.
    MendsForTheDay,
    /// It closes a third of its cases just before the limit, and they are opened again.
    ClosesAtTheLimit,
    /// It closes a third without showing that anything was done.
    ClosesUnproven,
    /// It takes up no case for two of five incidents that the sensors saw.
    OverlooksSensors,
}

/// A city's work, as asked for.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// The same seed gives the same city.
    pub seed: u64,
    /// What the first office does on purpose; nothing in a city without bias.
    pub bias: Option<Bias>,
    /// Cases of the first office that are due in each month.
    pub first_cases: usize,
    /// How much offices differ, against the usual: 1.
    pub spread: f64,
}

/// Who saw a case first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenBy {
    /// A sensor.
    Sensor,
    /// A citizen.
    Citizen,
    /// An inspector.
    Inspector,
}

/// A case of the generated city.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkCase {
    /// The office that has it.
    pub office: usize,
    /// Its class, of `seeds/categories`.
    pub class: &'static str,
    /// Who saw it first.
    pub seen_by: SeenBy,
    /// Where it is: the number of a cell.
    pub cell: u64,
    /// When it was reported, and registered.
    pub reported_at: EventTime,
    /// When it was dispatched.
    pub dispatched_at: EventTime,
    /// When it is to be handled.
    pub handle_by: EventTime,
    /// When it was handled, if it was.
    pub handled_at: Option<EventTime>,
    /// When it is to be closed.
    pub close_by: EventTime,
    /// When it was closed, if it was.
    pub closed_at: Option<EventTime>,
    /// Whether somebody showed that it is mended.
    pub proven: bool,
    /// When it was opened again, if it was.
    pub reopened_at: Option<EventTime>,
}

/// An incident that sensors saw in an office's district.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkIncident {
    /// The office whose it is.
    pub office: usize,
    /// The class of case that it calls for.
    pub class: &'static str,
    /// When it opened.
    pub at: EventTime,
    /// Whether the office took up a case for it.
    pub taken: bool,
}

/// A class: its code, its part of the work, how often it is left by an average office, hours to handle it, and whether it
/// is hard and counts little.
struct Kind(&'static str, f64, f64, i64, bool, bool);

const KINDS: [Kind; 7] = [
    Kind("0101", 0.12, 0.22, 160, true, false),
    Kind("0102", 0.24, 0.04, 8, false, false),
    Kind("0103", 0.18, 0.15, 48, true, false),
    Kind("0104", 0.20, 0.03, 4, false, false),
    Kind("0107", 0.08, 0.06, 4, false, true),
    Kind("0403", 0.05, 0.10, 24, true, false),
    Kind("0501", 0.13, 0.08, 8, false, true),
];
/// Shares of an average office: what comes back at the same place, is opened again after a closing at the limit, is
/// closed unproven, and is overlooked.
const AGAIN: f64 = 0.05;
const AT_THE_LIMIT: f64 = 0.03;
const UNPROVEN: f64 = 0.06;
const OVERLOOKED: f64 = 0.1;
/// Spread of offices, in log odds: altogether, by class, and in each of the shares above.
const OFFICE_SPREAD: f64 = 0.4;
const CLASS_SPREAD: f64 = 0.15;
const SHARE_SPREAD: f64 = 0.25;
/// Spread of days.
const DAY_SPREAD: f64 = 0.3;

/// The month that is looked at, 2026-06-19 to 2026-07-19 in Beijing; the other is the one before it.
pub const MONTH: (EventTime, EventTime) = (EventTime(1_781_798_400_000), EventTime(1_784_390_400_000));

impl Work {
    /// The cases and incidents.
    pub fn generate(&self) -> (Vec<WorkCase>, Vec<WorkIncident>) {
        let (mut cases, mut incidents) = (Vec::new(), Vec::new());
        for office in 0..OFFICES {
            let mut office = Office::new(self, office);
            for month in [-1, 0] {
                for _ in 0..office.cases {
                    office.case(month, &mut cases);
                }
            }
            (0..office.cases / 2).for_each(|_| incidents.push(office.incident()));
        }
        (cases, incidents)
    }
}

struct Office {
    number: usize,
    bias: Option<Bias>,
    cases: usize,
    city: u64,
    seed: u64,
    thrown: u64,
    /// Log odds added to what an average office leaves.
    slowness: f64,
    by_class: [f64; KINDS.len()],
    again: f64,
    at_the_limit: f64,
    unproven: f64,
    overlooked: f64,
}

impl Office {
    fn new(work: &Work, number: usize) -> Office {
        let mut office = Office {
            number,
            bias: work.bias.filter(|_| number == 0),
            cases: work.first_cases,
            city: throw(name("city of cases"), work.seed),
            seed: throw(name("cases"), throw(work.seed, number as u64)),
            thrown: 0,
            slowness: 0.0,
            by_class: [0.0; KINDS.len()],
            again: 0.0,
            at_the_limit: 0.0,
            unproven: 0.0,
            overlooked: 0.0,
        };
        let size = office.share();
        if number > 0 {
            office.cases = 150 + (size * 250.0) as usize;
        }
        office.slowness = OFFICE_SPREAD * work.spread * office.normal();
        office.by_class = std::array::from_fn(|_| CLASS_SPREAD * work.spread * office.normal());
        let mut spread = |average: f64| shifted(average, SHARE_SPREAD * work.spread * office.normal());
        (office.again, office.at_the_limit, office.unproven, office.overlooked) =
            (spread(AGAIN), spread(AT_THE_LIMIT), spread(UNPROVEN), spread(OVERLOOKED));
        office
    }

    fn case(&mut self, month: i64, cases: &mut Vec<WorkCase>) {
        let kind = self.kind();
        let Kind(class, _, left, hours, is_hard, is_low) = KINDS[kind];
        let length = MONTH.1.0 - MONTH.0.0;
        let handle_by = EventTime(MONTH.0.0 + month * length + (self.share() * length as f64) as i64);
        let limit = Millis(hours * Millis::HOUR.0);
        let dispatched_at = handle_by - limit;
        let reported_at = dispatched_at - Millis::HOUR;
        let close_by = handle_by + limit + Millis::DAY;
        let (seen_by, source) = match self.share() {
            part if part < 0.3 => (SeenBy::Sensor, 0.1),
            part if part < 0.7 => (SeenBy::Citizen, -0.3),
            _ => (SeenBy::Inspector, 0.2),
        };
        // One day is one day for all offices.
        let day = DAY_SPREAD * normal(self.city, (handle_by.0 / Millis::DAY.0) as u64);
        let left = shifted(left, self.slowness + self.by_class[kind] + source + day);
        let skips = match self.bias {
            Some(Bias::SkipsHard) => is_hard,
            Some(Bias::SkipsLowScore) => is_low,
            _ => false,
        };
        let is_left = self.share() < left || (skips && self.share() < 0.5);
        let handled_at = dispatched_at + Millis((self.share() * 0.95 * limit.0 as f64) as i64);
        let at_the_limit = self.does(Bias::ClosesAtTheLimit, self.at_the_limit);
        let time = (close_by - reported_at).0 as f64;
        // Just before the limit is the last tenth.
        let closed_at = if at_the_limit {
            close_by - Millis((0.08 * time * self.share()) as i64)
        } else {
            handled_at + Millis((self.share() * 0.8 * (close_by - handled_at).0 as f64) as i64)
        };
        let reopened = at_the_limit || self.share() < 0.02;
        let proven = !self.does(Bias::ClosesUnproven, self.unproven);
        let comes_again = self.does(Bias::MendsForTheDay, self.again);
        let case = WorkCase {
            office: self.number,
            class,
            seen_by,
            cell: self.throw(),
            reported_at,
            dispatched_at,
            handle_by,
            handled_at: (!is_left).then_some(handled_at),
            close_by,
            closed_at: (!is_left).then_some(closed_at),
            proven,
            reopened_at: (!is_left && reopened).then(|| closed_at + Millis(3 * Millis::DAY.0)),
        };
        if comes_again && !is_left {
            let pause = Millis::DAY.0 + (self.share() * 20.0 * Millis::DAY.0 as f64) as i64;
            let later = Millis(pause + (closed_at - reported_at).0);
            cases.push(WorkCase {
                reported_at: case.reported_at + later,
                dispatched_at: case.dispatched_at + later,
                handle_by: case.handle_by + later,
                handled_at: Some(handled_at + later),
                close_by: case.close_by + later,
                closed_at: Some(closed_at + later),
                reopened_at: None,
                ..case
            });
        }
        cases.push(case);
    }

    fn incident(&mut self) -> WorkIncident {
        let class = KINDS[self.kind()].0;
        let at = EventTime(MONTH.0.0 + (self.share() * (MONTH.1.0 - MONTH.0.0) as f64) as i64);
        let taken = !self.does(Bias::OverlooksSensors, self.overlooked);
        WorkIncident { office: self.number, class, at, taken }
    }

    /// Whether it happens: by chance, or on purpose, then in a third of the cases and more.
    fn does(&mut self, bias: Bias, by_chance: f64) -> bool {
        let on_purpose = if bias == Bias::OverlooksSensors { 0.4 } else { 1.0 / 3.0 };
        let chance = if self.bias == Some(bias) { on_purpose } else { by_chance };
        self.share() < chance
    }

    fn kind(&mut self) -> usize {
        let mut part = self.share();
        for (index, Kind(_, weight, ..)) in KINDS.iter().enumerate() {
            part -= weight;
            if part < 0.0 {
                return index;
            }
        }
        KINDS.len() - 1
    }

    fn throw(&mut self) -> u64 {
        self.thrown += 1;
        throw(self.seed, self.thrown)
    }

    fn share(&mut self) -> f64 {
        share(self.throw())
    }

    fn normal(&mut self) -> f64 {
        normal(self.seed, self.throw())
    }
}

/// A share moved by so much in log odds.
fn shifted(share: f64, by: f64) -> f64 {
    1.0 / (1.0 + ((1.0 - share) / share) * (-by).exp())
}

/// A standard normal number for (whom, what), by the method of Box and Muller (1958).
fn normal(whom: u64, what: u64) -> f64 {
    let (first, second) = (share(throw(whom, what)), share(throw(whom ^ 0x5555, what)));
    (-2.0 * (1.0 - first).ln()).sqrt() * (std::f64::consts::TAU * second).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_city() {
        let city = |seed, bias| Work { seed, bias, first_cases: 200, spread: 1.0 }.generate();
        assert_eq!(city(1, None), city(1, None));
        assert_ne!(city(1, None), city(2, None));
        let (honest, _) = city(3, None);
        let (picking, _) = city(3, Some(Bias::SkipsHard));
        let of = |cases: &[WorkCase], first: bool| {
            cases.iter().filter(|case| (case.office == 0) == first).cloned().collect::<Vec<_>>()
        };
        assert_eq!(of(&honest, false), of(&picking, false), "the others do what they did");
        let due = picking.iter().filter(|case| case.office == 0 && (MONTH.0..MONTH.1).contains(&case.handle_by));
        assert!(due.count() >= 200);
    }

    #[test]
    fn half_of_the_hard_cases_are_skipped() {
        let left = |bias| {
            let (cases, _) = Work { seed: 5, bias, first_cases: 4_000, spread: 1.0 }.generate();
            let hard = KINDS.iter().filter(|kind| kind.4).map(|kind| kind.0).collect::<Vec<_>>();
            let hard: Vec<_> = cases.iter().filter(|case| case.office == 0 && hard.contains(&case.class)).collect();
            hard.iter().filter(|case| case.handled_at.is_none()).count() as f64 / hard.len() as f64
        };
        let (honest, picking) = (left(None), left(Some(Bias::SkipsHard)));
        assert!((picking - (honest + (1.0 - honest) / 2.0)).abs() < 0.04, "{honest} {picking}");
    }
}
