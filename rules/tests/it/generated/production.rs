//! The production evaluator does as the naive one, also when its state is saved and taken up again.

use super::case::{Case, Outcome};
use super::random::Random;
use super::{Coverage, run_naive, seeds, shrink, try_all};
use crate::text;
use model::{Entry, EventTime, Millis, Offset, Partition, Transition};
use rules::PartitionRules;
use rules::engine::{Engine, Program};
use rules::naive::Naive;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A production evaluator whose state is saved and taken up again now and then.
struct Restored {
    engine: Engine,
    program: Arc<Program>,
    partition: Partition,
    random: Random,
}

impl PartitionRules for Restored {
    fn apply(&mut self, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        if self.random.percent(10) {
            let mut saved = Vec::new();
            self.engine.snapshot(&mut saved);
            self.engine = Engine::restore(self.program.clone(), self.partition, &saved).expect("it was just saved");
            let mut again = Vec::new();
            self.engine.snapshot(&mut again);
            assert!(saved == again, "the state that was taken up is not the one that was saved");
        }
        self.engine.apply(offset, entry, out);
    }
}

/// An evaluator that is told now and then, as tests of rules do, that a metric counts no longer.
struct Forgetting<R> {
    inner: R,
    random: Random,
    largest: EventTime,
}

impl<R: PartitionRules> PartitionRules for Forgetting<R> {
    fn apply(&mut self, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        self.inner.apply(offset, entry, out);
        if let Entry::Tick(time) = entry {
            self.largest = self.largest.max(*time);
        }
        let Entry::Reading(reading) = entry else { return };
        self.largest = self.largest.max(reading.time);
        if self.random.percent(15) {
            let metric = reading.values[self.random.below(reading.values.len())].0.as_ref();
            let time = self.largest + Millis(self.random.pick(&[0, 0, 1_000, 5_000, 10_000]));
            assert!(self.inner.forget(&reading.sensor, metric, time, out));
        }
    }
}

/// One case in so many is also run with metrics forgotten, with its state saved and taken up again, all at once, with its
/// partitions in another order.
const FORGETTING: u64 = 8;
const RESTORED: u64 = 4;
const AT_ONCE: u64 = 4;
const SHUFFLED: u64 = 8;

fn forgetting(case: &Case) -> Option<String> {
    let city = case.city();
    let program = Arc::new(Program::compile(city.rules.clone(), city.registry.clone(), city.settings.clone()));
    let random = |partition: Partition| Random::new(case.seed ^ (u64::from(partition) << 32));
    let (naive, _) = case.run(|partition| {
        let inner = Naive::new(&city.rules, city.registry.clone(), city.settings.clone(), partition);
        Forgetting { inner, random: random(partition), largest: EventTime::MIN }
    });
    let (engine, _) = case.run(|partition| Forgetting {
        inner: Engine::new(program.clone(), partition),
        random: random(partition),
        largest: EventTime::MIN,
    });
    first_difference("naive, forgetting", &naive, "engine, forgetting", &engine)
}

#[test]
fn the_production_evaluator_does_as_the_naive_one() {
    let tried = try_all(&seeds(), |seed| {
        let case = Case::generate(seed);
        let compared = catch_unwind(AssertUnwindSafe(|| compare(&case)));
        compared
            .unwrap_or_else(|_| Err(String::new()))
            .map(|outcome| Coverage::of(&case, &outcome))
            .map_err(|_| Box::new(case))
    });
    let mut coverage = Coverage::default();
    for one in tried {
        coverage = coverage.plus(&one.unwrap_or_else(|case| report(*case)));
    }
    println!("{coverage:?}");
    coverage.assert_enough();
}

/// How the evaluators differ on a case, if they do.
fn difference(case: &Case) -> Option<String> {
    let compared = catch_unwind(AssertUnwindSafe(|| compare(case)));
    compared.unwrap_or_else(|_| Err("the production evaluator panics".to_owned())).err()
}

