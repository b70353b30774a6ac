//! P2 and P3: the evaluator alone inside timely, on one core: nanoseconds a reading.
//!
//! Readings stand in memory, in a shuffled order of sensors, and go through a timely operator in batches; parsing and
//! the log are not in it. Each figure is the CPU time of the thread, the median of the runs, which take turns; wall
//! time stands beside it, and says how busy the machine was.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use model::{Entry, EventTime, Metrics, Millis, Reading, Registry, Sensor};
use rules::ast::RuleSet;
use rules::check::Known;
use rules::engine::{Engine, Program};
use std::sync::Arc;
use std::time::{Duration, Instant};
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Input;
use timely::dataflow::operators::generic::operator::Operator;

#[path = "../../benches/goal.rs"]
mod goal;

const RUNS: usize = 3;
const BATCH: usize = 4_096;
/// Readings of one run at least; every sensor sends at least three.
const READINGS: usize = 2_000_000;

fn main() {
    goal::head("P2", "the evaluator inside timely, one core", "40 / 120 / 250 ns a reading with 1 hold rule");
    println!("CPU ns a reading (median of {RUNS}, lowest–highest), then wall ns");
    println!("{:>10} {:>22} {:>22} {:>22}", "sensors", "1 hold rule", "5 matching", "17 matching");
    for sensors in [1_000, 100_000, 1_000_000] {
        let registry = registry(sensors);
        let programs: Vec<Arc<Program>> =
            [0, 4, 16].map(|more| program(&registry, &(hold(0) + &(1..=more).map(hold).collect::<String>()))).into();
        let figures: Vec<String> = measure(&registry, &programs).iter().map(|runs| show(runs)).collect();
        println!("{sensors:>10} {:>22} {:>22} {:>22}", figures[0], figures[1], figures[2]);
    }
    goal::head("P3", "rules that do not match, 100,000 sensors, 1 hold rule", "at most +5 % a reading");
    println!("rules, CPU ns a reading (median of {RUNS}, lowest–highest), then wall ns");
    let registry = registry(100_000);
    let counts = [0, 10, 10_000];
    let programs: Vec<Arc<Program>> =
        counts.map(|others| program(&registry, &(hold(0) + &(0..others).map(unrelated).collect::<String>()))).into();
    let figures = measure(&registry, &programs);
    let base = figures[1][RUNS / 2].0;
    for (count, runs) in counts.iter().zip(&figures) {
        println!("{count:>10} {:>22} {:>+7.1} %", show(runs), (runs[RUNS / 2].0 / base - 1.0) * 100.0);
    }
}

fn registry(count: usize) -> Arc<Registry> {
    let sensors = (0..count).map(|index| Sensor {
        id: format!("110105003-L{index:07}"),
        domain: "drainage".to_owned(),
        point: None,
        interval: Millis::MINUTE,
        lateness: None,
        stale_after: None,
        cell: None,
        subdistrict: "110105003".to_owned(),
        district: "110105".to_owned(),
        downstream: None,
        in_service: true,
        attr: std::collections::BTreeMap::new(),
    });
    Arc::new(Registry::new(sensors.collect(), Metrics::seeded()))
}

/// A rule that sees every reading; its threshold is crossed by a few in a hundred.
fn hold(number: usize) -> String {
    let threshold = 0.96 + number as f64 / 1_000.0;
    format!(
        "  - {{ id: drainage.hold{number}, title: Hold, domain: drainage, each: sensor, severity: severe, \
         when: level_m > {threshold}, clear_when: level_m < 0.9, for: 5m }}\n"
    )
}

/// A rule about another metric of the same sensors, or about other sensors.
fn unrelated(number: usize) -> String {
    let (domain, metric) = if number.is_multiple_of(2) { ("drainage", "h2s_ppm") } else { ("air", "pm2_5_ugm3") };
    format!(
        "  - {{ id: {domain}.other{number}, title: Other, domain: {domain}, each: sensor, severity: minor, \
         when: {metric} > {} }}\n",
        1 + number % 50
    )
}

