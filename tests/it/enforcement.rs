//! Selective enforcement over many generated cities: how often an honest city is accused, and how often an office that
//! picks is found. The generator knows the truth and nothing of the tests.

use command_center::supervise::{Case, Closing, Dispatch, Formula, Kind, Period, Seen, Source, enforcement};
use model::{AreaLevel, Millis};
use seeds::cases::{Bias, MONTH, SeenBy, Work, WorkCase, WorkIncident};

/// Cities without bias.
const HONEST_CITIES: u64 = 500;
/// Cities with one office that picks, for each way of picking.
const PICKING_CITIES: u64 = 100;
/// Cases of that office in the month.
const CASES: usize = 200;
/// So many that 200 of them and more are hard.
const CASES_WITH_200_HARD: usize = 600;

fn office(number: usize) -> String {
    format!("district-management-1101{number:02}")
}

fn case((index, work): (usize, &WorkCase)) -> Case {
    let source = match work.seen_by {
        SeenBy::Sensor => Source::Sensor,
        SeenBy::Citizen => Source::Citizen,
        SeenBy::Inspector => Source::Inspector,
    };
    let dispatch = Dispatch {
        unit: office(work.office),
        at: work.dispatched_at,
        due_at: Some(work.handle_by),
        returned_at: None,
        wrong: false,
        handled_at: work.handled_at,
        worked: Millis(work.handled_at.map_or(0, |at| (at - work.dispatched_at).0)),
    };
    Case {
        id: index.to_string(),
        class: work.class.to_owned(),
        source,
        district: String::new(),
        subdistrict: String::new(),
        cell: work.cell.to_string(),
        level: AreaLevel::District,
        reported_at: work.reported_at,
        registered_at: Some(work.reported_at),
        due_at: Some(work.close_by),
        dispatches: vec![dispatch],
        checks: Vec::new(),
        closed: work.closed_at.map(|at| (at, if work.proven { Closing::Checked } else { Closing::Unproven })),
        void_at: None,
        reopened_at: work.reopened_at.into_iter().collect(),
    }
}

fn seen((index, work): (usize, &WorkIncident)) -> Seen {
    Seen {
        incident: index.to_string(),
        class: work.class.to_owned(),
        unit: office(work.office),
        at: work.at,
        taken: work.taken,
    }
}

/// What is found in the city of a seed: which question, of which office.
fn found(seed: u64, bias: Option<Bias>, first_cases: usize, formula: &Formula) -> Vec<(Kind, String)> {
    let (cases, incidents) = Work { seed, bias, first_cases }.generate();
    let cases: Vec<Case> = cases.iter().enumerate().map(case).collect();
    let seen: Vec<Seen> = incidents.iter().enumerate().map(seen).collect();
    let period = Period { from: MONTH.0, until: MONTH.1 };
    let outcome = enforcement(&cases, &seen, period, formula);
    assert!(outcome.tests >= 40, "twelve offices and six questions make {} tests", outcome.tests);
    outcome.findings.into_iter().map(|finding| (finding.kind, finding.unit)).collect()
}

/// The goal is 25 of 500. It is missed: 31 are measured, and docs/supervise.md says so; this may not get worse.
#[test]
fn honest_cities_are_accused_no_more_often_than_is_written() {
    let formula = Formula::seeded();
    let accused: Vec<(u64, Vec<(Kind, String)>)> = (0..HONEST_CITIES)
        .map(|seed| (seed, found(seed, None, CASES, &formula)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    println!("{} of {HONEST_CITIES} honest cities have a finding: {accused:?}", accused.len());
    assert!(accused.len() <= 31, "{} of {HONEST_CITIES}: {accused:?}", accused.len());
}

/// The goal is 90 of 100, which skipping hard cases misses with 88; docs/supervise.md says so, and it may not get worse.
#[test]
fn an_office_that_picks_is_found_as_often_as_is_written() {
    let formula = Formula::seeded();
    for (bias, kind, cases) in [
        (Bias::SkipsHard, Kind::HardLeft, CASES_WITH_200_HARD),
        (Bias::SkipsLowScore, Kind::LowScoreLeft, CASES),
        (Bias::MendsForTheDay, Kind::Repeats, CASES),
        (Bias::ClosesAtTheLimit, Kind::AtTheLimit, CASES),
        (Bias::ClosesUnproven, Kind::Unproven, CASES),
        (Bias::OverlooksSensors, Kind::Unseen, CASES),
    ] {
        // Not the seeds of the honest cities.
        let cities = 10_000..10_000 + PICKING_CITIES;
        let all: Vec<_> = cities.map(|seed| found(seed, Some(bias), cases, &formula)).collect();
        let hits = all.iter().filter(|found| found.contains(&(kind, office(0)))).count();
        let others = all.iter().filter(|found| found.iter().any(|(_, unit)| *unit != office(0))).count();
        println!(
            "{bias:?}, {cases} cases: found in {hits} of {PICKING_CITIES} cities; another office accused in {others}"
        );
        let least = if bias == Bias::SkipsHard { 88 } else { 90 };
        assert!(hits >= least, "{bias:?} is found in {hits} of {PICKING_CITIES}");
    }
}

/// A third as many hard cases tell less: what is measured here stands in docs/supervise.md, and may not get worse.
#[test]
fn with_70_hard_cases_it_is_still_found_more_often_than_not() {
    let formula = Formula::seeded();
    let hits = (10_000..10_000 + PICKING_CITIES)
        .filter(|seed| found(*seed, Some(Bias::SkipsHard), CASES, &formula).contains(&(Kind::HardLeft, office(0))))
        .count();
    println!("SkipsHard, {CASES} cases: found in {hits} of {PICKING_CITIES} cities");
    assert!(hits as u64 * 2 > PICKING_CITIES, "{hits}");
}
