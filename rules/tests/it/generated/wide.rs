//! Whole cities over random logs, with wide rules and incidents about incidents of several partitions: the evaluators
//! agree, however the partitions interleave, and also when state is saved and taken up again.

use super::case::Case;
use super::random::Random;
use super::{seeds, shrink, try_all};
use crate::text;
use model::{AttrValue, Entry, EventTime, Millis, Offset, PARTITIONS, Partition, Transition, TransitionKind};
use rules::ast::{Condition, Each, Near};
use rules::engine::{CityEngine, CityRelations, Engine, Outlet, Program, Watermark, WideRules};
use rules::naive::NaiveCity;
use rules::{CityRules, PartitionRules};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One case in so many of those that local rules are tried on.
const ONE_IN: u64 = 3;

/// One in so many of these is also run in parts that are saved and taken up again, with its partitions in another order.
const RESTORED: u64 = 2;
const SHUFFLED: u64 = 2;

#[test]
fn wide_rules_are_evaluated_as_the_naive_evaluator_does() {
    let seeds: Vec<u64> = seeds().into_iter().filter(|seed| seed % ONE_IN == 0).collect();
    let tried = try_all(&seeds, |seed| {
        let case = widened(Case::generate(seed))?;
        let found = match catch_unwind(AssertUnwindSafe(|| compare(&case))) {
            Ok(Ok(found)) => found,
            _ => return Some(Err(case)),
        };
        let any = |what: &dyn Fn(&Transition) -> bool| u64::from(found.iter().any(what));
        let is_mark = |one: &Transition| {
            let marks = one.transition == TransitionKind::Updated && !one.inhibited_by.is_empty();
            marks && one.evidence.is_empty() && Transition::may_be_mark(one.revision)
        };
        let opened = any(&|one| is_wide(&case, one));
        Some(Ok([1, opened, any(&is_mark), any(&|one| is_wide(&case, one) && !one.members.is_empty())]))
    });
    let mut sums = [0; 4];
    for one in tried.into_iter().flatten() {
        let one = one.unwrap_or_else(|case| report(case));
        sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
    }
    println!("cases, with wide incidents, with marks, with wide correlations: {sums:?}");
    // Enough cases do something, so that agreeing means something.
    let least = |count: u64, percent: u64| count * 100 >= sums[0] * percent;
    assert!(least(sums[1], 35) && least(sums[2], 5) && least(sums[3], 3), "{sums:?}");
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
    for rule in &mut case.rules {
        let Condition::Correlate(correlate) = &rule.condition else { continue };
        any |= correlate.near != Near::Same(Each::Cell) && correlate.near != Near::Same(Each::Subdistrict);
        if random.percent(40) {
            let rule = Arc::make_mut(rule);
            if rule.relations.max_open.is_none() {
                rule.each = random.pick(&[Each::District, Each::City, Each::Attr("kind".into()), rule.each.clone()]);
            }
            if let Condition::Correlate(correlate) = &mut rule.condition
                && random.percent(50)
            {
                correlate.near = random.pick(&[Near::Same(Each::District), Near::Metres(800.0), Near::Pipe]);
            }
            any = true;
        }
    }
    let local: Vec<String> = case.rules.iter().filter(|rule| !rule.is_wide()).map(|rule| rule.id.clone()).collect();
    for rule in case.rules.iter_mut().filter(|rule| rule.is_wide()) {
        for id in local.iter().filter(|_| random.percent(50)) {
            let inhibits = &mut Arc::make_mut(rule).relations.inhibits;
            if !inhibits.contains(id) {
                inhibits.push(id.clone());
            }
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
    if random.percent(40) && !case.log.is_empty() {
        let place = random.below(case.log.len());
        let largest = case.log[..=place].iter().map(|(_, entry)| time(entry)).max()?;
        let rests = (0..PARTITIONS).map(|partition| (partition, Entry::Rest(largest)));
        case.log.splice(place..place, rests);
    }
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
    let beyond = |condition: &Condition| match condition {
        Condition::Correlate(correlate) => !matches!(correlate.near, Near::Same(Each::Cell | Each::Subdistrict)),
        _ => false,
    };
    case.rules.iter().any(|rule| rule.id == transition.rule && (rule.is_wide() || beyond(&rule.condition)))
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

/// The production evaluators as the stream has them: each part is behind now and then, saved and taken up again.
struct Restored {
    local: Arc<Program>,
    wide: Arc<Program>,
    partitions: Vec<(Engine, Outlet)>,
    shards: Vec<(WideRules, Watermark)>,
    relations: CityRelations,
    random: Random,
}

impl Restored {
    fn new(case: &Case) -> Restored {
        let city = case.city();
        let local = Program::compile(city.rules.clone(), city.registry.clone(), city.settings.clone());
        let wide = Program::compile_wide(city.rules, city.registry, city.settings);
        let (local, wide) = (Arc::new(local), Arc::new(wide));
        let shard = |shard| (WideRules::new(wide.clone(), shard), Watermark::default());
        Restored {
            partitions: (0..PARTITIONS).map(|one| (Engine::new(local.clone(), one), Outlet::new(one))).collect(),
            shards: (0..WideRules::SHARDS).map(shard).collect(),
            relations: CityRelations::new(wide.clone()),
            local,
            wide,
            random: Random::new(case.seed),
        }
    }

    fn save_and_restore(&mut self, partition: Partition) {
        let shard = self.random.below(self.shards.len());
        let (engine, outlet) = &mut self.partitions[partition as usize];
        let (rules, watermark) = &mut self.shards[shard];
        let states = |engine: &Engine, rules: &WideRules, relations: &CityRelations| {
            let mut saved = [Vec::new(), Vec::new(), Vec::new()];
            engine.snapshot(&mut saved[0]);
            rules.snapshot(&mut saved[1]);
            relations.snapshot(&mut saved[2]);
            saved
        };
        let saved = states(engine, rules, &self.relations);
        *engine = Engine::restore(self.local.clone(), partition, &saved[0]).expect("it was just saved");
        *rules = WideRules::restore(self.wide.clone(), shard as Partition, &saved[1]).expect("it was just saved");
        self.relations = CityRelations::restore(self.wide.clone(), &saved[2]).expect("it was just saved");
        *outlet = Outlet::resumed(partition, outlet.clock(), outlet.progress());
        *watermark = serde_json::from_str(&serde_json::to_string(watermark).unwrap()).unwrap();
        let again = states(engine, rules, &self.relations);
        assert!(saved == again, "the state that was taken up is not the one that was saved");
    }
}

impl CityRules for Restored {
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let (engine, outlet) = &mut self.partitions[partition as usize];
        let (from, before) = (out.len(), outlet.progress());
        engine.apply(offset, entry, out);
        for told in &out[from..] {
            if let Some(at) = self.wide.turn_of(told, before) {
                self.relations.take(at, told.clone());
            }
        }
        let mut shown = Vec::new();
        outlet.apply(&self.wide, offset, entry, &mut shown);
        let (progress, rests) = (outlet.progress(), outlet.take_rests());
        let mut found = Vec::new();
        for (shard, (rules, watermark)) in self.shards.iter_mut().enumerate() {
            watermark.tell(partition as usize, progress, &rests, 0);
            for shown in shown.iter().filter(|shown| shown.shards & (1 << shard) != 0) {
                rules.take(shown.clone());
            }
            // How often it goes on is no part of the meaning.
            while self.random.percent(60) || matches!(entry, Entry::Rest(_)) {
                let point = watermark.next(|_| None);
                rules.advance(point, &mut found);
                if !point.rests {
                    break;
                }
            }
        }
        found.into_iter().for_each(|(at, one)| self.relations.take(at, one));
        let below = self.shards.iter().map(|(rules, _)| rules.progress().below).min();
        if self.random.percent(60) || matches!(entry, Entry::Rest(_)) {
            self.relations.advance(below.expect("there are shards"), out);
        }
        if self.random.percent(5) {
            self.save_and_restore(partition);
        }
    }

    fn forget(&mut self, _: &str, _: &str, _: EventTime, _: &mut Vec<Transition>) -> bool {
        false
    }
}

/// How the evaluators differ on a case, if they do.
fn difference(case: &Case) -> Option<String> {
    let compared = catch_unwind(AssertUnwindSafe(|| compare(case)));
    compared.unwrap_or_else(|_| Err("an evaluator panics".to_owned())).err()
}

/// What the naive evaluator finds, if the others find the same.
fn compare(case: &Case) -> Result<Vec<Transition>, String> {
    let city = case.city();
    let expected = run(case, &mut naive(case));
    let engine = run(case, &mut CityEngine::new(&city.rules, &city.registry, &city.settings));
    let all = in_order(expected.clone());
    let restored = || {
        let restored = in_order(run(case, &mut Restored::new(case)));
        let rests = matches!(case.log.last(), Some((_, Entry::Rest(_))));
        // Without a rest at the end it may not have gone on as far.
        let same = if rests { all == restored } else { restored.iter().all(|one| all.contains(one)) };
        (!same).then(|| first_difference("naive", &all, "restored", &restored)).flatten()
    };
    let shuffled = || {
        let shuffled = case.shuffled(&mut Random::new(case.seed));
        first_difference("in order", &all, "shuffled", &in_order(run(&shuffled, &mut naive(case))))
    };
    let turn = case.seed / ONE_IN;
    let difference = first_difference("naive", &expected, "engine", &engine)
        .or_else(|| turn.is_multiple_of(RESTORED).then(restored).flatten())
        .or_else(|| (turn % SHUFFLED == 1).then(shuffled).flatten());
    difference.map_or(Ok(expected), Err)
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
