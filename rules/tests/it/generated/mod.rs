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
use rules::naive::Naive;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many fresh cases are tried in each run.
const CASES: u64 = 100_000;
/// Seeds that a thread takes at once.
const AT_ONCE: usize = 64;

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

/// Tries all seeds on as many threads as there are processors; gives what came of each, in their order.
fn try_all<T: Send>(seeds: &[u64], try_one: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(AT_ONCE, Ordering::Relaxed);
            if from >= seeds.len() {
                return done;
            }
            let chunk = &seeds[from..seeds.len().min(from + AT_ONCE)];
            done.push((from, chunk.iter().map(|seed| try_one(*seed)).collect::<Vec<T>>()));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut done: Vec<(usize, Vec<T>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a failed case is told, not a panic")).collect()
    });
    done.sort_by_key(|(from, _)| *from);
    done.into_iter().flat_map(|(_, found)| found).collect()
}

/// In how many cases something happened at all.
#[derive(Debug, Default)]
struct Coverage {
    cases: u64,
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
    fn of(case: &Case, outcome: &Outcome) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.count(case, outcome);
        coverage
    }

    fn plus(self, other: &Coverage) -> Coverage {
        Coverage {
            cases: self.cases + other.cases,
            opened: self.opened + other.opened,
            cleared: self.cleared + other.cleared,
            escalated: self.escalated + other.escalated,
            deescalated: self.deescalated + other.deescalated,
            stale: self.stale + other.stale,
            worse: self.worse + other.worse,
            area: self.area + other.area,
            inhibited: self.inhibited + other.inhibited,
            correlated: self.correlated + other.correlated,
            storm: self.storm + other.storm,
        }
    }

    fn count(&mut self, case: &Case, outcome: &Outcome) {
        let all = || outcome.iter().flatten();
        self.cases += 1;
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
    fn assert_enough(&self) {
        let least = |count: u64, percent: u64| count * 100 >= self.cases * percent;
        assert!(least(self.opened, 70), "{self:?}");
        assert!(least(self.cleared, 40), "{self:?}");
        assert!(least(self.escalated, 17), "{self:?}");
        assert!(least(self.deescalated, 12), "{self:?}");
        assert!(least(self.stale, 40), "{self:?}");
        assert!(least(self.area, 40), "{self:?}");
        assert!(least(self.worse, 6), "{self:?}");
        assert!(least(self.inhibited, 8), "{self:?}");
        assert!(least(self.correlated, 4), "{self:?}");
        assert!(least(self.storm, 2), "{self:?}");
    }
}