/// What the naive evaluator finds, if the production evaluator finds the same.
fn compare(case: &Case) -> Result<Outcome, String> {
    let city = case.city();
    let program = Arc::new(Program::compile(city.rules, city.registry, city.settings));
    let (expected, naives) = run_naive(case);
    let (engine, engines) = case.run(|partition| Engine::new(program.clone(), partition));
    let is_turn = |one_in: u64, place: u64| case.seed % one_in == place;
    let restored = || {
        let (restored, _) = case.run(|partition| Restored {
            engine: Engine::new(program.clone(), partition),
            program: program.clone(),
            partition,
            random: Random::new(case.seed),
        });
        first_difference("engine", &engine, "restored", &restored)
    };
    let difference = first_difference("naive", &expected, "engine", &engine)
        .or_else(|| is_turn(FORGETTING, 0).then(|| forgetting(case)).flatten())
        .or_else(|| is_turn(RESTORED, 1).then(restored).flatten())
        .or_else(|| is_turn(AT_ONCE, 2).then(|| at_once(case, &program, &engine)).flatten())
        .or_else(|| is_turn(SHUFFLED, 3).then(|| shuffled(case, &expected)).flatten())
        .or_else(|| {
            let naive = naives.iter().map(|naive| (naive.counters().unregistered, naive.counters().late));
            let counted = engines.iter().map(|engine| (engine.counters().unregistered, engine.counters().late));
            (!naive.eq(counted)).then(|| "they count unregistered or late readings differently".to_owned())
        })
        .or_else(|| {
            let told: usize = engine.iter().map(Vec::len).sum();
            let counted: u64 = engines.iter().map(|engine| engine.counters().transitions).sum();
            (told as u64 != counted).then(|| format!("{told} transitions, counted {counted}"))
        });
    difference.map_or(Ok(expected), Err)
}

/// How it differs if the partitions come in another order.
fn shuffled(case: &Case, expected: &Outcome) -> Option<String> {
    let shuffled = case.shuffled(&mut Random::new(case.seed));
    let by_partition = shuffled.by_partition(run_naive(&shuffled).0);
    (case.by_partition(expected.clone()) != by_partition).then(|| "partitions touch each other".to_owned())
}

/// How it differs if each partition's whole log is applied at once.
fn at_once(case: &Case, program: &Arc<Program>, engine: &Outcome) -> Option<String> {
    let mut logs: BTreeMap<Partition, Vec<(Offset, Entry<'static>)>> = BTreeMap::new();
    for (partition, entry) in &case.log {
        let log = logs.entry(*partition).or_default();
        log.push((log.len() as Offset, entry.clone()));
    }
    case.by_partition(engine.clone()).iter().find_map(|(partition, expected)| {
        let mut out = Vec::new();
        Engine::new(program.clone(), *partition).apply_all(&logs[partition], &mut out);
        first_difference("engine", &vec![expected.concat()], "engine, at once", &vec![out])
    })
}

fn first_difference(a_name: &str, a: &Outcome, b_name: &str, b: &Outcome) -> Option<String> {
    let index = a.iter().zip(b).position(|(a, b)| a != b)?;
    Some(format!("after [{index}]\n  {a_name}:{}\n  {b_name}:{}", lines(&a[index]), lines(&b[index])))
}

fn lines(transitions: &[Transition]) -> String {
    let line = |one: &Transition| format!("\n    {}\n      {one:?}", text::transition(one));
    transitions.iter().map(line).collect()
}

/// Panics with the case as small as it gets.
fn report(case: Case) -> ! {
    let seed = case.seed;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let smallest = shrink::shrink(case, &|case| difference(case).is_some());
    std::panic::set_hook(hook);
    let how = difference(&smallest).unwrap_or_default();
    panic!("CITYWATCH_SEED={seed} fails; as small as it gets:\n{}\n{how}", smallest.describe());
}