fn program(registry: &Arc<Registry>, rules: &str) -> Arc<Program> {
    let files = [("bench.yaml".to_owned(), format!("rules:\n{rules}"))];
    let rules: RuleSet = rules::check::load(&files, &Known::of(registry)).unwrap_or_else(|bad| panic!("{bad}")).rules;
    Arc::new(Program::compile(Arc::new(rules), Arc::clone(registry), rules::Settings::default()))
}

/// Nanoseconds a reading, CPU and wall, sorted, by program.
fn measure(registry: &Arc<Registry>, programs: &[Arc<Program>]) -> Vec<Vec<(f64, f64)>> {
    let mut figures = vec![Vec::new(); programs.len()];
    for _ in 0..RUNS {
        for (program, figures) in programs.iter().zip(&mut figures) {
            let (registry, program) = (Arc::clone(registry), Arc::clone(program));
            let (cpu, wall, readings) = timely::execute_directly(move |worker| {
                let mut bench = Bench::new(&registry, program);
                bench.run(worker)
            });
            figures.push((cpu / readings as f64, wall.as_secs_f64() * 1e9 / readings as f64));
        }
    }
    figures.iter_mut().for_each(|runs| runs.sort_by(|a, b| a.0.total_cmp(&b.0)));
    figures
}

fn show(runs: &[(f64, f64)]) -> String {
    format!("{:.0} ({:.0}–{:.0}) {:.0}", runs[RUNS / 2].0, runs[0].0, runs[RUNS - 1].0, runs[RUNS / 2].1)
}

/// CPU time of this thread in nanoseconds.
fn cpu_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

struct Bench {
    ids: Arc<Vec<String>>,
    engine: Option<Engine>,
    sensors: usize,
}

impl Bench {
    fn new(registry: &Registry, program: Arc<Program>) -> Bench {
        let partition = registry.sensors()[0].partition();
        let ids = Arc::new(registry.sensors().iter().map(|sensor| sensor.id.clone()).collect());
        Bench { ids, engine: Some(Engine::new(program, partition)), sensors: registry.sensors().len() }
    }

    /// The first round over all sensors is not measured: it makes the state.
    fn run(&mut self, worker: &mut timely::worker::Worker) -> (f64, Duration, usize) {
        let mut engine = self.engine.take().unwrap();
        let ids = Arc::clone(&self.ids);
        let mut input = worker.dataflow::<u64, _, _>(|scope| {
            let (input, readings) = scope.new_input::<Vec<(u32, i64, f64)>>();
            let mut offset = 0;
            readings.sink(Pipeline, "evaluator", move |(input, _)| {
                input.for_each_stamp(|_, containers| {
                    let mut out = Vec::new();
                    let mut group = Vec::with_capacity(Engine::GROUP);
                    for (sensor, time, value) in containers.flat_map(|container| container.drain(..)) {
                        let reading = Reading {
                            sensor: ids[sensor as usize].as_str().into(),
                            time: EventTime(time),
                            values: [("level_m".into(), value)].into_iter().collect(),
                            seq: None,
                        };
                        group.push((offset, Entry::Reading(reading)));
                        offset += 1;
                        if group.len() == Engine::GROUP {
                            engine.apply_all(&group, &mut out);
                            group.clear();
                        }
                    }
                    engine.apply_all(&group, &mut out);
                });
            });
            input
        });
        let rounds = (READINGS / self.sensors).max(3);
        let (mut began, mut cpu, mut epoch) = (Instant::now(), 0.0, 0);
        for round in 0..=rounds {
            if round == 1 {
                (began, cpu) = (Instant::now(), cpu_ns());
            }
            let mut batch = Vec::with_capacity(BATCH);
            for index in 0..self.sensors {
                // A step that shares no factor with the number of sensors visits each once, in no order.
                let sensor = (index * 611_953) % self.sensors;
                let value = ((index * 7_919 + round * 104_729) % 1_000) as f64 / 1_000.0;
                batch.push((sensor as u32, 1_767_542_400_000 + round as i64 * 60_000, value));
                if batch.len() == BATCH || index + 1 == self.sensors {
                    input.send_batch(&mut batch);
                    epoch += 1;
                    input.advance_to(epoch);
                    worker.step();
                }
            }
        }
        (cpu_ns() - cpu, began.elapsed(), rounds * self.sensors)
    }
}
