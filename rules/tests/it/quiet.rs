//! Many rules that compare the same with limits of their own: the production evaluator leaves the quiet ones alone, and
//! finds what the naive one finds, which looks at all of them, reading by reading and over a save and a change of rules.

use crate::text::START;
use crate::world::known;
use model::{Entry, EventTime, Metrics, Millis, PARTITIONS, Reading, Registry, Sensor, Transition, partition_of};
use proptest::prelude::*;
use rules::ast::RuleSet;
use rules::check::load;
use rules::engine::{Engine, Program};
use rules::naive::Naive;
use rules::{PartitionRules, Settings};
use std::sync::Arc;

const SENSORS: [&str; 2] = ["A", "B"];

/// One rule of many: what it compares, how, with which limit, and what it says of clearing.
type Comparing = (usize, usize, i32, usize);

fn rule(number: usize, (what, how, limit, clears): &Comparing) -> String {
    let what =
        ["level_m", "avg(level_m, '5m')", "max(level_m, '3m')", "delta(level_m, '4m')", "avg(flow_m3s, '5m')"][*what];
    let how = [">", ">=", "<", "<="][*how];
    let limit = f64::from(*limit) / 4.0;
    let clears =
        ["", ", for: 2m", ", clear_for: 3m", ", clear_when: level_m < 1", ", clear_when: 'avg(flow_m3s, \"3m\") < 1'"]
            [*clears];
    format!(
        "  - {{ id: r{number:02}, title: R, domain: drainage, each: sensor, severity: minor, when: \"{what} {how} {limit}\"{clears} }}\n"
    )
}

fn set(rules: &[Comparing]) -> RuleSet {
    let text: String = rules.iter().enumerate().map(|(number, one)| rule(number, one)).collect();
    let loaded = load(&[("r.yaml".to_owned(), format!("rules:\n{text}"))], &known());
    loaded.unwrap_or_else(|told| panic!("{told}\n{text}")).rules
}

fn registry() -> Arc<Registry> {
    let sensor = |id: &&str| -> Sensor {
        let json = serde_json::json!({ "id": id, "domain": "drainage", "interval": 60_000, "subdistrict": "S1" });
        serde_json::from_value(json).unwrap()
    };
    Arc::new(Registry::new(SENSORS.iter().map(sensor).collect(), Metrics::seeded()))
}

/// A reading: sensor, seconds since the one before, metrics, value in quarters.
type Step = (usize, i64, usize, i32);

fn entries(steps: &[Step]) -> Vec<Entry<'static>> {
    let mut clock = START;
    let mut entries = vec![Entry::Tick(clock)];
    for (sensor, seconds, metrics, value) in steps {
        let time = EventTime(clock.0 + seconds * 1_000);
        if time > clock {
            clock = time;
            entries.push(Entry::Tick(clock));
        }
        let value = f64::from(*value) / 4.0;
        let values = [&["level_m"][..], &["flow_m3s"], &["flow_m3s", "level_m"]][*metrics];
        let values = values.iter().map(|name| ((*name).into(), value)).collect();
        entries.push(Entry::Reading(Reading { sensor: SENSORS[*sensor].into(), time, values, seq: None }));
    }
    entries.push(Entry::Tick(clock + Millis::HOUR));
    entries
}

fn lines(transitions: &[Transition]) -> Vec<String> {
    transitions.iter().map(|one| serde_json::to_string(one).unwrap()).collect()
}

fn comparing() -> impl Strategy<Value = Comparing> {
    (0..5_usize, 0..4_usize, -2..9_i32, 0..5_usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]
    #[test]
    fn quiet_rules_say_what_they_would_say_if_looked_at(
        rules in prop::collection::vec(comparing(), 4..14),
        steps in prop::collection::vec((0..2_usize, -90..150_i64, 0..3_usize, 0..9_i32), 1..40),
        cut in 0..40_usize,
    ) {
        let (registry, partition) = (registry(), partition_of(b"S1", PARTITIONS));
        let set = set(&rules);
        let program = Program::compile(Arc::new(set.clone()), Arc::clone(&registry), Settings::default());
        let program = Arc::new(program);
        let mut engine = Engine::new(Arc::clone(&program), partition);
        let mut naive = Naive::new(&set, registry, Settings::default(), partition);
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for (offset, entry) in entries(&steps).iter().enumerate() {
            if offset == cut {
                let mut bytes = Vec::new();
                engine.snapshot(&mut bytes);
                engine = Engine::restore(Arc::clone(&program), partition, &bytes).unwrap();
                // The same rules again are no change.
                engine.reload(Arc::clone(&program), offset as u64, START, &mut found);
            }
            engine.apply(offset as u64, entry, &mut found);
            naive.apply(offset as u64, entry, &mut expected);
        }
        prop_assert_eq!(lines(&found), lines(&expected));
    }
}
