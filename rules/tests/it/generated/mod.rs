//! Random rules over random logs: evaluators must agree.
//!
//! `CITYWATCH_SEED=n` runs one case only, `CITYWATCH_CASES=n` another number of them. A failing case is made smaller
//! and printed; its seed belongs into `kept-seeds.txt`.

mod case;
mod expression;
mod log;
mod production;
mod random;
mod relations;
mod shrink;
mod wide;
mod world;

use case::{Case, Outcome};
use model::TransitionKind;
use random::Random;
use rules::naive::Naive;

/// So many fresh cases are tried in each run.
const CASES: u64 = 20_000;

/// The cases to try: those that once failed, then fresh ones; or the one that is asked for.
fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let kept = include_str!("kept-seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let kept = kept.map(|line| line.trim().parse::<u64>().expect("a number a line"));
    match number("CITYWATCH_SEED") {
        Some(only) => vec![only],
        None => kept.chain(0..number("CITYWATCH_CASES").unwrap_or(CASES)).collect(),
    }
}

fn run_naive(case: &Case) -> (Outcome, Vec<Naive>) {
    let city = case.city();
    case.run(|partition| Naive::new(&city.rules, city.registry.clone(), city.settings.clone(), partition))
}

#[test]
fn the_cases_do_something_and_partitions_do_not_touch_each_other() {
    let mut coverage = Coverage::default();
    let seeds = seeds();
    for seed in &seeds {
        let case = Case::generate(*seed);
        let (outcome, _) = run_naive(&case);
        coverage.count(&case, &outcome);
        let shuffled = case.shuffled(&mut Random::new(*seed));
        let by_partition = shuffled.by_partition(run_naive(&shuffled).0);
        assert!(case.by_partition(outcome) == by_partition, "CITYWATCH_SEED={seed}");
    }
    println!("{coverage:?} of {} cases", seeds.len());
    coverage.assert_enough(seeds.len() as u64);
}

/// In how many cases something happened at all.
#[derive(Debug, Default)]
struct Coverage {
    opened: u64,
    cleared: u64,
    escalated: u64,
    deescalated: u64,
    stale: u64,
    worse: u64,
    area: u64,
    inhibited: u64,
    correlated: u64,
    storm: u64,
}

impl Coverage {
    fn count(&mut self, case: &Case, outcome: &Outcome) {
        let all = || outcome.iter().flatten();
        let any = |kind| u64::from(all().any(|transition| transition.transition == kind));
        self.opened += any(TransitionKind::Opened);
        self.cleared += any(TransitionKind::Cleared);
        self.escalated += any(TransitionKind::Escalated);
        self.deescalated += any(TransitionKind::Deescalated);
        let updated = || all().filter(|transition| transition.transition == TransitionKind::Updated);
        self.stale += u64::from(updated().any(|transition| transition.stale.is_some()));
        self.worse +=
            u64::from(updated().any(|transition| transition.stale.is_none() && !transition.evidence.is_empty()));
        self.inhibited += u64::from(all().any(|transition| !transition.inhibited_by.is_empty()));
        self.correlated += u64::from(all().any(|transition| !transition.members.is_empty()));
        self.storm += u64::from(all().any(|transition| transition.storm.is_some()));
        self.area += u64::from(all().any(|transition| case.sensors.iter().all(|sensor| sensor.id != transition.key)));
    }

    /// Most cases do something, so that agreeing means something.
    fn assert_enough(&self, cases: u64) {
        let least = |count: u64, percent: u64| count * 100 >= cases * percent;
        assert!(least(self.opened, 70), "{self:?}");
        assert!(least(self.cleared, 40), "{self:?}");
        assert!(least(self.escalated, 17), "{self:?}");
        assert!(least(self.deescalated, 12), "{self:?}");
        assert!(least(self.stale, 40), "{self:?}");
        assert!(least(self.area, 40), "{self:?}");
        assert!(least(self.worse, 6), "{self:?}");
        assert!(least(self.inhibited, 10), "{self:?}");
        assert!(least(self.correlated, 5), "{self:?}");
        assert!(least(self.storm, 3), "{self:?}");
    }
}
