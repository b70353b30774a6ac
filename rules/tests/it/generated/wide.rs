//! Wide rules over random logs: the evaluators agree, however the partitions interleave, and also when the state of a
//! shard is saved and taken up again.

use super::case::Case;
use super::random::Random;
use super::{seeds, shrink};
use crate::text;
use model::{AttrValue, Entry, EventTime, Millis, Offset, PARTITIONS, Partition, Transition};
use rules::CityRules;
use rules::ast::{Condition, Each};
use rules::engine::{CityEngine, Outlet, Program, Progress, WideRules};
use rules::naive::NaiveCity;
use std::sync::Arc;

/// One case in so many of those that local rules are tried on.
const ONE_IN: u64 = 3;

#[test]
fn wide_rules_are_evaluated_as_the_naive_evaluator_does() {
    let (mut opened, mut tried) = (0, 0);
    for seed in seeds().into_iter().filter(|seed| seed % ONE_IN == 0) {
        let Some(case) = widened(Case::generate(seed)) else { continue };
        tried += 1;
        opened += u64::from(run(&case, &mut naive(&case)).iter().any(|one| is_wide(&case, one)));
        if difference(&case).is_some() {
            report(case);
        }
    }
    // Most cases do something, so that agreeing means something.
    assert!(opened * 100 >= tried * 35, "{opened} of {tried}");
}

/// The case with its area rules over wider areas, and sensors in districts.
fn widened(mut case: Case) -> Option<Case> {
    let random = &mut Random::new(case.seed ^ 0xd15);
    let mut any = false;
    for rule in &mut case.rules {
        if matches!(rule.each, Each::Cell | Each::Subdistrict) && matches!(rule.condition, Condition::Levels(_)) {
            let attr = |name: &str| Each::Attr(name.into());
            let wide = [Each::District, Each::District, Each::City, attr("kind"), attr("paved"), attr("depth_m")];
            Arc::make_mut(rule).each = random.pick(&wide);
            any = true;
        }
    }
    for sensor in &mut case.sensors {
        sensor.district = random.pick(&["D1", "D1", "D2", ""]).to_owned();
        if random.percent(30) {
            sensor.attr.insert("kind".to_owned(), AttrValue::Text("b".to_owned()));
        }
    }
    let lateness = [0, 1, 1_000, 5_000, 10_000, 10_000];
    case.settings.wide_lateness = Millis(random.pick(&lateness));
    if random.percent(80) {
        let largest = case.log.iter().map(|(_, entry)| time(entry)).max()?;
        case.log.extend((0..PARTITIONS).map(|partition| (partition, Entry::Rest(largest))));
    }
    any.then_some(case)
}

fn time(entry: &Entry<'_>) -> EventTime {
    match entry {
        Entry::Reading(reading) => reading.time,
        Entry::Tick(time) | Entry::Rest(time) => *time,
        Entry::Marker(marker) => marker.time,
    }
}

fn is_wide(case: &Case, transition: &Transition) -> bool {
    case.rules.iter().any(|rule| rule.id == transition.rule && rule.is_wide())
}

fn naive(case: &Case) -> NaiveCity {
    let city = case.city();
    NaiveCity::new(&city.rules, &city.registry, &city.settings)
}

/// All transitions, entry by entry; those of one entry in the order of a file, for shards have none among them.
fn run(case: &Case, city: &mut dyn CityRules) -> Vec<Transition> {
    let mut offsets = [0; PARTITIONS as usize];
    let mut all = Vec::new();
    for (partition, entry) in &case.log {
        let mut out = Vec::new();
        city.apply(*partition, offsets[*partition as usize], entry, &mut out);
        offsets[*partition as usize] += 1;
        out.sort_by_key(Transition::file_order);
        all.extend(out);
    }
    all
}

/// The production evaluator of wide rules alone, with shards that are saved and taken up again now and then.
struct Restored {
    wide: Arc<Program>,
    outlets: Vec<Outlet>,
    shards: Vec<WideRules>,
    random: Random,
}

impl CityRules for Restored {
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let mut shown = Vec::new();
        let outlet = &mut self.outlets[partition as usize];
        outlet.apply(&self.wide, offset, entry, &mut shown);
        *outlet = Outlet::resumed(partition, outlet.clock(), outlet.progress());
        let progress = self.outlets.iter().map(Outlet::progress).reduce(Progress::min).expect("there are some");
        for (shard, rules) in self.shards.iter_mut().enumerate() {
            for shown in shown.iter().filter(|shown| shown.shards & (1 << shard) != 0) {
                rules.take(shown.clone());
            }
            // How often it goes on is no part of the meaning.
            if self.random.percent(60) || matches!(entry, Entry::Rest(_)) {
                rules.advance(progress, out);
            }
            if self.random.percent(3) {
                let mut saved = Vec::new();
                rules.snapshot(&mut saved);
                *rules = WideRules::restore(self.wide.clone(), shard as Partition, &saved).expect("it was just saved");
                let mut again = Vec::new();
                rules.snapshot(&mut again);
                assert!(saved == again, "the state that was taken up is not the one that was saved");
            }
        }
    }

    fn forget(&mut self, _: &str, _: &str, _: EventTime, _: &mut Vec<Transition>) -> bool {
        false
    }
}

fn difference(case: &Case) -> Option<String> {
    let city = case.city();
    let expected = run(case, &mut naive(case));
    let engine = run(case, &mut CityEngine::new(&city.rules, &city.registry, &city.settings));
    let wide: Vec<Transition> = in_order(expected.iter().filter(|one| is_wide(case, one)).cloned().collect());
    let program = Program::compile_wide(city.rules.clone(), city.registry.clone(), city.settings);
    let program = Arc::new(program);
    let mut restored = Restored {
        outlets: (0..PARTITIONS).map(Outlet::new).collect(),
        shards: (0..WideRules::SHARDS).map(|shard| WideRules::new(program.clone(), shard)).collect(),
        wide: program,
        random: Random::new(case.seed),
    };
    let rests = case.log.iter().any(|(_, entry)| matches!(entry, Entry::Rest(_)));
    let restored = in_order(run(case, &mut restored));
    // Without a rest at the end it may not have gone on as far.
    let same = if rests { wide == restored } else { restored.iter().all(|one| wide.contains(one)) };
    let random = &mut Random::new(case.seed);
    let shuffled = in_order(run(&case.shuffled(random), &mut naive(case)));
    first_difference("naive", &expected, "engine", &engine)
        .or_else(|| (!same).then(|| first_difference("naive", &wide, "restored", &restored)).flatten())
        .or_else(|| first_difference("in order", &in_order(expected.clone()), "shuffled", &shuffled))
}

fn in_order(mut transitions: Vec<Transition>) -> Vec<Transition> {
    transitions.sort_by_key(Transition::file_order);
    transitions
}

fn first_difference(a_name: &str, a: &[Transition], b_name: &str, b: &[Transition]) -> Option<String> {
    let index = (0..a.len().max(b.len())).find(|&index| a.get(index) != b.get(index))?;
    let show = |one: Option<&Transition>| {
        one.map_or_else(|| "nothing".to_owned(), |one| format!("{} {one:?}", text::transition(one)))
    };
    Some(format!("transition {index}\n  {a_name}: {}\n  {b_name}: {}", show(a.get(index)), show(b.get(index))))
}

fn report(case: Case) -> ! {
    let seed = case.seed;
    let smallest = shrink::shrink(case, &|case| difference(case).is_some());
    let how = difference(&smallest).unwrap_or_default();
    panic!("CITYWATCH_SEED={seed} fails; as small as it gets:\n{}\n{how}", smallest.describe());
}
